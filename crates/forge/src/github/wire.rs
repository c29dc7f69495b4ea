//! One bounded request, sent once. Nothing here decides, waits or repeats.
//!
//! No redirect is followed, and no error of the HTTP library shown: they carry addresses.

use std::error::Error;
use std::time::{Duration, UNIX_EPOCH};

use domain::notice::fit;
use domain::time::{Span, Time};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LINK, LOCATION,
    RETRY_AFTER,
};
use reqwest::{Client, Method, Response, StatusCode, redirect, retry};
use serde::de::IgnoredAny;
use url::Url;

use super::call::Call;
use super::settings::Bad;

/// The largest answer that is read, in bytes: thirty of the longest bodies, of 65,536 characters of four bytes.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long to wait for a connection at most. It must end before the whole request does, or nobody knows whether the
/// request was sent.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Who we say we are; GitHub turns away who does not.
const USER_AGENT: &str = concat!("gapwright/", env!("CARGO_PKG_VERSION"));

/// How many characters of GitHub's own words are kept.
const WORDS_CHARS_MAX: usize = 300;

/// The way to one API.
#[derive(Debug)]
pub(super) struct Wire {
    base: String,
    timeout: Duration,
    client: Client,
    /// Every request of this one has a connection of its own: one that was kept may just be closing, and what was
    /// written into it could have been read or not.
    fresh: Client,
}

/// An answer that came in time and whole.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Broke {
    /// Nothing was sent.
    Before(String),
    /// It was sent, or may have been.
    After(String),
}

impl Wire {
    pub(super) fn new(base: &Url, timeout: Duration) -> Result<Self, Bad> {
        // Fails only when somebody else was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = |keep: usize| {
            let client = Client::builder()
                .user_agent(USER_AGENT)
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .timeout(timeout)
                .connect_timeout(CONNECT_MAX.min(timeout / 2))
                .pool_max_idle_per_host(keep);
            let client = match base.scheme() {
                "https" => client.https_only(true),
                _ => client.no_proxy().tls_certs_only([]),
            };
            let bad =
                |_| Bad::new("TLS cannot be set up on this machine", "install the certificates (ca-certificates)");
            client.build().map_err(bad)
        };
        let base_text = base.as_str().trim_end_matches('/').to_owned();
        Ok(Self { base: base_text, timeout, client: client(usize::MAX)?, fresh: client(0)? })
    }

    pub(super) async fn send(&self, call: &Call, pass: &HeaderValue, etag: Option<&str>) -> Result<Answer, Broke> {
        let mark = if call.query.is_empty() { "" } else { "?" };
        let url = format!("{}{}{mark}{}", self.base, call.path, call.query);
        let client = if call.route.method == Method::GET { &self.client } else { &self.fresh };
        let mut request = client
            .request(call.route.method.clone(), url)
            .header(ACCEPT, "application/vnd.github+json")
            .header("X-GitHub-Api-Version", "2022-11-28")
            .header(AUTHORIZATION, pass.clone());
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let response = request.send().await.map_err(|error| self.unanswered(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        match read(response).await {
            // Whoever repeats what he was shown is not quoted.
            Ok(body) if !status.is_success() && holds(&body, pass) => Ok(Answer { status, headers, body: Vec::new() }),
            Ok(body) => Ok(Answer { status, headers, body }),
            // What it refused it refused, whatever else it wanted to say.
            Err(_) if !status.is_success() => Ok(Answer { status, headers, body: Vec::new() }),
            Err(why) => Err(Broke::After(why)),
        }
    }

    fn unanswered(&self, error: &reqwest::Error) -> Broke {
        if error.is_connect() || error.is_builder() {
            Broke::Before(format!("GitHub could not be reached: {}", root(error)))
        } else if error.is_timeout() {
            Broke::After(format!("GitHub did not answer within {} ms", self.timeout.as_millis()))
        } else {
            Broke::After("the connection to GitHub broke".to_owned())
        }
    }
}

impl Answer {
    fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn count(&self, name: &'static str) -> Option<i64> {
        self.header(HeaderName::from_static(name))?.trim().parse().ok()
    }

    pub(super) fn etag(&self) -> Option<&str> {
        self.header(ETAG)
    }

    pub(super) fn link(&self) -> Option<&str> {
        self.header(LINK)
    }

    pub(super) fn location(&self) -> Option<&str> {
        self.header(LOCATION)
    }

    /// How long it asks to be left alone. The header's other form, a date, GitHub does not use.
    pub(super) fn retry_after(&self) -> Option<Span> {
        self.header(RETRY_AFTER)?
            .trim()
            .parse()
            .ok()
            .filter(|secs| (0..=u32::MAX.into()).contains(secs))
            .map(Span::secs)
    }

    /// When GitHub says that it is.
    pub(super) fn date(&self) -> Option<Time> {
        let since_epoch = httpdate::parse_http_date(self.header(DATE)?).ok()?.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since_epoch.as_millis()).ok().map(Time)
    }

    /// How many requests are left of this hour's.
    pub(super) fn remaining(&self) -> Option<i64> {
        self.count("x-ratelimit-remaining")
    }

    /// When the next hour's begin, in Unix seconds.
    pub(super) fn reset(&self) -> Option<i64> {
        self.count("x-ratelimit-reset")
    }

    /// The rights that GitHub says would do.
    pub(super) fn rights(&self) -> Option<String> {
        self.header(HeaderName::from_static("x-accepted-github-permissions")).map(clean).filter(|said| !said.is_empty())
    }

    /// Whether the body is JSON to its end, or nothing.
    pub(super) fn whole(&self) -> bool {
        self.body.is_empty() || serde_json::from_slice::<IgnoredAny>(&self.body).is_ok()
    }

    /// GitHub's own words: its sentence and its first error, cleaned and cut.
    pub(super) fn words(&self) -> String {
        let said: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let message = said["message"].as_str().unwrap_or_default();
        let error = &said["errors"][0];
        let text = |key: &str| error[key].as_str().filter(|text| !text.is_empty());
        let code = || {
            let parts: Vec<_> = [text("resource"), text("field"), text("code")].into_iter().flatten().collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        };
        let error = error.as_str().or_else(|| text("message")).map(str::to_owned).or_else(code);
        let parts: Vec<_> = [Some(message.to_owned()), error].into_iter().flatten().filter(|s| !s.is_empty()).collect();
        if parts.is_empty() { self.status.to_string() } else { clean(&parts.join(": ")) }
    }
}

/// Somebody else's words on one line, without control characters, cut.
pub(super) fn clean(text: &str) -> String {
    let line: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    fit(line.trim(), WORDS_CHARS_MAX, None)
}

/// Reads chunk by chunk: what it says of its own length is no bound.
async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| "the answer of GitHub broke off".to_owned())? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(format!("the answer of GitHub is larger than {} MiB", ANSWER_BYTES_MAX / 1024 / 1024));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Whether a token is in a text.
fn holds(text: &[u8], pass: &HeaderValue) -> bool {
    let token = pass.as_bytes().strip_prefix(b"Bearer ").unwrap_or_default();
    !token.is_empty() && text.windows(token.len()).any(|part| part == token)
}

/// The innermost cause: what the system or TLS said, without the address that the outer ones repeat.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if cause.downcast_ref::<reqwest::Error>().is_some() {
        "no connection".to_owned()
    } else {
        clean(&cause.to_string())
    }
}
