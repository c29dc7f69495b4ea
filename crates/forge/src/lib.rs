//! Where issues and pull requests live: GitHub, or a plain git repository on this machine. Two homes, one shape.
//!
//! Nothing is decided here and nothing is remembered: whoever calls has written down what it is about to do, and settles
//! by reading what it does not know. A write is made at most once; [`Fault`] says whether it may have happened.

pub mod broker;
mod fault;
pub mod git;
pub mod github;
pub mod local;
mod shape;

use std::fmt::Debug;

use domain::time::{Span, Time};
use futures::future::BoxFuture;

pub use broker::Remote;
pub use fault::Fault;
pub use shape::{
    Account, AccountKind, Check, CheckState, Closed, Comment, Edit, FileChange, Files, Issue, IssueState, Label,
    LabelChange, LabelEvent, LabelEvents, Merged, Method, NewCheck, NewIssue, NewPull, NewReview, Pull, PullState,
    Remark, Repository, Review, ReviewState, Side, SourceFile, Status,
};

/// What comes of something asked of a forge.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, Fault>>;

/// One repository of one home. Numbers are those of issues and pull requests, which share one sequence; what is said of
/// an issue's labels, comments and state goes for pull requests too.
pub trait Forge: Debug + Send + Sync {
    /// How far its clock is from this moment, which is now by another, whichever is ahead; none before it said what it shows.
    fn apart(&self, now: Time) -> Option<Span>;

    /// The repository, and who we are there.
    fn repository(&self) -> Answer<'_, Repository>;

    /// Whether somebody may write there: push, merge, and so say what becomes of a pull request. No when the home does
    /// not know them, or knows somebody else by their login: an id is one account's, a login may be another's by now.
    fn may_write<'a>(&'a self, who: &'a Account) -> Answer<'a, bool>;

    /// Its labels.
    fn labels(&self) -> Answer<'_, Vec<Label>>;

    /// Makes a label; one of that name which exists is given as it is. The id is the home's to give.
    fn make_label<'a>(&'a self, label: &'a Label) -> Answer<'a, Label>;

    /// Every issue that we opened, open or closed, pull requests left out, by number.
    fn our_issues(&self) -> Answer<'_, Vec<Issue>>;

    /// One issue.
    fn issue(&self, number: i64) -> Answer<'_, Issue>;

    /// Opens an issue. Once sent it is not sent again: see [`Fault::Unknown`].
    fn open_issue<'a>(&'a self, new: &'a NewIssue) -> Answer<'a, Issue>;

    /// Changes an issue or pull request. May be repeated.
    fn edit_issue<'a>(&'a self, number: i64, edit: &'a Edit) -> Answer<'a, ()>;

    /// Adds one label, which must exist: a home would make a missing one. May be repeated.
    fn add_label<'a>(&'a self, number: i64, label: &'a str) -> Answer<'a, ()>;

    /// Takes one label away; one that is not there is taken away already. May be repeated.
    fn remove_label<'a>(&'a self, number: i64, label: &'a str) -> Answer<'a, ()>;

    /// Who put labels on it and took them off, oldest first: the latest thousand or so, see [`LabelEvents::complete`].
    fn label_events(&self, number: i64) -> Answer<'_, LabelEvents>;

    /// The comments that were written or changed at `since` or later, oldest first.
    fn comments(&self, number: i64, since: Option<Time>) -> Answer<'_, Vec<Comment>>;

    /// Writes a comment. Once sent it is not sent again.
    fn comment<'a>(&'a self, number: i64, body: &'a str) -> Answer<'a, Comment>;

    /// The text files of `.github/workflows` of the default branch: at most 50, of at most 256 KiB each. Refused when there
    /// are more or larger ones, as what is not read may say the opposite.
    fn workflows(&self) -> Answer<'_, Vec<SourceFile>>;

    /// The open pull requests, by number.
    fn pulls(&self) -> Answer<'_, Vec<Pull>>;

    /// The pull requests from this branch of the repository itself, open or not, by number, of which the last is the
    /// latest: so one is found whose opening was not answered. Refused when there are more than a thousand.
    fn pulls_by_head<'a>(&'a self, branch: &'a str) -> Answer<'a, Vec<Pull>>;

    /// One pull request.
    fn pull(&self, number: i64) -> Answer<'_, Pull>;

    /// Opens a pull request. Once sent it is not sent again; it is found again by its head.
    fn open_pull<'a>(&'a self, new: &'a NewPull) -> Answer<'a, Pull>;

    /// What a pull request changes.
    fn files(&self, number: i64) -> Answer<'_, Files>;

    /// Merges a pull request if its head is this commit, and else nothing: [`Fault::Stale`]. Once sent it is not sent
    /// again: read the pull request.
    fn merge<'a>(&'a self, number: i64, head: &'a str, method: Method, title: &'a str) -> Answer<'a, Merged>;

    /// Writes a review that approves nothing, of a commit; gives its id. Once sent it is not sent again.
    fn review<'a>(&'a self, number: i64, new: &'a NewReview) -> Answer<'a, i64>;

    /// Its reviews by whomever, oldest first; those that are not handed in yet are not among them. Refused when there
    /// are more than a thousand: what is not read may decide the opposite.
    fn reviews(&self, number: i64) -> Answer<'_, Vec<Review>>;

    /// Puts a check on a commit. Once sent it is not sent again; it is found again by its external id.
    ///
    /// On GitHub only an App may put checks. By a token it is a status, which keeps no external id: it is found again by
    /// its name and its title, of which it has the first 140 characters, and it is there only until another one of its
    /// name is put. What is neutral is shown as running there, for nothing else keeps a merge that waits for it waiting.
    fn put_check<'a>(&'a self, new: &'a NewCheck) -> Answer<'a, Check>;

    /// The checks of a commit, whoever put them. Those of GitHub are its check runs and the latest status of each name;
    /// refused when there are more than a thousand of either, as what is not read may say the opposite.
    fn checks<'a>(&'a self, commit: &'a str) -> Answer<'a, Vec<Check>>;

    /// Where git finds the repository, and what it shows there. The credential may end within minutes: ask anew for each use.
    fn remote(&self) -> Answer<'_, Remote>;
}
