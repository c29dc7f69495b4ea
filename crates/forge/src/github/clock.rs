//! What GitHub's clock shows, by the date of its answers: whoever decides by moments of both asks how far they are apart.

use std::sync::{Mutex, PoisonError};

use domain::time::{Span, Time};
use tokio::time::Instant;

use super::limit::span;
use super::wire::Answer;

#[derive(Debug, Default)]
pub(super) struct Clock {
    /// What it last said, and when that came.
    said: Mutex<Option<(Time, Instant)>>,
}

impl Clock {
    /// Takes note of an answer that came at a moment; one without a date says nothing.
    pub(super) fn note(&self, answer: &Answer, at: Instant) {
        if let Some(date) = answer.date() {
            *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some((date, at));
        }
    }

    /// What it shows at a moment; none before it said anything.
    pub(super) fn shows(&self, at: Instant) -> Option<Time> {
        let (date, then) = (*self.said.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(date + span(at.saturating_duration_since(then)))
    }

    /// How far it is from this moment, which is now by another clock, whichever is ahead.
    pub(super) fn apart(&self, now: Time) -> Option<Span> {
        let shows = self.shows(Instant::now())?;
        Some(now.since(shows).max(shows.since(now)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::StatusCode;
    use reqwest::header::{DATE, HeaderMap, HeaderValue};

    use super::*;

    fn answer(date: &'static str) -> Answer {
        let headers = HeaderMap::from_iter([(DATE, HeaderValue::from_static(date))]);
        Answer { status: StatusCode::OK, headers, body: Vec::new() }
    }

    #[test]
    fn it_goes_on_from_what_it_last_said_and_an_answer_without_a_date_says_nothing() {
        let (clock, at) = (Clock::default(), Instant::now());
        assert_eq!((clock.shows(at), clock.apart(Time(0))), (None, None));
        clock.note(&answer("Thu, 01 Jan 1970 00:00:10 GMT"), at);
        clock.note(&answer("no date"), at + Duration::from_secs(5));
        assert_eq!(clock.shows(at + Duration::from_secs(3)), Some(Time(13_000)));
    }
}
