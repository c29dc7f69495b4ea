//! What takes long to read, read once for all who look.
//!
//! What is read in no time is read for everyone anew. What took long is kept for twenty times as long as it took, so that no more than
//! a twentieth of the time goes into it, however many look; whoever comes later gets it as it is, and sets off the next reading, for
//! which nobody waits. Nobody gets what is older than a minute, or of before what its mark tells of.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::refusal::{Code, Refusal};
use plane::No;
use tokio::time::Instant;

/// What takes less is read for everyone anew.
const CHEAP: Duration = Duration::from_millis(30);

/// For how many times as long as it took a reading is kept before the next one is set off.
const KEPT_FOR: u32 = 20;

/// How old what is shown may be.
const OLD: Duration = Duration::from_mins(1);

/// From which age on the next reading is set off at the latest, however long it takes.
const RIPE: Duration = Duration::from_secs(30);

/// How long a reading rests after it failed.
const REST: Duration = Duration::from_secs(5);

/// The last reading of something.
pub(crate) struct Kept<T> {
    state: Mutex<State<T>>,
    /// One reads at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

struct State<T> {
    latest: Option<Reading<T>>,
    failed: Option<Instant>,
}

struct Reading<T> {
    what: Arc<T>,
    /// Of when it is: while the mark is the same, nothing was done that must be seen at once.
    mark: String,
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
    } else if age <= (took * KEPT_FOR).min(RIPE) {
        Use::Shown
    } else {
        Use::ShownAndRenewed
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        let state = State { latest: None, failed: None };
        Self { state: Mutex::new(state), turn: Arc::default() }
    }
}

