//! What pages show: each is there, written out where it is empty, filtered by its address, paged by key, and shut with the reason
//! to whoever may not see it.

use domain::agent::Role;
use domain::job::{Pointer, Register, Status};
use domain::time::Span;
use harness::{both, call};
use plane::job::{Claim, Completion, Upsert};
use reqwest::StatusCode;

use super::Visitor;
use crate::asked::Asked;

/// Every page that needs nothing to be there.
const EMPTY: [(&str, &str); 13] = [
    ("/", "Nothing needs you"),
    ("/queue", "No job is registered"),
    ("/pipeline", "No pull request yet"),
    ("/locks", "No lock is held"),
    ("/gaps", "No gap was reported"),
    ("/gaps/inventory", "No gap was reported"),
    ("/gaps/alike", "No pair waits for you"),
    ("/evidence", "No stratum was met yet"),
    ("/schedules", "No Routine is expected"),
    ("/decisions", "No question is open"),
    ("/audit", "sign-in"),
    ("/agents", "Nobody is at work"),
    ("/settings", "Nothing is switched off"),
];

pub(super) fn job(name: &str, kind: &str, priority: i64) -> Register {
    Register {
        name: name.to_owned(),
        kind: kind.to_owned(),
        interval: Some(Span::hours(1)),
        payload: None,
        next_run_at: None,
        priority,
        max_attempts: None,
        created_by: "exam".to_owned(),
        gap: None,
        pull: None,
    }
}

both!(every_page_is_there_and_says_what_it_is_where_it_is_empty, async |world| {
    let asked = Asked::new(world).await;
    let ann = Visitor::of(&asked, Role::Operator, "ann").await;
    for (path, says) in EMPTY {
        let answer = ann.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        assert!(answer.text.contains(says), "{path} does not say {says}: {}", answer.text);
        let policy = answer.headers["content-security-policy"].to_str().expect("a text");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["x-frame-options"], "DENY");
        for inline in ["<script>", " style=", "<style", " onclick", "javascript:"] {
            assert!(!answer.text.contains(inline), "{path} has {inline}");
        }
    }
    asked.end().await.expect("a clean end");
});

both!(what_is_not_there_and_what_makes_no_sense_gets_a_page_that_says_so, async |world| {
    let asked = Asked::new(world).await;
    let ann = Visitor::of(&asked, Role::Operator, "ann").await;
    for (path, status, says) in [
        ("/jobs/none", StatusCode::NOT_FOUND, "there is no job"),
        ("/runs/none", StatusCode::NOT_FOUND, "no run has the claim"),
        ("/pulls/none", StatusCode::NOT_FOUND, "pull request"),
        ("/pulls/none/diff", StatusCode::NOT_FOUND, "pull request"),
        ("/gaps/one/none", StatusCode::NOT_FOUND, "nobody reported a gap"),
        ("/evidence/none", StatusCode::NOT_FOUND, "stratum"),
        ("/queue?state=lost", StatusCode::BAD_REQUEST, "there is no state"),
        ("/queue?cursor=zz", StatusCode::BAD_REQUEST, "cursor"),
        ("/queue?state=ready&agent=x", StatusCode::BAD_REQUEST, "somebody holds only what is at work"),
        ("/gaps?state=lost", StatusCode::BAD_REQUEST, "state"),
        ("/pipeline?state=lost", StatusCode::BAD_REQUEST, "there is no state"),
        ("/locks?prefix=%00", StatusCode::BAD_REQUEST, "prefix"),
        ("/decisions?job=%00", StatusCode::BAD_REQUEST, "job has a blank at an end"),
    ] {
        let answer = ann.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert!(answer.text.contains(says) && answer.text.contains("Request "), "{path}: {}", answer.text);
    }
    for path in ["/nowhere", "/queue/", "/jobs/a/b", "//"] {
        let answer = ann.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text.contains("there is no such page"), "{path}: {}", answer.text);
    }
    let long = ann.get(&format!("/queue?name={}", "x".repeat(9_000))).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
    asked.end().await.expect("a clean end");
});

