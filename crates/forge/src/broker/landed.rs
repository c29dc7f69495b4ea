//! How a pull request was merged, as our own git finds it: whether what is on the base is what was approved, and nothing else.
//!
//! The forge's word is taken for which commits they are, and for nothing that can be seen in them.

use crate::broker::inspect::PATCH_BYTES_MAX;
use crate::broker::{Broker, Remote, Source, Trouble};
use crate::git::{Branch, Call, Commit, lines};

/// How many commits a head may have that the approved one has not.
const COMMITS_MAX: usize = 250;

/// How much is read of the message of the merge, in bytes.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// A merge as the forge tells it.
#[derive(Debug, Clone, Copy)]
pub struct Landing<'a> {
    /// The number of the pull request.
    pub number: i64,
    /// The branch that it was merged into.
    pub base: &'a Branch,
    /// The commit that it was merged as.
    pub merge: &'a Commit,
    /// The head that was approved.
    pub approved: &'a Commit,
    /// The head that was merged.
    pub head: &'a Commit,
}

/// What our own git finds of a merge. It is what was approved exactly where the head is the approved one and the tree is the
/// expected one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// The tree of the merge.
    pub tree: String,
    /// Where the base was before: the first parent, or behind all the commits that a rebase made.
    pub parent: Commit,
    /// What comes of merging the approved commit there.
    pub expected: Expected,
    /// Whether the base has the merge.
    pub on_base: bool,
    /// Whether the head is the approved commit or comes after it.
    pub descends: bool,
    /// How many commits the head has that neither the approved one nor the base had, and that are not merges of two.
    pub own: usize,
    /// How many of them are merges of two.
    pub merges: usize,
    /// Whether the merge changes, line by line, what the approved commit changes since its way parted from the base, wherever
    /// those lines are by now.
    pub same_content: bool,
    /// The message of the merge, cut at its bound.
    pub message: String,
}

/// What comes of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// This tree.
    Tree(String),
    /// The two do not go together: somebody has settled it by hand.
    Conflict,
}

impl Broker {
    /// What became of an approved commit; none where a commit cannot be had any more, or there is more than is looked at:
    /// whoever asks does not know.
    pub async fn landed(&self, remote: &Remote, landing: Landing<'_>) -> Result<Option<Landed>, Trouble> {
        let Landing { number, base, merge, approved, head } = landing;
        let there = self.fetch(remote, &[Source::Branch(base.clone()), Source::Pull(number)]).await?;
        let Some(tip) = there.into_iter().next().flatten() else { return Ok(None) };
        for commit in [merge, approved, head] {
            if !self.brought(remote, commit).await? {
                return Ok(None);
            }
        }
        let tree = self.bare.tree(merge).await?;
        let Some((parent, expected)) = self.before(merge, approved, head, &tree).await? else { return Ok(None) };
        let Some((own, merges)) = self.beyond(approved, head, &parent).await? else { return Ok(None) };
        let Some(same_content) = self.same_content(merge, approved, &parent).await? else { return Ok(None) };
        Ok(Some(Landed {
            tree,
            expected,
            on_base: self.bare.is_ancestor(merge, &tip).await?,
            descends: self.bare.is_ancestor(approved, head).await?,
            own,
            merges,
            same_content,
            message: self.message_of(merge).await?,
            parent,
        }))
    }

