use serde_json::{Value, json};

use super::*;
use crate::refusal::Code;

fn who(name: &str) -> Principal {
    Principal::local(name, Role::Routine)
}

fn job(interval: Option<i64>, due: Option<i64>) -> Job {
    let new = Register {
        name: "j".into(),
        kind: "k".into(),
        interval: interval.map(Span),
        payload: None,
        next_run_at: due.map(Time),
        priority: 0,
        max_attempts: None,
        created_by: "test".into(),
        gap: None,
        pull: None,
    };
    Job::register(new, 0, Time(0))
}

fn take(id: &str, ttl: i64) -> Take {
    Take { holder: "h".into(), ttl: Span(ttl), claim_id: id.into() }
}

fn ok() -> Status {
    Status::parse("ok").expect("ok")
}

fn error() -> Status {
    Status::parse("error: no luck").expect("error")
}

fn at(id: &str) -> Pointer {
    Pointer::Claim(id.into())
}

#[test]
fn a_job_stands_in_line_by_when_it_is_due() {
    assert_eq!([None, Some(0), Some(1)].map(|due| job(None, due).state), [State::Idle, State::Ready, State::Waiting]);
}

#[test]
fn a_finished_one_off_is_not_due_again_until_triggered() {
    let held = job(None, Some(0)).claim(take("c", 10), &who("a"), Time(1)).expect("free").job;
    for status in [ok(), error()] {
        let done = held.clone().complete(&who("a"), &at("c"), status, None, Time(2)).expect("mine").job;
        assert_eq!((&done.state, done.next_run_at), (&State::Idle, None));
        assert_eq!(done.is_done(), done.last.as_ref().is_some_and(|last| last.status == "ok"), "{done:?}");
        assert_eq!(
            done.is_failing(),
            done.last.as_ref().is_some_and(|last| last.status.starts_with("error")),
            "{done:?}"
        );
        assert!(!done.clone().trigger(Time(3)).is_done() && !job(None, None).is_done());
        assert_eq!(done.trigger(Time(3)).state, State::Ready);
    }
}

#[test]
fn a_repeating_job_is_due_one_interval_after_it_ended_without_catching_up() {
    let held = job(Some(100), Some(0)).claim(take("c", 10_000), &who("a"), Time(1)).expect("free").job;
    let done = held.complete(&who("a"), &at("c"), error(), None, Time(5_000)).expect("mine").job;
    assert_eq!((done.state, done.next_run_at, done.attempts), (State::Waiting, Some(Time(5_100)), 1));
}

#[test]
fn a_trigger_during_a_run_is_not_lost() {
    let held = job(Some(100), Some(0)).claim(take("c", 50), &who("a"), Time(1)).expect("free").job.trigger(Time(2));
    let done = held.complete(&who("a"), &at("c"), ok(), None, Time(3)).expect("mine").job;
    assert_eq!((done.state, done.next_run_at), (State::Ready, Some(Time(3))));
}

#[test]
fn a_stale_worker_changes_nothing() {
    let first = job(None, Some(0)).claim(take("c1", 10), &who("a"), Time(0)).expect("free").job;
    let second = first.claim(take("c2", 10), &who("b"), Time(10)).expect("expired").job;
    let try_it = |by: &str, pointer: Pointer, now| {
        second.clone().complete(&who(by), &pointer, ok(), None, Time(now)).map(|step| step.job.state)
    };
    assert_eq!(try_it("a", at("c1"), 11), Err(Stale::StaleClaim));
    assert_eq!(try_it("a", at("c2"), 11), Err(Stale::NotYours));
    assert_eq!(try_it("a", Pointer::Own("h".into()), 11), Err(Stale::StaleClaim));
    assert_eq!(try_it("b", Pointer::Own("other".into()), 11), Err(Stale::StaleClaim));
    assert_eq!(try_it("b", at("c2"), 20), Err(Stale::Expired));
    assert_eq!(try_it("b", Pointer::Own("h".into()), 19), Ok(State::Idle));
    assert_eq!(
        job(None, None).complete(&who("a"), &Pointer::Own("h".into()), ok(), None, Time(0)),
        Err(Stale::NotClaimed)
    );
}

