//! Where one job is worked on: a private folder with a fresh workspace and a place for the agent's home, gone with its value.
//!
//! Nobody else's folder is in it, and nothing in it was there before. A room is locked as long as its runner lives, so that
//! what one leaves behind that was killed is known by that, and put away by the next.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::stray;

/// How the names of rooms begin.
const PREFIX: &str = "gapwright-room-";
/// How often we try to make a room that another runner takes for one left behind, in the moment before it is locked.
const TRIES_MAX: u32 = 8;

/// A private folder.
#[derive(Debug)]
pub(crate) struct Room {
    folder: PathBuf,
    /// Held open, for that holds the lock.
    locked: File,
}

impl Room {
    /// Makes one below `above`.
    pub(crate) fn make(above: &Path) -> io::Result<Self> {
        for _ in 0..TRIES_MAX {
            if let Some(room) = Self::make_and_lock(above)? {
                return Ok(room);
            }
        }
        Err(io::Error::other("others take away what is made there"))
    }

    /// None where another runner took it for one left behind before it was locked.
    fn make_and_lock(above: &Path) -> io::Result<Option<Self>> {
        let private = fs::Permissions::from_mode(0o700);
        let made = tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir_in(above)?;
        let folder = made.keep();
        let gone = |error: io::Error| if error.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(error) };
        let locked = match lock(&folder) {
            Ok(Some(locked)) => locked,
            Ok(None) => return Ok(None),
            Err(error) => return gone(error),
        };
        let room = match fs::canonicalize(&folder) {
            Ok(folder) => Self { folder, locked },
            Err(error) => return gone(error),
        };
        // Who removed it did so before we had the lock, and then this fails.
        match fs::create_dir(room.homes()) {
            Ok(()) => Ok(Some(room)),
            Err(error) => gone(error),
        }
    }

    /// Where the workspace is to be made.
    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.join("work")
    }

    /// Where agents' homes are made.
    pub(crate) fn homes(&self) -> PathBuf {
        self.folder.join("homes")
    }
}

/// Puts the rooms below `above` away whose runner is gone, with whatever still runs in them.
pub(crate) fn sweep(above: &Path) {
    let Ok(above) = fs::canonicalize(above) else { return };
    for entry in fs::read_dir(&above).into_iter().flatten().flatten() {
        let is_room = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if !is_room || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        // What is another user's, or somebody's who lives, is none of ours.
        let Ok(Some(locked)) = lock(&entry.path()) else { continue };
        let room = Room { folder: above.join(entry.file_name()), locked };
        stray::kill_all(&room.homes());
    }
}

/// Locks a folder of ours; none where somebody else holds it, or it is another user's. No link is followed.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    let plainly = nix::libc::O_NOFOLLOW | nix::libc::O_DIRECTORY;
    let file = OpenOptions::new().read(true).custom_flags(plainly).open(folder)?;
    if file.metadata()?.uid() != nix::unistd::geteuid().as_raw() {
        return Ok(None);
    }
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %self.folder.display(), "a workspace could not be removed");
        }
        // Nobody can put it away before it is gone. That the lock is let go of with the file is as good.
        let _ = self.locked.unlock();
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
        let mode = fs::metadata(&room.folder).expect("a folder").permissions().mode();
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
    #[test]
    fn a_room_whose_runner_is_gone_is_put_away_with_what_still_runs_in_it_and_no_other() {
        let above = tempfile::tempdir().expect("a folder");
        let lives = Room::make(above.path()).expect("a room");
        let left = Room::make(above.path()).expect("a room");
        let home = left.homes().join("gapwright-home");
        fs::create_dir(&home).expect("a home");
        let mut agent =
            std::process::Command::new("sleep").arg("60").env("HOME", &home).spawn().expect("an agent that lives on");
        let folder = left.folder.clone();
        sweep(above.path());
        assert!(folder.exists() && agent.try_wait().expect("asked").is_none(), "its runner lives");
        // As if it were killed: the lock goes, the folder stays.
        left.locked.unlock().expect("unlocked");
        std::mem::forget(left);
        fs::create_dir(above.path().join("somebody-else-s")).expect("a folder");
        sweep(above.path());
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&agent.wait().expect("it ended")), Some(9));
        let mut rest: Vec<_> = fs::read_dir(above.path()).expect("a folder").flatten().map(|e| e.path()).collect();
        rest.sort();
        let mut expected = [lives.folder.clone(), above.path().canonicalize().expect("there").join("somebody-else-s")];
        expected.sort();
        assert_eq!(rest.iter().map(|p| p.canonicalize().expect("there")).collect::<Vec<_>>(), expected);
        assert!(lives.homes().exists());
    }
}
