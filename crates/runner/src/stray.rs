//! Processes of a run that left its process group: an agent's shell often gives each command a group of its own, and what
//! such a command left behind has nobody's name but the run's home, which is in its environment.
//!
//! On a system without `/proc` there is only the group. A process that has both left the group and emptied its environment
//! escapes everywhere: against one that means to, only a container helps.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};

/// How often we look again: whoever forked while we looked is found the next time.
const ROUNDS_MAX: usize = 16;

/// Kills every process in whose environment the path of `home` is, until there is none.
pub(crate) fn kill_all(home: &Path) {
    for _ in 0..ROUNDS_MAX {
        let strays = strays(home);
        if strays.is_empty() {
            return;
        }
        for stray in strays {
            // It may be gone already, which is as good.
            let _ = kill(stray, Signal::SIGKILL);
        }
    }
}

fn strays(home: &Path) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mine = getpid();
    pids.map(Pid::from_raw).filter(|pid| *pid != mine && carries(*pid, home)).collect()
}

/// Whether a process of ours was begun with the path in its environment. A dead one that nobody collected has none.
fn carries(pid: Pid, home: &Path) -> bool {
    let wanted = home.as_os_str().as_bytes();
    fs::read(format!("/proc/{pid}/environ")).is_ok_and(|found| found.windows(wanted.len()).any(|part| part == wanted))
}