#[test]
fn a_lost_claim_leaves_a_run_and_a_larger_token() {
    let first = job(None, Some(0)).claim(take("c1", 10), &who("a"), Time(5)).expect("free").job;
    let step = first.clone().claim(take("c2", 10), &who("b"), Time(15)).expect("expired");
    let run = step.run.expect("a run");
    assert_eq!((run.claim_id.as_str(), run.outcome, run.attempt, run.fencing_token), ("c1", Outcome::Lost, 1, 5));
    assert_eq!((step.job.attempts, step.job.fencing_token), (2, 15));
    assert_eq!(
        first.claim(take("c2", 10), &who("b"), Time(14)),
        Err(Unclaimable::Held { by: "h".into(), until: Time(15) })
    );
}

#[test]
fn attempts_never_exceed_their_limit_and_only_a_trigger_brings_the_job_back() {
    let mut job = Job { max_attempts: 2, ..job(None, Some(0)) };
    for round in 0..2 {
        job = job.claim(take("c", 1), &who("a"), Time(round * 10)).expect("attempts left").job;
    }
    let Err(Unclaimable::GaveUp(step)) = job.claim(take("c", 1), &who("a"), Time(100)) else { panic!("must give up") };
    assert_eq!(
        (&step.job.state, step.job.attempts, step.run.map(|r| r.outcome)),
        (&State::Dead, 2, Some(Outcome::Lost))
    );
    let dead = step.job;
    assert_eq!(dead.clone().claim(take("c", 1), &who("a"), Time(101)), Err(Unclaimable::Dead));
    let again = dead.trigger(Time(102));
    assert_eq!((again.state, again.attempts), (State::Ready, 0));
}

#[test]
fn a_deferred_claim_is_not_a_burnt_attempt() {
    let held = job(None, Some(0)).claim(take("c", 10), &who("a"), Time(0)).expect("free").job;
    let step = held.defer(&who("a"), &at("c"), Span(60), "quota".into(), Time(5)).expect("mine");
    assert_eq!((step.job.attempts, step.job.next_run_at, step.job.state), (0, Some(Time(65)), State::Waiting));
    assert_eq!(step.run.map(|r| (r.outcome, r.summary)), Some((Outcome::Deferred, Some("quota".into()))));
}

#[test]
fn renew_keeps_the_later_expiry_and_the_last_word() {
    let held = job(None, Some(0)).claim(take("c", 100), &who("a"), Time(0)).expect("free").job;
    let renew = |job: Job, ttl, word: Option<&str>, now| {
        job.renew(&who("a"), &at("c"), Span(ttl), word.map(Into::into), Time(now))
    };
    let renewed = renew(held.clone(), 10, Some("half"), 50).expect("mine");
    let renewed = renew(renewed, 100, None, 60).expect("mine");
    let State::Held(claim) = renewed.state else { panic!("held") };
    assert_eq!((claim.expires_at, claim.progress.as_deref()), (Time(160), Some("half")));
    assert_eq!(renew(held, 10, None, 100), Err(Stale::Expired));
}

#[test]
fn a_redefined_job_keeps_its_claim_and_its_token() {
    let held = job(None, Some(0)).claim(take("c", 100), &who("a"), Time(7)).expect("free").job;
    let new = Register {
        name: "j".into(),
        kind: "other".into(),
        interval: Some(Span(9)),
        payload: None,
        next_run_at: None,
        priority: 3,
        max_attempts: None,
        created_by: "b".into(),
        gap: None,
        pull: None,
    };
    let again = held.clone().redefine(new, Time(8)).expect("redefined");
    assert_eq!((again.state, again.fencing_token, again.kind.as_str(), again.priority), (held.state, 7, "other", 3));
}

/// A job that works on a gap, or on none.
pub(super) fn on_gap(gap: Option<&str>) -> Register {
    Register {
        name: "j".into(),
        kind: "fix".into(),
        interval: None,
        payload: None,
        next_run_at: None,
        priority: 0,
        max_attempts: None,
        created_by: "ann".into(),
        gap: gap.map(str::to_owned),
        pull: None,
    }
}

