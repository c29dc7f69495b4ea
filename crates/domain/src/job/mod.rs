//! Routine jobs: delegated work, claimed by one agent at a time.
//!
//! A job is a definition with a place in line. A claim is a lease on it with a token that only grows; when a claim
//! ends, however it ends, an append-only [`Run`] says so. Nobody but the current claim can end it.

mod aside;
mod bounds;
mod claim;
mod run;
#[cfg(test)]
mod tests;

pub use aside::{AGAIN, PUT_OFF};
pub use bounds::{EXCERPT_CHARS_MAX, Payload, Status, excerpt, interval, max_attempts, priority, reason, summary};
pub use bounds::{
    INTERVAL_MAX, LINE_CHARS_MAX, MAX_ATTEMPTS_MAX, PAYLOAD_BYTES_MAX, PAYLOAD_DEPTH_MAX, PRIORITY_MAX,
    SUMMARY_BYTES_MAX,
};
pub use claim::{Claim, Pointer, Stale, Take, Unclaimable};
pub use run::{Last, Outcome, Run};

use serde::{Deserialize, Serialize};

use crate::agent::{Principal, Role};
use crate::fence;
use crate::refusal::{Code, Refusal};
use crate::time::{Span, Time};

/// A routine job as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its name, unique.
    pub name: String,
    /// What sort of work it is; workers choose by it.
    pub kind: String,
    /// How long after each completion it is due again; none for a one-off.
    pub interval: Option<Span>,
    /// What the worker needs to know, as a JSON object.
    pub payload: Option<String>,
    /// Higher goes first.
    pub priority: i64,
    /// How many pickups without a success until it gives up; 0 for no limit.
    pub max_attempts: i64,
    /// Who registered it, in its own words.
    pub created_by: String,
    /// When it was registered.
    pub created_at: Time,
    /// Where it stands.
    pub state: State,
    /// When it is or was due; none until triggered.
    pub next_run_at: Option<Time>,
    /// Somebody asked, while it is held, for another run after this one: not before this moment.
    pub triggered_at: Option<Time>,
    /// Pickups since the last success or trigger.
    pub attempts: i64,
    /// The largest token ever given for this name.
    pub fencing_token: i64,
    /// How its last run ended.
    pub last: Option<Last>,
    /// The moment of its latest change. A job's own time does not go back, though a transaction that waited its turn
    /// comes with the moment at which it began to wait.
    pub changed_at: Time,
    /// The key of the gap that it works on.
    #[serde(default)]
    pub gap: Option<String>,
    /// Whether it left the line because its gap is settled: it comes back when that is opened again.
    #[serde(default)]
    pub resting: bool,
    /// The pull request that it is a turn of.
    #[serde(default)]
    pub pull: Option<String>,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Not due until somebody triggers it.
    Idle,
    /// Due later.
    Waiting,
    /// Due now, free to claim.
    Ready,
    /// Claimed; free to claim again once the claim expires.
    Held(Claim),
    /// Out of attempts; only a trigger brings it back.
    Dead,
}

/// What a new job is to be.
#[derive(Debug, Clone)]
pub struct Register {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its interval, none for a one-off.
    pub interval: Option<Span>,
    /// Its payload.
    pub payload: Option<Payload>,
    /// First due.
    pub next_run_at: Option<Time>,
    /// Its priority.
    pub priority: i64,
    /// Its limit of attempts; none for the default.
    pub max_attempts: Option<i64>,
    /// Who says so.
    pub created_by: String,
    /// The key of the gap that it works on.
    pub gap: Option<String>,
    /// The pull request that it is a turn of: those the server registers itself.
    pub pull: Option<String>,
}

/// A decision: the job as it is now, and the run that ended by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The job to write.
    pub job: Job,
    /// The run to append.
    pub run: Option<Run>,
}

/// The name and kind of the job by which the heartbeat tries a claim, and the name of who may touch it. Anybody else's
/// claim of it would be taken for a broken service.
pub const CANARY: &str = "gapwright-canary";

/// Refuses to let anybody but the canary itself and operators touch its job.
pub fn reserve(name_or_kind: &str, by: &Principal) -> Result<(), Refusal> {
    if name_or_kind != CANARY || by.name == CANARY || by.role == Role::Operator {
        return Ok(());
    }
    Err(Refusal::new(Code::Forbidden, format!("{CANARY} is the heartbeat's own")).hint("choose another name and kind"))
}

/// How many pickups a one-off gets by default. Five crashes of whoever picks it up are no accident.
const ONE_OFF_ATTEMPTS: i64 = 5;

impl Job {
    /// A new job. `fence` is the last token ever given for this name, so that a name used again keeps growing.
    pub fn register(new: Register, fence: i64, now: Time) -> Self {
        let max_attempts = default_attempts(new.max_attempts, new.interval);
        let job = Self {
            name: new.name,
            kind: new.kind,
            interval: new.interval,
            payload: new.payload.map(Payload::into_text),
            priority: new.priority,
            max_attempts,
            created_by: new.created_by,
            created_at: now,
            state: State::Idle,
            next_run_at: new.next_run_at,
            triggered_at: None,
            attempts: 0,
            fencing_token: fence,
            last: None,
            changed_at: now,
            gap: new.gap,
            resting: false,
            pull: new.pull,
        };
        job.rest(now)
    }

