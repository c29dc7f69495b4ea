//! Streams of events that clients hold open: so many of each principal and so many in all, and no more.
//!
//! Whatever answers with a stream takes a place, whichever request asked for it, and gives it back when the client goes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::agent::Principal;
use domain::refusal::{Code, Refusal};
use domain::time::Span;
use futures::StreamExt as _;

use crate::metrics::Metrics;

/// When whoever found no place may try again.
const RETRY_AFTER: Span = Span::secs(30);

/// The places there are.
pub(crate) struct Streams {
    each: usize,
    all: usize,
    open: Mutex<HashMap<String, usize>>,
    metrics: Arc<Metrics>,
}

/// One place; dropped, it is free again.
struct Place {
    streams: Arc<Streams>,
    principal: String,
}

impl Streams {
    /// Places for `each` streams of a principal, and `all` together.
    pub(crate) fn new(each: usize, all: usize, metrics: Arc<Metrics>) -> Self {
        Self { each, all, open: Mutex::default(), metrics }
    }

    fn take(self: &Arc<Self>, principal: &str) -> Result<Place, Refusal> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.get(principal).copied().unwrap_or(0);
        let why = if own >= self.each {
            format!("{principal} has {own} streams open")
        } else if open.values().sum::<usize>() >= self.all {
            format!("{} streams are open", self.all)
        } else {
            open.insert(principal.to_owned(), own + 1);
            self.metrics.streams().inc();
            return Ok(Place { streams: Arc::clone(self), principal: principal.to_owned() });
        };
        let hint = "close those that you do not need; nothing comes on them that asking again would not tell";
        Err(Refusal::new(Code::TooManyCalls, why).hint(hint).retry_after(RETRY_AFTER))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.principal) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.principal);
            }
        }
        self.streams.metrics.streams().dec();
    }
}

/// Gives an answer that is a stream its place, or answers 429 in its stead.
pub(crate) async fn bounded(State(streams): State<Arc<Streams>>, request: Request, next: Next) -> Response {
    let principal = request.extensions().get::<Principal>().map(|by| by.name.clone()).unwrap_or_default();
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
        return response;
    }
    match streams.take(&principal) {
        Ok(place) => response.map(|body| {
            let events = body.into_data_stream().inspect(move |_| _ = &place);
            Body::from_stream(events)
        }),
        Err(refusal) => {
            let seconds = (header::RETRY_AFTER, (RETRY_AFTER.0 / 1_000).to_string());
            (StatusCode::TOO_MANY_REQUESTS, [seconds], Json(refusal)).into_response()
        }
    }
}
