//! Levels of autonomy: what this installation does by itself, opened by evidence and an operator's act.
//!
//! A level opens the next one only: its gate counts what the store holds. An operator may override a gate with a written
//! reason, which is kept with the evidence of that moment. Going back needs neither.

use std::fmt;

use crate::refusal::{Code, Refusal};
use crate::time::Time;

/// How long a reason may be, in characters, and how short: a word is no reason.
pub const REASON_CHARS: (usize, usize) = (10, 1_000);

/// What an installation does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// It coordinates and captures gaps. Nothing leaves the house.
    Observe,
    /// Gaps are ranked and mirrored to issues, and people review whatever is drafted.
    Propose,
    /// Planner, implementer, reviewer and merger work; people merge.
    Pipeline,
    /// Some of it merges by itself.
    Automerge,
}

impl Level {
    /// Every level, lowest first.
    pub const ALL: [Self; 4] = [Self::Observe, Self::Propose, Self::Pipeline, Self::Automerge];

    /// The level as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Propose => "propose",
            Self::Pipeline => "pipeline",
            Self::Automerge => "automerge",
        }
    }

    /// Reads a level by its name.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::ALL.into_iter().find(|level| level.name() == text).ok_or_else(|| {
            Refusal::invalid("level", format!("there is no level {text:?}"))
                .hint(format!("levels are {}", Self::ALL.map(Self::name).join(", ")))
        })
    }

    /// The level above; none above the highest.
    pub const fn above(self) -> Option<Self> {
        match self {
            Self::Observe => Some(Self::Propose),
            Self::Propose => Some(Self::Pipeline),
            Self::Pipeline => Some(Self::Automerge),
            Self::Automerge => None,
        }
    }

    /// Whether anything may be written to the forge.
    pub const fn reaches_out(self) -> bool {
        match self {
            Self::Observe => false,
            Self::Propose | Self::Pipeline | Self::Automerge => true,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What opens a gate, as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Days with at least one run of a routine job.
    pub days: i64,
    /// Reports of gaps that name one.
    pub sightings: i64,
}

/// What the store holds, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Since when the present level is in force; none when it always was.
    pub since: Option<Time>,
    /// Days, from midnight to midnight UTC, on which at least one run of a routine job ended since then.
    pub days: i64,
    /// Reports since the beginning that name a gap.
    pub sightings: i64,
    /// Pull requests that were settled at this level; none while nobody counts them.
    pub settled: Option<i64>,
    /// What the strata have shown; none while nobody reads that.
    pub evidence: Option<Evidence>,
}

/// What the strata have shown that may merge by themselves one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// The longest row of pull requests that people merged unchanged, of any stratum.
    pub streak: i64,
    /// How long it must be.
    pub needed: i64,
    /// How many strata have shown everything that the gate asks for.
    pub shown: i64,
}

/// One thing that a gate asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What.
    pub what: &'static str,
    /// How much there is; none when it is not known, which counts as nothing.
    pub have: Option<i64>,
    /// How much there must be.
    pub need: i64,
}

impl Item {
    /// Whether there is enough.
    pub fn is_met(&self) -> bool {
        self.have.is_some_and(|have| have >= self.need)
    }
}

/// The gate above a level: what it asks for and what there is. Empty above the highest.
pub fn gate(level: Level, needs: Needs, record: Record) -> Vec<Item> {
    let days = Item { what: "days in use", have: Some(record.days), need: needs.days };
    match level {
        Level::Observe => {
            vec![days, Item { what: "sightings that name a gap", have: Some(record.sightings), need: needs.sightings }]
        }
        Level::Propose => vec![days, Item { what: "settled pull requests", have: record.settled, need: SETTLED_MIN }],
        Level::Pipeline => {
            let of = |count: fn(&Evidence) -> i64| record.evidence.as_ref().map(count);
            let needed = record.evidence.map_or(STREAK_MIN, |evidence| evidence.needed);
            vec![
                Item { what: "merged unchanged in a row", have: of(|evidence| evidence.streak), need: needed },
                Item { what: "strata with all the evidence", have: of(|evidence| evidence.shown), need: 1 },
            ]
        }
        Level::Automerge => Vec::new(),
    }
}

/// How many settled pull requests open the pipeline.
pub const SETTLED_MIN: i64 = 10;

/// How many pull requests merged unchanged in a row open automerge, unless configured otherwise.
pub const STREAK_MIN: i64 = 50;

/// The level after a raise by one, or what is missing. A reason opens a gate that the record does not.
pub fn raise(from: Level, items: &[Item], reason: Option<&str>) -> Result<Raised, Refusal> {
    let Some(to) = from.above() else {
        return Err(Refusal::new(Code::WrongState, "automerge is the highest level"));
    };
    let missing: Vec<_> = items.iter().filter(|item| !item.is_met()).map(lack).collect();
    match (missing.is_empty(), reason) {
        (true, _) => Ok(Raised { to, overridden: false }),
        (false, Some(_)) => Ok(Raised { to, overridden: true }),
        (false, None) => Err(Refusal::new(
            Code::WrongState,
            format!("the gate from {from} to {to} is closed: {}", missing.join(", ")),
        )
        .hint("wait for the evidence, or override the gate with a written reason: --override REASON")),
    }
}

