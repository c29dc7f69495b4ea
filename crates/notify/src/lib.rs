//! One message to one channel: Discord, Slack, ntfy, a signed webhook, or the log.
//!
//! Each call is one attempt. What is to be sent, when it is tried again, and when it is given up is decided by
//! whoever keeps the queue; nothing here waits, retries, remembers or reads a clock.

mod address;
mod channel;
mod discord;
mod log;
mod ntfy;
mod slack;
mod webhook;
mod wire;

use domain::notice::Level;
use domain::time::{Span, Time};
use secrecy::SecretString;

pub use crate::channel::{BadChannel, Channel};
pub use crate::wire::install_tls;

/// What is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The id of its row in the outbox: unique, and the same for every attempt, so that a receiver can tell a
    /// repetition from news. Visible ASCII.
    pub id: String,
    /// How grave it is.
    pub level: Level,
    /// What is said, at most [`domain::notice::MESSAGE_BYTES_MAX`]; a channel shows as much as it can.
    pub text: String,
    /// Where to read on; shown where the text had to be cut, or where the channel has a place for it.
    pub link: Option<String>,
    /// When it was said first; the same for every attempt.
    pub created_at: Time,
}

/// How one attempt ended.
///
/// No sentence in here holds a secret or the path of an address, so it may be logged, stored and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The channel has taken it.
    Sent,
    /// The channel could not take it now: the network, a fault on its side, too many messages.
    Later {
        /// How long the channel asked us to wait, rounded up to a millisecond; `None` when it did not say.
        after: Option<Span>,
        /// What happened, as a sentence without a full stop.
        why: String,
    },
    /// The receiver turned it away (401, 403, 404): because of a token, a right or an address that somebody has to mend
    /// first, which concerns the whole channel; or because somebody on the way dislikes this very message.
    Barred {
        /// How long to wait, at least ten minutes: what the channel asked for, if that is more.
        after: Span,
        /// What happened, as a sentence without a full stop.
        why: String,
    },
    /// The channel will not take it however often it is tried.
    Refused {
        /// What happened and where to look, as a sentence without a full stop.
        why: String,
    },
}

/// What all channels share.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The token of the Discord bot, needed by `discord://CHANNEL_ID` only; with or without `Bot ` in front.
    pub discord_token: Option<SecretString>,
    /// `host:port` of a Discord proxy, spoken to over plain HTTP; `None` for Discord itself over HTTPS.
    pub discord_api: Option<String>,
    /// The longest an attempt may take, from the connection to the last byte of the answer.
    pub timeout: Span,
    /// The key that signs webhooks, without the white space around it; without one no webhook channel is accepted.
    pub signing_secret: Option<SecretString>,
}

impl Default for Settings {
    /// Nothing is known, and an attempt may take ten seconds: longer than any of these services takes when well,
    /// and short enough that a queue behind one that hangs still moves.
    fn default() -> Self {
        Self { discord_token: None, discord_api: None, timeout: Span::secs(10), signing_secret: None }
    }
}