impl<T: Send + Sync + 'static> Kept<T> {
    /// What was read last under this mark, where it may still be shown; what `read` gives otherwise, or what somebody else began to
    /// read after this was called. Those who waited for a reading that failed are told so, and do not try one after the other.
    pub(super) async fn get<F>(self: &Arc<Self>, mark: String, read: F) -> Result<Arc<T>, No>
    where
        F: Future<Output = Result<T, No>> + Send + 'static,
    {
        let asked = Instant::now();
        let (found, what) = match self.state().latest.as_ref().filter(|reading| reading.mark == mark) {
            Some(reading) => (judge(asked - reading.began, reading.took), Some(Arc::clone(&reading.what))),
            None => (Use::Anew, None),
        };
        match what.filter(|_| found != Use::Anew) {
            Some(what) => {
                if found == Use::ShownAndRenewed {
                    self.renew(mark, read);
                }
                Ok(what)
            }
            None => self.read_in_turn(asked, mark, read).await,
        }
    }

    async fn read_in_turn<F>(&self, asked: Instant, mark: String, read: F) -> Result<Arc<T>, No>
    where
        F: Future<Output = Result<T, No>>,
    {
        let _turn = self.turn.lock().await;
        {
            let state = self.state();
            if let Some(reading) =
                state.latest.as_ref().filter(|reading| reading.began >= asked && reading.mark == mark)
            {
                return Ok(Arc::clone(&reading.what));
            }
            if state.failed.is_some_and(|failed| failed >= asked) {
                let why = "what this page sums up could not be read just now";
                return Err(Refusal::new(Code::Unavailable, why).hint("look again in a few seconds").into());
            }
        }
        self.read(mark, read).await
    }

    /// Sets off the next reading, for which nobody waits; once, and not right after one that failed.
    fn renew<F>(self: &Arc<Self>, mark: String, read: F)
    where
        F: Future<Output = Result<T, No>> + Send + 'static,
    {
        if self.state().failed.is_some_and(|failed| failed.elapsed() < REST) {
            return;
        }
        let Ok(turn) = Arc::clone(&self.turn).try_lock_owned() else { return };
        let kept = Arc::clone(self);
        tokio::spawn(async move {
            let _turn = turn;
            // Whoever comes when the last one is too old reads it themselves, and is told why that fails.
            if let Err(No::Fault(fault)) = kept.read(mark, read).await {
                tracing::warn!(%fault, "what a page sums up was not read anew");
            }
        });
    }

    async fn read(&self, mark: String, read: impl Future<Output = Result<T, No>>) -> Result<Arc<T>, No> {
        let began = Instant::now();
        let found = read.await;
        let mut state = self.state();
        match found {
            Ok(what) => {
                let what = Arc::new(what);
                *state = State {
                    latest: Some(Reading { what: Arc::clone(&what), mark, began, took: began.elapsed() }),
                    failed: None,
                };
                Ok(what)
            }
            Err(no) => {
                state.failed = Some(Instant::now());
                Err(no)
            }
        }
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
    const LATE: Duration = Duration::from_secs(59);

    #[test]
    fn what_took_long_is_kept_in_proportion_and_no_longer_than_a_minute() {
        for (age, took, then) in [
            (Duration::ZERO, SHORT, Use::Anew),
            (Duration::ZERO, CHEAP, Use::Shown),
            (LONG * 20, LONG, Use::Shown),
            (LONG * 21, LONG, Use::ShownAndRenewed),
            (RIPE, RIPE, Use::Shown),
            (RIPE + SHORT, RIPE, Use::ShownAndRenewed),
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
        let began = Instant::now() - age;
        kept.state().latest = Some(Reading { what: Arc::new(what), mark: "mark".to_owned(), began, took });
        kept
    }

    async fn get(kept: &Arc<Kept<u32>>, mark: &str, what: u32) -> u32 {
        *kept.get(mark.to_owned(), async move { Ok(what) }).await.expect("a number")
    }

    /// The number that is kept.
    fn latest(kept: &Kept<u32>) -> Option<u32> {
        kept.state().latest.as_ref().map(|reading| *reading.what)
    }

    async fn fail(kept: &Arc<Kept<u32>>) -> Result<Arc<u32>, No> {
        kept.get("mark".to_owned(), async { Err(store::Fault::Conflict.into()) }).await
    }

    #[tokio::test]
    async fn what_was_read_in_no_time_is_read_for_everyone_and_what_took_long_is_not() {
        assert_eq!(get(&Arc::default(), "mark", 2).await, 2);
        assert_eq!(get(&kept(1, Duration::ZERO, SHORT), "mark", 2).await, 2);
        assert_eq!(get(&kept(1, Duration::ZERO, OLD), "mark", 2).await, 1);
        assert_eq!(get(&kept(1, OLD + LONG, LONG), "mark", 2).await, 2, "nobody gets what is too old");
    }

    #[tokio::test]
    async fn what_is_of_another_mark_is_read_at_once() {
        let kept = kept(1, Duration::ZERO, LONG);
        assert_eq!(get(&kept, "something was done", 2).await, 2);
        assert_eq!(latest(&kept), Some(2));
    }

    #[tokio::test]
    async fn whoever_comes_late_gets_what_there_is_and_the_next_one_what_they_set_off() {
        let kept = kept(1, LATE, LONG);
        assert_eq!(get(&kept, "mark", 2).await, 1, "nobody waits");
        assert_eq!(get(&kept, "mark", 3).await, 1, "it is set off once");
        drop(kept.turn.lock().await);
        assert_eq!(latest(&kept), Some(2));
    }

    #[tokio::test]
    async fn those_who_wait_share_a_reading_that_began_after_they_came() {
        let kept: Arc<Kept<u32>> = Arc::default();
        let turn = Arc::clone(&kept.turn).lock_owned().await;
        let release = async move { drop(turn) };
        let (first, second, other, ()) =
            tokio::join!(get(&kept, "mark", 1), get(&kept, "mark", 2), get(&kept, "another", 3), release);
        assert_eq!((first, second, other), (1, 1, 3));
    }

    #[tokio::test]
    async fn a_failure_is_told_to_all_who_waited_keeps_what_there_is_and_rests() {
        let empty: Arc<Kept<u32>> = Arc::default();
        let turn = Arc::clone(&empty.turn).lock_owned().await;
        let second = empty.get("mark".to_owned(), async { panic!("nobody tries again") });
        let (first, second, ()) = tokio::join!(fail(&empty), second, async move { drop(turn) });
        assert!(matches!(first, Err(No::Fault(_))) && matches!(second, Err(No::Refusal(_))));
        assert_eq!(get(&empty, "mark", 2).await, 2, "whoever comes later tries again");

        let kept = kept(1, LATE, LONG);
        assert_eq!(*fail(&kept).await.expect("what there is"), 1);
        drop(kept.turn.lock().await);
        assert_eq!((latest(&kept), kept.state().failed.is_some()), (Some(1), true));
        assert_eq!(get(&kept, "mark", 2).await, 1);
        drop(kept.turn.lock().await);
        assert_eq!(latest(&kept), Some(1), "it rests");
    }
}
