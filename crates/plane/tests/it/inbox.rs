//! The inbox of webhooks: proven first, written down before it is acknowledged, each once, and only a hint to look.

use domain::refusal::Code;
use domain::time::Span;
use harness::github::{Delivery, Reason, sign};
use plane::webhook::{self, Received};
use serde_json::json;

use crate::given::{code, operator};
use crate::home::{Given, REPO, SECRET, on_github};

/// Hands a webhook in as it came over the wire.
async fn hand_in(
    given: &Given<'_>,
    id: &str,
    event: &str,
    signature: Option<&str>,
    body: &[u8],
) -> Result<Received, plane::No> {
    given.plane.receive_webhook(webhook::Delivery { id, event, signature, body }).await
}

/// Hands in one of the fake's own.
async fn hand(given: &Given<'_>, one: &Delivery) -> Received {
    let body = one.payload.to_string().into_bytes();
    hand_in(given, &one.guid, one.event, Some(&sign(SECRET, &body)), &body).await.expect("an answer")
}

/// What waits at the fake, taken out of its line.
fn waiting(given: &Given<'_>) -> Vec<Delivery> {
    let waiting = given.github().waiting();
    given.github().forget_all();
    waiting
}

/// Every webhook that is remembered: its delivery and its state.
async fn kept(given: &Given<'_>) -> Vec<(String, String)> {
    let mut tx = given.world.store().read().await.expect("a look");
    tx.all("SELECT delivery, state FROM webhook ORDER BY delivery", &[]).await.expect("rows")
}

on_github!(a_webhook_brings_at_once_what_a_poll_would_bring_later, async |given| {
    given.open(&["a-gap"]).await;
    waiting(given);
    given.github().as_person("ann", REPO).close(given.number("a-gap").await, Reason::NotPlanned);
    let told = waiting(given);
    assert_eq!(told.len(), 1);
    assert_eq!(hand(given, &told[0]).await, Received::Queued);
    assert_eq!(kept(given).await[0].1, "pending", "written down before anything is done");
    given.tick().await;
    assert_eq!(given.state("a-gap").await, "wontfix");
    assert_eq!(kept(given).await[0].1, "done");
});

on_github!(a_webhook_that_is_not_proven_leaves_no_row, async |given| {
    given.open(&["a-gap"]).await;
    let body = json!({"action": "closed", "issue": {"number": 1}}).to_string().into_bytes();
    let good = sign(SECRET, &body);
    let (other, short) = (sign("not the secret", &body), &good[..good.len() - 2]);
    let sha1 = good.replace("sha256=", "sha1=");
    for signature in [None, Some(""), Some("sha256="), Some(other.as_str()), Some(short), Some(sha1.as_str())] {
        let answer = hand_in(given, "d-1", "issues", signature, &body).await;
        assert_eq!(code(answer), Code::Unauthenticated, "{signature:?}");
    }
    let mut changed = body.clone();
    changed.push(b' ');
    assert_eq!(code(hand_in(given, "d-1", "issues", Some(&good), &changed).await), Code::Unauthenticated);
    assert_eq!(kept(given).await, []);
    given.github().forget_arrived();
    given.tick().await;
    assert!(given.github().arrived().is_empty(), "and nobody looks");
});

on_github!(a_webhook_comes_once_by_its_name_and_by_its_body, async |given| {
    given.open(&["a-gap"]).await;
    waiting(given);
    given.github().as_person("ann", REPO).label(given.number("a-gap").await, "priority:high");
    let told = waiting(given);
    let labeled = told.iter().find(|one| one.action.as_deref() == Some("labeled")).expect("a webhook");
    assert_eq!(hand(given, labeled).await, Received::Queued);
    assert_eq!(hand(given, labeled).await, Received::Duplicate, "the same again");
    let renamed = Delivery { guid: "another-name".into(), ..labeled.clone() };
    assert_eq!(hand(given, &renamed).await, Received::Duplicate, "the same body under another name");
    let mut payload = labeled.payload.clone();
    payload["action"] = "unlabeled".into();
    let retold = Delivery { payload, ..labeled.clone() };
    assert_eq!(hand(given, &retold).await, Received::Duplicate, "another body under the same name");
    assert_eq!(kept(given).await.len(), 1);
    given.github().forget_arrived();
    given.tick().await;
    assert_eq!(given.github().count("GET", "/issues/1"), 1);
    assert_eq!(hand(given, labeled).await, Received::Duplicate, "nor after it was looked into");
});

