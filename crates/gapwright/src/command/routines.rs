//! `routines`: who checks in, who is late, and which were started for what.

use clap::{Args, Subcommand};
use domain::check_in::Routine;
use domain::fire::Fire;
use domain::time::{Span, Time};
use plane::page::Page;
use serde_json::{Value, json};

use crate::cli::ListArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::{Answer, moment};

/// Routines.
#[derive(Debug, Subcommand)]
pub(crate) enum Routines {
    /// List the Routines that ever checked in or are expected to
    #[command(visible_alias = "ls")]
    List,
    /// List the starts of Routines for jobs that were due, the latest first
    Fires {
        #[command(flatten)]
        list: ListArgs,
    },
    /// Say whether a Routine was started of which nobody could tell
    Release(Release),
}

/// Whether it was started.
#[derive(Debug, Args)]
pub(crate) struct Release {
    /// The id of the start, as dead-letters and routines fires tell it
    id: String,
    #[command(flatten)]
    end: End,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct End {
    /// It was; its claim is waited for
    #[arg(long)]
    started: bool,
    /// It was not, and is started again
    #[arg(long)]
    not_started: bool,
}

impl Routines {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        match self {
            Self::List => {
                let Session { plane, call } = Session::open(config, "cli routines list", Missing::Refuse).await?;
                let (items, now) = plane.list_routines(&call).await?;
                let columns = ["name", "every", "grace", "started", "ended", "state"];
                let page = Page { items, cursor: None };
                let shown = |routine: &Routine| document(routine, now);
                Ok(Answer::page("routines", &columns, &page, shown, |routine| row(routine, now)))
            }
            Self::Fires { list } => {
                let Session { plane, call } = Session::open(config, "cli routines fires", Missing::Refuse).await?;
                let page = plane.list_fires(&call, &list.ask()?).await?;
                let columns = ["id", "routine", "job", "state", "tries", "last", "session", "error"];
                Ok(Answer::page("fires", &columns, &page, fire_document, fire_row))
            }
            Self::Release(Release { id, end }) => {
                let Session { plane, call } = Session::open(config, "cli routines release", Missing::Refuse).await?;
                let fire = plane.release_fire(&call, &id, end.started).await?;
                let next = if end.started { "counts as started" } else { "is started again" };
                let text = format!("{} {next} for {}", fire.routine, fire.job);
                Ok(Answer::new(json!({"fire": fire_document(&fire)}), text))
            }
        }
    }
}

fn fire_document(fire: &Fire) -> Value {
    json!({
        "id": fire.id, "routine": fire.routine, "job": fire.job, "due_at": fire.due_at.iso(), "state": fire.state.name(),
        "tries": fire.tries, "tried_at": fire.tried_at.iso(), "session": fire.session, "url": fire.url, "error": fire.error,
    })
}

fn fire_row(fire: &Fire) -> Vec<String> {
    vec![
        fire.id.clone(),
        fire.routine.clone(),
        fire.job.clone(),
        fire.state.name().to_owned(),
        fire.tries.to_string(),
        moment(Some(fire.tried_at)),
        if fire.url.is_empty() { fire.session.clone() } else { fire.url.clone() },
        fire.error.clone(),
    ]
}

fn document(routine: &Routine, now: Time) -> Value {
    json!({
        "name": routine.name,
        "every_secs": routine.every.map(|every| every.0 / 1_000),
        "grace_secs": routine.grace.0 / 1_000,
        "started_at": routine.started_at.map(Time::iso),
        "ended_at": routine.ended_at.map(Time::iso),
        "late": routine.late(now),
        "late_after": routine.late_after().map(Time::iso),
    })
}

fn row(routine: &Routine, now: Time) -> Vec<String> {
    let state = match (routine.every, routine.late(now)) {
        (None, _) => "not expected",
        (Some(_), true) => "late",
        (Some(_), false) => "in time",
    };
    vec![
        routine.name.clone(),
        routine.every.map(|every| every.to_string()).unwrap_or_default(),
        routine.every.map_or(Span::ZERO, |_| routine.grace).to_string(),
        moment(routine.started_at),
        moment(routine.ended_at),
        state.to_owned(),
    ]
}
