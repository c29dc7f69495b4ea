//! Jobs that work on gaps: taking one up counts as an attempt, and how its run ends is how the attempt ended.
//!
//! A job of a duplicate works on the gap that stands for it. The gap carries the claim under which it is worked on, and the
//! end of no other claim moves it.

use domain::gap::relation::EDGES_MAX;
use domain::gap::{Event, Gap, Key, State, Unworkable};
use domain::job::{Job, Outcome, Run};
use domain::label::Role;
use domain::refusal::{Code, Refusal};
use store::gap::{Stored, edge};
use store::seeded::bug;

use super::{step, write};
use crate::No;
use crate::desk::Desk;
use crate::mirror::Let;

/// What keeps people and agents from beginning to work on a gap.
#[derive(Debug)]
pub(crate) struct Obstacle {
    /// The refusal of whoever would begin all the same.
    pub(crate) refusal: Refusal,
    /// Whether it stays until the gap is opened again; the others pass by themselves.
    pub(crate) settled: bool,
}

/// Checks the gap that a job is to work on, and gives the key of the one that stands for it. A job that works on it already
/// may go on, whatever stands in the way of others.
pub(crate) async fn register(desk: &mut Desk<'_>, text: &str, was: Option<&Job>) -> Result<String, No> {
    let key = super::meant(desk, "gap", text).await?;
    let stored = stands(desk, &key.to_string()).await?.ok_or(store::Fault::Conflict)?;
    if let Some((job, present)) = was.and_then(|job| Some((job, job.gap.as_deref()?)))
        && stands(desk, present).await?.is_some_and(|own| own.gap.key == stored.gap.key)
    {
        let held = matches!(job.state, domain::job::State::Held(_));
        return Ok(if held { present.to_owned() } else { stored.gap.key.to_string() });
    }
    if let Some(pull) = store::pull::live_of(desk.tx, &stored.gap.key).await? {
        let message = format!("{} closes {} already", crate::pull::name(&pull.pull), stored.gap.key);
        return Err(Refusal::new(Code::WrongState, message)
            .field("gap")
            .hint("claim its turns by the kinds planner, implementer, reviewer and merger")
            .into());
    }
    match unworkable(desk, &stored.gap).await? {
        Some(obstacle) => Err(obstacle.refusal.into()),
        None => Ok(stored.gap.key.to_string()),
    }
}

/// Why nobody may begin to work on a gap now: its state, the level, its depth, what it waits for, or its issue, which people
/// steer.
pub(crate) async fn unworkable(desk: &mut Desk<'_>, gap: &Gap) -> Result<Option<Obstacle>, No> {
    let depth_max = desk.rules.depth_max;
    if !gap.state.is_work() {
        let refusal = Unworkable::State(gap.state).refusal(&gap.key);
        return Ok(Some(Obstacle { refusal, settled: true }));
    }
    let refusal = if let Some(refusal) = level(desk).await? {
        Some(refusal)
    } else if let Some(unworkable) = gap.unworkable(depth_max) {
        Some(unworkable.refusal(&gap.key))
    } else if let Some(unworkable) = waits(desk, &gap.key).await? {
        Some(unworkable.refusal(&gap.key))
    } else {
        issue(desk, &gap.key).await?
    };
    Ok(refusal.map(|refusal| Obstacle { refusal, settled: false }))
}

async fn level(desk: &mut Desk<'_>) -> Result<Option<Refusal>, No> {
    let (level, _) = store::level::current(desk.tx).await?;
    Ok((!level.reaches_out()).then(|| {
        Refusal::new(Code::WrongState, format!("at the level {level} nobody acts on gaps"))
            .field("gap")
            .hint("an operator raises the level: gapwright level raise")
    }))
}

/// The first gap that was said to come before this one and is still to be closed.
async fn waits(desk: &mut Desk<'_>, key: &Key) -> Result<Option<Unworkable>, No> {
    for on in edge::asked(desk.tx, key, EDGES_MAX).await? {
        let Some(other) = store::gap::find(desk.tx, &on).await? else { continue };
        if let Some(waits) = other.keeps_waiting(desk.rules.depth_max) {
            return Ok(Some(waits));
        }
    }
    Ok(None)
}

