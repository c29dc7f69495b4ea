//! Other people's text, before an agent or a person is shown it: what hides in it is taken out, and it has a bound.
//!
//! It stays other people's text: nothing here looks for instructions, and what is left is data, never to be obeyed.

use unicode_normalization::UnicodeNormalization as _;

use crate::id::is_unprintable;
use crate::notice::fit_bytes;

/// The longest text that is shown, in bytes of UTF-8 with the mark of the cut: as long as the longest body of an issue on
/// GitHub (65,536 characters) where it is ASCII.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Ends a text that was cut.
pub const CUT_MARK: &str = "[cut: the text is longer than 64 KiB]";

const COMMENT_OPENS: &str = "<!--";
const COMMENT_CLOSES: &str = "-->";
const ESCAPE: char = '\u{1b}';

/// The longest escape sequence that is taken out as one, in characters; of a longer one, the text stays and shows.
const SEQUENCE_CHARS_MAX: usize = 256;

/// A text that may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    /// The text, in NFC: at most [`TEXT_BYTES_MAX`], with nothing hidden ([`is_hidden`]) and no HTML comment.
    pub text: String,
    /// Whether something hidden was in it.
    pub removed: bool,
    /// Whether it was longer, and ends with [`CUT_MARK`].
    pub cut: bool,
}

/// The text without HTML comments (one that is never closed goes to the end), escape sequences and hidden characters, its
/// line ends as line feeds, in NFC, cut at its bound. Cleaned twice it is the same text.
pub fn clean(text: &str) -> Cleaned {
    let (shown, removed) = without_comments(&without_sequences(&text.replace("\r\n", "\n")));
    // Only now: a mark may have met its letter where something between them was taken out.
    let shown: String = shown.nfc().collect();
    let cut = shown.len() > TEXT_BYTES_MAX;
    let removed = removed || text.contains(['\u{1b}', '\u{9b}']);
    Cleaned { text: fit_bytes(&shown, TEXT_BYTES_MAX, Some(CUT_MARK)), removed, cut }
}

/// Whether a character shows nothing of itself, or changes how others show: everything of [`is_unprintable`] save line
/// feeds and tabs, variation selectors, tags, and the fillers and joiners that Unicode lets a page ignore.
pub fn is_hidden(c: char) -> bool {
    (is_unprintable(c) && !matches!(c, '\n' | '\t'))
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Without hidden characters and comments, and whether there were any. A comment is looked for in what is kept: one whose
/// two halves meet only when another goes is found too.
fn without_comments(text: &str) -> (String, bool) {
    let mut shown = String::with_capacity(text.len());
    let mut removed = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if is_hidden(c) {
            removed = true;
            continue;
        }
        shown.push(c);
        if shown.ends_with(COMMENT_OPENS) {
            shown.truncate(shown.len() - COMMENT_OPENS.len());
            rest = rest.split_once(COMMENT_CLOSES).map_or("", |(_, after)| after);
            removed = true;
        }
    }
    (shown, removed)
}

/// Without the escape sequences of terminals, which would leave their letters behind if only their first character went.
fn without_sequences(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find([ESCAPE, '\u{9b}']) {
        kept.push_str(&rest[..at]);
        let sequence = &rest[at..];
        rest = &sequence[length(sequence)..];
    }
    kept.push_str(rest);
    kept
}

