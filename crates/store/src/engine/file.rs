//! The file of an embedded database. Connections to one that was removed, moved or replaced go on working, and what they
//! write is lost with the last of them.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use crate::fault::Fault;

/// A database's file as it was when it was opened.
#[derive(Debug, Clone)]
pub(super) struct File {
    path: PathBuf,
    identity: Option<Identity>,
}

/// What stays the same as long as a path leads to the same file: its device and its number there.
type Identity = (u64, u64);

impl File {
    /// The file at `path`, which must be there.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), identity: std::fs::metadata(path).ok().as_ref().map(identity) }
    }

    /// Whether it is still where it was.
    pub(super) fn check(&self) -> Result<(), Fault> {
        match std::fs::metadata(&self.path) {
            Ok(found) if Some(identity(&found)) == self.identity => Ok(()),
            Ok(_) => Err(Fault::Gone("the database file was replaced by another".to_owned())),
            Err(error) => Err(Fault::Gone(format!("the database file is gone: {error}"))),
        }
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

/// Elsewhere one file is as good as another, as long as there is one.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {
    (0, 0)
}
