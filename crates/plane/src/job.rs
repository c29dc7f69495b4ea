//! Registering, claiming, renewing, deferring, completing and triggering routine jobs.

mod aside;
mod claim;
mod end;
mod list;

use domain::agent::Right;
use domain::gap::Sighting;
use domain::job::{self, Job, Pointer, Register, Stale, State, Status, Step};
use domain::refusal::{Code, Refusal};
use domain::time::{Span, Time};
use domain::{fence, id};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::job::state_name;

use crate::desk::Desk;
use crate::{Call, No, Plane};
pub(crate) use aside::{bring_back, put, rest, workable};
use claim::claim;
use end::{complete, ended};

/// A wish to claim a job.
#[derive(Debug, Clone)]
pub struct Claim {
    /// What the worker calls itself.
    pub holder: String,
    /// For how long.
    pub ttl: Span,
    /// Only this kind.
    pub kind: Option<String>,
    /// This very job, due or not.
    pub name: Option<String>,
}

/// What came of a wish to claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claimed {
    /// The caller has it.
    Job(Box<Job>),
    /// There is nothing to claim.
    Nothing {
        /// Why: `nothing_due`, `not_found`, `held`, `dead`; `gap_not_workable` when the gap that the job works on is not to
        /// be worked on now; `switched_off`; of a turn of a pull request `over` when nobody is to take it any more, or the
        /// code of the refusal, such as `same_instance` and `over_budget`; `busy` when so many jobs ahead gave up that the caller should
        /// ask again.
        reason: String,
        /// Who holds the named job.
        held_by: Option<String>,
        /// Until when.
        held_until: Option<Time>,
    },
}

/// The end of a claim, in its holder's words.
#[derive(Debug, Clone)]
pub struct Completion {
    /// The job.
    pub name: String,
    /// Which claim.
    pub at: Pointer,
    /// How it went.
    pub status: Status,
    /// What was done.
    pub summary: Option<String>,
    /// What was lacking.
    pub gaps: Vec<Sighting>,
}

/// What came of a completion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {
    /// The job as it is now.
    pub job: Job,
    /// How many gaps were recorded, those read from the summary included.
    pub gaps: usize,
    /// How many markers of the summary could not be read.
    #[serde(default)]
    pub unreadable: usize,
}

impl Plane {
    /// Registers a job. A name that is taken is refused, unless the definition is to replace the one that stands.
    pub async fn register_job(&self, call: &Call, new: Register, upsert: Upsert) -> Result<Job, No> {
        id::name("name", &new.name)?;
        id::name("kind", &new.kind)?;
        id::name("created_by", &new.created_by)?;
        self.write(call, Right::Work, move |desk| register(desk, new.clone(), upsert).boxed()).await
    }

    /// Removes a job that nobody holds; its history stays.
    pub async fn deregister_job(&self, call: &Call, name: &str) -> Result<Result<(), Kept>, No> {
        let name = id::name("name", name)?;
        self.write(call, Right::Work, move |desk| deregister(desk, name.clone()).boxed()).await
    }

    /// Makes a job due now; false when there is no such job.
    pub async fn trigger_job(&self, call: &Call, name: &str) -> Result<Option<Job>, No> {
        let name = id::name("name", name)?;
        self.write(call, Right::Work, move |desk| trigger(desk, name.clone()).boxed()).await
    }

    /// Claims the first job in line, or the named one.
    pub async fn claim_job(&self, call: &Call, wish: Claim) -> Result<Claimed, No> {
        let wish = checked(call, wish)?;
        self.write(call, Right::Work, move |desk| claim(desk, wish.clone()).boxed()).await
    }

    /// Prolongs a claim and keeps the worker's word on how far it is.
    pub async fn renew_job(
        &self,
        call: &Call,
        claim_id: &str,
        ttl: Span,
        progress: Option<&str>,
    ) -> Result<Result<Job, Stale>, No> {
        let claim_id = id::opaque("claim_id", claim_id)?;
        let ttl = fence::bounded(ttl)?;
        let progress = progress.map(|text| job::reason("progress", text)).transpose()?;
        self.write(call, Right::Work, move |desk| renew(desk, claim_id.clone(), ttl, progress.clone()).boxed()).await
    }

    /// Gives a claim back for later; the attempt does not count.
    pub async fn defer_job(
        &self,
        call: &Call,
        claim_id: &str,
        wait: Span,
        reason: &str,
    ) -> Result<Result<Job, Stale>, No> {
        let claim_id = id::opaque("claim_id", claim_id)?;
        let wait = fence::bounded(wait)?;
        let reason = job::reason("reason", reason)?;
        self.write(call, Right::Work, move |desk| defer(desk, claim_id.clone(), wait, reason.clone()).boxed()).await
    }

    /// Ends a claim, if it is the current one; a stale worker changes nothing.
    pub async fn complete_job(&self, call: &Call, end: Completion) -> Result<Result<Completed, Stale>, No> {
        id::name("name", &end.name)?;
        self.write(call, Right::Work, move |desk| complete(desk, end.clone()).boxed()).await
    }

