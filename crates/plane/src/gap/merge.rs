//! One gap standing for another that says the same, and the parting of both: what each was reported to be is read from its
//! sightings, so that a merge by mistake leaves nothing behind.

use domain::gap::{Event, Gap, Key, Severity};
use domain::refusal::{Code, Refusal};
use domain::time::Time;
use store::gap::likeness::{self, Verdict};
use store::gap::{edge, sighting};

use super::people::Merged;
use super::sight::{Tied, deepen, depend, standing_for};
use super::{audited, count, meant, write};
use crate::No;
use crate::desk::Desk;

/// The most edges of a duplicate that go over to what stands for it.
const EDGES_MOVED_MAX: i64 = 1_000;

pub(super) async fn merge(desk: &mut Desk<'_>, duplicate: String, into: String) -> Result<Merged, No> {
    let (one, into) = (meant(desk, "duplicate", &duplicate).await?, meant(desk, "into", &into).await?);
    let stands = store::gap::find(desk.tx, &into).await?.ok_or(store::Fault::Conflict)?;
    // A duplicate stands for nothing: what it is merged into does.
    let into = stands.duplicate_of.unwrap_or(into);
    if one == into {
        return Err(Refusal::invalid("into", format!("{one} cannot be a duplicate of itself"))
            .hint("name two gaps")
            .into());
    }
    // Both held, always in the order of their keys.
    let (first, second) = if one < into { (&one, &into) } else { (&into, &one) };
    let first = store::gap::load(desk.tx, first).await?.ok_or(store::Fault::Conflict)?;
    let second = store::gap::load(desk.tx, second).await?.ok_or(store::Fault::Conflict)?;
    let (was, stands) = if first.gap.key == one { (first, second) } else { (second, first) };
    let merged = |gap: &Gap, left_out| {
        let (jobs, rank) = (gap.jobs, gap.standing().rank());
        Merged { duplicate: one.to_string(), into: into.to_string(), jobs, rank, left_out }
    };
    if was.gap.duplicate_of.as_ref() == Some(&into) {
        return Ok(merged(&stands.gap, Vec::new()));
    }
    // Asked once both are held: somebody else may have merged one of them meanwhile.
    if stands.gap.duplicate_of.is_some() {
        return Err(store::Fault::Conflict.into());
    }
    if !store::gap::duplicates(desk.tx, &one).await?.is_empty() {
        return Err(Refusal::new(Code::WrongState, format!("{one} stands for duplicates of its own"))
            .field("duplicate")
            .hint(format!("merge {into} into {one}, or reopen the duplicates of {one} first"))
            .into());
    }
    let mut gap = was.gap.clone().step(Event::MergedInto, desk.now).map_err(|(_, refusal)| refusal)?;
    gap.duplicate_of = Some(into.clone());
    write(desk, &was, &gap, Event::MergedInto, &format!("the same as {into}")).await?;
    let mut both = stands.gap.clone();
    if was.gap.priority > both.priority {
        store::gap::priority::keep(desk.tx, &into, both.priority).await?;
        both.priority = was.gap.priority;
        crate::mirror::nudge(desk, &into).await?;
    }
    sum_up(desk, &mut both).await?;
    store::gap::write(desk.tx, &stands, &both).await?;
    desk.record(format!("gap:{into}"), &audited(&stands.gap), &audited(&both)).await?;
    likeness::judge(desk.tx, &one, &into, Verdict::Same).await?;
    super::work::follow(desk, &was.gap, &into).await?;
    let left_out = move_edges(desk, &one, &into).await?;
    Ok(merged(&both, left_out))
}

