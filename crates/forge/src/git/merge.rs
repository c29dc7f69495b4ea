//! Merging: a commit is made that no branch has, and then the branch is moved onto it, if it is still where it was.
//!
//! Beside the branch, a ref of the pull request's own says as what it is merged, and another from where the branch moves.
//! Git does all or none of it as long as it lives; when it is killed, or the machine is, while it does, some may be there
//! and the rest not, as it writes one file after another. The branch is the last of them. So whoever looks later can tell
//! whether it happened, and finish it if nobody has moved the branch since.

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
    /// is merged already. When it fails, it is not known whether some of it was done.
    pub async fn land(&self, land: Land<'_>) -> Result<bool, Trouble> {
        let Land { record, head, head_commit, base, base_commit, onto } = land;
        let (head, head_commit) = (head.as_ref_name(), head_commit.as_str());
        let (base, base_commit, onto) = (base.as_ref_name(), base_commit.as_str(), onto.as_str());
        let orders = format!(
            "update {record}/head {head_commit}\nupdate {record}/base {base_commit}\ncreate {record}/merged {onto}\n\
             verify {head} {head_commit}\nupdate {base} {onto} {base_commit}\n"
        );
        self.move_refs(&orders).await
    }

    /// Does what is left of a landing that was broken off; false, and nothing moves, when the base is not where it was.
    pub async fn finish(&self, base: &Branch, base_commit: &Commit, onto: &Commit) -> Result<bool, Trouble> {
        let order = format!("update {} {} {}\n", base.as_ref_name(), onto.as_str(), base_commit.as_str());
        self.move_refs(&order).await
    }

    /// Forgets that a pull request was merged as this commit.
    pub async fn forget(&self, record: &str, onto: &Commit) -> Result<(), Trouble> {
        // Somebody else may have done so, and merged it since.
        self.move_refs(&format!("delete {record}/merged {}\n", onto.as_str())).await.map(drop)
    }

    /// Keeps the head of a pull request that begins, and nothing of another that had its number.
    pub async fn begin(&self, record: &str, head: &Commit) -> Result<(), Trouble> {
        let head = head.as_str();
        self.moved(&format!("update {record}/head {head}\ndelete {record}/merged\ndelete {record}/base\n")).await
    }

    /// Keeps a commit that a pull request ended at, though its branch be deleted.
    pub async fn keep(&self, record: &str, head: &Commit) -> Result<(), Trouble> {
        self.moved(&format!("update {record}/head {}\n", head.as_str())).await
    }

    /// The tree that `merge-tree` makes of two commits.
    pub(crate) async fn tree_of(
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
