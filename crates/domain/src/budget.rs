//! Budgets: ceilings on what agents spend, kept by setting aside before and booking after.
//!
//! A claim sets aside what its run may spend at most, so that runs together cannot spend more than there is. What is not
//! known to have been spent counts as spent. An agent can ask for its budget and never raise it.

use serde::{Deserialize, Serialize};

use crate::pull::Stage;
use crate::refusal::{Code, Refusal};
use crate::time::{Span, Time};

/// So much work of a model: tokens of every sort, and what they cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Tokens, in and out, cached ones too.
    pub tokens: i64,
    /// Millionths of a US dollar.
    pub micro_usd: i64,
}

/// The largest amount of either that anybody may name: a thousand million.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000;

/// What may be spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caps {
    /// For one run of each stage: what its claim sets aside.
    pub run: [(Stage, Amount); 4],
    /// For one pull request.
    pub pull: Amount,
    /// For one day, from midnight to midnight UTC.
    pub day: Amount,
    /// How often a pull request is revised.
    pub iterations: i64,
    /// How many files a change may touch.
    pub files: i64,
    /// How many lines a change may add and take away.
    pub lines: i64,
    /// How long a run may take.
    pub wall: Span,
}

impl Default for Caps {
    fn default() -> Self {
        let amount = |tokens: i64, usd: i64| Amount { tokens: tokens * 1_000, micro_usd: usd * 1_000_000 };
        Self {
            run: [
                (Stage::Planner, amount(500, 3)),
                (Stage::Implementer, amount(2_000, 8)),
                (Stage::Reviewer, amount(800, 4)),
                (Stage::Merger, amount(500, 3)),
            ],
            pull: amount(12_000, 60),
            day: amount(60_000, 300),
            iterations: crate::pull::ITERATIONS_MAX,
            files: 40,
            lines: crate::gap::LINES_MAX,
            wall: Span::mins(60),
        }
    }
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self { tokens: 0, micro_usd: 0 };

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(other.tokens),
            micro_usd: self.micro_usd.saturating_add(other.micro_usd),
        }
    }

    /// What is left of it; never less than nothing.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_sub(other.tokens).max(0),
            micro_usd: self.micro_usd.saturating_sub(other.micro_usd).max(0),
        }
    }

    /// The difference, which may be less than nothing.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_sub(other.tokens),
            micro_usd: self.micro_usd.saturating_sub(other.micro_usd),
        }
    }

    /// The larger of both, each by itself.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { tokens: self.tokens.max(other.tokens), micro_usd: self.micro_usd.max(other.micro_usd) }
    }

    /// Its money in dollars, to the cent above.
    pub fn dollars(self) -> String {
        let cents = self.micro_usd.saturating_add(9_999) / 10_000;
        format!("${}.{:02}", cents / 100, cents % 100)
    }

    /// Whether there is at least so much of both.
    pub const fn covers(self, other: Self) -> bool {
        self.tokens >= other.tokens && self.micro_usd >= other.micro_usd
    }
}

/// What a run may take beyond its time to bring what it made to the forge and hand it in.
pub const HAND_IN_MAX: Span = Span::mins(30);

impl Caps {
    /// What one run of a stage may spend.
    pub fn of_run(&self, stage: Stage) -> Amount {
        self.run.iter().find(|(known, _)| *known == stage).map_or(Amount::ZERO, |(_, amount)| *amount)
    }

    /// What a pull request may cost in all: a person who lets it go on grants as much once more.
    pub fn of_pull(&self, epoch: i64) -> Amount {
        let times = epoch.max(0).saturating_add(1);
        Amount { tokens: self.pull.tokens.saturating_mul(times), micro_usd: self.pull.micro_usd.saturating_mul(times) }
    }

    /// Sets aside what a run of a stage may spend, where what is booked already leaves so much of both the pull request's,
    /// which people let go on `epoch` times, and the day's.
    pub fn reserve(&self, stage: Stage, (pull, epoch): (Amount, i64), day: Amount) -> Result<Amount, Short> {
        let wish = self.of_run(stage);
        if !self.of_pull(epoch).less(pull).covers(wish) {
            return Err(Short::Pull);
        }
        if !self.day.less(day).covers(wish) {
            return Err(Short::Day);
        }
        Ok(wish)
    }

    /// For how long a turn that was claimed then is held on, where whoever works on it asks for `ttl` more: never beyond what
    /// a run may take, and what it may take besides to hand in.
    pub fn renewed(&self, claimed_at: Time, ttl: Span, now: Time) -> Result<Span, Refusal> {
        let end = claimed_at + self.wall + HAND_IN_MAX;
        if now >= end {
            return Err(Refusal::new(
                Code::OverBudget,
                format!("a run may take {}, and this one took as long", self.wall),
            )
            .field("claim_id")
            .hint("end the claim; the next attempt begins anew"));
        }
        Ok(ttl.min(end.since(now)))
    }

