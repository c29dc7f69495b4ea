//! The lines that a change adds, file by file, read from a patch without context.

/// The lines that a change adds to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its path; what is no UTF-8 is marked.
    pub path: String,
    /// The lines; what is no UTF-8 is marked.
    pub text: String,
}

/// Reads a patch, as far as it goes; keeps at most so many bytes of lines, and says whether that was all.
pub(super) fn read(patch: &[u8], bytes_max: usize) -> (Vec<Added>, bool) {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut path = String::new();
    let (mut olds, mut news, mut room) = (0_u64, 0_u64, bytes_max);
    for line in patch.split(|byte| *byte == b'\n') {
        if olds == 0 && news == 0 {
            if let Some(named) = line.strip_prefix(b"+++ ") {
                path = named_path(named);
            } else if let Some(counts) = line.strip_prefix(b"@@ ") {
                (olds, news) = counted(counts).unwrap_or((0, 0));
            }
            continue;
        }
        match line.split_first() {
            Some((b'-', _)) => olds = olds.saturating_sub(1),
            Some((b'+', text)) => {
                news = news.saturating_sub(1);
                if files.last().is_none_or(|(last, _)| *last != path) {
                    files.push((path.clone(), Vec::new()));
                }
                if text.len() >= room {
                    return (told(files), false);
                }
                room -= text.len() + 1;
                if let Some((_, kept)) = files.last_mut() {
                    kept.extend_from_slice(text);
                    kept.push(b'\n');
                }
            }
            // `\ No newline at end of file`
            Some((b'\\', _)) => {}
            _ => (olds, news) = (olds.saturating_sub(1), news.saturating_sub(1)),
        }
    }
    (told(files), true)
}

fn told(files: Vec<(String, Vec<u8>)>) -> Vec<Added> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    files.into_iter().map(|(path, bytes)| Added { path, text: text(bytes) }).collect()
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

/// Reads `b/PATH`, or the same in quotes as C has them.
fn named_path(named: &[u8]) -> String {
    // Git ends a name with spaces in it by a tab.
    let named = named.strip_suffix(b"\t").unwrap_or(named);
    let path = match named.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        Some(quoted) => unquoted(quoted),
        None => named.to_vec(),
    };
    String::from_utf8_lossy(path.strip_prefix(b"b/").unwrap_or(&path)).into_owned()
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
    fn a_name_in_quotes_is_read_as_it_is() {
        for (named, path) in [
            ("b/plain", "plain"),
            ("b/with space\t", "with space"),
            (r#""b/\303\251\t\"x\\\n""#, "é\t\"x\\\n"),
            ("/dev/null", "/dev/null"),
        ] {
            assert_eq!(named_path(named.as_bytes()), path, "{named}");
        }
    }

    #[test]
    fn what_is_over_the_bound_is_said_to_be_missing() {
        let patch = b"+++ b/x\n@@ -0,0 +1,2 @@\n+12345\n+6\n";
        assert!(read(patch, 100).1);
        let (files, whole) = read(patch, 7);
        assert!(!whole && files[0].text == "12345\n");
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
