//! Jobs that work on gaps: who may begin, what counts as an attempt, and where failures lead.

use domain::gap::{Sighting, State};
use domain::job::Register;
use domain::refusal::Code;
use domain::time::Span;
use forge::Closed;
use plane::job::Completion;

use crate::given::{ann, bob, code, complete, due, end, hourly, named, operator, reason, refused, register, take};
use crate::home::{Given, homes, on_github};

fn on_gap(job: &str, gap: &str) -> Register {
    Register { gap: Some(gap.to_owned()), ..hourly(job) }
}

/// A gap whose issue lets agents act on it.
async fn opted_in(given: &Given<'_>, name: &str) {
    given.open(&[name]).await;
    given.label(name, "claude").await;
    given.poll().await;
}

/// An attempt of a job on its gap that ends so.
async fn attempt(given: &Given<'_>, job: &str, status: &str) {
    given.plane.trigger_job(&ann(), job).await.expect("an answer").expect("a job");
    let held = take(&given.plane, &ann(), named(job)).await;
    complete(&given.plane, &ann(), &held, status).await;
}

homes!(agents_act_on_a_gap_only_under_the_opt_in_label_and_never_under_the_opt_out, async |given| {
    given.open(&["a-gap"]).await;
    let refusal = refused(given.plane.register_job(&ann(), on_gap("work", "a-gap"), plane::job::Upsert::Never).await);
    assert_eq!(refusal.message, "the issue of mcp-tool/a-gap does not let agents act on it");
    assert_eq!(refusal.hint, "people say so by the label claude, and manual wins over it");
    given.label("a-gap", "claude").await;
    given.poll().await;
    register(&given.plane, on_gap("work", "a-gap")).await;
    given.label("a-gap", "manual").await;
    given.poll().await;
    assert_eq!(reason(&given.plane, &ann(), named("work")).await, "gap_not_workable");
    assert_eq!(given.gap("a-gap").await.attempts, 0);
    given.unlabel("a-gap", "manual").await;
    given.poll().await;
    given.plane.trigger_job(&ann(), "work").await.expect("an answer").expect("a job");
    take(&given.plane, &ann(), named("work")).await;
    let gap = given.gap("a-gap").await;
    assert_eq!((gap.state, gap.attempts), (State::InProgress, 1));
});

homes!(a_pickup_is_an_attempt_a_draft_is_in_review_and_what_is_given_back_does_not_count, async |given| {
    opted_in(given, "a-gap").await;
    register(&given.plane, on_gap("work", "a-gap")).await;
    let held = take(&given.plane, &ann(), named("work")).await;
    given
        .plane
        .defer_job(&ann(), &crate::given::claim_id(&held), Span::mins(1), "later")
        .await
        .expect("an answer")
        .expect("deferred");
    let gap = given.gap("a-gap").await;
    assert_eq!((gap.state, gap.attempts, gap.failures), (State::Open, 0, 0));
    attempt(given, "work", "ok").await;
    let gap = given.gap("a-gap").await;
    assert_eq!((gap.state, gap.attempts), (State::InReview, 1));
    given.tick().await;
    given.faces("a-gap", None, &["claude"]).await;
    given.close("a-gap", Closed::Completed).await;
    given.poll().await;
    assert_eq!(given.state("a-gap").await, "merged");
    assert_eq!(reason(&given.plane, &ann(), named("work")).await, "gap_not_workable");
});

homes!(failures_sink_a_gap_and_the_last_leaves_it_to_a_person, async |given| {
    opted_in(given, "a-gap").await;
    given.report("other").await;
    register(&given.plane, on_gap("work", "a-gap")).await;
    let before = given.gap("a-gap").await.standing().rank();
    for failures in 1..=2 {
        attempt(given, "work", "error: it does not build").await;
        let gap = given.gap("a-gap").await;
        assert_eq!((gap.state, gap.failures, gap.attempts), (State::Open, failures, failures));
        assert!(gap.standing().rank() <= before);
    }
    attempt(given, "work", "error: it does not build").await;
    let gap = given.gap("a-gap").await;
    assert_eq!((gap.state, gap.failures), (State::RequiresHuman, 3));
    given.tick().await;
    given.faces("a-gap", None, &["claude", "requires-human"]).await;
    let said = given.issue("a-gap").await.comments;
    assert!(said.len() == 1 && said[0].contains("Left to a person after the last attempt"), "{said:?}");
    assert_eq!(reason(&given.plane, &ann(), named("work")).await, "gap_not_workable");
    given.pass(Span::secs(1));
    given.unlabel("a-gap", "requires-human").await;
    given.poll().await;
    let gap = given.gap("a-gap").await;
    assert_eq!((gap.state, gap.failures), (State::Open, 0), "a person gives it a fresh start");
});

