//! What people say of gaps: will not be fixed, open again, how important, the same as another.

use domain::agent::Right;
use domain::gap::{Event, Gap, Key, Priority, State};
use domain::level;
use domain::refusal::{Code, Refusal};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use store::gap::likeness::{self, Verdict};

use super::{audited, count, meant, step, write};
use crate::desk::Desk;
use crate::{Call, No, Plane};

/// Two gaps of which one stands for both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// The duplicate.
    pub duplicate: String,
    /// The one that stands for both.
    pub into: String,
    /// How many distinct jobs that one blocks now.
    pub jobs: i64,
    /// Its rank now.
    pub rank: i64,
}

impl Plane {
    /// Lets a gap be one that people will live without.
    pub async fn wontfix_gap(&self, call: &Call, gap: &str, why: &str) -> Result<String, No> {
        self.say_of_gap(call, gap, Event::WontFix, why).await
    }

    /// Says that what was missing is there: the next success of a job that was blocked proves it.
    pub async fn close_gap(&self, call: &Call, gap: &str, why: &str) -> Result<String, No> {
        self.say_of_gap(call, gap, Event::Merged, why).await
    }

    /// Opens a gap again that people, a merge or a duplicate had closed.
    pub async fn reopen_gap(&self, call: &Call, gap: &str, why: &str) -> Result<String, No> {
        self.say_of_gap(call, gap, Event::Reopened, why).await
    }

    async fn say_of_gap(&self, call: &Call, gap: &str, event: Event, why: &str) -> Result<String, No> {
        let (gap, why) = (gap.to_owned(), level::reason(why)?);
        self.write(call, Right::Operate, move |desk| say(desk, gap.clone(), event, why.clone()).boxed()).await
    }

    /// Says how important a gap is; none leaves it to the reports.
    pub async fn prioritize_gap(&self, call: &Call, gap: &str, priority: Option<Priority>) -> Result<i64, No> {
        let gap = gap.to_owned();
        self.write(call, Right::Operate, move |desk| prioritize(desk, gap.clone(), priority).boxed()).await
    }

    /// Says that a gap is the same as another, which stands for both from now on.
    pub async fn merge_gaps(&self, call: &Call, duplicate: &str, into: &str) -> Result<Merged, No> {
        let (duplicate, into) = (duplicate.to_owned(), into.to_owned());
        self.write(call, Right::Operate, move |desk| merge(desk, duplicate.clone(), into.clone()).boxed()).await
    }

    /// Says that two gaps, which were proposed as the same, are not.
    pub async fn tell_gaps_apart(&self, call: &Call, one: &str, other: &str) -> Result<bool, No> {
        let (one, other) = (one.to_owned(), other.to_owned());
        self.write(call, Right::Operate, move |desk| tell_apart(desk, one.clone(), other.clone()).boxed()).await
    }
}

async fn say(desk: &mut Desk<'_>, gap: String, event: Event, why: String) -> Result<String, No> {
    let key = meant(desk, "gap", &gap).await?;
    let was = store::gap::load(desk.tx, &key).await?.ok_or(store::Fault::Conflict)?;
    let mut gap = was.gap.clone().step(event, desk.now).map_err(|(_, refusal)| refusal)?;
    if was.gap.state == State::Duplicate {
        count(desk, &mut gap).await?;
    }
    write(desk, &was, &gap, event, &why).await?;
    if let Some(other) = &was.gap.duplicate_of {
        part(desk, other, was.gap.sightings).await?;
    }
    crate::mirror::reopen(desk, &key, event).await?;
    Ok(gap.key.to_string())
}

/// Counts a gap anew that stands for one duplicate less, which was reported so often.
async fn part(desk: &mut Desk<'_>, key: &Key, sightings: i64) -> Result<(), No> {
    let Some(was) = store::gap::load(desk.tx, key).await? else { return Ok(()) };
    let mut gap = was.gap.clone();
    gap.sightings -= sightings;
    count(desk, &mut gap).await?;
    store::gap::write(desk.tx, &was, &gap).await?;
    Ok(())
}

async fn prioritize(desk: &mut Desk<'_>, gap: String, priority: Option<Priority>) -> Result<i64, No> {
    let key = meant(desk, "gap", &gap).await?;
    let was = store::gap::load(desk.tx, &key).await?.ok_or(store::Fault::Conflict)?;
    set_priority(desk, &was, priority).await
}

