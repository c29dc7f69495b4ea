//! The gate: whether a pull request may merge by itself, decided from a record and from nothing else.
//!
//! Every input passes, fails, or is not known, and what is not known is closed. The same record always gives the same
//! judgement, so that whoever keeps it can ask again. A streak and an operator's word open nothing alone; what shows, what is
//! protected and what people hold in their hands is never merged, whatever the evidence.

mod candidate;
pub mod figures;
mod ramp;
pub mod stratum;
#[cfg(test)]
mod tests;
pub mod track;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use candidate::{Candidate, Check, Live, Measured, passed, tests_executed};
pub use ramp::{
    AUDIT, Auto, BUDGET_PERCENT, BUDGET_SPAN, Demotion, Draw, PARTS, Phase, cusum, demotion, overspent, phase,
};
pub use stratum::{Area, Fingerprint, Risk, Stratum};
pub use track::{Asks, Track};

use crate::level::Level;
use crate::outcome::{Answer, Weight};
use crate::time::{Span, Time};

/// How long an operator's word holds.
pub const ARMED_FOR: Span = Span::days(90);

/// How many outcomes of a stratum are looked at, at most: as many as the bound looks back on, and those between that say
/// nothing.
pub const PAST_MAX: i64 = 1_000;

/// What the gate asks for, as configured. The figures are the most lenient that are allowed, unless said otherwise.
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
    /// What was merged by itself, in this repository in the last 28 days, and in this stratum since it was armed.
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
        let item = self.items.iter().find(|item| item.of == Of::Evidence && item.is != Answer::Pass)?;
        match &item.is {
            Answer::Pass => None,
            Answer::Fail(why) | Answer::Unknown(why) => Some(format!("{}: {why}", item.what)),
        }
    }

    /// Why it is not merged, in a line; empty where it is.
    pub fn why(&self) -> String {
        let shut = self.items.iter().filter(|item| item.is != Answer::Pass);
        shut.map(|item| match &item.is {
            Answer::Pass => String::new(),
            Answer::Fail(why) | Answer::Unknown(why) => format!("{}: {why}", item.what),
        })
        .collect::<Vec<_>>()
        .join(" · ")
    }
}