async fn issue(desk: &mut Desk<'_>, key: &Key) -> Result<Option<Refusal>, No> {
    let labels = &desk.rules.labels;
    let (opt_in, opt_out) = (labels.of(Role::OptIn).to_owned(), labels.of(Role::OptOut).to_owned());
    let (why, hint) = match crate::mirror::lets_agents_act(desk.tx, &desk.rules, key).await? {
        Let::Act => return Ok(None),
        Let::Not => (
            format!("the issue of {key} does not let agents act on it"),
            format!("people say so by the label {opt_in}, and {opt_out} wins over it"),
        ),
        Let::NoIssue => (
            format!("{key} has no issue on which people could let agents act on it"),
            format!("the sweep opens one, register-jobs; people then put the label {opt_in} on it"),
        ),
        Let::NoForge => (
            format!("without a forge nobody can let agents act on {key}"),
            "set forge.kind to local or github".to_owned(),
        ),
    };
    Ok(Some(Refusal::new(Code::WrongState, why).field("gap").hint(hint)))
}

/// The refusal of whoever would have a job run whose gap is settled.
pub(crate) async fn settled(desk: &mut Desk<'_>, gap: &str) -> Result<Option<Refusal>, No> {
    let Some(stored) = stands(desk, gap).await? else { return Ok(None) };
    let Gap { key, state, .. } = stored.gap;
    Ok((!state.is_work()).then(|| {
        Refusal::new(Code::WrongState, format!("the gap {key} is {state}, and nobody takes up a job that works on it"))
            .field("name")
            .hint("an operator opens it again, which brings its jobs back: gapwright gaps reopen")
    }))
}

/// Takes in that a job was claimed that works on a gap.
pub(crate) async fn begin(desk: &mut Desk<'_>, gap: &str, job: &str, claim_id: &str) -> Result<(), No> {
    if bug("attempt-without-a-count") {
        return Ok(());
    }
    let Some(stored) = stands(desk, gap).await? else { return Ok(()) };
    let why = format!("the job {job} was claimed by {}", desk.call.by.name);
    pick_up(desk, &stored, claim_id, &why).await
}

async fn pick_up(desk: &mut Desk<'_>, was: &Stored, claim_id: &str, why: &str) -> Result<(), No> {
    let gap = was.gap.clone().pick_up(claim_id, desk.now).map_err(|(_, refusal)| refusal)?;
    write(desk, was, &gap, Event::PickedUp, why).await
}

/// Takes in how a run of a job ended that works on a gap: of the one that carries its claim, if any still does.
pub(crate) async fn ended(desk: &mut Desk<'_>, run: &Run) -> Result<(), No> {
    // Where people moved it meanwhile, their word stands.
    let Some(stored) = store::gap::claimed(desk.tx, &run.claim_id).await? else { return Ok(()) };
    let event = match run.outcome {
        Outcome::Ok => Event::Drafted,
        Outcome::Deferred => Event::PutBack,
        Outcome::Error | Outcome::Lost => stored.gap.failure(desk.rules.failures_max),
    };
    let why = format!("the run of {} ended: {}", run.job, run.status);
    step(desk, &stored, event, &why).await.map(drop)
}

/// Takes in that a gap became a duplicate: whoever works on it works on the one that stands for both, unless somebody does
/// so already, and its jobs follow.
pub(crate) async fn follow(desk: &mut Desk<'_>, was: &Gap, into: &Key) -> Result<(), No> {
    let Some(stored) = store::gap::load(desk.tx, into).await? else { return Ok(()) };
    if let Some(claim_id) = &was.claim_id
        && stored.gap.state.is_free()
    {
        pick_up(desk, &stored, claim_id, &format!("{}, which is the same, is being worked on", was.key)).await?;
    }
    if stored.gap.state.is_work() {
        crate::job::bring_back(desk, &was.key).await?;
    }
    Ok(())
}

/// The gap that a job works on whose gap this is, held still: itself, or the one that stands for it.
pub(crate) async fn stands(desk: &mut Desk<'_>, gap: &str) -> Result<Option<Stored>, No> {
    let Some(key) = Key::stored(gap) else {
        return Err(store::Fault::Corrupt { table: "job", column: "gap", id: gap.to_owned() }.into());
    };
    // Looked at first, so that of two gaps only one is held.
    let Some(own) = store::gap::find(desk.tx, &key).await? else { return Ok(None) };
    match store::gap::load(desk.tx, &own.duplicate_of.unwrap_or(key)).await? {
        // It became a duplicate just now.
        Some(stored) if stored.gap.state == State::Duplicate => Err(store::Fault::Conflict.into()),
        stored => Ok(stored),
    }
}
