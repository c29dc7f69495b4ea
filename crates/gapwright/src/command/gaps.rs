//! `gaps`: what agents said they lack, and how often.

use clap::Subcommand;
use domain::time::Time;
use serde_json::{Value, json};
use store::gap::{Line, Seen};

use crate::cli::ListArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::{Answer, moment};

/// Gaps.
#[derive(Debug, Subcommand)]
pub(crate) enum Gaps {
    /// List gaps by how many jobs they block
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Show the sightings of one gap, the latest first
    Show {
        /// The gap's name
        name: String,
        #[command(flatten)]
        list: ListArgs,
    },
}

impl Gaps {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        match self {
            Self::List(list) => {
                let Session { plane, call } = Session::open(config, "cli gaps list", Missing::Refuse).await?;
                let page = plane.list_gaps(&call, &list.ask()?).await?;
                let columns = ["name", "kind", "jobs", "sightings", "first", "last"];
                Ok(Answer::page("gaps", &columns, &page, line, line_row))
            }
            Self::Show { name, list } => {
                let Session { plane, call } = Session::open(config, "cli gaps show", Missing::Refuse).await?;
                let page = plane.show_gap(&call, &name, &list.ask()?).await?;
                let columns = ["at", "kind", "severity", "job", "principal", "reason"];
                Ok(Answer::page("sightings", &columns, &page, sighting, sighting_row))
            }
        }
    }
}

fn line(line: &Line) -> Value {
    json!({
        "name": Some(&line.name).filter(|name| !name.is_empty()),
        "kind": line.kind,
        "jobs": line.jobs,
        "sightings": line.sightings,
        "first_at": Time(line.first_at).iso(),
        "last_at": Time(line.last_at).iso(),
    })
}

fn line_row(line: &Line) -> Vec<String> {
    vec![
        if line.name.is_empty() { "(not readable)".to_owned() } else { line.name.clone() },
        line.kind.clone(),
        line.jobs.to_string(),
        line.sightings.to_string(),
        moment(Some(Time(line.first_at))),
        moment(Some(Time(line.last_at))),
    ]
}

fn sighting(seen: &Seen) -> Value {
    json!({
        "id": seen.id,
        "at": Time(seen.at).iso(),
        "kind": seen.kind,
        "name": seen.name,
        "reason": seen.reason,
        "severity": seen.severity,
        "job": seen.job,
        "depends_on": seen.depends_on,
        "source": seen.source,
        "principal": seen.principal,
    })
}

fn sighting_row(seen: &Seen) -> Vec<String> {
    vec![
        moment(Some(Time(seen.at))),
        seen.kind.clone(),
        seen.severity.clone(),
        seen.job.clone().unwrap_or_default(),
        seen.principal.clone(),
        seen.reason.clone(),
    ]
}
