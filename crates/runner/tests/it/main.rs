//! Agents run for real: small scripts that print what real agents printed, or misbehave as no real one should.
//!
//! The real Claude Code is run by the clients' suite, not here. In `work` the server, the plane, git and the broker are real
//! too.

mod ends;
mod inside;
mod kills;
mod work;

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::agent::Role;
use runner::{Agent, Brief, Ended, Environment, Limits, Mcp, Progress, Tools};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio_util::sync::CancellationToken;

/// The longest anybody here waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);
/// What must not be seen.
const TOKEN: &str = "gapw_the_token_of_this_job";

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it")
}

/// Prints a stream that a real agent printed.
fn print(stream: &str) -> String {
    format!("cat '{}'", here().join("streams").join(stream).display())
}

/// A place for one run.
struct Place {
    folder: TempDir,
    prompt: String,
    role: Role,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["workspace", "homes"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        Self { folder, prompt: "go".to_owned(), role: Role::Implementer }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn brief(&self, play: &str) -> Brief {
        let around = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("ANTHROPIC_API_KEY", "key"),
            ("PLAY", play),
            ("GITHUB_TOKEN", "no"),
        ];
        let around = around.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Brief {
            job: "job-1".to_owned(),
            claim: "claim-1".to_owned(),
            role: self.role,
            workspace: self.path("workspace"),
            homes: self.path("homes"),
            mcp: Mcp { url: "http://127.0.0.1:9/mcp".to_owned(), token: TOKEN.into() },
            prompt: self.prompt.clone(),
            tools: Tools::of(self.role),
            model: None,
            turns_max: None,
            environment: Environment::pick(around, &["PLAY".to_owned()]),
        }
    }

    async fn run(&self, agent: &Agent, play: &str) -> Ended {
        self.run_within(agent, play, limits()).await
    }

    async fn run_within(&self, agent: &Agent, play: &str, limits: Limits) -> Ended {
        let ran = runner::run(agent, &self.brief(play), limits, CancellationToken::new(), |_| {}).await;
        ran.expect("it starts")
    }

    /// Runs it until it prints the line `ready`; then its claim is lost.
    async fn run_until_ready(&self, agent: &Agent, play: &str, limits: Limits) -> (Ended, Vec<Progress>) {
        let lost = CancellationToken::new();
        let mut seen = Vec::new();
        let watch = |progress: Progress| {
            if progress.line == ready() {
                lost.cancel();
            }
            seen.push(progress);
        };
        let ended = runner::run(agent, &self.brief(play), limits, lost.clone(), watch).await.expect("it starts");
        (ended, seen)
    }
}

fn ready() -> runner::Line {
    runner::Line::Said("ready".to_owned())
}

fn claude() -> Agent {
    Agent::Claude { program: here().join("agents/claude") }
}

fn codex() -> Agent {
    Agent::Codex { program: here().join("agents/codex") }
}

/// A shell that plays without being an agent that we know.
fn shell() -> Agent {
    Agent::parse(r#"sh -c 'eval "$PLAY"'"#).expect("a command")
}

fn limits() -> Limits {
    Limits::wall(PATIENCE)
}

/// A pipe by name, which is over when everybody who holds it is dead.
struct Pulse(PathBuf, pipe::Receiver);

impl Pulse {
    fn new(place: &Place) -> Self {
        let path = place.path("pulse");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        let receiver = pipe::OpenOptions::new().open_receiver(&path).expect("a pipe");
        Self(path, receiver)
    }

    /// Does not hear SIGTERM, holds the pipe, says so, and never ends.
    fn deathless(&self) -> String {
        self.deathless_telling("")
    }

    /// As before, where a shell's redirection says whom it tells that it is ready.
    fn deathless_telling(&self, whom: &str) -> String {
        let hold = format!("trap '' TERM; exec 9>{}; echo alive >&9", self.0.display());
        format!("{hold}; echo ready {whom}; while :; do sleep 600; done")
    }

    /// Waits until whoever held it is dead, and proves that somebody did.
    async fn ends(mut self) {
        let mut said = String::new();
        let read = tokio::time::timeout(PATIENCE, self.1.read_to_string(&mut said)).await;
        read.expect("whoever holds the pipe is still alive").expect("a pipe");
        assert_eq!(said, "alive\n");
    }
}
