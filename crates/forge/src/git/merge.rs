//! Merging: a commit is made that no branch has, and then the branch is moved onto it, if it is still where it was.
//!
//! Beside the branch, a ref of the pull request's own says that it was merged, in the same step: so whoever was
//! interrupted can read in the repository whether it happened, and nothing is merged twice.

use crate::Method;
use crate::git::{Bare, Branch, Commit, Hand, Trouble};

/// A commit that was made to be the new tip of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// It is this one.
    Commit(Commit),
    /// The two sides do not go together.
    Conflict,
    /// The base has everything already.
    Nothing,
    /// Its commits cannot be made anew, for this reason; another method may do.
    Unfit(&'static str),
}

/// Where a pull request is to be merged.
#[derive(Debug, Clone, Copy)]
pub struct Land<'a> {
    /// Below which refs what is known of the pull request is kept, such as `refs/gapwright/ID/7`.
    pub record: &'a str,
    /// The branch with the change.
    pub head: &'a Branch,
    /// The commit that must be at its tip.
    pub head_commit: &'a Commit,
    /// The branch to move.
    pub base: &'a Branch,
    /// The commit that must be at its tip.
    pub base_commit: &'a Commit,
    /// The commit to move it onto.
    pub onto: &'a Commit,
}

impl Bare {
    /// The tree of both sides together; none when they do not go together.
    pub async fn merged_tree(&self, base: &Commit, head: &Commit) -> Result<Option<String>, Trouble> {
        self.tree_of(self.call("merge-tree").arg("--write-tree"), base, head).await
    }

    /// Makes the commit that merges `head` into `base`. Nothing moves yet.
    pub async fn make_merge(
        &self,
        method: Method,
        base: &Commit,
        head: &Commit,
        hand: &Hand,
        title: &str,
    ) -> Result<Made, Trouble> {
        if self.is_ancestor(head, base).await? {
            return Ok(Made::Nothing);
        }
        let parents: &[&Commit] = match method {
            Method::Rebase => return self.make_rebase(base, head, hand).await,
            Method::Merge => &[base, head],
            Method::Squash => &[base],
        };
        let Some(tree) = self.merged_tree(base, head).await? else { return Ok(Made::Conflict) };
        let message = format!("{}\n", title.trim_end());
        self.commit_tree(&tree, parents, hand, message.as_bytes()).await.map(Made::Commit)
    }

    /// Moves the base onto the commit; false, and nothing moves, when a branch is not where it was or the pull request
    /// is merged already.
    pub async fn land(&self, land: Land<'_>) -> Result<bool, Trouble> {
        let Land { record, head, head_commit, base, base_commit, onto } = land;
        let (head, head_commit) = (head.as_ref_name(), head_commit.as_str());
        let (base, base_commit, onto) = (base.as_ref_name(), base_commit.as_str(), onto.as_str());
        let orders = format!(
            "create {record}/merged {onto}\nverify {head} {head_commit}\nupdate {base} {onto} {base_commit}\n\
             update {record}/head {head_commit}\nupdate {record}/base {base_commit}\n"
        );
        self.move_refs(&orders).await
    }

    /// Keeps a commit that a pull request ended at, though its branch be deleted.
    pub async fn keep(&self, record: &str, head: &Commit) -> Result<(), Trouble> {
        let kept = self.move_refs(&format!("update {record}/head {}\n", head.as_str())).await?;
        if kept { Ok(()) } else { Err(Trouble::Failed(format!("{record}/head could not be written"))) }
    }

    /// The tree that `merge-tree` makes of two commits.
    pub(super) async fn tree_of(
        &self,
        call: super::Call,
        base: &Commit,
        head: &Commit,
    ) -> Result<Option<String>, Trouble> {
        let call = call.args(["-z", "--no-messages", "--name-only", "--end-of-options"]);
        let told = call.args([base.as_str(), head.as_str()]).told().await?;
        match told.code {
            0 => {
                let tree = told.out.split(|byte| *byte == 0).next().unwrap_or_default();
                Commit::parse(&String::from_utf8_lossy(tree)).map(|tree| Some(tree.as_str().to_owned()))
            }
            1 => Ok(None),
            _ => Err(told.trouble()),
        }
    }
}
