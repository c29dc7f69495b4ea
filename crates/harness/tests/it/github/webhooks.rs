//! Webhooks: what is told of a change, and everything that can happen to it on its way.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use harness::github::{Automatic, Reason, sign};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{REPO, hello};

const SECRET: &str = "a secret between the two";

/// Somebody who takes webhooks, and remembers them.
struct Taker {
    url: String,
    taken: watch::Sender<Vec<(HeaderMap, Bytes)>>,
}

impl Taker {
    async fn start() -> Self {
        let taken = watch::Sender::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hooks", listener.local_addr().expect("an address"));
        let app = Router::new().fallback(take).with_state(watch::Sender::clone(&taken));
        tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves until the test ends") });
        Self { url, taken }
    }

    fn told(&self) -> Vec<String> {
        let taken = self.taken.borrow();
        taken
            .iter()
            .map(|(headers, body)| {
                let body: Value = serde_json::from_slice(body).expect("JSON");
                format!(
                    "{}.{}",
                    headers["x-github-event"].to_str().expect("a kind"),
                    body["action"].as_str().expect("an action")
                )
            })
            .collect()
    }
}

async fn take(State(taken): State<watch::Sender<Vec<(HeaderMap, Bytes)>>>, headers: HeaderMap, body: Bytes) {
    taken.send_modify(|taken| taken.push((headers, body)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_told_in_order_and_signed_and_silent_ones_are_not() {
    let (github, asker) = hello().await;
    let taker = Taker::start().await;
    github.hook(&taker.url, SECRET);
    let mona = github.as_person("mona", REPO);
    mona.open("One", "", &["bug"]);
    mona.silently().label(1, "quiet");
    mona.silently().comment(1, "nobody hears");
    mona.close(1, Reason::Completed);
    let path = "/repos/octo/hello/issues/1/comments";
    asker.ask("POST", path, json!({"body": "over the interface"})).await;
    assert!(taker.told().is_empty(), "nothing goes out by itself");
    assert_eq!(github.deliver_all().await, [Some(200); 5]);
    let told = ["label.created", "issues.opened", "issues.labeled", "issues.closed", "issue_comment.created"];
    assert_eq!(taker.told(), told);
    for (headers, body) in taker.taken.borrow().iter() {
        assert_eq!(headers["x-hub-signature-256"].to_str().unwrap(), sign(SECRET, body));
        assert_eq!(headers["x-github-delivery"].len(), 36);
        assert!(headers["user-agent"].to_str().unwrap().starts_with("GitHub-Hookshot/"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_lost_doubled_late_turned_round_forged_and_without_labels() {
    let (github, _) = hello().await;
    let taker = Taker::start().await;
    github.hook(&taker.url, SECRET);
    let mona = github.as_person("mona", REPO);
    mona.silently().open("One", "", &["bug"]);
    mona.close(1, Reason::Completed);
    github.forget_all();
    assert!(github.waiting().is_empty() && github.attempts().is_empty());
    mona.reopen(1);
    mona.retitle(1, "Two");
    github.reverse();
    github.duplicate(0);
    github.forge(2);
    github.empty_labels();
    assert_eq!(github.deliver_all().await.len(), 3);
    assert_eq!(taker.told(), ["issues.edited", "issues.edited", "issues.reopened"]);
    let taken = taker.taken.borrow().clone();
    let guids: Vec<_> = taken.iter().map(|(headers, _)| headers["x-github-delivery"].clone()).collect();
    assert_eq!(guids[0], guids[1]);
    let (forged, body) = &taken[2];
    assert_ne!(forged["x-hub-signature-256"].to_str().unwrap(), sign(SECRET, body));
    let said: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(said["issue"]["labels"], json!([]));
    assert_eq!(github.issue(REPO, 1).labels, ["bug"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_go_out_by_themselves_when_they_are_let() {
    let (github, _) = hello().await;
    let taker = Taker::start().await;
    github.hook(&taker.url, SECRET);
    github.automatic(Automatic::On);
    github.as_person("mona", REPO).open("One", "", &[]);
    let mut taken = taker.taken.subscribe();
    taken.wait_for(|taken| taken.len() == 1).await.unwrap();
    assert_eq!(taker.told(), ["issues.opened"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_nobody_answered_is_not_made_again() {
    let (github, _) = hello().await;
    github.hook("http://127.0.0.1:1/hooks", SECRET);
    github.as_person("mona", REPO).open("One", "", &[]);
    assert_eq!(github.deliver_all().await, [None]);
    assert!(github.waiting().is_empty());
    assert_eq!(github.attempts()[0].status, None);
}