    /// The same job with a new definition: its claim, history and token stay. A new due time for a job that is held asks
    /// for one run after this one, at the time asked for last, or at once if anybody asked for that; the same definition
    /// once more asks for nothing. While it is held it keeps its gap, and another one is refused.
    pub fn redefine(self, new: Register, now: Time) -> Result<Self, Refusal> {
        let (this, now) = self.at(now);
        let held = matches!(this.state, State::Held(_));
        if held && new.gap.is_some() && new.gap != this.gap {
            return Err(Refusal::new(Code::WrongState, format!("the job {:?} is held, and keeps its gap", this.name))
                .field("gap")
                .hint("complete or defer its claim first, or leave the gap out"));
        }
        let gap = if held { this.gap.clone() } else { new.gap };
        // What rests for a gap that it no longer works on is due again.
        let freed = (this.resting && gap != this.gap).then_some(now);
        let asked =
            new.next_run_at.filter(|due| matches!(this.state, State::Held(_)) && Some(*due) != this.next_run_at);
        let max_attempts = default_attempts(new.max_attempts, new.interval);
        let job = Self {
            kind: new.kind,
            interval: new.interval,
            payload: new.payload.map(Payload::into_text),
            priority: new.priority,
            max_attempts,
            created_by: new.created_by,
            next_run_at: new.next_run_at.or(this.next_run_at).or(freed),
            triggered_at: this.triggered_at.filter(|at| *at <= now).or(asked).or(this.triggered_at),
            resting: this.resting && new.next_run_at.is_none() && freed.is_none(),
            gap,
            ..this
        };
        Ok(match job.state {
            State::Held(_) | State::Dead => job,
            State::Idle | State::Waiting | State::Ready => job.rest(now),
        })
    }

    /// Gives the job to a worker. An expired claim ends as lost; a job that is out of attempts gives up instead.
    pub fn claim(self, wish: Take, by: &Principal, now: Time) -> Result<Step, Unclaimable> {
        let (this, now) = self.at(now);
        let freed = match &this.state {
            State::Held(claim) if now < claim.expires_at => {
                return Err(Unclaimable::Held { by: claim.holder.clone(), until: claim.expires_at });
            }
            State::Dead => return Err(Unclaimable::Dead),
            State::Held(_) => this.expire(now),
            State::Idle | State::Waiting | State::Ready => Step { job: this, run: None },
        };
        // A job may come here with its attempts used up and not dead: by a new definition, or as a one-off that failed.
        if freed.job.state == State::Dead || freed.job.is_spent() {
            let job = Self { state: State::Dead, ..freed.job };
            return Err(Unclaimable::GaveUp(Box::new(Step { job, run: freed.run })));
        }
        let fencing_token = fence::next(freed.job.fencing_token, now);
        let claim = Claim {
            id: wish.claim_id,
            holder: wish.holder,
            principal: by.name.clone(),
            claimed_at: now,
            expires_at: now + wish.ttl,
            progress: None,
        };
        let (state, attempts) = (State::Held(claim), freed.job.attempts + 1);
        Ok(Step { job: Self { state, attempts, fencing_token, resting: false, ..freed.job }, run: freed.run })
    }

    /// Ends the claim as its holder says it ended. A repeating job is due one interval from now, without catching
    /// up; a one-off is not due again; either is due as asked when somebody asked for another run meanwhile.
    pub fn complete(
        self,
        by: &Principal,
        at: &Pointer,
        status: Status,
        summary: Option<String>,
        now: Time,
    ) -> Result<Step, Stale> {
        let (this, now) = self.at(now);
        let claim = this.current(by, at, now)?;
        let run = Run::ended(&this, claim, now, status.outcome(), status.text, summary);
        let attempts = if status.ok { 0 } else { this.attempts };
        let next_run_at = this.interval.map(|interval| now + interval);
        let job = Self { next_run_at, attempts, ..this };
        Ok(Step { job: job.end(&run).settle(now), run: Some(run) })
    }

    /// Moves the claim's expiry to `now + ttl`, never earlier than it stands, and keeps the worker's word.
    pub fn renew(
        self,
        by: &Principal,
        at: &Pointer,
        ttl: Span,
        progress: Option<String>,
        now: Time,
    ) -> Result<Self, Stale> {
        let (this, now) = self.at(now);
        let claim = this.current(by, at, now)?;
        let progress = progress.or_else(|| claim.progress.clone());
        let claim = Claim { expires_at: claim.expires_at.max(now + ttl), progress, ..claim.clone() };
        Ok(Self { state: State::Held(claim), ..this })
    }

