//! A Discord channel, written to by our bot or by a webhook.
//!
//! twilight knows the routes, the types and the errors. Its client is not used: it answers 429 by asking again at
//! once, holding the message in a task instead of the queue; it writes the path, and with it the token of a webhook,
//! into the log; and it panics on a machine without certificates.

use domain::notice::{clean, fit};
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};
use twilight_http::API_VERSION;
use twilight_http::api_error::{GeneralApiError, RatelimitedApiError};
use twilight_http::routing::Route;
use twilight_model::channel::message::{AllowedMentions, MessageFlags};
use url::Url;

use crate::channel::Fault;
use crate::wire::{Answer, Post, Wire, span_of_secs};
use crate::{Message, Outcome, Settings};

/// The longest content of a message, in characters.
const CONTENT_CHARS_MAX: usize = 2_000;

/// The longest nonce, in characters, is 25; hex comes in pairs.
const NONCE_CHARS: usize = 24;

/// Discord turns away programs that do not introduce themselves as this.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("DiscordBot (gapwright, ", env!("CARGO_PKG_VERSION"), ")"));

pub(crate) struct Discord {
    wire: Wire,
    url: Url,
    /// The channel and the token of the bot; none for a webhook, whose address says it all.
    bot: Option<(u64, HeaderValue)>,
}

#[derive(Serialize)]
struct Body<'a> {
    content: &'a str,
    /// Nobody is ever called: a text may quote what a stranger wrote.
    allowed_mentions: AllowedMentions,
    flags: MessageFlags,
    /// Under one nonce Discord makes one message within a few minutes, so that an attempt whose answer was lost is not
    /// seen twice. Webhooks have no such thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enforce_nonce: Option<bool>,
}

impl Discord {
    /// The channel `id`, written to by the bot of the settings.
    pub(crate) fn bot(id: u64, settings: &Settings) -> Result<Self, Fault> {
        let next = "set the Discord bot token, or use a webhook: discord://WEBHOOK_ID/WEBHOOK_TOKEN";
        let token = settings.discord_token.as_ref().map(SecretString::expose_secret).map(str::trim_start);
        let token = token.map(|token| token.strip_prefix("Bot ").unwrap_or(token).trim());
        let token = token.filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| Fault::new("it needs a bot, and no Discord bot token is set", next))?;
        let mut header = HeaderValue::try_from(format!("Bot {token}"))
            .map_err(|_| Fault::new("the Discord bot token cannot travel in a header", "copy the token again"))?;
        header.set_sensitive(true);
        Self::new(&Route::CreateMessage { channel_id: id }, Some((id, header)), settings)
    }

    /// The channel of a webhook.
    pub(crate) fn webhook(id: u64, token: &str, settings: &Settings) -> Result<Self, Fault> {
        // Without `wait` Discord answers before it has made the message, and what it then refuses is lost.
        let route =
            Route::ExecuteWebhook { webhook_id: id, token, wait: Some(true), thread_id: None, with_components: None };
        Self::new(&route, None, settings)
    }

    fn new(route: &Route<'_>, bot: Option<(u64, HeaderValue)>, settings: &Settings) -> Result<Self, Fault> {
        let fault = || Fault::new("the address of the Discord proxy cannot be read", "write it as host:port");
        let base = match &settings.discord_api {
            Some(proxy) => Url::parse(&format!("http://{proxy}")).ok().filter(|url| url.path() == "/"),
            None => Url::parse("https://discord.com").ok(),
        };
        let url = base.and_then(|base| base.join(&format!("/api/v{API_VERSION}/{route}")).ok()).ok_or_else(fault)?;
        Ok(Self { wire: Wire::new(&url, settings)?, url, bot })
    }

    /// The channel the bot writes to.
    pub(crate) fn channel_id(&self) -> Option<u64> {
        self.bot.as_ref().map(|(id, _)| *id)
    }

    pub(crate) async fn send(&self, message: &Message) -> Outcome {
        let text = format!("{}{}", message.level.prefix(), clean(&message.text));
        let body = Body {
            content: &fit(&text, CONTENT_CHARS_MAX, message.link.as_deref()),
            allowed_mentions: AllowedMentions::default(),
            flags: MessageFlags::SUPPRESS_EMBEDS,
            nonce: self.channel_id().map(|channel| nonce(channel, &message.id)),
            enforce_nonce: self.channel_id().map(|_| true),
        };
        let Ok(body) = serde_json::to_vec(&body) else {
            return Outcome::Refused { why: "the message cannot be written as JSON".to_owned() };
        };
        let mut headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json")), (USER_AGENT, AGENT)]);
        headers.extend(self.bot.clone().map(|(_, token)| (AUTHORIZATION, token)));
        match self.wire.send(Post { url: self.url.clone(), headers, body }).await {
            Ok(answer) => outcome(answer),
            Err(outcome) => outcome,
        }
    }
}

/// What an answer means. Discord says in the body how long to wait, in milliseconds, and in the header only in seconds.
fn outcome(mut answer: Answer) -> Outcome {
    if answer.status == StatusCode::TOO_MANY_REQUESTS {
        let limit = serde_json::from_slice::<RatelimitedApiError>(&answer.body).ok();
        answer.retry_after = limit.and_then(|limit| span_of_secs(limit.retry_after)).or(answer.retry_after);
    }
    let error = serde_json::from_slice::<GeneralApiError>(&answer.body).ok();
    let code = error.filter(|error| error.code != 0).map(|error| format!("code {}", error.code));
    let hint = match answer.status {
        StatusCode::UNAUTHORIZED => Some("check the token"),
        StatusCode::FORBIDDEN => Some("let the bot see the channel and send messages in it"),
        StatusCode::NOT_FOUND => Some("the channel or the webhook is gone"),
        _ => None,
    };
    let detail = code.into_iter().chain(hint.map(str::to_owned)).collect::<Vec<_>>();
    answer.outcome(&detail.join(", "))
}

/// The same for every attempt at one message in one channel, and different for any other.
fn nonce(channel: u64, id: &str) -> String {
    let digest = Sha256::digest(format!("{channel}.{id}"));
    hex::encode(&digest[..NONCE_CHARS / 2])
}