on_github!(webhooks_out_of_order_and_empty_ones_say_only_where_to_look, async |given| {
    given.open(&["a-gap"]).await;
    waiting(given);
    let (number, ann) = (given.number("a-gap").await, given.github().as_person("ann", REPO));
    ann.label(number, "priority:low");
    ann.close(number, Reason::NotPlanned);
    given.pass(Span::secs(1));
    ann.reopen(number);
    ann.label(number, "manual");
    given.github().empty_labels();
    given.github().reverse();
    for one in waiting(given) {
        hand(given, &one).await;
        given.tick().await;
    }
    let shown = given.show("a-gap").await;
    assert_eq!((shown.gap.state.name(), shown.gap.priority.map(domain::gap::Priority::name)), ("open", Some("low")));
    assert_eq!(shown.issue.expect("an issue").labels, ["capability-gap", "manual", "priority:low"]);
});

on_github!(a_forged_payload_with_a_good_name_cannot_say_how_an_issue_stands, async |given| {
    given.open(&["a-gap"]).await;
    // Even one that is signed is only a hint: what it says of the issue is not believed.
    let said = json!({"action": "closed", "issue": {"number": 1, "state": "closed", "state_reason": "not_planned",
        "labels": [{"name": "wontfix"}]}});
    let body = said.to_string().into_bytes();
    assert_eq!(
        hand_in(given, "d-1", "issues", Some(&sign(SECRET, &body)), &body).await.expect("taken"),
        Received::Queued
    );
    given.tick().await;
    assert_eq!(given.state("a-gap").await, "open");
});

on_github!(what_nobody_goes_by_is_kept_and_ignored, async |given| {
    given.open(&["a-gap"]).await;
    let elsewhere = json!({"action": "closed", "issue": {"number": 1}, "repository": {"id": 999_999}});
    for (id, event, body) in [
        ("d-1", "push", json!({"ref": "refs/heads/main"})),
        ("d-2", "an_event_of_next_year", json!({"action": "dreamt"})),
        ("d-3", "issues", elsewhere),
        ("d-4", "ping", json!({"zen": "Keep it logically awesome."})),
    ] {
        let body = body.to_string().into_bytes();
        let answer = hand_in(given, id, event, Some(&sign(SECRET, &body)), &body).await.expect("an answer");
        assert_eq!(answer, Received::Ignored, "{event}");
    }
    let bytes = b"\xff\xfe no text at all";
    let answer = hand_in(given, "d-5", "issues", Some(&sign(SECRET, bytes)), bytes).await.expect("an answer");
    assert_eq!(answer, Received::Queued, "what cannot be read is a reason to look at everything");
    given.github().forget_arrived();
    given.tick().await;
    assert_eq!(given.github().count("GET", "/issues"), 1, "once");
    let states: Vec<_> = kept(given).await.into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["ignored", "ignored", "ignored", "ignored", "done"]);
    let (good, long) = (sign(SECRET, b"{}"), "d".repeat(1_000));
    assert_eq!(code(hand_in(given, &long, "issues", Some(&good), b"{}").await), Code::InvalidArgument);
});

on_github!(a_renamed_label_is_learnt_by_its_webhook, async |given| {
    given.open(&["a-gap"]).await;
    given.poll().await;
    waiting(given);
    given.github().as_person("ann", REPO).rename_label("capability-gap", "missing");
    for one in waiting(given) {
        assert_eq!(hand(given, &one).await, Received::Queued);
    }
    given.tick().await;
    assert_eq!(given.show("a-gap").await.issue.expect("an issue").labels, ["missing"]);
});

on_github!(at_observe_a_webhook_is_kept_and_nobody_looks, async |given| {
    given.open(&["a-gap"]).await;
    given.plane.lower_level(&operator(), None, None).await.expect("observe");
    waiting(given);
    given.github().as_person("ann", REPO).close(given.number("a-gap").await, Reason::NotPlanned);
    given.github().forget_arrived();
    for one in waiting(given) {
        assert_eq!(hand(given, &one).await, Received::Ignored);
    }
    given.poll().await;
    assert!(given.github().arrived().is_empty());
    given.raise().await;
    given.tick().await;
    assert_eq!(given.state("a-gap").await, "wontfix", "everything is read when it may be");
});

on_github!(a_webhook_whose_look_fails_is_tried_again_and_given_up_in_the_end, async |given| {
    given.open(&["a-gap"]).await;
    waiting(given);
    given.github().as_person("ann", REPO).close(given.number("a-gap").await, Reason::NotPlanned);
    let told = waiting(given);
    hand(given, &told[0]).await;
    given.github().fault(1_000, "GET", "/repos/ann/website/issues/*", harness::github::Fault::Before(500));
    given.github().fault(1_000, "GET", "/repos/ann/website/issues", harness::github::Fault::Before(500));
    for _ in 0..6 {
        given.poll().await;
    }
    assert_eq!(kept(given).await[0].1, "dead");
    given.github().well();
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "wontfix", "the poll finds what it was about");
});