both!(the_queue_is_filtered_by_its_address_and_paged_by_key_without_loss_or_repetition, async |world| {
    let asked = Asked::new(world).await;
    let by = call(Role::Operator, "o", "exam");
    for n in 0..130 {
        let kind = if n % 2 == 0 { "even" } else { "odd" };
        asked.plane.register_job(&by, job(&format!("job/{n:03} é"), kind, n % 7), Upsert::Never).await.expect("a job");
    }
    for n in 0..60 {
        asked.plane.trigger_job(&by, &format!("job/{n:03} é")).await.expect("triggered");
    }
    let wish = |name: &str| Claim { holder: "w".into(), ttl: Span::mins(5), kind: None, name: Some(name.to_owned()) };
    for n in 0..55 {
        asked
            .plane
            .claim_job(&call(Role::Routine, "worker", "exam"), wish(&format!("job/{n:03} é")))
            .await
            .expect("claimed");
    }
    let ann = Visitor::of(&asked, Role::Viewer, "ann").await;
    for (filter, expect) in [
        ("", 130),
        ("state=ready", 5),
        ("state=held", 55),
        ("agent=worker", 55),
        ("agent=worker&kind=even", 28),
        ("agent=worker&state=held", 55),
        ("agent=nobody", 0),
        ("agent=worker&name=job%2F00", 10),
        ("state=ready&kind=even", 2),
        ("state=idle", 70),
        ("state=idle&kind=odd", 35),
        ("kind=odd", 65),
        ("name=job%2F00", 10),
        ("name=job%2F&state=ready", 5),
        ("name=job%2F&kind=even", 65),
        ("state=dead", 0),
        ("name=other", 0),
    ] {
        let mut seen = std::collections::BTreeSet::new();
        let mut path = format!("/queue?{filter}");
        let mut pages = 0;
        loop {
            let page = ann.page(&path).await;
            let rows: Vec<_> = page.split("<tr data-key=\"").skip(1).filter_map(|row| row.split('"').next()).collect();
            for row in &rows {
                assert!(seen.insert((*row).to_owned()), "{filter}: {row} comes twice");
            }
            pages += 1;
            let next = page.split("rel=\"next\" href=\"./").nth(1).and_then(|rest| rest.split('"').next());
            let Some(next) = next else { break };
            assert!(pages < 10, "{filter} never ends");
            path = format!("/{}", next.replace("&amp;", "&"));
        }
        assert_eq!(seen.len(), expect, "{filter}");
        if expect == 0 {
            assert!(ann.page(&path).await.contains("Nothing matches"), "{filter}");
        }
    }
    let one = ann.page("/jobs/job%2F000%20%C3%A9").await;
    assert!(one.contains("Job job/000 é") && one.contains("at work"), "{one}");
    asked.end().await.expect("a clean end");
});

both!(a_form_that_was_left_empty_leaves_nothing_in_the_address, async |world| {
    let asked = Asked::new(world).await;
    let ann = Visitor::of(&asked, Role::Viewer, "ann").await;
    for (path, clean) in [
        ("/queue?state=&kind=&name=&agent=", "./queue"),
        ("/queue?state=any&holder=", "./queue"),
        ("/queue?state=ready&kind=&name=a%2Fb", "./queue?name=a%2Fb&state=ready"),
        ("/gaps?state=all&kind=", "./gaps?state=all"),
        ("/gaps/one/a%2Fb?cursor=", "../../gaps/one/a%2Fb"),
    ] {
        let answer = ann.get(path).await;
        assert_eq!((answer.status, answer.to()), (StatusCode::SEE_OTHER, clean), "{path}");
    }
    assert_eq!(ann.get("/queue?state=ready").await.status, StatusCode::OK);
    asked.end().await.expect("a clean end");
});

both!(a_one_off_that_is_finished_is_called_done, async |world| {
    let asked = Asked::new(world).await;
    let by = call(Role::Operator, "o", "exam");
    for (name, status) in [("well", Some("ok")), ("badly", Some("error: no luck")), ("never", None)] {
        let once = Register { interval: None, ..job(name, "k", 0) };
        asked.plane.register_job(&by, once, Upsert::Never).await.expect("a job");
        let Some(status) = status else { continue };
        let agent = call(Role::Routine, "agent", "exam");
        let wish = Claim { holder: "w".into(), ttl: Span::mins(5), kind: None, name: Some(name.to_owned()) };
        asked.plane.claim_job(&agent, wish).await.expect("claimed");
        let end = Completion {
            name: name.to_owned(),
            at: Pointer::Own("w".into()),
            status: Status::parse(status).expect("a status"),
            summary: None,
            gaps: Vec::new(),
        };
        asked.plane.complete_job(&agent, end).await.expect("an answer").expect("completed");
    }
    let ann = Visitor::of(&asked, Role::Viewer, "ann").await;
    let queue = ann.page("/queue").await;
    for (name, is_done) in [("well", true), ("badly", false), ("never", false)] {
        let of_job = ann.page(&format!("/jobs/{name}")).await;
        let row = queue.split(&format!("<tr data-key=\"{name}\"")).nth(1).and_then(|rest| rest.split("</tr>").next());
        for told in [of_job.as_str(), row.expect("a row")] {
            assert_eq!(told.contains(">done</span>"), is_done, "{name}: {told}");
            assert_eq!(told.contains(">idle</span>"), !is_done, "{name}: {told}");
        }
    }
    let all = ann.page("/queue?state=idle").await;
    assert_eq!(all.matches("<tr data-key").count(), 3, "one filter has them all: {all}");
    assert!(all.contains(">idle or done</option>"), "and says so: {all}");
    asked.end().await.expect("a clean end");
});

