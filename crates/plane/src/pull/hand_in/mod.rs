//! What agents hand in: plans, changes, reviews and verdicts. Each is a value; what follows from it is decided here, in the
//! transaction that ends the turn.

mod change;
mod plan;
mod review;
mod verdict;

use domain::id;
use domain::job::{Job, Pointer, Stale, State as JobState, Status};
use domain::pull::{Instance, Stage};
use domain::refusal::{Code, Refusal};
use futures::FutureExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::pull::{Stored, hand};

use super::turn::same_instance;
use crate::desk::Desk;
use crate::{Call, No, Plane};

pub use change::Handed;
pub use review::Reviewed;

/// The longest name of a model, in characters.
const MODEL_CHARS_MAX: usize = 100;

/// By what an agent can be told from others: the model, in its own words, and the hash of the prompt under which it works.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// The model; empty where it does not say.
    pub model: String,
    /// The hash of its prompt; empty where it does not say.
    pub prompt: String,
}

impl Fingerprint {
    /// Checks one as it came.
    pub fn new(model: Option<String>, prompt: Option<String>) -> Result<Self, Refusal> {
        let line = |field: &'static str, text: Option<String>| {
            let text = text.unwrap_or_default();
            if text.chars().count() > MODEL_CHARS_MAX || text.chars().any(id::is_unprintable) {
                return Err(Refusal::invalid(
                    field,
                    format!("{field} is no line of at most {MODEL_CHARS_MAX} characters"),
                )
                .hint("leave it out, or give a short name"));
            }
            Ok(text)
        };
        Ok(Self { model: line("model", model)?, prompt: line("prompt_hash", prompt)? })
    }
}

impl Plane {
    /// Remembers that what somebody handed in was refused, and why: an attempt, too, is somebody's act.
    async fn noted<T>(&self, call: &Call, claim_id: &str, done: Result<T, No>) -> Result<T, No> {
        let Err(No::Refusal(refusal)) = &done else { return done };
        if refusal.code == Code::Unavailable {
            return done;
        }
        let (claim_id, after) = (claim_id.to_owned(), json!({"refused": refusal.code.name(), "why": refusal.message}));
        let noted = self.at_desk(call.clone(), move |desk| {
            let (object, after) = (format!("claim:{claim_id}"), after.clone());
            async move { desk.record(object, &(), &after).await }.boxed()
        });
        if let Err(no) = noted.await {
            tracing::warn!(tool = call.tool, error = %no, "a refusal is not in the audit");
        }
        done
    }

    /// The answer to the same call before, under the same idempotency key.
    pub(super) async fn answered<T>(&self, call: &Call) -> Result<Option<T>, No>
    where
        T: DeserializeOwned + Send + 'static,
    {
        if call.idempotency.is_none() {
            return Ok(None);
        }
        // What is not answered yet is not reserved either: a refusal takes it back.
        let unanswered = || Refusal::new(Code::NotFound, "nothing was answered under this key");
        let looked = self.at_desk(call.clone(), move |desk| {
            async move { desk.first::<T>().await?.ok_or_else(|| unanswered().into()) }.boxed()
        });
        match looked.await {
            Ok(answer) => Ok(Some(answer)),
            Err(No::Refusal(refusal)) if refusal.code == Code::NotFound => Ok(None),
            Err(no) => Err(no),
        }
    }
}

/// How a pull request stands after something was handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedIn {
    /// Its id.
    pub pull: String,
    /// How it stands.
    pub state: String,
    /// In which round.
    pub iteration: i64,
    /// Its number on the forge, once it has one.
    pub number: Option<i64>,
}

impl HandedIn {
    pub(super) fn of(stored: &Stored) -> Self {
        let pull = &stored.pull;
        Self {
            pull: pull.id.clone(),
            state: pull.state.name().to_owned(),
            iteration: pull.iteration,
            number: pull.there.number,
        }
    }
}

/// A turn that is being worked on.
pub(super) struct AtWork {
    pub(super) job: Job,
    pub(super) stored: Stored,
    pub(super) who: Instance,
}

/// The turn that a claim holds, if the caller may hand something in for it: the right claim of the right stage, still live,
/// of a pull request whose turn it is, and by nobody who stood in another stage.
pub(super) async fn at_work(desk: &mut Desk<'_>, stage: Stage, claim_id: &str) -> Result<AtWork, No> {
    let (job, stored) = of_claim(desk, claim_id).await?;
    let wrong =
        |message: String, hint: &str| No::from(Refusal::new(Code::WrongJob, message).field("claim_id").hint(hint));
    if job.kind != stage.name() {
        return Err(wrong(format!("the claim is of a {}'s turn", job.kind), "hand in by the tool of your own stage"));
    }
    is_turn(&job, &stored)?;
    within_budget(desk, claim_id).await?;
    if let Some(same) = same_instance(desk, &stored, stage, Some(claim_id)).await? {
        return Err(same.into());
    }
    let who = hand::by_claim(desk.tx, claim_id).await?;
    let (_, who) = who.ok_or(store::Fault::Conflict)?;
    Ok(AtWork { job, stored, who })
}

