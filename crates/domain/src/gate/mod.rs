//! The gate: whether a pull request may merge by itself, decided from a record and from nothing else.
//!
//! Every input passes, fails, or is not known, and what is not known is closed. The same record always gives the same
//! judgement, so that whoever keeps it can ask again. A streak and an operator's word open nothing alone; what shows, what is
//! protected and what people hold in their hands is never merged, whatever the evidence.

mod candidate;
mod checks;
pub mod figures;
mod items;
mod meaning;
mod ramp;
pub mod risk;
pub mod stratum;
#[cfg(test)]
mod tests;
pub mod track;
mod wanted;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use candidate::{APART_MAX, Base, Candidate, Live, Measured};
pub use checks::{Check, passed, passed_since, tests_executed};
pub use meaning::meaning;
pub use ramp::{
    AUDIT, Auto, BUDGET_PERCENT, BUDGET_SPAN, Demotion, Draw, PARTS, Phase, cusum, demotion, overspent, phase,
};
pub use risk::Risk;
pub use stratum::{Area, Fingerprint, Stratum};
pub use track::{Asks, Track};
pub use wanted::{BARRING, BARRING_ISSUE, Decision, changes_wanted};

use crate::outcome::{Answer, Weight};
use crate::time::{Span, Time};

/// How long an operator's word holds.
pub const ARMED_FOR: Span = Span::days(90);

/// How many outcomes of a stratum that say something are looked at, at most: twice as many as any streak or window may have.
pub const PAST_MAX: i64 = 2_000;

/// How long a base may not pass before people are told that this alone is in the way.
pub const GREEN_WITHIN: Span = Span::hours(2);

/// What records of the first version do not have.
pub const NEWER: [&str; 3] = ["authors", "green", "clocks"];

/// What the gate asks for, as configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// The streak and the bound.
    pub asks: Asks,
    /// Over how many days the streak is spread at least, from the first to the last of it.
    pub days: i64,
    /// How many good outcomes of one day count, from midnight to midnight UTC.
    pub per_day: i64,
    /// How old an outcome must be before it counts.
    pub soak: Span,
    /// How many of a hundred outcomes may be unknown.
    pub unknown_percent_max: i64,
    /// How many lines a change may have that merges by itself.
    pub lines_max: i64,
    /// How many files.
    pub files_max: i64,
    /// How many times the gate must have said what it would merge, and a person have done the same, before it does.
    pub shadow: i64,
    /// How many merges it makes at a tenth, and how many then at a half.
    pub ramp: (i64, i64),
    /// How many it makes in a day in one repository, from midnight to midnight UTC.
    pub merges_per_day: i64,
    /// The checks that must have passed at the head, by name; where none is named the gate is closed.
    pub checks: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            asks: Asks { streak: 50, window: 200, bad_max: 0.06 },
            days: 14,
            per_day: 10,
            soak: crate::outcome::SOAK,
            unknown_percent_max: 10,
            lines_max: 200,
            files_max: 10,
            shadow: 50,
            ramp: (20, 30),
            merges_per_day: 5,
            checks: Vec::new(),
        }
    }
}

/// An outcome of the stratum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// The pull request.
    pub pull: String,
    /// When it ended, by the store's clock.
    pub at: Time,
    /// What it is to the gate.
    pub weight: Weight,
    /// When it was last looked at whether that still holds.
    pub seen: Time,
}

/// An operator's word that a stratum may merge by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    /// Since when.
    pub since: Time,
    /// Until when.
    pub until: Time,
    /// Who answers for it.
    pub owner: String,
}

impl Arm {
    /// Whether it holds at a moment.
    pub fn holds_at(&self, now: Time) -> bool {
        self.since <= now && now < self.until
    }
}

/// What the gate said it would merge, and what people did then.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadow {
    /// It said so, and a person merged it unchanged, since the last time that it was wrong.
    pub agreed: i64,
    /// It said so, and a person would not have it.
    pub wrong: i64,
    /// It said so, and nothing has become of it yet.
    pub open: i64,
}

