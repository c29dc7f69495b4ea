//! Taking a merge back: a commit is made that nobody has yet. Whoever asked for it pushes it.

use crate::broker::{Broker, Trouble};
use crate::git::{Commit, Hand};

impl Broker {
    /// The commit on which one was made that takes something back; none where it has not exactly one.
    pub async fn reverted_on(&self, commit: &Commit) -> Result<Option<Commit>, Trouble> {
        let found = self.parents(&["--max-count=1"], commit, &[]).await?;
        let [(_, parents)] = found.as_slice() else { return Ok(None) };
        let [parent] = parents.as_slice() else { return Ok(None) };
        Ok(Commit::parse(parent).ok())
    }

    /// Makes the commit upon `tip` that takes back what lies between `parent` and `merge`; none when what came later is in
    /// its way, or there is nothing to take back any more.
    pub async fn revert(
        &self,
        merge: &Commit,
        parent: &Commit,
        tip: &Commit,
        hand: &Hand,
        message: &str,
    ) -> Result<Option<Commit>, Trouble> {
        for commit in [merge, parent, tip] {
            self.must_have(commit).await?;
        }
        let Some(tree) = self.carried_over(tip, merge, parent).await? else { return Ok(None) };
        if tree == self.bare.tree(tip).await? {
            return Ok(None);
        }
        let message = format!("{}\n", message.trim_end());
        Ok(Some(self.bare.commit_tree(&tree, &[tip], hand, message.as_bytes()).await?))
    }

    /// The tree of `tip` with what lies between two commits done to it, too; none when that does not go together.
    pub(super) async fn carried_over(
        &self,
        tip: &Commit,
        from: &Commit,
        to: &Commit,
    ) -> Result<Option<String>, Trouble> {
        let base = format!("--merge-base={}", from.as_str());
        let call = self.call("merge-tree").args(["--write-tree", &base]);
        Ok(self.bare.tree_of(call, tip, to).await?)
    }
}
