//! The daily digest: what came about, what waits for people, what is in trouble, and what it cost, in a few lines.

use crate::budget::Amount;
use crate::time::{Span, Time};

/// How many things of each list are named; of the others their number is told.
pub const NAMED_MAX: usize = 5;

/// For how long a turn may wait for an agent before the digest tells of it.
pub const TURN_WAITS_MAX: Span = Span::hours(24);

/// The longest time that one digest looks back on: after a longer silence it tells of that much.
pub const SINCE_MAX: Span = Span::days(31);

/// How far the first digest looks back.
const FIRST: Span = Span::days(1);

/// Since when a digest tells, where the last one was told then.
pub fn since(last: Option<Time>, now: Time) -> Time {
    last.map_or(now - FIRST, |last| last.max(now - SINCE_MAX)).min(now)
}

/// What there is to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digest {
    /// What it tells of began then.
    pub since: Time,
    /// Pull requests that were begun.
    pub begun: i64,
    /// Pull requests that people merged.
    pub merged: i64,
    /// Pull requests that were closed without that.
    pub closed: i64,
    /// Gaps that were met for the first time.
    pub met: i64,
    /// Gaps that were proven closed.
    pub proven: i64,
    /// What was booked yesterday, and today so far.
    pub booked: (Amount, Amount),
    /// What may be spent in a day.
    pub cap: Amount,
    /// Pull requests that wait for a person, those that wait longest first.
    pub waits: Vec<String>,
    /// Questions that nobody answered yet.
    pub questions: i64,
    /// Turns that no agent took for longer than [`TURN_WAITS_MAX`].
    pub untaken: Vec<String>,
    /// What is switched off.
    pub off: Vec<String>,
    /// Routines that are silent.
    pub silent: Vec<String>,
    /// What nobody can tell the end of.
    pub unknown: i64,
    /// What gave up.
    pub dead: i64,
}

impl Digest {
    /// The digest as it is told.
    pub fn text(&self) -> String {
        let mut lines = vec![
            format!(
                "Since {}: {} begun, {} merged, {} closed; {} met, {} proven.",
                self.since.iso(),
                count(self.begun, "pull request"),
                self.merged,
                self.closed,
                count(self.met, "gap"),
                self.proven
            ),
            format!(
                "Spent: {} yesterday, {} today, of {} a day.",
                self.booked.0.dollars(),
                self.booked.1.dollars(),
                self.cap.dollars()
            ),
        ];
        let people = [
            (!self.waits.is_empty()).then(|| named("to decide", &self.waits)),
            (self.questions > 0).then(|| format!("{}: gapwright decisions list", count(self.questions, "question"))),
        ];
        let trouble = [
            (!self.untaken.is_empty()).then(|| named("no agent takes", &self.untaken)),
            (!self.off.is_empty()).then(|| named("switched off", &self.off)),
            (!self.silent.is_empty()).then(|| named("silent", &self.silent)),
            (self.unknown > 0).then(|| format!("{} not known: gapwright dead-letters", count(self.unknown, "outcome"))),
            (self.dead > 0).then(|| format!("{} gave up: gapwright dead-letters", self.dead)),
        ];
        for (heading, parts) in [("Waits for you", people.as_slice()), ("Trouble", trouble.as_slice())] {
            let parts: Vec<_> = parts.iter().flatten().map(String::as_str).collect();
            let told = if parts.is_empty() { "nothing".to_owned() } else { parts.join("; ") };
            lines.push(format!("{heading}: {told}."));
        }
        lines.join("\n")
    }
}

fn count(number: i64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn named(heading: &str, all: &[String]) -> String {
    let first: Vec<_> = all.iter().take(NAMED_MAX).map(String::as_str).collect();
    let more = all.len().saturating_sub(NAMED_MAX);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{heading}: {}{more}", first.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_day_is_four_lines() {
        let text = Digest { cap: Amount { tokens: 1, micro_usd: 300_000_000 }, ..Digest::default() }.text();
        assert_eq!(
            text,
            "Since 1970-01-01T00:00:00.000Z: 0 pull requests begun, 0 merged, 0 closed; 0 gaps met, 0 proven.\n\
             Spent: $0.00 yesterday, $0.00 today, of $300.00 a day.\n\
             Waits for you: nothing.\n\
             Trouble: nothing."
        );
    }

    #[test]
    fn a_bad_day_tells_what_waits_and_what_to_do() {
        let names = |what: &str, count: usize| (1..=count).map(|at| format!("{what} {at}")).collect::<Vec<_>>();
        let digest = Digest {
            begun: 1,
            met: 1,
            booked: (Amount { tokens: 9, micro_usd: 4_200_001 }, Amount::ZERO),
            waits: names("o/r#7 capped", 7),
            questions: 2,
            untaken: names("reviewer:x", 1),
            off: vec!["kind:reviewer".into()],
            silent: vec!["nightly".into()],
            unknown: 1,
            dead: 3,
            ..Digest::default()
        };
        let text = digest.text();
        for part in [
            "1 pull request begun",
            "1 gap met",
            "$4.21 yesterday",
            "to decide: o/r#7 capped 1, o/r#7 capped 2, o/r#7 capped 3, o/r#7 capped 4, o/r#7 capped 5 and 2 more",
            "; 2 questions: gapwright decisions list.",
            "no agent takes: reviewer:x 1; switched off: kind:reviewer; silent: nightly; 1 outcome not known",
            "3 gave up",
        ] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
    }

    #[test]
    fn it_looks_back_to_the_last_one_but_not_for_ever() {
        let now = Time(0) + Span::days(100);
        assert_eq!(since(None, now), now - Span::days(1));
        assert_eq!(since(Some(now - Span::days(7)), now), now - Span::days(7));
        assert_eq!(since(Some(Time(0)), now), now - SINCE_MAX);
        assert_eq!(since(Some(now + Span::days(1)), now), now, "the clock went back");
    }
}