/// Gives a gap a person's priority; gives its rank.
pub(crate) async fn set_priority(
    desk: &mut Desk<'_>,
    was: &store::gap::Stored,
    priority: Option<Priority>,
) -> Result<i64, No> {
    let gap = Gap { priority, ..was.gap.clone() };
    store::gap::write(desk.tx, was, &gap).await?;
    desk.record(format!("gap:{}", gap.key), &audited(&was.gap), &audited(&gap)).await?;
    crate::mirror::nudge(desk, &gap.key).await?;
    Ok(gap.standing().rank())
}

async fn merge(desk: &mut Desk<'_>, duplicate: String, into: String) -> Result<Merged, No> {
    let (one, into) = (meant(desk, "duplicate", &duplicate).await?, meant(desk, "into", &into).await?);
    let itself = || Refusal::invalid("into", format!("{one} cannot be a duplicate of itself")).hint("name two gaps");
    if one == into {
        return Err(itself().into());
    }
    let stands = store::gap::find(desk.tx, &into).await?.ok_or(store::Fault::Conflict)?;
    // A duplicate stands for nothing: what it is merged into does.
    let into = stands.duplicate_of.unwrap_or(into);
    if one == into {
        return Err(itself().into());
    }
    if !store::gap::duplicates(desk.tx, &one).await?.is_empty() {
        return Err(Refusal::new(Code::WrongState, format!("{one} stands for duplicates of its own"))
            .field("duplicate")
            .hint(format!("merge {into} into {one}, or reopen the duplicates of {one} first"))
            .into());
    }
    // Both held, always in the order of their keys.
    let (first, second) = if one < into { (&one, &into) } else { (&into, &one) };
    let first = store::gap::load(desk.tx, first).await?.ok_or(store::Fault::Conflict)?;
    let second = store::gap::load(desk.tx, second).await?.ok_or(store::Fault::Conflict)?;
    let (was, stands) = if first.gap.key == one { (first, second) } else { (second, first) };
    let mut gap = was.gap.clone().step(Event::MergedInto, desk.now).map_err(|(_, refusal)| refusal)?;
    gap.duplicate_of = Some(into.clone());
    write(desk, &was, &gap, Event::MergedInto, &format!("the same as {into}")).await?;
    let mut both = stands.gap.clone();
    both.sightings += was.gap.sightings;
    both.first_at = both.first_at.min(was.gap.first_at);
    both.last_at = both.last_at.max(was.gap.last_at);
    both.severity = both.severity.max(was.gap.severity);
    both.top |= was.gap.top;
    if both.top {
        both.depth = 0;
    }
    count(desk, &mut both).await?;
    store::gap::write(desk.tx, &stands, &both).await?;
    desk.record(format!("gap:{into}"), &audited(&stands.gap), &audited(&both)).await?;
    super::work::follow(desk, &was.gap, &into).await?;
    likeness::judge(desk.tx, &one, &into, Verdict::Same).await?;
    let (jobs, rank) = (both.jobs, both.standing().rank());
    Ok(Merged { duplicate: one.to_string(), into: into.to_string(), jobs, rank })
}

async fn tell_apart(desk: &mut Desk<'_>, one: String, other: String) -> Result<bool, No> {
    let (one, other) = (meant(desk, "gap", &one).await?, meant(desk, "other", &other).await?);
    let told = likeness::judge(desk.tx, &one, &other, Verdict::Different).await?;
    if told {
        desk.record(format!("gap:{one}"), &(), &serde_json::json!({"not_the_same_as": other.to_string()})).await?;
    }
    Ok(told)
}

/// Lets something happen to a gap that a person did elsewhere: where it cannot, the gap stays as it is.
pub(crate) async fn taken_in(desk: &mut Desk<'_>, key: &Key, event: Event, why: &str) -> Result<bool, No> {
    let Some(was) = store::gap::load(desk.tx, key).await? else { return Ok(false) };
    // An issue that was opened again says nothing of work that is under way.
    if event == Event::Reopened && was.gap.state.is_work() {
        return Ok(false);
    }
    match step(desk, &was, event, why).await {
        Ok(gap) => Ok(gap.state != was.gap.state),
        Err(No::Refusal(_)) => Ok(false),
        Err(no @ No::Fault(_)) => Err(no),
    }
}
