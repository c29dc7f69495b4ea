//! The git program on a bare repository of our own: branches, differences, merges, worktrees.
//!
//! Never for a repository whose folder somebody else may write, such as an agent's: its configuration alone would run
//! programs. Nothing is fetched and nothing is pushed, and a branch moves only from where it was seen to be.

mod diff;
mod merge;
mod name;
mod rebase;
mod run;
mod tree;
mod worktree;

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::time::Time;
use tokio::fs;
use tokio::sync::Mutex;

pub use merge::{Land, Made};
pub use name::{Branch, Commit};
pub use worktree::At;

use run::{Call, lines};

/// The oldest git that is used: `merge-tree --write-tree` takes its base from 2.40 on, and 2.42 is what others who drive
/// git this way rely on.
const VERSION_MIN: (u32, u32) = (2, 42);

/// The branch of a repository that is made here.
const FIRST_BRANCH: &str = "main";

/// How many folders of those who were killed while they made a repository are stepped over.
const LEFT_MAX: usize = 100;

/// Why git did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// There is no git, or an old one.
    #[error("{0}")]
    Program(String),
    /// The folder is no bare repository, or cannot be made one.
    #[error("{0}")]
    Folder(String),
    /// A name is none that git takes.
    #[error("{0}")]
    Name(String),
    /// There is no such branch, commit or file.
    #[error("{0} is not there")]
    Missing(String),
    /// Git failed, and nothing has changed.
    #[error("{0}")]
    Failed(String),
    /// Git was still at work when its time was up: whether it did it is not known.
    #[error("git {0} did not end in time")]
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
    /// Opens the bare repository in this folder, and makes it where there is nothing: with a branch `main` and an empty
    /// first commit by this hand.
    pub async fn open(folder: &Path, hand: &Hand) -> Result<Self, Trouble> {
        if !folder.is_absolute() {
            return Err(Trouble::Folder(format!("{} does not begin at the root", folder.display())));
        }
        let bare = Self { folder: folder.to_owned(), worktrees: Arc::default() };
        check_version(&bare.call("version").out().await?)?;
        if is_empty(folder).await? {
            bare.make(hand).await?;
        }
        let what = bare.call("rev-parse").args(["--is-bare-repository", "--show-object-format"]).told().await?;
        if what.code != 0 || what.out.trim_ascii() != b"true\nsha1" {
            return Err(Trouble::Folder(format!("{} is not a bare git repository with SHA-1", folder.display())));
        }
        let branch = Branch::parse(&bare.default_branch().await?)?;
        if bare.refs(&["refs/heads"]).await?.is_empty() {
            bare.first_commit(&branch, hand).await?;
        }
        Ok(bare)
    }

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

    /// Every ref below these names, or of exactly these names, with the commit that it is at.
    pub async fn refs(&self, names: &[&str]) -> Result<HashMap<String, String>, Trouble> {
        let mut call = self.call("for-each-ref").args(["--format=%(objectname) %(refname)", "--"]);
        for name in names {
            call = call.arg(name);
        }
        let told = call.text().await?;
        let named = lines(&told).filter_map(|line| line.split_once(' '));
        Ok(named.map(|(commit, name)| (name.to_owned(), commit.to_owned())).collect())
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

    async fn commit_at(&self, name: &str) -> Result<Option<Commit>, Trouble> {
        let asked = format!("{name}^{{commit}}");
        let told = self.call("rev-parse").args(["--verify", "--quiet", "--end-of-options", &asked]).told().await?;
        if told.code == 0 { Commit::parse(told.text()?.trim_end()).map(Some) } else { Ok(None) }
    }

    /// Makes it beside its folder and moves it there when it is whole. Who is slower than another leaves the other's.
    async fn make(&self, hand: &Hand) -> Result<(), Trouble> {
        let why = |error: std::io::Error| Trouble::Folder(format!("{} cannot be made: {error}", self.folder.display()));
        let (Some(parent), Some(name)) = (self.folder.parent(), self.folder.file_name()) else {
            return Err(Trouble::Folder(format!("{} is no folder for a repository", self.folder.display())));
        };
        fs::create_dir_all(parent).await.map_err(why)?;
        let mut place = 0;
        let fresh = loop {
            let fresh = parent.join(format!(".{}.new-{place}", name.to_string_lossy()));
            match fs::create_dir(&fresh).await {
                Ok(()) => break fresh,
                // Another's, who is at work or was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && place < LEFT_MAX => place += 1,
                Err(error) => return Err(why(error)),
            }
        };
        let bare = Self { folder: fresh, worktrees: Arc::default() };
        let made = match bare.init(hand).await {
            Ok(()) => fs::rename(&bare.folder, &self.folder).await.map_err(why),
            Err(trouble) => Err(trouble),
        };
        if made.is_err() {
            drop(fs::remove_dir_all(&bare.folder).await);
        }
        if is_empty(&self.folder).await? { made } else { Ok(()) }
    }

    async fn init(&self, hand: &Hand) -> Result<(), Trouble> {
        let first = format!("--initial-branch={FIRST_BRANCH}");
        // Without a template there are no hooks.
        let call = self.call("init").args(["--quiet", "--bare", "--template=", "--object-format=sha1", &first]);
        call.arg("--").arg(&self.folder).done().await?;
        self.first_commit(&Branch::parse(FIRST_BRANCH)?, hand).await
    }

    async fn first_commit(&self, branch: &Branch, hand: &Hand) -> Result<(), Trouble> {
        let tree = self.call("mktree").text().await?;
        let commit = self.commit_tree(tree.trim_end(), &[], hand, b"Begin\n").await?;
        let created = self.move_refs(&format!("create {} {}\n", branch.as_ref_name(), commit.as_str())).await?;
        // Somebody may have been faster, and then there is one too.
        if !created && self.tip(branch).await?.is_none() {
            return Err(Trouble::Failed(format!("the branch {} could not be made", branch.as_str())));
        }
        Ok(())
    }

    /// A commit of a tree, which no branch has yet.
    async fn commit_tree(
        &self,
        tree: &str,
        parents: &[&Commit],
        hand: &Hand,
        message: &[u8],
    ) -> Result<Commit, Trouble> {
        let date = format!("@{} +0000", hand.at.0.max(0) / 1_000);
        let mut call = self.call("commit-tree").args(["-F", "-"]).input(message.to_owned());
        for parent in parents {
            call = call.args(["-p", parent.as_str()]);
        }
        let call = call.person("AUTHOR", &hand.author, &date).person("COMMITTER", &hand.committer, &date);
        Commit::parse(call.arg(tree).text().await?.trim_end())
    }

    /// Does all of these orders to refs or none; false when none, since a ref is not as it was said to be.
    async fn move_refs(&self, orders: &str) -> Result<bool, Trouble> {
        let call = self.call("update-ref").args(["--no-deref", "--stdin"]).input(orders.as_bytes().to_vec());
        Ok(call.told().await?.code == 0)
    }

    fn call(&self, verb: &'static str) -> Call {
        Call::new(&self.folder, verb)
    }
}

