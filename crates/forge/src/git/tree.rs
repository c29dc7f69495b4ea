//! Reading files as they are in a commit, without a worktree.

use crate::git::{Bare, Commit, Trouble};

/// A file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path from the root.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    blob: String,
}

impl Bare {
    /// The files of a folder, by path: not what is a folder or a link, and not what has a path that is no text.
    pub async fn folder_of(&self, commit: &Commit, folder: &str) -> Result<Vec<Entry>, Trouble> {
        self.entries(commit, &format!("{}/", folder.trim_end_matches('/'))).await
    }

    /// What a file says; none when there is no such file, or it is larger than `bytes_max`.
    pub async fn file(&self, commit: &Commit, path: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, Trouble> {
        let entry = self.entries(commit, path).await?.into_iter().find(|entry| entry.path == path);
        match entry.filter(|entry| entry.bytes <= bytes_max) {
            Some(entry) => self.blob(&entry).await.map(Some),
            None => Ok(None),
        }
    }

    /// What a file of a folder says.
    pub async fn blob(&self, entry: &Entry) -> Result<Vec<u8>, Trouble> {
        self.call("cat-file").args(["blob", &entry.blob]).out().await
    }

    async fn entries(&self, commit: &Commit, path: &str) -> Result<Vec<Entry>, Trouble> {
        let call =
            self.call("ls-tree").args(["-z", "-l", "--full-tree", "--end-of-options", commit.as_str(), "--", path]);
        let told = call.out().await?;
        let mut entries: Vec<_> = told.split(|byte| *byte == 0).filter_map(entry).collect();
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(entries)
    }
}

/// Reads `MODE blob ID SIZE<tab>PATH`.
fn entry(record: &[u8]) -> Option<Entry> {
    let (what, path) = std::str::from_utf8(record).ok()?.split_once('\t')?;
    let parts: Vec<_> = what.split_ascii_whitespace().collect();
    let [mode, "blob", blob, bytes] = parts[..] else { return None };
    let entry = Entry { path: path.to_owned(), bytes: bytes.parse().ok()?, blob: blob.to_owned() };
    mode.starts_with("100").then_some(entry)
}
