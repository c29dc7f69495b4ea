//! The local home, on either engine.

use domain::time::Span;
use forge::local::{Decision, Local, Settings};
use forge::{Closed, Edit, Forge as _, IssueState, Method, NewIssue, NewReview, Remark, ReviewState};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use harness::{On, World};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

use crate::exam::workshop::{Change, Workshop};
use crate::exam::{Hand, Home};

/// A local home in SQLite.
pub(crate) async fn sqlite() -> Home {
    furnished(On::Sqlite).await
}

/// A local home in Postgres.
pub(crate) async fn postgres() -> Home {
    furnished(On::Postgres).await
}

/// A local home with a git repository of its own, and nothing in it.
async fn furnished(on: On) -> Home {
    let world = World::new(on).await;
    let folder = tempfile::tempdir().expect("a folder");
    let bare = folder.path().join("website.git");
    let settings = Settings { name: "ann/website".to_owned(), repository: Some(bare.clone()) };
    let local = Local::new(world.store().clone(), settings, StdRng::seed_from_u64(7)).expect("a home");
    local.repository().await.expect("a repository");
    let workshop = Workshop::at(&bare.display().to_string());
    let hand = Person {
        local: local.acting("ann").expect("a person"),
        store: world.store().clone(),
        clock: world.hand.clone(),
        workshop,
        _folder: folder,
    };
    Home { forge: Box::new(local), hand: Box::new(hand), keeps_checks: true, world: Some(world) }
}

struct Person {
    local: Local,
    store: store::Store,
    clock: store::Hand,
    workshop: Workshop,
    _folder: TempDir,
}

impl Hand for Person {
    fn login(&self) -> String {
        self.local.me().login.clone()
    }

    fn open_issue<'a>(&'a self, title: &'a str) -> BoxFuture<'a, i64> {
        async move {
            let new = NewIssue { title: title.to_owned(), body: String::new(), labels: Vec::new() };
            self.local.open_issue(&new).await.expect("an issue").number
        }
        .boxed()
    }

    fn comment<'a>(&'a self, number: i64, body: &'a str) -> BoxFuture<'a, ()> {
        self.local.comment(number, body).map(|done| drop(done.expect("a comment"))).boxed()
    }

    fn label<'a>(&'a self, number: i64, name: &'a str) -> BoxFuture<'a, ()> {
        self.local.add_label(number, name).map(|done| done.expect("a label")).boxed()
    }

    fn unlabel<'a>(&'a self, number: i64, name: &'a str) -> BoxFuture<'a, ()> {
        self.local.remove_label(number, name).map(|done| done.expect("no label")).boxed()
    }

    fn fidget<'a>(&'a self, number: i64, name: &'a str, times: usize) -> BoxFuture<'a, ()> {
        async move {
            self.local.add_label(number, name).await.expect("a label");
            self.local.remove_label(number, name).await.expect("no label");
            // What the two write down of it, without two thousand commits.
            let (repository, ann) = ("ann/website", store::local::Who { login: "ann", kind: "person" });
            let mut tx = self.store.begin().await.expect("a transaction");
            for what in std::iter::repeat_n(["labeled", "unlabeled"], times - 1).flatten() {
                store::local::event::add(&mut tx, repository, Some(number), ann, what, name).await.expect("a row");
            }
            tx.commit().await.expect("a commit");
        }
        .boxed()
    }

    fn reopen(&self, number: i64) -> BoxFuture<'_, ()> {
        async move {
            let edit = Edit { state: Some(IssueState::Open), ..Edit::default() };
            self.local.edit_issue(number, &edit).await.expect("an edit");
        }
        .boxed()
    }

    fn merge(&self, number: i64, method: Method) -> BoxFuture<'_, ()> {
        async move {
            let head = self.local.pull(number).await.expect("the pull request").head.commit;
            self.local.merge(number, &head, method, "By hand").await.expect("a merge");
        }
        .boxed()
    }

    fn review<'a>(&'a self, number: i64, state: ReviewState, body: &'a str) -> BoxFuture<'a, ()> {
        let decision = match state {
            ReviewState::Commented => Decision::Comment,
            ReviewState::Approved => Decision::Approve,
            ReviewState::ChangesRequested => Decision::RequestChanges,
            ReviewState::Dismissed | ReviewState::Other => panic!("nobody hands in a review so: {state:?}"),
        };
        async move {
            let commit = self.local.pull(number).await.expect("the pull request").head.commit;
            let new = NewReview { commit, body: body.to_owned(), remarks: Vec::new() };
            self.local.decide(number, &new, decision).await.expect("a review");
        }
        .boxed()
    }

    fn close(&self, number: i64, reason: Closed) -> BoxFuture<'_, ()> {
        async move {
            let edit = Edit { state: Some(IssueState::Closed(reason)), ..Edit::default() };
            self.local.edit_issue(number, &edit).await.expect("an edit");
        }
        .boxed()
    }

    fn delete(&self, number: i64) -> BoxFuture<'_, ()> {
        self.local.delete_issue(number).map(|done| done.expect("a deletion")).boxed()
    }

    fn rename_label<'a>(&'a self, name: &'a str, new: &'a str) -> BoxFuture<'a, ()> {
        self.local.rename_label(name, new).map(|done| done.expect("a rename")).boxed()
    }

    fn commit<'a>(&'a self, branch: &'a str, changes: &'a [Change]) -> BoxFuture<'a, String> {
        async move { self.workshop.commit(branch, changes) }.boxed()
    }

    fn tip<'a>(&'a self, branch: &'a str) -> BoxFuture<'a, Option<String>> {
        async move { self.workshop.tip(branch) }.boxed()
    }

    fn reviews(&self, number: i64) -> BoxFuture<'_, Vec<(String, String, Vec<Remark>)>> {
        async move {
            let mut reviews = Vec::new();
            for review in self.local.reviews(number).await.expect("reviews") {
                let remarks = self.local.remarks(review.id).await.expect("remarks");
                reviews.push((review.commit.expect("a commit"), review.body, remarks));
            }
            reviews
        }
        .boxed()
    }

    fn wait(&self, span: Span) {
        self.clock.advance(span);
    }
}
