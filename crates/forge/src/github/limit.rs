//! GitHub's limits: read from its answers, and kept by everybody who asks through the same client.
//!
//! Who goes on asking while limited is limited for longer, and in the end barred. So one answer closes the way for all.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::pace;
use domain::time::{Span, Time};
use reqwest::StatusCode;
use tokio::time::Instant;

use super::wire::Answer;

/// How long to leave GitHub alone at most when it says that it is too much and not for how long. Its own advice is a minute,
/// and longer each time.
const UNSAID_MAX: Span = Span::hours(1);

/// The longest that an answer can close the way for: the hour that its limits count, and some minutes for clocks that
/// differ.
const CLOSED_MAX: Span = Span::mins(65);

/// Closed until a moment, or open.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    closed: Mutex<Closed>,
}

#[derive(Debug, Default)]
struct Closed {
    until: Option<Instant>,
    /// How many limits in a row did not say for how long.
    unsaid: i64,
}

impl Breaker {
    /// How long it is closed for; none when the way is open.
    pub(super) fn closed(&self, at: Instant) -> Option<Span> {
        let until = self.closed.lock().unwrap_or_else(PoisonError::into_inner).until?;
        let left = until.saturating_duration_since(at);
        (!left.is_zero()).then(|| span(left))
    }

    /// Takes note of an answer that came at a moment, which is `now` by our clock; gives how long to wait if it is a limit,
    /// and so nothing was done. When an hour is over is told by GitHub's clock, and so counted from what that shows.
    pub(super) fn note(&self, answer: &Answer, at: Instant, now: Time) -> Option<Span> {
        let limited = limited(answer);
        let spent = answer.remaining() == Some(0);
        if !limited && !spent {
            return None;
        }
        let now = answer.date().unwrap_or(now);
        let reset = answer.reset().filter(|_| spent).map(|secs| Time(secs.saturating_mul(1_000)).since(now));
        // One that is past tells of clocks that differ, and not that the way is open.
        let reset = reset.filter(|wait| *wait > Span::ZERO);
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let said = answer.retry_after().or(reset);
        let wait = said.unwrap_or_else(|| closed.unsaid(at)).clamp(Span::secs(1), CLOSED_MAX);
        let until = at + wait.duration();
        closed.until = Some(closed.until.map_or(until, |earlier| earlier.max(until)));
        limited.then_some(wait)
    }
}

impl Closed {
    /// How long to wait after a limit that does not say: twice as long where the last such wait was not enough.
    fn unsaid(&mut self, at: Instant) -> Span {
        let waited = pace::rest(self.unsaid, UNSAID_MAX);
        match self.until {
            // Asked before the way was closed.
            Some(until) if at < until => self.unsaid = self.unsaid.max(1),
            Some(until) if at < until + waited.duration() => self.unsaid += 1,
            Some(_) | None => self.unsaid = 1,
        }
        pace::rest(self.unsaid, UNSAID_MAX)
    }
}

/// Whether the answer says that it was too much. 403 also says that a right is missing, which no waiting mends.
fn limited(answer: &Answer) -> bool {
    let told =
        || answer.retry_after().is_some() || answer.remaining() == Some(0) || answer.words().contains("rate limit");
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::FORBIDDEN => told(),
        _ => false,
    }
}