homes!(a_claim_that_runs_out_is_a_failed_attempt, async |given| {
    opted_in(given, "a-gap").await;
    register(&given.plane, on_gap("work", "a-gap")).await;
    take(&given.plane, &ann(), named("work")).await;
    given.pass(Span::mins(2));
    take(&given.plane, &bob(), named("work")).await;
    let gap = given.gap("a-gap").await;
    assert_eq!((gap.state, gap.attempts, gap.failures), (State::InProgress, 2, 1));
});

homes!(a_gap_that_people_closed_meanwhile_is_not_taken_up_and_its_jobs_leave_the_line, async |given| {
    opted_in(given, "a-gap").await;
    register(&given.plane, on_gap("work", "a-gap")).await;
    given.plane.wontfix_gap(&operator(), "a-gap", "nobody needs this any more").await.expect("wontfix");
    assert_eq!(reason(&given.plane, &ann(), crate::given::wish()).await, "nothing_due");
    given.plane.trigger_job(&ann(), "work").await.expect("an answer").expect("a job");
    assert_eq!(reason(&given.plane, &ann(), crate::given::wish()).await, "nothing_due");
    assert_eq!(given.gap("a-gap").await.attempts, 0);
});

homes!(what_is_met_three_hops_down_is_recorded_and_not_worked_on, async |given| {
    let mut above = "gap-0x".to_owned();
    opted_in(given, &above).await;
    for depth in 1..=3 {
        let (job, name) = (format!("work-{depth}"), format!("gap-{depth}x"));
        register(&given.plane, on_gap(&job, &above)).await;
        let held = take(&given.plane, &ann(), named(&job)).await;
        let met = vec![Sighting { reason: "met on the way".into(), ..Sighting::named("mcp-tool", &name) }];
        let done = Completion { gaps: met, ..end(&held, "error: blocked by another") };
        given.plane.complete_job(&ann(), done).await.expect("an answer").expect("not stale");
        let shown = given.show(&name).await;
        assert_eq!((shown.gap.depth, shown.too_deep), (depth, depth > 2), "{name}");
        given.sweep().await;
        if depth <= 2 {
            given.label(&name, "claude").await;
            given.poll().await;
        }
        above = name;
    }
    assert_eq!(given.issues_of("gap-3x").await, [], "no issue is opened for what is too deep");
    let refusal = refused(given.plane.register_job(&ann(), on_gap("deep", "gap-3x"), plane::job::Upsert::Never).await);
    assert_eq!(refusal.code, Code::WrongState);
    assert!(refusal.message.contains("deep"), "{}", refusal.message);
});

homes!(a_job_for_a_gap_that_nobody_may_work_on_is_refused, async |given| {
    opted_in(given, "a-gap").await;
    let try_it =
        async |gap: &str| given.plane.register_job(&ann(), on_gap("work", gap), plane::job::Upsert::Never).await;
    assert_eq!(code(try_it("nobody-said").await), Code::NotFound);
    given.plane.lower_level(&operator(), None, None).await.expect("observe");
    let refusal = refused(try_it("a-gap").await);
    assert_eq!(refusal.message, "at the level observe nobody acts on gaps");
    given.raise().await;
    given.plane.wontfix_gap(&operator(), "a-gap", "nobody needs this any more").await.expect("wontfix");
    assert_eq!(code(try_it("a-gap").await), Code::WrongState);
});

on_github!(an_issue_that_is_gone_lets_nobody_act, async |given| {
    opted_in(given, "a-gap").await;
    register(&given.plane, on_gap("work", "a-gap")).await;
    given.pass(Span::mins(2));
    given.delete("a-gap").await;
    given.poll().await;
    assert_eq!(reason(&given.plane, &ann(), named("work")).await, "gap_not_workable");
    register(&given.plane, due("other")).await;
});
