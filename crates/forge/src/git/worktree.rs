//! Worktrees: folders in which somebody works on a branch.
//!
//! Whoever may write such a folder may write what it shares with the repository. They are for us and for people, never
//! for an agent that is not trusted with the repository itself.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use tokio::fs;

use crate::git::{Bare, Branch, Commit, Trouble};

/// Why git locks a worktree that it has begun to make.
const BEGUN: &str = "initializing";

/// What a worktree shows at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At<'a> {
    /// A branch, which moves with what is committed there. No two worktrees have the same.
    Branch(&'a Branch),
    /// A commit, and no branch.
    Commit(&'a Commit),
}

impl Bare {
    /// Adds a worktree in a folder that is not there yet or empty.
    pub async fn worktree_add(&self, at: At<'_>, folder: &Path) -> Result<(), Trouble> {
        let call = self.call("worktree").args(["add", "--quiet"]);
        let (call, what) = match at {
            At::Branch(branch) => {
                if self.tip(branch).await?.is_none() {
                    return Err(Trouble::Missing(format!("the branch {}", branch.as_str())));
                }
                (call, branch.as_str())
            }
            At::Commit(commit) => (call.arg("--detach"), commit.as_str()),
        };
        let call = call.arg("--").arg(absolute(folder)?).arg(what).fills_a_folder();
        let alone = Arc::clone(&self.worktrees).lock_owned().await;
        self.forget_gone().await?;
        // Half a worktree is locked against everybody. So it is made to its end, and nobody else makes one meanwhile.
        let made = tokio::spawn(async move {
            let made = call.unbroken().await;
            drop(alone);
            made
        });
        made.await.unwrap_or_else(|_| Err(Trouble::Late("worktree".to_owned())))?.well().map(drop)
    }

    /// Removes a worktree with everything in its folder, committed or not, and though it was never whole.
    pub async fn worktree_remove(&self, folder: &Path) -> Result<(), Trouble> {
        let call = self.call("worktree").args(["remove", "--force", "--force", "--"]).arg(absolute(folder)?);
        let _alone = self.worktrees.lock().await;
        call.done().await
    }

    /// Forgets worktrees whose folders are gone.
    pub async fn worktree_prune(&self) -> Result<(), Trouble> {
        let _alone = self.worktrees.lock().await;
        self.forget_gone().await
    }

    async fn forget_gone(&self) -> Result<(), Trouble> {
        let listed = self.folder.join("worktrees");
        let why = |error: std::io::Error| Trouble::Failed(format!("{} cannot be read: {error}", listed.display()));
        let mut entries = match fs::read_dir(&listed).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(why(error)),
        };
        while let Some(entry) = entries.next_entry().await.map_err(why)? {
            unlock_if_gone(&entry.path()).await;
        }
        self.call("worktree").args(["prune", "--expire=now"]).done().await
    }
}

/// Takes git's own lock from a worktree that was to be made, when its folder is gone: whoever made it was killed. What
/// cannot be read stays as it is.
async fn unlock_if_gone(entry: &Path) {
    let lock = entry.join("locked");
    let locked = fs::read_to_string(&lock).await;
    if locked.is_ok_and(|reason| reason.trim() == BEGUN) {
        let leads = fs::read_to_string(entry.join("gitdir")).await.unwrap_or_default();
        if leads.is_empty() || fs::try_exists(leads.trim_end()).await.is_ok_and(|there| !there) {
            drop(fs::remove_file(&lock).await);
        }
    }
}

fn absolute(folder: &Path) -> Result<&Path, Trouble> {
    let why = || Trouble::Folder(format!("{} does not begin at the root", folder.display()));
    folder.is_absolute().then_some(folder).ok_or_else(why)
}