/// A raise that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raised {
    /// To which level.
    pub to: Level,
    /// Whether a reason stood in for evidence.
    pub overridden: bool,
}

/// The level after lowering: the one named, or the one below.
pub fn lower(from: Level, to: Option<Level>) -> Result<Level, Refusal> {
    let below = Level::ALL.into_iter().rev().find(|level| *level < from);
    match (below, to) {
        (None, _) => Err(Refusal::new(Code::WrongState, "observe is the lowest level")),
        (Some(below), None) => Ok(below),
        (Some(_), Some(to)) if to < from => Ok(to),
        (Some(_), Some(to)) => Err(Refusal::new(Code::WrongState, format!("{to} is not below {from}"))
            .field("level")
            .hint("name a lower level, or none for the one below")),
    }
}

/// A written reason: enough to read later.
pub fn reason(text: &str) -> Result<String, Refusal> {
    let text: String = text.trim().chars().filter(|c| !crate::id::is_unprintable(*c)).collect();
    let chars = text.chars().count();
    let (low, high) = REASON_CHARS;
    if (low..=high).contains(&chars) {
        return Ok(text);
    }
    Err(Refusal::invalid("reason", format!("the reason has {chars} characters"))
        .hint(format!("say in {low} to {high} characters why, for whoever reads it later")))
}

/// What is missing, in words.
fn lack(item: &Item) -> String {
    match item.have {
        Some(have) => format!("{have} of {} {}", item.need, item.what),
        None => format!("{} are not known, of {}", item.what, item.need),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: Needs = Needs { days: 14, sightings: 5 };

    fn record(days: i64, sightings: i64) -> Record {
        Record { since: None, days, sightings, settled: None, evidence: None }
    }

    #[test]
    fn the_gate_to_propose_opens_with_days_and_sightings_and_not_before() {
        for (days, sightings, opens) in
            [(14, 5, true), (13, 5, false), (14, 4, false), (0, 1_000, false), (400, 0, false)]
        {
            let items = gate(Level::Observe, NEEDS, record(days, sightings));
            let raised = raise(Level::Observe, &items, None);
            assert_eq!(raised.is_ok(), opens, "{days} days, {sightings} sightings: {raised:?}");
        }
        let refusal = raise(Level::Observe, &gate(Level::Observe, NEEDS, record(3, 1)), None).expect_err("closed");
        assert_eq!(
            refusal.message,
            "the gate from observe to propose is closed: 3 of 14 days in use, 1 of 5 sightings that name a gap"
        );
    }

    #[test]
    fn a_reason_opens_a_gate_and_is_told_from_evidence() {
        let closed = gate(Level::Observe, NEEDS, record(0, 0));
        assert_eq!(
            raise(Level::Observe, &closed, Some("a trial")),
            Ok(Raised { to: Level::Propose, overridden: true })
        );
        let open = gate(Level::Observe, NEEDS, record(14, 5));
        assert_eq!(raise(Level::Observe, &open, Some("a trial")), Ok(Raised { to: Level::Propose, overridden: false }));
    }

    #[test]
    fn the_gate_to_the_pipeline_asks_for_days_and_settled_pull_requests() {
        for (days, settled, opens) in
            [(14, Some(10), true), (13, Some(10), false), (14, Some(9), false), (14, None, false)]
        {
            let items = gate(Level::Propose, NEEDS, Record { settled, ..record(days, 0) });
            let raised = raise(Level::Propose, &items, None);
            assert_eq!(raised.is_ok(), opens, "{days} days, {settled:?} settled: {raised:?}");
        }
    }

    #[test]
    fn the_gate_to_automerge_asks_for_a_streak_and_for_all_the_evidence_of_one_stratum() {
        for (evidence, opens) in [
            (Some((50, 1)), true),
            (Some((50, 0)), false),
            (Some((49, 1)), false),
            (Some((0, 0)), false),
            (None, false),
        ] {
            let evidence = evidence.map(|(streak, shown)| Evidence { streak, needed: STREAK_MIN, shown });
            let items = gate(Level::Pipeline, NEEDS, Record { evidence, ..record(1_000, 1_000) });
            assert_eq!(raise(Level::Pipeline, &items, None).is_ok(), opens, "{evidence:?}");
        }
    }

    #[test]
    fn no_reason_leads_beyond_the_highest_level() {
        let items = gate(Level::Automerge, NEEDS, record(1_000, 1_000));
        assert!(items.is_empty() && raise(Level::Automerge, &items, Some("because I say so")).is_err());
    }

    #[test]
    fn what_is_not_known_counts_as_nothing() {
        let item = Item { what: "x", have: None, need: 0 };
        assert!(!item.is_met());
    }

    #[test]
    fn lowering_is_one_act_and_never_a_raise() {
        assert_eq!(lower(Level::Automerge, Some(Level::Observe)), Ok(Level::Observe));
        assert_eq!(lower(Level::Propose, None), Ok(Level::Observe));
        for (from, to) in
            [(Level::Observe, None), (Level::Propose, Some(Level::Propose)), (Level::Propose, Some(Level::Pipeline))]
        {
            assert!(lower(from, to).is_err(), "{from} to {to:?}");
        }
    }
}
