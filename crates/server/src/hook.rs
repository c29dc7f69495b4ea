//! Webhooks of the forge: their bytes as they came go to the plane, which proves them before anything is read.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::refusal::Code;
use plane::Plane;
use plane::webhook::{Delivery, Received};
use serde_json::json;

/// The largest webhook that is taken: a forge sends up to 25 MiB, and what is about issues is far below this.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// `POST /hooks/github`
pub(crate) async fn github(State(plane): State<Plane>, headers: HeaderMap, body: Body) -> Response {
    let Ok(body) = to_bytes(body, BYTES_MAX).await else {
        let why = json!({"code": "invalid_argument", "message": "the webhook is too large or broke off"});
        return (StatusCode::PAYLOAD_TOO_LARGE, Json(why)).into_response();
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let delivery = Delivery {
        id: header("x-github-delivery").unwrap_or_default(),
        event: header("x-github-event").unwrap_or_default(),
        signature: header("x-hub-signature-256").or_else(|| header("x-hub-signature")),
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
        Err(no) => {
            let refusal = crate::refusal(no);
            tracing::warn!(code = %refusal.code, why = refusal.message, "a webhook was not taken");
            let status = match refusal.code {
                Code::Unauthenticated => StatusCode::UNAUTHORIZED,
                Code::NotFound => StatusCode::NOT_FOUND,
                Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                Code::InvalidArgument
                | Code::UnknownArgument
                | Code::Forbidden
                | Code::AlreadyExists
                | Code::Held
                | Code::StaleClaim
                | Code::WrongState
                | Code::IdempotencyMismatch
                | Code::ChannelNotAllowed
                | Code::TooManyCalls => StatusCode::BAD_REQUEST,
            };
            (status, Json(json!(refusal))).into_response()
        }
    }
}
