//! The git program on a bare repository of our own: branches, differences, merges, worktrees.
//!
//! Never for a repository whose folder somebody else may write, such as an agent's: its configuration alone would run
//! programs. Nothing is fetched and nothing is pushed (see [`crate::broker`]), and a branch moves only from where it was
//! seen to be.

mod diff;
mod merge;
mod name;
mod open;
mod rebase;
mod run;
mod tree;
mod worktree;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::time::Time;
use tokio::sync::Mutex;

pub use merge::{Land, Made};
pub use name::{Branch, Commit};
pub use worktree::At;

pub(crate) use run::{Call, Told, lines};

/// Below which refs we put down what we know. Nobody who pushes may write there.
pub const RECORDS: &str = "refs/gapwright";

/// Why git did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// There is no git, or an old one.
    #[error("{0}")]
    Program(String),
    /// The folder is no bare repository, or cannot be made one.
    #[error("{0}")]
    Folder(String),
    /// The repository is not ours alone, and so git would run what somebody else wrote there.
    #[error("{0}")]
    Foreign(String),
    /// A name is none that git takes.
    #[error("{0}")]
    Name(String),
    /// There is no such repository, branch, commit or file.
    #[error("{0} is not there")]
    Missing(String),
    /// Git failed, and nothing has changed, but perhaps where refs were to move: see [`Bare::land`].
    #[error("{0}")]
    Failed(String),
    /// Git was killed, or still at work when its time was up: whether it did it is not known.
    #[error("git {0} did not end, or not in time")]
    Late(String),
    /// It had more to say than is read.
    #[error("git {0} says more than is read")]
    TooMuch(String),
}

/// Somebody in a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// Who makes a commit, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hand {
    /// Whose change it is.
    pub author: Person,
    /// Who puts it there.
    pub committer: Person,
    /// When, as the store's clock says.
    pub at: Time,
}

/// A bare repository of our own. A clone is the same.
#[derive(Debug, Clone)]
pub struct Bare {
    folder: PathBuf,
    /// Worktrees are added one at a time: git numbers their folders.
    worktrees: Arc<Mutex<()>>,
}

impl Bare {
    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The branch that others are merged into.
    pub async fn default_branch(&self) -> Result<String, Trouble> {
        Ok(self.call("symbolic-ref").args(["--short", "HEAD"]).text().await?.trim_end().to_owned())
    }

    /// The commit at the tip of a branch.
    pub async fn tip(&self, branch: &Branch) -> Result<Option<Commit>, Trouble> {
        self.commit_at(&branch.as_ref_name()).await
    }

    /// Every ref below these names, or of exactly these names, with the commit that it is at; not what has a name that is
    /// no text. Fails when one of them is broken: to leave it out would be to say that it is gone.
    pub async fn refs(&self, names: &[&str]) -> Result<HashMap<String, String>, Trouble> {
        if names.is_empty() {
            // Git would tell all of them.
            return Ok(HashMap::new());
        }
        // By its input, as there may be more names than a command can have.
        let call = self.call("for-each-ref").args(["--format=%(objectname) %(refname)", "--stdin"]);
        let told = call.input(names.join("\n").into_bytes()).told().await?;
        if told.code != 0 || told.complaint().is_some() {
            return Err(told.trouble());
        }
        let lines = told.out.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let named = lines.filter_map(|line| line.split_once(' '));
        Ok(named.map(|(commit, name)| (name.to_owned(), commit.to_owned())).collect())
    }

    /// Puts down a ref that says nothing but that it is there.
    pub async fn mark(&self, name: &str) -> Result<(), Trouble> {
        let order = format!("update {name} {}\n", self.empty_tree().await?);
        self.moved(&order).await
    }

    /// The commit with this id, if it is here.
    pub async fn find(&self, commit: &Commit) -> Result<Option<Commit>, Trouble> {
        self.commit_at(commit.as_str()).await
    }

    /// Whether a commit is `of` or among those before it.
    pub async fn is_ancestor(&self, commit: &Commit, of: &Commit) -> Result<bool, Trouble> {
        let call = self.call("merge-base").args(["--is-ancestor", "--end-of-options", commit.as_str(), of.as_str()]);
        call.yes_or_no().await
    }

