//! The level of autonomy: shown with what its gate asks for, raised by an operator on evidence or a reason, lowered at once.

use domain::agent::Right;
use domain::level::{self, Item, Level, Record, SETTLED_MIN};
use domain::refusal::{Code, Refusal};
use domain::time::Time;
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Tx;
use store::level::Change;

use crate::desk::Desk;
use crate::outcome::Counts;
use crate::settings::Rules;
use crate::{Call, No, Plane};

/// How many changes are shown.
const CHANGES_SHOWN: i64 = 20;

/// The level and the gate above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The level in force.
    pub level: Level,
    /// Since when; none while it was never changed.
    pub since: Option<Time>,
    /// The level above; none above the highest.
    pub next: Option<Level>,
    /// What the gate to it asks for.
    pub gate: Vec<Item>,
    /// What became of the pull requests that ended at this level.
    pub outcomes: Counts,
    /// Every change, the latest first.
    pub history: Vec<Change>,
}

/// What became of the level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// From which.
    pub was: String,
    /// To which.
    pub now: String,
    /// Whether a reason stood in for evidence.
    pub overridden: bool,
}

impl Plane {
    /// The level in force, and what the gate above it asks for.
    pub async fn show_level(&self, call: &Call) -> Result<Standing, No> {
        let mut tx = self.read(call).await?;
        let (level, latest) = store::level::current(&mut tx).await?;
        let gate = gate(&mut tx, level, latest.as_ref(), &self.rules()).await?;
        standing(&mut tx, (level, latest), gate).await
    }

    /// How far the level is, and each stratum: those that were armed or have most in their favour first. Both are of one moment, and
    /// what both stand on is read once.
    pub async fn show_evidence(&self, call: &Call) -> Result<(Standing, Vec<crate::gate::Standing>), No> {
        let mut tx = self.read(call).await?;
        let rules = self.rules();
        let (level, latest) = store::level::current(&mut tx).await?;
        let records = crate::gate::records(&mut tx, &rules).await?;
        let evidence =
            judges_strata(level).then(|| crate::gate::evidence(records.iter().map(|(_, record)| record), &rules));
        let gate = gate_given(&mut tx, level, latest.as_ref(), &rules, evidence).await?;
        let standing = standing(&mut tx, (level, latest), gate).await?;
        Ok((standing, crate::gate::standings(&mut tx, records).await?))
    }

    /// Raises the level by one from where it stands at the call, if its gate is open or a reason overrides it.
    pub async fn raise_level(&self, call: &Call, reason: Option<&str>) -> Result<Moved, No> {
        call.by.require(Right::Operate, call.tool)?;
        let (seen, _) = store::level::current(&mut self.store.read().await?).await?;
        self.raise_level_from(call, seen, reason).await
    }

    /// Raises the level by one from the one that the caller saw: of two who saw the same, the second is refused with `wrong_state`.
    pub async fn raise_level_from(&self, call: &Call, seen: Level, reason: Option<&str>) -> Result<Moved, No> {
        let reason = reason.map(level::reason).transpose()?;
        let moved = self.write(call, Right::Operate, move |desk| raise(desk, seen, reason.clone()).boxed()).await?;
        self.wake.mirror.notify_one();
        self.wake.pulls.notify_one();
        Ok(moved)
    }

    /// Lowers the level to the one named, or by one.
    pub async fn lower_level(&self, call: &Call, to: Option<Level>, reason: Option<&str>) -> Result<Moved, No> {
        let reason = reason.map(level::reason).transpose()?.unwrap_or_default();
        self.write(call, Right::Operate, move |desk| lower(desk, to, reason.clone()).boxed()).await
    }
}

async fn standing(tx: &mut Tx, (level, latest): (Level, Option<Change>), gate: Vec<Item>) -> Result<Standing, No> {
    let history = store::level::history(tx, CHANGES_SHOWN).await?;
    let since = latest.map(|change| Time(change.at));
    let outcomes = crate::outcome::counts(tx, since.unwrap_or(Time(0))).await?;
    Ok(Standing { level, since, next: level.above(), gate, outcomes, history })
}

/// Whether the gate above a level asks what strata have shown.
const fn judges_strata(level: Level) -> bool {
    match level {
        Level::Pipeline => true,
        Level::Observe | Level::Propose | Level::Automerge => false,
    }
}

/// What the gate above a level asks for, counted from the store.
async fn gate(tx: &mut Tx, level: Level, latest: Option<&Change>, rules: &Rules) -> Result<Vec<Item>, No> {
    let evidence = if judges_strata(level) {
        let records = crate::gate::records(tx, rules).await?;
        Some(crate::gate::evidence(records.iter().map(|(_, record)| record), rules))
    } else {
        None
    };
    gate_given(tx, level, latest, rules, evidence).await
}

/// The same, where it is known what strata have shown.
async fn gate_given(
    tx: &mut Tx,
    level: Level,
    latest: Option<&Change>,
    rules: &Rules,
    evidence: Option<level::Evidence>,
) -> Result<Vec<Item>, No> {
    let needs = rules.needs;
    let since = latest.map(|change| Time(change.at));
    let days = store::level::days(tx, since.unwrap_or(Time(0)), needs.days.max(1)).await?;
    let sightings = store::gap::sighting::named(tx, needs.sightings.max(1)).await?;
    let settled = store::pull::settled(tx, since.unwrap_or(Time(0)), SETTLED_MIN).await?;
    let record = Record { since, days, sightings, settled: Some(settled), evidence };
    Ok(level::gate(level, needs, record))
}

async fn raise(desk: &mut Desk<'_>, seen: Level, reason: Option<String>) -> Result<Moved, No> {
    let (from, latest) = store::level::current(desk.tx).await?;
    if from != seen {
        return Err(Refusal::new(Code::WrongState, format!("the level is {from} by now"))
            .hint("see who changed it: gapwright level show")
            .into());
    }
    let gate = gate(desk.tx, from, latest.as_ref(), &desk.rules.clone()).await?;
    let raised = level::raise(from, &gate, reason.as_deref())?;
    change(desk, (from, raised.to), latest.as_ref(), reason.unwrap_or_default(), raised.overridden, &gate).await
}

pub(crate) async fn lower(desk: &mut Desk<'_>, to: Option<Level>, reason: String) -> Result<Moved, No> {
    let (from, latest) = store::level::current(desk.tx).await?;
    let to = level::lower(from, to)?;
    let gate = gate(desk.tx, from, latest.as_ref(), &desk.rules.clone()).await?;
    change(desk, (from, to), latest.as_ref(), reason, false, &gate).await
}

/// Writes a change down, with the evidence of this moment.
async fn change(
    desk: &mut Desk<'_>,
    (was, now): (Level, Level),
    latest: Option<&Change>,
    reason: String,
    overridden: bool,
    gate: &[Item],
) -> Result<Moved, No> {
    let evidence: Vec<_> =
        gate.iter().map(|item| json!({"what": item.what, "have": item.have, "need": item.need})).collect();
    let change = Change {
        seq: latest.map_or(1, |latest| latest.seq + 1),
        at: desk.now.0,
        was: was.name().to_owned(),
        now: now.name().to_owned(),
        by: desk.call.by.name.clone(),
        reason,
        overridden: i64::from(overridden),
        evidence: json!(evidence).to_string(),
    };
    store::level::append(desk.tx, &change).await?;
    let after = json!({"level": change.now, "reason": change.reason, "overridden": overridden, "evidence": evidence});
    desk.record("level".to_owned(), &json!({"level": change.was}), &after).await?;
    Ok(Moved { was: change.was, now: change.now, overridden })
}
