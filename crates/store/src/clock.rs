//! The store's clock: the one that decides what has expired.
//!
//! On Postgres it is the database's own. On SQLite it is this process's, which never goes backwards. A test turns a
//! clock of its own, on either engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::time::{Span, Time};

/// Where the time comes from.
#[derive(Debug)]
pub enum Clock {
    /// The engine's, as told above; remembers the latest moment it has given.
    Engine(AtomicI64),
    /// One that is turned by hand.
    Turned(Arc<AtomicI64>),
}

impl Default for Clock {
    fn default() -> Self {
        Self::Engine(AtomicI64::new(0))
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

    /// Moves the latest moment forward to `at`, and gives it.
    pub(crate) fn resume(&self, at: Time) -> Time {
        match self {
            Self::Engine(latest) => Time(latest.fetch_max(at.0, Ordering::SeqCst).max(at.0)),
            Self::Turned(hand) => Time(hand.load(Ordering::SeqCst)),
        }
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

    #[test]
    fn the_process_clock_never_goes_backwards() {
        let clock = Clock::default();
        let far = Time(i64::MAX / 2);
        assert_eq!((clock.resume(far), clock.process(), clock.resume(Time(5))), (far, far, far));
    }
}