    /// Whether a change is as small as it must be.
    pub fn fits(&self, files: i64, lines: i64) -> Result<(), Refusal> {
        let over = |what: &str, have: i64, cap: i64| {
            Refusal::new(Code::OverBudget, format!("the change has {have} {what}, and {cap} are the most"))
                .hint("make it smaller: leave out what does not close the gap")
        };
        if files > self.files {
            return Err(over("files", files, self.files));
        }
        if lines > self.lines { Err(over("lines", lines, self.lines)) } else { Ok(()) }
    }
}

/// Of which budget too little is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Short {
    /// The pull request's: no run in it begins any more.
    Pull,
    /// The day's: none begins until midnight UTC.
    Day,
}

impl Short {
    /// The refusal of whoever would begin all the same.
    pub fn refusal(self, stage: Stage, now: Time) -> Refusal {
        match self {
            Self::Pull => Refusal::new(
                Code::OverBudget,
                format!("too little of the pull request's budget is left for the {stage}"),
            )
            .hint("a person decides: gapwright pulls show"),
            Self::Day => {
                Refusal::new(Code::OverBudget, format!("too little of today's budget is left for the {stage}"))
                    .hint("it begins anew at midnight UTC")
                    .retry_after(tomorrow(now).since(now))
            }
        }
    }
}

/// The day of a moment: days since 1970 in UTC.
pub const fn day(at: Time) -> i64 {
    at.0.div_euclid(Span::days(1).0)
}

/// The first moment of the next day.
pub const fn tomorrow(at: Time) -> Time {
    Time((day(at) + 1) * Span::days(1).0)
}

/// What one run set aside and spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// What was set aside for it.
    pub reserved: Amount,
    /// How many tokens it is known to have spent so far.
    pub tokens: Option<i64>,
    /// What it is known to have cost so far, in millionths of a dollar.
    pub micro_usd: Option<i64>,
    /// Whether its end is booked.
    pub settled: bool,
}

impl Spend {
    /// A run that begins.
    pub const fn begin(reserved: Amount) -> Self {
        Self { reserved, tokens: None, micro_usd: None, settled: false }
    }

    /// Takes in what somebody who meters says that it has spent in all so far. It never becomes less.
    #[must_use]
    pub fn reported(self, tokens: Option<i64>, micro_usd: Option<i64>) -> Self {
        let most = |was: Option<i64>, now: Option<i64>| match (was, now) {
            (Some(was), Some(now)) => Some(was.max(now)),
            (was, now) => was.or(now),
        };
        Self { tokens: most(self.tokens, tokens), micro_usd: most(self.micro_usd, micro_usd), ..self }
    }

    /// The same at its end.
    #[must_use]
    pub const fn settle(self) -> Self {
        Self { settled: true, ..self }
    }

    /// What counts as spent: while it runs, at least what was set aside; at its end what it is known to have spent, and
    /// of what is not known the whole that was set aside.
    pub fn booked(self) -> Amount {
        let of = |known: Option<i64>, reserved: i64| match known {
            Some(known) if self.settled => known,
            Some(known) => known.max(reserved),
            None => reserved,
        };
        Amount { tokens: of(self.tokens, self.reserved.tokens), micro_usd: of(self.micro_usd, self.reserved.micro_usd) }
    }

    /// What the run may still spend.
    pub fn left(self) -> Amount {
        let known = Amount { tokens: self.tokens.unwrap_or(0), micro_usd: self.micro_usd.unwrap_or(0) };
        self.reserved.less(known)
    }

    /// Whether it spent more than was set aside for it.
    pub fn is_excess(self) -> bool {
        self.tokens.is_some_and(|tokens| tokens > self.reserved.tokens)
            || self.micro_usd.is_some_and(|micro| micro > self.reserved.micro_usd)
    }
}

