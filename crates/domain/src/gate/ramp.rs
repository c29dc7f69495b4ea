//! From saying to doing, and back: first the gate only says what it would merge, then it merges a tenth, a half, and nine in
//! ten; and what goes wrong takes it back.

use serde::{Deserialize, Serialize};

use super::Shadow;
use crate::id;
use crate::time::{Span, Time};

/// Into how many parts a draw is made.
pub const PARTS: u32 = 1_000;

/// How many of those a person always sees: one in ten, for ever.
pub const AUDIT: u32 = 100;

/// Over how long the error budget is taken.
pub const BUDGET_SPAN: Span = Span::days(28);

/// How many of a hundred may go wrong in it.
pub const BUDGET_PERCENT: i64 = 2;

/// The share of bad ones that is fine, the one that is not, and when the chart tells them apart. Of 1,000 merges of which 1 in
/// 100 is bad it alarms about once; of which 1 in 20 is, after about 63.
const FINE: f64 = 0.01;
const NOT_FINE: f64 = 0.05;
const ALARM: f64 = 3.0;

/// Something that was merged by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auto {
    /// The pull request.
    pub pull: String,
    /// The id of its stratum.
    pub stratum: String,
    /// When.
    pub at: Time,
    /// Whether it went wrong since: it was taken back, or its checks failed on the base.
    pub bad: bool,
}

/// How far a stratum is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It only says what it would merge.
    Shadow,
    /// It merges a tenth.
    Tenth,
    /// It merges half.
    Half,
    /// It merges all, but for what a person always sees.
    Full,
}

impl Phase {
    /// The phase as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Tenth => "10 %",
            Self::Half => "50 %",
            Self::Full => "100 % less 10 % for people",
        }
    }

    /// How many of [`PARTS`] it lets through.
    const fn lets(self) -> u32 {
        match self {
            Self::Shadow => 0,
            Self::Tenth => PARTS / 10,
            Self::Half => PARTS / 2,
            Self::Full => PARTS,
        }
    }
}

/// How far a stratum is that agreed so often and has merged so many by itself since it was armed.
pub fn phase(shadow: Shadow, needed: i64, merged: i64, (tenth, half): (i64, i64)) -> Phase {
    match merged {
        _ if shadow.agreed < needed => Phase::Shadow,
        merged if merged < tenth => Phase::Tenth,
        merged if merged < tenth.saturating_add(half) => Phase::Half,
        _ => Phase::Full,
    }
}

/// What was drawn for a pull request before anything was decided: two numbers below [`PARTS`], which follow from its id and a
/// secret, so that nobody who makes one knows whether people will see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// For the ramp.
    pub ramp: u32,
    /// For the audit.
    pub audit: u32,
}

impl Draw {
    /// What is drawn for an id, from a secret.
    pub fn of(secret: &str, id: &str) -> Self {
        let digest = id::digest(format!("{secret}\0{id}").as_bytes());
        let part = |at: usize| {
            let number = digest.get(at..at + 8).and_then(|digits| u32::from_str_radix(digits, 16).ok());
            number.map_or(PARTS, |number| number % PARTS)
        };
        Self { ramp: part(0), audit: part(8) }
    }

    /// Why a person is to merge it; none where nobody need. One that is past what can be drawn is a person's.
    pub fn person(self, phase: Phase) -> Option<&'static str> {
        if self.audit < AUDIT || self.audit >= PARTS {
            return Some("it was drawn for a person to see");
        }
        match phase {
            Phase::Shadow => Some("the gate only says what it would merge"),
            Phase::Tenth | Phase::Half | Phase::Full if self.ramp >= phase.lets() => {
                Some("the ramp leaves it to a person")
            }
            Phase::Tenth | Phase::Half | Phase::Full => None,
        }
    }
}

/// The chart of what went wrong, by Page: where it stands, and where it alarms. What is bad moves it up by 1.61, what is good
/// down by 0.041, never below nothing; where it has alarmed, it stays.
pub fn cusum(bad: impl Iterator<Item = bool>) -> (f64, f64) {
    let (up, down) = ((NOT_FINE / FINE).ln(), ((1.0 - NOT_FINE) / (1.0 - FINE)).ln());
    let mut sum: f64 = 0.0;
    for bad in bad {
        if sum >= ALARM {
            break;
        }
        sum = (sum + if bad { up } else { down }).max(0.0);
    }
    (sum, ALARM)
}

