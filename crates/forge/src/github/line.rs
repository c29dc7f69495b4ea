//! One request to its answer: at GitHub's pace, within its limits, and again only where that does no harm.
//!
//! An answer is what GitHub said for certain, good or bad; what it means is in `refusal`.

use std::time::Duration;

use domain::time::Span;
use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use tokio::time::Instant;

use super::call::Call;
use super::clock::Clock;
use super::lane::Lane;
use super::limit::{Breaker, span};
use super::route::Class;
use super::settings::Now;
use super::wire::{Answer, Broke, Wire};
use crate::Fault;

/// By how much the pause before the next try grows.
const PAUSE_GROWTH: u32 = 4;

/// What everybody shares who asks through one client.
pub(super) struct Line {
    pub(super) wire: Wire,
    pub(super) breaker: Breaker,
    pub(super) clock: Clock,
    pub(super) lane: Lane,
    pub(super) pause: Duration,
    pub(super) now: Now,
}

/// Whether one request, over all its tries, may have been done without our knowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It was not.
    None,
    /// It may have been.
    Sent,
}

/// What became of one try.
enum Tried {
    Answered(Answer),
    Limited(Span),
    /// Nothing was sent.
    Unsent(String),
    /// No clear answer, and how long GitHub asks to be left alone.
    Unclear(String, Option<Span>),
}

impl Line {
    /// Sends a request as often as its class allows until there is a clear answer. `doubt` is what is known of it before
    /// and after.
    pub(super) async fn carry(
        &self,
        call: &Call,
        pass: &HeaderValue,
        etag: Option<&str>,
        doubt: &mut Doubt,
    ) -> Result<Answer, Fault> {
        let policy = call.route.class.policy();
        let failed = |doubt: Doubt, (why, after): (String, Option<Span>)| fault(call.route.class, doubt, why, after);
        if let Some(after) = self.breaker.closed(Instant::now()) {
            return Err(failed(*doubt, (LIMITED.to_owned(), Some(after))));
        }
        let mut turn = None;
        if policy.lane {
            turn = Some(self.lane.turn().await.map_err(|away| away.fault(call.route.class, *doubt))?);
        }
        let mut pause = self.pause;
        for left in (0..policy.tries).rev() {
            if let Some(turn) = &mut turn {
                turn.ready().await.map_err(|away| away.fault(call.route.class, *doubt))?;
            }
            let tried = self.try_once(call, pass, etag).await;
            if let Some(turn) = &mut turn {
                turn.ended();
            }
            let said = match tried {
                Tried::Answered(answer) => return Ok(answer),
                Tried::Limited(after) => return Err(failed(*doubt, (LIMITED.to_owned(), Some(after)))),
                Tried::Unsent(why) => (why, None),
                Tried::Unclear(why, after) => {
                    *doubt = Doubt::Sent;
                    (why, after)
                }
            };
            // Who asks to be left alone for longer is asked again by whoever comes back.
            if left == 0 || said.1.is_some_and(|after| after.duration() > pause) {
                return Err(failed(*doubt, said));
            }
            tokio::time::sleep(pause).await;
            pause *= PAUSE_GROWTH;
        }
        Err(failed(*doubt, ("the request was not sent".to_owned(), None)))
    }

    async fn try_once(&self, call: &Call, pass: &HeaderValue, etag: Option<&str>) -> Tried {
        if let Some(after) = self.breaker.closed(Instant::now()) {
            return Tried::Limited(after);
        }
        let start = Instant::now();
        let sent = self.wire.send(call, pass, etag).await;
        let (method, route, ms) = (&call.route.method, call.route.path, span(start.elapsed()).0);
        match sent {
            Ok(answer) => {
                tracing::debug!(%method, route, status = answer.status.as_u16(), ms, remaining = answer.remaining());
                self.clear(answer)
            }
            Err(Broke::Before(why)) => {
                tracing::debug!(%method, route, ms, "nobody answered");
                Tried::Unsent(why)
            }
            Err(Broke::After(why)) => {
                tracing::debug!(%method, route, ms, "no clear answer");
                Tried::Unclear(why, None)
            }
        }
    }

    /// Whether an answer says for certain what was done.
    fn clear(&self, answer: Answer) -> Tried {
        self.clock.note(&answer, Instant::now());
        if let Some(after) = self.breaker.note(&answer, Instant::now(), (self.now)()) {
            return Tried::Limited(after);
        }
        if answer.status.is_server_error() || answer.status == StatusCode::REQUEST_TIMEOUT {
            return Tried::Unclear(format!("GitHub answered {}", answer.status), answer.retry_after());
        }
        if answer.status.is_success() && !answer.whole() {
            return Tried::Unclear("the answer of GitHub is no whole JSON".to_owned(), None);
        }
        Tried::Answered(answer)
    }
}

const LIMITED: &str = "GitHub has had enough of our requests for now";

/// What a request without a clear answer comes to. Reading does nothing, so there is never a doubt whether it was done.
pub(super) fn fault(class: Class, doubt: Doubt, why: String, after: Option<Span>) -> Fault {
    match (class, doubt) {
        (Class::Read, _) | (_, Doubt::None) => Fault::Later { why, after },
        (Class::Repeat | Class::Guarded | Class::Create, Doubt::Sent) => Fault::Unknown { why },
    }
}
