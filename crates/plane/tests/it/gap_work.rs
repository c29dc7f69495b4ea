//! Jobs that work on gaps: who may begin, what counts as an attempt, and where failures lead.

use domain::gap::relation::EDGES_MAX;
use domain::gap::{Sighting, State};
use domain::job::{self, Job, PUT_OFF, Register};
use domain::refusal::Code;
use domain::time::Span;
use forge::Closed;
use harness::both;
use plane::job::{Completion, Upsert};

use crate::given::{
    ann, bob, claim, claim_id, code, complete, due, end, hourly, named, operator, reason, refused, register, take, wish,
};
use crate::home::{Given, Kind, REPO, at_home, homes, on_github};

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
    given.report("no-issue").await;
    let refusal = refused(given.plane.register_job(&ann(), on_gap("other", "no-issue"), Upsert::Never).await);
    assert_eq!(refusal.message, "mcp-tool/no-issue has no issue on which people could let agents act on it");
    let refusal = refused(given.plane.register_job(&ann(), on_gap("work", "a-gap"), Upsert::Never).await);
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
        .defer_job(&ann(), &claim_id(&held), Span::mins(1), "later")
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
    assert_eq!(reason(&given.plane, &ann(), wish()).await, "nothing_due");
    let refusal = refused(given.plane.trigger_job(&ann(), "work").await);
    assert_eq!(refusal.message, "the gap mcp-tool/a-gap is wontfix, and nobody takes up a job that works on it");
    assert_eq!(reason(&given.plane, &ann(), named("work")).await, "gap_not_workable");
    assert_eq!(given.gap("a-gap").await.attempts, 0);
    given.plane.reopen_gap(&operator(), "a-gap", "somebody needs it after all").await.expect("open");
    assert_eq!(take(&given.plane, &ann(), wish()).await.name, "work");
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
    let refusal = refused(given.plane.register_job(&ann(), on_gap("deep", "gap-3x"), Upsert::Never).await);
    assert_eq!(refusal.code, Code::WrongState);
    assert!(refusal.message.contains("deep"), "{}", refusal.message);
});

