//! Worktrees: folders in which somebody works on a branch.
//!
//! Whoever may write such a folder may write what it shares with the repository. They are for us and for people, never
//! for an agent that is not trusted with the repository itself.

use std::path::Path;

use crate::git::{Bare, Branch, Commit, Trouble};

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
        let call = call.arg("--").arg(absolute(folder)?).arg(what);
        let _alone = self.worktrees.lock().await;
        call.done().await
    }

    /// Removes a worktree with everything in its folder, committed or not.
    pub async fn worktree_remove(&self, folder: &Path) -> Result<(), Trouble> {
        let call = self.call("worktree").args(["remove", "--force", "--"]).arg(absolute(folder)?);
        let _alone = self.worktrees.lock().await;
        call.done().await
    }

    /// Forgets worktrees whose folders are gone.
    pub async fn worktree_prune(&self) -> Result<(), Trouble> {
        let _alone = self.worktrees.lock().await;
        self.call("worktree").args(["prune", "--expire=now"]).done().await
    }
}

fn absolute(folder: &Path) -> Result<&Path, Trouble> {
    let why = || Trouble::Folder(format!("{} does not begin at the root", folder.display()));
    folder.is_absolute().then_some(folder).ok_or_else(why)
}
