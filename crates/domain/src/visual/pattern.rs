//! A pattern of paths, anchored at the root: `*` and `?` within a segment, `**` across segments. Nothing else is special.
//!
//! It is a language of its own and no crate's, for what may not be said: brackets, braces and escapes are refused, so that
//! no pattern means more than its reader sees, and there is no expression to run out of time.

use super::path::{Spelled, fold};
use crate::id::is_unprintable;
use crate::refusal::Refusal;

/// The longest pattern, in characters.
pub const PATTERN_CHARS_MAX: usize = 200;

/// A pattern of paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    given: Vec<Part>,
    folded: Vec<Part>,
}

/// What a pattern says of a path's segments.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Any number of segments, none too.
    Any,
    /// One segment that fits.
    One(Vec<char>),
}

impl Pattern {
    /// Reads a pattern: 1 to [`PATTERN_CHARS_MAX`] characters, segments parted by `/`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse = |what: &str, hint: &str| {
            let shown: String = text.chars().take(PATTERN_CHARS_MAX).collect();
            Err(Refusal::invalid("pattern", format!("the pattern {shown:?} {what}")).hint(hint))
        };
        if text.is_empty() || text.chars().count() > PATTERN_CHARS_MAX {
            return refuse("is empty or too long", "give 1 to 200 characters");
        }
        if text.chars().any(|c| is_unprintable(c) || matches!(c, '[' | ']' | '{' | '}' | '\\' | '!' | ':')) {
            return refuse(
                "has a character that patterns do not have",
                "use *, ** and ?; a ? stands for any character",
            );
        }
        if text.ends_with('/') {
            return refuse("ends with a slash", "write docs/** for a folder");
        }
        if text.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return refuse("has an empty segment, . or ..", "write it from the root, such as docs/**");
        }
        if text.split('/').any(|segment| segment != "**" && segment.contains("**")) {
            return refuse("has ** within a segment", "** stands for whole segments: write **/*.rs");
        }
        Ok(Self { text: text.to_owned(), given: parts(text), folded: parts(&fold(text)) })
    }

    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it says nothing of any path.
    pub(super) fn is_wild(&self) -> bool {
        self.text.chars().all(|c| matches!(c, '*' | '?' | '/'))
    }

    /// Whether the path fits as it is spelled and as it is folded: what is let by is exactly what is written.
    pub(super) fn fits_surely(&self, path: &Spelled) -> bool {
        fit(&self.given, &path.given) && fit(&self.folded, &path.folded)
    }

    /// Whether the path fits as it is spelled or as it is folded: what is kept is kept in every spelling.
    pub(super) fn fits_perhaps(&self, path: &Spelled) -> bool {
        fit(&self.given, &path.given) || fit(&self.folded, &path.folded)
    }
}

fn parts(text: &str) -> Vec<Part> {
    let part = |segment: &str| if segment == "**" { Part::Any } else { Part::One(segment.chars().collect()) };
    let mut parts: Vec<_> = text.split('/').map(part).collect();
    // `docs/**` is what is in the folder, and not a file of its name.
    if parts.last() == Some(&Part::Any) {
        parts.push(Part::One(vec!['*']));
    }
    parts
}

fn fit(parts: &[Part], segments: &[Vec<char>]) -> bool {
    wild(
        parts,
        segments,
        |part| *part == Part::Any,
        |part, segment| match part {
            Part::Any => false,
            Part::One(pattern) => wild(pattern, segment, |c| *c == '*', |c, letter| *c == '?' || c == letter),
        },
    )
}

/// Whether all of `items` fit, where a star stands for any number of them. It goes back to the last star only, for whatever
/// an earlier one could take the last one can take too: at most as many steps as pattern times items.
fn wild<P, I>(pattern: &[P], items: &[I], is_star: impl Fn(&P) -> bool, fits: impl Fn(&P, &I) -> bool) -> bool {
    let (mut at, mut item) = (0, 0);
    let mut back = None;
    while item < items.len() {
        match (pattern.get(at), back) {
            (Some(star), _) if is_star(star) => {
                back = Some((at, item));
                at += 1;
            }
            (Some(one), _) if fits(one, &items[item]) => {
                at += 1;
                item += 1;
            }
            (_, Some((star, from))) => {
                back = Some((star, from + 1));
                at = star + 1;
                item = from + 1;
            }
            (_, None) => return false,
        }
    }
    pattern[at..].iter().all(is_star)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visual::PATH_BYTES_MAX;

    #[test]
    fn a_pattern_means_what_it_says() {
        for (pattern, fits, not) in [
            ("a.rs", vec!["a.rs"], vec!["b/a.rs", "a.rs/b", "aars"]),
            ("*.rs", vec!["a.rs", ".rs"], vec!["b/a.rs", "a.rsx"]),
            ("**/*.rs", vec!["a.rs", "b/a.rs", "c/b/a.rs"], vec!["a.rs/b"]),
            ("docs/**", vec!["docs/a", "docs/a/b"], vec!["docs", "a/docs/b"]),
            ("a/**/b", vec!["a/b", "a/c/b", "a/c/b/d/b"], vec!["a/c", "ab"]),
            ("**/a/**/b/*", vec!["a/b/c", "x/a/y/b/z"], vec!["a/b", "b/a/c"]),
            ("?.rs", vec!["a.rs"], vec![".rs", "ab.rs", "/.rs"]),
            ("a*b*c", vec!["abc", "axbxbc"], vec!["ab", "ab/c"]),
        ] {
            let pattern = Pattern::parse(pattern).expect("a pattern");
            let spelled = |path: &&str| pattern.fits_surely(&Spelled::of(path));
            assert!(fits.iter().all(spelled), "{pattern:?}");
            assert!(!not.iter().any(spelled), "{pattern:?}");
        }
        let long = "a".repeat(PATTERN_CHARS_MAX + 1);
        for text in [
            "",
            "/a",
            "a/",
            "a//b",
            "../a",
            "a/./b",
            "a**",
            "**a/b",
            "[ab]",
            "{a,b}",
            "a\\b",
            "a!b",
            "a\u{200b}",
            &long,
        ] {
            assert!(Pattern::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_pattern_of_stars_takes_no_time_to_speak_of() {
        let pattern = Pattern::parse(&format!("{}b", "**/*a*/".repeat(28))).expect("a pattern");
        assert!(!pattern.fits_perhaps(&Spelled::of(&["a"; 30].join("/"))));
        let pattern = Pattern::parse(&"*a".repeat(100)).expect("a pattern");
        assert!(!pattern.fits_perhaps(&Spelled::of(&format!("{}b", "a".repeat(PATH_BYTES_MAX - 1)))));
    }
}
