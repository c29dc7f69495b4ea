//! The channel that needs nothing: our own log.

use std::fmt::Write as _;

use domain::notice::{Level, clean};

use crate::{Message, Outcome};

/// Writes a message to the log at its level, with the channel, the id and the link as fields.
pub(crate) fn write(channel: &str, message: &Message) -> Outcome {
    let Message { id, level, text, link, created_at: _ } = message;
    let (text, link) = (one_line(&clean(text)), link.as_deref());
    match level {
        Level::Info => tracing::info!(channel, id, link, "{text}"),
        Level::Warn => tracing::warn!(channel, id, link, "{text}"),
        Level::Error => tracing::error!(channel, id, link, "{text}"),
    }
    Outcome::Sent
}

/// The text in one line, so that nothing in it can be taken for a line of the log: what breaks a line or is not seen is
/// written as an escape.
fn one_line(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, letter| {
        if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') {
            // Writing to a text cannot fail.
            let _ = write!(line, "{}", letter.escape_default());
        } else {
            line.push(letter);
        }
        line
    })
}
