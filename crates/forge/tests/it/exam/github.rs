//! The home on GitHub, over the wire to a GitHub on this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::time::{Span, Time};
use forge::github::{Auth, GitHub, Pace, Settings};
use forge::{Closed, Method, Remark, ReviewState};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use harness::github::{Access, GitHub as Fake, Reason};
use harness::plane::START;

use crate::exam::workshop::{Change, Workshop};
use crate::exam::{Hand, Home};

const REPO: &str = "ann/website";

/// No pace: nobody is to be spared here.
const AT_ONCE: Pace = Pace { between: Span(0), per_minute: 100_000, per_hour: 100_000 };

/// A home on GitHub, where we are an App.
pub(crate) async fn github() -> Home {
    furnished(|fake| {
        let app = fake.app("gapwright", "ann");
        Auth::App { id: app.id.to_string(), key: app.private_key.into(), installation: None }
    })
    .await
}

/// A home on GitHub, where we have a personal token.
pub(crate) async fn token() -> Home {
    furnished(|fake| Auth::Token(fake.token("gapwright-bot", Access::Write).into())).await
}

async fn furnished(auth: impl FnOnce(&Fake) -> Auth) -> Home {
    let moment = Arc::new(AtomicI64::new(START.0));
    let fake = Fake::start_at(Arc::clone(&moment)).await;
    fake.repo(REPO);
    let auth = auth(&fake);
    let keeps_checks = matches!(auth, Auth::App { .. });
    let now = Arc::new(move || Time(moment.load(Ordering::Relaxed)));
    let settings = Settings {
        api: fake.url(),
        pace: AT_ONCE,
        pause: Duration::from_millis(1),
        timeout: Duration::from_secs(20),
        ..Settings::new(REPO, auth, now)
    };
    let forge = GitHub::new(settings).expect("a client");
    let token = fake.token("ann", Access::Write);
    let origin = format!("http://x-access-token:{token}@{}/{REPO}.git", fake.addr());
    Home { forge: Box::new(forge), hand: Box::new(Person { fake, origin }), keeps_checks, world: None }
}

struct Person {
    fake: Fake,
    origin: String,
}

impl Person {
    fn ann(&self) -> harness::github::Person<'_> {
        self.fake.as_person("ann", REPO)
    }

    /// Git works while others are served.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce(Workshop) -> T + Send + 'static) -> T {
        let origin = self.origin.clone();
        tokio::task::spawn_blocking(move || work(Workshop::at(&origin))).await.expect("git works")
    }
}

impl Hand for Person {
    fn login(&self) -> String {
        "ann".to_owned()
    }

    fn open_issue<'a>(&'a self, title: &'a str) -> BoxFuture<'a, i64> {
        async move { self.ann().open(title, "", &[]) }.boxed()
    }

    fn comment<'a>(&'a self, number: i64, body: &'a str) -> BoxFuture<'a, ()> {
        async move {
            self.ann().comment(number, body);
        }
        .boxed()
    }

    fn label<'a>(&'a self, number: i64, name: &'a str) -> BoxFuture<'a, ()> {
        async move { self.ann().label(number, name) }.boxed()
    }

    fn unlabel<'a>(&'a self, number: i64, name: &'a str) -> BoxFuture<'a, ()> {
        async move { self.ann().unlabel(number, name) }.boxed()
    }

    fn fidget<'a>(&'a self, number: i64, name: &'a str, times: usize) -> BoxFuture<'a, ()> {
        async move {
            for _ in 0..times {
                self.ann().label(number, name);
                self.ann().unlabel(number, name);
            }
        }
        .boxed()
    }

    fn reopen(&self, number: i64) -> BoxFuture<'_, ()> {
        async move { self.ann().reopen(number) }.boxed()
    }

    fn merge(&self, number: i64, method: Method) -> BoxFuture<'_, ()> {
        let method = match method {
            Method::Merge => "merge",
            Method::Squash => "squash",
            Method::Rebase => "rebase",
        };
        async move { drop(self.ann().merge(number, method)) }.boxed()
    }

    fn review<'a>(&'a self, number: i64, state: ReviewState, body: &'a str) -> BoxFuture<'a, ()> {
        let event = match state {
            ReviewState::Commented => "COMMENT",
            ReviewState::Approved => "APPROVE",
            ReviewState::ChangesRequested => "REQUEST_CHANGES",
            ReviewState::Dismissed | ReviewState::Other => panic!("nobody hands in a review so: {state:?}"),
        };
        async move {
            self.ann().review(number, event, body);
        }
        .boxed()
    }

    fn close(&self, number: i64, reason: Closed) -> BoxFuture<'_, ()> {
        let reason = match reason {
            Closed::Completed | Closed::Unsaid => Reason::Completed,
            Closed::NotPlanned => Reason::NotPlanned,
            Closed::Duplicate => Reason::Duplicate,
        };
        async move { self.ann().close(number, reason) }.boxed()
    }

    fn delete(&self, number: i64) -> BoxFuture<'_, ()> {
        async move { self.ann().delete_issue(number) }.boxed()
    }

    fn rename_label<'a>(&'a self, name: &'a str, new: &'a str) -> BoxFuture<'a, ()> {
        async move { self.ann().rename_label(name, new) }.boxed()
    }

    fn commit<'a>(&'a self, branch: &'a str, changes: &'a [Change]) -> BoxFuture<'a, String> {
        let (branch, changes) = (branch.to_owned(), changes.to_vec());
        self.work(move |workshop| workshop.commit(&branch, &changes)).boxed()
    }

    fn tip<'a>(&'a self, branch: &'a str) -> BoxFuture<'a, Option<String>> {
        async move { self.fake.head(REPO, branch) }.boxed()
    }

    fn reviews(&self, number: i64) -> BoxFuture<'_, Vec<(String, String, Vec<Remark>)>> {
        let remark = |(path, line, body)| Remark { path, line, body };
        async move {
            let reviews = self.fake.pull(REPO, number).reviews.into_iter();
            reviews.map(|one| (one.commit, one.body, one.remarks.into_iter().map(remark).collect())).collect()
        }
        .boxed()
    }

    fn wait(&self, span: Span) {
        self.fake.turn(span);
    }
}