    /// Where the ways to two commits parted; none when they have nothing in common.
    pub async fn merge_base(&self, one: &Commit, other: &Commit) -> Result<Option<Commit>, Trouble> {
        let told = self.call("merge-base").args(["--end-of-options", one.as_str(), other.as_str()]).told().await?;
        match told.code {
            0 => Commit::parse(told.text()?.trim_end()).map(Some),
            1 => Ok(None),
            _ => Err(told.trouble()),
        }
    }

    pub(crate) async fn commit_at(&self, name: &str) -> Result<Option<Commit>, Trouble> {
        let asked = format!("{name}^{{commit}}");
        let told = self.call("rev-parse").args(["--verify", "--quiet", "--end-of-options", &asked]).told().await?;
        match told.code {
            0 => Commit::parse(told.text()?.trim_end()).map(Some),
            // Of what is not there it says nothing.
            1 if told.complaint().is_none() => Ok(None),
            _ => Err(told.trouble()),
        }
    }

    /// A tree with nothing in it.
    pub(crate) async fn empty_tree(&self) -> Result<String, Trouble> {
        Ok(self.call("mktree").text().await?.trim_end().to_owned())
    }

    /// A commit of a tree, which no branch has yet.
    pub(crate) async fn commit_tree(
        &self,
        tree: &str,
        parents: &[&Commit],
        hand: &Hand,
        message: &[u8],
    ) -> Result<Commit, Trouble> {
        commit_tree(self.call("commit-tree"), tree, parents, hand, message).await
    }

    /// Does all of these orders to refs or none, one after another when all can be done; false when none, since a ref is
    /// not as it was said to be. It is not broken off though nobody waits for it any more.
    pub(crate) async fn move_refs(&self, orders: &str) -> Result<bool, Trouble> {
        let call = self.call("update-ref").args(["--no-deref", "--stdin"]).input(orders.as_bytes().to_vec());
        let told = call.unbroken().await?;
        match told.code {
            0 => Ok(true),
            -1 => Err(Trouble::Late("update-ref".to_owned())),
            _ if told.complaint().is_some_and(|said| is_elsewhere(&said)) => Ok(false),
            _ => Err(told.trouble()),
        }
    }

    /// The same for orders that are to be done wherever refs are.
    pub(crate) async fn moved(&self, orders: &str) -> Result<(), Trouble> {
        let moved = self.move_refs(orders).await?;
        if moved { Ok(()) } else { Err(Trouble::Failed("git update-ref found a ref elsewhere".to_owned())) }
    }

    pub(crate) fn call(&self, verb: &'static str) -> Call {
        Call::new(&self.folder, verb)
    }
}

/// The commit that such a call makes of a tree.
pub(crate) async fn commit_tree(
    call: Call,
    tree: &str,
    parents: &[&Commit],
    hand: &Hand,
    message: &[u8],
) -> Result<Commit, Trouble> {
    let date = format!("@{} +0000", hand.at.0.max(0) / 1_000);
    let mut call = call.args(["-F", "-"]).input(message.to_owned());
    for parent in parents {
        call = call.args(["-p", parent.as_str()]);
    }
    let call = call.person("AUTHOR", &hand.author, &date).person("COMMITTER", &hand.committer, &date);
    Commit::parse(call.arg(tree).text().await?.trim_end())
}

/// Whether git's words say that a ref is not as it was said to be: at another commit, there already, or not there. A lock
/// that somebody left, a full disk or a broken ref is something else, and does not pass by itself.
fn is_elsewhere(said: &str) -> bool {
    said.contains(" but expected ")
        || said.contains("reference already exists")
        || (said.contains("unable to resolve reference") && said.ends_with('\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_ref_that_is_elsewhere_is_told_as_one() {
        let said = |why: &str| format!("fatal: cannot lock ref 'refs/heads/main': {why}");
        for why in [
            "is at 0123 but expected 4567",
            "reference is missing but expected 4567",
            "reference already exists",
            "unable to resolve reference 'refs/heads/main'",
        ] {
            assert!(is_elsewhere(&said(why)), "{why}");
        }
        for why in [
            "Unable to create '/x/refs/heads/main.lock': File exists.",
            "unable to resolve reference 'refs/heads/main': reference broken",
            "unable to resolve reference 'refs/heads/main': Permission denied",
            "",
        ] {
            assert!(!is_elsewhere(&said(why)), "{why}");
        }
    }
}
