//! The home on GitHub, against a GitHub on this machine that behaves as the real one does.

mod checks;
mod described;
mod limits;
mod moved;
mod nouns;
mod once;
mod pages;
mod people;
mod pulls;
mod secrets;
mod settings;
mod tokens;
mod webhook;
mod wire;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::time::{Span, Time};
use forge::github::{Auth, GitHub, Pace, Settings};
use forge::{Fault, NewIssue};
use harness::github::{Access, GitHub as Fake};
use secrecy::SecretString;

/// The repository of the tests.
const REPO: &str = "octocat/hello-world";

/// We, where we have a personal token.
const US: &str = "gapwright-bot";

/// The moment at which a world begins: in 2026.
const START: i64 = 1_795_334_400_000;

/// No pace, for tests of something else.
const AT_ONCE: Pace = Pace { between: Span(0), per_minute: 100_000, per_hour: 100_000 };

/// A GitHub with one repository, and us there.
struct World {
    fake: Fake,
    moment: Arc<AtomicI64>,
    auth: Auth,
}

impl World {
    /// We have a personal token that may write.
    async fn with_token() -> Self {
        Self::with(|fake| Auth::Token(fake.token(US, Access::Write).into())).await
    }

    /// We are an App that is installed.
    async fn with_app() -> Self {
        Self::with(|fake| {
            let app = fake.app("gapwright", "octocat");
            Auth::App { id: app.id.to_string(), key: SecretString::from(app.private_key), installation: None }
        })
        .await
    }

    async fn with(auth: impl FnOnce(&Fake) -> Auth) -> Self {
        let moment = Arc::new(AtomicI64::new(START));
        let fake = Fake::start_at(Arc::clone(&moment)).await;
        fake.repo(REPO);
        let auth = auth(&fake);
        Self { fake, moment, auth }
    }

    fn settings(&self) -> Settings {
        let moment = Arc::clone(&self.moment);
        let now = Arc::new(move || Time(moment.load(Ordering::Relaxed)));
        Settings {
            api: self.fake.url(),
            pace: AT_ONCE,
            pause: Duration::from_millis(1),
            timeout: Duration::from_secs(20),
            ..Settings::new(REPO, self.auth.clone(), now)
        }
    }

    fn github(&self) -> GitHub {
        GitHub::new(self.settings()).expect("a client")
    }

    /// A client that has asked who it is already, and a GitHub that has forgotten it: what arrives is what a test does.
    async fn met(&self) -> GitHub {
        self.met_with(self.settings()).await
    }

    async fn met_with(&self, settings: Settings) -> GitHub {
        use forge::Forge as _;
        let github = GitHub::new(settings).expect("a client");
        github.repository().await.expect("a repository");
        self.fake.forget_arrived();
        github
    }

    /// How many requests arrived.
    fn count(&self) -> usize {
        self.fake.arrived().len()
    }
}

fn new_issue(title: &str) -> NewIssue {
    NewIssue { title: title.to_owned(), body: format!("<!-- marker of {title} -->"), labels: vec![] }
}

/// How a fault is called.
fn name(fault: &Fault) -> &'static str {
    match fault {
        Fault::Later { .. } => "later",
        Fault::Paced { .. } => "paced",
        Fault::Unknown { .. } => "unknown",
        Fault::Refused { .. } => "refused",
        Fault::Gone { .. } => "gone",
        Fault::Stale { .. } => "stale",
        Fault::Moved { .. } => "moved",
    }
}
