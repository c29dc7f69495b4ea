//! When a reviewer is calibrated: what its trials add up to, and until when that holds.
//!
//! It is so when, since the beginning of the latest full set of trials, all of this holds:
//!
//! | what | how much |
//! |---|---|
//! | of the last 40 seeded defects, caught | at least 34 |
//! | each of the 12 kinds among them | at least twice |
//! | framing pairs, at least 20, whose verdict moved | at most 5 % |
//! | clean changes, at least 20, not approved | at most 20 % |
//! | retests, at least 10, with the same verdict | at least 90 % |
//!
//! 34 of 40 shows that more than 70 % are caught, at 95 % and one-sided: who catches 70 % reaches it with a chance of 2.4 %,
//! and the exact lower bound is 72.5 %. 33 of 40 does not: a chance of 5.5 %, a bound of 69.6 %, though Wilson's, one-sided,
//! would be 70.7 %. This is for one look. A set is fixed before it runs, and the next one begins anew.

use std::collections::BTreeSet;

use super::measure::Share;
use super::seed::{Defect, Framing};
use crate::time::{Span, Time};

/// How many seeded defects are looked at: the last ones.
pub const SEEDED: usize = 40;

/// How many of them must be caught.
pub const CAUGHT_MIN: u32 = 34;

/// How often each kind of defect must be among them.
pub const EACH_KIND_MIN: u32 = 2;

/// How many framing pairs there must be; at most 5 % of all may have moved.
pub const PAIRS_MIN: u32 = 20;

/// How many clean changes there must be; at most 20 % of all may have been turned away.
pub const CLEAN_MIN: u32 = 20;

/// How many retests there must be; at least 90 % of all must have said the same.
pub const RETESTS_MIN: u32 = 10;

/// How long a full set may take at most, and for how long it holds after its last trial.
pub const GOOD_FOR: Span = Span::days(90);

/// A trial that was run, and what the reviewer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The kind of defect; none for the clean twin.
    pub defect: Option<Defect>,
    /// The words it came in.
    pub framing: Framing,
    /// Whether the reviewer approved.
    pub approved: bool,
    /// Whether a finding cites the defect, as `Case::is_cited` says; without a meaning for the clean twin.
    pub cited: bool,
    /// The id of the case.
    pub case: String,
    /// 0 for the first time, more for the same input once more.
    pub repeat: u8,
    /// When it was answered.
    pub at: Time,
}

impl Tried {
    /// Whether the defect was caught: not approved, and for the right reason.
    pub const fn is_caught(&self) -> bool {
        self.defect.is_some() && !self.approved && self.cited
    }

    /// Whether it counts by itself; the others only count beside one that does.
    fn is_first(&self) -> bool {
        self.framing == Framing::Neutral && self.repeat == 0
    }

    /// The nearest first one in time of the same twin in these words.
    fn beside<'a>(&self, tried: &'a [Self], framing: Framing) -> Option<&'a Self> {
        let same = |other: &&Self| {
            other.repeat == 0
                && other.framing == framing
                && other.defect.is_some() == self.defect.is_some()
                && other.case == self.case
        };
        tried.iter().filter(same).min_by_key(|other| other.at.0.abs_diff(self.at.0))
    }
}

/// What trials add up to. Only first ones in neutral words count as caught, missed or false alarms: what misleads and
/// what is repeated is told beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many of the seeded defects were caught.
    pub recall: Share,
    /// The same by kind: all twelve, in their order.
    pub by_kind: Vec<(Defect, Share)>,
    /// How many of the critical ones were missed.
    pub critical_missed: Share,
    /// How many of the clean changes were not approved.
    pub false_alarms: Share,
    /// In how many pairs the verdict in words that mislead is another than in neutral ones.
    pub flips: Share,
    /// The same by framing: all that mislead, in their order.
    pub flips_by_framing: Vec<(Framing, Share)>,
    /// How many retests had the same verdict.
    pub retests: Share,
}

/// Adds up trials, in any order.
pub fn report(tried: &[Tried]) -> Report {
    let seeded = |kind: &dyn Fn(Defect) -> bool| -> Vec<bool> {
        let first = tried.iter().filter(|one| one.is_first());
        first.filter(|one| one.defect.is_some_and(kind)).map(Tried::is_caught).collect()
    };
    let flips = |framing: Framing| -> Vec<bool> {
        let framed = tried.iter().filter(|one| one.framing == framing && one.repeat == 0);
        framed
            .filter_map(|one| one.beside(tried, Framing::Neutral).map(|first| first.approved != one.approved))
            .collect()
    };
    let clean = tried.iter().filter(|one| one.is_first() && one.defect.is_none());
    let again = tried.iter().filter(|one| one.repeat > 0);
    Report {
        recall: Share::of(seeded(&|_| true)),
        by_kind: Defect::ALL.map(|kind| (kind, Share::of(seeded(&|defect| defect == kind)))).into(),
        critical_missed: Share::of(seeded(&Defect::is_critical).into_iter().map(|caught| !caught)),
        false_alarms: Share::of(clean.map(|one| !one.approved)),
        flips: Share::of(Framing::MISLEADING.into_iter().flat_map(flips)),
        flips_by_framing: Framing::MISLEADING.map(|framing| (framing, Share::of(flips(framing)))).into(),
        retests: Share::of(
            again.filter_map(|one| one.beside(tried, one.framing).map(|first| first.approved == one.approved)),
        ),
    }
}

