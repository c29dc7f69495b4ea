//! Looks at a message before the protocol does: what is no JSON, or too much of it, gets an answer that says so.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The largest message: a payload of 256 KiB and a summary of 64 KiB fit several times over.
pub(crate) const BYTES_MAX: usize = 1024 * 1024;

/// The deepest message: a payload of 64 levels, within its request, and some room to say by how much it is too deep.
const LEVELS_MAX: usize = 100;

/// What is wrong with a message.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It is longer than [`BYTES_MAX`], or broke off.
    TooLarge,
    /// It is JSON, and no object.
    NoObject,
    /// It is an object, and neither asks nor answers anything.
    NoMessage,
    /// It is nested deeper than [`LEVELS_MAX`].
    TooDeep,
    /// It is no JSON, for this reason.
    NoJson(String),
}

/// Whether this is one message of the protocol, as far as can be told without knowing its method.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Unreadable> {
    let message: Value = serde_json::from_slice(bytes).map_err(|error| Unreadable::NoJson(error.to_string()))?;
    let Value::Object(object) = &message else { return Err(Unreadable::NoObject) };
    if !["method", "result", "error"].iter().any(|key| object.contains_key(*key)) {
        return Err(Unreadable::NoMessage);
    }
    if is_deeper(&message, LEVELS_MAX) { Err(Unreadable::TooDeep) } else { Ok(()) }
}

/// Whether a value is nested deeper than so many levels.
fn is_deeper(value: &Value, levels: usize) -> bool {
    let Some(inner) = levels.checked_sub(1) else { return true };
    match value {
        Value::Object(object) => object.values().any(|value| is_deeper(value, inner)),
        Value::Array(items) => items.iter().any(|value| is_deeper(value, inner)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
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
            Self::NoMessage => (
                -32_600,
                "the request has no method".to_owned(),
                "send a JSON-RPC request, such as one with the method tools/list",
            ),
            Self::TooDeep => (
                -32_600,
                format!("the request is nested deeper than {LEVELS_MAX} levels"),
                "a payload may have 64 levels: flatten it, or store it elsewhere and pass a link",
            ),
            Self::NoJson(why) => (
                -32_700,
                format!("the request is no JSON: {why}"),
                "send one JSON-RPC request as JSON; NaN, Infinity and half a surrogate pair are none",
            ),
        };
        let data = json!({"code": "invalid_argument", "message": message, "hint": hint});
        json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": message, "data": data}})
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoObject | Self::NoMessage | Self::TooDeep | Self::NoJson(_) => StatusCode::BAD_REQUEST,
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
