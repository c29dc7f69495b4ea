//! Locks: exclusive, expiring, fenced.
//!
//! A lock is never taken away early by another agent. It is refused, extended, released, broken by an operator, or
//! it expires; and each holder gets a larger token than every holder before it, for ever.

use serde::{Deserialize, Serialize};

use crate::agent::{Principal, Role};
use crate::fence;
use crate::id;
use crate::refusal::Refusal;
use crate::time::{Span, Time};

/// What a claim of a routine job would be called as a lock; nobody takes such a key by hand.
const RESERVED: &str = "routine-job-";

/// A key that may be locked.
pub fn key(text: &str) -> Result<String, Refusal> {
    if text.starts_with(RESERVED) {
        return Err(Refusal::invalid("key", format!("the prefix {RESERVED} is reserved for claims"))
            .hint("claim the job with claim-routine-job instead"));
    }
    id::name("key", text)
}

/// A lock that somebody took and nobody released; live until it expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// What is locked.
    pub key: String,
    /// The secret handle that guards extend and release.
    pub lock_id: String,
    /// What the holder calls itself.
    pub holder: String,
    /// Who took it.
    pub principal: String,
    /// Larger than every token given for this key before.
    pub fencing_token: i64,
    /// Since when.
    pub acquired_at: Time,
    /// Until when.
    pub expires_at: Time,
}

/// A wish to take a lock.
#[derive(Debug, Clone)]
pub struct Acquire {
    /// What to lock.
    pub key: String,
    /// What the caller calls itself.
    pub holder: String,
    /// For how long.
    pub ttl: Span,
    /// The handle to give out if it is granted.
    pub lock_id: String,
}

/// Why an extend or release changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Miss {
    /// No such lock: released, replaced, or never given.
    NotFound,
    /// It ran out; whoever comes next may have it, so it is not revived.
    Expired,
    /// It belongs to another principal.
    NotYours,
}

impl Miss {
    /// The reason as it travels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Expired => "expired",
            Self::NotYours => "not_yours",
        }
    }
}

impl Lock {
    /// Whether it still binds at `now`.
    pub fn live(&self, now: Time) -> bool {
        now < self.expires_at
    }

    /// Decides who has the lock when `wish` meets `current`: a live one stays, whoever asks, its holder too.
    /// `fence` is the last token given on the key's counter.
    pub fn acquire(current: Option<Self>, wish: Acquire, by: &Principal, fence: i64, now: Time) -> Result<Self, Self> {
        if let Some(held) = current.clone().filter(|held| held.live(now)) {
            return Err(held);
        }
        let last = current.map_or(fence, |old| old.fencing_token.max(fence));
        Ok(Self {
            key: wish.key,
            lock_id: wish.lock_id,
            holder: wish.holder,
            principal: by.name.clone(),
            fencing_token: fence::next(last, now),
            acquired_at: now,
            expires_at: now + wish.ttl,
        })
    }

    /// Moves the expiry to `now + ttl`; never earlier than it stands unless `shorten` is asked for.
    pub fn extend(self, ttl: Span, shorten: Shorten, by: &Principal, now: Time) -> Result<Self, Miss> {
        self.check(by, now)?;
        let asked = now + ttl;
        let expires_at = match shorten {
            Shorten::Allowed => asked,
            Shorten::Never => asked.max(self.expires_at),
        };
        Ok(Self { expires_at, ..self })
    }

    /// Whether `by` may release or extend it now.
    pub fn check(&self, by: &Principal, now: Time) -> Result<(), Miss> {
        if self.principal != by.name && by.role != Role::Operator {
            Err(Miss::NotYours)
        } else if self.live(now) {
            Ok(())
        } else {
            Err(Miss::Expired)
        }
    }
}

/// Whether an extend may move the expiry closer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shorten {
    /// The later of the two moments counts.
    Never,
    /// The new moment counts.
    Allowed,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> Principal {
        Principal::local("ann", Role::Routine)
    }

    fn wish(ttl: i64) -> Acquire {
        Acquire { key: "k".into(), holder: "h".into(), ttl: Span(ttl), lock_id: format!("id{ttl}") }
    }

    #[test]
    fn a_live_lock_refuses_everyone_its_holder_too() {
        let lock = Lock::acquire(None, wish(100), &ann(), 0, Time(10)).expect("free");
        assert_eq!((lock.fencing_token, lock.expires_at), (10, Time(110)));
        for by in ["ann", "bob"] {
            let by = Principal::local(by, Role::Operator);
            assert_eq!(Lock::acquire(Some(lock.clone()), wish(5), &by, 10, Time(109)), Err(lock.clone()));
        }
        let next = Lock::acquire(Some(lock), wish(5), &ann(), 7, Time(110)).expect("expired");
        assert_eq!(next.fencing_token, 110);
    }

    #[test]
    fn the_token_grows_though_the_clock_went_back_and_the_row_was_gone() {
        let lock = Lock::acquire(None, wish(1), &ann(), 5_000, Time(10)).expect("free");
        assert_eq!(lock.fencing_token, 5_001);
    }

    #[test]
    fn extend_does_not_revive_shorten_or_serve_strangers() {
        let lock = Lock::acquire(None, wish(100), &ann(), 0, Time(0)).expect("free");
        let extend = |ttl, shorten, at| lock.clone().extend(Span(ttl), shorten, &ann(), Time(at)).map(|l| l.expires_at);
        assert_eq!(extend(200, Shorten::Never, 50), Ok(Time(250)));
        assert_eq!(extend(10, Shorten::Never, 50), Ok(Time(100)));
        assert_eq!(extend(10, Shorten::Allowed, 50), Ok(Time(60)));
        assert_eq!(extend(200, Shorten::Never, 100), Err(Miss::Expired));
        let bob = Principal::local("bob", Role::Routine);
        assert_eq!(lock.check(&bob, Time(1)), Err(Miss::NotYours));
    }
}
