//! The channel that needs nothing: our own log.

use domain::notice::{Level, clean};

use crate::{Message, Outcome};

/// Writes a message to the log at its level, with the channel, the id and the link as fields.
pub(crate) fn write(channel: &str, message: &Message) -> Outcome {
    let Message { id, level, text, link, created_at: _ } = message;
    let (text, link) = (clean(text), link.as_deref());
    match level {
        Level::Info => tracing::info!(channel, id, link, "{text}"),
        Level::Warn => tracing::warn!(channel, id, link, "{text}"),
        Level::Error => tracing::error!(channel, id, link, "{text}"),
    }
    Outcome::Sent
}