both!(a_viewer_is_shown_what_it_may_not_do_with_the_reason, async |world| {
    let asked = Asked::new(world).await;
    let by = call(Role::Operator, "o", "exam");
    asked.plane.register_job(&by, job("one", "k", 0), Upsert::Never).await.expect("a job");
    let ben = Visitor::of(&asked, Role::Viewer, "ben").await;
    let page = ben.page("/jobs/one").await;
    assert!(page.contains("aria-disabled=\"true\"") && page.contains("who may only look"), "{page}");
    assert!(!page.contains("act/trigger-job"), "{page}");
    for path in ["/audit", "/settings", "/agents"] {
        assert!(ben.page(path).await.contains("Not for you to see"), "{path}");
    }
    assert_eq!(ben.get("/audit/export").await.status, StatusCode::FORBIDDEN);
    for path in ["/", "/jobs/one"] {
        let page = ben.page(path).await;
        assert!(page.contains("Not for you to see"), "what was done is in the audit, which is not for viewers: {path}");
        assert!(!page.contains("sign-in") && !page.contains("session"), "{path}: {page}");
    }
    let form_key = ben.get("/").await.hidden("form_key");
    let doctor = ben.send("/doctor", &[("form_key", &form_key)]).await;
    assert!(
        doctor.status == StatusCode::FORBIDDEN && doctor.text.contains("may not use the doctor"),
        "{}",
        doctor.text
    );
    let asks = ben.get("/act/trigger-job?job=one").await;
    assert!(asks.text.contains("who may only look") && !asks.text.contains("name=\"once\""), "{}", asks.text);
    let key = "0123456789abcdef0123456789abcdef";
    let sent = ben.send("/act/trigger-job", &[("form_key", &form_key), ("once", key), ("job", "one")]).await;
    assert_eq!(sent.status, StatusCode::FORBIDDEN);
    assert!(sent.text.contains("may not use"), "the server says no, whatever the page shows: {}", sent.text);
    let job = asked.plane.show_job(&by, "one").await.expect("the job");
    assert_eq!(job.next_run_at, None, "nothing was done");
    asked.end().await.expect("a clean end");
});

both!(the_audit_is_looked_into_by_what_and_whom_and_exported_whole, async |world| {
    let asked = Asked::new(world).await;
    let by = call(Role::Operator, "o", "exam");
    for n in 0..70 {
        asked.plane.register_job(&by, job(&format!("j{n}"), "k", 0), Upsert::Never).await.expect("a job");
    }
    let ann = Visitor::of(&asked, Role::Operator, "ann").await;
    let of_one = ann.page("/audit?object=job%3Aj7").await;
    assert_eq!(of_one.matches("<tr data-key").count(), 1, "{of_one}");
    let of_ann = ann.page("/audit?principal=ann").await;
    assert_eq!(of_ann.matches("<tr data-key").count(), 1, "she signed in: {of_ann}");
    assert!(ann.page("/audit?tool=none").await.contains("Nothing matches"));
    assert!(ann.page("/audit?object=job%3Aj7&principal=none").await.contains("Nothing matches"));
    let lines = ann.get("/audit/export?principal=o").await;
    assert_eq!(lines.headers["content-type"], "application/jsonl; charset=utf-8");
    let entries: Vec<serde_json::Value> =
        lines.text.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
    assert_eq!(entries.len(), 70);
    assert!(entries.iter().all(|entry| entry["principal"] == "o" && entry["hash"].is_string()));
    asked.end().await.expect("a clean end");
});

#[tokio::test(flavor = "multi_thread")]
async fn what_pages_load_is_kept_by_browsers_under_an_address_of_its_own_text() {
    let world = harness::World::new(harness::On::Memory).await;
    let asked = Asked::new(&world).await;
    let ann = Visitor::of(&asked, Role::Viewer, "ann").await;
    let page = ann.page("/queue").await;
    for name in ["control.css", "control.js", "sign.svg"] {
        let address = page.split(&format!("./assets/{name}?")).nth(1).and_then(|rest| rest.split('"').next());
        assert_eq!(address.map(str::len), Some(12), "{name}: {page}");
        let asset = ann.get(&format!("/assets/{name}")).await;
        assert!(asset.headers["cache-control"].to_str().expect("a text").contains("immutable"));
        assert_eq!(asset.headers["x-content-type-options"], "nosniff");
    }
    asked.end().await.expect("a clean end");
}
