//! What a change touches, as git or a forge lists it: paths and modes of both sides, and whether that is all.

/// The most files of a change that are read: GitHub lists no more.
pub const FILES_MAX: usize = 3_000;

/// The longest name of an object, in hexadecimal digits: SHA-256's.
const OBJECT_DIGITS_MAX: usize = 64;

/// What a change touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Each side of each file: a file that is moved has two paths, and one that turns into a link two modes.
    pub touched: Vec<Touched>,
    /// False where the list was cut, is empty, or could not be read: what is not in it is not known to be untouched.
    pub complete: bool,
}

/// One side of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Its path from the root.
    pub path: String,
    /// What it is there.
    pub mode: Mode,
}

/// What a path is in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// A file.
    File,
    /// A file that may be run.
    Executable,
    /// A symbolic link.
    Link,
    /// Another repository.
    Submodule,
    /// Nothing: the file is new, or gone.
    Absent,
    /// Something else, or not told.
    Unknown,
}

/// A file as a forge lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File<'a> {
    /// Its path, on the new side where it has one.
    pub path: &'a str,
    /// Its path before, where it was renamed or copied.
    pub previous: Option<&'a str>,
    /// Its modes before and after; none where the forge does not tell them, as GitHub's list of files does not.
    pub modes: Option<(Mode, Mode)>,
}

impl Listing {
    /// Reads `git diff --raw -z --no-renames --no-ext-diff --no-textconv`. Never fails: what is not such a list, or ends
    /// too soon, is not complete, and neither is one with a path that is no UTF-8, or with nothing in it.
    pub fn from_raw(bytes: &[u8]) -> Self {
        let mut listing = Self { touched: Vec::new(), complete: false };
        let mut fields = bytes.split(|byte| *byte == 0);
        for _ in 0..=FILES_MAX {
            let Some(record) = fields.next() else { return listing };
            // What comes after the last NUL: nothing, where nothing is missing.
            if record.is_empty() {
                listing.complete = fields.next().is_none() && !listing.touched.is_empty();
                break;
            }
            let (Some(modes), Some(path)) = (modes(record), fields.next()) else { return listing };
            match std::str::from_utf8(path) {
                Ok(path) if !path.is_empty() => listing.add(path, None, modes),
                Ok(_) | Err(_) => return listing,
            }
        }
        listing
    }

    /// Reads the list of a forge, of which the forge or its count of changed files says whether it is complete. A file
    /// whose modes are not told has one that is unknown.
    pub fn from_files<'a>(files: impl IntoIterator<Item = File<'a>>, complete: bool) -> Self {
        let mut listing = Self { touched: Vec::new(), complete };
        let mut files = files.into_iter();
        for file in files.by_ref().take(FILES_MAX) {
            listing.add(file.path, file.previous, file.modes.unwrap_or((Mode::Unknown, Mode::Unknown)));
        }
        listing.complete &= files.next().is_none() && !listing.touched.is_empty();
        listing
    }

    /// Adds each side: both paths of a file that was moved, and both modes of one that stays, save where it is absent.
    fn add(&mut self, path: &str, previous: Option<&str>, (before, after): (Mode, Mode)) {
        let mut sides = vec![(previous.unwrap_or(path), before), (path, after)];
        if previous.is_none() {
            sides.dedup();
            sides.retain(|(_, mode)| *mode != Mode::Absent);
        }
        // Neither side is there, which no list would tell of a file.
        if sides.is_empty() {
            sides.push((path, Mode::Unknown));
        }
        self.touched.extend(sides.into_iter().map(|(path, mode)| Touched { path: path.to_owned(), mode }));
    }
}

impl Mode {
    /// Reads a mode as git writes it.
    pub fn read(text: &[u8]) -> Self {
        match text {
            b"100644" => Self::File,
            b"100755" => Self::Executable,
            b"120000" => Self::Link,
            b"160000" => Self::Submodule,
            b"000000" => Self::Absent,
            _ => Self::Unknown,
        }
    }
}

/// The paths that are not there any more, by the same list as [`Listing::from_raw`] reads, as far as it can be read.
pub fn gone(bytes: &[u8]) -> Vec<String> {
    let mut fields = bytes.split(|byte| *byte == 0);
    let mut gone = Vec::new();
    while let (Some(record), Some(path)) = (fields.next(), fields.next()) {
        if modes(record).is_some_and(|(_, after)| after == Mode::Absent) {
            gone.push(String::from_utf8_lossy(path).into_owned());
        }
    }
    gone
}

