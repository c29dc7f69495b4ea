//! Running the git program so that only what is said here counts: no environment, no configuration but the repository's
//! own, no hooks, no network unless one call is given it, and a bound on time and output.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use crate::git::{Person, Trouble};

/// Where programs are looked for: the places of the systems and of their package keepers.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin:/run/current-system/sw/bin";

/// The program, found once. By its name it could only be started from a fork of this whole process, which takes several
/// times as long. Where there is none it is called by its name, and its absence is told as it is met.
static GIT: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut places = std::env::split_paths(PATH).map(|place| place.join("git"));
    places.find(|path| path.is_file()).unwrap_or_else(|| PathBuf::from("git"))
});

/// How long one call may take. A merge of a large repository takes a second or two.
const LIMIT: Duration = Duration::from_mins(1);

/// How long what fills a folder with a whole repository may take.
const LIMIT_OF_FOLDERS: Duration = Duration::from_mins(10);

/// How much of an answer is read: a difference of some 50,000 files.
const OUT_BYTES_MAX: usize = 16 << 20;

/// How much of its complaints is kept, for a person to read.
const ERR_BYTES_MAX: usize = 2_000;

/// The empty tree: with it, files of the repository do not say how its files are compared and merged.
const EMPTY_TREE: &str = "attr.tree=4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// What is said to every call, whatever the repository's configuration says.
const SAID: [&str; 13] = [
    // What is told as done is there after the power was lost, too.
    "core.fsync=committed,reference",
    // Milliseconds: whoever else moves a branch syncs it to the disk meanwhile.
    "core.filesRefLockTimeout=2000",
    "log.showSignature=false",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    EMPTY_TREE,
    "protocol.allow=never",
    "gc.auto=0",
    "diff.renames=true",
    "diff.renameLimit=1000",
    "merge.renames=true",
    "merge.renameLimit=1000",
];

/// The whole environment of every call.
const ENVIRONMENT: [(&str, &str); 10] = [
    ("PATH", PATH),
    ("HOME", "/nonexistent"),
    ("LC_ALL", "C"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_LITERAL_PATHSPECS", "1"),
];

/// One call of git.
pub(crate) struct Call {
    verb: &'static str,
    command: Command,
    input: Option<Vec<u8>>,
    /// Where its output goes, if not to us.
    into: Option<File>,
    limit: Duration,
    out_bytes_max: usize,
    over: Over,
    group: Group,
}

/// What is done when it has more to say than is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    Fails,
    Cuts,
}

/// Which processes end when its time is up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    /// Git's own.
    Git,
    /// Those that it started, too.
    All,
}

/// The leader of processes that end together, unless the leader has ended.
struct Leader(Option<Pid>);

impl Drop for Leader {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // Whoever has ended by itself is as good.
            let _ = killpg(leader, Signal::SIGKILL);
        }
    }
}

/// What a call gave.
pub(crate) struct Told {
    verb: &'static str,
    /// The exit code; -1 when it was killed.
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    err: Vec<u8>,
    /// Whether there was more.
    cut: bool,
}

