//! What a change changes, file by file.

use std::collections::HashMap;

use crate::git::{Bare, Commit, Trouble};
use crate::{FileChange, Files, Status};

/// The most files of a change that are told: GitHub's.
const FILES_MAX: usize = 3_000;

/// The modes of a symbolic link and of another repository: what is behind them is not in the change.
const POINTERS: [&[u8]; 2] = [b"120000", b"160000"];

impl Bare {
    /// What `head` changes since its way parted from `base`; everything it has where they have nothing in common.
    pub async fn files(&self, base: &Commit, head: &Commit) -> Result<Files, Trouble> {
        let from = match self.merge_base(base, head).await? {
            Some(parted) => parted.as_str().to_owned(),
            None => self.empty_tree().await?,
        };
        let call = self.call("diff-tree").args(["-r", "-z", "--raw", "--numstat", "-M", "--no-ext-diff"]);
        match call.args(["--no-textconv", "--end-of-options", &from, head.as_str()]).out().await {
            Ok(told) => read(&told).ok_or_else(|| Trouble::Failed("git diff-tree gave what is no list".to_owned())),
            Err(Trouble::TooMuch(_)) => Ok(Files { files: Vec::new(), complete: false }),
            Err(trouble) => Err(trouble),
        }
    }
}

/// Reads `--raw --numstat -z`: first a record for each file with its modes, then one with its lines.
fn read(told: &[u8]) -> Option<Files> {
    let mut fields = told.split(|byte| *byte == 0);
    let mut files = Vec::new();
    let mut places = HashMap::new();
    while let Some(field) = fields.next() {
        if let Some(record) = field.strip_prefix(b":") {
            let parts: Vec<_> = record.split(|byte| *byte == b' ').collect();
            let [old_mode, new_mode, old_blob, new_blob, word] = parts[..] else { return None };
            let first = fields.next()?;
            let (previous, path) = match word.first()? {
                b'R' | b'C' => (Some(first), fields.next()?),
                _ => (None, first),
            };
            if path.is_empty() {
                return None;
            }
            let status = status(*word.first()?, (old_mode, new_mode), old_blob == new_blob);
            places.insert(path, files.len());
            files.push((path, previous, status, 0, 0));
        } else if !field.is_empty() {
            let mut parts = field.splitn(3, |byte| *byte == b'\t');
            let (added, removed, path) = (count(parts.next()?)?, count(parts.next()?)?, parts.next()?);
            let path = if path.is_empty() {
                fields.next()?;
                fields.next()?
            } else {
                path
            };
            let (.., additions, deletions) = files.get_mut(*places.get(path)?)?;
            (*additions, *deletions) = (added, removed);
        }
    }
    Some(listed(files))
}

type Found<'a> = (&'a [u8], Option<&'a [u8]>, Status, i64, i64);

/// The list as it is told, sorted and cut. A path that is no text cannot be told, and so the list is not complete.
fn listed(mut found: Vec<Found<'_>>) -> Files {
    found.sort_unstable_by_key(|(path, ..)| *path);
    let mut complete = found.len() <= FILES_MAX;
    let mut text = |bytes: &[u8]| {
        complete &= std::str::from_utf8(bytes).is_ok();
        String::from_utf8_lossy(bytes).into_owned()
    };
    let files = found.into_iter().take(FILES_MAX).map(|(path, previous, status, additions, deletions)| FileChange {
        path: text(path),
        previous: previous.map(&mut text),
        status,
        additions,
        deletions,
    });
    Files { files: files.collect(), complete }
}

fn status(word: u8, (old_mode, new_mode): (&[u8], &[u8]), same_content: bool) -> Status {
    if POINTERS.iter().any(|mode| *mode == old_mode || *mode == new_mode) {
        return Status::Other;
    }
    match word {
        b'A' => Status::Added,
        b'D' => Status::Removed,
        b'M' if same_content => Status::Other,
        b'M' => Status::Modified,
        b'R' => Status::Renamed,
        b'C' => Status::Copied,
        _ => Status::Other,
    }
}

/// Lines added or taken away; a binary file has none.
fn count(text: &[u8]) -> Option<i64> {
    if text == b"-" { Some(0) } else { std::str::from_utf8(text).ok()?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_at_its_bound_and_says_so() {
        let mut told = Vec::new();
        for file in 0..=FILES_MAX {
            told.extend(format!(":000000 100644 0 1 A\0f{file:05}\0").into_bytes());
        }
        for file in 0..=FILES_MAX {
            told.extend(format!("1\t0\tf{file:05}\0").into_bytes());
        }
        let files = read(&told).expect("a list");
        assert_eq!((files.files.len(), files.complete), (FILES_MAX, false));
        assert_eq!(files.files[7].path, "f00007");
    }

    #[test]
    fn a_path_that_is_no_text_makes_the_list_incomplete() {
        let told = b":000000 100644 0 1 A\0a\xff\x001\t0\ta\xff\0";
        let files = read(told).expect("a list");
        assert!(!files.complete && files.files.len() == 1);
    }

    #[test]
    fn what_is_no_list_is_not_taken_for_one() {
        for told in [&b":100644 M\0a\0"[..], b":000000 100644 0 1 A\0", b"x\ty\tz\0", b"1\t0\tnever named\0"] {
            assert_eq!(read(told), None, "{told:?}");
        }
        assert_eq!(read(b""), Some(Files { files: Vec::new(), complete: true }));
    }
}
