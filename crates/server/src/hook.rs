//! Webhooks of the forge: their bytes as they came go to the plane, which proves them before anything is read.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::refusal::{Code, Refusal};
use domain::time::Span;
use plane::webhook::{Delivery, Received};
use serde_json::json;
use tokio::time::timeout;

use crate::door::Door;

/// The largest webhook that is taken: a forge sends up to 25 MiB, and what is about issues is far below this.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// How many webhooks are read at once: together they hold 32 MiB at most. A forge that is told so sends no more, and what it
/// would have said is found by reading.
pub(crate) const AT_ONCE: usize = 16;

/// How long one may take to arrive: the forge itself gives up after ten seconds.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// `POST /hooks/github`
pub(crate) async fn github(State(door): State<Door>, headers: HeaderMap, body: Body) -> Response {
    let plane = &door.plane;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // Whoever shows nothing that could be a proof is turned away before a byte of the body is kept.
    let signature = header("x-hub-signature-256").or_else(|| header("x-hub-signature"));
    if let Err(refusal) = plane.may_be_webhook(signature) {
        return refused(&refusal);
    }
    let Some(_room) = door.enter() else {
        let full = Refusal::new(Code::Unavailable, "too many webhooks are read at once").retry_after(Span::secs(1));
        return refused(&full);
    };
    let body = match timeout(BODY_WITHIN, to_bytes(body, BYTES_MAX)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let why = json!({"code": "invalid_argument", "message": "the webhook is too large or broke off"});
            return (StatusCode::PAYLOAD_TOO_LARGE, Json(why)).into_response();
        }
        Err(_) => {
            let why = json!({"code": "invalid_argument", "message": "the webhook did not arrive in time"});
            return (StatusCode::REQUEST_TIMEOUT, Json(why)).into_response();
        }
    };
    let delivery = Delivery {
        id: header("x-github-delivery").unwrap_or_default(),
        event: header("x-github-event").unwrap_or_default(),
        signature,
        body: &body,
    };
    match plane.receive_webhook(delivery).await {
        Ok(received) => {
            let status = match received {
                Received::Queued => StatusCode::ACCEPTED,
                Received::Ignored | Received::Duplicate => StatusCode::OK,
            };
            (status, Json(json!({"received": received}))).into_response()
        }
        Err(no) => refused(&crate::refusal(no)),
    }
}

/// A webhook that is not taken. Anybody may send one, so that it is no news for the log.
fn refused(refusal: &Refusal) -> Response {
    tracing::debug!(code = %refusal.code, why = refusal.message, "a webhook was not taken");
    (crate::status(refusal.code), Json(json!(refusal))).into_response()
}