impl Call {
    /// A call of this verb on the repository in this folder, which is taken as it is named: none is looked for.
    pub(crate) fn new(folder: &Path, verb: &'static str) -> Self {
        let mut command = Command::new(GIT.as_path());
        command.env_clear().envs(ENVIRONMENT).kill_on_drop(true).current_dir("/");
        let mut option = OsString::from("--git-dir=");
        option.push(folder);
        command.arg(option);
        for said in SAID {
            command.args(["-c", said]);
        }
        command.arg(verb);
        let (limit, out_bytes_max) = (LIMIT, OUT_BYTES_MAX);
        let (over, group) = (Over::Fails, Group::Git);
        Self { verb, command, input: None, into: None, limit, out_bytes_max, over, group }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<const N: usize>(mut self, args: [&str; N]) -> Self {
        self.command.args(args);
        self
    }

    /// What it is told besides.
    pub(crate) fn input(self, input: Vec<u8>) -> Self {
        Self { input: Some(input), ..self }
    }

    /// Who is `AUTHOR` or `COMMITTER` of what it makes, and the date.
    pub(crate) fn person(mut self, role: &str, person: &Person, date: &str) -> Self {
        self.command.env(format!("GIT_{role}_NAME"), &person.name);
        self.command.env(format!("GIT_{role}_EMAIL"), &person.email);
        self.command.env(format!("GIT_{role}_DATE"), date);
        self
    }

    /// A variable of its environment.
    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Settings that nobody sees who lists the processes of this machine, unless it is said otherwise to every call.
    pub(crate) fn set(mut self, settings: &[(String, String)]) -> Self {
        self.command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (place, (key, value)) in settings.iter().enumerate() {
            self.command.env(format!("GIT_CONFIG_KEY_{place}"), key);
            self.command.env(format!("GIT_CONFIG_VALUE_{place}"), value);
        }
        self
    }

    /// It may reach for one repository by this protocol and no other, for so long. Who carries it ends with it.
    pub(crate) fn reaches(mut self, protocol: &str, limit: Duration) -> Self {
        self.command.env("GIT_ALLOW_PROTOCOL", protocol).process_group(0);
        Self { limit, group: Group::All, ..self }
    }

    /// What it gives goes into a file.
    pub(crate) fn into_file(self, file: File) -> Self {
        Self { into: Some(file), ..self }
    }

    /// More is too much.
    pub(crate) fn at_most(self, out_bytes_max: usize) -> Self {
        Self { out_bytes_max, ..self }
    }

    /// The beginning of what it gave, and whether there was more, if it ended well or had not come to its end.
    pub(crate) async fn beginning(self, bytes_max: usize) -> Result<(Vec<u8>, bool), Trouble> {
        let told = Self { out_bytes_max: bytes_max, over: Over::Cuts, ..self }.told().await?;
        let told = if told.cut { told } else { told.well()? };
        Ok((told.out, told.cut))
    }

    /// It fills a folder, which takes longer.
    pub(crate) fn fills_a_folder(self) -> Self {
        Self { limit: LIMIT_OF_FOLDERS, ..self }
    }

    /// What it gave, however it ended. It goes on to its end though nobody waits for it any more, for half of what it does
    /// is worse than nothing.
    pub(crate) async fn unbroken(mut self) -> Result<Told, Trouble> {
        let verb = self.verb;
        self.command.kill_on_drop(false);
        tokio::spawn(self.told()).await.unwrap_or_else(|_| Err(Trouble::Late(verb.to_owned())))
    }

    /// What it gave, however it ended.
    pub(crate) async fn told(mut self) -> Result<Told, Trouble> {
        let verb = self.verb;
        let stdin = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        let stdout = self.into.map_or_else(Stdio::piped, Stdio::from);
        self.command.stdin(stdin).stdout(stdout).stderr(Stdio::piped());
        let mut child = self.command.spawn().map_err(|error| unstarted(&error))?;
        let mut leader = Leader(match self.group {
            Group::Git => None,
            Group::All => child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw),
        });
        let failed = |error: std::io::Error| Trouble::Failed(format!("git {verb}: {error}"));
        let (pipe, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            if let (Some(mut pipe), Some(input)) = (pipe, &self.input) {
                // Who ends before it has read everything says why at its end.
                drop(pipe.write_all(input).await);
            }
        };
        let hear = async {
            let Some(mut out) = out else { return Ok((Vec::new(), false)) };
            let mut kept = Vec::new();
            if self.over == Over::Cuts {
                let most = u64::try_from(self.out_bytes_max).unwrap_or(u64::MAX).saturating_add(1);
                (&mut out).take(most).read_to_end(&mut kept).await.map_err(failed)?;
                let more = kept.len() > self.out_bytes_max;
                kept.truncate(self.out_bytes_max);
                // With nobody to hear it, it ends.
                return Ok((kept, more));
            }
            let more = read(Some(out), &mut kept, self.out_bytes_max).await.map_err(failed)?;
            if more { Err(Trouble::TooMuch(verb.to_owned())) } else { Ok((kept, false)) }
        };
        let complain = async {
            let mut kept = Vec::new();
            read(err, &mut kept, ERR_BYTES_MAX).await.map_err(failed).map(|_| kept)
        };
        let all = async {
            let ((), out, err) = tokio::join!(feed, hear, complain);
            let ((out, cut), err) = (out?, err?);
            let code = child.wait().await.map_err(failed)?.code().unwrap_or(-1);
            leader.0 = None;
            Ok(Told { verb, code, out, err, cut })
        };
        tokio::time::timeout(self.limit, Box::pin(all)).await.unwrap_or_else(|_| Err(Trouble::Late(verb.to_owned())))
    }

