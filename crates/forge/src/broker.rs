//! The broker: a bare repository of our own through which what an agent commits reaches the forge.
//!
//! Git with a credential runs here and nowhere else, and git never runs with a folder that an agent may write as its
//! repository: from there only bytes are read, by ourselves, and no link is followed. An agent works in a clone of its own
//! that leads nowhere. What comes back is checked as a whole before it is here, and is then judged by what [`Inspection`]
//! says of it. Nothing is judged here.
//!
//! | subject | file |
//! |---|---|
//! | where the forge is, what is shown there | `remote` |
//! | from the forge, to the forge | `fetch`, `push` |
//! | to the agent | `workspace` |
//! | from the agent: commits, a folder, a patch | `take`, `snapshot`, `apply` |
//! | a folder that somebody else may write | `hostile` |
//! | where what is not checked yet is kept | `scratch` |
//! | what a change changes | `inspect`, `steps`, `added`, `diff` |
//! | how a change was merged, whether it was taken back, taking it back | `landed`, `rebased`, `undone`, `revert` |

mod added;
mod apply;
mod diff;
mod fetch;
mod hostile;
mod inspect;
mod landed;
mod push;
mod rebased;
mod remote;
mod revert;
mod scratch;
mod snapshot;
mod steps;
mod take;
mod undone;
mod workspace;

use std::path::Path;
use std::time::Duration;

pub use added::Added;
pub use apply::Applied;
pub use diff::Diff;
pub use fetch::Source;
pub use inspect::{Cut, Inspection, Message};
pub use landed::{Expected, Landed, Landing};
pub use push::{OUR_DOMAIN, Pushed, Whose};
pub use remote::Remote;
pub use undone::Undone;
pub use workspace::{View, Workspace};

use crate::git::{self, Bare, Call, Commit, RECORDS};

/// The longest name of a run, in bytes: an id of ours has 26.
const RUN_BYTES_MAX: usize = 64;

/// The most that git may ask of memory at once: far above what a file of [`BIG_FILE`] takes, far below what a delta can
/// claim to become.
const ALLOC_MAX: &str = "256m";

/// From what size on git neither compares a file nor holds it whole: it counts as binary.
const BIG_FILE: &str = "16m";

/// A broker. A clone is the same.
#[derive(Debug, Clone)]
pub struct Broker {
    bare: Bare,
    settings: Settings,
}

/// What a broker does not exceed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How every branch begins that may be pushed.
    pub prefix: String,
    /// How long one exchange with the forge may take.
    pub wire: Duration,
    /// How many bytes an agent's new objects, or what its files say anew, may have.
    pub bytes_max: u64,
}

/// One run of an agent, by whose name what it made is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Run(String);

/// Why the broker did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Git, the forge or this machine. Of a push that is [`git::Trouble::Late`] it is not known whether it was done: ask
    /// [`Broker::tip`] before anything is repeated.
    #[error(transparent)]
    Git(#[from] git::Trouble),
    /// What an agent left is not taken, however often: this is what is wrong with it.
    #[error("{0}")]
    Unfit(String),
}

impl Default for Settings {
    fn default() -> Self {
        Self { prefix: "gapwright/".to_owned(), wire: Duration::from_mins(5), bytes_max: 64 << 20 }
    }
}

impl Broker {
    /// Opens the broker in this folder, and makes it where there is nothing. The folder above must be there. Refuses a
    /// repository in which anybody else may write.
    pub async fn open(folder: &Path, settings: Settings) -> Result<Self, Trouble> {
        let bare = Bare::open_hollow(folder).await?;
        scratch::sweep(folder).await;
        Ok(Self { bare, settings })
    }

    /// What a run has made, as it was last taken.
    pub async fn made(&self, run: &Run) -> Result<Option<Commit>, Trouble> {
        Ok(self.bare.commit_at(&run.as_ref_name()).await?)
    }

    /// Where the ways to two commits parted; none when they have nothing in common.
    pub async fn parted(&self, one: &Commit, other: &Commit) -> Result<Option<Commit>, Trouble> {
        self.must_have(one).await?;
        self.must_have(other).await?;
        Ok(self.bare.merge_base(one, other).await?)
    }

    /// What a file of a commit says; none when there is no such file, or it is larger than `bytes_max`.
    pub async fn file(&self, commit: &Commit, path: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, Trouble> {
        Ok(self.bare.file(commit, path, bytes_max).await?)
    }

    /// Whether a commit is here.
    pub async fn has(&self, commit: &Commit) -> Result<bool, Trouble> {
        Ok(self.bare.find(commit).await?.is_some())
    }

    /// Forgets what a run has made. May be repeated.
    pub async fn forget(&self, run: &Run) -> Result<(), Trouble> {
        Ok(self.bare.moved(&format!("delete {}\n", run.as_ref_name())).await?)
    }

    /// A call that reads what somebody else made.
    fn call(&self, verb: &'static str) -> Call {
        let bounds = [("core.bigFileThreshold".to_owned(), BIG_FILE.to_owned())];
        self.bare.call(verb).set(&bounds).env("GIT_ALLOC_LIMIT", ALLOC_MAX)
    }

    /// Refuses a commit that is not here.
    async fn must_have(&self, commit: &Commit) -> Result<(), Trouble> {
        match self.bare.find(commit).await? {
            Some(_) => Ok(()),
            None => Err(git::Trouble::Missing(format!("the commit {}", commit.as_str())).into()),
        }
    }
}

impl Run {
    /// Checks a name: letters, digits, dashes and underscores.
    pub fn parse(name: &str) -> Result<Self, Trouble> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if (1..=RUN_BYTES_MAX).contains(&name.len()) && name.bytes().all(plain) {
            return Ok(Self(name.to_owned()));
        }
        let why = format!("a run is named by 1 to {RUN_BYTES_MAX} letters, digits, dashes and underscores");
        Err(git::Trouble::Name(why).into())
    }

    fn as_ref_name(&self) -> String {
        format!("{RECORDS}/agent/{}", self.0)
    }
}

fn unfit(why: impl Into<String>) -> Trouble {
    Trouble::Unfit(why.into())
}
