//! What takes long to read, read once for all who look.
//!
//! What is read in no time is read for everyone anew. What took long is kept for twenty times as long as it took, so that no more than
//! a twentieth of the time goes into it, however many look; whoever comes later gets it as it is, and sets off the next reading, for
//! which nobody waits. Nobody gets what is older than a minute.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use plane::No;
use tokio::time::Instant;

/// What takes less is read for everyone anew.
const CHEAP: Duration = Duration::from_millis(30);

/// For how many times as long as it took a reading is kept before the next one is set off.
const KEPT_FOR: u32 = 20;

/// How old what is shown may be.
const OLD: Duration = Duration::from_mins(1);

/// The last reading of something.
pub(crate) struct Kept<T> {
    state: Mutex<State<T>>,
    /// One reads at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

struct State<T> {
    latest: Option<Reading<T>>,
    /// What began to be read before is not kept.
    forgotten: Option<Instant>,
}

struct Reading<T> {
    what: Arc<T>,
    began: Instant,
    took: Duration,
}

/// What is done with a reading that is there.
#[derive(Debug, PartialEq, Eq)]
enum Use {
    /// It is shown.
    Shown,
    /// It is shown, and the next one is set off.
    ShownAndRenewed,
    /// It is read anew first.
    Anew,
}

/// What is done with a reading of this age that took so long.
fn judge(age: Duration, took: Duration) -> Use {
    if took < CHEAP || age > OLD {
        Use::Anew
    } else if age <= took * KEPT_FOR {
        Use::Shown
    } else {
        Use::ShownAndRenewed
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        let state = State { latest: None, forgotten: None };
        Self { state: Mutex::new(state), turn: Arc::default() }
    }
}

impl<T: Send + Sync + 'static> Kept<T> {
    /// What was read last, where it may still be shown; what `read` gives otherwise, or what somebody else began to read after
    /// this was called.
    pub(super) async fn get<F>(self: &Arc<Self>, read: F) -> Result<Arc<T>, No>
    where
        F: Future<Output = Result<T, No>> + Send + 'static,
    {
        let asked = Instant::now();
        let (found, what) = match &self.state().latest {
            Some(reading) => (judge(asked - reading.began, reading.took), Some(Arc::clone(&reading.what))),
            None => (Use::Anew, None),
        };
        let Some(what) = what.filter(|_| found != Use::Anew) else {
            let _turn = self.turn.lock().await;
            let since = self
                .state()
                .latest
                .as_ref()
                .filter(|reading| reading.began >= asked)
                .map(|reading| Arc::clone(&reading.what));
            return match since {
                Some(what) => Ok(what),
                None => self.read(read).await,
            };
        };
        if found == Use::ShownAndRenewed
            && let Ok(turn) = Arc::clone(&self.turn).try_lock_owned()
        {
            let kept = Arc::clone(self);
            tokio::spawn(async move {
                let _turn = turn;
                // Whoever comes when the last one is too old reads it themselves, and is told why that fails.
                if let Err(No::Fault(fault)) = kept.read(read).await {
                    tracing::warn!(%fault, "what a page shows was not read anew");
                }
            });
        }
        Ok(what)
    }

    /// Lets the last reading go: something was done.
    pub(super) fn forget(&self) {
        let mut state = self.state();
        state.latest = None;
        state.forgotten = Some(Instant::now());
    }

    async fn read(&self, read: impl Future<Output = Result<T, No>>) -> Result<Arc<T>, No> {
        let began = Instant::now();
        let what = Arc::new(read.await?);
        let mut state = self.state();
        if state.forgotten.is_none_or(|forgotten| forgotten <= began) {
            state.latest = Some(Reading { what: Arc::clone(&what), began, took: began.elapsed() });
        }
        Ok(what)
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(5);
    const LONG: Duration = Duration::from_millis(500);

    #[test]
    fn what_took_long_is_kept_in_proportion_and_no_longer_than_a_minute() {
        for (age, took, then) in [
            (Duration::ZERO, SHORT, Use::Anew),
            (Duration::ZERO, CHEAP, Use::Shown),
            (LONG * 20, LONG, Use::Shown),
            (LONG * 21, LONG, Use::ShownAndRenewed),
            (OLD, LONG, Use::ShownAndRenewed),
            (OLD + SHORT, LONG, Use::Anew),
            (OLD + SHORT, OLD, Use::Anew),
        ] {
            assert_eq!(judge(age, took), then, "of {age:?}, which took {took:?}");
        }
    }

    /// One of which the last reading has this age and took so long.
    fn kept(what: u32, age: Duration, took: Duration) -> Arc<Kept<u32>> {
        let kept: Arc<Kept<u32>> = Arc::default();
        kept.state().latest = Some(Reading { what: Arc::new(what), began: Instant::now() - age, took });
        kept
    }

    async fn get(kept: &Arc<Kept<u32>>, what: u32) -> u32 {
        *kept.get(async move { Ok(what) }).await.expect("a number")
    }

    /// The number that is kept.
    fn latest(kept: &Kept<u32>) -> Option<u32> {
        kept.state().latest.as_ref().map(|reading| *reading.what)
    }

    #[tokio::test]
    async fn what_was_read_in_no_time_is_read_for_everyone_and_what_took_long_is_not() {
        assert_eq!(get(&Arc::default(), 2).await, 2);
        assert_eq!(get(&kept(1, Duration::ZERO, SHORT), 2).await, 2);
        assert_eq!(get(&kept(1, Duration::ZERO, OLD), 2).await, 1);
        assert_eq!(get(&kept(1, OLD + LONG, LONG), 2).await, 2, "nobody gets what is too old");
    }

    #[tokio::test]
    async fn whoever_comes_late_gets_what_there_is_and_the_next_one_what_they_set_off() {
        let kept = kept(1, OLD - LONG, LONG);
        assert_eq!(get(&kept, 2).await, 1, "nobody waits");
        assert_eq!(get(&kept, 3).await, 1, "it is set off once");
        drop(kept.turn.lock().await);
        assert_eq!(latest(&kept), Some(2));
    }

    #[tokio::test]
    async fn what_was_read_before_something_was_done_is_not_kept() {
        let kept = kept(1, Duration::ZERO, LONG);
        kept.forget();
        let inside = Arc::clone(&kept);
        let read = async move {
            inside.forget();
            Ok(2)
        };
        assert_eq!(*kept.get(read).await.expect("a number"), 2);
        assert_eq!(latest(&kept), None, "it was done while this was read");
    }

    #[tokio::test]
    async fn those_who_wait_share_a_reading_that_began_after_they_came_and_a_failure_is_not_kept() {
        let kept: Arc<Kept<u32>> = Arc::default();
        let turn = Arc::clone(&kept.turn).lock_owned().await;
        let (first, second) = (get(&kept, 1), get(&kept, 2));
        let release = async move { drop(turn) };
        let (first, second, ()) = tokio::join!(first, second, release);
        assert_eq!((first, second), (1, 1));
        kept.forget();
        let failed = kept.get(async { Err(store::Fault::Conflict.into()) }).await;
        assert!(failed.is_err() && latest(&kept).is_none());
    }
}