/// Refuses whoever works on a turn that is over, or that people hold.
pub(crate) fn is_turn(job: &Job, stored: &Stored) -> Result<(), Refusal> {
    if stored.pull.job().as_deref() != Some(job.name.as_str()) {
        let message = format!("it is no longer this turn: the pull request is {}", stored.pull.state);
        return Err(Refusal::new(Code::StaleHead, message).hint("end the claim, and claim the next one"));
    }
    match stored.pull.hold {
        Some(hold) => Err(Refusal::new(Code::WrongState, hold.why()).hint("nothing is handed in now; end the claim")),
        None => Ok(()),
    }
}

/// Refuses whoever would hold a turn on that is over, held by people, or has spent what was set aside for it.
pub(crate) async fn may_go_on(desk: &mut Desk<'_>, job: &Job, pull: &str, claim_id: &str) -> Result<(), No> {
    let stored = store::pull::find(desk.tx, pull).await?.ok_or(store::Fault::Conflict)?;
    is_turn(job, &stored)?;
    within_budget(desk, claim_id).await
}

/// Refuses a run that is known to have spent more than was set aside for it.
pub(crate) async fn within_budget(desk: &mut Desk<'_>, claim_id: &str) -> Result<(), No> {
    match store::spend::find(desk.tx, claim_id).await? {
        Some(row) if row.spend.is_excess() => {
            Err(Refusal::new(Code::OverBudget, "this run spent more than was set aside for it")
                .field("claim_id")
                .hint("end the claim; nothing of it is taken")
                .into())
        }
        Some(_) | None => Ok(()),
    }
}

/// The job of a claim that the caller holds, and the pull request that it is a turn of.
pub(crate) async fn of_claim(desk: &mut Desk<'_>, claim_id: &str) -> Result<(Job, Stored), No> {
    desk.call.by.own(claim_id)?;
    let stale = |why: Stale| {
        let message = format!("the claim is not the current one: {}", why.name());
        No::from(Refusal::new(Code::StaleClaim, message).field("claim_id").hint("claim the job again"))
    };
    let Some(job) = store::job::by_claim(desk.tx, claim_id).await? else { return Err(stale(Stale::StaleClaim)) };
    let at = Pointer::Claim(claim_id.to_owned());
    if let Err(why) = job.current(&desk.call.by, &at, desk.now) {
        return Err(stale(why));
    }
    let Some(pull) = job.pull.clone() else {
        let message = format!("the job {:?} is no turn of a pull request", job.name);
        return Err(Refusal::new(Code::WrongJob, message).field("claim_id").hint("complete it instead").into());
    };
    let stored = store::pull::load(desk.tx, &pull).await?.ok_or(store::Fault::Conflict)?;
    Ok((job, stored))
}

/// Refuses what is about another commit than the one at the head.
pub(super) fn at_head(at: &AtWork, head: &str) -> Result<(), Refusal> {
    let current = at.stored.pull.head().unwrap_or_default();
    if head == current || store::seeded::bug("verdict-on-any-head") {
        return Ok(());
    }
    Err(Refusal::new(Code::StaleHead, "the head is another commit by now")
        .field("head")
        .hint(format!("it is {current}; look at it and judge that one: show-work")))
}

/// Ends a turn whose work was handed in.
pub(super) async fn end(desk: &mut Desk<'_>, at: &AtWork, summary: String) -> Result<(), No> {
    let JobState::Held(claim) = &at.job.state else { return Err(store::Fault::Conflict.into()) };
    let pointer = Pointer::Claim(claim.id.clone());
    let status = Status::parse("ok")?;
    let step = at.job.clone().complete(&desk.call.by, &pointer, status, Some(summary), desk.now);
    let step = step.map_err(|why| Refusal::new(Code::StaleClaim, why.name()).field("claim_id"))?;
    crate::job::write(desk, &at.job, step).await.map(drop)
}

/// The pull request as it stands now: ending a turn books what it spent.
pub(super) async fn anew(desk: &mut Desk<'_>, id: &str) -> Result<Stored, No> {
    Ok(store::pull::load(desk.tx, id).await?.ok_or(store::Fault::Conflict)?)
}