/// Whether there is nothing in a folder, or no folder.
async fn is_empty(folder: &Path) -> Result<bool, Trouble> {
    let why = |error: std::io::Error| Trouble::Folder(format!("{} cannot be read: {error}", folder.display()));
    match fs::read_dir(folder).await {
        Ok(mut entries) => entries.next_entry().await.map(|entry| entry.is_none()).map_err(why),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(why(error)),
    }
}

/// Refuses a git that is too old.
fn check_version(told: &[u8]) -> Result<(), Trouble> {
    let told = String::from_utf8_lossy(told);
    let version = told.trim().strip_prefix("git version ").unwrap_or_default();
    let mut parts = version.split('.').map_while(|part| part.parse::<u32>().ok());
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found >= VERSION_MIN {
        return Ok(());
    }
    let (major, minor) = VERSION_MIN;
    Err(Trouble::Program(format!("git is {version}, and {major}.{minor} is the oldest that is used")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_git_that_is_too_old_is_refused_with_what_is_needed() {
        for told in
            ["git version 2.42.0\n", "git version 2.47.3", "git version 3.0", "git version 2.50.1 (Apple Git-155)"]
        {
            assert_eq!(check_version(told.as_bytes()), Ok(()), "{told}");
        }
        for told in ["git version 2.41.9", "git version 1.9", "", "hello"] {
            let refused = check_version(told.as_bytes());
            assert!(matches!(&refused, Err(Trouble::Program(why)) if why.contains("2.42")), "{told}: {refused:?}");
        }
    }
}