    /// Ends a claim and takes the next job, in one commit. Nothing is claimed when the completion was stale.
    pub async fn complete_and_claim(
        &self,
        call: &Call,
        end: Completion,
        wish: Claim,
    ) -> Result<Result<(Completed, Claimed), Stale>, No> {
        id::name("name", &end.name)?;
        let wish = checked(call, wish)?;
        self.write(call, Right::Work, move |desk| {
            let (end, wish) = (end.clone(), wish.clone());
            async move {
                match complete(desk, end).await? {
                    Ok(done) => Ok(Ok((done, claim(desk, wish).await?))),
                    Err(stale) => Ok(Err(stale)),
                }
            }
            .boxed()
        })
        .await
    }
}

/// Why a job was not removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kept {
    /// No such job.
    NotFound,
    /// Somebody holds it.
    Held {
        /// What the holder calls itself.
        by: String,
        /// Until when.
        until: Time,
        /// When that was found.
        now: Time,
    },
}

/// What to do with a name that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upsert {
    /// Refuse.
    Never,
    /// Replace the definition; claim, history and token stay.
    Replace,
}

fn checked(call: &Call, wish: Claim) -> Result<Claim, No> {
    id::name("holder", &wish.holder)?;
    fence::bounded(wish.ttl)?;
    if let Some(kind) = &wish.kind {
        id::name("kind", kind)?;
    }
    if let Some(name) = &wish.name {
        id::name("name", name)?;
        job::reserve(name, &call.by)?;
    }
    // Whoever works in one stage takes its turns, unless it says otherwise.
    let own = || call.by.role.stage().map(|stage| stage.name().to_owned());
    let asked = if wish.name.is_none() && call.by.kinds.is_empty() { wish.kind.or_else(own) } else { wish.kind };
    let kind = call.by.kind(asked)?;
    Ok(Claim { kind, ..wish })
}

async fn register(desk: &mut Desk<'_>, new: Register, upsert: Upsert) -> Result<Job, No> {
    desk.call.by.kind(Some(new.kind.clone()))?;
    job::reserve(&new.kind, &desk.call.by)?;
    job::reserve(&new.name, &desk.call.by)?;
    let payload = new.payload.as_ref().map(job::Payload::as_text);
    crate::kind::check(desk, &new.kind, payload).await?;
    let fence = store::fence::load(desk.tx, &new.name).await?;
    let present = store::job::load(desk.tx, &new.name).await?;
    let new = match &new.gap {
        Some(gap) => Register { gap: Some(crate::gap::register(desk, gap, present.as_ref()).await?), ..new },
        None => new,
    };
    let object = format!("job:{}", new.name);
    reserved(desk, present.as_ref())?;
    if desk.call.by.role != domain::agent::Role::Operator {
        domain::pull::stage::reserve(&new.name)?;
    }
    match (present, upsert) {
        (None, Upsert::Never | Upsert::Replace) => {
            let job = Job::register(new, fence, desk.now);
            if !store::job::add(desk.tx, &job).await? {
                return Err(store::Fault::Conflict.into());
            }
            desk.record(object, &(), &audited(&job)).await?;
            Ok(job)
        }
        (Some(was), Upsert::Replace) => {
            desk.call.by.kind(Some(was.kind.clone()))?;
            let job = was.clone().redefine(new, desk.now)?;
            store::job::write(desk.tx, &was, &job).await?;
            desk.record(object, &audited(&was), &audited(&job)).await?;
            Ok(job)
        }
        (Some(_), Upsert::Never) => Err(Refusal::new(Code::AlreadyExists, format!("the job {:?} exists", new.name))
            .field("name")
            .hint("choose another name, or pass upsert=true to replace its definition")
            .into()),
    }
}

async fn deregister(desk: &mut Desk<'_>, name: String) -> Result<Result<(), Kept>, No> {
    // The counter remembers the largest token of the name, for whoever registers it again.
    store::fence::load(desk.tx, &name).await?;
    let Some(job) = store::job::load(desk.tx, &name).await? else { return Ok(Err(Kept::NotFound)) };
    desk.call.by.kind(Some(job.kind.clone()))?;
    job::reserve(&name, &desk.call.by)?;
    reserved(desk, Some(&job))?;
    if let State::Held(claim) = &job.state
        && desk.now < claim.expires_at
    {
        let (by, until, now) = (claim.holder.clone(), claim.expires_at, desk.now);
        return Ok(Err(Kept::Held { by, until, now }));
    }
    let step = job.clone().expire(desk.now);
    if let Some(run) = &step.run {
        ended(desk, &job, run).await?;
    }
    store::fence::raise(desk.tx, &name, job.fencing_token).await?;
    store::job::remove(desk.tx, &job).await?;
    desk.record(format!("job:{name}"), &audited(&job), &()).await?;
    Ok(Ok(()))
}

