//! A home on which somebody does something right before one of the questions that are asked there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use domain::time::{Span, Time};
use forge::{
    Account, Answer, Check, Comment, Edit, Files, Forge, Issue, Label, LabelEvents, Merged, Method, NewCheck, NewIssue,
    NewPull, NewReview, Pull, Remote, Repository, Review, SourceFile,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;

/// What somebody does.
pub(crate) type Deed = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// Before which question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// The one that comes after so many.
    After(i64),
    /// The first of this name.
    Named(&'static str),
}

/// A home, and what somebody does there once.
pub(crate) struct Racing {
    inner: Arc<dyn Forge>,
    asked: AtomicI64,
    when: Mutex<Before>,
    deed: Mutex<Option<Deed>>,
    /// Before which question it was done.
    done: Mutex<Option<&'static str>>,
    /// How often each was asked.
    times: Mutex<BTreeMap<&'static str, usize>>,
}

impl std::fmt::Debug for Racing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Racing").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl Racing {
    pub(crate) fn new(inner: Arc<dyn Forge>) -> Self {
        let when = Mutex::new(Before::After(-1));
        Self {
            inner,
            asked: AtomicI64::new(0),
            when,
            deed: Mutex::new(None),
            done: Mutex::new(None),
            times: Mutex::default(),
        }
    }

    /// Lets somebody do this before a question, counted from now on.
    pub(crate) fn before(&self, when: Before, deed: Deed) {
        *self.deed.lock().unwrap_or_else(PoisonError::into_inner) = Some(deed);
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.when.lock().unwrap_or_else(PoisonError::into_inner) = when;
        self.asked.store(0, Ordering::SeqCst);
    }

    /// What was to be done and was not, since so many questions were not asked.
    pub(crate) fn undone(&self) -> Option<Deed> {
        self.deed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Before which question it was done; none where it was not.
    pub(crate) fn done_before(&self) -> Option<&'static str> {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often a question was asked.
    pub(crate) fn times(&self, name: &str) -> usize {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied().unwrap_or(0)
    }

    async fn next(&self, name: &'static str) {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let is_now = match *self.when.lock().unwrap_or_else(PoisonError::into_inner) {
            Before::After(many) => asked == many,
            Before::Named(question) => name == question,
        };
        if is_now && let Some(deed) = self.undone() {
            *self.done.lock().unwrap_or_else(PoisonError::into_inner) = Some(name);
            deed().await;
        }
        *self.times.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }
}

macro_rules! asked {
    ($self:ident, $name:literal, $ask:expr) => {
        async move {
            $self.next($name).await;
            $ask.await
        }
        .boxed()
    };
}

impl Forge for Racing {
    fn apart(&self, now: Time) -> Option<Span> {
        self.inner.apart(now)
    }
    fn repository(&self) -> Answer<'_, Repository> {
        asked!(self, "repository", self.inner.repository())
    }
    fn may_write<'a>(&'a self, who: &'a Account) -> Answer<'a, bool> {
        asked!(self, "may_write", self.inner.may_write(who))
    }
    fn labels(&self) -> Answer<'_, Vec<Label>> {
        asked!(self, "labels", self.inner.labels())
    }
    fn make_label<'a>(&'a self, label: &'a Label) -> Answer<'a, Label> {
        asked!(self, "make_label", self.inner.make_label(label))
    }
    fn our_issues(&self) -> Answer<'_, Vec<Issue>> {
        asked!(self, "our_issues", self.inner.our_issues())
    }
    fn issue(&self, number: i64) -> Answer<'_, Issue> {
        asked!(self, "issue", self.inner.issue(number))
    }
    fn open_issue<'a>(&'a self, new: &'a NewIssue) -> Answer<'a, Issue> {
        asked!(self, "open_issue", self.inner.open_issue(new))
    }
    fn edit_issue<'a>(&'a self, number: i64, edit: &'a Edit) -> Answer<'a, ()> {
        asked!(self, "edit_issue", self.inner.edit_issue(number, edit))
    }
    fn add_label<'a>(&'a self, number: i64, label: &'a str) -> Answer<'a, ()> {
        asked!(self, "add_label", self.inner.add_label(number, label))
    }
    fn remove_label<'a>(&'a self, number: i64, label: &'a str) -> Answer<'a, ()> {
        asked!(self, "remove_label", self.inner.remove_label(number, label))
    }
    fn label_events(&self, number: i64) -> Answer<'_, LabelEvents> {
        asked!(self, "label_events", self.inner.label_events(number))
    }
    fn comments(&self, number: i64, since: Option<Time>) -> Answer<'_, Vec<Comment>> {
        asked!(self, "comments", self.inner.comments(number, since))
    }
    fn comment<'a>(&'a self, number: i64, body: &'a str) -> Answer<'a, Comment> {
        asked!(self, "comment", self.inner.comment(number, body))
    }
    fn workflows(&self) -> Answer<'_, Vec<SourceFile>> {
        asked!(self, "workflows", self.inner.workflows())
    }
    fn pulls(&self) -> Answer<'_, Vec<Pull>> {
        asked!(self, "pulls", self.inner.pulls())
    }
    fn pulls_by_head<'a>(&'a self, branch: &'a str) -> Answer<'a, Vec<Pull>> {
        asked!(self, "pulls_by_head", self.inner.pulls_by_head(branch))
    }
    fn pull(&self, number: i64) -> Answer<'_, Pull> {
        asked!(self, "pull", self.inner.pull(number))
    }
    fn open_pull<'a>(&'a self, new: &'a NewPull) -> Answer<'a, Pull> {
        asked!(self, "open_pull", self.inner.open_pull(new))
    }
    fn files(&self, number: i64) -> Answer<'_, Files> {
        asked!(self, "files", self.inner.files(number))
    }
    fn merge<'a>(&'a self, number: i64, head: &'a str, method: Method, title: &'a str) -> Answer<'a, Merged> {
        asked!(self, "merge", self.inner.merge(number, head, method, title))
    }
    fn review<'a>(&'a self, number: i64, new: &'a NewReview) -> Answer<'a, i64> {
        asked!(self, "review", self.inner.review(number, new))
    }
    fn reviews(&self, number: i64) -> Answer<'_, Vec<Review>> {
        asked!(self, "reviews", self.inner.reviews(number))
    }
    fn put_check<'a>(&'a self, new: &'a NewCheck) -> Answer<'a, Check> {
        asked!(self, "put_check", self.inner.put_check(new))
    }
    fn checks<'a>(&'a self, commit: &'a str) -> Answer<'a, Vec<Check>> {
        asked!(self, "checks", self.inner.checks(commit))
    }
    fn remote(&self) -> Answer<'_, Remote> {
        asked!(self, "remote", self.inner.remote())
    }
}
