//! `runs`: how claims ended, for ever. The claims are over, so their ids are no secrets any more.

use clap::{Args, Subcommand};
use domain::job::Run;
use serde_json::{Value, json};

use crate::cli::ListArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::{Answer, moment};

/// Runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Runs {
    /// List runs, the latest first
    #[command(visible_alias = "ls")]
    List(List),
    /// Show one run
    Show {
        /// The id of its claim
        claim_id: String,
    },
}

/// List runs.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only of this job
    #[arg(long)]
    job: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

impl Runs {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        match self {
            Self::List(List { job, list }) => {
                let Session { plane, call } = Session::open(config, "cli runs list", Missing::Refuse).await?;
                let page = plane.list_runs(&call, job.as_deref(), &list.ask()?).await?;
                let columns = ["ended", "job", "kind", "outcome", "status", "attempt", "holder", "claim"];
                Ok(Answer::page("runs", &columns, &page, document, row))
            }
            Self::Show { claim_id } => {
                let Session { plane, call } = Session::open(config, "cli runs show", Missing::Refuse).await?;
                Ok(shown(&plane.show_run(&call, &claim_id).await?))
            }
        }
    }
}

fn shown(run: &Run) -> Answer {
    let fields = [
        ("claim", run.claim_id.clone()),
        ("job", run.job.clone()),
        ("kind", run.kind.clone()),
        ("outcome", run.outcome.to_string()),
        ("status", run.status.clone()),
        ("attempt", run.attempt.to_string()),
        ("fencing token", run.fencing_token.to_string()),
        ("holder", run.holder.clone()),
        ("principal", run.principal.clone()),
        ("claimed", run.claimed_at.iso()),
        ("ended", run.ended_at.iso()),
        ("summary", run.summary.clone().unwrap_or_default()),
    ];
    Answer::thing(document(run), &fields)
}

fn document(run: &Run) -> Value {
    json!({
        "claim_id": run.claim_id,
        "job": run.job,
        "kind": run.kind,
        "outcome": run.outcome.name(),
        "status": run.status,
        "attempt": run.attempt,
        "fencing_token": run.fencing_token,
        "holder": run.holder,
        "principal": run.principal,
        "claimed_at": run.claimed_at.iso(),
        "ended_at": run.ended_at.iso(),
        "summary": run.summary,
    })
}

fn row(run: &Run) -> Vec<String> {
    vec![
        moment(Some(run.ended_at)),
        run.job.clone(),
        run.kind.clone(),
        run.outcome.to_string(),
        run.status.clone(),
        run.attempt.to_string(),
        run.holder.clone(),
        run.claim_id.clone(),
    ]
}