#[test]
fn a_held_job_keeps_its_gap_and_a_free_one_gets_the_one_that_is_said() {
    let new = on_gap;
    let free = job(None, Some(0)).redefine(new(Some("adr/a")), Time(5)).expect("redefined");
    assert_eq!(free.gap.as_deref(), Some("adr/a"));
    assert_eq!(free.clone().redefine(new(None), Time(6)).map(|job| job.gap), Ok(None));
    let held = free.claim(take("c", 100), &who("a"), Time(7)).expect("free").job;
    for same in [None, Some("adr/a")] {
        let again = held.clone().redefine(new(same), Time(8)).expect("redefined");
        assert_eq!((again.gap.as_deref(), again.state), (Some("adr/a"), held.state.clone()));
    }
    let refusal = held.redefine(new(Some("adr/b")), Time(8)).expect_err("another gap");
    assert_eq!((refusal.code, refusal.field.as_deref()), (crate::refusal::Code::WrongState, Some("gap")));
}

#[test]
fn a_status_is_ok_or_error_and_nothing_else() {
    let read = |text: &str| Status::parse(text).map(|s| (s.text, s.ok)).map_err(|r| r.code);
    assert_eq!(read("OK"), Ok(("ok".into(), true)));
    assert_eq!(read(" error: disk\nfull "), Ok(("error: disk full".into(), false)));
    for text in ["", "done", "okay", "ok: mostly", "okerror", &"error".repeat(300)] {
        assert_eq!(read(text), Err(Code::InvalidArgument), "{text}");
    }
}

fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
}

