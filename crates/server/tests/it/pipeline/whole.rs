//! A whole pull request: planned, drafted, reviewed twice, revised, approved, judged, and merged by a person.

use domain::pull::Stage;
use domain::time::Span;
use harness::both;
use serde_json::json;

use super::{BODY, FIRST, GAP, POLL, SECOND, Yard, change, finding, plan, review};
use crate::asked::ok;

both!(a_gap_becomes_a_pull_request_that_a_person_merges, async |world| {
    let yard = Yard::planning(world).await;
    plans(&yard).await;
    let first = drafts(&yard).await;
    sends_back(&yard, &first).await;
    let second = revises(&yard, &first).await;
    approves(&yard, &second).await;
    judges(&yard, &second).await;
    let status = yard.status().await;
    assert_eq!((&status["state"], &status["turn_of"]), (&json!("needs_human"), &json!("a person")));
    let labels = status["labels"].as_array().expect("labels").iter().filter_map(|label| label.as_str());
    let labels: Vec<_> = labels.collect();
    for label in ["bot-approved-needs-human", "capability-gap", "claude", "iteration:1"] {
        assert!(labels.contains(&label), "{labels:?}");
    }
    yard.merges(status["number"].as_i64().expect("a number"), &second).await;
    yard.pass(POLL).await;
    yard.pass(POLL).await;
    let eve = yard.asked.client(domain::agent::Role::Viewer, "eve").await;
    let gap = ok(&eve, "show-gap", json!({"name": GAP})).await;
    assert_eq!(gap["state"], json!("merged"));
    assert_eq!(ok(&eve, "pipeline-status", json!({})).await, json!({"pulls": []}), "nothing is under way");
    let merged = ok(&eve, "pipeline-status", json!({"pull": status["number"].to_string()})).await;
    assert_eq!(merged["pull"]["state"], json!("merged"));
    yard.asked.plane.tend_outcomes().await.expect("a pass");
    let outcomes = super::blind::read(&eve, "gapwright://gap_outcomes").await;
    let kind = &outcomes["kinds"][0];
    assert_eq!(
        (&kind["kind"], &kind["outcomes"], &kind["pulls"]),
        (&json!("mcp-tool"), &json!({"merged": 1}), &json!({"unchanged": 1}))
    );
    let said: Vec<_> = merged["pull"]["verdicts"]
        .as_array()
        .expect("verdicts")
        .iter()
        .map(|verdict| {
            (
                verdict["stage"].as_str(),
                verdict["pass"].as_str(),
                verdict["verdict"].as_str(),
                verdict["at_head"] == json!(true),
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            (Some("merger"), Some("final"), Some("APPROVE_FOR_HUMAN"), true),
            (Some("reviewer"), Some("final"), Some("APPROVE"), true),
            (Some("reviewer"), Some("first"), Some("APPROVE"), true),
            (Some("reviewer"), Some("final"), Some("REQUEST_CHANGES"), false),
            (Some("reviewer"), Some("first"), Some("REQUEST_CHANGES"), false),
        ]
    );
    yard.end().await;
});

async fn plans(yard: &Yard<'_>) {
    let planner = yard.turn(Stage::Planner).await;
    let work = planner.work().await;
    assert_eq!((&work["stage"], &work["hand_in"]), (&json!("planner"), &json!("monolith-agent-submit-plan")));
    assert_eq!(work["pull"]["gap"], json!(format!("mcp-tool/{GAP}")));
    let report = &work["untrusted"]["reports"][0];
    assert_eq!(
        (&report["author"], &report["text"]),
        (&json!("reporter"), &json!("nobody could see what was deployed"))
    );
    let budget = planner.does("my-budget", json!({})).await;
    assert_eq!((&budget["run"]["tokens"], &budget["iterations"]), (&json!(500_000), &json!(3)));
    let spent = planner.does("report-usage", json!({"tokens": 90_000, "micro_usd": "500000"})).await;
    assert_eq!(spent["run"], json!({"tokens": 410_000, "micro_usd": 2_500_000}));
    let done = planner.does("submit-plan", plan()).await;
    assert_eq!((&done["ok"], &done["state"]), (&json!(true), &json!("implementing")));
    yard.pass(Span::secs(1)).await;
}

async fn drafts(yard: &Yard<'_>) -> String {
    let implementer = yard.turn(Stage::Implementer).await;
    let work = implementer.work().await;
    let told = &work["untrusted"]["plan"];
    assert_eq!((&told["chosen"], &told["author"]), (&json!("one function"), &json!("planner-one")));
    assert_eq!(work["pull"]["branch"], json!(format!("gapwright/mcp-tool.{GAP}-1")));
    let done = implementer.does("submit-change", change(FIRST)).await;
    assert_eq!((&done["state"], &done["iteration"]), (&json!("opening"), &json!(0)));
    yard.pass(Span::secs(1)).await;
    let status = yard.status().await;
    assert_eq!((&status["state"], &status["turn_of"]), (&json!("needs_review"), &json!("reviewer")));
    assert!(status["number"].is_i64(), "{status}");
    status["head"].as_str().expect("a head").to_owned()
}

async fn sends_back(yard: &Yard<'_>, head: &str) {
    let reviewer = yard.turn(Stage::Reviewer).await;
    let asks = review(head, "REQUEST_CHANGES", finding(2, "major"));
    let first = reviewer.does("submit-review", asks.clone()).await;
    assert_eq!(first["pass"], json!("first"));
    assert_eq!(first["untrusted"]["description"]["text"], json!(BODY));
    yard.pass(Span::secs(1)).await;
    let last = reviewer.does("submit-review", asks).await;
    assert_eq!((&last["pass"], &last["state"]), (&json!("final"), &json!("changes_requested")));
    yard.pass(Span::secs(1)).await;
}

async fn revises(yard: &Yard<'_>, head: &str) -> String {
    let implementer = yard.turn(Stage::Implementer).await;
    let work = implementer.work().await;
    assert_eq!(work["pull"]["head"], json!(head));
    let earlier = &work["untrusted"]["earlier"][0];
    assert_eq!((&earlier["verdict"], &earlier["author"]), (&json!("REQUEST_CHANGES"), &json!("reviewer-one")));
    assert_eq!((&earlier["findings"][0]["line"], &earlier["findings"][0]["severity"]), (&json!(2), &json!("major")));
    let mut revision = change(SECOND);
    revision["answer"] = json!("src/list.rs:2: mended");
    let done = implementer.does("submit-change", revision).await;
    assert_eq!((&done["state"], &done["iteration"]), (&json!("needs_review"), &json!(1)));
    yard.pass(Span::secs(1)).await;
    yard.status().await["head"].as_str().expect("a head").to_owned()
}

async fn approves(yard: &Yard<'_>, head: &str) {
    let reviewer = yard.turn(Stage::Reviewer).await;
    let approves = review(head, "APPROVE", json!([]));
    reviewer.does("submit-review", approves.clone()).await;
    yard.pass(Span::secs(1)).await;
    let work = reviewer.work().await;
    let said: Vec<_> =
        work["untrusted"]["earlier"].as_array().expect("words").iter().map(|said| said["text"].as_str()).collect();
    assert_eq!(said, [Some("src/list.rs:2: mended"), Some("read it")], "what was answered, and to what");
    assert_eq!(reviewer.does("submit-review", approves).await["state"], json!("approved"));
    yard.pass(Span::secs(1)).await;
}

async fn judges(yard: &Yard<'_>, head: &str) {
    let merger = yard.turn(Stage::Merger).await;
    let work = merger.work().await;
    assert!(work["untrusted"]["plan"].is_object() && work["untrusted"]["diff"]["complete"] == json!(true), "{work}");
    assert_eq!(work["untrusted"]["description"]["body"]["author"], json!("implementer-one"));
    let verdict = json!({"head": head, "verdict": "APPROVE_FOR_HUMAN", "summary": "it coheres"});
    assert_eq!(merger.does("submit-merge-verdict", verdict).await["state"], json!("needs_human"));
    yard.pass(Span::secs(1)).await;
}
