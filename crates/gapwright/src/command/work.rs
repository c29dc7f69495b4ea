//! `work`: jobs of the pipeline, claimed from a server and worked on by an agent's command line on this machine.
//!
//! The agent holds no credential of the forge and no token but one for its job. The broker is this runner's own.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use domain::pull::Stage;
use futures::future::join_all;
use runner::{Agent, Client, End, Line, News, Origin, Outcome, Trouble, Usage, Worked, Worker, usd};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::hired::{CONCURRENCY_MAX, Hired, agent, model};
use super::signals;
use crate::config::{Config, ForgeKind, variable};
use crate::failure::{Exit, Failure};
use crate::session;
use crate::show::{self, Format};

/// What is to be known of this command beside its flags.
pub(crate) const AFTER_HELP: &str = "\
The token is that of a caller with the role of the stage, in GAPWRIGHT_WORK_TOKEN or in the file of
--token-file: gapwright token create --role implementer --name NAME. Each stage needs a caller of its
own: nobody stands in two stages of one pull request. The forge is that of the settings, [forge];
how long a run may take is pipeline.run_minutes.

The token is sent by https, or by http to this machine. By http to another one only with
--insecure-http, for a private network in which nobody else listens: whoever does has the token.

With --once it exits 0 when a job was handed in or none is due, 1 when it failed or its end is not
known, 5 when its claim was lost or the server let it go no further, and 75 when it was put off.";

/// The variable with the runner's token.
const TOKEN: &str = "GAPWRIGHT_WORK_TOKEN";

/// How long until the server is asked again that had nothing, or did not answer.
const AGAIN: Duration = Duration::from_secs(30);

/// Who may enter the folder of the brokers.
const FOLDER_MODE: u32 = 0o700;

/// Claim jobs of the pipeline and let an agent's command line work on them.
#[derive(Debug, Args)]
pub(crate) struct Work {
    /// The stage whose jobs are claimed: planner, implementer, reviewer or merger
    #[arg(long, value_name = "KIND", value_parser = stage)]
    kind: Stage,
    /// The agent: claude, codex, a path to either, or a command line
    #[arg(long, value_name = "AGENT", value_parser = agent)]
    agent: Agent,
    /// The server, with or without /mcp; otherwise where the settings say that it is
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Send the token by http to another machine, where anybody who listens can read it
    #[arg(long)]
    insecure_http: bool,
    /// A file with the runner's token
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Work on one job, or say that none is due, and end
    #[arg(long)]
    once: bool,
    /// How many jobs are worked on at once, 1 to 32
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(CONCURRENCY_MAX)))]
    concurrency: u16,
    /// The agent's model, where it lets one choose
    #[arg(long, value_name = "MODEL", value_parser = model)]
    model: Option<String>,
    /// The folder of this runner's own broker; otherwise gapwright/work in the user's data folder
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// A variable of the environment that the agent gets to see, beside those of its model's provider
    #[arg(long, value_name = "NAME")]
    pass: Vec<String>,
}

pub(super) fn stage(text: &str) -> Result<Stage, String> {
    Stage::parse(text).ok_or_else(|| format!("write one of {}", Stage::ALL.map(Stage::name).join(", ")))
}

impl Work {
    /// Works until it is told to stop, or once.
    pub(crate) async fn run(self, config: &Config, format: Format) -> Result<Exit, Failure> {
        session::hide();
        self.hired().can_start()?;
        let (stop, now) = signals::watch()?;
        let worker = self.worker(config).await?;
        let (once, kind) = (self.once, self.kind.name());
        if !once {
            tell(format, &json!({"event": "ready", "kind": kind}), &format!("ready for jobs of the kind {kind}"));
        }
        let working = async {
            let each = (0..self.concurrency).map(|_| async {
                let ended = if once { one(&worker, &stop, format).await } else { again(&worker, &stop, format).await };
                // One that cannot go on ends the others in order.
                if ended.is_err() {
                    stop.cancel();
                }
                ended
            });
            let ended = join_all(each).await;
            // The first failure is told, and else the first end that was not as wished.
            let ended: Vec<_> = ended.into_iter().collect::<Result<_, _>>()?;
            Ok(ended.into_iter().find(|exit| *exit != Exit::Ok).unwrap_or(Exit::Ok))
        };
        tokio::select! {
            ended = working => ended,
            () = now.cancelled() => Ok(Exit::Interrupted),
        }
    }

    fn hired(&self) -> Hired {
        Hired { agent: self.agent.clone(), model: self.model.clone(), pass: self.pass.clone() }
    }

    async fn worker(&self, config: &Config) -> Result<Worker, Failure> {
        let origin = origin(config)?;
        let repo = config.repository();
        let (url, token) = (self.url(config)?, self.token()?);
        let client = if self.insecure_http { Client::insecure } else { Client::new };
        let client = client(&url, token, session::chance()).map_err(unanswered)?;
        let folder = self.folder()?;
        let broker = folder.join(format!("{}.git", repo.replace('/', "+")));
        let prefix = config.sections.pipeline.branch_prefix.clone();
        let settings = self.hired().settings(self.kind, (repo, prefix), config.caps(), std::env::temp_dir());
        Worker::open(client, origin, &broker, settings).await.map_err(|trouble| {
            Failure::new("the broker of this runner cannot be used")
                .why(trouble.to_string())
                .hint("name another folder with --folder, in which nobody else may write")
        })
    }

