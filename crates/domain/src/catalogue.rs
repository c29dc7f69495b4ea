//! What the served tools' words may be, so that no gateway on the way thins them.
//!
//! A gateway once dropped two of sixteen tools in silence for a character in their descriptions. These rules are the
//! union of what every version of that gateway forbids or rewrites; a text that keeps them arrives as it was written.

use sha2::{Digest, Sha256};

/// The longest description, in characters: clients cut what is longer.
pub const DESCRIPTION_CHARS_MAX: usize = 2_000;
/// The longest tool name, in characters.
pub const NAME_CHARS_MAX: usize = 64;

/// Characters that some gateway escapes, strips or forbids.
const FORBIDDEN: [char; 9] = [';', '&', '|', '<', '>', '`', '"', '\'', '$'];

/// What is wrong with a tool's name; empty when nothing is.
pub fn name_faults(name: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if name.is_empty() || name.len() > NAME_CHARS_MAX {
        faults.push(format!("the name has {} characters, not 1 to {NAME_CHARS_MAX}", name.len()));
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        faults.push("the name does not begin with a small letter".to_owned());
    }
    if let Some(c) = name.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-')) {
        faults.push(format!("the name has the character {c:?}"));
    }
    faults
}

/// What is wrong with a description, title, prompt or instruction; empty when nothing is.
pub fn text_faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if text.trim().is_empty() {
        faults.push("the text is empty".to_owned());
    }
    let chars = text.chars().count();
    if chars > DESCRIPTION_CHARS_MAX {
        faults.push(format!("the text has {chars} characters, more than {DESCRIPTION_CHARS_MAX}"));
    }
    if let Some(c) = text.chars().find(|c| FORBIDDEN.contains(c) || !(c.is_ascii_graphic() || matches!(c, ' ' | '\n')))
    {
        faults.push(format!("the text has the character {c:?}"));
    }
    if let Some(word) = handler_like(text) {
        faults.push(format!("the text has {word:?}, which reads like an event handler"));
    }
    faults
}

/// A word such as `only=`: scanners for scripts take every word that begins with `on` and ends in `=` for a handler.
fn handler_like(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let mut rest = lower.as_str();
    while let Some(at) = rest.find('=') {
        let word: String = rest[..at].trim_end().chars().rev().take_while(char::is_ascii_alphabetic).collect();
        let word: String = word.chars().rev().collect();
        if word.len() > 2 && word.starts_with("on") {
            return Some(format!("{word}="));
        }
        rest = &rest[at + 1..];
    }
    None
}

/// The hash of a catalogue: every name and description, in the order of the names.
pub fn hash(tools: impl IntoIterator<Item = (String, String)>) -> String {
    let mut tools: Vec<_> = tools.into_iter().collect();
    tools.sort();
    let mut hash = Sha256::new();
    for (name, description) in tools {
        for text in [name, description] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_that_a_gateway_would_drop_or_rewrite_is_found() {
        for text in [
            "a; b",
            "a && b",
            "a || b",
            "a & b",
            "$(a)",
            "a | b",
            "a > b",
            "a < b",
            "<name>",
            "`a`",
            "\"a\"",
            "it's",
            "a\tb",
            "caf\u{e9}",
            "due only=true",
            "onset = 5",
            "ON x, once=1",
            "",
            " ",
        ] {
            assert!(!text_faults(text).is_empty(), "{text:?}");
        }
        assert!(!text_faults(&"a".repeat(2_001)).is_empty());
        for text in
            ["Take a lock (1 to 200 characters), then work.", "a = b, on = 1, on_x=1, x=onset", "Two\nlines: 50%"]
        {
            assert_eq!(text_faults(text), Vec::<String>::new(), "{text:?}");
        }
    }

    #[test]
    fn a_name_that_some_client_would_rewrite_is_found() {
        for name in ["", "A", "a_b", "a.b", "1a", "-a", "a b", &"a".repeat(65)] {
            assert!(!name_faults(name).is_empty(), "{name:?}");
        }
        assert!(name_faults("monolith-agent-acquire-lock").is_empty());
    }

    #[test]
    fn the_hash_tells_every_change_and_no_order() {
        let of = |tools: &[(&str, &str)]| hash(tools.iter().map(|(n, d)| ((*n).to_owned(), (*d).to_owned())));
        assert_eq!(of(&[("a", "1"), ("b", "2")]), of(&[("b", "2"), ("a", "1")]));
        let distinct = [
            of(&[("a", "1"), ("b", "2")]),
            of(&[("a", "1")]),
            of(&[("a1", ""), ("b", "2")]),
            of(&[("a", "1"), ("b", "3")]),
        ];
        assert_eq!(distinct.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }
}
