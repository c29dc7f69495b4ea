//! Fencing tokens: numbers that only grow, so that a late write by an old holder can be told from the current one's.

use crate::id;
use crate::time::{Span, Time};

/// How many counters the keys are spread over. Fixed for ever: a key that moved to another counter could see a
/// smaller token.
pub const SHARDS: i64 = 64;

/// The shortest and the longest time to live of a lock or a claim. Below a second, the network decides; above a
/// day, nobody remembers who held it.
pub const TTL_MIN: Span = Span::secs(1);
/// See [`TTL_MIN`].
pub const TTL_MAX: Span = Span::hours(24);

/// The counter that a key belongs to.
pub fn shard(key: &str) -> i64 {
    i64::from_str_radix(&id::digest(key.as_bytes())[..8], 16).unwrap_or(0) % SHARDS
}

/// The token after `last`. It never falls behind the clock, so tokens also grow across a restore of an older
/// backup, as long as the clock did not go back with it.
pub fn next(last: i64, now: Time) -> i64 {
    now.0.max(last + 1)
}

/// A time to live in whole seconds, 1 to 86,400.
pub fn ttl(secs: i64) -> Result<Span, crate::refusal::Refusal> {
    bounded(Span(secs.saturating_mul(1_000)))
}

/// A time to live within the same bounds, in whatever unit it was handed in.
pub fn bounded(ttl: Span) -> Result<Span, crate::refusal::Refusal> {
    if (TTL_MIN..=TTL_MAX).contains(&ttl) {
        return Ok(ttl);
    }
    Err(crate::refusal::Refusal::invalid("ttl_secs", format!("ttl_secs is {}", ttl.0 / 1_000)).hint(format!(
        "give {} to {} seconds, and extend while you work",
        TTL_MIN.0 / 1_000,
        TTL_MAX.0 / 1_000
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_grows_whatever_the_clock_does() {
        let mut last = 0;
        for now in [5, 5, 5, 3, 0, 1_000, 1_000, 2] {
            let token = next(last, Time(now));
            assert!(token > last, "{token} after {last} at {now}");
            last = token;
        }
    }

    #[test]
    fn a_ttl_out_of_bounds_is_refused() {
        for secs in [i64::MIN, -1, 0, 86_401, 1_000_000_000_000, i64::MAX] {
            assert!(ttl(secs).is_err(), "{secs}");
        }
        assert_eq!((ttl(1), ttl(86_400)), (Ok(Span(1_000)), Ok(Span(86_400_000))));
    }

    #[test]
    fn a_key_keeps_its_shard_for_ever() {
        assert_eq!(
            ["", "a", "pr-fix-17", "routine-job-x"].map(shard),
            ["", "a", "pr-fix-17", "routine-job-x"].map(shard)
        );
        assert_eq!(shard("pr-fix-17"), 58, "moving keys between counters would let a token shrink");
    }
}
