//! The lines that a change adds, or takes away, file by file, read from a patch without context.

/// The lines that a change adds to one file, or takes away from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its path; what is no UTF-8 is marked.
    pub path: String,
    /// The lines; what is no UTF-8 is marked.
    pub text: String,
}

/// The length of a line that says which two trees are compared: two ids and a space between them.
const PAIR_BYTES: usize = 81;

/// The lines of one file, and which of several comparisons adds them.
struct Lines {
    pair: usize,
    path: String,
    bytes: Vec<u8>,
}

/// Which lines of a patch are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Those that it takes away.
    Old,
    /// Those that it adds.
    New,
}

impl Side {
    /// What its lines, the line with its path, and that path begin with.
    fn marks(self) -> (u8, &'static [u8], &'static [u8]) {
        match self {
            Self::Old => (b'-', b"--- ", b"a/"),
            Self::New => (b'+', b"+++ ", b"b/"),
        }
    }
}

/// Reads what a patch adds, as far as it goes; keeps at most so many bytes of lines, and says whether that was all.
pub(super) fn read(patch: &[u8], bytes_max: usize) -> (Vec<Added>, bool) {
    alone(read_side(patch, bytes_max, Side::New))
}

/// The same of what it takes away.
pub(super) fn read_removed(patch: &[u8], bytes_max: usize) -> (Vec<Added>, bool) {
    alone(read_side(patch, bytes_max, Side::Old))
}

fn alone((found, whole): (Vec<(usize, Added)>, bool)) -> (Vec<Added>, bool) {
    (found.into_iter().map(|(_, added)| added).collect(), whole)
}

/// The same of patches one after another, each behind a line with the ids of its two trees; with the place of its pair, from
/// 1.
pub(super) fn read_pairs(patch: &[u8], bytes_max: usize) -> (Vec<(usize, Added)>, bool) {
    read_side(patch, bytes_max, Side::New)
}

fn read_side(patch: &[u8], bytes_max: usize, side: Side) -> (Vec<(usize, Added)>, bool) {
    let (mark, names, prefix) = side.marks();
    let mut files: Vec<Lines> = Vec::new();
    let (mut path, mut pair) = (String::new(), 0);
    let (mut olds, mut news, mut room) = (0_u64, 0_u64, bytes_max);
    for line in patch.split(|byte| *byte == b'\n') {
        if olds == 0 && news == 0 {
            if is_pair(line) {
                pair += 1;
            } else if let Some(named) = line.strip_prefix(names) {
                path = named_path(named, prefix);
            } else if let Some(counts) = line.strip_prefix(b"@@ ") {
                (olds, news) = counted(counts).unwrap_or((0, 0));
            }
            continue;
        }
        match line.split_first() {
            Some((b'-', _)) => olds = olds.saturating_sub(1),
            Some((b'+', _)) => news = news.saturating_sub(1),
            // `\ No newline at end of file`
            Some((b'\\', _)) => {}
            _ => (olds, news) = (olds.saturating_sub(1), news.saturating_sub(1)),
        }
        match line.split_first() {
            Some((first, text)) if *first == mark => {
                if files.last().is_none_or(|last| last.pair != pair || last.path != path) {
                    files.push(Lines { pair, path: path.clone(), bytes: Vec::new() });
                }
                if text.len() >= room {
                    return (told(files), false);
                }
                room -= text.len() + 1;
                if let Some(last) = files.last_mut() {
                    last.bytes.extend_from_slice(text);
                    last.bytes.push(b'\n');
                }
            }
            Some(_) | None => {}
        }
    }
    (told(files), true)
}

fn told(files: Vec<Lines>) -> Vec<(usize, Added)> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let added = |lines: Lines| (lines.pair, Added { path: lines.path, text: text(lines.bytes) });
    files.into_iter().map(added).collect()
}

/// Whether a line that is no line of a file says which two trees are compared.
fn is_pair(line: &[u8]) -> bool {
    let hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    line.len() == PAIR_BYTES
        && line.iter().enumerate().all(|(at, byte)| if at == 40 { *byte == b' ' } else { hex(byte) })
}

/// Reads `-1,2 +3,4 @@`: how many lines of each side follow.
fn counted(words: &[u8]) -> Option<(u64, u64)> {
    let words = std::str::from_utf8(words.split(|byte| *byte == b'@').next()?).ok()?;
    let mut sides = words.split_ascii_whitespace().map(|side| match side.split_once(',') {
        Some((_, count)) => count.parse().ok(),
        None => Some(1),
    });
    Some((sides.next()??, sides.next()??))
}

