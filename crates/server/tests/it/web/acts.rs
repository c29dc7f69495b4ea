//! What people do by the page: each act is asked for, confirmed, done once in their name, audited, and told.

use domain::agent::Role;
use domain::gap::Sighting;
use domain::time::Span;
use harness::{both, call, keyed};
use plane::job::{Claim, Claimed, Upsert};
use plane::page::Ask;
use reqwest::StatusCode;

use super::Visitor;
use super::pages::job;
use crate::asked::Asked;

/// A reason that is one.
const WHY: &str = "a reason of more than ten characters";

fn is_done(answer: &super::Read, back: &str) {
    assert_eq!((answer.status, answer.to()), (StatusCode::SEE_OTHER, back), "{}", answer.text);
}

both!(an_act_is_done_once_however_often_its_form_is_sent_and_says_so, async |world| {
    let asked = Asked::new(world).await;
    let by = call(Role::Operator, "o", "exam");
    asked.plane.register_job(&by, job("one", "k", 0), Upsert::Never).await.expect("a job");
    let ann = Visitor::of(&asked, Role::Operator, "ann").await;
    let asks = ann.get("/act/trigger-job?job=one&back=jobs%2Fone").await;
    assert!(asks.text.contains("It is due at once"), "{}", asks.text);
    assert_eq!(asked.plane.show_job(&by, "one").await.expect("the job").next_run_at, None, "asking does nothing");
    let (form_key, key) = (asks.hidden("form_key"), asks.hidden("once"));
    let sent = [("form_key", form_key.as_str()), ("once", &key), ("back", "jobs/one"), ("job", "one")];
    for _ in 0..3 {
        is_done(&ann.send("/act/trigger-job", &sent).await, "../jobs/one");
    }
    assert!(ann.page("/jobs/one").await.contains("one is due now."), "it is told");
    assert!(!ann.page("/jobs/one").await.contains("one is due now."), "once");
    let look = store::journal::Look { object: Some("job:one".into()), ..store::journal::Look::default() };
    let entries = asked.plane.look_into_journal(&by, &look, &Ask::default()).await.expect("entries").items;
    let done: Vec<_> = entries.iter().filter(|entry| entry.tool == "page trigger-job").collect();
    assert_eq!(done.len(), 1, "{entries:?}");
    assert_eq!((done[0].principal.as_str(), done[0].role.as_str()), ("ann", "operator"));
    let overview = ann.page("/").await;
    let told = overview.split("title=\"page trigger-job job:one\"").nth(1).and_then(|rest| rest.split("</li>").next());
    let told = told.expect("what was done, with the words of the audit in its title");
    assert!(told.contains("<b>ann</b> asked for a run of <a href=\"./jobs/one\">one</a>"), "{told}");
    assert!(overview.contains("./audit?object=job%3Aone&amp;tool=page%20trigger-job"), "the entry: {overview}");
    let other = [("form_key", form_key.as_str()), ("once", &key), ("job", "two")];
    assert!(ann.send("/act/trigger-job", &other).await.text.contains("used before with other arguments"));
    asked.end().await.expect("a clean end");
});