/// The span of a timer, rounded up to a millisecond so that nobody is early.
pub(super) fn span(duration: Duration) -> Span {
    Span(i64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    const NOW: Time = Time(1_000_000_000);

    fn answer(status: u16, headers: &[(&'static str, &'static str)], message: &str) -> Answer {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: headers.iter().map(header).collect::<HeaderMap>(),
            body: serde_json::json!({ "message": message }).to_string().into_bytes(),
        }
    }

    /// Used up until a moment, as it is said at another.
    fn dated(reset: &'static str, date: &'static str) -> [(&'static str, &'static str); 3] {
        [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset), ("date", date)]
    }

    #[test]
    fn a_limit_closes_the_way_for_as_long_as_it_says() {
        let secondary = "You have exceeded a secondary rate limit.";
        for (limit, wait) in [
            (answer(403, &[("retry-after", "30")], secondary), Span::secs(30)),
            (answer(429, &[("retry-after", "7")], ""), Span::secs(7)),
            (answer(429, &[], ""), Span::mins(1)),
            (answer(403, &[], secondary), Span::mins(1)),
            (answer(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000090")], ""), Span::secs(90)),
            (answer(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")], ""), Span::mins(1)),
            (answer(403, &dated("1000090", "Mon, 12 Jan 1970 13:46:45 GMT"), ""), Span::secs(85)),
            (answer(403, &dated("90", "Thu, 01 Jan 1970 00:00:30 GMT"), ""), Span::mins(1)),
            (answer(403, &dated("30", "Thu, 01 Jan 1970 00:00:31 GMT"), ""), Span::mins(1)),
            (answer(403, &dated("1000090", "soon"), ""), Span::secs(90)),
            (answer(429, &[("retry-after", "0")], ""), Span::secs(1)),
            (answer(429, &[("retry-after", "4294967295")], ""), CLOSED_MAX),
            (answer(429, &[("retry-after", "Fri, 27 Nov 2026 12:00:00 GMT")], ""), Span::mins(1)),
            (answer(429, &[("retry-after", "-5")], ""), Span::mins(1)),
        ] {
            let (breaker, at) = (Breaker::default(), Instant::now());
            assert_eq!(breaker.closed(at), None);
            assert_eq!(breaker.note(&limit, at, NOW), Some(wait), "{limit:?}");
            assert_eq!(breaker.closed(at), Some(wait));
            assert_eq!(breaker.closed(at + wait.duration() - Duration::from_millis(1)), Some(Span(1)));
            assert_eq!(breaker.closed(at + wait.duration()), None);
        }
    }

    #[test]
    fn a_right_that_is_missing_is_no_limit() {
        let (breaker, at) = (Breaker::default(), Instant::now());
        let plain = [("x-ratelimit-remaining", "4999")];
        assert_eq!(breaker.note(&answer(403, &plain, "Resource not accessible by integration"), at, NOW), None);
        assert_eq!(breaker.note(&answer(500, &plain, "rate limit"), at, NOW), None);
        assert_eq!(breaker.closed(at), None);
    }

    #[test]
    fn the_last_request_of_the_hour_is_answered_and_closes_the_way_for_the_next() {
        let (breaker, at) = (Breaker::default(), Instant::now());
        let last = answer(200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000600")], "");
        assert_eq!(breaker.note(&last, at, NOW), None);
        assert_eq!(breaker.closed(at), Some(Span::mins(10)));
    }

    #[test]
    fn a_limit_that_does_not_say_for_how_long_closes_for_longer_each_time() {
        let (breaker, mut at) = (Breaker::default(), Instant::now());
        let limit = answer(403, &[], "You have exceeded a secondary rate limit.");
        for mins in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(breaker.note(&limit, at, NOW), Some(Span::mins(mins)));
            assert_eq!(breaker.note(&limit, at, NOW), Some(Span::mins(mins)), "asked before the way was closed");
            at += Span::mins(mins).duration();
        }
        at += Span::mins(60).duration();
        assert_eq!(breaker.note(&limit, at, NOW), Some(Span::mins(1)), "it was good for as long again");
    }

    #[test]
    fn a_shorter_limit_does_not_open_what_a_longer_one_closed() {
        let (breaker, at) = (Breaker::default(), Instant::now());
        breaker.note(&answer(429, &[("retry-after", "60")], ""), at, NOW);
        breaker.note(&answer(429, &[("retry-after", "2")], ""), at, NOW);
        assert_eq!(breaker.closed(at), Some(Span::mins(1)));
    }
}
