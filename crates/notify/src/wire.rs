//! One bounded HTTP request, and what its answer means for the message.
//!
//! No redirect is followed, no request repeated, and no error of the HTTP library shown: they carry addresses.

use std::error::Error;
use std::time::Duration;

use domain::time::Span;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect, retry};
use url::Url;

use crate::channel::Fault;
use crate::{Outcome, Settings};

/// How much of an answer is read, in bytes. The answers we look into have a few hundred.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How long to wait after an answer that a person has to mend: often enough to notice soon that somebody has, seldom
/// enough not to be locked out meanwhile.
const MEND_WAIT: Span = Span::mins(10);

/// Who we say we are.
const USER_AGENT: &str = concat!("Gapwright/", env!("CARGO_PKG_VERSION"));

/// The way to one host.
pub(crate) struct Wire {
    client: Client,
    host: String,
    timeout: Span,
}

/// A request, ready to go.
pub(crate) struct Post {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// An answer that came in time.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// The header `Retry-After` in seconds. Its other form, a date, is left out: it takes a clock to read.
    pub(crate) retry_after: Option<Span>,
    /// The first [`ANSWER_BYTES_MAX`] bytes; empty when the channel took the message, or the rest did not come.
    pub(crate) body: Vec<u8>,
    host: String,
}

/// Makes rustls use ring in this process, unless it uses something already. May be called any number of times.
pub fn install_tls() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails only when somebody else was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

impl Wire {
    /// A way to the host of `url`. The proxy of the environment (`HTTPS_PROXY`) is used for HTTPS, and never for
    /// plain HTTP, which is for this machine and this network and needs no certificates either.
    pub(crate) fn new(url: &Url, settings: &Settings) -> Result<Self, Fault> {
        install_tls();
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .timeout(settings.timeout.duration());
        let client = match url.scheme() {
            "https" => client.https_only(true),
            _ => client.no_proxy().tls_certs_only([]),
        };
        let fault =
            |_| Fault::new("TLS cannot be set up on this machine", "install the certificates (ca-certificates)");
        let host = url.host_str().unwrap_or_default().to_owned();
        Ok(Self { client: client.build().map_err(fault)?, host, timeout: settings.timeout })
    }

    /// Sends a request once; the error is the outcome when there was no answer.
    pub(crate) async fn send(&self, post: Post) -> Result<Answer, Outcome> {
        let request = self.client.post(post.url).headers(post.headers).body(post.body);
        let response = request.send().await.map_err(|error| self.unanswered(&error))?;
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
        let body = if status.is_success() { Vec::new() } else { read(response).await };
        Ok(Answer { status, retry_after, body, host: self.host.clone() })
    }

    fn unanswered(&self, error: &reqwest::Error) -> Outcome {
        let (host, timeout) = (&self.host, self.timeout);
        if error.is_builder() {
            return Outcome::Refused { why: format!("the request to {host} could not be written") };
        }
        let why = if error.is_timeout() {
            format!("{host} did not answer within {timeout}")
        } else if error.is_connect() {
            format!("{host} could not be reached: {}", root(error))
        } else {
            format!("the connection to {host} broke")
        };
        Outcome::Later { after: None, why }
    }
}

impl Answer {
    /// What the answer means: taken, try again, barred, or never. `detail` is appended to the sentence when not empty,
    /// and must hold no secret.
    pub(crate) fn outcome(&self, detail: &str) -> Outcome {
        let Self { status, retry_after, body: _, host } = self;
        if status.is_success() {
            return Outcome::Sent;
        }
        let detail = if status.is_redirection() { "write the address it leads to" } else { detail };
        let colon = if detail.is_empty() { "" } else { ": " };
        let why = format!("{host} answered {status}{colon}{detail}");
        let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
        // A token that is being rotated, a right that is missing, a webhook that was made anew: mostly nothing is wrong
        // with the message.
        let mendable = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND];
        if mendable.contains(status) {
            Outcome::Barred { after: retry_after.unwrap_or(MEND_WAIT).max(MEND_WAIT), why }
        } else if status.is_server_error() || passing.contains(status) {
            Outcome::Later { after: *retry_after, why }
        } else {
            Outcome::Refused { why }
        }
    }
}

/// So many seconds, rounded up to a millisecond so that we are never early; `None` for what is no length of time.
pub(crate) fn span_of_secs(secs: f64) -> Option<Span> {
    let nanos = Duration::try_from_secs_f64(secs).ok()?.as_nanos();
    i64::try_from(nanos.div_ceil(1_000_000)).ok().map(Span)
}

fn retry_after(headers: &HeaderMap) -> Option<Span> {
    span_of_secs(headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?)
}

/// Reads a bounded answer; one that breaks off counts as far as it came.
async fn read(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < ANSWER_BYTES_MAX {
        let Ok(Some(chunk)) = response.chunk().await else { break };
        body.extend_from_slice(&chunk[..chunk.len().min(ANSWER_BYTES_MAX - body.len())]);
    }
    body
}

/// The innermost cause: what the system or TLS said, without the address that the outer ones repeat.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if cause.downcast_ref::<reqwest::Error>().is_some() { "no connection".to_owned() } else { cause.to_string() }
}
