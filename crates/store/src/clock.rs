//! The store's clock: the one that decides what has expired.
//!
//! On Postgres it is the database's own. On SQLite it is this process's, which never goes backwards and never stands
//! still. A test turns a clock of its own, on either engine.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::time::{Span, Time};

/// Where the time comes from.
#[derive(Debug)]
pub enum Clock {
    /// The engine's, as told above.
    Engine(Process),
    /// One that is turned by hand.
    Turned(Arc<AtomicI64>),
}

impl Default for Clock {
    fn default() -> Self {
        Self::Engine(Process { began: Instant::now(), steady: Mutex::new(Steady::new()) })
    }
}

impl Clock {
    /// A clock that stands at `at` until it is turned.
    pub fn turned_by_hand(at: Time) -> (Self, Hand) {
        let hand = Arc::new(AtomicI64::new(at.0));
        (Self::Turned(Arc::clone(&hand)), Hand(hand))
    }

    /// The moment on a clock that is turned by hand.
    pub(crate) fn turned(&self) -> Option<Time> {
        match self {
            Self::Engine(_) => None,
            Self::Turned(hand) => Some(Time(hand.load(Ordering::SeqCst))),
        }
    }

    /// This process's time, never earlier than any it has given.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    pub(crate) fn process(&self) -> Time {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let wall = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        self.resume(Time(wall))
    }

    /// Moves it forward to `at`, if that is ahead, and gives the moment that it is.
    pub(crate) fn resume(&self, at: Time) -> Time {
        match self {
            Self::Engine(process) => process.at(at),
            Self::Turned(hand) => Time(hand.load(Ordering::SeqCst)),
        }
    }
}

/// This process's clock.
#[derive(Debug)]
pub struct Process {
    began: Instant,
    steady: Mutex<Steady>,
}

impl Process {
    fn at(&self, wall: Time) -> Time {
        // Elapsed within the lock, so that it is never less than what another thread has just given.
        let mut steady = self.steady.lock().unwrap_or_else(PoisonError::into_inner);
        steady.at(wall, self.began.elapsed())
    }
}

/// The time from a wall clock that people and programs correct, and from the time elapsed, which nobody does: the
/// wall's while it is ahead; behind it, the latest that the wall gave and what has elapsed since.
#[derive(Debug)]
struct Steady {
    /// What the wall gave when it was last ahead.
    wall: Time,
    /// How much had elapsed by then.
    elapsed: Duration,
}

impl Steady {
    const fn new() -> Self {
        Self { wall: Time(0), elapsed: Duration::ZERO }
    }

    /// The moment that it is, given both sources; never earlier than any given before if `elapsed` is not.
    fn at(&mut self, wall: Time, elapsed: Duration) -> Time {
        let since = elapsed.saturating_sub(self.elapsed);
        let carried = self.wall + Span(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        if wall > carried {
            *self = Self { wall, elapsed };
        }
        carried.max(wall)
    }
}

/// Turns a test's clock.
#[derive(Debug, Clone)]
pub struct Hand(Arc<AtomicI64>);

impl Hand {
    /// Moves it forward.
    pub fn advance(&self, span: Span) {
        self.0.fetch_add(span.0, Ordering::SeqCst);
    }

    /// Sets it, backwards too.
    pub fn set(&self, at: Time) {
        self.0.store(at.0, Ordering::SeqCst);
    }

    /// Reads it.
    pub fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a fresh clock gives for moments of the wall and milliseconds elapsed.
    fn given<const N: usize>(readings: [(i64, u64); N]) -> [i64; N] {
        let mut steady = Steady::new();
        readings.map(|(wall, elapsed)| steady.at(Time(wall), Duration::from_millis(elapsed)).0)
    }

    #[test]
    fn the_process_clock_follows_the_wall_while_the_wall_is_right() {
        assert_eq!(given([(1_000, 0), (1_000, 0), (1_007, 7), (2_000, 1_000)]), [1_000, 1_000, 1_007, 2_000]);
    }

    #[test]
    fn the_process_clock_goes_on_where_the_wall_was_ahead_and_is_corrected() {
        let (before, ahead) = ((1_000, 0), (3_601_010, 10));
        let corrected = [(1_020, 20), (1_020, 20), (61_000, 60_000)];
        let readings = [before, ahead, corrected[0], corrected[1], corrected[2], (9_000_000, 60_001)];
        assert_eq!(given(readings), [1_000, 3_601_010, 3_601_020, 3_601_020, 3_661_000, 9_000_000]);
    }

    #[test]
    fn the_process_clock_goes_on_from_what_was_written_before_a_restart() {
        let (last_written, wall) = (5_000_000, 1_000);
        assert_eq!(given([(last_written, 3), (wall, 3), (wall, 103)]), [5_000_000, 5_000_000, 5_000_100]);
    }

    #[test]
    fn the_process_clock_loses_no_fraction_of_a_millisecond_however_often_it_is_read() {
        let mut steady = Steady::new();
        steady.at(Time(1_000), Duration::ZERO);
        let micros = |micros| Duration::from_micros(micros);
        let last = (1..=10_000).map(|read| steady.at(Time(0), micros(read * 100))).max();
        assert_eq!(last, Some(Time(2_000)));
    }

    #[test]
    fn the_process_clock_neither_goes_backwards_nor_overflows() {
        assert_eq!(given([(i64::MAX, 0), (5, u64::MAX)]), [i64::MAX; 2]);
        let clock = Clock::default();
        let far = Time(i64::MAX / 2);
        assert_eq!(clock.resume(far), far);
        assert!(clock.process() >= far && clock.resume(Time(5)) >= far);
    }
}
