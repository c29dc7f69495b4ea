//! How claims end: the run is kept, what it reports is taken in, and what it proves.

use std::collections::BTreeSet;

use domain::gap::{self, Key, Sighting};
use domain::job::{Job, Outcome, Pointer, Run, Stale, State};
use domain::pull::Stage;
use domain::refusal::{Code, Refusal};
use store::seeded::bug;

use super::{Completed, Completion, write};
use crate::No;
use crate::desk::Desk;
use crate::gap::Under;

pub(super) async fn complete(desk: &mut Desk<'_>, end: Completion) -> Result<Result<Completed, Stale>, No> {
    let Some(was) = store::job::load(desk.tx, &end.name).await? else { return Ok(Err(Stale::NotFound)) };
    let mut by = desk.call.by.clone();
    let end = match &was.state {
        State::Held(claim) if bug("stale-completion") => {
            by.name.clone_from(&claim.principal);
            Completion { at: Pointer::Claim(claim.id.clone()), ..end }
        }
        State::Held(_) | State::Idle | State::Waiting | State::Ready | State::Dead => end,
    };
    if let Some(stage) = was.pull.as_ref().and_then(|_| Stage::parse(&was.kind)).filter(|_| end.status.ok) {
        return Err(Refusal::new(Code::WrongState, format!("a {stage} is done when it has handed in what it is for"))
            .field("status")
            .hint(format!("use {}, or complete with an error and say what is in the way", stage.tool()))
            .into());
    }
    let step = match was.clone().complete(&by, &end.at, end.status, end.summary.clone(), desk.now) {
        Ok(step) => step,
        Err(stale) => return Ok(Err(stale)),
    };
    let run = step.run.clone();
    let job = write(desk, &was, step).await?;
    let reports = reports(&job.name, end.gaps, end.summary.as_deref().unwrap_or_default());
    let Some(run) = run else { return Ok(Ok(Completed { job, gaps: 0, unreadable: 0 })) };
    // What is met while a duplicate is worked on is below the gap that stands for it.
    let parent = match &job.gap {
        Some(gap) => crate::gap::stands(desk, gap).await?.map(|stored| stored.gap.key),
        None => None,
    };
    let under = Under { claim_id: Some(&run.claim_id), parent: parent.as_ref(), since: run.claimed_at };
    for (seen, at) in &reports {
        crate::gap::take_in(desk, seen, under).await.map_err(|no| placed(no, *at))?;
    }
    if run.outcome == Outcome::Ok {
        let reported: Vec<Key> = reports.iter().filter_map(|(seen, _)| Key::of(seen)).collect();
        crate::gap::succeeded(desk, &job.name, run.claimed_at, &reported).await?;
    }
    let gaps = reports.iter().filter(|(seen, _)| seen.name.is_some()).count();
    Ok(Ok(Completed { job, gaps, unreadable: reports.len() - gaps }))
}

/// What one run reports, each gap once, with its place among the gaps that it was given: first those, then what its
/// summary marks. In the order of their keys, so that runs which report the same gaps take them up in one order.
fn reports(job: &str, given: Vec<Sighting>, summary: &str) -> Vec<(Sighting, Option<usize>)> {
    let mut named = BTreeSet::new();
    let given = given.into_iter().enumerate().map(|(at, seen)| (seen, Some(at)));
    let read = gap::read(summary).into_iter().map(|seen| (seen, None));
    let mut reports: Vec<_> = given
        .chain(read)
        .filter(|(seen, _)| Key::of(seen).is_none_or(|key| named.insert(key)))
        .map(|(seen, at)| (Sighting { job: Some(job.to_owned()), ..seen }, at))
        .collect();
    reports.sort_by_key(|(seen, _)| Key::of(seen));
    reports
}

/// A refusal of one of the gaps that a completion was given, told by its place.
fn placed(no: No, at: Option<usize>) -> No {
    match (no, at) {
        (No::Refusal(refusal), Some(at)) => {
            let field = refusal.field.clone().unwrap_or_default();
            No::Refusal(
                Refusal { message: format!("gaps[{at}]: {}", refusal.message), ..refusal }
                    .field(format!("gaps[{at}].{field}")),
            )
        }
        (no, _) => no,
    }
}

/// Appends how a claim ended, and lets the gap that was worked on know.
pub(crate) async fn ended(desk: &mut Desk<'_>, job: &Job, run: &Run) -> Result<(), No> {
    store::run::append(desk.tx, run).await?;
    if job.gap.is_some() {
        // What is drafted for a pull request is handed in by another word.
        let handed_in = job.pull.is_some() && run.outcome == Outcome::Ok;
        if !handed_in {
            crate::gap::ended(desk, run).await?;
        }
    }
    match &job.pull {
        Some(pull) => crate::pull::ended(desk, job, pull, run).await,
        None => Ok(()),
    }
}
