//! Looks at a message before the protocol does: what is no JSON, or too much of it, gets an answer that says so.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// The largest message: a payload of 256 KiB and a summary of 64 KiB fit several times over.
pub(crate) const BYTES_MAX: usize = 1024 * 1024;

/// What is wrong with a message.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It is longer than [`BYTES_MAX`], or broke off.
    TooLarge,
    /// It is JSON, and no object.
    NoObject,
    /// It is no JSON, for this reason.
    NoJson(String),
}

/// Whether this is one JSON object.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Unreadable> {
    let object = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(_) if object => Ok(()),
        Ok(_) => Err(Unreadable::NoObject),
        Err(error) => Err(Unreadable::NoJson(error.to_string())),
    }
}

impl Unreadable {
    /// The error of the protocol, to a request whose id is not known.
    pub(crate) fn answer(&self) -> Value {
        let (code, message, hint) = match self {
            Self::TooLarge => (
                -32_600,
                "the request is too large or broke off".to_owned(),
                "send at most 1 MiB: store the rest elsewhere and pass a link",
            ),
            Self::NoObject => (
                -32_600,
                "the request is no JSON object".to_owned(),
                "send one request at a time; the protocol has no batches",
            ),
            Self::NoJson(why) => (
                -32_700,
                format!("the request is no JSON: {why}"),
                "NaN and Infinity are no JSON either: give a whole number",
            ),
        };
        let data = json!({"code": "invalid_argument", "message": message, "hint": hint});
        json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": message, "data": data}})
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoObject | Self::NoJson(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// Lets a request on whose body is one JSON object.
pub(crate) async fn readable(request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let read = to_bytes(body, BYTES_MAX).await.map_err(|_| Unreadable::TooLarge);
    match read.and_then(|bytes| check(&bytes).map(|()| bytes)) {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(unreadable) => (unreadable.status(), Json(unreadable.answer())).into_response(),
    }
}