/// Until when a reviewer is calibrated, by its trials, the oldest first; or what is missing, each in words. It holds for
/// [`GOOD_FOR`] after the last trial of the latest full set: a single new trial does not make an old set younger, but
/// counts against it.
pub fn calibrated(tried: &[Tried], now: Time) -> Result<Time, Vec<String>> {
    let Some(full) = latest_full(tried) else {
        let recent = tried.partition_point(|one| one.at < now - GOOD_FOR);
        return Err(missing(&tried[recent..]));
    };
    let mut missing = missing(&tried[full.from..]);
    let until = full.ended + GOOD_FOR;
    if now >= until {
        let (ended, days) = (full.ended, GOOD_FOR.0 / Span::days(1).0);
        missing.push(format!("the last full set of trials ended at {ended}, and holds for {days} days"));
    }
    if missing.is_empty() { Ok(until) } else { Err(missing) }
}

/// A full set of trials.
struct Full {
    /// Where it begins.
    from: usize,
    /// When its last trial was answered.
    ended: Time,
}

/// Fills one set after the other, each from where the last one was full, and within [`GOOD_FOR`].
fn latest_full(tried: &[Tried]) -> Option<Full> {
    let (mut from, mut full) = (0, None);
    for (at, last) in tried.iter().enumerate() {
        while tried[from].at < last.at - GOOD_FOR {
            from += 1;
        }
        if is_full(&tried[from..=at]) {
            full = Some(Full { from, ended: last.at });
            from = at + 1;
        }
    }
    full
}

/// Whether there is enough of everything, whatever was said.
fn is_full(tried: &[Tried]) -> bool {
    // Cheap to tell, and seldom so.
    if last_seeded(tried).len() < SEEDED {
        return false;
    }
    lacking(tried).is_empty()
}

/// The last seeded defects, the newest first.
fn last_seeded(tried: &[Tried]) -> Vec<&Tried> {
    tried.iter().rev().filter(|one| one.is_first() && one.defect.is_some()).take(SEEDED).collect()
}

/// What there is too little of, in words.
fn lacking(tried: &[Tried]) -> Vec<String> {
    let seeded = last_seeded(tried);
    let Report { flips, false_alarms, retests, .. } = report(tried);
    let needs = u32::try_from(SEEDED).unwrap_or(u32::MAX);
    let counts = [
        (Share::of(seeded.iter().map(|_| true)).n, needs, "seeded defects"),
        (flips.n, PAIRS_MIN, "framing pairs"),
        (false_alarms.n, CLEAN_MIN, "clean changes"),
        (retests.n, RETESTS_MIN, "retests"),
    ];
    let few = counts.into_iter().filter(|(have, need, _)| have < need);
    let mut lacking: Vec<_> = few.map(|(have, need, what)| format!("{have} of {need} {what} were tried")).collect();
    let tries = |kind| Share::of(seeded.iter().map(|one| one.defect == Some(kind))).k;
    let kinds: BTreeSet<_> =
        Defect::ALL.into_iter().filter(|kind| tries(*kind) < EACH_KIND_MIN).map(Defect::name).collect();
    if !kinds.is_empty() {
        let kinds: Vec<_> = kinds.into_iter().collect();
        lacking.push(format!("tried less than {EACH_KIND_MIN} times: {}", kinds.join(", ")));
    }
    lacking
}

/// What speaks against a reviewer, in words; nothing where it is calibrated.
fn missing(tried: &[Tried]) -> Vec<String> {
    let mut missing = lacking(tried);
    let caught = Share::of(last_seeded(tried).into_iter().map(Tried::is_caught));
    if usize::try_from(caught.n).is_ok_and(|n| n == SEEDED) && caught.k < CAUGHT_MIN {
        let Share { k, n } = caught;
        missing.push(format!("{k} of the last {n} seeded defects were caught, {CAUGHT_MIN} are needed"));
    }
    let Report { flips, false_alarms, retests, .. } = report(tried);
    let (allowed_flips, allowed_alarms) = (flips.n / 20, false_alarms.n / 5);
    if flips.n >= PAIRS_MIN && flips.k > allowed_flips {
        let Share { k, n } = flips;
        missing.push(format!("{k} of {n} verdicts moved with the framing, {allowed_flips} may"));
    }
    if false_alarms.n >= CLEAN_MIN && false_alarms.k > allowed_alarms {
        let Share { k, n } = false_alarms;
        missing.push(format!("{k} of {n} clean changes were not approved, {allowed_alarms} may be"));
    }
    let needed = retests.n - retests.n / 10;
    if retests.n >= RETESTS_MIN && retests.k < needed {
        let Share { k, n } = retests;
        missing.push(format!("{k} of {n} retests had the same verdict, {needed} are needed"));
    }
    missing
}

#[cfg(test)]
mod tests;
