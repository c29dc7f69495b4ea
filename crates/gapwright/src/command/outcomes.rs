//! `outcomes`: what became of pull requests, counted by kind of gap, with what reviewers found in them.

use clap::Args;
use domain::outcome::Outcome;
use domain::time::{Span, Time};
use plane::outcome::Counts;
use serde_json::{Value, json};
use store::outcome::{Found, Listed};

use super::gaps::section;
use crate::cli::ListArgs;
use crate::config::{Config, machine_time};
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::{Answer, moment};

/// What became of pull requests.
#[derive(Debug, Args)]
pub(crate) struct Outcomes {
    /// Count those that ended in the last so many days
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(i64).range(1..=3650))]
    days: i64,
    #[command(flatten)]
    list: ListArgs,
}

impl Outcomes {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        let ask = self.list.ask()?;
        let Session { plane, call } = Session::open(config, "cli outcomes", Missing::Refuse).await?;
        let since = machine_time() - Span::days(self.days);
        let counts = plane.count_outcomes(&call, since).await?;
        let page = plane.list_outcomes(&call, &ask).await?;
        let missed = plane.count_findings(&call, since).await?;
        let missed_rows: Vec<_> = missed
            .iter()
            .map(|(category, of)| vec![category.clone(), of.found.to_string(), of.pulls.to_string()])
            .collect();
        let document = json!({
            "days": self.days,
            "by_kind": counts.by_kind,
            "all": counts.all,
            "missed": missed.iter().map(|(category, of)| json!({"category": category, "findings": of.found, "pulls": of.pulls})).collect::<Vec<_>>(),
            "outcomes": page.items.iter().map(|listed| numbered(document(&listed.found), listed.number)).collect::<Vec<_>>(),
            "cursor": page.cursor,
        });
        let more = page.cursor.as_ref().map(|cursor| format!("\nmore: --cursor {cursor}")).unwrap_or_default();
        let text = format!(
            "{}{}{}{more}",
            shares(&counts),
            section("What reviewers found in first drafts", &["category", "findings", "pull requests"], missed_rows),
            section(
                "Each",
                &["ended", "pull", "kind", "outcome", "to the gate", "by", "why"],
                page.items.iter().map(row).collect()
            ),
        );
        Ok(Answer::new(document, text))
    }
}

/// An outcome, with its moments as people read them and its evidence as JSON.
pub(super) fn document(found: &Found) -> Value {
    json!({
        "id": found.id, "pull": found.pull, "seq": found.seq, "outcome": found.outcome, "weight": found.weight,
        "stratum": found.stratum, "repo": found.repo, "gap_kind": found.gap_kind, "ended_at": Time(found.ended_at).iso(),
        "at": Time(found.at).iso(), "by": found.by, "why": found.why,
        "evidence": serde_json::from_str::<Value>(&found.evidence).unwrap_or(Value::Null),
    })
}

fn numbered(mut document: Value, number: Option<i64>) -> Value {
    document["number"] = json!(number);
    document
}

/// Shares, never without how many there were.
pub(super) fn shares(counts: &Counts) -> String {
    let all = counts.by_kind.is_empty().then(Vec::new).unwrap_or_else(|| vec![line("all", &counts.all)]);
    if counts.by_kind.is_empty() {
        return "no pull request has ended in this time".to_owned();
    }
    let rows = counts.by_kind.iter().map(|(kind, of)| line(kind, of)).chain(all).collect();
    let mut columns = vec!["kind", "n"];
    columns.extend(Outcome::ALL.map(Outcome::name));
    section("Outcomes", &columns, rows)
}

fn line(kind: &str, of: &std::collections::BTreeMap<Outcome, i64>) -> Vec<String> {
    let all: i64 = of.values().sum();
    let cells = Outcome::ALL.map(|outcome| {
        let count = of.get(&outcome).copied().unwrap_or(0);
        if count == 0 { "0".to_owned() } else { format!("{count} ({} %)", (count * 100 + all / 2) / all.max(1)) }
    });
    [kind.to_owned(), all.to_string()].into_iter().chain(cells).collect()
}

fn row(listed: &Listed) -> Vec<String> {
    let found = &listed.found;
    vec![
        moment(Some(Time(found.ended_at))),
        listed.number.map_or_else(String::new, |number| format!("#{number}")),
        found.gap_kind.clone(),
        found.outcome.clone(),
        found.weight.clone(),
        found.by.clone(),
        found.why.clone(),
    ]
}