    /// Gives the job back for later. The attempt does not count: a quota wall is not a failure of the work. Whoever asked
    /// for another run meanwhile gets it as asked.
    pub fn defer(self, by: &Principal, at: &Pointer, wait: Span, reason: String, now: Time) -> Result<Step, Stale> {
        let (this, now) = self.at(now);
        let claim = this.current(by, at, now)?;
        let run = Run::ended(&this, claim, now, Outcome::Deferred, "deferred".to_owned(), Some(reason));
        let attempts = (this.attempts - 1).max(0);
        let job = Self { attempts, next_run_at: Some(now + wait), ..this };
        Ok(Step { job: job.end(&run).rest(now), run: Some(run) })
    }

    /// Makes the job due now and forgets failed attempts. While it is held, the run after this one is asked for.
    pub fn trigger(self, now: Time) -> Self {
        let (this, now) = self.at(now);
        match this.state {
            State::Held(_) => Self { triggered_at: Some(now), ..this },
            State::Idle | State::Waiting | State::Ready | State::Dead => {
                Self { next_run_at: Some(now), attempts: 0, resting: false, ..this }.rest(now)
            }
        }
    }

    /// Ends an expired claim as lost. The job is due as it was before the claim, at once when it was not due at all, or
    /// gives up when it is out of attempts.
    pub fn expire(self, now: Time) -> Step {
        let (this, now) = self.at(now);
        let State::Held(claim) = &this.state else { return Step { job: this, run: None } };
        if now < claim.expires_at {
            return Step { job: this, run: None };
        }
        let status = format!("lost: the claim of {} expired at {}", claim.holder, claim.expires_at.iso());
        let run = Run::ended(&this, claim, now, Outcome::Lost, status, claim.progress.clone());
        let job = Self { next_run_at: this.next_run_at.or(Some(now)), ..this };
        Step { job: job.end(&run).settle(now), run: Some(run) }
    }

    /// The claim that `at` points to, if it is the current one, live, and the caller's.
    pub fn current(&self, by: &Principal, at: &Pointer, now: Time) -> Result<&Claim, Stale> {
        let State::Held(claim) = &self.state else {
            return Err(match at {
                Pointer::Claim(_) => Stale::StaleClaim,
                Pointer::Own(_) => Stale::NotClaimed,
            });
        };
        let matches = match at {
            Pointer::Claim(id) => *id == claim.id,
            Pointer::Own(holder) => claim.principal == by.name && *holder == claim.holder,
        };
        if !matches {
            Err(Stale::StaleClaim)
        } else if claim.principal != by.name && by.role != Role::Operator {
            Err(Stale::NotYours)
        } else if now >= claim.expires_at {
            Err(Stale::Expired)
        } else {
            Ok(claim)
        }
    }

    /// The job at a moment of its own, which is never before its latest change.
    fn at(self, now: Time) -> (Self, Time) {
        let now = now.max(self.changed_at);
        (Self { changed_at: now, ..self }, now)
    }

    /// Remembers how a run ended. A run that was asked for during it comes when it was asked for, or at once; at once, it
    /// forgets failed attempts, as a trigger does.
    fn end(self, run: &Run) -> Self {
        let now = run.ended_at;
        let last = Some(Last { at: now, status: run.status.clone(), summary: run.summary.clone() });
        match self.triggered_at {
            Some(asked) => {
                let attempts = if asked <= now { 0 } else { self.attempts };
                Self { attempts, next_run_at: Some(asked.max(now)), triggered_at: None, last, ..self }
            }
            None => Self { last, ..self },
        }
    }

    /// Rests, or gives up when the attempts are used up without a success.
    fn settle(self, now: Time) -> Self {
        if self.is_spent() && self.next_run_at.is_some() { Self { state: State::Dead, ..self } } else { self.rest(now) }
    }

    /// Whether its last run was no success, and it neither gave up nor is due again.
    pub fn is_failing(&self) -> bool {
        let failed = self.last.as_ref().is_some_and(|last| matches!(last.outcome(), Outcome::Error | Outcome::Lost));
        failed && matches!(self.state, State::Idle | State::Waiting)
    }

    /// Whether it was to run once, did, and ended well.
    pub fn is_done(&self) -> bool {
        let ended_well = self.last.as_ref().is_some_and(|last| last.outcome() == Outcome::Ok);
        self.interval.is_none() && self.state == State::Idle && !self.resting && ended_well
    }

    /// Whether it was picked up without a success as often as it may be.
    fn is_spent(&self) -> bool {
        self.max_attempts > 0 && self.attempts >= self.max_attempts
    }

    /// Stands in line by when it is due.
    fn rest(self, now: Time) -> Self {
        let state = match self.next_run_at {
            None => State::Idle,
            Some(due) if due <= now => State::Ready,
            Some(_) => State::Waiting,
        };
        Self { state, ..self }
    }
}

fn default_attempts(asked: Option<i64>, interval: Option<Span>) -> i64 {
    asked.unwrap_or(if interval.is_some() { 0 } else { ONE_OFF_ATTEMPTS })
}
