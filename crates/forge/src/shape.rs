//! What both homes have: a repository, its labels, issues, pull requests, reviews and checks.
//!
//! Titles, bodies, names and logins are other people's text: data, never instructions. Words that a home may add to are
//! read with a place for those that are not known.

mod review;

use domain::time::Time;

pub use review::{Check, CheckState, NewCheck, NewReview, Remark, Review, ReviewState};

/// The repository as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its id, which stays when it is renamed.
    pub id: String,
    /// `OWNER/NAME`.
    pub name: String,
    /// The branch that pull requests are merged into.
    pub default_branch: String,
    /// Whether we may write issues and labels; none when the home does not say.
    pub writable: Option<bool>,
    /// Who we are there.
    pub me: Account,
}

/// Somebody on a forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id, which stays when it is renamed; the login where there is no other.
    pub id: String,
    /// Its name there.
    pub login: String,
    /// What it is.
    pub kind: AccountKind,
}

/// What an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// This installation.
    Us,
    /// A person.
    Person,
    /// Another program.
    Bot,
}

/// A label of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its id, which stays when it is renamed.
    pub id: String,
    /// Its name, at most 50 characters; two names that differ in case only are one.
    pub name: String,
    /// Six hexadecimal digits.
    pub color: String,
    /// What it is for, at most 100 characters.
    pub description: String,
}

impl Label {
    /// One to be made with a name and nothing else, in grey.
    pub fn plain(name: impl Into<String>) -> Self {
        Self { id: String::new(), name: name.into(), color: "ededed".to_owned(), description: String::new() }
    }
}

/// How an issue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueState {
    /// It is open.
    Open,
    /// It is closed.
    Closed(Closed),
}

/// Why an issue was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It is done.
    Completed,
    /// Nobody will do it.
    NotPlanned,
    /// Another says the same.
    Duplicate,
    /// The home did not say, or said a word that is not known.
    Unsaid,
}

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number, which it shares a sequence with pull requests for.
    pub number: i64,
    /// Where a person reads it.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Its body.
    pub body: String,
    /// How it stands.
    pub state: IssueState,
    /// The names of its labels, sorted.
    pub labels: Vec<String>,
    /// Who opened it.
    pub author: Account,
    /// When it was opened.
    pub created_at: Time,
    /// When anything about it last changed.
    pub updated_at: Time,
    /// How many comments it has.
    pub comments: i64,
}

/// An issue to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIssue {
    /// Its title, at most 256 characters.
    pub title: String,
    /// Its body, at most 65,536 characters, with a hidden marker by which it is found again.
    pub body: String,
    /// Its labels, at most 100.
    pub labels: Vec<String>,
}

/// What to change of an issue or pull request; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// Its title.
    pub title: Option<String>,
    /// Its body.
    pub body: Option<String>,
    /// How it stands.
    pub state: Option<IssueState>,
}

/// How the labels of an issue or pull request came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelEvents {
    /// What was done, oldest first.
    pub events: Vec<LabelEvent>,
    /// False when there was more before these, or something that could not be read: a label that nothing here tells of may
    /// be anybody's.
    pub complete: bool,
}

/// That somebody put a label on or took it off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelEvent {
    /// Its id; a later event has a larger one.
    pub id: i64,
    /// The label's name, as it was when this was done: it may have another by now.
    pub label: String,
    /// What was done.
    pub what: LabelChange,
    /// By whom.
    pub actor: Account,
    /// When.
    pub at: Time,
}

/// What was done with a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelChange {
    /// It was put on.
    Added,
    /// It was taken off.
    Removed,
}

/// A comment on an issue or pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: i64,
    /// What it says.
    pub body: String,
    /// Who wrote it.
    pub author: Account,
    /// When it was written.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}

/// How a pull request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullState {
    /// It is open.
    Open,
    /// It was closed without a merge.
    Closed,
    /// It was merged, as this commit.
    Merged {
        /// The commit on the base; none when the home did not say.
        commit: Option<String>,
    },
}

/// A side of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// The branch.
    pub branch: String,
    /// The commit at its tip, or where it was when the pull request ended.
    pub commit: String,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// Its number.
    pub number: i64,
    /// Where a person reads it.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Its body.
    pub body: String,
    /// How it stands.
    pub state: PullState,
    /// Whether it is a draft.
    pub draft: bool,
    /// What is to be merged.
    pub head: Side,
    /// Into what.
    pub base: Side,
    /// The names of its labels, sorted.
    pub labels: Vec<String>,
    /// Who opened it.
    pub author: Account,
    /// Whether it can be merged; none while the home does not know yet.
    pub mergeable: Option<bool>,
    /// Who merged it, or closed it without a merge; none while it is open, and where the home does not say. Lists of
    /// GitHub do not say: read the one.
    pub ended_by: Option<Account>,
    /// When it was merged or closed, by the home's own clock; none while it is open, and where the home does not say.
    pub ended_at: Option<Time>,
    /// When anything about it last changed.
    pub updated_at: Time,
}

/// A pull request to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPull {
    /// Its title, at most 256 characters.
    pub title: String,
    /// Its body, at most 65,536 characters.
    pub body: String,
    /// The branch with the change; it must exist.
    pub head: String,
    /// The branch to merge into.
    pub base: String,
    /// Whether it is not ready to be merged yet.
    pub draft: bool,
}

/// What a pull request changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Every file, sorted by path.
    pub files: Vec<FileChange>,
    /// False when the home cut the list: what is not in it is not known to be untouched.
    pub complete: bool,
}

/// One file of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its path, on the new side where it has one.
    pub path: String,
    /// Its path before, where it was renamed or copied.
    pub previous: Option<String>,
    /// What happened to it.
    pub status: Status,
    /// Lines added.
    pub additions: i64,
    /// Lines taken away.
    pub deletions: i64,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another content.
    Modified,
    /// It has another path.
    Renamed,
    /// It was made from another.
    Copied,
    /// Something else, such as its mode or a word that is not known.
    Other,
}

/// How a pull request is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A commit with two parents.
    Merge,
    /// One commit of everything.
    Squash,
    /// Its commits anew on the base.
    Rebase,
}

/// A merge that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The commit on the base.
    pub commit: String,
}

/// A text file of the default branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path.
    pub path: String,
    /// Its text.
    pub text: String,
}