    fn url(&self, config: &Config) -> Result<String, Failure> {
        let url = match &self.server {
            Some(url) => url.clone(),
            None => session::public_url(config)?,
        };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(Failure::usage("the server has no address that can be asked")
                .why(url)
                .hint("write --server https://HOST"));
        }
        if !self.insecure_http && runner::is_readable(&url) {
            return Err(Failure::usage("the token would be sent where anybody can read it")
                .why(url)
                .hint("write https://, or --insecure-http for a private network in which nobody else listens"));
        }
        let url = url.trim_end_matches('/');
        Ok(if url.ends_with("/mcp") { url.to_owned() } else { format!("{url}/mcp") })
    }

    fn token(&self) -> Result<SecretString, Failure> {
        let none = || {
            Failure::usage("there is no token for the server")
                .hint(format!("set {TOKEN}, or name a file with --token-file; gapwright token create makes one"))
        };
        let text = match &self.token_file {
            Some(file) => std::fs::read_to_string(file).map_err(|error| {
                Failure::usage("cannot read the file with the token").why(format!("{}: {error}", file.display()))
            })?,
            None => variable(TOKEN).ok_or_else(none)?,
        };
        let text = text.trim();
        if text.is_empty() { Err(none()) } else { Ok(SecretString::from(text)) }
    }

    /// The folder of the brokers, made where there is none.
    fn folder(&self) -> Result<PathBuf, Failure> {
        let folder = if let Some(folder) = &self.folder {
            folder.clone()
        } else {
            let data = variable("XDG_DATA_HOME").map(PathBuf::from).filter(|data| data.is_absolute());
            let data = data.or_else(|| variable("HOME").map(|home| Path::new(&home).join(".local/share")));
            let none = || Failure::usage("there is no folder for the broker").hint("name one with --folder");
            data.ok_or_else(none)?.join("gapwright/work")
        };
        let unmade = |error: std::io::Error| {
            Failure::new("the folder of the broker cannot be made").why(format!("{}: {error}", folder.display()))
        };
        std::fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&folder).map_err(unmade)?;
        std::fs::canonicalize(&folder).map_err(unmade)
    }
}

/// The repository, as the settings say: no store is opened, which may be on another machine.
fn origin(config: &Config) -> Result<Origin, Failure> {
    let git = &config.sections.forge.git;
    match config.forge_kind()? {
        ForgeKind::GitHub => Ok(Origin::Forge(Arc::new(config.github(None)?))),
        ForgeKind::Local if !git.is_empty() => Ok(Origin::Folder(PathBuf::from(git))),
        ForgeKind::Local | ForgeKind::None => Err(Failure::usage("there is no repository to work on")
            .hint("set forge.git to the local forge's repository, or forge.kind to github")),
    }
}

/// One job, or none.
async fn one(worker: &Worker, stop: &CancellationToken, format: Format) -> Result<Exit, Failure> {
    match work(worker, stop, format).await.map_err(unanswered)? {
        Worked::Nothing(why) => {
            tell(format, &json!({"event": "nothing", "reason": why}), &format!("nothing to do: {why}"));
            Ok(if stop.is_cancelled() { Exit::Interrupted } else { Exit::Ok })
        }
        Worked::Job(outcome) => Ok(exit(&outcome.end)),
    }
}

/// One job after another, until it is told to stop or can work on none.
async fn again(worker: &Worker, stop: &CancellationToken, format: Format) -> Result<Exit, Failure> {
    while !stop.is_cancelled() {
        let idle = match work(worker, stop, format).await {
            Ok(Worked::Job(Outcome { end: End::Broken(why), .. })) => {
                return Err(Failure::new("this runner can work on no job").why(why));
            }
            Ok(Worked::Job(_)) => false,
            Ok(Worked::Nothing(_)) => true,
            Err(trouble @ (Trouble::Stranger | Trouble::Foreign(_))) => return Err(unanswered(trouble)),
            Err(trouble @ (Trouble::Lost(_) | Trouble::Refused { .. })) => {
                tell(format, &json!({"event": "waits", "why": trouble.to_string()}), &format!("waits: {trouble}"));
                true
            }
        };
        if idle {
            stop.run_until_cancelled(sleep(AGAIN)).await;
        }
    }
    Ok(Exit::Interrupted)
}

