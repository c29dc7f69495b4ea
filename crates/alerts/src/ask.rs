//! One question to one source: bounded in time and in size, and never answered by a guess.

use std::error::Error;
use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::{Response, StatusCode};

use crate::alert::Alert;
use crate::answer::{self, Unreadable};
use crate::source::Source;

/// How long a source has for its whole answer: a page of alerts should not keep its reader waiting for longer.
pub const DEADLINE: Duration = Duration::from_secs(4);
/// The largest answer that is read, in bytes: about five thousand alerts.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Why a source gave no readable answer. None of these repeats what the source wrote, or where it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Silence {
    #[error("no answer within {} s", DEADLINE.as_secs())]
    Deadline,
    #[error("no answer: {0}")]
    NoAnswer(String),
    #[error("the answer broke off")]
    BrokeOff,
    #[error("it points elsewhere (status {0}), and redirects are not followed")]
    Redirect(u16),
    #[error("it refused the token (status {0})")]
    Token(u16),
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("the answer is larger than {} MiB", BODY_BYTES_MAX / 1024 / 1024)]
    TooLarge,
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

pub(crate) async fn ask(client: &reqwest::Client, source: &Source) -> Result<Vec<Alert>, Silence> {
    let answered = async {
        let body = body(send(client, source).await?).await?;
        Ok(answer::read(source.kind(), source.name(), &body)?)
    };
    tokio::time::timeout(DEADLINE, answered).await.map_err(|_| Silence::Deadline)?
}

async fn send(client: &reqwest::Client, source: &Source) -> Result<Response, Silence> {
    let mut request = client.get(source.endpoint().clone()).header(ACCEPT, "application/json");
    if let Some((name, value)) = source.credential() {
        request = request.header(name, value);
    }
    let response = request.send().await.map_err(|fault| Silence::NoAnswer(root_cause(&fault)))?;
    match response.status() {
        StatusCode::OK => Ok(response),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Silence::Token(response.status().as_u16())),
        status if status.is_redirection() => Err(Silence::Redirect(status.as_u16())),
        status => Err(Silence::Status(status.as_u16())),
    }
}

/// Reads chunk by chunk: a source's own word about its length is not a bound.
async fn body(mut response: Response) -> Result<Vec<u8>, Silence> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Silence::BrokeOff)? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(Silence::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The innermost cause, such as `Connection refused (os error 111)`; the outer ones repeat the address.
fn root_cause(fault: &reqwest::Error) -> String {
    let mut cause: &dyn Error = fault;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    crate::alert::clean(&cause.to_string(), 200)
}