    /// What it gave, if it ended well.
    pub(crate) async fn out(self) -> Result<Vec<u8>, Trouble> {
        self.told().await?.well().map(|told| told.out)
    }

    /// The text that it gave, if it ended well.
    pub(crate) async fn text(self) -> Result<String, Trouble> {
        self.told().await?.well()?.text()
    }

    /// Whether it ended well, which it says by 0 or 1.
    pub(crate) async fn yes_or_no(self) -> Result<bool, Trouble> {
        let told = self.told().await?;
        match told.code {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(told.trouble()),
        }
    }

    /// Nothing, if it ended well.
    pub(crate) async fn done(self) -> Result<(), Trouble> {
        self.out().await.map(drop)
    }
}

impl Told {
    /// The same, if it ended well.
    pub(crate) fn well(self) -> Result<Self, Trouble> {
        if self.code == 0 { Ok(self) } else { Err(self.trouble()) }
    }

    /// The text that it gave.
    pub(crate) fn text(&self) -> Result<String, Trouble> {
        String::from_utf8(self.out.clone())
            .map_err(|_| Trouble::Failed(format!("git {} gave what is no text", self.verb)))
    }

    /// That it failed, with its first complaint.
    pub(crate) fn trouble(&self) -> Trouble {
        let first = self.complaint().unwrap_or_else(|| "no word".to_owned());
        Trouble::Failed(format!("git {} ended with {}: {first}", self.verb, self.code))
    }

    /// The first line of its complaints, if it had any.
    pub(crate) fn complaint(&self) -> Option<String> {
        let complaints = String::from_utf8_lossy(&self.err);
        complaints.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    }
}

/// Why it did not start. Where there is a git, it is this machine that has no room for one more just now.
fn unstarted(error: &std::io::Error) -> Trouble {
    let why = format!("git does not run: {error}");
    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) {
        Trouble::Program(why)
    } else {
        Trouble::Failed(why)
    }
}

/// Reads to the end and keeps at most so many bytes; whether there were more.
async fn read(from: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>, bytes_max: usize) -> std::io::Result<bool> {
    let Some(mut from) = from else { return Ok(false) };
    let mut piece = [0; 8 << 10];
    let mut more = false;
    loop {
        let count = from.read(&mut piece).await?;
        if count == 0 {
            return Ok(more);
        }
        let room = bytes_max.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&piece[..room]);
        more |= room < count;
    }
}

/// The lines of an answer.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_git_that_is_not_there_is_to_be_installed() {
        for kind in [ErrorKind::NotFound, ErrorKind::PermissionDenied] {
            assert!(matches!(unstarted(&kind.into()), Trouble::Program(_)), "{kind}");
        }
        // No memory, too many files or processes, too many words.
        for kind in [ErrorKind::OutOfMemory, ErrorKind::Other, ErrorKind::WouldBlock, ErrorKind::ArgumentListTooLong] {
            assert!(matches!(unstarted(&kind.into()), Trouble::Failed(_)), "{kind}");
        }
    }
}