both!(work_is_triggered_locks_are_broken_tokens_revoked_and_questions_answered, async |world| {
    let asked = Asked::new(world).await;
    let (by, agent) = (call(Role::Operator, "o", "exam"), call(Role::Routine, "agent", "exam"));
    let ann = Visitor::of(&asked, Role::Operator, "ann").await;
    asked.plane.acquire_lock(&agent, "pr-fix-7", "w", Span::mins(5)).await.expect("a lock");
    assert!(ann.page("/locks").await.contains("pr-fix-7"));
    let lock = asked.plane.list_locks(&by, None, &Ask::default()).await.expect("locks").items.remove(0);
    let (key, token) = (("key", "pr-fix-7"), lock.fencing_token.to_string());
    let stale = ann.act("break-lock", &[key, ("token", "1")], &[]).await;
    assert!(stale.status == StatusCode::CONFLICT && stale.text.contains("taken anew since"), "{}", stale.text);
    is_done(&ann.act("break-lock", &[key, ("token", &token), ("back", "locks")], &[]).await, "../locks");
    assert!(ann.page("/locks").await.contains("No lock is held"));
    let gone = ann.act("break-lock", &[key, ("token", &token)], &[]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.text);
    assert!(gone.text.contains("Request "), "what was not done says why, with its id: {}", gone.text);

    asked.plane.register_job(&by, job("asks", "k", 0), Upsert::Never).await.expect("a job");
    asked.plane.trigger_job(&by, "asks").await.expect("triggered");
    let wish = Claim { holder: "w".into(), ttl: Span::mins(5), kind: None, name: Some("asks".into()) };
    let Claimed::Job(held) = asked.plane.claim_job(&agent, wish).await.expect("an answer") else {
        panic!("not claimed")
    };
    let domain::job::State::Held(claim) = &held.state else { panic!("not held") };
    let options = vec!["this".to_owned(), "that".to_owned()];
    let question = asked.plane.ask_operator(&agent, &claim.id, "which of both?", options).await.expect("asked");
    assert!(ann.page("/").await.contains("which of both?"), "it needs a person");
    let of_job = ann.page("/jobs/asks").await;
    assert!(of_job.contains("Waits for an answer") && of_job.contains("../decisions?job=asks"), "{of_job}");
    assert!(of_job.contains(&format!("act/answer-decision?decision={}", question.id)), "{of_job}");
    let asked_of_it = ann.page("/decisions?job=asks").await;
    assert!(asked_of_it.contains("which of both?") && asked_of_it.contains("href=\"./jobs/asks\""), "{asked_of_it}");
    assert!(ann.page("/decisions?job=other").await.contains("Nothing matches"));
    let asks = ann.get(&format!("/act/answer-decision?decision={}", question.id)).await;
    assert!(asks.text.contains(">that<") || asks.text.contains("that</bdi>"), "{}", asks.text);
    is_done(&ann.act("answer-decision", &[("decision", &question.id)], &[("option", "2")]).await, "../");
    assert!(ann.page("/decisions?state=all").await.contains("Answered <b>"));
    assert!(ann.page("/decisions?job=asks&state=all").await.contains("Answered <b>"));
    assert!(!ann.page("/jobs/asks").await.contains("Waits for an answer"), "it waits no longer");

    let tokens = asked.plane.list_tokens_in_force(&by, &Ask::default()).await.expect("tokens").items;
    let of_ann = tokens.iter().find(|token| token.principal == "ann").expect("hers");
    is_done(&ann.act("revoke-token", &[("token", &of_ann.id)], &[]).await, "../");
    assert_eq!(ann.get("/").await.status, StatusCode::SEE_OTHER, "she has revoked her own");
    asked.end().await.expect("a clean end");
});

both!(gaps_are_left_closed_reopened_ranked_merged_and_told_apart, async |world| {
    let asked = Asked::new(world).await;
    let by = call(Role::Operator, "o", "exam");
    let ann = Visitor::of(&asked, Role::Operator, "ann").await;
    for name in ["deploys-list", "list-deploys", "other"] {
        let seen = Sighting { reason: "it is not there".into(), ..Sighting::named("mcp-tool", name) };
        asked.plane.report_gap(&keyed(&by, name, name), seen).await.expect("reported");
    }
    let gap = "mcp-tool/other";
    let short = ann.act("wontfix-gap", &[("gap", gap)], &[("reason", "no")]).await;
    assert_eq!(short.status, StatusCode::BAD_REQUEST, "{}", short.text);
    assert!(short.text.contains("the reason has 2 characters") && short.text.contains("value=\"mcp-tool/other\""));
    let state = async || asked.plane.show_gap(&by, gap, &Ask::default()).await.expect("the gap").gap;
    is_done(&ann.act("wontfix-gap", &[("gap", gap)], &[("reason", WHY)]).await, "../");
    assert_eq!(state().await.state.name(), "wontfix");
    is_done(&ann.act("reopen-gap", &[("gap", gap)], &[("reason", WHY)]).await, "../");
    is_done(&ann.act("close-gap", &[("gap", gap)], &[("reason", WHY)]).await, "../");
    assert_eq!(state().await.state.name(), "merged");
    is_done(&ann.act("prioritize-gap", &[("gap", gap)], &[("priority", "critical")]).await, "../");
    assert_eq!(state().await.priority.map(domain::gap::Priority::name), Some("critical"));
    is_done(&ann.act("prioritize-gap", &[("gap", gap)], &[("priority", "")]).await, "../");
    assert_eq!(state().await.priority, None);
    let page = ann.page("/gaps/one/mcp%2Dtool%2Fother").await;
    assert!(page.contains(WHY) && page.contains("by ann"), "{page}");
    let apart = [("one", "mcp-tool/other"), ("other", "mcp-tool/list-deploys")];
    let unasked = ann.act("tell-gaps-apart", &apart, &[]).await;
    assert_eq!(unasked.status, StatusCode::NOT_FOUND, "nobody proposed it: {}", unasked.text);
    asked.plane.tend_gaps().await.expect("compared");
    assert!(ann.page("/gaps/alike").await.contains("Not the same"));
    let pair = [("duplicate", "mcp-tool/list-deploys"), ("into", "mcp-tool/deploys-list")];
    is_done(&ann.act("merge-gaps", &pair, &[]).await, "../");
    let merged = asked.plane.show_gap(&by, "mcp-tool/deploys-list", &Ask::default()).await.expect("the gap");
    assert_eq!(merged.duplicates, ["mcp-tool/list-deploys"]);
    asked.end().await.expect("a clean end");
});

