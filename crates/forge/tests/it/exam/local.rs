//! The local home, on either engine.

use domain::time::Span;
use forge::local::{Local, Settings};
use forge::{Closed, Edit, Forge as _, IssueState, NewIssue, Remark};
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
    let hand =
        Person { local: local.acting("ann").expect("a person"), clock: world.hand.clone(), workshop, _folder: folder };
    Home { forge: Box::new(local), hand: Box::new(hand), world: Some(world) }
}

struct Person {
    local: Local,
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
            let reviews = self.local.reviews(number).await.expect("reviews").into_iter();
            reviews.map(|review| (review.commit, review.body, review.remarks)).collect()
        }
        .boxed()
    }

    fn wait(&self, span: Span) {
        self.clock.advance(span);
    }
}