impl Shadow {
    /// Counts what became of those that it would have merged, the latest first, those without an end at either end of them.
    pub fn of(weights: impl IntoIterator<Item = Option<Weight>>) -> Self {
        weights.into_iter().fold(Self::default(), |shadow, weight| match weight {
            None => Self { open: shadow.open + 1, ..shadow },
            Some(Weight::Good) if shadow.wrong == 0 => Self { agreed: shadow.agreed + 1, ..shadow },
            Some(Weight::Bad) => Self { wrong: shadow.wrong + 1, ..shadow },
            Some(Weight::Good | Weight::Neither | Weight::Unknown | Weight::Auto) => shadow,
        })
    }
}

/// Everything on which a judgement stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When it was read, by the store's clock.
    pub at: Time,
    /// What is asked for.
    pub rules: Rules,
    /// What the change is evidence for; none where an agent does not say who it is.
    pub stratum: Option<Stratum>,
    /// The outcomes of the stratum, the oldest first.
    pub past: Vec<Past>,
    /// Whether its reviewer is calibrated.
    pub calibrated: Answer,
    /// The operator's word.
    pub arm: Option<Arm>,
    /// What the gate would have done so far.
    pub shadow: Shadow,
    /// What was merged by itself, in this repository in the last 28 days, and in this stratum in the last 90.
    pub autos: Vec<Auto>,
    /// The level in force, by its name.
    pub level: String,
    /// What is switched off that has to do with it; none where nothing is.
    pub off: Option<String>,
    /// How many were merged by themselves in this repository today.
    pub today: i64,
    /// What is just being merged by itself into the same branch; none where nothing is.
    pub in_flight: Option<String>,
    /// The pull request; none where the stratum alone is asked for.
    pub candidate: Option<Candidate>,
}

/// One thing that the gate asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What, in a word or two.
    pub what: String,
    /// What it is asked of.
    pub of: Of,
    /// How it stands.
    pub is: Answer,
    /// What was found, in a line.
    pub found: String,
}

/// What an item is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// What the stratum has shown. No word of anybody stands in for it.
    Evidence,
    /// The pull request itself.
    Pull,
    /// What people allow.
    Leave,
    /// How many go through, and which of them.
    Pace,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// It is merged.
    Merge,
    /// It would be, and a person is to do it: it was drawn, or the gate is not let yet.
    Person,
    /// It would be, and has to wait.
    Later,
    /// It is not.
    Closed,
}

impl Word {
    /// The word as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Person => "person",
            Self::Later => "later",
            Self::Closed => "closed",
        }
    }
}

/// The judgement of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// What follows.
    pub word: Word,
    /// Whether evidence and pull request would have it merged.
    pub would: bool,
    /// Everything that was asked.
    pub items: Vec<Item>,
}

impl Judgement {
    /// What the evidence lacks first, in a line; none where it is enough.
    pub fn lacking(&self) -> Option<String> {
        self.items.iter().filter(|item| item.of == Of::Evidence).find_map(Item::shut)
    }

    /// Everything that is missing of evidence and of what people allow, each in a line.
    pub fn missing(&self) -> Vec<String> {
        self.items.iter().filter(|item| matches!(item.of, Of::Evidence | Of::Leave)).filter_map(Item::shut).collect()
    }

    /// Whether another says the same: the same word, and the same answer to the same things. How it is put may differ.
    pub fn is_like(&self, other: &Self) -> bool {
        let answers = |one: &Self| -> Vec<_> {
            one.items.iter().map(|item| (item.what.clone(), std::mem::discriminant(&item.is))).collect()
        };
        (self.word, self.would) == (other.word, other.would) && answers(self) == answers(other)
    }

