//! The gap registry: what was reported, what it blocks, how it ranks, and what became of it.
//!
//! Reports come in by `sight`, jobs that work on gaps by `work`, what people say by `people`, and what is read by `show`.
//! Every change of a gap's state goes through [`step`].

mod merge;
mod people;
mod show;
mod sight;
mod work;

use domain::gap::{Event, Gap, Key, State};
use domain::refusal::{Code, Refusal};
use serde_json::json;
use store::gap::event::New;
use store::gap::{Stored, blocked};

use crate::No;
use crate::desk::Desk;

pub use people::Merged;
pub(crate) use people::{set_priority, taken_in};
pub use show::{Explained, INVENTORY_DAYS, Inventory, Kind, Shown, Together};
pub use sight::Reported;
pub(crate) use sight::{Under, succeeded, take_in};
pub(crate) use work::{begin, ended, register, settled, stands, unworkable};

/// Lets an event happen to a gap, and remembers it with everything that it implies: the entry of the journal, what is
/// said on its issue, and that its jobs leave the line or come back. A refusal leaves everything as it was.
pub(crate) async fn step(desk: &mut Desk<'_>, was: &Stored, event: Event, why: &str) -> Result<Gap, No> {
    let gap = was.gap.clone().step(event, desk.now).map_err(|(_, refusal)| refusal)?;
    write(desk, was, &gap, event, why).await?;
    Ok(gap)
}

/// Writes what an event made of a gap.
async fn write(desk: &mut Desk<'_>, was: &Stored, gap: &Gap, event: Event, why: &str) -> Result<(), No> {
    store::gap::write(desk.tx, was, gap).await?;
    let states = (was.gap.state, gap.state);
    let by = desk.call.by.name.clone();
    let id = desk.mint();
    store::gap::event::append(desk.tx, &id, New { gap: &gap.key, event, states, by: &by, why }).await?;
    // The jobs of a duplicate work on what stands for it.
    match (was.gap.state.is_work(), gap.state.is_work()) {
        (_, false) if gap.state != State::Duplicate => crate::job::rest(desk, &gap.key).await?,
        (false, true) => crate::job::bring_back(desk, &gap.key).await?,
        (true | false, true | false) => {}
    }
    if was.gap.state != gap.state {
        crate::pull::gap_settled(desk, gap).await?;
    }
    crate::mirror::nudge(desk, &gap.key).await?;
    if let Some(text) = domain::mirror::note(event, states, why) {
        crate::mirror::say(desk, &gap.key, &text).await?;
    }
    desk.record(format!("gap:{}", gap.key), &audited(&was.gap), &audited(gap)).await
}

/// A gap as the journal keeps it: what changes.
pub(crate) fn audited(gap: &Gap) -> serde_json::Value {
    json!({
        "state": gap.state.name(),
        "duplicate_of": gap.duplicate_of.as_ref().map(Key::to_string),
        "severity": gap.severity.name(),
        "priority": gap.priority.map(domain::gap::Priority::name),
        "sightings": gap.sightings,
        "jobs": gap.jobs,
        "attempts": gap.attempts,
        "failures": gap.failures,
        "depth": gap.depth,
        "rank": gap.standing().rank(),
    })
}

/// Counts anew what a gap blocks: each registered job once, by the worst that was said of it.
pub(crate) async fn count(desk: &mut Desk<'_>, gap: &mut Gap) -> Result<(), No> {
    let mut jobs = std::collections::BTreeMap::<String, i64>::new();
    for (job, severity, priority) in blocked::weights(desk.tx, &gap.key).await? {
        let weight = domain::gap::rank::job_weight(priority, severity);
        let heaviest = jobs.entry(job).or_insert(weight);
        *heaviest = weight.max(*heaviest);
    }
    gap.jobs = i64::try_from(jobs.len()).unwrap_or(i64::MAX);
    gap.weight = jobs.values().fold(0, |sum, weight| sum.saturating_add(*weight));
    Ok(())
}

/// The gap that is meant by a key or a name alone.
pub(crate) async fn meant(desk: &mut Desk<'_>, field: &'static str, text: &str) -> Result<Key, No> {
    known(desk.tx, field, text).await
}

/// The gaps that a name may mean: with a kind the one of that key, if there is one.
async fn bearers(tx: &mut store::Tx, kind: Option<&str>, name: &str) -> Result<Vec<Key>, No> {
    if let Some(kind) = kind {
        let key = Key { kind: kind.to_owned(), name: name.to_owned() };
        if store::gap::find(tx, &key).await?.is_some() {
            return Ok(vec![key]);
        }
    }
    Ok(store::gap::called(tx, name).await?)
}

/// As [`meant`], for whoever only looks.
async fn known(tx: &mut store::Tx, field: &'static str, text: &str) -> Result<Key, No> {
    let (kind, name) = Key::parse(field, text)?;
    let bearers = bearers(tx, kind.as_deref(), &name).await?;
    let found = domain::gap::resolve(field, &name, kind.as_deref(), &bearers)?;
    found.ok_or_else(|| {
        let hint = match bearers.first() {
            Some(other) => format!("did you mean {other}?"),
            None => "see gapwright gaps list, or list-gaps over MCP".to_owned(),
        };
        Refusal::new(Code::NotFound, format!("nobody reported a gap {text:?}")).field(field).hint(hint).into()
    })
}
