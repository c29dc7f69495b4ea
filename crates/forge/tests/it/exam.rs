//! One exam for every home: the same cases through `dyn Forge`, with a hand that does what people do there.
//!
//! GitHub is one of them for an App and one for a token: what it lets them do is not the same.
//! A home is a line in `homes!` and a function that furnishes it. Nothing is asked here that only one home can answer.

mod bounds;
mod github;
mod issue;
mod label;
pub(crate) mod local;
mod pull;
mod who;
pub(crate) mod workshop;

use domain::time::Span;
use forge::{Closed, Forge, Method, NewIssue, NewPull, Pull, Remark, ReviewState};
use futures::future::BoxFuture;

pub(crate) use github::{github, token};
pub(crate) use local::{postgres, sqlite};
use workshop::Change;

/// What a person does by hand in a home.
pub(crate) trait Hand: Send + Sync {
    /// What the person is called there.
    fn login(&self) -> String;
    /// Opens an issue.
    fn open_issue<'a>(&'a self, title: &'a str) -> BoxFuture<'a, i64>;
    /// Writes a comment.
    fn comment<'a>(&'a self, number: i64, body: &'a str) -> BoxFuture<'a, ()>;
    /// Puts a label on.
    fn label<'a>(&'a self, number: i64, name: &'a str) -> BoxFuture<'a, ()>;
    /// Takes a label off.
    fn unlabel<'a>(&'a self, number: i64, name: &'a str) -> BoxFuture<'a, ()>;
    /// Puts a label on and takes it off, so many times.
    fn fidget<'a>(&'a self, number: i64, name: &'a str, times: usize) -> BoxFuture<'a, ()>;
    /// Closes an issue or pull request.
    fn close(&self, number: i64, reason: Closed) -> BoxFuture<'_, ()>;
    /// Opens it again.
    fn reopen(&self, number: i64) -> BoxFuture<'_, ()>;
    /// Merges a pull request as it is.
    fn merge(&self, number: i64, method: Method) -> BoxFuture<'_, ()>;
    /// Writes a review of its head: one that says something, approves or asks for changes.
    fn review<'a>(&'a self, number: i64, state: ReviewState, body: &'a str) -> BoxFuture<'a, ()>;
    /// Deletes an issue.
    fn delete(&self, number: i64) -> BoxFuture<'_, ()>;
    /// Gives a label another name.
    fn rename_label<'a>(&'a self, name: &'a str, new: &'a str) -> BoxFuture<'a, ()>;
    /// Commits changes to a branch, which begins at the default branch where it is new; gives the commit.
    fn commit<'a>(&'a self, branch: &'a str, changes: &'a [Change]) -> BoxFuture<'a, String>;
    /// The commit at the tip of a branch.
    fn tip<'a>(&'a self, branch: &'a str) -> BoxFuture<'a, Option<String>>;
    /// The reviews of a pull request: commit, words, remarks.
    fn reviews(&self, number: i64) -> BoxFuture<'_, Vec<(String, String, Vec<Remark>)>>;
    /// Lets time pass in the home.
    fn wait(&self, span: Span);
}

/// A home to be examined.
pub(crate) struct Home {
    /// As this installation sees it.
    pub(crate) forge: Box<dyn Forge>,
    /// As a person does.
    pub(crate) hand: Box<dyn Hand>,
    /// Whether a check keeps what we call it, and that it is neutral.
    pub(crate) keeps_checks: bool,
    /// What is given back at the end.
    world: Option<harness::World>,
}

impl Home {
    /// Opens an issue of ours.
    pub(crate) async fn issue(&self, title: &str, labels: &[&str]) -> forge::Issue {
        let labels = labels.iter().map(|&name| name.to_owned()).collect();
        let new = NewIssue { title: title.to_owned(), body: format!("about {title}"), labels };
        self.forge.open_issue(&new).await.expect("an issue")
    }

    /// Opens a pull request of ours from this branch into the default branch.
    pub(crate) async fn pull(&self, head: &str) -> Pull {
        self.forge.open_pull(&new_pull(head)).await.expect("a pull request")
    }

    /// Ends the exam.
    pub(crate) async fn leave(self) {
        drop((self.forge, self.hand));
        if let Some(world) = self.world {
            world.discard().await;
        }
    }
}

/// A pull request to open from this branch into the default branch.
pub(crate) fn new_pull(head: &str) -> NewPull {
    NewPull {
        title: format!("Change by {head}"),
        body: "Why. <!-- gapwright:run:7 -->".to_owned(),
        head: head.to_owned(),
        base: "main".to_owned(),
        draft: false,
    }
}

/// A test per home out of one case.
macro_rules! homes {
    ($name:ident, async |$home:ident| $case:block) => {
        async fn $name($home: &$crate::exam::Home) $case

        mod $name {
            $crate::exam::homes!(@in $name sqlite);
            $crate::exam::homes!(@in $name postgres);
            $crate::exam::homes!(@in $name github);
            $crate::exam::homes!(@in $name token);
        }
    };
    (@in $name:ident $place:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $place() {
            let home = $crate::exam::$place().await;
            super::$name(&home).await;
            home.leave().await;
        }
    };
}
pub(crate) use homes;
