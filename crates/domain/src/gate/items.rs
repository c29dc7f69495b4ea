//! What the gate asks of a stratum, of people and of the pace, each thing by itself.

use super::{ARMED_FOR, DAY, Item, Of, Past, Record, Shadow, Stratum, cusum, overspent};
use crate::level::Level;
use crate::outcome::{Answer, Weight};

impl Record {
    /// What the stratum has shown.
    pub(super) fn evidence(&self) -> Vec<Item> {
        let of = Of::Evidence;
        let known = match &self.stratum {
            Some(stratum) if stratum.author.is_known() && stratum.reviewer.is_known() => {
                Item::pass("stratum", of, stratum.id())
            }
            Some(_) | None => {
                Item::unknown("stratum", of, "an agent does not say its model and its prompt, or several made it")
            }
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
        vec![
            known,
            self.clock(),
            streak,
            bound,
            spread,
            self.unknowns(),
            self.calibration(),
            self.charts(),
            self.budget(),
        ]
    }

    /// Nothing that is known is later than now: else nobody can tell what is old enough.
    fn clock(&self) -> Item {
        let past = self.past.iter().flat_map(|past| [past.at, past.seen]);
        let later = past.chain(self.autos.iter().map(|auto| auto.at)).max();
        match later {
            Some(later) if later > self.at => {
                Item::unknown("clock", Of::Evidence, &format!("an outcome is of {later}, which is yet to come"))
            }
            Some(_) | None => Item::pass("clock", Of::Evidence, "nothing is later than now"),
        }
    }

    fn unknowns(&self) -> Item {
        // What says nothing, and what merged by itself, thins nothing.
        let says = |past: &&Past| matches!(past.weight, Weight::Good | Weight::Bad | Weight::Unknown);
        let last = self.past.iter().rev().filter(says).take(self.rules.asks.window);
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
        // Whoever arms it anew does not begin it anew.
        let own = self.autos.iter().filter(|auto| auto.stratum == id && self.at.since(auto.at) <= ARMED_FOR);
        let (sum, most) = cusum(own.map(|auto| auto.bad));
        let found = format!("at {sum:.2} of {most:.1}");
        if sum < most { Item::pass("chart", Of::Evidence, found) } else { Item::fail("chart", Of::Evidence, &found) }
    }

    fn budget(&self) -> Item {
        let (bad, all, spent) = overspent(&self.autos, self.at);
        let found = format!("{bad} bad of {all} that merged by themselves in 28 days");
        if spent {
            Item::fail("error budget", Of::Evidence, &found)
        } else {
            Item::pass("error budget", Of::Evidence, found)
        }
    }

    /// What people allow.
    pub(super) fn leave(&self) -> Vec<Item> {
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
    pub(super) fn pace(&self) -> Vec<Item> {
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
    pub(super) fn pass(what: &str, of: Of, found: impl Into<String>) -> Self {
        Self { what: what.to_owned(), of, is: Answer::Pass, found: found.into() }
    }

    pub(super) fn fail(what: &str, of: Of, why: &str) -> Self {
        Self { what: what.to_owned(), of, is: Answer::Fail(why.to_owned()), found: String::new() }
    }

    pub(super) fn unknown(what: &str, of: Of, why: &str) -> Self {
        Self { what: what.to_owned(), of, is: Answer::Unknown(why.to_owned()), found: String::new() }
    }

    /// What it keeps shut, and why; none where it passes.
    pub(super) fn shut(&self) -> Option<String> {
        match &self.is {
            Answer::Pass => None,
            Answer::Fail(why) | Answer::Unknown(why) => Some(format!("{}: {why}", self.what)),
        }
    }

    fn least(what: &str, of: Of, (have, need): (i64, i64), unit: &str) -> Self {
        let found = format!("{have} of {need} {unit}");
        if have >= need { Self::pass(what, of, found) } else { Self::fail(what, of, &found) }
    }
}
