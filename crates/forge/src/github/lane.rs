//! The one lane that all writes of a client go through: one at a time, apart, and so many a minute and an hour.

use std::collections::VecDeque;
use std::time::Duration;

use domain::time::Span;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::limit::span;
use super::settings::Pace;

/// How long a write waits for its turn. Beyond that whoever asked does better to come back.
const WAIT_MAX: Duration = Duration::from_secs(10);

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

#[derive(Debug)]
pub(super) struct Lane {
    pace: Pace,
    wait_max: Duration,
    tracks: Mutex<Tracks>,
}

/// What went before.
#[derive(Debug, Default)]
struct Tracks {
    /// When the last write ended.
    ended: Option<Instant>,
    /// When each write of the last hour began, at most `per_hour` of them.
    began: VecDeque<Instant>,
}

/// A write's turn: nobody else writes while it is held.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pace: Pace,
    tracks: MutexGuard<'a, Tracks>,
    patience: Instant,
}

impl Lane {
    pub(super) fn new(pace: Pace) -> Self {
        let pace = Pace { per_minute: pace.per_minute.max(1), per_hour: pace.per_hour.max(1), ..pace };
        Self { pace, wait_max: WAIT_MAX, tracks: Mutex::default() }
    }

    /// Waits until the writes before have ended; the error says how long to stay away.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, Span> {
        let patience = Instant::now() + self.wait_max;
        let tracks = timeout_at(patience, self.tracks.lock()).await.map_err(|_| span(self.wait_max))?;
        Ok(Turn { pace: self.pace, tracks, patience })
    }
}

impl Turn<'_> {
    /// Waits until the pace allows one write, and counts it; the error says how long to stay away.
    pub(super) async fn ready(&mut self) -> Result<(), Span> {
        let now = Instant::now();
        let at = self.tracks.earliest(&self.pace, now);
        if at > self.patience.max(now) {
            return Err(span(at - now));
        }
        sleep_until(at).await;
        self.tracks.begin(&self.pace, Instant::now());
        Ok(())
    }

    /// One write has ended, however it did.
    pub(super) fn ended(&mut self) {
        self.tracks.ended = Some(Instant::now());
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Whoever gave up waiting for the answer may have written all the same.
        if self.tracks.began.back() > self.tracks.ended.as_ref() {
            self.ended();
        }
    }
}

impl Tracks {
    /// When the next write may begin, `now` or later.
    fn earliest(&self, pace: &Pace, now: Instant) -> Instant {
        let since = |count: usize| self.began.len().checked_sub(count).and_then(|nth| self.began.get(nth));
        let minute = since(pace.per_minute).map(|at| *at + MINUTE);
        let hour = since(pace.per_hour).map(|at| *at + HOUR);
        let between = self.ended.map(|at| at + pace.between);
        [minute, hour, between].into_iter().flatten().fold(now, Instant::max)
    }

    fn begin(&mut self, pace: &Pace, at: Instant) {
        self.began.push_back(at);
        if self.began.len() > pace.per_hour {
            self.began.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { between: Duration::from_secs(1), per_minute: 5, per_hour: 8 };

    #[test]
    fn writes_keep_their_distance_and_fit_into_the_minute_and_the_hour() {
        let (mut tracks, start) = (Tracks::default(), Instant::now());
        let begins: Vec<_> = (0..9)
            .map(|_| {
                let at = tracks.earliest(&PACE, start);
                tracks.begin(&PACE, at);
                tracks.ended = Some(at + Duration::from_millis(500));
                (at - start).as_millis()
            })
            .collect();
        assert_eq!(begins, [0, 1_500, 3_000, 4_500, 6_000, 60_000, 61_500, 63_000, 3_600_000]);
        assert!(tracks.began.len() <= PACE.per_hour);
    }

    #[tokio::test]
    async fn what_would_wait_too_long_is_told_when_to_come_back() {
        let lane = Lane::new(Pace { between: Duration::from_hours(1), ..PACE });
        let mut first = lane.turn().await.expect("a turn");
        assert_eq!(first.ready().await, Ok(()));
        drop(first);
        let mut second = lane.turn().await.expect("a turn");
        let away = second.ready().await.expect_err("an hour is too long");
        assert!(away > Span::mins(59) && away <= Span::hours(1), "a write that was given up counts from then: {away}");
    }

    #[tokio::test]
    async fn nobody_waits_for_ever_behind_a_write_that_hangs() {
        let lane = Lane { wait_max: Duration::from_millis(5), ..Lane::new(PACE) };
        let hangs = lane.turn().await.expect("the first");
        assert_eq!(lane.turn().await.expect_err("it is held"), Span(5));
        drop(hangs);
        assert!(lane.turn().await.is_ok());
    }
}