both!(levels_and_switches_are_moved_by_a_reason_and_bad_words_are_refused, async |world| {
    let asked = Asked::new(world).await;
    let by = call(Role::Operator, "o", "exam");
    let ann = Visitor::of(&asked, Role::Operator, "ann").await;
    let level = async || asked.plane.show_level(&by).await.expect("a level").level.name();
    let shut = ann.act("raise-level", &[("seen", "observe")], &[]).await;
    assert!(shut.text.contains("the gate from observe to propose is closed"), "{}", shut.text);
    is_done(&ann.act("raise-level", &[("seen", "observe")], &[("reason", WHY)]).await, "../");
    assert_eq!(level().await, "propose");
    let late = ann.act("raise-level", &[("seen", "observe")], &[("reason", WHY)]).await;
    assert!(late.text.contains("the level is propose by now"), "{}", late.text);
    assert!(ann.page("/evidence").await.contains("without the evidence"));
    is_done(&ann.act("lower-level", &[], &[("to", ""), ("reason", "")]).await, "../");
    assert_eq!(level().await, "observe");

    for (scope, says) in [("", "What is not said"), ("everything", "there is no scope"), ("kind:", "scope")] {
        let refused = ann.act("switch-off", &[], &[("scope", scope), ("reason", WHY)]).await;
        assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains(says), "{scope}: {}", refused.text);
    }
    let long = ann.act("switch-off", &[], &[("scope", "all"), ("reason", &"x".repeat(1_001))]).await;
    assert!(long.text.contains("has 1001 characters"), "{}", long.text);
    is_done(&ann.act("switch-off", &[("back", "settings")], &[("scope", "all"), ("reason", WHY)]).await, "../settings");
    assert!(ann.page("/").await.contains("is switched off"));
    is_done(&ann.act("switch-on", &[("scope", "all")], &[]).await, "../");
    assert!(ann.page("/").await.contains("Nothing needs you"));
    let huge = ann.send("/act/switch-off", &[("reason", &"x".repeat(40_000))]).await;
    assert!(huge.text.contains("not one that was shown to you"), "it is read: {}", huge.text);
    let larger = ann.send("/act/switch-off", &[("reason", &"x".repeat(200_000))]).await;
    assert!(larger.status == StatusCode::BAD_REQUEST && larger.text.contains("too long"), "{}", larger.text);
    assert_eq!(ann.get("/act/nothing").await.status, StatusCode::NOT_FOUND);
    asked.end().await.expect("a clean end");
});

/// Every act is done somewhere here: a new one that nobody tries fails this.
#[test]
fn every_act_is_tried() {
    let known = include_str!("../../../src/web/act/known.rs");
    let names = known.split("name: \"").skip(1).filter_map(|rest| rest.split('"').next());
    let tried = concat!(
        include_str!("acts.rs"),
        include_str!("by_hand.rs"),
        include_str!("../../../../gapwright/tests/it/control_room.rs")
    );
    let acts: Vec<_> = names.filter(|name| known.contains(&format!("page {name}\""))).collect();
    assert_eq!(acts.len(), 26);
    let is_tried = |name: &&str| ["\"", "\"/act/"].iter().any(|way| tried.contains(&format!("({way}{name}\"")));
    let untried: Vec<_> = acts.into_iter().filter(|name| !is_tried(name)).collect();
    assert_eq!(untried, Vec::<&str>::new());
}
