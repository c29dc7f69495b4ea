//! One process in a group of its own, with its prompt going in and its lines coming out, and the end of all of it.
//!
//! When to end it is decided elsewhere. It never outlives its value here: dropped, it is killed like any other.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::stray;
use crate::text::Tail;

/// The longest line that is read, in bytes; a longer one goes by unread. An agent's event repeats a whole file that it
/// wrote, and a picture that it saw is beyond what we need.
pub const LINE_BYTES_MAX: usize = 1_048_576;
/// How much is read at a time, in bytes: what a pipe holds.
const READ_BYTES: usize = 65_536;

/// A process and its group.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    group: Pid,
    home: PathBuf,
    stdout: Lines,
    stderr: Option<ChildStderr>,
    complaints: Tail,
    complained: u64,
    status: Option<ExitStatus>,
    /// Whether all of it was killed.
    killed: bool,
    prompt: JoinHandle<()>,
}

/// What a process has done next.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A line on its standard output.
    Line(Vec<u8>),
    /// A line there that is too long.
    TooLong,
    /// Something else, which only counts.
    Noise,
    /// It ended; lines may still come.
    Exited,
    /// It has ended, and nothing more can come.
    Over,
}

impl Process {
    /// Starts it; the prompt is written in the background, for a process need not read it.
    pub(crate) fn start(mut command: Command, prompt: String, home: &Path) -> io::Result<Self> {
        command.process_group(0).kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).ok_or_else(|| io::Error::other("it has no id"))?;
        let stdin = child.stdin.take();
        let prompt = tokio::spawn(async move {
            if let Some(mut stdin) = stdin {
                // Whether it reads all of it is its own affair.
                let _ = stdin.write_all(prompt.as_bytes()).await;
            }
        });
        Ok(Self {
            stdout: Lines::of(child.stdout.take()),
            stderr: child.stderr.take(),
            child,
            group: Pid::from_raw(pid),
            home: home.to_owned(),
            complaints: Tail::default(),
            complained: 0,
            status: None,
            killed: false,
            prompt,
        })
    }

    /// Waits for what it does next. Nothing is lost when the wait is given up.
    pub(crate) async fn next(&mut self) -> Heard {
        let mut complaint = [0; 4_096];
        tokio::select! {
            biased;
            line = self.stdout.next(), if self.stdout.from.is_some() => line,
            read = read(&mut self.stderr, &mut complaint), if self.stderr.is_some() => {
                self.complaints.take(&complaint[..read]);
                self.complained += read as u64;
                Heard::Noise
            }
            status = self.child.wait(), if self.status.is_none() => {
                // That one cannot be waited for means that it is gone.
                self.status = Some(status.unwrap_or_default());
                Heard::Exited
            }
            else => Heard::Over,
        }
    }

    /// How it ended, once it has.
    pub(crate) const fn status(&self) -> Option<ExitStatus> {
        self.status
    }

    /// How many bytes it has printed.
    pub(crate) const fn printed(&self) -> u64 {
        self.stdout.read + self.complained
    }

    /// The end of what it printed on its standard error, at most `max` characters.
    pub(crate) fn complaints(&self, max: usize) -> String {
        self.complaints.text(max)
    }

    /// Asks the whole group to end.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Hears nothing more of it; whoever still prints is told so by the system.
    pub(crate) fn deafen(&mut self) {
        self.stdout.from = None;
        self.stderr = None;
    }

    /// Ends the whole group, and whatever left it.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        stray::kill_all(&self.home);
        self.killed = true;
    }

    fn signal(&self, signal: Signal) {
        // A group without anybody in it is what we want.
        let _ = killpg(self.group, signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.prompt.abort();
        // Once it is gone its number may be another's.
        if !self.killed {
            self.kill();
        }
    }
}

async fn read(from: &mut Option<ChildStderr>, buffer: &mut [u8]) -> usize {
    let Some(pipe) = from else { return 0 };
    let read = pipe.read(buffer).await.unwrap_or(0);
    if read == 0 {
        *from = None;
    }
    read
}

/// The lines of a standard output, each within [`LINE_BYTES_MAX`].
#[derive(Debug)]
struct Lines {
    /// Gone when there is no more.
    from: Option<ChildStdout>,
    buffer: Vec<u8>,
    /// How much at the beginning of the buffer holds no line's end.
    searched: usize,
    /// Whether we are in a line that is too long.
    skips: bool,
    read: u64,
}

impl Lines {
    const fn of(from: Option<ChildStdout>) -> Self {
        Self { from, buffer: Vec::new(), searched: 0, skips: false, read: 0 }
    }

    async fn next(&mut self) -> Heard {
        loop {
            if let Some(line) = self.take() {
                return line;
            }
            let Some(pipe) = &mut self.from else { return Heard::Noise };
            self.buffer.reserve(READ_BYTES);
            let read = pipe.read_buf(&mut self.buffer).await.unwrap_or(0);
            self.read += read as u64;
            if read == 0 {
                self.from = None;
                let rest = std::mem::take(&mut self.buffer);
                return if rest.is_empty() || self.skips { Heard::Noise } else { Heard::Line(rest) };
            }
            if self.skips {
                return Heard::Noise;
            }
        }
    }

    /// A line that has come whole, or word of one that is too long.
    fn take(&mut self) -> Option<Heard> {
        let end = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
        let Some(end) = end.map(|end| end + self.searched) else {
            self.searched = self.buffer.len();
            let begins = !self.skips && self.buffer.len() > LINE_BYTES_MAX;
            self.skips |= begins;
            if self.skips {
                self.buffer.clear();
                self.searched = 0;
            }
            return begins.then_some(Heard::TooLong);
        };
        let rest = self.buffer.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.buffer, rest);
        self.searched = 0;
        line.pop();
        if std::mem::take(&mut self.skips) {
            return Some(Heard::Noise);
        }
        Some(if line.len() > LINE_BYTES_MAX { Heard::TooLong } else { Heard::Line(line) })
    }
}
