//! The socket: one request after the other on each connection, which may be closed in the middle of one.

use std::fmt;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use futures::{StreamExt as _, stream};
use http::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use super::answer::Answer;
use super::desk::{Desk, Ending};
use super::fault::{Fault, GitFault};
use super::request::Request;
use super::smart;

/// The largest body that is read: more than any that the real one takes.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Why a connection ends without an answer.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the line is cut")
    }
}

impl std::error::Error for Cut {}

/// Answers until it is killed.
pub(super) async fn listen(listener: TcpListener, desk: Arc<Desk>) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, Arc::clone(&desk)));
        }
    }
}

async fn converse(stream: TcpStream, desk: Arc<Desk>) {
    let service = service_fn(move |request| answer(Arc::clone(&desk), request));
    // A connection that breaks is the business of whoever made it.
    let _ = http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(desk: Arc<Desk>, request: http::Request<Incoming>) -> Result<Response<Body>, Cut> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(Body::new(body), BODY_BYTES_MAX).await.map_err(|_| Cut)?;
    if smart::is_git(parts.uri.path()) {
        let fault = desk.git_fault();
        if fault == Some(GitFault::Down) {
            return Ok(write(Answer::refusal(503, "Service Unavailable"), &[]));
        }
        let answer = smart::serve(desk, parts, body).await;
        return if fault == Some(GitFault::Lost) { Err(Cut) } else { Ok(answer) };
    }
    let parsed = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
    let Ok(body) = parsed else {
        return Ok(write(Answer::refusal(400, "Problems parsing JSON"), &[]));
    };
    let request = Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    let (at, met) = desk.meet(&request);
    pass(&desk, &met, &Fault::Held).await?;
    let (working, held) = (Arc::clone(&desk), met.clone());
    let working = tokio::task::spawn_blocking(move || working.handle(&request, at, met));
    let ending = working.await.map_err(|_| Cut)?;
    pass(&desk, &held, &Fault::HeldAfter).await?;
    match ending {
        Ending::Answer(answer, met) => Ok(write(answer, &met)),
        Ending::Drop => Err(Cut),
        Ending::Silence => std::future::pending().await,
    }
}

/// Waits to be let through, for whoever is held.
async fn pass(desk: &Desk, met: &[Fault], gate: &Fault) -> Result<(), Cut> {
    if met.contains(gate) {
        desk.gate.acquire().await.map_err(|_| Cut)?.forget();
    }
    Ok(())
}

/// Writes an answer, with what its body meets on the way.
fn write(answer: Answer, met: &[Fault]) -> Response<Body> {
    let text = answer.body.map(|body| body.to_string()).unwrap_or_default();
    let mut response = Response::builder().status(answer.status);
    if !text.is_empty() {
        response = response.header("content-type", "application/json; charset=utf-8");
    }
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let half = text.len() / 2;
    let body = if met.contains(&Fault::CutBody) {
        let part: Result<Bytes, Cut> = Ok(Bytes::copy_from_slice(&text.as_bytes()[..half]));
        response = response.header("content-length", text.len());
        // One turn in between, so that the first half goes out before the line is cut.
        let cut = async {
            tokio::task::yield_now().await;
            Err(Cut)
        };
        Body::from_stream(stream::once(async { part }).chain(stream::once(cut)))
    } else if met.contains(&Fault::Truncated) {
        Body::from(text.as_bytes()[..half].to_vec())
    } else {
        Body::from(text)
    };
    response.body(body).expect("headers of our own are well formed")
}
