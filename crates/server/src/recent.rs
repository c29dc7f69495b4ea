//! What was learnt lately, kept in mind for a short while and within bounds.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Things by a digest of what they were learnt from, so that a look into memory finds no secret.
pub(crate) struct Recent<T> {
    fresh_for: Duration,
    most: usize,
    kept: Mutex<HashMap<String, (T, Instant)>>,
}

impl<T: Clone> Recent<T> {
    /// Keeps at most `most` things, each fresh for so long.
    pub(crate) fn new(most: usize, fresh_for: Duration) -> Self {
        Self { fresh_for, most, kept: Mutex::default() }
    }

    /// What is known of it, while that is fresh.
    pub(crate) fn recall(&self, digest: &str) -> Option<T> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(digest).filter(|(_, until)| Instant::now() < *until).map(|(thing, _)| thing.clone())
    }

    /// Whether anything was ever known of it, and there was no need yet to forget it.
    pub(crate) fn has_met(&self, digest: &str) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).contains_key(digest)
    }

    /// Keeps it in mind, if there is room once everything stale is forgotten.
    pub(crate) fn remember(&self, digest: String, thing: T) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if kept.len() >= self.most {
            kept.retain(|_, (_, until)| now < *until);
        }
        if kept.len() < self.most || kept.contains_key(&digest) {
            kept.insert(digest, (thing, now + self.fresh_for));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn what_is_stale_is_known_no_more_though_it_was_met() {
        let stale = Recent::new(1, Duration::ZERO);
        stale.remember("a".to_owned(), 1);
        assert_eq!((stale.recall("a"), stale.has_met("a")), (None, true));
    }

    #[test]
    fn there_is_never_more_than_fits_and_what_is_stale_makes_room() {
        let (fresh, stale) = (Recent::new(1, HOUR), Recent::new(1, Duration::ZERO));
        for recent in [&fresh, &stale] {
            for digest in ["a", "b"] {
                recent.remember(digest.to_owned(), 1);
            }
        }
        assert_eq!((fresh.has_met("a"), fresh.has_met("b")), (true, false));
        assert_eq!((stale.has_met("a"), stale.has_met("b")), (false, true));
        fresh.remember("a".to_owned(), 2);
        assert_eq!(fresh.recall("a"), Some(2));
    }
}
