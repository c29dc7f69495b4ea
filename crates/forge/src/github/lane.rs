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

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

#[derive(Debug)]
pub(super) struct Lane {
    pace: Pace,
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
        Self { pace, tracks: Mutex::default() }
    }

    /// Waits until the writes before have ended; the error says how long to stay away.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, Span> {
        let patience = Instant::now() + WAIT_MAX;
        let tracks = timeout_at(patience, self.tracks.lock()).await.map_err(|_| span(WAIT_MAX))?;
        Ok(Turn { pace: self.pace, tracks, patience })
    }
}

impl Turn<'_> {
    /// Waits until the pace allows one write, and counts it; the error says how long to stay away.
    pub(super) async fn ready(&mut self) -> Result<(), Span> {
        let now = Instant::now();
        let at = self.tracks.earliest(&self.pace).max(now);
        if at > self.patience {
            return Err(span(at - now));
        }
        sleep_until(at).await;
        self.tracks.began.push_back(Instant::now());
        if self.tracks.began.len() > self.pace.per_hour {
            self.tracks.began.pop_front();
        }
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
    fn earliest(&self, pace: &Pace) -> Instant {
        let since = |count: usize| self.began.len().checked_sub(count).and_then(|nth| self.began.get(nth));
        let minute = since(pace.per_minute).map(|at| *at + MINUTE);
        let hour = since(pace.per_hour).map(|at| *at + HOUR);
        let between = self.ended.map(|at| at + pace.between);
        [minute, hour, between].into_iter().flatten().max().unwrap_or_else(Instant::now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { between: Duration::from_secs(1), per_minute: 5, per_hour: 8 };

    async fn write(lane: &Lane) -> Result<(), Span> {
        let mut turn = lane.turn().await?;
        turn.ready().await?;
        tokio::time::advance(Duration::from_millis(500)).await;
        turn.ended();
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn writes_go_one_at_a_time_and_apart_whoever_asks() {
        let (lane, start) = (Lane::new(PACE), Instant::now());
        let both = tokio::join!(write(&lane), write(&lane), write(&lane));
        assert_eq!(both, (Ok(()), Ok(()), Ok(())));
        assert_eq!(start.elapsed(), Duration::from_millis(500 + 1_500 + 1_500));
    }

    #[tokio::test(start_paused = true)]
    async fn what_would_wait_for_the_minute_or_the_hour_is_told_when_to_come_back() {
        let (lane, start) = (Lane::new(PACE), Instant::now());
        for _ in 0..5 {
            assert_eq!(write(&lane).await, Ok(()));
        }
        assert_eq!(start.elapsed(), Duration::from_millis(6_500));
        assert_eq!(write(&lane).await, Err(Span(53_500)), "the minute after the first");
        tokio::time::advance(Duration::from_millis(53_500)).await;
        for _ in 0..3 {
            assert_eq!(write(&lane).await, Ok(()));
        }
        let left = HOUR - start.elapsed();
        assert_eq!(write(&lane).await, Err(span(left)), "the hour after the first");
        tokio::time::advance(left).await;
        assert_eq!(write(&lane).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_longer_than_ten_seconds_behind_a_write_that_hangs() {
        let lane = Lane::new(PACE);
        let hangs = lane.turn().await.expect("the first");
        assert_eq!(write(&lane).await, Err(span(WAIT_MAX)));
        drop(hangs);
        assert_eq!(write(&lane).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_was_given_up_counts_as_one_that_ended_then() {
        let (lane, start) = (Lane::new(PACE), Instant::now());
        let mut given_up = lane.turn().await.expect("a turn");
        given_up.ready().await.expect("ready");
        tokio::time::advance(Duration::from_secs(3)).await;
        drop(given_up);
        assert_eq!(write(&lane).await, Ok(()));
        assert_eq!(start.elapsed(), Duration::from_millis(3_000 + 1_000 + 500));
    }
}
