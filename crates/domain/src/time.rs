//! Moments and spans in whole milliseconds, as the store keeps them.
//!
//! Nothing here reads a clock: the store does, once per transaction, and hands the moment in.

use std::{fmt, ops};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::refusal::{Code, Refusal};

/// A moment, in Unix milliseconds (UTC).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

/// A length of time in milliseconds, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub i64);

/// The latest moment anybody may name: the end of the year 9999.
pub const TIME_MAX: Time = Time(253_402_300_799_999);

impl Time {
    /// Reads an RFC 3339 moment such as `2026-11-22T08:00:00Z`; a moment without an offset is refused, because
    /// it means something else on every machine.
    pub fn parse(text: &str, field: &'static str) -> Result<Self, Refusal> {
        let refuse = || {
            Refusal::new(Code::InvalidArgument, format!("{field} is not a date and time with an offset"))
                .field(field)
                .hint("write it as 2026-11-22T08:00:00Z or 2026-11-22T09:00:00+01:00")
        };
        let moment = DateTime::parse_from_rfc3339(text.trim()).map_err(|_| refuse())?;
        let time = Self(moment.timestamp_millis());
        if time.0 < 0 {
            return Err(Refusal::new(Code::InvalidArgument, format!("{field} is before 1970"))
                .field(field)
                .hint("give a moment from 1970-01-01T00:00:00Z on"));
        }
        if time > TIME_MAX { Err(refuse()) } else { Ok(time) }
    }

    /// The moment as ISO-8601 in UTC with milliseconds, the only form in which we show a moment to a program.
    pub fn iso(self) -> String {
        DateTime::<Utc>::from_timestamp_millis(self.0)
            .unwrap_or(DateTime::UNIX_EPOCH)
            .to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Self) -> Span {
        Span((self.0 - earlier.0).max(0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// So many whole seconds.
    pub const fn secs(secs: i64) -> Self {
        Self(secs * 1_000)
    }

    /// So many whole minutes.
    pub const fn mins(mins: i64) -> Self {
        Self::secs(mins * 60)
    }

    /// So many whole hours.
    pub const fn hours(hours: i64) -> Self {
        Self::mins(hours * 60)
    }

    /// So many days of 24 hours.
    pub const fn days(days: i64) -> Self {
        Self::hours(days * 24)
    }

    /// The span for timers.
    pub fn duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.unsigned_abs())
    }
}

impl ops::Add<Span> for Time {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl ops::Sub<Span> for Time {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

/// A span in words, in the largest unit that keeps it exact: `90s`, `2h`, `250ms`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(i64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        match UNITS.iter().find(|(unit, _)| self.0 > 0 && self.0 % unit == 0) {
            Some((unit, letter)) => write!(f, "{}{letter}", self.0 / unit),
            None if self.0 == 0 => f.write_str("0s"),
            None => write!(f, "{}ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_back_as_it_was_written() {
        for text in ["1970-01-01T00:00:00.000Z", "2026-11-22T08:00:00.123Z", "9999-12-31T23:59:59.999Z"] {
            assert_eq!(Time::parse(text, "at").map(Time::iso).as_deref(), Ok(text));
        }
        assert_eq!(Time::parse("2026-11-22T09:00:00+01:00", "at"), Ok(Time(1_795_334_400_000)));
    }

    #[test]
    fn a_moment_without_an_offset_or_out_of_range_is_refused() {
        for text in
            ["", "tomorrow", "2026-11-22", "2026-11-22T08:00:00", "1969-12-31T23:59:59Z", "+10000-01-01T00:00:00Z"]
        {
            let refusal = Time::parse(text, "next_run_at").expect_err(text);
            assert_eq!(
                (refusal.code, refusal.field.as_deref()),
                (Code::InvalidArgument, Some("next_run_at")),
                "{text}"
            );
        }
    }

    #[test]
    fn a_moment_before_1970_is_told_as_that() {
        let refusal = Time::parse("1969-01-01T00:00:00Z", "next_run_at").expect_err("before 1970");
        assert_eq!(refusal.message, "next_run_at is before 1970");
    }

    #[test]
    fn a_span_is_shown_in_its_largest_exact_unit() {
        let shown = [0, 250, 1_000, 90_000, 3_600_000, 86_400_000, 90_061_000].map(|ms| Span(ms).to_string());
        assert_eq!(shown, ["0s", "250ms", "1s", "90s", "1h", "1d", "90061s"]);
    }
}
