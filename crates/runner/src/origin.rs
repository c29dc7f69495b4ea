//! Where the repository is that a runner works on: on a forge, or in a folder of this machine.
//!
//! Only where git finds it is asked for. What is written about a change there is the server's to write.

use std::path::PathBuf;
use std::sync::Arc;

use forge::git::{Bare, Commit, Trouble};
use forge::{Fault, Forge, Remote};

/// Below which name branches are.
const BRANCHES: &str = "refs/heads";

/// A repository.
#[derive(Debug, Clone)]
pub enum Origin {
    /// On a forge that tells git's address and a fresh credential.
    Forge(Arc<dyn Forge>),
    /// A bare repository in a folder of this machine.
    Folder(PathBuf),
}

impl Origin {
    /// Where git finds it now.
    pub(crate) async fn remote(&self) -> Result<Remote, Fault> {
        match self {
            Self::Forge(forge) => forge.remote().await,
            Self::Folder(folder) => Ok(Remote { url: folder.display().to_string(), credential: None, pulls: None }),
        }
    }

    /// A branch at this commit: that of an open pull request, or one in the folder.
    pub(crate) async fn branch_at(&self, head: &Commit) -> Result<Option<String>, Fault> {
        match self {
            Self::Forge(forge) => {
                let pulls = forge.pulls().await?;
                Ok(pulls
                    .into_iter()
                    .map(|pull| pull.head)
                    .find(|side| side.commit == head.as_str())
                    .map(|side| side.branch))
            }
            Self::Folder(folder) => {
                let bare = Bare::existing(folder).await.map_err(later)?;
                let found = bare.refs(&[BRANCHES]).await.map_err(later)?;
                let mut at = found.iter().filter(|(_, commit)| *commit == head.as_str()).map(|(name, _)| name);
                Ok(at.find_map(|name| name.strip_prefix(BRANCHES)?.strip_prefix('/')).map(str::to_owned))
            }
        }
    }

    /// The branch that changes are merged into.
    pub(crate) async fn default_branch(&self) -> Result<String, Fault> {
        match self {
            Self::Forge(forge) => Ok(forge.repository().await?.default_branch),
            Self::Folder(folder) => {
                let bare = Bare::existing(folder).await.map_err(later)?;
                bare.default_branch().await.map_err(later)
            }
        }
    }
}

fn later(trouble: Trouble) -> Fault {
    let why = match trouble {
        Trouble::Program(why) | Trouble::Folder(why) | Trouble::Foreign(why) => return refused(why),
        Trouble::Name(_) | Trouble::Missing(_) | Trouble::Failed(_) | Trouble::Late(_) | Trouble::TooMuch(_) => {
            trouble.to_string()
        }
    };
    Fault::Later { why, after: None }
}

fn refused(why: String) -> Fault {
    Fault::Refused { why, next: "check forge.git".to_owned() }
}
