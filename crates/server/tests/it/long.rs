//! No list answers with more than it should: 200 jobs, each as large as a job may be, page by page.

use std::collections::BTreeSet;

use domain::agent::Role;
use domain::id::NAME_CHARS_MAX;
use domain::job::{Claim, Job, LINE_CHARS_MAX, Last, PAYLOAD_BYTES_MAX, SUMMARY_BYTES_MAX, State};
use domain::time::Span;
use harness::plane::START;
use harness::{World, both};
use serde_json::json;

use crate::asked::Asked;

/// The most that an answer may take, in bytes, both of its copies included.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A text of characters that take the most room.
fn wide(chars: usize, n: usize) -> String {
    let number = format!("{n:04}");
    "\u{1f512}".repeat(chars - number.len()) + &number
}

/// A job as large as it may be: in the store directly, for 50 MiB over HTTP would take the test's time.
fn largest(n: usize) -> Job {
    let name = wide(NAME_CHARS_MAX, n);
    let claim = Claim {
        id: format!("claim{n}"),
        holder: name.clone(),
        principal: name.clone(),
        claimed_at: START,
        expires_at: START + Span::days(1),
        progress: Some(wide(LINE_CHARS_MAX, n)),
    };
    // Control characters take six bytes each in JSON.
    let summary = Some("\u{1}".repeat(SUMMARY_BYTES_MAX));
    let status = format!("error: {}", wide(LINE_CHARS_MAX - 7, n));
    Job {
        name: name.clone(),
        kind: name.clone(),
        interval: Some(Span::hours(1)),
        payload: Some(json!({"a": "x".repeat(PAYLOAD_BYTES_MAX - 8)}).to_string()),
        priority: 0,
        max_attempts: 1,
        created_by: name,
        gap: None,
        pull: None,
        resting: false,
        created_at: START,
        state: if n.is_multiple_of(2) { State::Held(claim) } else { State::Dead },
        next_run_at: Some(START),
        triggered_at: None,
        attempts: 1,
        fencing_token: 1,
        last: Some(Last { at: START, status, summary }),
        changed_at: START,
    }
}

async fn fill(world: &World) {
    let mut tx = world.store().begin().await.expect("a transaction");
    for n in 0..200 {
        assert!(store::job::add(&mut tx, &largest(n)).await.expect("a row"));
    }
    tx.commit().await.expect("a commit");
    world.spoil();
}

both!(a_list_of_200_jobs_as_large_as_they_may_be_stays_below_a_mebibyte_an_answer, async |world| {
    let asked = Asked::new(world).await;
    let client = asked.client(Role::Viewer, "eve").await;
    fill(world).await;
    for (tool, items, key, all) in [
        ("list-routine-jobs", "jobs", "name", 200),
        ("check-stuck-routine-jobs", "jobs", "name", 100),
        ("check-dead-letters", "dead_letters", "id", 100),
    ] {
        let name = format!("monolith-agent-{tool}");
        let mut arguments = json!({"limit": 200});
        if tool == "check-stuck-routine-jobs" {
            arguments["threshold_mins"] = json!(0);
        }
        let mut seen = BTreeSet::new();
        loop {
            let asked = json!({"name": name, "arguments": arguments});
            let answer = client.ask("tools/call", &name, asked).await.expect("an answer");
            let bytes = answer.to_string().len();
            assert!(bytes < ANSWER_BYTES_MAX, "{tool} answers with {bytes} bytes");
            let page = &answer["structuredContent"];
            let found = page[items].as_array().expect("items").iter().map(|item| item[key].to_string());
            seen.extend(found);
            if page["cursor"].is_null() {
                break;
            }
            arguments["cursor"] = page["cursor"].clone();
        }
        assert_eq!(seen.len(), all, "{tool}");
    }
    asked.end().await.expect("a clean end");
});
