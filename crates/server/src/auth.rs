//! Tokens in, principals out.
//!
//! A token that was just seen is known for two seconds without asking the store, so a revoked or expired one may still
//! be taken for so long, by any server. One that was just refused is refused again for five seconds without asking;
//! what is refused once stays so, for a token is drawn by chance and nobody can have shown it before it was made.
//!
//! Few tokens are asked for at once, and those that were good before do not stand in line behind strangers: whoever
//! floods the server with forged ones delays newcomers only.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::agent::{Principal, Role, read_token};
use domain::refusal::{Code, Refusal};
use domain::time::Span;
use plane::{No, Plane};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::metrics::Metrics;
use crate::recent::Recent;

/// For how long a token that was just seen is not asked for again.
const FRESH_FOR: Duration = Duration::from_secs(2);

/// How many tokens are kept in mind.
const KNOWN_MAX: usize = 10_000;

/// For how long a token that was just refused is not asked for again.
const REFUSED_FOR: Duration = Duration::from_secs(5);

/// How many refused tokens are kept in mind: a flood of different ones is slowed by its line, not by our memory.
const REFUSED_MAX: usize = 1_024;

/// How many tokens of either line are asked for at once. The store keeps connections for both lines.
const ASKED_AT_ONCE: usize = 1;

/// How long a token waits in its line.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Auth {
    plane: Plane,
    metrics: Arc<Metrics>,
    /// Everyone is an operator. Only on loopback, and only when asked for.
    open: bool,
    known: Recent<Principal>,
    refused: Recent<Refusal>,
    /// The line of tokens that were good before.
    acquaintances: Semaphore,
    /// The line of all others.
    strangers: Semaphore,
}

impl Auth {
    pub(crate) fn new(plane: Plane, metrics: Arc<Metrics>, open: bool) -> Self {
        Self {
            plane,
            metrics,
            open,
            known: Recent::new(KNOWN_MAX, FRESH_FOR),
            refused: Recent::new(REFUSED_MAX, REFUSED_FOR),
            acquaintances: Semaphore::new(ASKED_AT_ONCE),
            strangers: Semaphore::new(ASKED_AT_ONCE),
        }
    }

    pub(crate) async fn principal(&self, shown: Option<String>) -> Result<Principal, No> {
        if self.open {
            return Ok(Principal::local("anyone", Role::Operator));
        }
        let token = shown
            .as_deref()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, token)) = token else {
            return Err(Refusal::new(Code::Unauthenticated, "no bearer token was shown")
                .hint(
                    "send Authorization: Bearer TOKEN; make one with gapwright token create --role routine --name NAME",
                )
                .into());
        };
        let (_, digest) = read_token(token.trim())?;
        if let Some(answer) = self.recall(&digest) {
            return answer;
        }
        let line = if self.known.has_met(&digest) { &self.acquaintances } else { &self.strangers };
        let Ok(Ok(_turn)) = timeout(PATIENCE, line.acquire()).await else {
            return Err(Refusal::new(Code::Unavailable, "too many tokens wait to be known")
                .hint("try again in a moment")
                .retry_after(Span::secs(1))
                .into());
        };
        // Whoever was ahead may have shown the same one.
        if let Some(answer) = self.recall(&digest) {
            return answer;
        }
        self.ask(token.trim(), digest).await
    }

    fn recall(&self, digest: &str) -> Option<Result<Principal, No>> {
        let known = self.known.recall(digest).map(Ok);
        known.or_else(|| self.refused.recall(digest).map(|refusal| Err(refusal.into())))
    }

    /// Asks the store, and keeps its answer in mind.
    async fn ask(&self, token: &str, digest: String) -> Result<Principal, No> {
        self.metrics.token_asked();
        let answer = self.plane.authenticate(token).await;
        match &answer {
            Ok(principal) => self.known.remember(digest, principal.clone()),
            Err(No::Refusal(refusal)) => self.refused.remember(digest, refusal.clone()),
            Err(No::Fault(_)) => {}
        }
        answer
    }
}

/// Lets a request on as somebody, or answers 401.
pub(crate) async fn bearer(State(auth): State<Arc<Auth>>, mut request: Request, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    match auth.principal(shown).await {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(no) => refused(crate::refusal(no)),
    }
}

fn refused(refusal: Refusal) -> Response {
    if refusal.code != Code::Unauthenticated {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(refusal)).into_response();
    }
    let mut response = (StatusCode::UNAUTHORIZED, Json(refusal)).into_response();
    let challenge = HeaderValue::from_static("Bearer realm=\"gapwright\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}
