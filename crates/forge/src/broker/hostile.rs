//! A folder that somebody else may write, even now: entered part by part, with no link followed on the way, and read
//! within bounds.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstatat};

use crate::broker::{Trouble, unfit};

/// A folder, held open: it stays the one that it was, whatever is put in its place.
pub(super) struct Folder(OwnedFd);

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Link,
    Folder,
    /// A pipe, a socket, a device.
    Other,
    Nothing,
}

impl Folder {
    /// The folder itself is named by us, and so is every one above it.
    pub(super) fn open(path: &Path) -> Result<Self, Trouble> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        open(path, flags, Mode::empty()).map(Self).map_err(|errno| unread(path.as_os_str(), errno))
    }

    /// A folder in it; none when there is no such folder, or it is a link or something else.
    pub(super) fn enter(&self, name: &OsStr) -> Result<Option<Self>, Trouble> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        match openat(self.0.as_fd(), name, flags, Mode::empty()) {
            Ok(entered) => Ok(Some(Self(entered))),
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EMLINK) => Ok(None),
            Err(errno) => Err(unread(name, errno)),
        }
    }

    /// The same folder, held once more.
    pub(super) fn again(&self) -> Result<Self, Trouble> {
        self.0.try_clone().map(Self).map_err(|error| unfit(format!("a folder cannot be held: {error}")))
    }

    /// What a name in it stands for.
    pub(super) fn kind(&self, name: &OsStr) -> Result<Kind, Trouble> {
        let stat = match fstatat(self.0.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(Kind::Nothing),
            Err(errno) => return Err(unread(name, errno)),
        };
        let format = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
        Ok(match format {
            SFlag::S_IFREG => Kind::File,
            SFlag::S_IFLNK => Kind::Link,
            SFlag::S_IFDIR => Kind::Folder,
            _ => Kind::Other,
        })
    }

    /// A file in it; none when it is anything but a file.
    pub(super) fn file(&self, name: &OsStr) -> Result<Option<File>, Trouble> {
        // A pipe would be waited for.
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        match openat(self.0.as_fd(), name, flags, Mode::empty()) {
            Ok(opened) => {
                let file = File::from(opened);
                let meta =
                    file.metadata().map_err(|error| unfit(format!("{} cannot be read: {error}", shown(name))))?;
                Ok(meta.is_file().then_some(file))
            }
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EMLINK | Errno::ENXIO) => Ok(None),
            Err(errno) => Err(unread(name, errno)),
        }
    }

    /// What a small file in it says.
    pub(super) fn text(&self, name: &OsStr, bytes_max: u64) -> Result<Option<String>, Trouble> {
        let Some(file) = self.file(name)? else { return Ok(None) };
        let mut text = Vec::new();
        let read = file.take(bytes_max + 1).read_to_end(&mut text);
        read.map_err(|error| unfit(format!("{} cannot be read: {error}", shown(name))))?;
        if u64::try_from(text.len()).is_ok_and(|bytes| bytes > bytes_max) {
            return Err(unfit(format!("{} says more than is read", shown(name))));
        }
        String::from_utf8(text).map(Some).map_err(|_| unfit(format!("{} is no text", shown(name))))
    }

    /// Where a link in it leads.
    pub(super) fn link(&self, name: &OsStr) -> Result<Vec<u8>, Trouble> {
        readlinkat(self.0.as_fd(), name).map(OsString::into_vec).map_err(|errno| unread(name, errno))
    }

    /// The names in it, at most so many.
    pub(super) fn names(&self, names_max: usize) -> Result<Vec<OsString>, Trouble> {
        let gone = |errno: Errno| unfit(format!("a folder cannot be listed: {errno}"));
        let mut folder = Dir::openat(self.0.as_fd(), ".", OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty());
        let mut names = Vec::new();
        for entry in folder.as_mut().map_err(|errno| gone(*errno))?.iter() {
            let entry = entry.map_err(gone)?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if names.len() == names_max {
                return Err(unfit(format!("a folder has more than {names_max} entries")));
            }
            names.push(OsStr::from_bytes(name).to_owned());
        }
        Ok(names)
    }
}

fn unread(name: &OsStr, errno: Errno) -> Trouble {
    unfit(format!("{} cannot be read: {errno}", shown(name)))
}

fn shown(name: &OsStr) -> String {
    name.to_string_lossy().replace(char::is_control, "?")
}
