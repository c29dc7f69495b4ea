//! Processes of a run that left its process group: an agent's shell often gives each command a group of its own, and what
//! such a command left behind has nobody's name but the run's home, which is in its environment.
//!
//! On a system without `/proc` there is only the group. A process that has both left the group and emptied its environment
//! escapes everywhere: against one that means to, only a container helps.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};

/// How long we go on looking: whoever forked or began a program while we looked is found the next time.
const PATIENCE: Duration = Duration::from_secs(1);
/// Which field of `/proc/PID/stat` tells where the environment begins, counted from the one behind the name. The next tells
/// where it ends.
const ENVIRONMENT: usize = 47;

/// What a process's environment says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kin {
    /// It was begun with the home in its environment.
    Ours,
    /// It was begun without, is another user's, or dead.
    Others,
    /// It begins a program at this moment, and has no environment yet.
    Unknown,
}

/// Kills every process in whose environment the path of `home` is, until there is none.
pub(crate) fn kill_all(home: &Path) {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut left = 0_u32;
        for (pid, kin) in processes(home) {
            match kin {
                // It may be gone already, which is as good.
                Kin::Ours => drop(kill(pid, Signal::SIGKILL)),
                Kin::Unknown => {}
                Kin::Others => continue,
            }
            left += 1;
        }
        if left == 0 {
            return;
        }
        if Instant::now() >= until {
            tracing::warn!(left, home = %home.display(), "processes of a run may still live");
            return;
        }
        std::thread::yield_now();
    }
}

fn processes(home: &Path) -> impl Iterator<Item = (Pid, Kin)> {
    let mine = getpid();
    let entries = fs::read_dir("/proc").into_iter().flatten();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).map(Pid::from_raw);
    pids.filter(move |pid| *pid != mine).map(|pid| (pid, kin(pid, home)))
}

fn kin(pid: Pid, home: &Path) -> Kin {
    let wanted = home.as_os_str().as_bytes();
    match fs::read(format!("/proc/{pid}/environ")) {
        Ok(found) if found.is_empty() && begins(pid) => Kin::Unknown,
        Ok(found) if found.windows(wanted.len()).any(|part| part == wanted) => Kin::Ours,
        Ok(_) | Err(_) => Kin::Others,
    }
}

/// Whether its environment, which was read as empty, is to be read again: it has a program, which the dead and the kernel's
/// own have not, and where the environment lies is not set yet, or was set since.
fn begins(pid: Pid) -> bool {
    let has_program = fs::read_link(format!("/proc/{pid}/exe")).is_ok();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let mut fields = stat.rsplit_once(')').map_or("", |(_, behind)| behind).split_whitespace().skip(ENVIRONMENT);
    has_program && fields.next().zip(fields.next()).is_some_and(|(begin, end)| end == "0" || begin != end)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_that_begins_its_program_just_then_is_killed_and_no_other() {
        let home = tempfile::tempdir().expect("a folder");
        // It has no environment, for good.
        let mut other = Command::new("sleep").arg("60").env_clear().spawn().expect("somebody else's");
        for _ in 0..100 {
            let mut agent = Command::new("sleep").arg("10").env("HOME", home.path()).spawn().expect("an agent");
            kill_all(home.path());
            assert_eq!(agent.wait().expect("it ended").signal(), Some(9), "it was overlooked");
        }
        assert!(other.try_wait().expect("asked").is_none(), "it has nothing of ours");
        other.kill().expect("it ends");
        other.wait().expect("it ended");
    }
}
