//! Where what somebody else made is kept until it is checked: an index and objects of its own, beside those of the broker.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::broker::{Broker, Trouble};
use crate::git::{self, Call};

/// Below which folder of the broker.
const FOLDER: &str = "scratch";

/// By which file of it is known that somebody is at work in it.
const LOCK: &str = "lock";

/// How many are at work at once, and left by those who were killed, at most.
const PLACES_MAX: u32 = 1_000;

/// Gone when dropped.
pub(super) struct Scratch {
    folder: PathBuf,
    /// Held as long as somebody is at work in it.
    _lock: File,
}

impl Scratch {
    pub(super) fn objects(&self) -> PathBuf {
        self.folder.join("objects")
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left of it is swept away later.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Broker {
    /// A fresh one.
    pub(super) fn scratch(&self) -> Result<Scratch, Trouble> {
        let above = self.bare.folder().join(FOLDER);
        let why = |error: std::io::Error| git::Trouble::Failed(format!("{} cannot be used: {error}", above.display()));
        made(&above)
            .or_else(|error| if error.kind() == ErrorKind::AlreadyExists { Ok(()) } else { Err(why(error)) })?;
        for place in 0..PLACES_MAX {
            let folder = above.join(place.to_string());
            match made(&folder) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(why(error).into()),
            }
            let lock = File::create(folder.join(LOCK)).map_err(why)?;
            // Whoever sweeps may just be taking it away.
            if lock.try_lock().is_err() {
                continue;
            }
            let scratch = Scratch { folder, _lock: lock };
            made(&scratch.objects()).map_err(why)?;
            return Ok(scratch);
        }
        Err(git::Trouble::Failed(format!("{} is full", above.display())).into())
    }

    /// A call that sees what is in it beside what is in the broker, and writes there only.
    pub(super) fn apart(&self, scratch: &Scratch, verb: &'static str) -> Call {
        let call = self.call(verb).env("GIT_OBJECT_DIRECTORY", scratch.objects());
        let call = call.env("GIT_INDEX_FILE", scratch.file("index"));
        call.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", quoted(&self.bare.folder().join("objects")))
    }
}

/// Takes away what was left by those who were killed at work.
pub(super) async fn sweep(broker: &Path) {
    let above = broker.join(FOLDER);
    let swept = tokio::task::spawn_blocking(move || {
        let entries = std::fs::read_dir(&above).into_iter().flatten().filter_map(Result::ok);
        for folder in entries.map(|entry| entry.path()) {
            let left = File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
            if left {
                drop(std::fs::remove_dir_all(&folder));
            }
        }
    });
    drop(swept.await);
}

fn made(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().mode(0o700).create(folder)
}

/// A path of a list that is parted by colons.
fn quoted(path: &Path) -> std::ffi::OsString {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let mut quoted = vec![b'"'];
    for byte in path.as_os_str().as_bytes() {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    std::ffi::OsString::from_vec(quoted)
}