homes!(a_job_for_a_gap_that_nobody_may_work_on_is_refused, async |given| {
    opted_in(given, "a-gap").await;
    let try_it = async |gap: &str| given.plane.register_job(&ann(), on_gap("work", gap), Upsert::Never).await;
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

/// A job as it stands.
async fn job(given: &Given<'_>, name: &str) -> Job {
    let jobs = crate::given::walk(200, async |ask| given.plane.list_jobs(&ann(), false, None, ask).await).await;
    jobs.into_iter().map(|listed| listed.job).find(|job| job.name == name).expect("a job")
}

async fn redefine(given: &Given<'_>, new: Register) -> Result<Job, plane::No> {
    given.plane.register_job(&ann(), new, Upsert::Replace).await
}

async fn reopen(given: &Given<'_>, gap: &str) {
    given.plane.reopen_gap(&operator(), gap, "somebody needs it after all").await.expect("open");
}

at_home!(a_new_definition_of_a_held_job_keeps_its_gap, async |given| {
    given.open(&["a-gap", "b-gap"]).await;
    for gap in ["a-gap", "b-gap"] {
        given.label(gap, "claude").await;
    }
    given.poll().await;
    register(&given.plane, on_gap("work", "a-gap")).await;
    let held = take(&given.plane, &ann(), named("work")).await;
    for new in [on_gap("work", "a-gap"), hourly("work"), on_gap("work", "mcp-tool/a-gap")] {
        let again = redefine(given, new).await.expect("redefined");
        assert_eq!(again.gap.as_deref(), Some("mcp-tool/a-gap"));
    }
    let refusal = refused(redefine(given, on_gap("work", "b-gap")).await);
    assert_eq!((refusal.code, refusal.field.as_deref()), (Code::WrongState, Some("gap")));
    complete(&given.plane, &ann(), &held, "ok").await;
    assert_eq!(given.state("a-gap").await, "in_review");
    let free = redefine(given, on_gap("work", "b-gap")).await.expect("redefined");
    assert_eq!(free.gap.as_deref(), Some("mcp-tool/b-gap"));
});

at_home!(the_end_of_a_run_is_put_only_on_the_work_that_it_was, async |given| {
    opted_in(given, "a-gap").await;
    register(&given.plane, on_gap("first", "a-gap")).await;
    register(&given.plane, on_gap("second", "a-gap")).await;
    let first = take(&given.plane, &ann(), named("first")).await;
    given.plane.wontfix_gap(&operator(), "a-gap", "nobody needs this any more").await.expect("wontfix");
    reopen(given, "a-gap").await;
    let second = take(&given.plane, &bob(), named("second")).await;
    complete(&given.plane, &ann(), &first, "error: it does not build").await;
    let gap = given.gap("a-gap").await;
    assert_eq!((gap.state, gap.failures), (State::InProgress, 0), "the second goes on");
    assert_eq!(gap.claim_id, Some(claim_id(&second)));
    complete(&given.plane, &bob(), &second, "ok").await;
    assert_eq!(given.state("a-gap").await, "in_review");
});

at_home!(a_lost_claim_that_is_the_last_failure_takes_the_job_out_of_the_line_and_others_are_claimed, async |given| {
    opted_in(given, "a-gap").await;
    register(&given.plane, on_gap("work", "a-gap")).await;
    attempt(given, "work", "error: it does not build").await;
    attempt(given, "work", "error: it does not build").await;
    given.plane.trigger_job(&ann(), "work").await.expect("an answer").expect("a job");
    take(&given.plane, &ann(), wish()).await;
    given.pass(Span::mins(2));
    register(&given.plane, due("other")).await;
    assert_eq!(take(&given.plane, &ann(), wish()).await.name, "other");
    assert_eq!(reason(&given.plane, &ann(), wish()).await, "nothing_due");
    given.plane.tend_lines().await.expect("tended");
    let gap = given.gap("a-gap").await;
    assert_eq!((gap.state, gap.failures), (State::RequiresHuman, 3));
    let rests = job(given, "work").await;
    assert_eq!((&rests.state, rests.next_run_at, rests.resting), (&job::State::Idle, None, true));
    reopen(given, "a-gap").await;
    assert_eq!(take(&given.plane, &ann(), wish()).await.name, "work");
});

at_home!(a_lost_claim_that_a_chore_ends_is_a_failure_like_any_other, async |given| {
    opted_in(given, "a-gap").await;
    register(&given.plane, on_gap("work", "a-gap")).await;
    for failures in 1..=3 {
        take(&given.plane, &ann(), wish()).await;
        given.pass(Span::mins(2));
        given.plane.tend_lines().await.expect("tended");
        assert_eq!(given.gap("a-gap").await.failures, failures);
    }
    assert_eq!(given.state("a-gap").await, "requires_human");
    assert_eq!(job(given, "work").await.state, job::State::Idle);
});

at_home!(the_last_failure_is_answered_as_the_job_stands_and_the_journal_tells_of_every_job_that_rests, async |given| {
    opted_in(given, "a-gap").await;
    register(&given.plane, on_gap("work", "a-gap")).await;
    register(&given.plane, on_gap("beside", "a-gap")).await;
    for _ in 1..=2 {
        attempt(given, "work", "error: it does not build").await;
    }
    given.plane.trigger_job(&ann(), "work").await.expect("an answer").expect("a job");
    let held = take(&given.plane, &ann(), named("work")).await;
    let told = complete(&given.plane, &ann(), &held, "error: it does not build").await;
    assert_eq!((&told.state, told.next_run_at), (&job::State::Idle, None));
    assert_eq!(told.next_run_at, job(given, "work").await.next_run_at);
    let journal = crate::given::journal(&given.plane).await;
    for name in ["work", "beside"] {
        let rows = journal.iter().filter(|row| row.object == format!("job:{name}"));
        assert_eq!(rows.filter(|row| row.after.contains("\"state\":\"idle\"")).count(), 1, "{name}");
    }
});

at_home!(a_job_that_gave_up_hides_no_other_that_is_due, async |given| {
    opted_in(given, "a-gap").await;
    register(&given.plane, Register { max_attempts: Some(1), priority: 9, ..on_gap("work", "a-gap") }).await;
    take(&given.plane, &ann(), wish()).await;
    given.pass(Span::mins(2));
    register(&given.plane, due("other")).await;
    assert_eq!(take(&given.plane, &ann(), wish()).await.name, "other");
    assert_eq!(job(given, "work").await.state, job::State::Dead);
    assert_eq!(reason(&given.plane, &ann(), named("work")).await, "dead");
});

at_home!(a_job_that_is_passed_over_comes_back_by_itself, async |given| {
    opted_in(given, "a-gap").await;
    register(&given.plane, on_gap("work", "a-gap")).await;
    let passed_over = async || {
        assert_eq!(reason(&given.plane, &ann(), wish()).await, "nothing_due");
        let waits = job(given, "work").await;
        assert_eq!((&waits.state, waits.resting), (&job::State::Waiting, false));
        waits.next_run_at.expect("a due time")
    };
    given.label("a-gap", "manual").await;
    given.poll().await;
    passed_over().await;
    given.unlabel("a-gap", "manual").await;
    given.poll().await;
    let held = take(&given.plane, &ann(), wish()).await;
    given
        .plane
        .defer_job(&ann(), &claim_id(&held), Span::secs(1), "later")
        .await
        .expect("an answer")
        .expect("deferred");
    given.pass(Span::secs(1));
    given.plane.lower_level(&operator(), None, None).await.expect("observe");
    passed_over().await;
    assert_eq!(reason(&given.plane, &ann(), named("work")).await, "gap_not_workable");
    given.raise().await;
    given.pass(PUT_OFF);
    take(&given.plane, &ann(), wish()).await;
    register(&given.plane, due("other")).await;
});

at_home!(a_second_job_of_a_gap_waits_for_the_first_and_a_trigger_is_not_forgotten_in_review, async |given| {
    opted_in(given, "a-gap").await;
    register(&given.plane, on_gap("first", "a-gap")).await;
    register(&given.plane, on_gap("second", "a-gap")).await;
    let first = take(&given.plane, &ann(), wish()).await;
    assert_eq!(first.name, "first");
    assert_eq!(reason(&given.plane, &bob(), wish()).await, "nothing_due");
    given.plane.trigger_job(&ann(), "first").await.expect("an answer").expect("a job");
    let done = complete(&given.plane, &ann(), &first, "ok").await;
    assert_eq!(done.state, job::State::Ready, "asked for again");
    given.pass(PUT_OFF);
    assert_eq!(reason(&given.plane, &bob(), wish()).await, "nothing_due");
    for name in ["first", "second"] {
        assert_eq!(job(given, name).await.state, job::State::Waiting, "{name}");
    }
    reopen(given, "a-gap").await;
    given.pass(PUT_OFF);
    take(&given.plane, &bob(), wish()).await;
});

at_home!(jobs_of_a_settled_gap_rest_and_are_due_when_it_is_opened_again_by_a_person_or_a_report, async |given| {
    opted_in(given, "a-gap").await;
    register(&given.plane, on_gap("work", "a-gap")).await;
    register(&given.plane, Register { next_run_at: None, ..on_gap("idle", "a-gap") }).await;
    given.plane.close_gap(&operator(), "a-gap", "it went in by hand").await.expect("merged");
    let rests = job(given, "work").await;
    assert_eq!((&rests.state, rests.resting), (&job::State::Idle, true));
    assert_eq!(code(given.plane.trigger_job(&ann(), "work").await), Code::WrongState);
    given.pass(Span::secs(1));
    given.report("a-gap").await;
    assert_eq!(given.state("a-gap").await, "open");
    assert_eq!(job(given, "work").await.state, job::State::Ready);
    assert_eq!(job(given, "idle").await.state, job::State::Idle, "what was in no line is in none");
    given.plane.trigger_job(&ann(), "idle").await.expect("an answer").expect("a job");
});

at_home!(people_take_back_what_is_worked_on_and_what_is_in_review, async |given| {
    opted_in(given, "a-gap").await;
    register(&given.plane, on_gap("work", "a-gap")).await;
    let late = take(&given.plane, &ann(), named("work")).await;
    reopen(given, "a-gap").await;
    let gap = given.gap("a-gap").await;
    assert_eq!((gap.state, gap.claim_id), (State::Open, None));
    complete(&given.plane, &ann(), &late, "ok").await;
    assert_eq!(given.state("a-gap").await, "open", "a claim that was taken back ends without effect");
    attempt(given, "work", "ok").await;
    assert_eq!(given.state("a-gap").await, "in_review");
    reopen(given, "a-gap").await;
    attempt(given, "work", "ok").await;
});

at_home!(work_on_a_duplicate_is_work_on_what_stands_for_it, async |given| {
    given.open(&["ee-gap", "ff-gap"]).await;
    for gap in ["ee-gap", "ff-gap"] {
        given.label(gap, "claude").await;
    }
    given.poll().await;
    register(&given.plane, on_gap("work", "ee-gap")).await;
    let held = take(&given.plane, &ann(), named("work")).await;
    given.plane.merge_gaps(&operator(), "ee-gap", "ff-gap").await.expect("merged");
    let stands = given.gap("ff-gap").await;
    assert_eq!((stands.state, stands.claim_id), (State::InProgress, Some(claim_id(&held))));
    let again = redefine(given, on_gap("work", "ff-gap")).await.expect("the same gap");
    assert_eq!(again.gap.as_deref(), Some("mcp-tool/ee-gap"));
    let met = vec![Sighting { reason: "met on the way".into(), ..Sighting::named("mcp-tool", "gg-gap") }];
    let done = Completion { gaps: met, ..end(&held, "ok") };
    given.plane.complete_job(&ann(), done).await.expect("an answer").expect("not stale");
    assert_eq!((given.state("ee-gap").await, given.state("ff-gap").await), ("duplicate", "in_review"));
    assert_eq!(given.show("gg-gap").await.gap.depth, 1);
    reopen(given, "ff-gap").await;
    let other = register(&given.plane, on_gap("other", "ee-gap")).await;
    assert_eq!(other.gap.as_deref(), Some("mcp-tool/ff-gap"), "registered for what stands for it");
    given.plane.trigger_job(&ann(), "work").await.expect("an answer").expect("a job");
    let held = take(&given.plane, &ann(), named("work")).await;
    assert_eq!(given.gap("ff-gap").await.claim_id, Some(claim_id(&held)));
    given.plane.wontfix_gap(&operator(), "ff-gap", "nobody needs this any more").await.expect("wontfix");
    assert_eq!(job(given, "other").await.state, job::State::Idle);
    complete(&given.plane, &ann(), &held, "ok").await;
    assert_eq!(given.state("ff-gap").await, "wontfix");
    given.pass(Span::hours(1));
    assert_eq!(reason(&given.plane, &ann(), wish()).await, "nothing_due");
    reopen(given, "ff-gap").await;
    for name in ["work", "other"] {
        assert_eq!(job(given, name).await.state, job::State::Ready, "{name} comes back");
    }
});

at_home!(a_gap_waits_for_what_it_was_said_to_depend_on, async |given| {
    opted_in(given, "lower-gap").await;
    opted_in(given, "upper-gap").await;
    register(&given.plane, on_gap("work", "upper-gap")).await;
    let on = |upper: &str| Sighting { depends_on: Some("lower-gap".into()), ..Sighting::named("mcp-tool", upper) };
    given.report_of(on("upper-gap")).await;
    assert_eq!(reason(&given.plane, &ann(), wish()).await, "nothing_due");
    let register_other = async || given.plane.register_job(&ann(), on_gap("other", "upper-gap"), Upsert::Never).await;
    let refusal = refused(register_other().await);
    assert_eq!(refusal.message, "the gap mcp-tool/upper-gap waits for mcp-tool/lower-gap");
    assert_eq!(refusal.hint, "close mcp-tool/lower-gap first");
    register(&given.plane, on_gap("lower", "lower-gap")).await;
    for _ in 1..=3 {
        attempt(given, "lower", "error: it does not build").await;
    }
    let refusal = refused(register_other().await);
    assert_eq!(refusal.hint, "mcp-tool/lower-gap is left to a person, who decides");
    given.plane.close_gap(&operator(), "lower-gap", "it went in by hand").await.expect("merged");
    given.pass(PUT_OFF);
    assert_eq!(take(&given.plane, &ann(), wish()).await.name, "work");
});

at_home!(a_gap_does_not_wait_for_what_was_met_while_it_was_worked_on_until_somebody_says_so, async |given| {
    opted_in(given, "upper-gap").await;
    register(&given.plane, on_gap("work", "upper-gap")).await;
    let held = take(&given.plane, &ann(), named("work")).await;
    let met = vec![Sighting { reason: "met on the way".into(), ..Sighting::named("mcp-tool", "lower-gap") }];
    let done = Completion { gaps: met, ..end(&held, "error: blocked by another") };
    given.plane.complete_job(&ann(), done).await.expect("an answer").expect("not stale");
    attempt(given, "work", "error: it does not build").await;
    let said = Sighting { depends_on: Some("lower-gap".into()), ..Sighting::named("mcp-tool", "upper-gap") };
    given.report_of(said).await;
    given.plane.trigger_job(&ann(), "work").await.expect("an answer").expect("a job");
    assert_eq!(reason(&given.plane, &ann(), named("work")).await, "gap_not_workable");
});

at_home!(a_run_ends_on_its_gap_whatever_became_of_the_level_and_what_it_meets_may_be_too_deep, async |given| {
    let chain = ["gap-0x", "gap-1x", "gap-2x"];
    opted_in(given, chain[0]).await;
    for pair in chain.windows(2) {
        register(&given.plane, on_gap(pair[0], pair[0])).await;
        take(&given.plane, &ann(), named(pair[0])).await;
        let met = Sighting { job: Some(pair[0].to_owned()), ..Sighting::named("mcp-tool", pair[1]) };
        given.report_of(met).await;
        given.sweep().await;
        given.label(pair[1], "claude").await;
        given.poll().await;
    }
    register(&given.plane, on_gap("work", "gap-2x")).await;
    let held = take(&given.plane, &ann(), named("work")).await;
    given.report_of(Sighting { job: Some("work".into()), ..Sighting::named("mcp-tool", "gap-3x") }).await;
    let shown = given.show("gap-3x").await;
    assert_eq!((shown.gap.depth, shown.too_deep), (3, true));
    given.plane.lower_level(&operator(), None, None).await.expect("observe");
    complete(&given.plane, &ann(), &held, "ok").await;
    assert_eq!(given.state("gap-2x").await, "in_review");
    given.raise().await;
    assert_eq!(code(given.plane.register_job(&ann(), on_gap("deep", "gap-3x"), Upsert::Never).await), Code::WrongState);
});

both!(a_claim_that_meets_the_end_of_its_gap_comes_to_one_or_the_other, async |world| {
    let given = Given::new(world, Kind::GitHub).await;
    let home = given.home(REPO);
    let other = world.replica_with(|settings| settings.home = Some(home)).await;
    opted_in(&given, "a-gap").await;
    register(&given.plane, on_gap("work", "a-gap")).await;
    for _ in 0..20 {
        let (by, also) = (ann(), operator());
        let (claimed, ended) =
            tokio::join!(claim(&given.plane, &by, named("work")), other.wontfix_gap(&also, "a-gap", "nobody needs it"));
        ended.expect("wontfix");
        assert_eq!(given.state("a-gap").await, "wontfix");
        if let Some(held) = claimed {
            complete(&given.plane, &ann(), &held, "ok").await;
        }
        assert!(claim(&other, &ann(), named("work")).await.is_none(), "nobody takes up what is settled");
        reopen(&given, "a-gap").await;
        given.plane.trigger_job(&ann(), "work").await.expect("an answer").expect("a job");
    }
});

at_home!(what_is_met_beyond_the_most_edges_is_no_higher_for_that, async |given| {
    opted_in(given, "a-gap").await;
    register(&given.plane, on_gap("work", "a-gap")).await;
    let held = take(&given.plane, &ann(), named("work")).await;
    let gaps = (0..EDGES_MAX + 10).map(|n| format!("BLOCKING-GAP[kind=adr]: met-{n}x - on the way"));
    let summary = Some(gaps.collect::<Vec<_>>().join("\n"));
    let done = Completion { summary, ..end(&held, "error: blocked by others") };
    given.plane.complete_job(&ann(), done).await.expect("an answer").expect("not stale");
    for n in 0..EDGES_MAX + 10 {
        assert_eq!(given.gap(&format!("met-{n}x")).await.depth, 1, "met-{n}x");
    }
});
