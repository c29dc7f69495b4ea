//! No secret in anything that is shown or logged, and in the log of each request what an operator needs.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use forge::Forge as _;
use forge::github::Auth;
use harness::github::Fault as Wrong;
use secrecy::{ExposeSecret as _, SecretString};
use tracing_subscriber::fmt::MakeWriter;

use super::{REPO, World, new_issue};

/// A log that is kept.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

#[tokio::test]
async fn no_secret_is_in_the_debug_of_a_client_or_in_a_fault() {
    let world = World::with(|_| Auth::Token(SecretString::from("s3cret-token"))).await;
    let github = world.github();
    let fault = github.repository().await.expect_err("no such token");
    for shown in [format!("{github:?}"), format!("{:?}", world.settings()), format!("{fault:?} {fault}")] {
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    assert!(format!("{github:?}").contains("hello-world"), "{github:?}");
}

#[tokio::test]
async fn the_log_has_each_request_and_no_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
    // With one subscriber alone, what is logged first by a test without any would be off for everybody.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(subscriber.with_writer(log.clone()).with_ansi(false).finish());
    for world in [World::with_token().await, World::with_app().await] {
        let github = world.met().await;
        let number = github.open_issue(&new_issue("hidden title")).await.expect("opened").number;
        world.fake.fault(1, "GET", &format!("/repos/{REPO}/labels"), Wrong::DropBefore);
        github.labels().await.expect("labels");
        github.remove_label(number, "x").await.expect("removed");
        let said = log.text();
        let secrets = match &world.auth {
            Auth::Token(token) => vec![token.expose_secret().to_owned()],
            Auth::App { key, .. } => {
                let line = key.expose_secret().lines().nth(1).unwrap_or_default().to_owned();
                vec![line, "eyJ".to_owned(), "ghs_".to_owned()]
            }
        };
        for secret in secrets.into_iter().chain(["hidden title".to_owned()]) {
            assert!(!said.contains(&secret), "{secret} is in the log");
        }
    }
    let ours: Vec<_> = log.text().lines().filter(|line| line.contains("forge::github")).map(str::to_owned).collect();
    for part in [
        r#"method=POST route="/repos/{owner}/{repo}/issues" status=201"#,
        r#"method=GET route="/repos/{owner}/{repo}/labels" ms="#,
        r#"method=DELETE route="/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}" status=404"#,
        r#"route="/app/installations/{installation_id}/access_tokens" status=201"#,
        "remaining=4",
    ] {
        assert!(ours.iter().any(|line| line.contains(part)), "{part} is not in {ours:#?}");
    }
}
