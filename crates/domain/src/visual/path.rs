//! A path as it is spelled, as a file system that folds letters would spell it, and whether it may name another file.

use unicode_normalization::UnicodeNormalization as _;

use crate::untrusted::is_hidden;

/// The longest path that is read, in bytes of UTF-8: longer than those that people keep, and short enough that three
/// thousand of them are held against every pattern in a moment.
pub const PATH_BYTES_MAX: usize = 500;

/// The deepest path that is read, in segments, for the same reason.
pub const SEGMENTS_MAX: usize = 32;

/// A path, in segments.
pub(super) struct Spelled {
    /// Why it may name another file than it seems to; the rest is then empty.
    pub(super) odd: Option<&'static str>,
    /// Whether every letter is ASCII.
    pub(super) ascii: bool,
    /// As it is given.
    pub(super) given: Vec<Vec<char>>,
    /// As [`fold`] has it.
    pub(super) folded: Vec<Vec<char>>,
}

impl Spelled {
    pub(super) fn of(path: &str) -> Self {
        let ascii = path.is_ascii();
        if path.len() > PATH_BYTES_MAX {
            let odd = Some("its path is longer than 500 bytes");
            return Self { odd, ascii, given: Vec::new(), folded: Vec::new() };
        }
        let folded = fold(path);
        match oddity(path).or_else(|| oddity(&folded)) {
            Some(odd) => Self { odd: Some(odd), ascii, given: Vec::new(), folded: Vec::new() },
            None => Self { odd: None, ascii, given: segments(path), folded: segments(&folded) },
        }
    }
}

/// As file systems that fold letters would compare it: compatibility forms and case taken away, composed. More is folded
/// than any of them folds.
pub(super) fn fold(text: &str) -> String {
    let upper = text.nfkc().flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase).nfkc().collect()
}

fn segments(path: &str) -> Vec<Vec<char>> {
    path.split('/').map(|segment| segment.chars().collect()).collect()
}

/// Why a path may name another file than it seems to, here or on somebody's machine.
fn oddity(path: &str) -> Option<&'static str> {
    if path.chars().any(|c| is_hidden(c) || c.is_control()) {
        return Some("its path has a character that cannot be seen");
    }
    if path.contains('\\') {
        return Some("its path has a backslash, which parts folders on Windows");
    }
    if path.contains(':') {
        return Some("its path has a colon, which names a drive or a stream on Windows");
    }
    if path.split('/').count() > SEGMENTS_MAX {
        return Some("its path has more than 32 segments");
    }
    path.split('/').find_map(|segment| match segment {
        "" => Some("its path is absolute, or has an empty segment"),
        "." | ".." => Some("its path steps out of its folder"),
        _ if segment.ends_with(['.', ' ']) => {
            Some("a segment of its path ends with a dot or a blank, which Windows drops")
        }
        _ if segment == ".git" => Some("its path has .git in it, which is git's own"),
        _ if is_short_name(segment) => Some("a segment of its path may be the short name of another on Windows"),
        _ => None,
    })
}

/// Whether a segment has a tilde and a digit, as `git~1` has, which is `.git` there.
fn is_short_name(segment: &str) -> bool {
    segment.split('~').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}