    /// Which of [`NEWER`] things this one does not ask.
    pub fn lacks(&self) -> Vec<&'static str> {
        NEWER.into_iter().filter(|newer| !self.items.iter().any(|item| item.what == *newer)).collect()
    }

    /// Everything that keeps it from being merged, each in a line.
    pub fn shut(&self) -> Vec<String> {
        self.items.iter().filter_map(Item::shut).collect()
    }

    /// Why one thing keeps it from being merged; none where that does not.
    pub fn shut_by(&self, what: &str) -> Option<String> {
        self.items.iter().filter(|item| item.what == what).find_map(Item::shut)
    }

    /// Why nothing but the base keeps it from being merged, once that has been so for [`GREEN_WITHIN`].
    pub fn waits_for_base(&self, since: Span) -> Option<String> {
        self.shut_by("green").filter(|_| since >= GREEN_WITHIN && self.shut().len() == 1)
    }

    /// Why it is not merged, in a line; empty where it is.
    pub fn why(&self) -> String {
        self.shut().join(" · ")
    }
}

impl Record {
    /// Judges it.
    pub fn judge(&self) -> Judgement {
        self.judge_by(|_| true)
    }

    /// Judges it as an earlier judgement did: without [`NEWER`] things that this one did not ask, for they were not in its record.
    pub fn judge_as(&self, earlier: &Judgement) -> Judgement {
        let newer = earlier.lacks();
        self.judge_by(|item| !newer.contains(&item.what.as_str()))
    }

    fn judge_by(&self, asked: impl Fn(&Item) -> bool) -> Judgement {
        let mut items = self.evidence();
        items.extend(self.candidate.iter().flat_map(|candidate| candidate.items(self)));
        items.extend(self.leave());
        items.extend(self.pace());
        items.retain(asked);
        let passes = |of: &[Of]| items.iter().filter(|item| of.contains(&item.of)).all(|item| item.is == Answer::Pass);
        let would = self.candidate.is_some() && passes(&[Of::Evidence, Of::Pull]);
        let drawn = self.candidate.as_ref().is_some_and(|candidate| candidate.draw.person(self.phase()).is_some());
        let word = match (would, passes(&[Of::Leave]), passes(&[Of::Pace])) {
            (false, ..) => Word::Closed,
            (true, true, true) => Word::Merge,
            (true, true, false) if !drawn => Word::Later,
            (true, ..) => Word::Person,
        };
        Judgement { word, would, items }
    }

    /// The outcomes that count, one after another, with when each ended: the good ones that were still good when they
    /// were old enough, at most so many of a day, and every bad one at once.
    pub fn counted(&self) -> Vec<(Time, bool)> {
        let mut by_day: BTreeMap<i64, i64> = BTreeMap::new();
        let mut counted = Vec::new();
        for past in &self.past {
            match past.weight {
                Weight::Bad => counted.push((past.at, false)),
                Weight::Good if past.seen.since(past.at) >= self.rules.soak => {
                    let of_day = by_day.entry(past.at.0.div_euclid(DAY)).or_default();
                    *of_day += 1;
                    if *of_day <= self.rules.per_day {
                        counted.push((past.at, true));
                    }
                }
                Weight::Good | Weight::Neither | Weight::Unknown | Weight::Auto => {}
            }
        }
        counted
    }

    /// The track of what counts.
    pub fn track(&self) -> Track {
        let mut track = Track::new(self.rules.asks.window);
        for (_, good) in self.counted() {
            track.push(good);
        }
        track
    }

    /// How far the ramp is.
    pub fn phase(&self) -> Phase {
        let (Some(arm), Some(stratum)) = (&self.arm, &self.stratum) else { return Phase::Shadow };
        let id = stratum.id();
        let merged = self.autos.iter().filter(|auto| auto.stratum == id && auto.at >= arm.since).count();
        phase(self.shadow, self.rules.shadow, i64::try_from(merged).unwrap_or(i64::MAX), self.rules.ramp)
    }
}

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;
