//! What people say of gaps: will not be fixed, open again, how important, the same as another.

use domain::agent::Right;
use domain::gap::{Event, Gap, Key, Priority};
use domain::level;
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use store::gap::Stored;
use store::gap::likeness::{self, Verdict};

use super::merge::{merge, part, sum_up};
use super::{audited, meant, write};
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
    /// What was not taken over, because a gap would wait for itself: each as `GAP waits for GAP`.
    #[serde(default)]
    pub left_out: Vec<String>,
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

    /// Says how important a gap is; none leaves it to the reports. Gives its key and its rank.
    pub async fn prioritize_gap(
        &self,
        call: &Call,
        gap: &str,
        priority: Option<Priority>,
    ) -> Result<(String, i64), No> {
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
    // Its issue, where that is gone: then a gap that is open already is let have a new one.
    let let_go = event == Event::Reopened && crate::mirror::let_go(desk, &key).await?;
    if !(let_go && was.gap.state.is_work()) {
        happen(desk, &was, event, &why).await?;
    }
    Ok(key.to_string())
}

/// Lets what a person says happen to a gap; a duplicate that is opened again is parted from what stood for it.
async fn happen(desk: &mut Desk<'_>, was: &Stored, event: Event, why: &str) -> Result<Gap, No> {
    let mut gap = was.gap.clone().step(event, desk.now).map_err(|(_, refusal)| refusal)?;
    let parted = was.gap.duplicate_of.clone().filter(|_| gap.duplicate_of.is_none());
    if parted.is_some() {
        sum_up(desk, &mut gap).await?;
    }
    write(desk, was, &gap, event, why).await?;
    if let Some(other) = parted {
        part(desk, &gap.key, &other).await?;
    }
    Ok(gap)
}

async fn prioritize(desk: &mut Desk<'_>, gap: String, priority: Option<Priority>) -> Result<(String, i64), No> {
    let key = meant(desk, "gap", &gap).await?;
    let was = store::gap::load(desk.tx, &key).await?.ok_or(store::Fault::Conflict)?;
    Ok((key.to_string(), set_priority(desk, &was, priority).await?))
}

/// Gives a gap a person's priority; gives its rank.
pub(crate) async fn set_priority(desk: &mut Desk<'_>, was: &Stored, priority: Option<Priority>) -> Result<i64, No> {
    let gap = Gap { priority, ..was.gap.clone() };
    store::gap::priority::forget(desk.tx, &gap.key).await?;
    store::gap::write(desk.tx, was, &gap).await?;
    desk.record(format!("gap:{}", gap.key), &audited(&was.gap), &audited(&gap)).await?;
    crate::mirror::nudge(desk, &gap.key).await?;
    Ok(gap.standing().rank())
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
    match happen(desk, &was, event, why).await {
        Ok(gap) => Ok(gap.state != was.gap.state),
        Err(No::Refusal(_)) => Ok(false),
        Err(no @ No::Fault(_)) => Err(no),
    }
}