/// Both modes of `:MODE MODE OBJECT OBJECT STATUS`; none when it is not that, or tells a rename, which was to be left out.
fn modes(record: &[u8]) -> Option<(Mode, Mode)> {
    let fields: Vec<_> = record.strip_prefix(b":")?.split(|byte| *byte == b' ').collect();
    let [before, after, old, new, status] = fields[..] else { return None };
    let is_mode = |field: &[u8]| field.len() == 6 && field.iter().all(|byte| matches!(byte, b'0'..=b'7'));
    let is_object =
        |field: &[u8]| (1..=OBJECT_DIGITS_MAX).contains(&field.len()) && field.iter().all(u8::is_ascii_hexdigit);
    let known = matches!(status, b"A" | b"D" | b"M" | b"T");
    let whole = known && is_mode(before) && is_mode(after) && is_object(old) && is_object(new);
    whole.then(|| (Mode::read(before), Mode::read(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_told_from_what_is_new() {
        let raw = b":100644 000000 0a 00 D\0a.rs\0:000000 100644 00 0a A\0b.rs\0:100644 100644 0a 0b M\0c.rs\0";
        assert_eq!(gone(raw), ["a.rs"]);
        assert_eq!(gone(b""), Vec::<String>::new());
    }

    #[test]
    fn a_list_is_read_with_both_sides_of_every_file() {
        let of = |raw: &str| {
            let listing = Listing::from_raw(raw.replace('|', "\0").as_bytes());
            (listing.touched.into_iter().map(|t| (t.path, t.mode)).collect::<Vec<_>>(), listing.complete)
        };
        let expect = |touched: &[(&str, Mode)], complete| {
            (touched.iter().map(|(path, mode)| ((*path).to_owned(), *mode)).collect::<Vec<_>>(), complete)
        };
        for (raw, touched, complete) in [
            (":100644 100644 0a 0b M|a.rs|", &[("a.rs", Mode::File)][..], true),
            (":000000 100755 00 0b A|a.rs|", &[("a.rs", Mode::Executable)], true),
            (":120000 000000 0a 00 D|a.rs|", &[("a.rs", Mode::Link)], true),
            (":120000 100644 0a 0b T|a.rs|", &[("a.rs", Mode::Link), ("a.rs", Mode::File)], true),
            (":100644 160000 0a 0b T|a.rs|", &[("a.rs", Mode::File), ("a.rs", Mode::Submodule)], true),
            (":100664 100644 0a 0b M|a.rs|", &[("a.rs", Mode::Unknown), ("a.rs", Mode::File)], true),
            (":000000 000000 00 00 M|a.rs|", &[("a.rs", Mode::Unknown)], true),
            (
                ":100644 000000 0a 00 D|ui/big.css|:000000 100644 00 0a A|a\n.md|",
                &[("ui/big.css", Mode::File), ("a\n.md", Mode::File)],
                true,
            ),
            ("", &[], false),
            ("|", &[], false),
            (":100644 100644 0a 0b M|a.rs", &[("a.rs", Mode::File)], false),
            (":100644 100644 0a 0b M|", &[], false),
            (":100644 100644 0a 0b M||", &[], false),
            (":100644 100644 0a 0b|a.rs|", &[], false),
            (":100644 100644 0a 0b R100|a.rs|b.rs|", &[], false),
            (":100644 100644 0a 0b X|a.rs|", &[], false),
            (":100644 100644 zz 0b M|a.rs|", &[], false),
            ("::100644 100644 100644 0a 0b 0c MM|a.rs|", &[], false),
            (":100644 100644 0a 0b M\ta.rs\n", &[], false),
            ("a.rs|", &[], false),
            (":100644 100644 0a 0b M|a.rs||:100644 100644 0a 0b M|b.css|", &[("a.rs", Mode::File)], false),
        ] {
            assert_eq!(of(raw), expect(touched, complete), "{raw:?}");
        }
        let not_text = Listing::from_raw(b":100644 100644 0a 0b M\0a\xff.rs\0");
        assert!(!not_text.complete);
    }
}