async fn work(worker: &Worker, stop: &CancellationToken, format: Format) -> Result<Worked, Trouble> {
    let began = Instant::now();
    let worked = Box::pin(worker.one(stop, |news| tell_news(format, began, news))).await?;
    if let Worked::Job(outcome) = &worked {
        let (word, why) = end_words(&outcome.end);
        let (tokens, micro_usd) = used(outcome.usage.as_ref());
        let secs = outcome.took.as_secs();
        let document = json!({
            "event": "ended", "job": outcome.job, "end": word, "why": why, "tokens": tokens, "micro_usd": micro_usd,
            "seconds": secs,
        });
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        tell(
            format,
            &document,
            &format!("{word}: {}{why}{}", outcome.job, so_far(outcome.usage.as_ref(), outcome.took)),
        );
    }
    Ok(worked)
}

fn tell_news(format: Format, began: Instant, news: News) {
    match news {
        News::Claimed { job, gap } => {
            tell(format, &json!({"event": "claimed", "job": job, "gap": gap}), &format!("claimed: {job}"));
        }
        News::Agent(progress) => {
            let (event, what) = match progress.line {
                Line::Said(text) => ("said", text),
                Line::Used(tool) => ("used", tool),
                Line::Metered => return,
            };
            let (tokens, micro_usd) = used(Some(&progress.usage));
            let document = json!({"event": event, "what": what, "tokens": tokens, "micro_usd": micro_usd});
            tell(format, &document, &format!("  {event}: {what}{}", so_far(Some(&progress.usage), began.elapsed())));
        }
    }
}

fn tell(format: Format, document: &Value, text: &str) {
    match format {
        Format::Text => show::line(&show::clean(text)),
        Format::Json => {
            show::raw(&format!("{document}\n"));
        }
    }
}

/// What is known to have been used.
fn used(usage: Option<&Usage>) -> (Option<u64>, Option<i64>) {
    let known = usage.filter(|usage| usage.source != runner::Source::Unknown);
    (known.map(Usage::tokens), known.and_then(|usage| usage.micro_usd))
}

fn so_far(usage: Option<&Usage>, took: Duration) -> String {
    let (tokens, micro_usd) = used(usage);
    let tokens = tokens.map_or_else(String::new, |tokens| format!(", {tokens} tokens"));
    let cost = micro_usd.map_or_else(String::new, |micro_usd| format!(", {}", usd(micro_usd)));
    format!(" ({} min{tokens}{cost})", took.as_secs() / 60)
}

pub(super) fn end_words(end: &End) -> (&'static str, Option<&str>) {
    match end {
        End::HandedIn => ("handed in", None),
        End::Failed(why) => ("failed", Some(why)),
        End::Deferred(why) => ("put off", Some(why)),
        End::Broken(why) => ("put off for others", Some(why)),
        End::Barred(why) => ("not let go on", Some(why)),
        End::Lost => ("lost", None),
        End::Stopped => ("stopped", None),
        End::Unended(why) => ("left to run out", Some(why)),
        End::Unknown => ("over", Some("how it ended is not known")),
    }
}

const fn exit(end: &End) -> Exit {
    match end {
        End::HandedIn => Exit::Ok,
        End::Failed(_) | End::Broken(_) | End::Unended(_) | End::Unknown => Exit::Failure,
        End::Deferred(_) => Exit::TryLater,
        End::Barred(_) | End::Lost => Exit::Conflict,
        End::Stopped => Exit::Interrupted,
    }
}

/// Why the server gave no job.
fn unanswered(trouble: Trouble) -> Failure {
    let told = trouble.to_string();
    match trouble {
        Trouble::Lost(_) => {
            Failure::later("no job can be claimed").why(told).hint("see that the server runs, and where: --server")
        }
        Trouble::Stranger => {
            Failure { exit: Exit::Forbidden, code: "unauthenticated", ..Failure::new("no job can be claimed") }
                .why(told)
                .hint(format!("give a token in force as {TOKEN} or --token-file: gapwright token create"))
        }
        Trouble::Foreign(_) => {
            Failure::new("no job can be claimed").why(told).hint("use the same gapwright as the server")
        }
        Trouble::Refused { code, hint, .. } => {
            let (exit, code) = match code.as_str() {
                "forbidden" => (Exit::Forbidden, "forbidden"),
                "same_instance" => (Exit::Forbidden, "same_instance"),
                "invalid_argument" | "unknown_argument" => (Exit::Usage, "invalid_argument"),
                _ => (Exit::TryLater, "unavailable"),
            };
            Failure { exit, code, ..Failure::new("no job can be claimed") }.why(told).hint(hint)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_handed_in_exits_as_well() {
        for (end, code) in [
            (End::HandedIn, Exit::Ok),
            (End::Failed(String::new()), Exit::Failure),
            (End::Deferred(String::new()), Exit::TryLater),
            (End::Broken(String::new()), Exit::Failure),
            (End::Barred(String::new()), Exit::Conflict),
            (End::Lost, Exit::Conflict),
            (End::Stopped, Exit::Interrupted),
            (End::Unended(String::new()), Exit::Failure),
            (End::Unknown, Exit::Failure),
        ] {
            assert_eq!(exit(&end), code, "{end:?}");
        }
    }
}
