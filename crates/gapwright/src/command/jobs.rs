//! `jobs`: routine jobs. A claim's handle is a secret of its holder and is not shown.

use clap::{Args, Subcommand};
use domain::job::{self, Job, Payload, Register, State};
use domain::refusal::{Code, Refusal};
use domain::time::{Span, Time};
use plane::No;
use plane::job::{Kept, Upsert};
use serde_json::{Value, json};
use store::job::list::Listed;
use store::job::state_name;

use crate::cli::ListArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::{Answer, moment};
use crate::span;

/// Routine jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
    /// List jobs by when they are due
    #[command(visible_alias = "ls")]
    List(List),
    /// Show one job
    Show {
        /// Its name
        name: String,
    },
    /// Register a job
    #[command(visible_alias = "register")]
    Add(Add),
    /// Make a job due now
    Trigger {
        /// Its name
        name: String,
    },
    /// Remove a job that nobody holds; its history stays
    #[command(visible_aliases = ["rm", "deregister"])]
    Remove {
        /// Its name
        name: String,
    },
}

/// List jobs.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only jobs that are due now
    #[arg(long)]
    due: bool,
    /// Only jobs of this kind
    #[arg(long)]
    kind: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// Register a job.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its name, 1 to 200 characters
    name: String,
    /// What sort of work it is; workers choose by it
    #[arg(long)]
    kind: String,
    /// How long after each completion it is due again, such as 1h; without it, the job is a one-off
    #[arg(long, value_parser = span::flag)]
    every: Option<Span>,
    /// What the worker needs to know, as a JSON object
    #[arg(long, value_name = "JSON")]
    payload: Option<String>,
    /// When it is first due, such as 2026-11-22T08:00:00Z; without it, when it is triggered
    #[arg(long, value_name = "TIME")]
    next_run_at: Option<String>,
    /// -1000 to 1000; higher goes first
    #[arg(long, default_value_t = 0, allow_hyphen_values = true)]
    priority: i64,
    /// How many pickups without a success until it gives up, 0 for no limit; without it, 5 for a one-off and no limit
    /// for a repeating job
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    max_attempts: Option<i64>,
    /// The gap that this job works on, by its name or as KIND/NAME
    #[arg(long)]
    gap: Option<String>,
    /// Replace the definition of a job of this name
    #[arg(long)]
    upsert: bool,
}

impl Jobs {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        match self {
            Self::List(List { due, kind, list }) => {
                let Session { plane, call } = Session::open(config, "cli jobs list", Missing::Refuse).await?;
                let page = plane.list_jobs(&call, due, kind.as_deref(), &list.ask()?).await?;
                let columns = ["name", "kind", "state", "next run", "priority", "holder", "last status"];
                Ok(Answer::page("jobs", &columns, &page, listed, |listed| row(&listed.job)))
            }
            Self::Show { name } => {
                let Session { plane, call } = Session::open(config, "cli jobs show", Missing::Refuse).await?;
                Ok(shown(&plane.show_job(&call, &name).await?))
            }
            Self::Add(add) => add.run(config).await,
            Self::Trigger { name } => {
                let Session { plane, call } = Session::open(config, "cli jobs trigger", Missing::Refuse).await?;
                let job = plane.trigger_job(&call, &name).await?.ok_or_else(|| unknown(&name))?;
                let text = format!("{} is {}", job.name, state_name(&job.state));
                Ok(Answer::new(json!({"triggered": document(&job)}), text))
            }
            Self::Remove { name } => {
                let Session { plane, call } = Session::open(config, "cli jobs remove", Missing::Refuse).await?;
                match plane.deregister_job(&call, &name).await? {
                    Ok(()) => Ok(Answer::new(json!({"removed": name}), format!("removed {name}"))),
                    Err(Kept::NotFound) => Err(unknown(&name)),
                    Err(Kept::Held { by, until, now }) => {
                        Err(Refusal::new(Code::Held, format!("{by} holds the job {name:?}"))
                            .retry_after(until.since(now))
                            .hint("wait until it is completed or its claim expires")
                            .into())
                    }
                }
            }
        }
    }
}

impl Add {
    async fn run(self, config: &Config) -> Result<Answer, Failure> {
        let upsert = if self.upsert { Upsert::Replace } else { Upsert::Never };
        let Session { plane, call } = Session::open(config, "cli jobs add", Missing::Make).await?;
        let job = plane.register_job(&call, self.definition(&call.by.name)?, upsert).await;
        let job = job.map_err(|no| match no {
            No::Refusal(refusal) if refusal.code == Code::AlreadyExists => {
                No::Refusal(refusal.hint("choose another name, or replace its definition with --upsert"))
            }
            no @ (No::Refusal(_) | No::Fault(_)) => no,
        })?;
        let waits = match job.state {
            State::Idle => format!(": it is due once somebody runs gapwright jobs trigger {:?}", job.name),
            State::Waiting | State::Ready | State::Held(_) | State::Dead => String::new(),
        };
        let text = format!("{} is {}{waits}", job.name, state_name(&job.state));
        Ok(Answer::new(json!({"job": document(&job)}), text))
    }

