//! What most cases begin with: callers, jobs, claims, and lists walked to their end.

use domain::agent::Role;
use domain::job::{Job, Pointer, Register, State, Status};
use domain::refusal::{Code, Refusal};
use domain::time::Span;
use harness::call;
use plane::job::{Claim, Claimed, Completion, Upsert};
use plane::page::{Ask, Page};
use plane::{Call, No, Plane};

/// The Routine of most cases.
pub(crate) fn ann() -> Call {
    call(Role::Routine, "ann", "exam")
}

/// Another Routine.
pub(crate) fn bob() -> Call {
    call(Role::Routine, "bob", "exam")
}

/// A person.
pub(crate) fn operator() -> Call {
    call(Role::Operator, "olga", "exam")
}

/// A one-off that is due at once.
pub(crate) fn due(name: &str) -> Register {
    Register {
        name: name.to_owned(),
        kind: "digest".to_owned(),
        interval: None,
        payload: None,
        next_run_at: Some(harness::plane::START),
        priority: 0,
        max_attempts: None,
        created_by: "ann".to_owned(),
        gap: None,
        pull: None,
    }
}

/// A job that is due at once and every hour.
pub(crate) fn hourly(name: &str) -> Register {
    Register { interval: Some(Span::hours(1)), ..due(name) }
}

pub(crate) async fn register(plane: &Plane, job: Register) -> Job {
    plane.register_job(&ann(), job, Upsert::Never).await.expect("a job")
}

/// A wish for a minute of whatever is next.
pub(crate) fn wish() -> Claim {
    Claim { holder: "worker".to_owned(), ttl: Span::mins(1), kind: None, name: None }
}

/// A wish for a minute of this job.
pub(crate) fn named(name: &str) -> Claim {
    Claim { name: Some(name.to_owned()), ..wish() }
}

pub(crate) async fn claim(plane: &Plane, by: &Call, wish: Claim) -> Option<Job> {
    match plane.claim_job(by, wish).await.expect("an answer") {
        Claimed::Job(job) => Some(*job),
        Claimed::Nothing { .. } => None,
    }
}

/// Claims what must be there.
pub(crate) async fn take(plane: &Plane, by: &Call, wish: Claim) -> Job {
    claim(plane, by, wish).await.expect("a job to claim")
}

/// Why nothing was claimed.
pub(crate) async fn reason(plane: &Plane, by: &Call, wish: Claim) -> String {
    match plane.claim_job(by, wish).await.expect("an answer") {
        Claimed::Nothing { reason, .. } => reason,
        Claimed::Job(job) => panic!("{} was claimed", job.name),
    }
}

pub(crate) fn claim_id(job: &Job) -> String {
    match &job.state {
        State::Held(claim) => claim.id.clone(),
        State::Idle | State::Waiting | State::Ready | State::Dead => panic!("{} is not held", job.name),
    }
}

/// The end of a claim.
pub(crate) fn end(job: &Job, status: &str) -> Completion {
    Completion {
        name: job.name.clone(),
        at: Pointer::Claim(claim_id(job)),
        status: Status::parse(status).expect("a status"),
        summary: None,
        gaps: Vec::new(),
    }
}

/// Completes a claim that is current.
pub(crate) async fn complete(plane: &Plane, by: &Call, job: &Job, status: &str) -> Job {
    plane.complete_job(by, end(job, status)).await.expect("an answer").expect("not stale").job
}

/// The refusal of what must be refused.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, No>) -> Refusal {
    match answer {
        Err(No::Refusal(refusal)) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// The code of what must be refused.
#[track_caller]
pub(crate) fn code<T: std::fmt::Debug>(answer: Result<T, No>) -> Code {
    refused(answer).code
}

/// Walks a list page by page to its end.
pub(crate) async fn walk<T>(limit: i64, mut page: impl AsyncFnMut(&Ask) -> Result<Page<T>, No>) -> Vec<T> {
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let ask = Ask::new(Some(limit), cursor.as_deref()).expect("a page to ask for");
        let Page { items: found, cursor: next } = page(&ask).await.expect("a page");
        assert!(found.len() <= usize::try_from(limit).expect("small"), "a page of {}", found.len());
        items.extend(found);
        match next {
            Some(next) => cursor = Some(next),
            None => return items,
        }
    }
}

/// Every row of the journal, oldest first.
pub(crate) async fn journal(plane: &Plane) -> Vec<store::journal::Row> {
    walk(200, async |ask| plane.export_journal(&operator(), ask).await).await
}
