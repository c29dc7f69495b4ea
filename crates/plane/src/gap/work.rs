//! Jobs that work on gaps: taking one up counts as an attempt, and how its run ends is how the attempt ended.

use domain::gap::{Event, Gap, Key};
use domain::job::{Outcome, Run};
use domain::refusal::{Code, Refusal};
use store::seeded::bug;

use super::step;
use crate::No;
use crate::desk::Desk;

/// Checks a job that is to work on a gap, and gives the gap's key.
pub(crate) async fn register(desk: &mut Desk<'_>, text: &str) -> Result<Key, No> {
    let key = super::meant(desk, "gap", text).await?;
    let Some(stored) = store::gap::load(desk.tx, &key).await? else { return Err(store::Fault::Conflict.into()) };
    match unworkable(desk, &stored.gap).await? {
        Some(refusal) => Err(refusal.into()),
        None => Ok(key),
    }
}

/// Why nobody may begin to work on a gap now: the level, its state, its depth, or its issue, which people steer.
pub(crate) async fn unworkable(desk: &mut Desk<'_>, gap: &Gap) -> Result<Option<Refusal>, No> {
    let (level, _) = store::level::current(desk.tx).await?;
    if !level.reaches_out() {
        return Ok(Some(
            Refusal::new(Code::WrongState, format!("at the level {level} nobody acts on gaps"))
                .field("gap")
                .hint("an operator raises the level: gapwright level raise"),
        ));
    }
    if let Some(unworkable) = gap.unworkable(desk.rules.depth_max) {
        return Ok(Some(unworkable.refusal(&gap.key)));
    }
    if crate::mirror::lets_agents_act(desk, &gap.key).await? {
        return Ok(None);
    }
    let labels = &desk.rules.labels;
    let (opt_in, opt_out) = (labels.of(domain::label::Role::OptIn), labels.of(domain::label::Role::OptOut));
    Ok(Some(
        Refusal::new(Code::WrongState, format!("the issue of {} does not let agents act on it", gap.key))
            .field("gap")
            .hint(format!("people say so by the label {opt_in}, and {opt_out} wins over it")),
    ))
}

/// Takes in that a job was claimed that works on a gap.
pub(crate) async fn begin(desk: &mut Desk<'_>, gap: &str, job: &str) -> Result<(), No> {
    if bug("attempt-without-a-count") {
        return Ok(());
    }
    let Some(stored) = load(desk, gap).await? else { return Ok(()) };
    let why = format!("the job {job} was claimed by {}", desk.call.by.name);
    step(desk, &stored, Event::PickedUp, &why).await.map(drop)
}

/// Takes in how a run of a job ended that works on a gap.
pub(crate) async fn ended(desk: &mut Desk<'_>, gap: &str, run: &Run) -> Result<(), No> {
    let Some(stored) = load(desk, gap).await? else { return Ok(()) };
    let event = match run.outcome {
        Outcome::Ok => Event::Drafted,
        Outcome::Deferred => Event::PutBack,
        Outcome::Error | Outcome::Lost => stored.gap.failure(desk.rules.failures_max),
    };
    let why = format!("the run of {} ended: {}", run.job, run.status);
    match step(desk, &stored, event, &why).await {
        // People moved it meanwhile, and their word stands.
        Err(No::Refusal(_)) | Ok(_) => Ok(()),
        Err(no @ No::Fault(_)) => Err(no),
    }
}

async fn load(desk: &mut Desk<'_>, gap: &str) -> Result<Option<store::gap::Stored>, No> {
    match Key::stored(gap) {
        Some(key) => Ok(store::gap::load(desk.tx, &key).await?),
        None => Err(store::Fault::Corrupt { table: "job", column: "gap", id: gap.to_owned() }.into()),
    }
}