    fn definition(&self, created_by: &str) -> Result<Register, Refusal> {
        let payload = self.payload.as_deref().map(|text| {
            let value: Value = serde_json::from_str(text).map_err(|error| {
                Refusal::invalid("payload", format!("--payload is not JSON: {error}"))
                    .hint("quote it for the shell: --payload '{\"pr\": 17}'")
            })?;
            Payload::new(&value)
        });
        Ok(Register {
            name: self.name.clone(),
            kind: self.kind.clone(),
            interval: self.every.map(|every| job::interval(every.0 / 1_000)).transpose()?,
            payload: payload.transpose()?,
            next_run_at: self.next_run_at.as_deref().map(|text| Time::parse(text, "next_run_at")).transpose()?,
            priority: job::priority(self.priority)?,
            max_attempts: self.max_attempts.map(job::max_attempts).transpose()?,
            created_by: created_by.to_owned(),
            gap: self.gap.clone(),
            pull: None,
        })
    }
}

fn unknown(name: &str) -> Failure {
    Failure::not_found(format!("there is no job {name:?}")).hint("see gapwright jobs list")
}

fn holder(job: &Job) -> Option<&domain::job::Claim> {
    match &job.state {
        State::Held(claim) => Some(claim),
        State::Idle | State::Waiting | State::Ready | State::Dead => None,
    }
}

fn shown(job: &Job) -> Answer {
    let claim = holder(job);
    let last = job.last.as_ref();
    let fields = [
        ("name", job.name.clone()),
        ("kind", job.kind.clone()),
        ("state", state_name(&job.state).to_owned()),
        ("next run", moment(job.next_run_at)),
        ("every", job.interval.map_or_else(|| "once".to_owned(), |every| every.to_string())),
        ("priority", job.priority.to_string()),
        ("attempts", attempts(job)),
        ("fencing token", job.fencing_token.to_string()),
        ("holder", claim.map(|claim| format!("{} ({})", claim.holder, claim.principal)).unwrap_or_default()),
        ("held until", moment(claim.map(|claim| claim.expires_at))),
        ("progress", claim.and_then(|claim| claim.progress.clone()).unwrap_or_default()),
        ("last run", moment(last.map(|last| last.at))),
        ("last status", last.map(|last| last.status.clone()).unwrap_or_default()),
        ("last summary", last.and_then(|last| last.summary.clone()).unwrap_or_default()),
        ("created", format!("{} by {}", job.created_at.iso(), job.created_by)),
        ("gap", job.gap.clone().unwrap_or_default()),
        ("payload", job.payload.clone().unwrap_or_default()),
    ];
    Answer::thing(document(job), &fields)
}

fn attempts(job: &Job) -> String {
    match job.max_attempts {
        0 => job.attempts.to_string(),
        max => format!("{} of {max}", job.attempts),
    }
}

fn document(job: &Job) -> Value {
    let payload: Option<Value> = job.payload.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let claim = holder(job);
    json!({
        "name": job.name,
        "kind": job.kind,
        "state": state_name(&job.state),
        "interval_secs": job.interval.map(|every| every.0 / 1_000),
        "payload": payload,
        "priority": job.priority,
        "max_attempts": job.max_attempts,
        "attempts": job.attempts,
        "fencing_token": job.fencing_token,
        "created_at": job.created_at.iso(),
        "created_by": job.created_by,
        "gap": job.gap,
        "next_run_at": job.next_run_at.map(Time::iso),
        "held_by": claim.map(|claim| &claim.holder),
        "held_by_principal": claim.map(|claim| &claim.principal),
        "claimed_at": claim.map(|claim| claim.claimed_at.iso()),
        "expires_at": claim.map(|claim| claim.expires_at.iso()),
        "progress": claim.and_then(|claim| claim.progress.as_ref()),
        "last_run_at": job.last.as_ref().map(|last| last.at.iso()),
        "last_status": job.last.as_ref().map(|last| last.status.clone()),
        "last_summary": job.last.as_ref().and_then(|last| last.summary.clone()),
    })
}

/// A job as a list has it: how large its payload is in the place of the payload.
fn listed(listed: &Listed) -> Value {
    let mut document = document(&listed.job);
    document["payload_bytes"] = json!(listed.payload_bytes);
    document.as_object_mut().map(|fields| fields.remove("payload"));
    document
}

fn row(job: &Job) -> Vec<String> {
    vec![
        job.name.clone(),
        job.kind.clone(),
        state_name(&job.state).to_owned(),
        moment(job.next_run_at),
        job.priority.to_string(),
        holder(job).map(|claim| claim.holder.clone()).unwrap_or_default(),
        job.last.as_ref().map(|last| last.status.clone()).unwrap_or_default(),
    ]
}
