//! Where the repository is that a runner works on: on a forge, or in a folder of this machine.
//!
//! Only where git finds it is asked for. What is written about a change there is the server's to write.

use std::path::PathBuf;
use std::sync::Arc;

use forge::git::Bare;
use forge::{Fault, Forge, Remote};

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
            Self::Folder(folder) => Ok(Remote { url: folder.display().to_string(), credential: None }),
        }
    }

    /// The branch that changes are merged into.
    pub(crate) async fn default_branch(&self) -> Result<String, Fault> {
        let later = |trouble: forge::git::Trouble| Fault::Later { why: trouble.to_string(), after: None };
        match self {
            Self::Forge(forge) => Ok(forge.repository().await?.default_branch),
            Self::Folder(folder) => {
                let bare = Bare::existing(folder).await.map_err(later)?;
                bare.default_branch().await.map_err(later)
            }
        }
    }
}
