//! A Slack webhook.

use domain::notice::{clean, fit};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;
use url::Url;

use crate::channel::Fault;
use crate::wire::{Post, Wire};
use crate::{Message, Outcome, Settings};

/// The most we show, in characters. Slack takes 40,000; but a message is there to be read, and the link leads on.
const TEXT_CHARS_MAX: usize = 3_000;

pub(crate) struct Slack {
    wire: Wire,
    url: Url,
}

impl Slack {
    pub(crate) fn new(url: Url, settings: &Settings) -> Result<Self, Fault> {
        Ok(Self { wire: Wire::new(&url, settings)?, url })
    }

    pub(crate) async fn send(&self, message: &Message) -> Outcome {
        let body = json!({ "text": text(message), "unfurl_links": false, "unfurl_media": false });
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let post = Post { url: self.url.clone(), headers, body: body.to_string().into_bytes() };
        match self.wire.send(post).await {
            Ok(answer) => answer.outcome(reason(&answer.body)),
            Err(outcome) => outcome,
        }
    }
}

/// What Slack shows. Cut before it is escaped, so that no cut leaves half an `&amp;`; escaped, so that nothing in it
/// is a mention (`<!channel>`, `<@U1>`) or a link in disguise (`<https://a|b>`).
fn text(message: &Message) -> String {
    let text = format!("{}{}", message.level.prefix(), clean(&message.text));
    let text = fit(&text, TEXT_CHARS_MAX, message.link.as_deref());
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The reason in a word, as Slack gives it: `no_service`, `channel_is_archived`. Anything else is not repeated.
fn reason(body: &[u8]) -> &str {
    let is_word = !body.is_empty() && body.len() <= 64 && body.iter().all(|b| b.is_ascii_lowercase() || *b == b'_');
    std::str::from_utf8(body).ok().filter(|_| is_word).unwrap_or_default()
}
