//! What is said to people: how grave it is, what text is allowed, and how a text is made to fit a channel.
//!
//! Where it is sent, and how, is the business of the `notify` crate: nothing here knows a channel.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::refusal::Refusal;

/// The longest message anybody may hand in, in bytes of UTF-8. Far above what any channel shows (Discord 2,000
/// characters, ntfy 4,096 bytes), so that a caller need not count; low enough that a queue of them stays small.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Ends a text that was cut.
const ELLIPSIS: char = '…';

/// How far back, in code points, a cut may move to keep one visible character whole. The longest emoji in use (a
/// family, or the flag of Scotland) has ten or fewer; beyond this the text is not made to be read, and is cut anyway.
const CLUSTER_CHARS_MAX: usize = 32;

/// How grave a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Info,
    /// Somebody should look today.
    Warn,
    /// Somebody should look now.
    Error,
}

impl Level {
    /// Every level, the mildest first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warn, Self::Error];

    /// Reads a level by its name, exactly as [`Level::name`] writes it; anything else is refused.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::ALL.into_iter().find(|level| level.name() == text).ok_or_else(|| {
            Refusal::invalid("level", "level is none of info, warn and error").hint("write info, warn or error")
        })
    }

    /// The level as it travels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// What stands before the text in a channel that people read, with its space; nothing for [`Level::Info`].
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Info => "",
            Self::Warn => "\u{26A0}\u{FE0F} ",
            Self::Error => "\u{1F534} ",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text of a message: 1 byte to [`MESSAGE_BYTES_MAX`], not blank, and [`clean`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Text(String);

impl Text {
    /// Reads the text of a message. The length is measured as it was handed in; control characters are then removed
    /// rather than refused, because they come from the output of programs and carry nothing.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() > MESSAGE_BYTES_MAX {
            let message = format!("message has {} bytes, and at most {MESSAGE_BYTES_MAX} are taken", text.len());
            return Err(Refusal::invalid("message", message).hint("send a summary, and a link to the rest"));
        }
        let clean = clean(text);
        if clean.trim().is_empty() {
            return Err(Refusal::invalid("message", "message is blank").hint("say what happened in a sentence"));
        }
        Ok(Self(clean))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The text without control characters (Unicode `Cc`: escape sequences, NUL, carriage returns), save line feeds and
/// tabs.
pub fn clean(text: &str) -> String {
    text.chars().filter(|char| !char.is_control() || matches!(char, '\n' | '\t')).collect()
}

/// The text in at most `chars_max` characters, counted in UTF-16 code units, which is never fewer than Discord
/// counts.
///
/// A text that fits comes back unchanged, without the link. One that does not is cut, never through a character or
/// an emoji of several code points, and ends with `…` and, where given, a space and the link. A link that does not
/// fit even by itself is dropped, because half a link leads nowhere.
pub fn fit(text: &str, chars_max: usize, link: Option<&str>) -> String {
    fit_by(text, chars_max, link, char::len_utf16)
}

/// The text in at most `bytes_max` bytes of UTF-8, otherwise as [`fit`].
pub fn fit_bytes(text: &str, bytes_max: usize, link: Option<&str>) -> String {
    fit_by(text, bytes_max, link, char::len_utf8)
}

fn fit_by(text: &str, max: usize, link: Option<&str>, measure: fn(char) -> usize) -> String {
    let width = |text: &str| text.chars().map(measure).sum::<usize>();
    if width(text) <= max {
        return text.to_owned();
    }
    let tail = link.map(|link| format!("{ELLIPSIS} {link}")).filter(|tail| width(tail) <= max);
    let tail = tail.unwrap_or_else(|| ELLIPSIS.to_string());
    let Some(room) = max.checked_sub(width(&tail)) else { return String::new() };
    format!("{}{tail}", text[..cut(text, room, measure)].trim_end())
}

/// The byte at which to cut `text` so that what stands before it measures at most `room`.
fn cut(text: &str, room: usize, measure: fn(char) -> usize) -> usize {
    let mut used = 0;
    let fits = text.char_indices().find(|(_, char)| {
        used += measure(*char);
        used > room
    });
    let end = fits.map_or(text.len(), |(at, _)| at);
    let back = text[..end].char_indices().rev().map(|(at, _)| at).take(CLUSTER_CHARS_MAX);
    std::iter::once(end).chain(back).find(|at| !inside_cluster(text, *at)).unwrap_or(end)
}

/// Whether the byte `at` lies within one visible character: before something that attaches to what precedes it, after
/// a joiner, or between the two letters of a flag.
fn inside_cluster(text: &str, at: usize) -> bool {
    let (before, after) = text.split_at(at);
    let (Some(last), Some(next)) = (before.chars().next_back(), after.chars().next()) else { return false };
    let flag_letters = || before.chars().rev().take_while(|char| is_flag_letter(*char)).count();
    attaches(next) || last == '\u{200D}' || (is_flag_letter(next) && flag_letters() % 2 == 1)
}

/// Combining marks, joiners, variation selectors, skin tones and the tags that spell a region's flag. Not all of
/// Unicode's rules for clusters: the ones met in messages.
fn attaches(char: char) -> bool {
    matches!(char,
        '\u{0300}'..='\u{036F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}'
        | '\u{200D}' | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}'
        | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}' | '\u{E0100}'..='\u{E01EF}')
}

fn is_flag_letter(char: char) -> bool {
    matches!(char, '\u{1F1E6}'..='\u{1F1FF}')
}

#[cfg(test)]
mod tests;