/// How many bytes of a text that begins with an escape are the sequence.
fn length(sequence: &str) -> usize {
    let mut chars = sequence.char_indices().skip(1).take(SEQUENCE_CHARS_MAX);
    let parameters = |(at, c): (usize, char)| (!matches!(c, '\u{20}'..='\u{3f}')).then_some((at, c));
    let introducer = sequence.chars().next().map_or(0, char::len_utf8);
    let last = match (sequence.starts_with(ESCAPE), sequence[introducer..].chars().next()) {
        (true, Some('[')) => chars.skip(1).find_map(parameters).filter(|(_, c)| matches!(c, '@'..='~')),
        (false, _) => chars.find_map(parameters).filter(|(_, c)| matches!(c, '@'..='~')),
        // A string: the title of a window, or a link. It ends with a bell, or with an escape and a backslash.
        (true, Some(']' | 'P' | 'X' | '^' | '_')) => {
            chars.take_while(|(_, c)| *c != '\n').find(|(_, c)| matches!(*c, '\u{7}' | ESCAPE))
        }
        (true, Some(c @ '\u{20}'..='~')) => return introducer + c.len_utf8(),
        (true, _) => None,
    };
    last.map_or(introducer, |(at, c)| if c == ESCAPE { at } else { at + c.len_utf8() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expect: &str, removed: bool) {
        let cleaned = clean(text);
        assert_eq!((cleaned.text.as_str(), cleaned.removed, cleaned.cut), (expect, removed, false), "{text:?}");
    }

    #[test]
    fn what_is_hidden_is_taken_out_and_the_rest_is_left() {
        for (text, expect, removed) in [
            ("plain\n\ttext, d\u{e9}j\u{e0} vu \u{1f600}", "plain\n\ttext, d\u{e9}j\u{e0} vu \u{1f600}", false),
            ("of GitHub\r\nin lines\r\n", "of GitHub\nin lines\n", false),
            ("overwritten\rseen", "overwrittenseen", true),
            ("a<!-- do as I say -->b", "ab", true),
            ("a<!-- over\n\nlines -->b<!---->c", "abc", true),
            ("a<!-- never closed", "a", true),
            ("a<!-<!-- x -->- y -->b", "ab", true),
            ("a<\u{200b}!--x-->b", "ab", true),
            ("a<!--> b --> c", "a c", true),
            ("x --> y, and <! -- z", "x --> y, and <! -- z", false),
            ("\u{1b}[31;1mred\u{1b}[0m", "red", true),
            ("\u{9b}31mred", "red", true),
            ("\u{1b}]0;a title\u{7}text", "text", true),
            ("\u{1b}]8;;http://a\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link", true),
            ("\u{1b}]0;never ended\nnext", "]0;never ended\nnext", true),
            ("\u{1b}(Bx\u{1b}", "Bx", true),
            ("\u{202e}syolped\u{202c}", "syolped", true),
            ("a\u{200b}b\u{feff}c\u{ad}d\u{2060}e", "abcde", true),
            ("a\u{e0041}\u{e0042}b", "ab", true),
            ("\u{2764}\u{fe0f}\u{e0100}", "\u{2764}", true),
            ("e\u{301}", "\u{e9}", false),
            ("e<!-- -->\u{301}", "\u{e9}", true),
            ("bell\u{7} and nul\0", "bell and nul", true),
        ] {
            check(text, expect, removed);
        }
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_between_characters_and_says_so() {
        let cleaned = clean(&"\u{e9}".repeat(TEXT_BYTES_MAX));
        assert!(cleaned.cut && cleaned.text.len() <= TEXT_BYTES_MAX && cleaned.text.ends_with(CUT_MARK));
        let fits = "a".repeat(TEXT_BYTES_MAX);
        assert_eq!(clean(&fits), Cleaned { text: fits, removed: false, cut: false });
    }

    #[test]
    fn comments_within_comments_take_no_longer_than_others() {
        let nested = format!("{}{}", "<!-".repeat(50_000), "-- -->".repeat(50_000));
        assert!(!clean(&nested).text.contains(COMMENT_OPENS));
    }

    proptest! {
        #[test]
        fn cleaned_text_hides_nothing_and_is_cleaned_once(
            parts in proptest::collection::vec(prop_oneof![
                any::<String>(),
                any::<char>().prop_map(String::from),
                prop::sample::select(vec![
                    "<!--", "-->", "<", "!", "-", "--", ">", "\u{1b}[", "\u{1b}]", "\u{1b}", "\u{9b}", "m", "\u{7}", "\\", "\r", "\n",
                    "\u{301}", "\u{338}", "e", "\u{200b}", "\u{e0041}", "\u{fe0f}", "\u{202e}", "\u{1100}", "\u{1161}",
                ]).prop_map(str::to_owned),
            ], 0..40)
        ) {
            let text = parts.concat();
            let once = clean(&text);
            prop_assert!(!once.text.contains(COMMENT_OPENS));
            prop_assert!(!once.text.chars().any(is_hidden), "{:?}", once.text);
            prop_assert!(once.text.nfc().eq(once.text.chars()));
            let twice = clean(&once.text);
            prop_assert_eq!(&twice.text, &once.text);
            prop_assert!(!twice.removed && !twice.cut);
        }
    }
}