#[test]
fn a_payload_at_its_bounds_is_taken_and_beyond_them_refused() {
    assert!(Payload::new(&nested(PAYLOAD_DEPTH_MAX)).is_ok());
    assert!(Payload::new(&nested(PAYLOAD_DEPTH_MAX + 1)).is_err());
    let sized = |bytes: usize| json!({ "a": "x".repeat(bytes - r#"{"a":""}"#.len()) });
    assert!(Payload::new(&sized(PAYLOAD_BYTES_MAX)).is_ok());
    assert!(Payload::new(&sized(PAYLOAD_BYTES_MAX + 1)).is_err());
    for value in [json!(null), json!([]), json!("x"), json!(1)] {
        assert!(Payload::new(&value).is_err(), "{value}");
    }
}

#[test]
fn numbers_out_of_bounds_are_refused() {
    assert!([i64::MIN, -1, 0, 31_622_401].into_iter().all(|secs| interval(secs).is_err()));
    assert!([-1_001, 1_001].into_iter().all(|value| priority(value).is_err()));
    assert!([-1, 1_001].into_iter().all(|value| max_attempts(value).is_err()));
    assert!(summary(Some(&"x".repeat(SUMMARY_BYTES_MAX + 1))).is_err());
    assert_eq!(summary(Some(" \n")), Ok(None));
}

#[test]
fn a_trigger_during_a_run_outlives_the_run_however_it_ends() {
    let held = |attempts| {
        let job = Job { max_attempts: 2, attempts, ..job(None, Some(0)) };
        job.claim(take("c", 10), &who("a"), Time(0)).expect("free").job.trigger(Time(1))
    };
    let stands = |job: Job| (job.state, job.next_run_at, job.attempts, job.triggered_at);
    let failed = held(1).complete(&who("a"), &at("c"), error(), None, Time(5)).expect("mine").job;
    assert_eq!(stands(failed), (State::Ready, Some(Time(5)), 0, None));
    assert_eq!(stands(held(1).expire(Time(10)).job), (State::Ready, Some(Time(10)), 0, None));
    let deferred = held(0).defer(&who("a"), &at("c"), Span(60), "quota".into(), Time(5)).expect("mine").job;
    assert_eq!(stands(deferred), (State::Ready, Some(Time(5)), 0, None));
}

#[test]
fn however_a_run_ends_the_job_says_how() {
    let held = || job(None, Some(0)).claim(take("c", 10), &who("a"), Time(0)).expect("free").job;
    let failed = held().complete(&who("a"), &at("c"), error(), Some("log".into()), Time(5)).expect("mine").job;
    let deferred = held().defer(&who("a"), &at("c"), Span(60), "quota".into(), Time(5)).expect("mine").job;
    let lost = held().expire(Time(12)).job;
    let told = [failed, deferred, lost].map(|job| {
        let last = job.last.expect("an end");
        (last.at, last.outcome(), last.why().map(str::to_owned), last.summary)
    });
    assert_eq!(
        told,
        [
            (Time(5), Outcome::Error, Some("no luck".into()), Some("log".into())),
            (Time(5), Outcome::Deferred, None, Some("quota".into())),
            (Time(12), Outcome::Lost, Some("the claim of h expired at 1970-01-01T00:00:00.010Z".into()), None),
        ]
    );
}

#[test]
fn a_due_time_given_while_a_job_is_held_is_kept_for_the_run_after_this_one() {
    let new = |due| Register {
        name: "j".into(),
        kind: "k".into(),
        interval: None,
        payload: None,
        next_run_at: Some(Time(due)),
        priority: 0,
        max_attempts: None,
        created_by: "b".into(),
        gap: None,
        pull: None,
    };
    let held = || job(None, Some(0)).claim(take("c", 10), &who("a"), Time(0)).expect("free").job;
    let done = |job: Job| job.complete(&who("a"), &at("c"), ok(), None, Time(5)).expect("mine").job;
    let stands = |job: Job| (job.state, job.next_run_at);
    assert_eq!(stands(done(held().redefine(new(40), Time(2)).expect("redefined"))), (State::Waiting, Some(Time(40))));
    assert_eq!(stands(done(held().redefine(new(3), Time(2)).expect("redefined"))), (State::Ready, Some(Time(5))));
    assert_eq!(
        stands(held().redefine(new(40), Time(2)).expect("redefined").expire(Time(10)).job),
        (State::Waiting, Some(Time(40)))
    );
    let both = held().trigger(Time(1)).redefine(new(40), Time(2)).expect("redefined");
    assert_eq!(stands(done(both)), (State::Ready, Some(Time(5))), "the trigger is not put off");
    let corrected =
        held().redefine(new(40), Time(2)).expect("redefined").redefine(new(70), Time(3)).expect("redefined");
    assert_eq!(stands(done(corrected)), (State::Waiting, Some(Time(70))), "the later word stands");
    let failed = |job: Job| job.complete(&who("a"), &at("c"), Status { ok: false, ..ok() }, None, Time(5));
    let attempts = |job: Job| failed(job).expect("mine").job.attempts;
    assert_eq!(
        attempts(held().redefine(new(40), Time(2)).expect("redefined")),
        1,
        "what it is to be later undoes no failure"
    );
    assert_eq!(attempts(held().trigger(Time(2))), 0);
    assert_eq!(
        stands(done(held().redefine(new(0), Time(2)).expect("redefined"))),
        (State::Idle, None),
        "the same definition asks for nothing"
    );
}

#[test]
fn an_excerpt_is_cut_between_characters_and_says_so() {
    let whole = "\u{1f512}".repeat(EXCERPT_CHARS_MAX);
    assert_eq!(excerpt(&whole), whole);
    assert_eq!(excerpt(&format!("{whole}x")), format!("{whole} [cut]"));
}

#[test]
fn a_jobs_own_time_does_not_go_back() {
    let held = job(None, Some(0)).claim(take("c1", 10), &who("a"), Time(100)).expect("free").job;
    let done = held.complete(&who("a"), &at("c1"), ok(), None, Time(90)).expect("mine");
    assert_eq!(done.run.map(|run| (run.claimed_at, run.ended_at)), Some((Time(100), Time(100))));
    let again = done.job.trigger(Time(105)).claim(take("c2", 10), &who("b"), Time(101)).expect("free").job;
    let State::Held(claim) = again.state else { panic!("held") };
    assert_eq!((claim.claimed_at, claim.expires_at), (Time(105), Time(115)));
}
