//! A topic on an ntfy server.
//!
//! Published as text with headers rather than as JSON: a server bounds the JSON at twice the text, which a text full
//! of line feeds and quotes exceeds.

use domain::notice::{Level, clean, fit_bytes};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::channel::Fault;
use crate::wire::{Post, Wire};
use crate::{Message, Outcome, Settings};

/// The longest text, in bytes; a server turns a longer one into an attached file.
const MESSAGE_BYTES_MAX: usize = 4_096;

const TITLE: HeaderName = HeaderName::from_static("x-title");
const PRIORITY: HeaderName = HeaderName::from_static("x-priority");
const CLICK: HeaderName = HeaderName::from_static("x-click");

pub(crate) struct Ntfy {
    wire: Wire,
    url: Url,
    authorization: Option<HeaderValue>,
}

impl Ntfy {
    pub(crate) fn new(url: Url, token: Option<&str>, settings: &Settings) -> Result<Self, Fault> {
        let bearer = |token| {
            let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        let fault = || Fault::new("its token cannot travel in a header", "copy the token again");
        let authorization = token.map(|token| bearer(token).ok_or_else(fault)).transpose()?;
        Ok(Self { wire: Wire::new(&url, settings)?, url, authorization })
    }

    pub(crate) async fn send(&self, message: &Message) -> Outcome {
        let link = message.link.as_deref();
        let mut headers = HeaderMap::from_iter([
            (TITLE, HeaderValue::from_static("Gapwright")),
            (PRIORITY, HeaderValue::from_static(priority(message.level))),
        ]);
        headers.extend(self.authorization.clone().map(|value| (AUTHORIZATION, value)));
        headers.extend(link.and_then(click).map(|value| (CLICK, value)));
        let text = format!("{}{}", message.level.prefix(), clean(&message.text));
        let body = fit_bytes(&text, MESSAGE_BYTES_MAX, link).into_bytes();
        match self.wire.send(Post { url: self.url.clone(), headers, body }).await {
            Ok(answer) => answer.outcome(""),
            Err(outcome) => outcome,
        }
    }
}

/// From 1 to 5, where 3 is shown quietly, 4 makes a sound and 5 keeps on making it.
fn priority(level: Level) -> &'static str {
    match level {
        Level::Info => "3",
        Level::Warn => "4",
        Level::Error => "5",
    }
}

/// The link as a header, in the ASCII form of an address; one that has none is left out.
fn click(link: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(Url::parse(link).ok()?.as_str()).ok()
}
