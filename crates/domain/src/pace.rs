//! How fast something may be done, given when it was done before.

use crate::time::{Span, Time};

const MINUTE: Span = Span::mins(1);
const HOUR: Span = Span::hours(1);

/// The shortest rest after a failure.
const REST_MIN: Span = Span::mins(1);

/// How long to rest after so many failures in a row, of which nobody said for how long: a minute, twice as long after each
/// more, `most` at last.
pub fn rest(failures: i64, most: Span) -> Span {
    let doubled = u32::try_from(failures.saturating_sub(1).clamp(0, 30)).unwrap_or(0);
    Span(REST_MIN.0 << doubled).min(most)
}

/// How fast something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From one time to the next, at least; a millisecond where it is less.
    pub between: Span,
    /// How often in any minute, at least once.
    pub per_minute: usize,
    /// How often in any hour, at least once.
    pub per_hour: usize,
}

/// A place among the times at which something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// At this moment.
    At(Time),
    /// None that comes soon enough: this long from now at the earliest.
    NotBefore(Span),
}

impl Pace {
    /// The next place, if it comes within `patience`.
    pub fn turn(&self, before: &[Time], now: Time, patience: Span) -> Turn {
        let at = self.next(before, now);
        if at.since(now) > patience { Turn::NotBefore(at.since(now)) } else { Turn::At(at) }
    }

    /// When it may be done next, at `now` or later; `before` are the times of the last hour, in order.
    pub fn next(&self, before: &[Time], now: Time) -> Time {
        let back = |count: usize| before.len().checked_sub(count.max(1)).and_then(|at| before.get(at).copied());
        let apart = back(1).map(|at| at + self.between.max(Span(1)));
        let minute = back(self.per_minute).map(|at| at + MINUTE);
        let hour = back(self.per_hour).map(|at| at + HOUR);
        [apart, minute, hour].into_iter().flatten().fold(now, Time::max)
    }

    /// Up to when times before `now` no longer matter.
    pub fn forgotten(now: Time) -> Time {
        now - HOUR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { between: Span(1_500), per_minute: 5, per_hour: 8 };

    #[test]
    fn times_keep_their_distance_and_fit_into_the_minute_and_the_hour() {
        let mut before = Vec::new();
        for _ in 0..9 {
            before.push(PACE.next(&before, Time(0)));
        }
        let found: Vec<_> = before.iter().map(|at| at.0).collect();
        assert_eq!(found, [0, 1_500, 3_000, 4_500, 6_000, 60_000, 61_500, 63_000, 3_600_000]);
    }

    #[test]
    fn rests_double_up_to_the_longest() {
        let mins = [0, 1, 2, 3, 4, 99, i64::MAX].map(|failures| rest(failures, Span::mins(5)).0 / 60_000);
        assert_eq!(mins, [1, 1, 2, 4, 5, 5, 5]);
    }

    #[test]
    fn what_is_long_past_keeps_nobody_waiting_and_no_bound_is_none() {
        let before: Vec<_> = (0..8).map(|n| Time(n * 1_500)).collect();
        let later = Time(7_200_000);
        assert_eq!(PACE.next(&before, later), later);
        assert_eq!(Pace { per_minute: 0, ..PACE }.next(&[Time(0)], Time(0)), Time(60_000), "at least once");
        assert!(Pace::forgotten(later) > before[7]);
        assert_eq!(PACE.turn(&before, Time(10_500), Span::mins(59)), Turn::NotBefore(Span(3_589_500)));
        assert_eq!(PACE.turn(&before, Time(10_500), Span::hours(1)), Turn::At(Time(3_600_000)));
    }
}