/// How many went wrong of those that were merged in the span of the error budget, and whether it is spent.
pub fn overspent(autos: &[Auto], now: Time) -> (i64, i64, bool) {
    let within = autos.iter().filter(|auto| now.since(auto.at) < BUDGET_SPAN);
    let (bad, all) = within.fold((0, 0), |(bad, all), auto| (bad + i64::from(auto.bad), all + 1));
    (bad, all, bad * 100 > BUDGET_PERCENT * all)
}

/// What is taken back when something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demotion {
    /// Its stratum is disarmed.
    Stratum,
    /// Every stratum is, and the level goes back to the pipeline.
    Everything,
}

/// What is taken back after something went wrong, with how many did within the span of the error budget, whenever they were
/// merged: where a second did, everything.
pub const fn demotion(went_wrong: i64) -> Demotion {
    if went_wrong >= 2 { Demotion::Everything } else { Demotion::Stratum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_goes_from_saying_to_a_tenth_to_half_to_nine_in_ten() {
        let shadow = |agreed| Shadow { agreed, wrong: 0, open: 0 };
        for (agreed, merged, expect) in [
            (49, 0, Phase::Shadow),
            (50, 0, Phase::Tenth),
            (50, 19, Phase::Tenth),
            (50, 20, Phase::Half),
            (50, 49, Phase::Half),
            (50, 50, Phase::Full),
            (0, 500, Phase::Shadow),
        ] {
            assert_eq!(phase(shadow(agreed), 50, merged, (20, 30)), expect, "{agreed}, {merged}");
        }
        for (expect, through) in [(Phase::Shadow, 0), (Phase::Tenth, 90), (Phase::Half, 450), (Phase::Full, 900)] {
            let all = (0..PARTS).flat_map(|ramp| (0..10).map(move |audit| Draw { ramp, audit: audit * 100 }));
            let let_by = all.filter(|draw| draw.person(expect).is_none()).count();
            assert_eq!(let_by, through * 10, "{expect:?}");
        }
        assert!(Draw { ramp: 0, audit: PARTS }.person(Phase::Full).is_some());
    }

    #[test]
    fn draws_are_even_and_follow_from_the_secret_and_the_id_alone() {
        let draws: Vec<_> = (0..10_000).map(|n| Draw::of("secret", &n.to_string())).collect();
        let audited = draws.iter().filter(|draw| draw.audit < AUDIT).count();
        let tenth = draws.iter().filter(|draw| draw.ramp < PARTS / 10).count();
        assert!((900..1_100).contains(&audited) && (900..1_100).contains(&tenth), "{audited}, {tenth} of 10,000");
        assert_eq!(Draw::of("secret", "7"), Draw::of("secret", "7"));
        assert!(Draw::of("another", "7") != Draw::of("secret", "7"));
    }

    #[test]
    fn the_chart_alarms_at_two_of_five_or_three_of_forty_four_and_stays() {
        let row = |bads: &[usize], all: usize| (0..all).map(|n| bads.contains(&n)).collect::<Vec<_>>();
        for (bads, all, alarms) in [
            (&[][..], 1_000, false),
            (&[0], 1_000, false),
            (&[0, 4], 5, true),
            (&[0, 20], 21, false),
            (&[0, 22, 44], 45, true),
            (&[0, 60, 120], 121, false),
            (&[0, 1], 1_000, true),
        ] {
            let (sum, most) = cusum(row(bads, all).into_iter());
            assert_eq!(sum >= most, alarms, "{bads:?} of {all}: {sum}");
        }
    }

    #[test]
    fn the_error_budget_is_two_in_a_hundred_of_28_days() {
        let autos = |bad: i64, all: i64| {
            let auto = |n: i64| Auto { pull: n.to_string(), stratum: "s".into(), at: Time(n), bad: n < bad };
            (0..all).map(auto).collect::<Vec<_>>()
        };
        for (bad, all, spent) in [(0, 0, false), (1, 49, true), (1, 50, false), (2, 99, true), (2, 100, false)] {
            assert_eq!(overspent(&autos(bad, all), Time(200)).2, spent, "{bad} of {all}");
        }
        assert_eq!(overspent(&autos(5, 5), Time(0) + BUDGET_SPAN + Span(5)), (0, 0, false));
        assert_eq!([0, 1, 2, 3].map(demotion), {
            use Demotion::{Everything, Stratum};
            [Stratum, Stratum, Everything, Everything]
        });
    }
}
