//! An agent's words made fit for a terminal and a record: bounded, and without what steers a terminal.

use std::collections::VecDeque;

use domain::id::is_unprintable;

/// The longest last words that are kept, in characters: a summary with its markers, not a transcript.
pub const SAID_MAX: usize = 16_000;
/// The longest error that is kept, in characters.
pub const ERROR_MAX: usize = 2_000;
/// The longest line of progress, in characters: about two lines of a terminal.
pub(crate) const SNIPPET_MAX: usize = 160;
/// The most bytes kept of what goes by: enough for [`SAID_MAX`] characters of four bytes.
const TAIL_BYTES_MAX: usize = 4 * SAID_MAX;

/// One line for a terminal: every space, break and steering character is a single space.
pub(crate) fn snippet(text: &str) -> String {
    // More than this is never shown, however long a text without a space in it is.
    let near: String = text.chars().take(8 * SNIPPET_MAX).collect();
    let words: Vec<_> = near.split(|letter: char| letter.is_whitespace() || is_unprintable(letter)).collect();
    cut(&words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "), SNIPPET_MAX)
}

/// Several lines: breaks stay, everything else that steers is a space. Of too many, the first `max` characters.
pub(crate) fn clean(text: &str, max: usize) -> String {
    let kept = |letter: char| if letter != '\n' && is_unprintable(letter) { ' ' } else { letter };
    let cleaned: String = text.chars().take(max.saturating_mul(2)).map(kept).collect();
    cut(cleaned.trim(), max)
}

fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// The end of what goes by.
#[derive(Debug, Default)]
pub(crate) struct Tail(VecDeque<u8>);

impl Tail {
    /// Takes more, and lets go of what is too old.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        let new = &bytes[bytes.len().saturating_sub(TAIL_BYTES_MAX)..];
        let over = (self.0.len() + new.len()).saturating_sub(TAIL_BYTES_MAX);
        self.0.drain(..over);
        self.0.extend(new);
    }

    /// The last `max` characters.
    pub(crate) fn text(&self, max: usize) -> String {
        let bytes: Vec<u8> = self.0.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let skipped = text.trim().chars().count().saturating_sub(max);
        clean(&text.trim().chars().skip(skipped).collect::<String>(), max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_lose_what_steers_a_terminal() {
        assert_eq!(snippet("\u{1b}[31mred\u{7}\r\n alert\u{202e}!"), "[31mred alert !");
        assert_eq!(clean(" one\r\n\u{1b}two\u{0} ", 50), "one \n two");
    }

    #[test]
    fn long_words_end_in_a_mark() {
        assert_eq!(clean("äöüßx", 4), "äöü…");
        assert_eq!(snippet(&"x".repeat(1_000_000)).chars().count(), SNIPPET_MAX);
    }

    #[test]
    fn a_tail_is_the_end() {
        let mut tail = Tail::default();
        for number in 0..40_000 {
            tail.take(format!("{number}\n").as_bytes());
        }
        assert_eq!(tail.text(11), "39998\n39999");
        tail.take(&vec![b'x'; 3 * TAIL_BYTES_MAX]);
        assert_eq!((tail.0.len(), tail.text(3).as_str()), (TAIL_BYTES_MAX, "xxx"));
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_bounded_and_clean(text in "\\PC{0,300}|.{0,300}", max in 1_usize..200) {
            let line = snippet(&text);
            prop_assert!(line.chars().count() <= SNIPPET_MAX && !line.chars().any(is_unprintable));
            let lines = clean(&text, max);
            prop_assert!(lines.chars().count() <= max && !lines.chars().any(|letter| letter != '\n' && is_unprintable(letter)));
        }
    }
}