async fn trigger(desk: &mut Desk<'_>, name: String) -> Result<Option<Job>, No> {
    let Some(was) = store::job::load(desk.tx, &name).await? else { return Ok(None) };
    desk.call.by.kind(Some(was.kind.clone()))?;
    job::reserve(&name, &desk.call.by)?;
    reserved(desk, Some(&was))?;
    if let Some(pull) = &was.pull {
        let now = store::pull::find(desk.tx, pull).await?;
        if now.is_none_or(|stored| stored.pull.job().as_deref() != Some(was.name.as_str())) {
            return Err(Refusal::new(Code::WrongState, format!("the turn {:?} is over", was.name))
                .field("name")
                .hint("see whose turn it is: gapwright pulls show")
                .into());
        }
    }
    if let Some(gap) = &was.gap
        && let Some(refusal) = crate::gap::settled(desk, gap).await?
    {
        return Err(refusal.into());
    }
    let job = was.clone().trigger(desk.now);
    store::job::write(desk.tx, &was, &job).await?;
    desk.record(format!("job:{name}"), &audited(&was), &audited(&job)).await?;
    Ok(Some(job))
}

/// Refuses to let anybody but operators change a turn of a pull request: the server gives those out.
fn reserved(desk: &Desk<'_>, job: Option<&Job>) -> Result<(), Refusal> {
    match job {
        Some(job) if job.pull.is_some() && desk.call.by.role != domain::agent::Role::Operator => {
            Err(Refusal::new(Code::Forbidden, format!("the job {:?} is a turn of a pull request", job.name))
                .hint("claim it, and hand in what it is for"))
        }
        Some(_) | None => Ok(()),
    }
}

async fn renew(
    desk: &mut Desk<'_>,
    claim_id: String,
    ttl: Span,
    progress: Option<String>,
) -> Result<Result<Job, Stale>, No> {
    let Some(was) = store::job::by_claim(desk.tx, &claim_id).await? else { return Ok(Err(Stale::StaleClaim)) };
    if let Some(pull) = &was.pull {
        crate::pull::may_go_on(desk, &was, pull, &claim_id).await?;
    }
    let ttl = match &was.state {
        State::Held(claim) if was.pull.is_some() => desk.rules.caps.renewed(claim.claimed_at, ttl, desk.now)?,
        State::Held(_) | State::Idle | State::Waiting | State::Ready | State::Dead => ttl,
    };
    match was.clone().renew(&desk.call.by, &Pointer::Claim(claim_id), ttl, progress, desk.now) {
        Ok(job) => Ok(Ok(write(desk, &was, Step { job, run: None }).await?)),
        Err(stale) => Ok(Err(stale)),
    }
}

async fn defer(desk: &mut Desk<'_>, claim_id: String, wait: Span, reason: String) -> Result<Result<Job, Stale>, No> {
    let Some(was) = store::job::by_claim(desk.tx, &claim_id).await? else { return Ok(Err(Stale::StaleClaim)) };
    match was.clone().defer(&desk.call.by, &Pointer::Claim(claim_id), wait, reason, desk.now) {
        Ok(step) => Ok(Ok(write(desk, &was, step).await?)),
        Err(stale) => Ok(Err(stale)),
    }
}

/// Writes a decision with the run that it ended and its audit row.
pub(crate) async fn write(desk: &mut Desk<'_>, was: &Job, step: Step) -> Result<Job, No> {
    let Step { job, run } = step;
    store::job::write(desk.tx, was, &job).await?;
    desk.record(format!("job:{}", job.name), &audited(was), &audited(&job)).await?;
    let Some(run) = run else { return Ok(job) };
    ended(desk, was, &run).await?;
    // The end of its run may have settled its gap or its pull request, and then it left the line.
    match was.gap.as_ref().or(was.pull.as_ref()) {
        Some(_) => Ok(store::job::load(desk.tx, &job.name).await?.unwrap_or(job)),
        None => Ok(job),
    }
}

/// A job as the audit keeps it: what changes. The claim's handle is a secret of its holder.
pub(crate) fn audited(job: &Job) -> serde_json::Value {
    let claim = match &job.state {
        State::Held(claim) => {
            json!({"holder": claim.holder, "principal": claim.principal, "expires_at": claim.expires_at.iso()})
        }
        State::Idle | State::Waiting | State::Ready | State::Dead => serde_json::Value::Null,
    };
    json!({
        "state": state_name(&job.state),
        "kind": job.kind,
        "priority": job.priority,
        "next_run_at": job.next_run_at.map(Time::iso),
        "attempts": job.attempts,
        "fencing_token": job.fencing_token,
        "claim": claim,
        "last_status": job.last.as_ref().map(|last| last.status.clone()),
    })
}

/// A claim's or a deferral's length, from seconds.
pub fn wait(secs: i64) -> Result<Span, Refusal> {
    fence::ttl(secs).map_err(|refusal| {
        Refusal::invalid("seconds", format!("seconds is {secs}"))
            .hint(refusal.hint.replace(", and extend while you work", ""))
    })
}
