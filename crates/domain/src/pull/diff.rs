//! Reading a unified difference: which lines of which files somebody may cite.
//!
//! What cannot be read cites nothing: a finding on it is refused, never believed.

use std::collections::BTreeMap;

/// The lines that a difference shows, file by file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown(BTreeMap<String, Vec<(i64, i64)>>);

impl Shown {
    /// Reads a difference as git writes it. Lines are those of the new side; of a file that is gone, those of the old one.
    pub fn read(text: &str) -> Self {
        let mut shown = Self::default();
        let (mut old, mut new) = (None, None);
        let mut left = (0, 0);
        for line in text.lines() {
            if left.0 > 0 || left.1 > 0 {
                left = match line.as_bytes().first() {
                    Some(b'+') => (left.0, left.1 - 1),
                    Some(b'-') => (left.0 - 1, left.1),
                    Some(b'\\') => left,
                    _ => (left.0 - 1, left.1 - 1),
                };
            } else if line.starts_with("diff --git ") {
                (old, new) = (None, None);
            } else if let Some(name) = line.strip_prefix("--- ") {
                old = path(name, "a/");
            } else if let Some(name) = line.strip_prefix("+++ ") {
                new = path(name, "b/");
            } else if let Some(hunk) = line.strip_prefix("@@ -").and_then(Hunk::read) {
                left = (hunk.old.1, hunk.new.1);
                if let Some(path) = new.clone().or_else(|| old.clone()) {
                    let (start, count) = if new.is_some() { hunk.new } else { hunk.old };
                    // Where a hunk only takes away, the line before stands for it.
                    shown.0.entry(path).or_default().push((start.max(1), start.max(1) + count.max(1) - 1));
                }
            }
        }
        shown
    }

    /// Whether it shows a line of a file.
    pub fn has(&self, path: &str, line: i64) -> bool {
        self.0.get(path).is_some_and(|ranges| ranges.iter().any(|(from, to)| (*from..=*to).contains(&line)))
    }

    /// The files that it shows lines of.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// The place and the length of a hunk on each side.
struct Hunk {
    old: (i64, i64),
    new: (i64, i64),
}

impl Hunk {
    /// Reads `1,2 +3,4 @@ …`.
    fn read(text: &str) -> Option<Self> {
        let (ranges, _) = text.split_once(" @@")?;
        let (old, new) = ranges.split_once(" +")?;
        let range = |text: &str| -> Option<(i64, i64)> {
            let (start, count) = text.split_once(',').unwrap_or((text, "1"));
            let (start, count): (i64, i64) = (start.parse().ok()?, count.parse().ok()?);
            (start >= 0 && count >= 0 && start.checked_add(count).is_some()).then_some((start, count))
        };
        Some(Self { old: range(old)?, new: range(new)? })
    }
}

/// The path of a side; none where there is no file. One that git had to quote is read with its simple escapes.
fn path(name: &str, side: &str) -> Option<String> {
    // A tab ends a name with blanks in it.
    let name = name.trim_end_matches('\t');
    if name == "/dev/null" {
        return None;
    }
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(quoted) => unquoted(quoted)?.strip_prefix(side).map(str::to_owned),
        None => name.strip_prefix(side).map(str::to_owned),
    }
}

/// What git quoted as C does: `\n`, `\t`, `\"`, `\\` and bytes in octal.
fn unquoted(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next()? {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            same @ (b'"' | b'\\') => same,
            high @ b'0'..=b'3' => {
                let digit = |byte: u8| (b'0'..=b'7').contains(&byte).then(|| byte - b'0');
                let (middle, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                ((high - b'0') << 6) | (middle << 3) | low
            }
            _ => return None,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIFF: &str = "diff --git a/src/a.rs b/src/a.rs\nindex 1..2 100644\n--- a/src/a.rs\n+++ b/src/a.rs\n\
                        @@ -1,3 +1,4 @@ fn a\n one\n+++ b/not-a-file\n two\n three\n@@ -10,2 +11 @@\n ten\n-eleven\n\
                        diff --git a/old.txt b/old.txt\ndeleted file mode 100644\n--- a/old.txt\n+++ /dev/null\n\
                        @@ -5,2 +0,0 @@\n-five\n-six\n\
                        diff --git \"a/\\303\\251.rs\" \"b/\\303\\251.rs\"\nnew file mode 100644\n--- /dev/null\n\
                        +++ \"b/\\303\\251.rs\"\n@@ -0,0 +1 @@\n+eins\n\\ No newline at end of file\n";

    #[test]
    fn a_line_may_be_cited_where_the_difference_shows_it() {
        let shown = Shown::read(DIFF);
        for (path, line, has) in [
            ("src/a.rs", 1, true),
            ("src/a.rs", 4, true),
            ("src/a.rs", 5, false),
            ("src/a.rs", 11, true),
            ("src/a.rs", 12, false),
            ("src/a.rs", 0, false),
            ("not-a-file", 1, false),
            ("old.txt", 5, true),
            ("old.txt", 6, true),
            ("old.txt", 7, false),
            ("é.rs", 1, true),
            ("a/src/a.rs", 1, false),
        ] {
            assert_eq!(shown.has(path, line), has, "{path}:{line}");
        }
        assert_eq!(shown.paths().count(), 3);
    }

    #[test]
    fn where_a_hunk_only_takes_away_the_line_before_stands_for_it() {
        let text = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -4,2 +3,0 @@\n-x\n-y\n";
        let shown = Shown::read(text);
        assert!(shown.has("a", 3) && !shown.has("a", 4) && !shown.has("a", 2));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_fail(text in "(\\PC|\n|@@ -|\\+\\+\\+ b/|[0-9,+-]){0,200}") {
            let _ = Shown::read(&text);
        }
    }
}
