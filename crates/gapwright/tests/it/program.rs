//! Runs the executable and reads what it prints.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// How long a test waits for what comes at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the server may take to take something in: its ticks are a second apart.
const TAKES_IN_WITHIN: Duration = Duration::from_secs(30);

/// The commands that look and change nothing.
pub(crate) const LOOKS: [&[&str]; 30] = [
    &["jobs", "list"],
    &["locks", "list"],
    &["runs", "list"],
    &["gaps", "list"],
    &["gaps", "rank", "--explain"],
    &["gaps", "inventory"],
    &["gaps", "unreadable"],
    &["gaps", "proposals"],
    &["level", "show"],
    &["kinds", "list"],
    &["issues", "list"],
    &["pulls", "list"],
    &["pulls", "list", "--all"],
    &["pulls", "list", "--state", "needs_human"],
    &["decisions", "list"],
    &["decisions", "list", "--all"],
    &["switch", "list"],
    &["budget"],
    &["outcomes"],
    &["gate", "show"],
    &["gate", "shadow"],
    &["schedules", "list"],
    &["routines", "list"],
    &["routines", "fires"],
    &["dead-letters"],
    &["token", "list"],
    &["audit", "tail"],
    &["audit", "verify"],
    &["migrate", "--status"],
    &["config", "show"],
];

/// A folder to run in, and the environment there.
pub(crate) struct Home {
    dir: TempDir,
    env: Vec<(String, String)>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().expect("a folder"), env: Vec::new() }
    }

    /// A folder with a database in it.
    pub(crate) fn with_database() -> Self {
        let home = Self::new();
        home.ok(&["migrate"]);
        home
    }

    /// The same with a variable set.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("a file");
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gapwright"));
        command.args(args).current_dir(self.path()).env_clear().env("HOME", self.path());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        ended(&mut self.command(args))
    }

    /// Runs a line of a shell that knows our program.
    pub(crate) fn shell(&self, line: &str) -> Ended {
        let program = Path::new(env!("CARGO_BIN_EXE_gapwright")).parent().expect("a folder").display().to_string();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]).current_dir(self.path()).env_clear().env("HOME", self.path());
        command.env("PATH", format!("{program}:/usr/local/bin:/usr/bin:/bin"));
        command.envs(self.env.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        ended(&mut command)
    }

    /// Runs a command that talks over its standard input and output, until it has given so many answers.
    pub(crate) fn talk(&self, args: &[&str], lines: &str, answers: usize) -> Ended {
        self.talk_until(args, lines, |out| (0..answers).map(|_| line(out)).collect())
    }

    /// The same until `listen` has heard enough of what it says; gives that and the rest.
    pub(crate) fn talk_until(
        &self,
        args: &[&str],
        lines: &str,
        listen: impl FnOnce(&mut BufReader<ChildStdout>) -> String,
    ) -> Ended {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().expect("a run");
        let mut input = child.stdin.take().expect("an input");
        input.write_all(lines.as_bytes()).expect("lines are read");
        let mut reader = BufReader::new(child.stdout.take().expect("an output"));
        let mut out = listen(&mut reader);
        drop(input);
        reader.read_to_string(&mut out).expect("the rest");
        let mut err = String::new();
        child.stderr.take().expect("a log").read_to_string(&mut err).expect("text");
        Ended { code: child.wait().expect("an end").code().unwrap_or(-1), out, err }
    }

    /// Runs a command that goes well, and gives what it printed.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let ended = self.run(args);
        assert_eq!(ended.code, 0, "{args:?}: {ended:?}");
        ended.out
    }

    /// Runs a command that goes well, and gives its document.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let args = [&["--json"], args].concat();
        serde_json::from_str(&self.ok(&args)).expect("one JSON document")
    }

    /// Runs a command that fails with this code, and gives what it said.
    pub(crate) fn fails(&self, code: i32, args: &[&str]) -> String {
        let ended = self.run(args);
        assert_eq!(ended.code, code, "{args:?}: {ended:?}");
        ended.err
    }

    /// Starts a command.
    pub(crate) fn starts(&self, args: &[&str]) -> Running {
        Running(self.command(args).spawn().expect("a run"))
    }

    /// Starts a server on any free port, and waits until it is ready. Its log is the file `log`.
    pub(crate) fn serve(&self, args: &[&str]) -> Server {
        let args = [&["serve", "--listen", "127.0.0.1:0"], args].concat();
        let log = std::fs::File::create(self.path().join("log")).expect("a log");
        let mut child = self.command(&args).stderr(log).spawn().expect("a server");
        let mut out = BufReader::new(child.stdout.take().expect("an output"));
        let mut said = String::new();
        while !said.lines().last().is_some_and(|line| line.starts_with("ready at ")) {
            assert!(out.read_line(&mut said).expect("text") > 0, "it ended before it was ready: {said}");
        }
        let url = said.lines().last().and_then(|line| line.strip_prefix("ready at ")).expect("an address").to_owned();
        Server { child, said, url, _out: out }
    }
}

fn ended(command: &mut Command) -> Ended {
    let output = command.output().expect("a run");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ended { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// A running command; killed with its test.
pub(crate) struct Running(Child);

impl Running {
    /// What it prints.
    pub(crate) fn take_out(&mut self) -> ChildStdout {
        self.0.stdout.take().expect("an output")
    }

    /// What it says while it goes on.
    pub(crate) fn take_err(&mut self) -> ChildStderr {
        self.0.stderr.take().expect("what it says")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).expect("a pid")), signal).expect("a signal");
    }

    /// Waits for its end, and gives its exit code.
    pub(crate) fn wait(mut self) -> Option<i32> {
        self.0.wait().expect("an end").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The next line.
fn line(out: &mut impl BufRead) -> String {
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    line
}

/// A running server; killed with its test.
pub(crate) struct Server {
    child: Child,
    /// What it printed until it was ready.
    pub(crate) said: String,
    /// Where it is.
    pub(crate) url: String,
    _out: BufReader<ChildStdout>,
}

impl Server {
    /// Its address and port.
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")), signal).expect("a signal");
    }

    /// Waits for its end; gives its exit code and how long it took.
    pub(crate) fn wait(mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        let (tell, told) = mpsc::channel();
        let id = self.child.id();
        std::thread::spawn(move || tell.send(self.child.wait().ok().and_then(|status| status.code())));
        let code = told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("server {id} does not end"));
        (code, began.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again until the answer is as wished.
pub(crate) async fn until(what: &str, ask: impl Fn() -> Value, wished: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    loop {
        tick.tick().await;
        let answer = ask();
        if wished(&answer) {
            return answer;
        }
        assert!(began.elapsed() < TAKES_IN_WITHIN, "{what} did not come about: {answer}");
    }
}
