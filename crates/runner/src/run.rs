//! One run from its start to the end of everything it started.
//!
//! A run ends by itself or is ended: at its budget, its deadline, too much output, or when its claim is lost. Whoever drops
//! it ends it too.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::agent::{Agent, Brief};
use crate::home::Home;
use crate::meter::{Facts, Line, Meter, Usage};
use crate::process::{Heard, Process};
use crate::text::ERROR_MAX;

/// How long a run that is ended may take to put its things away.
const GRACE: Duration = Duration::from_secs(5);
/// How long we wait, once everything is killed, for the last of its output: only a process that escaped can hold it back.
const DRAIN: Duration = Duration::from_secs(5);
/// The most bytes that a run may print: a long run of Claude Code, whose partial messages repeat themselves, prints a
/// tenth of it.
const OUTPUT_BYTES_MAX: u64 = 268_435_456;

/// What a run may not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Tokens, read and written. Only Claude Code tells them before its end.
    pub tokens: Option<u64>,
    /// Millionths of a dollar. Claude Code is told, and stops by itself after the call that exceeds it.
    pub micro_usd: Option<i64>,
    /// Time.
    pub wall: Duration,
    /// Bytes of output.
    pub output_bytes: u64,
    /// How long it may take to end when it is asked to, before it is killed.
    pub grace: Duration,
}

impl Limits {
    /// Time alone, and the usual bounds on the rest.
    pub const fn wall(wall: Duration) -> Self {
        Self { tokens: None, micro_usd: None, wall, output_bytes: OUTPUT_BYTES_MAX, grace: GRACE }
    }

    /// Which budget is exceeded.
    fn exceeded(&self, usage: &Usage) -> Option<Why> {
        if self.tokens.is_some_and(|max| usage.tokens() > max) {
            return Some(Why::Tokens);
        }
        let cost = self.micro_usd.zip(usage.micro_usd);
        cost.is_some_and(|(max, used)| used > max).then_some(Why::Cost)
    }
}

/// Something to show while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What happened.
    pub line: Line,
    /// What has been used so far.
    pub usage: Usage,
}

/// A run that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub how: How,
    /// What it used.
    pub usage: Usage,
    /// What it did.
    pub facts: Facts,
    /// What the agent said last, of a command the end of its output.
    pub last_words: String,
    /// Why it failed, by the agent's own words or, where it exits with a failure without any, the end of its standard error.
    pub error: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal, which was not ours.
    Signalled(i32),
    /// By us. A budget may turn out to be exceeded as it ends by itself, which is the same.
    Killed(Why),
}

/// Why we ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It used more tokens than it may.
    Tokens,
    /// It cost more than it may.
    Cost,
    /// It ran longer than it may.
    Deadline,
    /// It printed more than it may.
    Flood,
    /// Its claim is lost.
    Lost,
}

/// Why a run did not start.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// There is no place for it.
    #[error("its private home could not be made")]
    Home(#[source] io::Error),
    /// There is no such program, or it may not be run.
    #[error("{program:?} could not be started")]
    Program {
        /// The agent's name.
        program: String,
        /// What the system says.
        source: io::Error,
    },
}

/// Runs an agent until it and everything it started is gone. `lost` ends it because its claim is, and `watch` is told what
/// happens.
pub async fn run(
    agent: &Agent,
    brief: &Brief,
    limits: Limits,
    lost: CancellationToken,
    watch: impl FnMut(Progress),
) -> Result<Ended, NotStarted> {
    // Goes last: the processes are known by it.
    let home = Home::make(agent, brief).map_err(NotStarted::Home)?;
    let command = agent.command(brief, &limits, &home);
    let process = Process::start(command, brief.prompt.clone(), home.path())
        .map_err(|source| NotStarted::Program { program: agent.name().to_owned(), source })?;
    let mut run = Run { process, meter: Meter::of(agent), limits, watch };
    let deadline = Instant::now() + limits.wall;
    let why = tokio::select! {
        biased;
        () = lost.cancelled() => Some(Why::Lost),
        why = timeout_at(deadline, run.listen()) => why.unwrap_or(Some(Why::Deadline)),
    };
    Ok(run.end(why).await)
}

/// A run that goes on.
struct Run<W> {
    process: Process,
    meter: Meter,
    limits: Limits,
    watch: W,
}

impl<W: FnMut(Progress)> Run<W> {
    /// Until it ends, or must end.
    async fn listen(&mut self) -> Option<Why> {
        loop {
            match self.hear().await {
                Heard::Exited | Heard::Over => return None,
                Heard::Line(_) | Heard::TooLong | Heard::Noise => {}
            }
            if let Some(why) = self.limits.exceeded(&self.meter.usage()) {
                return Some(why);
            }
            if self.process.printed() > self.limits.output_bytes {
                return Some(Why::Flood);
            }
        }
    }

    /// Hears one thing, meters it and shows it.
    async fn hear(&mut self) -> Heard {
        let heard = self.process.next().await;
        let lines = match &heard {
            Heard::Line(line) => self.meter.read(line),
            Heard::TooLong => {
                self.meter.skip();
                Vec::new()
            }
            Heard::Noise | Heard::Exited | Heard::Over => Vec::new(),
        };
        for line in lines {
            (self.watch)(Progress { line, usage: self.meter.usage() });
        }
        heard
    }

    /// Ends what is left of it, and hears it out: the last line may be the one with the totals.
    async fn end(mut self, why: Option<Why>) -> Ended {
        if why == Some(Why::Flood) {
            self.process.deafen();
        }
        if why.is_some() {
            self.process.terminate();
            self.hear_until(Instant::now() + self.limits.grace, |heard| matches!(heard, Heard::Exited | Heard::Over))
                .await;
        }
        self.process.kill();
        self.hear_until(Instant::now() + DRAIN, |heard| matches!(heard, Heard::Over)).await;
        let usage = self.meter.usage();
        let status = self.process.status();
        let how = match why.or_else(|| self.limits.exceeded(&usage)) {
            Some(why) => How::Killed(why),
            None => by_itself(status),
        };
        let failed = !matches!(how, How::Exited(0));
        let complaint = || Some(self.process.complaints(ERROR_MAX)).filter(|words| failed && !words.is_empty());
        let error = self.meter.error().map(str::to_owned).or_else(complaint);
        Ended { how, usage, facts: self.meter.facts(), last_words: self.meter.last_words(), error }
    }

    /// Hears it until a moment, or until it is done.
    async fn hear_until(&mut self, moment: Instant, done: impl Fn(&Heard) -> bool) {
        let heard_out = async { while !done(&self.hear().await) {} };
        // Whether it was done in time makes no difference to what follows.
        let _ = timeout_at(moment, heard_out).await;
    }
}

fn by_itself(status: Option<ExitStatus>) -> How {
    let signal = status.and_then(|status| status.signal());
    match (signal, status.and_then(|status| status.code())) {
        (Some(signal), _) => How::Signalled(signal),
        (None, Some(code)) => How::Exited(code),
        // Killed, and still not gone: the system holds it.
        (None, None) => How::Signalled(nix::libc::SIGKILL),
    }
}
