//! Where one job is worked on: a private folder with a fresh workspace and a place for the agent's home, gone with its value.
//!
//! Nobody else's folder is in it, and nothing in it was there before.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A private folder.
#[derive(Debug)]
pub(crate) struct Room(PathBuf);

impl Room {
    /// Makes one below `above`.
    pub(crate) fn make(above: &Path) -> io::Result<Self> {
        let private = fs::Permissions::from_mode(0o700);
        let made = tempfile::Builder::new().prefix("gapwright-work-").permissions(private).tempdir_in(above)?;
        let room = Self(fs::canonicalize(made.keep())?);
        fs::create_dir(room.homes())?;
        Ok(room)
    }

    /// Where the workspace is to be made.
    pub(crate) fn workspace(&self) -> PathBuf {
        self.0.join("work")
    }

    /// Where agents' homes are made.
    pub(crate) fn homes(&self) -> PathBuf {
        self.0.join("homes")
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "a workspace could not be removed");
        }
    }
}

/// Removes a folder, though somebody shut parts of it.
fn remove(folder: &Path) -> io::Result<()> {
    if fs::remove_dir_all(folder).is_ok() {
        return Ok(());
    }
    open(folder);
    fs::remove_dir_all(folder)
}

/// Lets us into every folder below. No link is followed.
fn open(folder: &Path) {
    // What cannot be opened is told when it cannot be removed.
    drop(fs::set_permissions(folder, fs::Permissions::from_mode(0o700)));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_private_and_gone_whatever_was_shut_in_it() {
        let above = tempfile::tempdir().expect("a folder");
        let room = Room::make(above.path()).expect("a room");
        let mode = fs::metadata(&room.0).expect("a folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let shut = room.workspace().join("a/b");
        fs::create_dir_all(&shut).expect("a folder");
        fs::write(shut.join("c"), "x").expect("a file");
        std::os::unix::fs::symlink(above.path(), room.workspace().join("out")).expect("a link");
        fs::write(above.path().join("kept"), "x").expect("a file");
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).expect("shut");
        drop(room);
        let left: Vec<_> =
            fs::read_dir(above.path()).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left, ["kept"]);
    }
}
