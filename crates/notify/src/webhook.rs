//! A receiver of your own: JSON, signed so that it can tell our messages from others and news from repetitions.
//!
//! To verify: take HMAC-SHA256 with the shared key over `TIMESTAMP.ID.BODY`, where the first two are the headers as
//! they came and the third the raw body, and compare it with the header in constant time. To refuse replays: remember
//! the ids.

use domain::notice::clean;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::Sha256;
use url::Url;

use crate::channel::Fault;
use crate::wire::{Post, Wire};
use crate::{Message, Outcome, Settings};

const ID: HeaderName = HeaderName::from_static("x-gapwright-id");
/// The whole Unix second in which the message was said first, not that of the attempt: every attempt of a message is
/// the same to the last byte, and nothing here needs a clock.
const TIMESTAMP: HeaderName = HeaderName::from_static("x-gapwright-timestamp");
/// `v1=` and the signature in lower case hex.
const SIGNATURE: HeaderName = HeaderName::from_static("x-gapwright-signature");

pub(crate) struct Webhook {
    wire: Wire,
    url: Url,
    /// Holds the key already; each message is signed by a copy.
    signer: Hmac<Sha256>,
}

/// What a receiver reads. The text is whole; the level is a field and has no sign in front of the text.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    level: &'static str,
    text: String,
    link: Option<&'a str>,
    created_at: String,
}

/// The shortest key that signs: as long as the hash it makes.
const SECRET_BYTES_MIN: usize = 32;

impl Webhook {
    pub(crate) fn new(url: Url, settings: &Settings) -> Result<Self, Fault> {
        let next = "set notify.signing_secret_file or GAPWRIGHT__NOTIFY__SIGNING_SECRET: at least 32 random characters";
        let secret = settings.signing_secret.as_ref().map(SecretString::expose_secret).map(str::trim);
        let secret = secret.filter(|secret| !secret.is_empty());
        let secret = secret.ok_or_else(|| Fault::new("its messages would go out unsigned", next))?;
        if secret.len() < SECRET_BYTES_MIN {
            return Err(Fault::new("the signing secret is too short to be one", next));
        }
        let signer = Hmac::new_from_slice(secret.as_bytes())
            .map_err(|_| Fault::new("the signing secret is of no use as a key", next))?;
        Ok(Self { wire: Wire::new(&url, settings)?, url, signer })
    }

    pub(crate) async fn send(&self, message: &Message) -> Outcome {
        let body = Body {
            id: &message.id,
            level: message.level.name(),
            text: clean(&message.text),
            link: message.link.as_deref(),
            created_at: message.created_at.iso(),
        };
        let post = serde_json::to_vec(&body).ok().and_then(|body| self.post(message, body));
        let Some(post) = post else {
            return Outcome::Refused { why: "the id of the message cannot travel in a header".to_owned() };
        };
        match self.wire.send(post).await {
            Ok(answer) => answer.outcome(""),
            Err(outcome) => outcome,
        }
    }

    fn post(&self, message: &Message, body: Vec<u8>) -> Option<Post> {
        let secs = message.created_at.0.div_euclid(1_000);
        let mut signer = self.signer.clone();
        signer.update(format!("{secs}.{}.", message.id).as_bytes());
        signer.update(&body);
        let signature = format!("v1={}", hex::encode(signer.finalize().into_bytes()));
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (ID, HeaderValue::from_str(&message.id).ok()?),
            (TIMESTAMP, HeaderValue::from(secs)),
            (SIGNATURE, HeaderValue::from_str(&signature).ok()?),
        ]);
        Some(Post { url: self.url.clone(), headers, body })
    }
}
