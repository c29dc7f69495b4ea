//! Tokens in, principals out.
//!
//! A token that was just seen is known for two seconds without asking the store, so a revoked one may still be taken
//! for so long by another replica.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::agent::{Principal, Role};
use domain::id;
use domain::refusal::{Code, Refusal};
use plane::{No, Plane};
use tokio::time::Instant;

/// For how long a token that was just seen is not asked for again.
const FRESH_FOR: Duration = Duration::from_secs(2);

/// How many tokens are kept in mind.
const KNOWN_MAX: usize = 10_000;

pub(crate) struct Auth {
    plane: Plane,
    /// Everyone is an operator. Only on loopback, and only when asked for.
    open: bool,
    known: Mutex<HashMap<String, (Principal, Instant)>>,
}

impl Auth {
    pub(crate) fn new(plane: Plane, open: bool) -> Self {
        Self { plane, open, known: Mutex::default() }
    }

    async fn principal(&self, shown: Option<String>) -> Result<Principal, No> {
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
        // What is kept in mind is a digest, so that a look into memory finds no token.
        let digest = id::digest(token.trim().as_bytes());
        if let Some(principal) = self.recall(&digest) {
            return Ok(principal);
        }
        let principal = self.plane.authenticate(token.trim()).await?;
        self.remember(digest, &principal);
        Ok(principal)
    }

    fn recall(&self, digest: &str) -> Option<Principal> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(digest).filter(|(_, until)| Instant::now() < *until).map(|(principal, _)| principal.clone())
    }

    fn remember(&self, digest: String, principal: &Principal) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if known.len() >= KNOWN_MAX {
            known.retain(|_, (_, until)| now < *until);
        }
        if known.len() < KNOWN_MAX {
            known.insert(digest, (principal.clone(), now + FRESH_FOR));
        }
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
