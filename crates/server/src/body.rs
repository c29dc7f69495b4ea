//! Looks at a request's body before the protocol does: what is no JSON, or too much of it, gets an answer that says so.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::IgnoredAny;
use serde_json::json;

/// The largest request: a payload of 256 KiB and a summary of 64 KiB fit several times over.
pub(crate) const BYTES_MAX: usize = 1024 * 1024;

/// Lets a request on whose body is one JSON object.
pub(crate) async fn readable(request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, BYTES_MAX).await else {
        let hint = "send at most 1 MiB: store the rest elsewhere and pass a link";
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, -32_600, "the request is too large or broke off", hint);
    };
    let object = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    match serde_json::from_slice::<IgnoredAny>(&bytes) {
        Ok(_) if object => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(_) => {
            let hint = "send one request at a time; the protocol has no batches";
            refuse(StatusCode::BAD_REQUEST, -32_600, "the request is no JSON object", hint)
        }
        Err(error) => {
            let message = format!("the request is no JSON: {error}");
            refuse(
                StatusCode::BAD_REQUEST,
                -32_700,
                &message,
                "NaN and Infinity are no JSON either: give a whole number",
            )
        }
    }
}

/// An error of the protocol to a request whose id is not known.
fn refuse(status: StatusCode, code: i32, message: &str, hint: &str) -> Response {
    let data = json!({"code": "invalid_argument", "message": message, "hint": hint});
    let error = json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": message, "data": data}});
    (status, Json(error)).into_response()
}