/// What depends on a duplicate, and what it depends on, goes over to what stands for it, but for what would close a circle;
/// gives what was left out.
async fn move_edges(desk: &mut Desk<'_>, one: &Key, into: &Key) -> Result<Vec<String>, No> {
    let mut left_out = Vec::new();
    let edges = edge::touching(desk.tx, one, EDGES_MOVED_MAX).await?;
    edge::put_away(desk.tx, one).await?;
    for ((gap, on), why) in edges {
        let (Some(gap), Some(on)) = (Key::stored(&gap), Key::stored(&on)) else { continue };
        let (from, to) = if gap == *one { (into, &on) } else { (&gap, into) };
        if from == to {
            continue;
        }
        match depend(desk, from, to, why).await? {
            Tied::Now => edge::lend(desk.tx, from, to, one).await?,
            Tied::Before => {}
            Tied::Circle | Tied::Full => left_out.push(format!("{from} waits for {to}")),
        }
        deepen(desk, &on).await?;
    }
    deepen(desk, into).await?;
    Ok(left_out)
}

/// What a duplicate lent to the gap that stood for it goes, and its own edges come back, but for what would close a circle.
async fn part_edges(desk: &mut Desk<'_>, one: &Key, other: &Key) -> Result<(), No> {
    let lent = edge::take_back(desk.tx, one, EDGES_MOVED_MAX).await?;
    // What another duplicate says too is lent by that one.
    for (duplicate, ((gap, on), why)) in edge::of_duplicates(desk.tx, other, EDGES_MOVED_MAX).await? {
        let (Some(gap), Some(on)) = (Key::stored(&gap), Key::stored(&on)) else { continue };
        let (from, to) = (standing_for(desk, &gap).await?, standing_for(desk, &on).await?);
        if duplicate != *one && from != to && depend(desk, &from, &to, why).await? == Tied::Now {
            edge::lend(desk.tx, &from, &to, &duplicate).await?;
        }
    }
    for (_, on) in lent {
        let Some(on) = Key::stored(&on) else { continue };
        deepen(desk, &on).await?;
    }
    for ((gap, on), why) in edge::bring_out(desk.tx, one, EDGES_MOVED_MAX).await? {
        let (Some(gap), Some(on)) = (Key::stored(&gap), Key::stored(&on)) else { continue };
        let (gap, on) = (standing_for(desk, &gap).await?, standing_for(desk, &on).await?);
        if gap != on && depend(desk, &gap, &on, why).await? == Tied::Now {
            deepen(desk, &on).await?;
        }
    }
    Ok(())
}

/// Lets a gap stand for one duplicate less, and remembers that both are two.
pub(super) async fn part(desk: &mut Desk<'_>, one: &Key, other: &Key) -> Result<(), No> {
    likeness::part(desk.tx, one, other).await?;
    part_edges(desk, one, other).await?;
    let Some(was) = store::gap::load(desk.tx, other).await? else { return Ok(()) };
    let mut gap = was.gap.clone();
    // Its own, where a duplicate had lifted it and no person said anything since.
    if let Some(own) = store::gap::priority::kept(desk.tx, other).await? {
        gap.priority = own.max(store::gap::priority::highest_of_duplicates(desk.tx, other).await?);
        crate::mirror::nudge(desk, other).await?;
    }
    sum_up(desk, &mut gap).await?;
    store::gap::write(desk.tx, &was, &gap).await?;
    desk.record(format!("gap:{other}"), &audited(&was.gap), &audited(&gap)).await?;
    deepen(desk, other).await?;
    deepen(desk, one).await
}

/// Reads what a gap and its duplicates were reported to be, and counts what they block.
pub(super) async fn sum_up(desk: &mut Desk<'_>, gap: &mut Gap) -> Result<(), No> {
    let sum = sighting::sum(desk.tx, &gap.key).await?;
    gap.sightings = sum.sightings;
    if sum.sightings > 0 {
        gap.first_at = Time(sum.first_at);
        gap.last_at = Time(sum.last_at);
        gap.severity = Severity::ALL.into_iter().rfind(|severity| *severity as i64 <= sum.worst).unwrap_or_default();
        gap.top = sum.top == 1;
    }
    count(desk, gap).await
}
