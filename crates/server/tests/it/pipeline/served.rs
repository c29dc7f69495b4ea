//! What the tools of the pipeline answer, once each, for the tests that look at every tool; and that a call may be repeated.

use domain::agent::Role;
use domain::pull::Stage;
use domain::time::Span;
use harness::{World, both};
use serde_json::{Value, json};

use super::{FIRST, GAP, Yard, change, finding, plan, review};
use crate::asked::ok;

/// Calls that touch every tool of the pipeline, in an order in which each succeeds.
pub(crate) async fn answers(world: &World) -> Vec<(&'static str, Value)> {
    let yard = Yard::new(world).await;
    yard.takes_up(GAP, "nobody could see").await;
    let mut answers = Vec::new();
    let asks = yard.turn(Stage::Planner).await;
    let question = json!({"question": "Which way?", "options": ["this", "that"]});
    let asked = asks.does("ask-operator", question).await;
    yard.plane
        .answer_decision(&crate::scenarios::operator(), asked["decision"].as_str().expect("an id"), 1)
        .await
        .expect("answered");
    answers.push(("ask-operator", asked));
    let planner = yard.turn(Stage::Planner).await;
    for (tool, arguments) in [
        ("show-work", json!({})),
        ("my-budget", json!({})),
        ("report-usage", json!({"tokens": 5})),
        ("delegate-claim", json!({})),
        ("submit-plan", plan()),
    ] {
        answers.push((tool, planner.does(tool, arguments).await));
    }
    let implementer = yard.turn(Stage::Implementer).await;
    answers.push(("show-work", implementer.work().await));
    answers.push(("submit-change", implementer.does("submit-change", change(FIRST)).await));
    yard.pass(Span::secs(1)).await;
    let head = yard.status().await["head"].as_str().expect("a head").to_owned();
    let reviewer = yard.turn(Stage::Reviewer).await;
    let approves = review(&head, "APPROVE", finding(2, "minor"));
    answers.push(("show-work", reviewer.work().await));
    for _ in 0..2 {
        answers.push(("submit-review", reviewer.does("submit-review", approves.clone()).await));
    }
    let merger = yard.turn(Stage::Merger).await;
    answers.push(("show-work", merger.work().await));
    for (role, name) in [(Role::Viewer, "eve"), (Role::Reviewer, "reviewer-1")] {
        let client = yard.asked.client(role, name).await;
        let listed = ok(&client, "pipeline-status", json!({})).await;
        let pull = json!({"pull": listed["pulls"][0]["id"]});
        answers.push(("pipeline-status", listed));
        answers.push(("pipeline-status", ok(&client, "pipeline-status", pull).await));
    }
    let verdict = json!({"head": head, "verdict": "REQUIRES_MANUAL_VISUAL", "summary": "look at it"});
    answers.push(("submit-merge-verdict", merger.does("submit-merge-verdict", verdict).await));
    yard.end().await;
    answers
}

both!(every_hand_in_leaves_an_audit_row_with_its_caller, async |world| {
    answers(world).await;
    let mut tx = world.store().read().await.expect("a look");
    for (tool, principal) in [
        ("ask-operator", "planner-one"),
        ("report-usage", "planner-one"),
        ("delegate-claim", "planner-one"),
        ("submit-plan", "planner-one"),
        ("submit-change", "implementer-one"),
        ("submit-review", "reviewer-one"),
        ("submit-merge-verdict", "merger-one"),
    ] {
        let sql = "SELECT role, object FROM journal WHERE tool = $1 AND principal = $2 AND length(request_id) = 32";
        let rows: Vec<(String, String)> =
            tx.all(sql, &[store::Arg::Text(tool), store::Arg::Text(principal)]).await.expect("the journal");
        assert!(!rows.is_empty(), "{tool}");
    }
    for tool in ["show-work", "my-budget", "pipeline-status"] {
        let rows: Vec<(i64,)> = tx
            .all("SELECT COUNT(*) FROM journal WHERE tool = $1", &[store::Arg::Text(tool)])
            .await
            .expect("the journal");
        assert_eq!(rows[0].0, 0, "{tool} reads");
    }
});

both!(what_was_handed_in_is_answered_once_more_under_its_key, async |world| {
    let yard = Yard::planning(world).await;
    let keyed = |mut arguments: Value, key: &str| {
        arguments["idempotency_key"] = json!(key);
        arguments
    };
    let planner = yard.turn(Stage::Planner).await;
    let implementer = {
        let first = planner.does("submit-plan", keyed(plan(), "a")).await;
        assert_eq!(planner.does("submit-plan", keyed(plan(), "a")).await, first);
        yard.turn(Stage::Implementer).await
    };
    let first = implementer.does("submit-change", keyed(change(FIRST), "a")).await;
    assert_eq!(implementer.does("submit-change", keyed(change(FIRST), "a")).await, first);
    let other = keyed(change(super::SECOND), "a");
    assert_eq!(implementer.is_refused("submit-change", other).await, "idempotency_mismatch");
    yard.pass(Span::secs(1)).await;
    let head = yard.status().await["head"].as_str().expect("a head").to_owned();
    let reviewer = yard.turn(Stage::Reviewer).await;
    let approves = review(&head, "APPROVE", json!([]));
    for (key, pass) in [("a", "first"), ("a", "first"), ("b", "final"), ("b", "final"), ("a", "first")] {
        let told = reviewer.does("submit-review", keyed(approves.clone(), key)).await;
        assert_eq!(told["pass"], json!(pass), "{key}");
    }
    assert_eq!(yard.status().await["verdicts"].as_array().map(Vec::len), Some(2));
    yard.end().await;
});
