//! What must happen in the world, as data.
//!
//! An effect is written in the transaction of the state that implies it and delivered later, at least once.

use crate::notice::Level;
use crate::time::{Span, Time};

/// A message on its way to a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// The configured name of the channel.
    pub channel: String,
    /// How loud.
    pub level: Level,
    /// What to say.
    pub text: String,
    /// Where to read on.
    pub link: Option<String>,
}

/// How long an undelivered effect is tried before it is a dead letter: longer than any outage that nobody notices.
pub const LIFE_MAX: Span = Span::hours(72);

/// How long what gave up is listed at least: a quarter, so that whoever comes back from a long leave still finds it.
pub const DEAD_KEPT_MIN: Span = Span::days(90);

/// Before when what gave up is forgotten, where everything else is before `then`.
pub fn given_up_before(then: Time, now: Time) -> Time {
    then.min(now - DEAD_KEPT_MIN)
}

/// What a message that its receiver barred says about its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bar {
    /// Nothing: it is barred for itself.
    One,
    /// Perhaps something: the next try of another message will tell.
    Doubt,
    /// The channel bars any message.
    All,
}

/// What it says that the message `id` is barred: that its channel bars any, only when the try before it failed too, of
/// another message, and never when others arrive though this one was barred before. `failed` is the message of the try
/// before, if that failed.
pub fn barred(id: &str, others_arrive: bool, failed: Option<&str>) -> Bar {
    match failed {
        _ if others_arrive => Bar::One,
        None => Bar::Doubt,
        Some(failed) if failed == id => Bar::One,
        Some(_) => Bar::All,
    }
}

/// The longest pause between two tries.
const PAUSE_MAX: Span = Span::mins(1);

/// What to do after the nth failed try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try again then.
    At(Time),
    /// Give up.
    Dead,
}

/// When to try again after `attempts` failed tries of an effect made at `created_at`. The world's own word on when
/// to come back is obeyed; otherwise the pause doubles from one second to a minute.
pub fn retry(attempts: i64, created_at: Time, asked: Option<Span>, now: Time) -> Next {
    if now.since(created_at) >= LIFE_MAX {
        return Next::Dead;
    }
    let doubled = Span::secs(1 << (attempts - 1).clamp(0, 6)).min(PAUSE_MAX);
    Next::At(now + asked.map_or(doubled, |asked| asked.max(Span(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_silence_loses_nothing_and_three_days_give_up() {
        let mut now = Time(0);
        let mut tries = 0;
        while now < Time(0) + Span::hours(1) {
            tries += 1;
            let Next::At(then) = retry(tries, Time(0), None, now) else { panic!("gave up after {tries} tries") };
            assert!(then > now && then.since(now) <= PAUSE_MAX);
            now = then;
        }
        assert!((60..80).contains(&tries), "{tries} tries in an hour");
        assert_eq!(retry(1, Time(0), None, Time(0) + LIFE_MAX), Next::Dead);
    }

    #[test]
    fn only_two_messages_barred_in_a_row_speak_for_their_channel() {
        assert_eq!(barred("a", false, None), Bar::Doubt);
        assert_eq!(barred("a", false, Some("a")), Bar::One);
        assert_eq!(barred("b", false, Some("a")), Bar::All);
        for failed in [None, Some("a"), Some("b")] {
            assert_eq!(barred("b", true, failed), Bar::One);
        }
    }

    #[test]
    fn what_gave_up_is_kept_for_90_days_and_longer_where_all_is() {
        let now = Time(0) + Span::days(400);
        for (keep, kept) in [(Span::hours(1), DEAD_KEPT_MIN), (Span::days(200), Span::days(200))] {
            assert_eq!(given_up_before(now - keep, now), now - kept);
        }
    }

    #[test]
    fn the_world_says_when_to_come_back() {
        assert_eq!(retry(9, Time(0), Some(Span(300)), Time(10)), Next::At(Time(310)));
        assert_eq!(retry(9, Time(0), Some(Span::mins(10)), Time(0)), Next::At(Time(600_000)));
    }
}