    /// Where the base was before a merge, and what was to come of it there; none for a commit that begins a history.
    ///
    /// The commits of a rebase come first: all but the last are in its first parent, and so that would do for the last alone.
    async fn before(
        &self,
        merge: &Commit,
        approved: &Commit,
        head: &Commit,
        tree: &str,
    ) -> Result<Option<(Commit, Expected)>, Trouble> {
        let (_, parents) = self.parents(&["--max-count=1"], merge, &[]).await?.pop().unwrap_or_default();
        let Some(first) = parents.first() else { return Ok(None) };
        let rebased = if parents.len() == 1 { self.rebased(merge, head, COMMITS_MAX).await? } else { None };
        let mut found = Vec::new();
        for parent in rebased.into_iter().chain([Commit::parse(first)?]) {
            let expected = self.expected(&parent, approved).await?;
            found.push((parent, expected));
        }
        let fits = |(_, expected): &(Commit, Expected)| match expected {
            Expected::Tree(expected) => expected == tree,
            Expected::Conflict => false,
        };
        let place = found.iter().position(fits).unwrap_or(0);
        Ok(Some(found.swap_remove(place)))
    }

    /// What comes of merging a commit there. What has nothing in common does not go together.
    async fn expected(&self, parent: &Commit, approved: &Commit) -> Result<Expected, Trouble> {
        if self.bare.merge_base(parent, approved).await?.is_none() {
            return Ok(Expected::Conflict);
        }
        let call = self.call("merge-tree").arg("--write-tree");
        let tree = self.bare.tree_of(call, parent, approved).await?;
        Ok(tree.map_or(Expected::Conflict, Expected::Tree))
    }

    /// How many commits the head has that neither the approved one nor the base has, merges of two apart; none where there
    /// are too many.
    async fn beyond(
        &self,
        approved: &Commit,
        head: &Commit,
        parent: &Commit,
    ) -> Result<Option<(usize, usize)>, Trouble> {
        let most = format!("--max-count={}", COMMITS_MAX + 1);
        let extra = self.parents(&[&most], head, &[approved, parent]).await?;
        if extra.len() > COMMITS_MAX {
            return Ok(None);
        }
        let merges = extra.iter().filter(|(_, parents)| parents.len() == 2).count();
        Ok(Some((extra.len() - merges, merges)))
    }

    /// Commits from one on that others have not, with their parents.
    pub(super) async fn parents(
        &self,
        says: &[&str],
        from: &Commit,
        without: &[&Commit],
    ) -> Result<Vec<(String, Vec<String>)>, Trouble> {
        let call = says.iter().fold(self.call("rev-list").arg("--parents"), Call::arg);
        let call = call.args(["--end-of-options", from.as_str()]);
        let call = without.iter().fold(call, |call, without| call.arg(format!("^{}", without.as_str())));
        let told = call.text().await?;
        let ids = |line: &str| {
            let mut ids = line.split_ascii_whitespace().map(str::to_owned);
            Some((ids.next()?, ids.collect()))
        };
        Ok(lines(&told).filter_map(ids).collect())
    }

    /// Whether a merge changes what the approved commit changes; none where there is more than is compared.
    async fn same_content(&self, merge: &Commit, approved: &Commit, parent: &Commit) -> Result<Option<bool>, Trouble> {
        let Some(parted) = self.bare.merge_base(parent, approved).await? else { return Ok(Some(false)) };
        let mut ids = Vec::new();
        for (from, to) in [(parent, merge), (&parted, approved)] {
            let (patch, more) = self.compare(&["--patch", "--full-index"], from, to).beginning(PATCH_BYTES_MAX).await?;
            if more {
                return Ok(None);
            }
            // To the blank: where it stands may be what a line means.
            let told = self.call("patch-id").arg("--verbatim").input(patch).text().await?;
            ids.push(told.split(' ').next().unwrap_or_default().to_owned());
        }
        Ok(Some(ids[0] == ids[1]))
    }

    /// What a commit says, cut at its bound.
    async fn message_of(&self, commit: &Commit) -> Result<String, Trouble> {
        let call = self.call("log").args(["--max-count=1", "--no-color", "--no-notes", "--no-decorate"]);
        let call = call.args(["--encoding=UTF-8", "--format=%B", "--end-of-options", commit.as_str()]);
        let (told, _) = call.beginning(MESSAGE_BYTES_MAX).await?;
        Ok(String::from_utf8_lossy(&told).trim_end().to_owned())
    }
}
