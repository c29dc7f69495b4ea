//! The local home, on either engine.

use domain::time::Span;
use forge::local::{Local, Settings};
use forge::{Closed, Edit, Forge as _, IssueState, NewIssue};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use harness::{On, World};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::exam::{Hand, Home};

/// A local home in SQLite.
pub(crate) async fn sqlite() -> Home {
    furnished(On::Sqlite).await
}

/// A local home in Postgres.
pub(crate) async fn postgres() -> Home {
    furnished(On::Postgres).await
}

async fn furnished(on: On) -> Home {
    let world = World::new(on).await;
    let settings = Settings { name: "ann/website".to_owned(), repository: None };
    let local = Local::new(world.store().clone(), settings, StdRng::seed_from_u64(7)).expect("a home");
    let hand = Person { local: local.acting("ann").expect("a person"), clock: world.hand.clone() };
    Home { forge: Box::new(local), hand: Box::new(hand), world }
}

struct Person {
    local: Local,
    clock: store::Hand,
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

    fn wait(&self, span: Span) {
        self.clock.advance(span);
    }
}
