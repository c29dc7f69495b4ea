//! The blind pass: a reviewer judges a difference before it is told what that is for, and after that only more severely.

use domain::pull::Stage;
use domain::time::Span;
use forge::{CheckState, Forge as _, NewCheck};
use harness::both;
use harness::mcp::Client;
use serde_json::{Value, json};

use super::{BODY, FIRST, GAP, Turn, Yard, change, finding, review};
use crate::asked::{ok, refused};

/// What tells what the change is for: the gap, why it was reported, the title, the description, and the plan.
const FOR: [&str; 6] = [GAP, "nobody could see", "list what was deployed", BODY, "one function", "mcp-tool"];

fn says_nothing(of: &str, answer: &Value) {
    let told = answer.to_string();
    for words in FOR {
        assert!(!told.contains(words), "{of} tells {words}: {told}");
    }
}

both!(a_reviewer_is_told_nothing_but_the_difference_and_the_checks_before_its_first_verdict, async |world| {
    let yard = Yard::planning(world).await;
    let head = yard.opened().await;
    let check = NewCheck {
        name: "tests".to_owned(),
        commit: head.clone(),
        state: CheckState::Pass,
        external_id: "1".to_owned(),
        title: "passed".to_owned(),
        summary: "all of them".to_owned(),
    };
    yard.local.put_check(&check).await.expect("a check");
    let reviewer = yard.turn(Stage::Reviewer).await;
    says_nothing("the claim", &reviewer.claim);
    assert!(
        reviewer.claim["job"]["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("reviewer:") && name.ends_with(":1.3"))
    );
    let work = reviewer.work().await;
    says_nothing("show-work", &work);
    assert_eq!((&work["blind"], &work["pull"]["head"]), (&json!(true), &json!(head)));
    for field in ["gap", "branch", "number"] {
        assert_eq!(work["pull"][field], Value::Null, "{field}");
    }
    assert!(work["untrusted"]["diff"]["text"].as_str().is_some_and(|text| text.contains("+    later()")), "{work}");
    assert_eq!(work["untrusted"]["checks"], json!([{"name": "tests", "state": "pass"}]));
    let number = yard.status().await["number"].as_i64().expect("a number");
    for asked in [json!({}), json!({"pull": work["pull"]["id"]}), json!({"pull": number.to_string()})] {
        says_nothing("pipeline-status", &ok(&reviewer.client, "pipeline-status", asked).await);
    }
    says_nothing("the resource", &read(&reviewer.client, &format!("gapwright://pull/{}/{number}", super::REPO)).await);
    let first = reviewer.does("submit-review", review(&head, "APPROVE", json!([]))).await;
    assert_eq!((&first["pass"], &first["untrusted"]["description"]["text"]), (&json!("first"), &json!(BODY)));
    let work = reviewer.work().await;
    assert_eq!((&work["blind"], &work["untrusted"]["description"]["body"]["text"]), (&json!(false), &json!(BODY)));
    assert_eq!((&work["untrusted"]["reports"], &work["untrusted"]["plan"]), (&json!([]), &Value::Null));
    yard.end().await;
});

both!(what_the_description_changes_is_only_for_the_worse, async |world| {
    let yard = Yard::planning(world).await;
    let head = yard.opened().await;
    let reviewer = yard.turn(Stage::Reviewer).await;
    reviewer.does("submit-review", review(&head, "REQUEST_CHANGES", finding(2, "major"))).await;
    for (milder, field) in [
        (review(&head, "APPROVE", json!([])), "verdict"),
        (review(&head, "REQUEST_CHANGES", finding(2, "minor")), "findings"),
        (review(&head, "REQUEST_CHANGES", finding(3, "major")), "findings"),
    ] {
        let refused = refused(&reviewer.client, "submit-review", reviewer.with(milder)).await;
        assert_eq!(refused, ("invalid_argument".to_owned(), field.to_owned()));
    }
    assert_eq!(yard.status().await["state"], json!("needs_review"));
    let done = reviewer.does("submit-review", review(&head, "REQUEST_CHANGES", finding(2, "critical"))).await;
    assert_eq!((&done["pass"], &done["state"]), (&json!("final"), &json!("changes_requested")));
    yard.end().await;
});

both!(what_one_reviewer_left_does_not_reach_the_eyes_of_the_next, async |world| {
    let yard = Yard::planning(world).await;
    let head = yard.opened().await;
    let reviewer = yard.turn(Stage::Reviewer).await;
    reviewer.does("submit-review", review(&head, "APPROVE", json!([]))).await;
    let end = json!({"name": reviewer.claim["job"]["name"], "status": format!("error: {BODY}"), "summary": BODY});
    reviewer.does("complete-routine-job", end).await;
    yard.pass(Span::mins(10)).await;
    let next = Turn::take(yard.asked.client(domain::agent::Role::Reviewer, "reviewer-two").await).await;
    says_nothing("the claim", &next.claim);
    let work = next.work().await;
    says_nothing("show-work", &work);
    assert_eq!(work["blind"], json!(true), "each begins blind");
    yard.end().await;
});

both!(another_head_begins_a_review_anew, async |world| {
    let yard = Yard::planning(world).await;
    let head = yard.opened().await;
    let reviewer = yard.turn(Stage::Reviewer).await;
    reviewer.does("submit-review", review(&head, "APPROVE", json!([]))).await;
    let branch = yard.status().await["branch"].as_str().expect("a branch").to_owned();
    let pushed = yard.commit(&branch, &[("src/list.rs", "pub fn list() {}\n")]);
    yard.pass(super::POLL).await;
    assert_eq!(yard.status().await["head"], json!(pushed));
    assert_eq!(reviewer.is_refused("submit-review", review(&pushed, "APPROVE", json!([]))).await, "stale_head");
    let next = yard.turn(Stage::Reviewer).await;
    says_nothing("show-work", &next.work().await);
    assert_eq!(next.does("submit-review", review(&pushed, "APPROVE", json!([]))).await["pass"], json!("first"));
    yard.end().await;
});

both!(nothing_of_a_first_draft_is_hidden_from_whoever_judges_it, async |world| {
    let yard = Yard::planning(world).await;
    yard.planned().await;
    let sly = FIRST.replace("    later()", "    <!-- unseen \u{202e} --> <!-- never closed");
    yard.turn(Stage::Implementer).await.does("submit-change", change(&sly)).await;
    yard.pass(Span::secs(1)).await;
    let work = yard.turn(Stage::Reviewer).await.work().await;
    let diff = &work["untrusted"]["diff"];
    assert_eq!(diff["has_hidden"], json!(true));
    let text = diff["text"].as_str().expect("a text");
    assert!(text.contains("+    <!-- unseen \\u{202e} --> <!-- never closed\n+}"), "{text}");
    yard.end().await;
});

/// Reads a resource as JSON.
pub(super) async fn read(client: &Client, uri: &str) -> Value {
    let read = client.ask("resources/read", uri, json!({"uri": uri})).await.expect(uri);
    serde_json::from_str(read["contents"][0]["text"].as_str().expect("a text")).expect("JSON")
}
