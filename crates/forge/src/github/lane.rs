//! The one lane that all writes of a process go through: one at a time, apart, and so many a minute and an hour. Where
//! several replicas write to one repository, or a process was started anew, the store counts where the writes of all of
//! them begin.

use std::time::Duration;

use domain::pace::{self, Pace};
use domain::time::{Span, Time};
use store::Store;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::limit::span;
use super::line::{self, Doubt};
use super::route::Class;
use crate::Fault;

/// How long a write waits for its turn. Beyond that whoever asked does better to come back.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// How often a place is asked for while others take theirs.
const TRIES_MAX: usize = 5;

#[derive(Debug)]
pub(super) struct Lane {
    pace: Pace,
    wait_max: Duration,
    /// Where the places are kept; none for this client alone.
    shared: Option<Shared>,
    tracks: Mutex<Tracks>,
}

/// Places kept in the store, under a name.
#[derive(Debug)]
struct Shared {
    store: Store,
    name: String,
}

/// What went before.
#[derive(Debug)]
struct Tracks {
    /// When this lane was made: what its own places are counted from.
    made: Instant,
    /// When the last write ended.
    ended: Option<Instant>,
    /// When each write of the last hour began, at most as many as the pace looks back for.
    began: Vec<Time>,
    /// Whether one began and has not ended.
    open: bool,
}

/// A write's turn: nobody else here writes while it is held.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    lane: &'a Lane,
    tracks: MutexGuard<'a, Tracks>,
    patience: Instant,
}

/// Why there is no turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Away {
    /// The pace allows the next write in so long.
    Busy(Span),
    /// Nobody can tell.
    Unknown(String),
}

impl Lane {
    /// A lane; `shared` is where its places are kept for all who write there, and its name.
    pub(super) fn new(pace: Pace, shared: Option<(Store, String)>) -> Self {
        let shared = shared.map(|(store, name)| Shared { store, name });
        let tracks = Tracks { made: Instant::now(), ended: None, began: Vec::new(), open: false };
        Self { pace, wait_max: WAIT_MAX, shared, tracks: Mutex::new(tracks) }
    }

    /// Waits until the writes before have ended.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, Away> {
        let patience = Instant::now() + self.wait_max;
        let tracks = timeout_at(patience, self.tracks.lock()).await.map_err(|_| Away::Busy(span(self.wait_max)))?;
        Ok(Turn { lane: self, tracks, patience })
    }
}

impl Turn<'_> {
    /// Waits until the pace allows one write, and counts it.
    pub(super) async fn ready(&mut self) -> Result<(), Away> {
        let now = Instant::now();
        let apart = self.tracks.ended.map_or(now, |at| at + self.lane.pace.between.duration()).max(now);
        if apart > self.patience.max(now) {
            return Err(Away::Busy(span(apart - now)));
        }
        sleep_until(apart).await;
        let patience = span(self.patience.saturating_duration_since(apart));
        let at = match &self.lane.shared {
            Some(shared) => Box::pin(shared.take(&self.lane.pace, patience)).await?,
            None => self.tracks.take(&self.lane.pace, patience)?,
        };
        sleep_until(at).await;
        self.tracks.open = true;
        Ok(())
    }

    /// One write has ended, however it did.
    pub(super) fn ended(&mut self) {
        self.tracks.open = false;
        self.tracks.ended = Some(Instant::now());
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Whoever gave up waiting for the answer may have written all the same.
        if self.tracks.open {
            self.ended();
        }
    }
}

impl Shared {
    /// Takes the next place of all who write there.
    async fn take(&self, pace: &Pace, patience: Span) -> Result<Instant, Away> {
        let mut left = TRIES_MAX;
        loop {
            left -= 1;
            match self.try_to_take(pace, patience).await {
                Ok((pace::Turn::At(at), now)) => return Ok(Instant::now() + at.since(now).duration()),
                Ok((pace::Turn::NotBefore(after), _)) => return Err(Away::Busy(after)),
                Err(fault) if left > 0 && fault.is_passing() => {}
                // Who cannot tell what others write does not write.
                Err(fault) => {
                    return Err(Away::Unknown(format!("whether it is our turn is unknown: {fault}")));
                }
            }
        }
    }

    async fn try_to_take(&self, pace: &Pace, patience: Span) -> Result<(pace::Turn, Time), store::Fault> {
        let mut tx = self.store.begin().await?;
        let taken = store::lane::take(&mut tx, &self.name, pace, patience).await?;
        tx.commit().await?;
        Ok(taken)
    }
}

impl Tracks {
    /// Takes the next place of this client alone.
    fn take(&mut self, pace: &Pace, patience: Span) -> Result<Instant, Away> {
        let now = Time(span(self.made.elapsed()).0);
        match pace.turn(&self.began, now, patience) {
            pace::Turn::NotBefore(after) => Err(Away::Busy(after)),
            pace::Turn::At(at) => {
                if self.began.len() >= pace.per_hour.max(pace.per_minute) {
                    self.began.remove(0);
                }
                self.began.push(at);
                Ok(self.made + Span(at.0).duration())
            }
        }
    }
}

impl Away {
    /// What it comes to for a request of this class, of which so much is known.
    pub(super) fn fault(self, class: Class, doubt: Doubt) -> Fault {
        match (doubt, self) {
            (Doubt::None, Self::Busy(after)) => Fault::Paced { after },
            (Doubt::Sent, Self::Busy(_)) => {
                let why = "the pace of our writes left no time to ask again".to_owned();
                line::fault(class, doubt, why, None)
            }
            (doubt, Self::Unknown(why)) => line::fault(class, doubt, why, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { between: Span::secs(1), per_minute: 5, per_hour: 8 };

    #[tokio::test]
    async fn what_would_wait_too_long_is_told_when_to_come_back() {
        let lane = Lane::new(Pace { between: Span::hours(1), ..PACE }, None);
        let mut first = lane.turn().await.expect("a turn");
        assert_eq!(first.ready().await, Ok(()));
        drop(first);
        let mut second = lane.turn().await.expect("a turn");
        let Err(Away::Busy(away)) = second.ready().await else { panic!("an hour is too long") };
        assert!(away > Span::mins(59) && away <= Span::hours(1), "a write that was given up counts from then: {away}");
    }

    #[tokio::test]
    async fn nobody_waits_for_ever_behind_a_write_that_hangs() {
        let lane = Lane { wait_max: Duration::from_millis(5), ..Lane::new(PACE, None) };
        let hangs = lane.turn().await.expect("the first");
        assert_eq!(lane.turn().await.expect_err("it is held"), Away::Busy(Span(5)));
        drop(hangs);
        assert!(lane.turn().await.is_ok());
    }
}