impl Record {
    /// Judges it.
    pub fn judge(&self) -> Judgement {
        let mut items = self.evidence();
        items.extend(self.candidate.iter().flat_map(|candidate| candidate.items(self)));
        items.extend(self.leave());
        items.extend(self.pace());
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

    /// The outcomes that count, one after another, with when each ended: the good ones that are old enough, at most so many of
    /// a day, and every bad one at once.
    pub fn counted(&self) -> Vec<(Time, bool)> {
        let mut by_day: BTreeMap<i64, i64> = BTreeMap::new();
        let mut counted = Vec::new();
        for past in &self.past {
            match past.weight {
                Weight::Bad => counted.push((past.at, false)),
                Weight::Good if self.at.since(past.at) >= self.rules.soak => {
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

    /// What the stratum has shown.
    fn evidence(&self) -> Vec<Item> {
        let of = Of::Evidence;
        let known = match &self.stratum {
            Some(stratum) if stratum.author.is_known() && stratum.reviewer.is_known() => {
                Item::pass("stratum", of, stratum.id())
            }
            Some(_) | None => Item::unknown("stratum", of, "an agent does not say its model and its prompt"),
        };
        let counted = self.counted();
        let track = self.track();
        let asks = self.rules.asks;
        let (bad, all) = track.counted();
        let streak = Item::least("streak", of, (track.streak, asks.streak), "merged unchanged in a row");
        let upper = track.upper();
        let found = format!("{bad} bad of {all}: the true rate could be up to {:.1} %", upper * 100.0);
        let bound = if upper <= asks.bad_max {
            Item::pass("bound", of, found)
        } else {
            Item::fail("bound", of, &format!("{found}, and {:.1} % is the most", asks.bad_max * 100.0))
        };
        let row = usize::try_from(track.streak).unwrap_or(0);
        let row: Vec<_> = counted.iter().rev().take(row).map(|(at, _)| *at).collect();
        let spread = match (row.iter().min(), row.iter().max()) {
            (Some(first), Some(last)) => last.since(*first).0 / DAY,
            (None, _) | (_, None) => 0,
        };
        let spread = Item::least("spread", of, (spread, self.rules.days), "days from the first to the last of the row");
        vec![known, self.clock(), streak, bound, spread, self.unknowns(), self.calibration(), self.charts(), self.budget()]
    }

    /// Nothing that is known is later than now: else nobody can tell what is old enough.
    fn clock(&self) -> Item {
        let later = self.past.iter().map(|past| past.at).chain(self.autos.iter().map(|auto| auto.at)).max();
        match later {
            Some(later) if later > self.at => {
                Item::unknown("clock", Of::Evidence, &format!("an outcome is of {later}, which is yet to come"))
            }
            Some(_) | None => Item::pass("clock", Of::Evidence, "nothing is later than now"),
        }
    }

    fn unknowns(&self) -> Item {
        let last = self.past.iter().rev().take(self.rules.asks.window);
        let (unknown, all) = last.fold((0_i64, 0_i64), |(unknown, all), past| {
            (unknown + i64::from(past.weight == Weight::Unknown), all + 1)
        });
        let found = format!("{unknown} of {all} are unknown");
        if unknown * 100 <= self.rules.unknown_percent_max * all {
            return Item::pass("unknown", Of::Evidence, found);
        }
        Item::fail("unknown", Of::Evidence, &format!("{found}, and {} % is the most", self.rules.unknown_percent_max))
    }

    fn calibration(&self) -> Item {
        Item { what: "calibrated".into(), of: Of::Evidence, is: self.calibrated.clone(), found: String::new() }
    }

    /// The chart of what was merged by itself in this stratum.
    fn charts(&self) -> Item {
        let id = self.stratum.as_ref().map(Stratum::id).unwrap_or_default();
        let since = self.arm.as_ref().map_or(self.at, |arm| arm.since);
        let own = self.autos.iter().filter(|auto| auto.stratum == id && auto.at >= since);
        let (sum, most) = cusum(own.map(|auto| auto.bad));
        let found = format!("at {sum:.2} of {most:.1}");
        if sum < most { Item::pass("chart", Of::Evidence, found) } else { Item::fail("chart", Of::Evidence, &found) }
    }

    fn budget(&self) -> Item {
        let (bad, all, spent) = overspent(&self.autos, self.at);
        let found = format!("{bad} bad of {all} that merged by themselves in 28 days");
        if spent { Item::fail("error budget", Of::Evidence, &found) } else { Item::pass("error budget", Of::Evidence, found) }
    }

    /// What people allow.
    fn leave(&self) -> Vec<Item> {
        let of = Of::Leave;
        let level = if self.level == Level::Automerge.name() {
            Item::pass("level", of, self.level.clone())
        } else {
            Item::fail("level", of, &format!("the level is {}", self.level))
        };
        let armed = match &self.arm {
            None => Item::fail("armed", of, "no operator armed it"),
            Some(arm) if self.at >= arm.until => Item::fail("armed", of, &format!("it was armed until {}", arm.until)),
            Some(arm) if self.at < arm.since => Item::unknown("armed", of, "it is armed from a moment yet to come"),
            Some(arm) => Item::pass("armed", of, format!("until {}, and {} answers for it", arm.until, arm.owner)),
        };
        let Shadow { agreed, wrong, open } = self.shadow;
        let found = format!("{agreed} agreed since it was last wrong, {wrong} were wrong, {open} are open");
        let shadow = if agreed >= self.rules.shadow {
            Item::pass("shadow", of, found)
        } else {
            Item::fail("shadow", of, &format!("{found}; {} must agree", self.rules.shadow))
        };
        vec![level, armed, shadow]
    }

    /// How many go through, and which of them.
    fn pace(&self) -> Vec<Item> {
        let of = Of::Pace;
        let off = match &self.off {
            None => Item::pass("switch", of, "nothing is switched off"),
            Some(what) => Item::fail("switch", of, &format!("{what} is switched off")),
        };
        let cap = self.rules.merges_per_day;
        let today = format!("{} of {cap} today", self.today);
        let cap = if self.today < cap { Item::pass("cap", of, today) } else { Item::fail("cap", of, &today) };
        let flight = match &self.in_flight {
            None => Item::pass("in flight", of, "nothing else is being merged into the branch"),
            Some(other) => Item::fail("in flight", of, &format!("{other} is being merged into the branch")),
        };
        let mut items = vec![off, cap, flight];
        if let Some(candidate) = &self.candidate {
            items.push(match candidate.draw.person(self.phase()) {
                None => Item::pass("draw", of, self.phase().name()),
                Some(why) => Item::fail("draw", of, why),
            });
        }
        items
    }
}

impl Item {
    fn pass(what: &str, of: Of, found: impl Into<String>) -> Self {
        Self { what: what.to_owned(), of, is: Answer::Pass, found: found.into() }
    }

    fn fail(what: &str, of: Of, why: &str) -> Self {
        Self { what: what.to_owned(), of, is: Answer::Fail(why.to_owned()), found: String::new() }
    }

    fn unknown(what: &str, of: Of, why: &str) -> Self {
        Self { what: what.to_owned(), of, is: Answer::Unknown(why.to_owned()), found: String::new() }
    }

    fn least(what: &str, of: Of, (have, need): (i64, i64), unit: &str) -> Self {
        let found = format!("{have} of {need} {unit}");
        if have >= need { Self::pass(what, of, found) } else { Self::fail(what, of, &found) }
    }
}

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;
