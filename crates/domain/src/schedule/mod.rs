//! When a scheduled job rings: every so often, or by a cron line in a time zone.
//!
//! Not a scheduler: nothing here waits or reads a clock. Whoever keeps the jobs asks for the next due time, and
//! says which moment it is when a due run is taken.

mod line;
#[cfg(test)]
mod tests;

use std::fmt;

pub use self::line::Line;
use crate::refusal::Refusal;
use crate::time::{Span, TIME_MAX, Time};

/// The longest cadence anybody may write, in bytes: a generous cron line with the longest zone name is about 150.
pub const CADENCE_LEN_MAX: usize = 200;
/// The shortest `every`: below it the bookkeeping would cost more than the job.
pub const EVERY_MIN: Span = Span::secs(1);
/// The longest `every`: a leap year.
pub const EVERY_MAX: Span = Span::days(366);
/// Where counting missed ticks stops; a report of a thousand means "a thousand or more".
pub const MISSED_MAX: u32 = 1_000;

/// How often a job rings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cadence {
    /// Every so much elapsed time, from [`EVERY_MIN`] to [`EVERY_MAX`].
    Every(Span),
    /// At the times a cron line names, in its zone.
    Cron(Box<Line>),
}

/// What follows when a due run is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ring {
    /// The ticks after the due one, up to and including the moment it was taken: they get no run of their own.
    /// Counted up to [`MISSED_MAX`].
    pub missed: u32,
    /// When the job rings next; [`TIME_MAX`] when never again.
    pub next: Time,
}

impl Cadence {
    /// Reads `every 30s`, `every 5m`, `every 1h`, `every 7d`, or a five-field cron line such as `0 * * * *`, which
    /// may begin with `CRON_TZ=Europe/Berlin ` (UTC otherwise). A line that can never ring is refused.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        if text.len() > CADENCE_LEN_MAX {
            let message = format!("cadence is longer than {CADENCE_LEN_MAX} bytes");
            return Err(refuse(message, "write it as `every 5m` or `*/5 * * * *`"));
        }
        let Some(first) = text.split_whitespace().next() else {
            return Err(refuse("cadence is empty", "write it as `every 5m` or `0 * * * *`"));
        };
        if first.eq_ignore_ascii_case("every") {
            return every(text[first.len()..].trim()).map(Self::Every);
        }
        if every(text).is_ok() {
            return Err(refuse("cadence is a length of time alone", format!("write it as `every {text}`")));
        }
        Line::parse(text).map(|line| Self::Cron(Box::new(line)))
    }

    /// The first tick strictly after `moment`, if there is one before the end of time. `Every` has no phase of its
    /// own: its tick is one span later.
    pub fn next_after(&self, moment: Time) -> Option<Time> {
        match self {
            Self::Every(span) => moment.0.checked_add(span.0.max(1)).map(Time).filter(|next| *next <= TIME_MAX),
            Self::Cron(line) => line.next_after(moment),
        }
    }

    /// What follows when the run that was due at `due` is taken at `now`: one run stands for every tick missed since,
    /// so an outage or a clock that jumps ahead gives one run and no flood. The next tick is after both moments, so a
    /// clock that jumps back rings no due time twice. `Every` keeps the phase of `due`.
    pub fn step(&self, due: Time, now: Time) -> Ring {
        match self {
            Self::Every(span) => {
                let span = span.0.max(1);
                let passed = now.0.saturating_sub(due.0).max(0) / span;
                let next = due.0.saturating_add(span.saturating_mul(passed.saturating_add(1)));
                Ring { missed: capped(passed), next: Time(next).min(TIME_MAX) }
            }
            Self::Cron(line) => {
                let ticks = std::iter::successors(line.next_after(due), |tick| line.next_after(*tick));
                let missed = ticks.take_while(|tick| *tick <= now).take(MISSED_MAX as usize).count();
                let next = line.next_after(due.max(now)).unwrap_or(TIME_MAX);
                Ring { missed: capped(i64::try_from(missed).unwrap_or(i64::MAX)), next }
            }
        }
    }

    /// The cadence in plain words: `every 5 minutes`, `at 02:30 (Europe/Berlin)`; a cron line too knotty to be put
    /// in words is shown as it was written.
    pub fn words(&self) -> String {
        match self {
            Self::Every(span) => every_words(*span),
            Self::Cron(line) => line.words(),
        }
    }
}

/// The text that [`Cadence::parse`] reads back to the same cadence; this is what is stored.
impl fmt::Display for Cadence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(span) => write!(f, "every {span}"),
            Self::Cron(line) => line.fmt(f),
        }
    }
}

/// A refusal of the argument `cadence`.
fn refuse(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
    Refusal::invalid("cadence", message).hint(hint)
}

fn capped(ticks: i64) -> u32 {
    u32::try_from(ticks).unwrap_or(MISSED_MAX).min(MISSED_MAX)
}

/// Reads a length of time such as `90s`: digits and one letter.
fn every(text: &str) -> Result<Span, Refusal> {
    let refuse = |message: &str| refuse(message, "write `every`, a whole number and s, m, h or d, such as `every 5m`");
    let mut letters = text.chars();
    let unit = match letters.next_back().map(|letter| letter.to_ascii_lowercase()) {
        Some('s') => Span::secs(1),
        Some('m') => Span::mins(1),
        Some('h') => Span::hours(1),
        Some('d') => Span::days(1),
        Some(_) | None => return Err(refuse("cadence has no unit after `every`")),
    };
    let digits = letters.as_str();
    // Nine digits are beyond every bound already, and keep the product far from overflow.
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refuse("cadence has no whole number of at most nine digits after `every`"));
    }
    let span = Span(digits.parse::<i64>().unwrap_or(0) * unit.0);
    if (EVERY_MIN..=EVERY_MAX).contains(&span) {
        return Ok(span);
    }
    Err(refuse("cadence is not between 1 second and 366 days"))
}

/// `every 5 minutes`, in the largest unit that keeps the span exact.
fn every_words(span: Span) -> String {
    const UNITS: [(Span, &str); 4] =
        [(Span::days(1), "day"), (Span::hours(1), "hour"), (Span::mins(1), "minute"), (Span::secs(1), "second")];
    match UNITS.iter().find(|(unit, _)| span.0 > 0 && span.0 % unit.0 == 0) {
        Some((unit, name)) if span == *unit => format!("every {name}"),
        Some((unit, name)) => format!("every {} {name}s", span.0 / unit.0),
        None => format!("every {span}"),
    }
}
