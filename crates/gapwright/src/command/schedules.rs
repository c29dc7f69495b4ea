//! `schedules`: the server's own jobs, which ring by a cadence.

use clap::Subcommand;
use domain::scheduled::Triggered;
use serde_json::{Value, json};
use store::scheduled::Seen;

use crate::cli::ListArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::{Answer, moment};

/// Scheduled jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum Schedules {
    /// List scheduled jobs by name
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Let a scheduled job ring now, and change nothing else
    Trigger {
        /// Its name
        name: String,
    },
}

impl Schedules {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        match self {
            Self::List(list) => {
                let Session { plane, call } = Session::open(config, "cli schedules list", Missing::Refuse).await?;
                let page = plane.list_scheduled(&call, &list.ask()?).await?;
                let columns = ["name", "cadence", "next run", "last run", "last status"];
                Ok(Answer::page("scheduled_jobs", &columns, &page, document, row))
            }
            Self::Trigger { name } => {
                let Session { plane, call } = Session::open(config, "cli schedules trigger", Missing::Refuse).await?;
                match plane.trigger_scheduled(&call, &name).await? {
                    Triggered::Now => Ok(Answer::new(json!({"triggered": name}), format!("{name} rings now"))),
                    Triggered::Off => Err(Failure::new(format!("the scheduled job {name:?} is off"))
                        .hint("give it a cadence in the configuration of gapwright serve")),
                    Triggered::NotFound => Err(Failure::not_found(format!("there is no scheduled job {name:?}"))
                        .hint("see gapwright schedules list; gapwright serve makes those that are configured")),
                }
            }
        }
    }
}

fn document(seen: &Seen) -> Value {
    let hold = seen.job.hold.as_ref();
    json!({
        "name": seen.job.name,
        "cadence": seen.job.cadence,
        "next_run_at": seen.job.next_run_at.map(domain::time::Time::iso),
        "locked_at": hold.map(|hold| hold.since.iso()),
        "locked_by": hold.map(|hold| hold.replica.clone()),
        "last_run_at": seen.last_run_at.map(domain::time::Time::iso),
        "last_status": seen.last_status,
    })
}

fn row(seen: &Seen) -> Vec<String> {
    let next = match &seen.job.hold {
        Some(hold) => format!("running since {}", hold.since.iso()),
        None => moment(seen.job.next_run_at),
    };
    vec![
        seen.job.name.clone(),
        seen.job.cadence.clone(),
        next,
        moment(seen.last_run_at),
        seen.last_status.clone().unwrap_or_default(),
    ]
}
