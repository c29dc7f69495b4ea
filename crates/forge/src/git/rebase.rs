//! Making the commits of a branch anew on another: each is merged from its own parent, so that no worktree is needed.

use crate::git::run::lines;
use crate::git::{Bare, Commit, Hand, Made, Person, Trouble};

/// The most commits that are made anew: GitHub's bound for this way of merging.
const COMMITS_MAX: usize = 100;

/// Git's words for what it does not write into a commit.
const UNWRITTEN: [&str; 4] = ["disallowed characters", "empty ident name", "invalid date format", "a NUL byte"];

/// A commit to be made anew.
struct Old {
    parent: Commit,
    author: Person,
    /// When it was written, as git wrote it.
    date: String,
    message: String,
}

impl Bare {
    /// Makes the commits that `head` has and `base` has not anew on `base`, merges left out, as is everything that
    /// changes nothing there. Authors stay.
    pub(super) async fn make_rebase(&self, base: &Commit, head: &Commit, hand: &Hand) -> Result<Made, Trouble> {
        let range = format!("{}..{}", base.as_str(), head.as_str());
        let most = format!("--max-count={}", COMMITS_MAX + 1);
        let call = self.call("rev-list").args(["--topo-order", "--reverse", "--no-merges", &most]);
        let told = call.args(["--end-of-options", &range]).text().await?;
        let ids = lines(&told).map(Commit::parse).collect::<Result<Vec<_>, _>>()?;
        if ids.len() > COMMITS_MAX {
            return Ok(Made::Unfit("it has more than 100 commits"));
        }
        let mut onto = base.clone();
        let mut onto_tree = self.tree(&onto).await?;
        for id in ids {
            let Some(old) = self.old(&id).await? else {
                return Ok(Made::Unfit("it has a commit that comes from nowhere"));
            };
            let base = format!("--merge-base={}", old.parent.as_str());
            let call = self.call("merge-tree").args(["--write-tree", &base]);
            let Some(tree) = self.tree_of(call, &onto, &id).await? else { return Ok(Made::Conflict) };
            if tree == onto_tree {
                continue;
            }
            let Some(new) = self.anew(&old, &tree, &onto, hand).await? else {
                return Ok(Made::Unfit("it has a commit with an author, a date or words that git does not write"));
            };
            onto = new;
            onto_tree = tree;
        }
        Ok(if onto == *base { Made::Nothing } else { Made::Commit(onto) })
    }

    /// None when git reads such a commit and yet makes none.
    async fn anew(&self, old: &Old, tree: &str, onto: &Commit, hand: &Hand) -> Result<Option<Commit>, Trouble> {
        let now = format!("@{} +0000", hand.at.0.max(0) / 1_000);
        let call = self.call("commit-tree").args(["-F", "-", "-p", onto.as_str()]).arg(tree);
        let call = call.person("AUTHOR", &old.author, &format!("@{}", old.date));
        let call = call.person("COMMITTER", &hand.committer, &now).input(old.message.clone().into_bytes());
        let told = call.told().await?;
        let unwritten = |said: String| UNWRITTEN.iter().any(|words| said.contains(words));
        match told.code {
            0 => Commit::parse(told.text()?.trim_end()).map(Some),
            1 | 128 if told.complaint().is_some_and(unwritten) => Ok(None),
            _ => Err(told.trouble()),
        }
    }

    /// The tree of a commit.
    pub(crate) async fn tree(&self, commit: &Commit) -> Result<String, Trouble> {
        let asked = format!("{}^{{tree}}", commit.as_str());
        Ok(self.call("rev-parse").args(["--verify", "--end-of-options", &asked]).text().await?.trim_end().to_owned())
    }

    /// What is needed of a commit; none when it has no parent.
    async fn old(&self, id: &Commit) -> Result<Option<Old>, Trouble> {
        let call = self.call("log").args(["--max-count=1", "--no-color", "--no-notes", "--date=raw"]);
        let call = call.args(["--encoding=UTF-8", "--format=%P%n%an%n%ae%n%ad%n%B", "--end-of-options", id.as_str()]);
        let told = String::from_utf8_lossy(&call.out().await?).into_owned();
        let mut parts = told.splitn(5, '\n');
        let mut next = || parts.next().unwrap_or_default().to_owned();
        let (parent, name, email, date) = (next(), next(), next(), next());
        if parent.is_empty() {
            return Ok(None);
        }
        let message = format!("{}\n", next().trim_end());
        // Git makes no commit without a name, though it has some.
        let name = if name.trim().is_empty() { "unknown".to_owned() } else { name };
        Ok(Some(Old { parent: Commit::parse(&parent)?, author: Person { name, email }, date, message }))
    }
}