/// Checks what somebody says was spent.
pub fn spent(field: &'static str, amount: i64) -> Result<i64, Refusal> {
    if (0..=AMOUNT_MAX).contains(&amount) {
        return Ok(amount);
    }
    Err(Refusal::invalid(field, format!("{field} is {amount}")).hint(format!("give 0 to {AMOUNT_MAX}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn caps() -> Caps {
        let run = Stage::ALL.map(|stage| (stage, Amount { tokens: 10, micro_usd: 4 }));
        let (pull, day) = (Amount { tokens: 30, micro_usd: 100 }, Amount { tokens: 50, micro_usd: 100 });
        Caps { run, pull, day, ..Caps::default() }
    }

    #[test]
    fn a_run_begins_only_where_all_that_it_may_spend_is_left() {
        let tokens = |tokens: i64| Amount { tokens, micro_usd: 0 };
        for (pull, day, gives) in [
            (tokens(0), tokens(0), Ok(())),
            (tokens(20), tokens(40), Ok(())),
            (tokens(21), tokens(0), Err(Short::Pull)),
            (tokens(0), tokens(41), Err(Short::Day)),
            (tokens(99), tokens(99), Err(Short::Pull)),
            (Amount { tokens: 0, micro_usd: 97 }, tokens(0), Err(Short::Pull)),
        ] {
            assert_eq!(caps().reserve(Stage::Reviewer, (pull, 0), day).map(drop), gives, "{pull:?} {day:?}");
        }
    }

    #[test]
    fn what_is_not_known_to_have_been_spent_counts_as_spent() {
        let spend = Spend::begin(Amount { tokens: 10, micro_usd: 4 });
        let amount = |tokens, micro_usd| Amount { tokens, micro_usd };
        for (spend, booked) in [
            (spend, amount(10, 4)),
            (spend.settle(), amount(10, 4)),
            (spend.reported(Some(3), None), amount(10, 4)),
            (spend.reported(Some(3), None).settle(), amount(3, 4)),
            (spend.reported(Some(3), Some(1)).settle(), amount(3, 1)),
            (spend.reported(Some(12), Some(1)), amount(12, 4)),
            (spend.reported(Some(12), Some(1)).reported(Some(5), Some(0)).settle(), amount(12, 1)),
        ] {
            assert_eq!(spend.booked(), booked, "{spend:?}");
        }
        assert!(spend.reported(Some(11), None).is_excess() && !spend.reported(Some(10), Some(4)).is_excess());
    }

    #[test]
    fn a_day_ends_at_midnight() {
        let noon = Time(Span::days(3).0 + Span::hours(12).0);
        assert_eq!((day(noon), tomorrow(noon)), (3, Time(Span::days(4).0)));
        let refusal = Short::Day.refusal(Stage::Planner, noon);
        assert_eq!((refusal.code, refusal.retry_after), (Code::OverBudget, Some(Span::hours(12))));
    }

    #[test]
    fn a_change_is_as_small_as_it_must_be() {
        let caps = caps();
        assert!(caps.fits(caps.files, caps.lines).is_ok());
        for (files, lines) in [(caps.files + 1, 1), (1, caps.lines + 1)] {
            assert_eq!(caps.fits(files, lines).map_err(|no| no.code), Err(Code::OverBudget));
        }
    }

    proptest! {
        /// Whatever runs begin and end, in whatever order, and however little is known of them: what keeps to what was set
        /// aside never exceeds the caps.
        #[test]
        fn runs_that_keep_to_what_was_set_aside_never_exceed_a_cap(
            deeds in prop::collection::vec((0..3_usize, 0..=10_i64, any::<bool>()), 1..60)
        ) {
            let caps = caps();
            let mut runs: Vec<Spend> = Vec::new();
            for (deed, tokens, known) in deeds {
                let booked = runs.iter().fold(Amount::ZERO, |sum, run| sum.plus(run.booked()));
                match deed {
                    0 => runs.extend(caps.reserve(Stage::Planner, (booked, 0), booked).map(Spend::begin)),
                    _ => if let Some(run) = runs.iter_mut().find(|run| !run.settled) {
                        *run = if known { run.reported(Some(tokens), Some(0)) } else { *run };
                        *run = if deed == 2 { run.settle() } else { *run };
                    },
                }
                let booked = runs.iter().fold(Amount::ZERO, |sum, run| sum.plus(run.booked()));
                prop_assert!(caps.pull.covers(booked) && caps.day.covers(booked), "{booked:?}");
            }
        }
    }

    #[test]
    fn what_it_cost_is_told_to_the_cent_above() {
        for (micro_usd, shown) in
            [(0, "$0.00"), (1, "$0.01"), (10_000, "$0.01"), (3_000_000, "$3.00"), (12_345_678, "$12.35")]
        {
            assert_eq!(Amount { tokens: 0, micro_usd }.dollars(), shown);
        }
    }

    #[test]
    fn a_person_who_lets_it_go_on_grants_as_much_once_more() {
        let spent = caps().pull;
        assert_eq!(caps().reserve(Stage::Reviewer, (spent, 0), Amount::ZERO), Err(Short::Pull));
        assert!(caps().reserve(Stage::Reviewer, (spent, 1), Amount::ZERO).is_ok());
        let all = caps().of_pull(i64::MAX);
        assert_eq!(all, Amount { tokens: i64::MAX, micro_usd: i64::MAX });
    }

    #[test]
    fn a_turn_is_not_held_for_longer_than_a_run_may_take() {
        let caps = caps();
        let end = Time(0) + caps.wall + HAND_IN_MAX;
        let renew = |now| caps.renewed(Time(0), Span::mins(20), now).map_err(|no| no.code);
        assert_eq!(renew(Time(0)), Ok(Span::mins(20)));
        assert_eq!(renew(end - Span(1)), Ok(Span(1)));
        assert_eq!(renew(end), Err(Code::OverBudget));
    }
}
