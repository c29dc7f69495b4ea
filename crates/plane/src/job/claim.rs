//! Claims: the first job in line that the caller may have, or the named one.

use domain::job::{CANARY, Job, State, Take, Unclaimable};
use domain::switch::Scope;
use store::seeded::bug;

use super::aside::{put, workable};
use super::{Claim, Claimed, write};
use crate::No;
use crate::desk::Desk;
use crate::pull::Turn;

/// How many jobs that give up a single claim takes out of the line; where there are more, the caller is to ask again.
const GIVE_UPS_MAX: usize = 64;

/// What became of a look at one job.
enum Tried {
    /// That is the answer.
    Answer(Claimed),
    /// It is out of the line: look at the next.
    Next,
    /// It is out of the line for a reason that the caller is told, if there is no other: look at the next.
    Later(&'static str),
    /// It is for somebody else, for this reason: look past it.
    Past(String, &'static str),
}

pub(super) async fn claim(desk: &mut Desk<'_>, wish: Claim) -> Result<Claimed, No> {
    let off = scopes(desk).await?;
    let (mut past, mut last) = (Vec::new(), None);
    for _ in 0..GIVE_UPS_MAX {
        let found = find(desk, &wish, &past).await?;
        let Some(was) = found.filter(|job| wish.kind.as_ref().is_none_or(|kind| *kind == job.kind)) else {
            // Where something is due that is not for this caller, or not just now, that is the reason.
            return Ok(nothing(if wish.name.is_some() { "not_found" } else { last.unwrap_or("nothing_due") }));
        };
        match attempt(desk, &wish, was, &off).await? {
            Tried::Answer(answer) => return Ok(answer),
            Tried::Next => {}
            Tried::Later(why) => last = Some(why),
            Tried::Past(name, why) => {
                last = Some(why);
                past.push(name);
            }
        }
    }
    // What gave up is out of the line, so that the next call gets further.
    Ok(nothing("busy"))
}

fn nothing(reason: &str) -> Claimed {
    Claimed::Nothing { reason: reason.to_owned(), held_by: None, held_until: None }
}

/// Everything that is switched off.
async fn scopes(desk: &mut Desk<'_>) -> Result<Vec<Scope>, No> {
    if bug("work-though-switched-off") {
        return Ok(Vec::new());
    }
    let off = store::switch::all(desk.tx).await?;
    Ok(off.iter().map(store::switch::Off::scope).collect::<Result<_, _>>()?)
}

/// The named job, or the first in line; past those that are for somebody else, the first turn that is not.
async fn find(desk: &mut Desk<'_>, wish: &Claim, past: &[String]) -> Result<Option<Job>, No> {
    if let Some(name) = &wish.name {
        return Ok(store::job::load(desk.tx, name).await?);
    }
    let (false, Some(kind)) = (past.is_empty(), &wish.kind) else {
        return Ok(store::job::next(desk.tx, wish.kind.as_deref()).await?);
    };
    for name in store::job::turn::of_kind(desk.tx, kind).await?.into_iter().filter(|name| !past.contains(name)) {
        let job = store::job::load(desk.tx, &name).await?.filter(|job| job.state == State::Ready);
        if job.is_some() {
            return Ok(job);
        }
    }
    Ok(None)
}

async fn attempt(desk: &mut Desk<'_>, wish: &Claim, was: Job, off: &[Scope]) -> Result<Tried, No> {
    // What works on a gap works on the repository where its issue is.
    let repo = was.gap.as_ref().and(desk.rules.repo.clone());
    if was.name != CANARY && off.iter().any(|scope| scope.covers(&was.kind, repo.as_deref())) {
        let all = off.contains(&Scope::All) || wish.kind.is_some() || wish.name.is_some();
        if all {
            return Ok(Tried::Answer(nothing("switched_off")));
        }
        let now = desk.now;
        put(desk, was, |job| job.put_off(now)).await?;
        return Ok(Tried::Next);
    }
    let was = match was.gap.clone() {
        None => was,
        Some(gap) => match (workable(desk, was, &gap).await?, &wish.name) {
            (Some(was), _) => was,
            (None, Some(_)) => return Ok(Tried::Answer(nothing("gap_not_workable"))),
            (None, None) => return Ok(Tried::Next),
        },
    };
    match was.pull.clone() {
        Some(pull) => turn(desk, wish, was, &pull).await,
        None => give(desk, wish, &was).await,
    }
}

/// Gives a turn of a pull request, if it is this caller's to take.
async fn turn(desk: &mut Desk<'_>, wish: &Claim, was: Job, pull: &str) -> Result<Tried, No> {
    // What expired is ended first: its end may be the last that the turn gets.
    let step = was.clone().expire(desk.now);
    let was = if step.run.is_some() { write(desk, &was, step).await? } else { was };
    if matches!(was.state, State::Held(_)) {
        return give(desk, wish, &was).await;
    }
    let now = desk.now;
    let (name, named) = (was.name.clone(), wish.name.is_some());
    let (reason, tried) = match crate::pull::let_work(desk, &was, pull).await? {
        Turn::Free(stored, amount) => {
            let given = give(desk, wish, &was).await?;
            if let Tried::Answer(Claimed::Job(job)) = &given {
                crate::pull::take(desk, &stored, job, amount).await?;
            }
            return Ok(given);
        }
        Turn::Later(refusal) => {
            put(desk, was, |job| job.put_off(now)).await?;
            (refusal.code.name(), Tried::Later(refusal.code.name()))
        }
        Turn::NotYours(refusal) => (refusal.code.name(), Tried::Past(name, refusal.code.name())),
        Turn::Over => {
            if let Some(was) = store::job::load(desk.tx, &name).await? {
                put(desk, was, |job| job.drop_out(now)).await?;
            }
            ("over", Tried::Next)
        }
    };
    Ok(if named { Tried::Answer(nothing(reason)) } else { tried })
}

/// Gives a job to the caller.
async fn give(desk: &mut Desk<'_>, wish: &Claim, was: &Job) -> Result<Tried, No> {
    let claim_id = desk.mint();
    // A turn is held for no longer than a run may take.
    let ttl = if was.pull.is_some() { desk.rules.caps.renewed(desk.now, wish.ttl, desk.now)? } else { wish.ttl };
    let take = Take { holder: wish.holder.clone(), ttl, claim_id: claim_id.clone() };
    let looked = if bug("claim-of-the-claimed") { Job { state: State::Ready, ..was.clone() } } else { was.clone() };
    match looked.claim(take, &desk.call.by, desk.now) {
        Ok(step) => {
            let job = write(desk, was, step).await?;
            if let Some(gap) = &job.gap {
                crate::gap::begin(desk, gap, &job.name, &claim_id).await?;
            }
            Ok(Tried::Answer(Claimed::Job(Box::new(job))))
        }
        Err(Unclaimable::GaveUp(step)) => {
            write(desk, was, *step).await?;
            Ok(if wish.name.is_some() { Tried::Answer(nothing("dead")) } else { Tried::Next })
        }
        // One that gave up just now is out of the line, and others may be due.
        Err(Unclaimable::Dead) if wish.name.is_none() => Ok(Tried::Next),
        Err(Unclaimable::Dead) => Ok(Tried::Answer(nothing("dead"))),
        Err(Unclaimable::Held { by, until }) => {
            let (held_by, held_until) = (Some(by), Some(until));
            Ok(Tried::Answer(Claimed::Nothing { reason: "held".to_owned(), held_by, held_until }))
        }
    }
}
