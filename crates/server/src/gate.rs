//! Each principal's share: so many calls under way, a few more waiting, and the rest told to come back.
//!
//! A noisy caller waits for itself; the others do not wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::refusal::{Code, Refusal};
use domain::time::Span;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Calls of one principal that wait for each that is under way, before more are refused.
const WAITING_PER_CALL: usize = 64;

/// Principals that are kept in mind; beyond that, those with no call under way are forgotten.
const PRINCIPALS_MAX: usize = 1_024;

pub(crate) struct Gate {
    calls: usize,
    patience: Span,
    shares: Mutex<HashMap<String, Arc<Share>>>,
}

struct Share {
    under_way: Arc<Semaphore>,
    in_line: Arc<Semaphore>,
}

/// A call that may go on; dropped, it makes room for the next.
pub(crate) struct Permit {
    /// Keeps the share in mind while the call is under way.
    _share: Arc<Share>,
    _under_way: OwnedSemaphorePermit,
}

impl Gate {
    /// A gate that lets `calls` calls of each principal under way, and others wait for up to `patience`.
    pub(crate) fn new(calls: usize, patience: Span) -> Self {
        Self { calls, patience, shares: Mutex::default() }
    }

    pub(crate) async fn enter(&self, principal: &str) -> Result<Permit, Refusal> {
        let share = self.share(principal);
        if let Ok(under_way) = Arc::clone(&share.under_way).try_acquire_owned() {
            return Ok(Permit { _share: share, _under_way: under_way });
        }
        let refuse = || {
            Refusal::new(Code::TooManyCalls, format!("{principal} has too many calls under way"))
                .retry_after(Span::secs(1))
                .hint("wait for your own calls to end, or spread them")
        };
        let _line = Arc::clone(&share.in_line).try_acquire_owned().map_err(|_| refuse())?;
        match timeout(self.patience.duration(), Arc::clone(&share.under_way).acquire_owned()).await {
            Ok(Ok(under_way)) => Ok(Permit { _share: share, _under_way: under_way }),
            Ok(Err(_)) | Err(_) => Err(refuse()),
        }
    }

    fn share(&self, principal: &str) -> Arc<Share> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if shares.len() >= PRINCIPALS_MAX {
            shares.retain(|_, share| Arc::strong_count(share) > 1);
        }
        let fresh = || {
            Arc::new(Share {
                under_way: Arc::new(Semaphore::new(self.calls)),
                in_line: Arc::new(Semaphore::new(
                    self.calls.saturating_mul(WAITING_PER_CALL).min(Semaphore::MAX_PERMITS),
                )),
            })
        };
        Arc::clone(shares.entry(principal.to_owned()).or_insert_with(fresh))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_noisy_caller_waits_for_itself_and_others_do_not() {
        let gate = Gate::new(1, Span(1));
        let first = gate.enter("noisy").await.expect("room");
        let refusal = gate.enter("noisy").await.err().expect("no room");
        assert_eq!((refusal.code, refusal.retry_after), (Code::TooManyCalls, Some(Span::secs(1))));
        assert!(gate.enter("quiet").await.is_ok());
        drop(first);
        assert!(gate.enter("noisy").await.is_ok());
    }

    #[tokio::test]
    async fn principals_with_nothing_under_way_are_forgotten() {
        let gate = Gate::new(1, Span(1));
        let kept = gate.enter("kept").await.expect("room");
        for name in 0..PRINCIPALS_MAX * 2 {
            drop(gate.enter(&name.to_string()).await);
        }
        let shares = gate.shares.lock().map(|shares| (shares.len() <= PRINCIPALS_MAX, shares.contains_key("kept")));
        drop(kept);
        assert_eq!(shares.ok(), Some((true, true)));
    }
}
