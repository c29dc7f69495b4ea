//! `kinds`: the shapes on which the payloads of each kind of job agree, proposed by the sweep and accepted by a person.

use clap::{Args, Subcommand};
use domain::time::Time;
use plane::kind::Verdict;
use serde_json::{Value, json};
use store::kind::Row;

use crate::cli::ListArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::Answer;

/// Kinds of jobs and their payloads; listed, unless something else is asked for.
#[derive(Debug, Args)]
pub(crate) struct Kinds {
    #[command(subcommand)]
    asked: Option<Asked>,
}

#[derive(Debug, Subcommand)]
enum Asked {
    /// List the kinds whose payloads agree on a shape
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Show the shape of a kind, as JSON Schema
    Show {
        /// The kind
        kind: String,
    },
    /// Hold payloads of a kind to its shape from now on
    Accept {
        /// The kind
        kind: String,
    },
    /// Do not hold payloads of a kind to a shape
    Refuse {
        /// The kind
        kind: String,
    },
    /// Forget a shape, so that the next sweep may propose one anew
    Forget {
        /// The kind
        kind: String,
    },
}

impl Kinds {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        let open = async |tool| Session::open(config, tool, Missing::Refuse).await;
        let (kind, verdict, tool) = match self.asked.unwrap_or(Asked::List(ListArgs::default())) {
            Asked::List(list) => {
                let Session { plane, call } = open("cli kinds list").await?;
                let page = plane.list_kinds(&call, &list.ask()?).await?;
                return Ok(Answer::page("kinds", &["kind", "state", "payloads", "by", "since"], &page, document, row));
            }
            Asked::Show { kind } => {
                let Session { plane, call } = open("cli kinds show").await?;
                let found = plane.show_kind(&call, &kind).await?;
                let schema = found.shape().map_err(plane::No::from)?.schema();
                let mut document = document(&found);
                document["schema"] = schema.clone();
                return Ok(Answer::new(document, format!("{} is {}\n{schema:#}", found.kind, found.state)));
            }
            Asked::Accept { kind } => (kind, Verdict::Accept, "cli kinds accept"),
            Asked::Refuse { kind } => (kind, Verdict::Refuse, "cli kinds refuse"),
            Asked::Forget { kind } => (kind, Verdict::Forget, "cli kinds forget"),
        };
        let Session { plane, call } = open(tool).await?;
        let done = plane.judge_kind(&call, &kind, verdict).await?;
        let word = match verdict {
            Verdict::Accept => "accepted",
            Verdict::Refuse => "refused",
            Verdict::Forget => "forgotten",
        };
        let text = if done { format!("{kind} is {word}") } else { format!("{kind} was {word} before") };
        Ok(Answer::new(json!({"kind": kind, "state": word, "changed": done}), text))
    }
}

fn document(row: &Row) -> Value {
    json!({
        "kind": row.kind, "state": row.state, "payloads": row.examples, "at": Time(row.at).iso(), "by": row.by,
    })
}

fn row(row: &Row) -> Vec<String> {
    vec![row.kind.clone(), row.state.clone(), row.examples.to_string(), row.by.clone(), Time(row.at).iso()]
}
