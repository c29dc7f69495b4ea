//! A channel by name: read from its address once, then sent to.
//!
//! What an address may look like is in `address`; what each kind of channel is told is in the file of that kind.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::address::{self, Address};
use crate::discord::Discord;
use crate::ntfy::Ntfy;
use crate::slack::Slack;
use crate::webhook::Webhook;
use crate::{Message, Outcome, Settings, log};

/// Somewhere to say things. Its `Debug` shows the name and the kind, never the address.
pub struct Channel {
    name: String,
    kind: Kind,
}

enum Kind {
    Log,
    Discord(Discord),
    Slack(Slack),
    Ntfy(Ntfy),
    Webhook(Webhook),
}

/// A channel that cannot be used as it is configured; the address, being a secret, is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("channel `{name}` cannot be used: {why}; {next}")]
pub struct BadChannel {
    /// The channel's name.
    pub name: String,
    /// What is wrong with it.
    pub why: String,
    /// What to do about it.
    pub next: String,
}

/// What is wrong with a channel, before anybody has said which.
pub(crate) struct Fault {
    pub(crate) why: String,
    pub(crate) next: String,
}

impl Fault {
    pub(crate) fn new(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { why: why.into(), next: next.into() }
    }
}

impl Channel {
    /// Reads a channel from its address, which is one of:
    ///
    /// | address | goes to |
    /// |---|---|
    /// | `log://` | our own log |
    /// | `discord://CHANNEL_ID` | a Discord channel, as the bot of the settings |
    /// | `discord://WEBHOOK_ID/WEBHOOK_TOKEN`, `https://discord.com/api/webhooks/ID/TOKEN` | a Discord webhook |
    /// | `slack://hooks/T000/B000/SECRET`, `https://hooks.slack.com/services/T000/B000/SECRET` | a Slack webhook |
    /// | `slack+http://127.0.0.1:PORT/PATH` | something that speaks like Slack, on this machine only |
    /// | `ntfy://HOST/TOPIC` | an ntfy topic; `TOKEN@` before the host if it needs one |
    /// | `ntfy+http://127.0.0.1:PORT/TOPIC` | the same, on this machine only |
    /// | `webhook+https://…` | a receiver of signed JSON |
    /// | `webhook+http://…` | the same, on this machine only |
    ///
    /// Nothing is sent. Installs the TLS provider if the process has none ([`crate::install_tls`]).
    ///
    /// # Errors
    /// When the address is none of these, when it needs a setting that is missing, or when no certificates of
    /// authorities are found on this machine.
    pub fn parse(name: &str, url: &SecretString, settings: &Settings) -> Result<Self, BadChannel> {
        let kind = address::parse(url.expose_secret()).and_then(|address| Kind::new(address, settings));
        let bad = |Fault { why, next }| BadChannel { name: name.to_owned(), why, next };
        Ok(Self { name: name.to_owned(), kind: kind.map_err(bad)? })
    }

    /// The name it is called by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What kind of channel it is: `log`, `discord`, `slack`, `ntfy` or `webhook`.
    pub fn kind(&self) -> &'static str {
        match &self.kind {
            Kind::Log => "log",
            Kind::Discord(_) => "discord",
            Kind::Slack(_) => "slack",
            Kind::Ntfy(_) => "ntfy",
            Kind::Webhook(_) => "webhook",
        }
    }

    /// The id of the Discord channel, when the bot writes to one. A Discord webhook has none: which channel it
    /// writes to is known to Discord only.
    pub fn discord_id(&self) -> Option<u64> {
        match &self.kind {
            Kind::Discord(discord) => discord.channel_id(),
            Kind::Log | Kind::Slack(_) | Kind::Ntfy(_) | Kind::Webhook(_) => None,
        }
    }

    /// Tries once to send a message, within the timeout of the settings.
    ///
    /// A message may arrive twice: when the channel took it and the answer was lost, this says
    /// [`Outcome::Later`], and the next attempt repeats it under the same id. Discord's bot interface and a
    /// webhook's receiver can tell; the others cannot.
    pub async fn send(&self, message: &Message) -> Outcome {
        match &self.kind {
            Kind::Log => log::write(&self.name, message),
            Kind::Discord(discord) => discord.send(message).await,
            Kind::Slack(slack) => slack.send(message).await,
            Kind::Ntfy(ntfy) => ntfy.send(message).await,
            Kind::Webhook(webhook) => webhook.send(message).await,
        }
    }
}

impl Kind {
    fn new(address: Address, settings: &Settings) -> Result<Self, Fault> {
        Ok(match address {
            Address::Log => Self::Log,
            Address::DiscordChannel { id } => Self::Discord(Discord::bot(id, settings)?),
            Address::DiscordWebhook { id, token } => Self::Discord(Discord::webhook(id, &token, settings)?),
            Address::Slack { url } => Self::Slack(Slack::new(url, settings)?),
            Address::Ntfy { url, token } => Self::Ntfy(Ntfy::new(url, token.as_deref(), settings)?),
            Address::Webhook { url } => Self::Webhook(Webhook::new(url, settings)?),
        })
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("name", &self.name).field("kind", &self.kind()).finish_non_exhaustive()
    }
}