/// Reads `b/PATH`, or `a/PATH` of the old side, or the same in quotes as C has them.
fn named_path(named: &[u8], prefix: &[u8]) -> String {
    // Git ends a name with spaces in it by a tab.
    let named = named.strip_suffix(b"\t").unwrap_or(named);
    let path = match named.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        Some(quoted) => unquoted(quoted),
        None => named.to_vec(),
    };
    String::from_utf8_lossy(path.strip_prefix(prefix).unwrap_or(&path)).into_owned()
}

fn unquoted(quoted: &[u8]) -> Vec<u8> {
    let mut bytes = quoted.iter().copied().peekable();
    let mut path = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            path.push(byte);
            continue;
        }
        let escaped = match bytes.next() {
            Some(digit @ b'0'..=b'7') => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    if let Some(digit) = bytes.next_if(|byte| (b'0'..=b'7').contains(byte)) {
                        value = value * 8 + u32::from(digit - b'0');
                    }
                }
                u8::try_from(value & 0xff).unwrap_or_default()
            }
            Some(b'a') => 7,
            Some(b'b') => 8,
            Some(b't') => b'\t',
            Some(b'n') => b'\n',
            Some(b'v') => 11,
            Some(b'f') => 12,
            Some(b'r') => b'\r',
            Some(other) => other,
            None => break,
        };
        path.push(escaped);
    }
    path
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn added(patch: &str) -> Vec<(String, String)> {
        read(patch.as_bytes(), 1_000).0.into_iter().map(|added| (added.path, added.text)).collect()
    }

    #[test]
    fn lines_that_look_like_heads_are_lines() {
        let patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1,3 @@ fn x() {\n--- a/gone\n+++ b/elsewhere\n\
                     +@@ -0,0 +9 @@\n+end\n\\ No newline at end of file\ndiff --git a/y b/y\n--- /dev/null\n+++ b/y\n\
                     @@ -0,0 +1 @@\n+why\n";
        let expected = [("x", "++ b/elsewhere\n@@ -0,0 +9 @@\nend\n"), ("y", "why\n")];
        assert_eq!(added(patch), expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
    }

    #[test]
    fn what_is_taken_away_is_read_by_the_old_name_and_nothing_else_is() {
        let patch = b"--- a/x\n+++ b/x\n@@ -3,2 +3 @@\n---- a/y\n-two\n+three\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-all\n";
        let found: Vec<_> = read_removed(patch, 100).0.into_iter().map(|one| (one.path, one.text)).collect();
        let expected = [("x", "--- a/y\ntwo\n"), ("gone", "all\n")];
        assert_eq!(found, expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
        assert!(!read_removed(patch, 9).1);
    }

    #[test]
    fn a_name_in_quotes_is_read_as_it_is() {
        for (named, path) in [
            ("b/plain", "plain"),
            ("b/with space\t", "with space"),
            (r#""b/\303\251\t\"x\\\n""#, "é\t\"x\\\n"),
            ("/dev/null", "/dev/null"),
        ] {
            assert_eq!(named_path(named.as_bytes(), b"b/"), path, "{named}");
        }
    }

    #[test]
    fn what_is_over_the_bound_is_said_to_be_missing() {
        let patch = b"+++ b/x\n@@ -0,0 +1,2 @@\n+12345\n+6\n";
        assert!(read(patch, 100).1);
        let (files, whole) = read(patch, 7);
        assert!(!whole && files[0].text == "12345\n");
    }

    #[test]
    fn patches_of_several_pairs_are_told_apart_though_a_line_looks_like_their_heads() {
        let pair = format!("{} {}", "0a".repeat(20), "f9".repeat(20));
        let patch = format!(
            "{pair}\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1,2 @@\n+{pair}\n+one\n{pair}\n{pair}\n+++ b/x\n@@ -0,0 +1 @@\n+two\n"
        );
        let (added, whole) = read_pairs(patch.as_bytes(), 1_000);
        let found: Vec<_> = added.iter().map(|(pair, added)| (*pair, added.text.clone())).collect();
        assert_eq!((found, whole), (vec![(1, format!("{pair}\none\n")), (3, "two\n".to_owned())], true));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(patch in prop::collection::vec(any::<u8>(), 0..300), most in 0_usize..50) {
            let (files, _) = read(&patch, most);
            let lossy = 3;
            prop_assert!(files.iter().map(|added| added.text.len()).sum::<usize>() <= most * lossy);
        }
    }
}
