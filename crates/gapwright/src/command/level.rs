//! `level`: what this installation does by itself, and the gate to the level above.

use clap::{Args, Subcommand};
use domain::level::{Item, Level as Rung};
use domain::time::Time;
use plane::level::{Moved, Standing};
use serde_json::{Value, json};

use super::gaps::section;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::{Answer, moment};

/// The level of autonomy; shown, unless something else is asked for.
#[derive(Debug, Args)]
pub(crate) struct Level {
    #[command(subcommand)]
    asked: Option<Asked>,
}

#[derive(Debug, Subcommand)]
enum Asked {
    /// Show the level, and what the gate to the one above asks for
    Show,
    /// Raise the level by one, when its gate is open
    Raise {
        /// Override a closed gate, and say why in 10 to 1000 characters; it is kept with the evidence of the moment
        #[arg(long = "override", value_name = "REASON")]
        reason: Option<String>,
    },
    /// Lower the level: by one, or to the one named
    Lower {
        /// To which level
        #[arg(long, value_name = "LEVEL")]
        to: Option<String>,
        /// Why, in 10 to 1000 characters
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

impl Level {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        match self.asked.unwrap_or(Asked::Show) {
            Asked::Show => {
                let Session { plane, call } = Session::open(config, "cli level show", Missing::Refuse).await?;
                Ok(shown(&plane.show_level(&call).await?))
            }
            Asked::Raise { reason } => {
                let Session { plane, call } = Session::open(config, "cli level raise", Missing::Refuse).await?;
                Ok(moved(&plane.raise_level(&call, reason.as_deref()).await?))
            }
            Asked::Lower { to, reason } => {
                let to = to.map(|to| Rung::parse(&to)).transpose()?;
                let Session { plane, call } = Session::open(config, "cli level lower", Missing::Refuse).await?;
                Ok(moved(&plane.lower_level(&call, to, reason.as_deref()).await?))
            }
        }
    }
}

fn moved(moved: &Moved) -> Answer {
    let how = if moved.overridden { ", by a written reason and not by evidence" } else { "" };
    Answer::new(json!(moved), format!("the level is {}, after {}{how}", moved.now, moved.was))
}

fn item(item: &Item) -> Value {
    json!({"what": item.what, "have": item.have, "need": item.need, "met": item.is_met()})
}

fn shown(standing: &Standing) -> Answer {
    let history: Vec<_> = standing
        .history
        .iter()
        .map(|change| {
            let evidence: Value = serde_json::from_str(&change.evidence).unwrap_or_default();
            json!({
                "at": Time(change.at).iso(), "was": change.was, "now": change.now, "by": change.by,
                "reason": change.reason, "overridden": change.overridden == 1, "evidence": evidence,
            })
        })
        .collect();
    let document = json!({
        "level": standing.level.name(),
        "since": standing.since.map(Time::iso),
        "next": standing.next.map(Rung::name),
        "gate": standing.gate.iter().map(item).collect::<Vec<_>>(),
        "outcomes": standing.outcomes.all,
        "history": history,
    });
    let since = standing.since.map(|at| format!(" since {at}")).unwrap_or_default();
    let gate: Vec<_> = standing.gate.iter().map(gate_row).collect();
    let heading = standing.next.map(|next| format!("Gate to {next}")).unwrap_or_default();
    let changes: Vec<_> = standing
        .history
        .iter()
        .map(|change| {
            let how = if change.overridden == 1 { "overridden" } else { "" };
            vec![
                moment(Some(Time(change.at))),
                format!("{} to {}", change.was, change.now),
                change.by.clone(),
                how.to_owned(),
                change.reason.clone(),
            ]
        })
        .collect();
    let text = format!(
        "level: {}{since}{}{}{}",
        standing.level,
        section(&heading, &["asks for", "need", "have", ""], gate),
        super::outcomes::shares(&standing.outcomes),
        section("Changes", &["at", "level", "by", "", "reason"], changes)
    );
    Answer::new(document, text)
}

fn gate_row(item: &Item) -> Vec<String> {
    let have = item.have.map_or_else(|| "not known".to_owned(), |have| have.to_string());
    let met = if item.is_met() { "met" } else { "missing" };
    vec![item.what.to_owned(), item.need.to_string(), have, met.to_owned()]
}
