//! `gaps`: what agents lack, in the order of its rank, and what people say of it.

use clap::{Args, Subcommand};
use domain::gap::{Gap, Priority, State};
use domain::refusal::Refusal;
use domain::time::Time;
use plane::Plane;
use plane::gap::Explained;
use serde_json::{Value, json};
use store::gap::likeness::Proposal;
use store::gap::sighting::Seen;
use store::gap::{Ranked, Which};

use super::gap_shown;
use crate::cli::ListArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::{Answer, moment, table};

/// Gaps.
#[derive(Debug, Subcommand)]
pub(crate) enum Gaps {
    /// List gaps by rank
    #[command(visible_alias = "ls")]
    List(List),
    /// Show one gap with everything around it
    Show {
        /// The gap, by its name or as KIND/NAME
        name: String,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Sum up what agents lack, by kind: how often, what it blocks, what became of it
    Inventory,
    /// List gaps by rank, and with --explain what each rank is made of
    Rank {
        /// Say what each rank is made of
        #[arg(long)]
        explain: bool,
        #[command(flatten)]
        list: ListArgs,
    },
    /// List markers that could not be read
    Unreadable(ListArgs),
    /// List gaps that may be the same under two names
    Proposals(ListArgs),
    /// Let one gap stand for another that says the same
    Merge {
        /// The duplicate, by its name or as KIND/NAME
        duplicate: String,
        /// The gap that stands for both
        into: String,
    },
    /// Say that two gaps which were proposed as the same are not
    Distinct {
        /// The one
        gap: String,
        /// The other
        other: String,
    },
    /// Say that what was missing is there now; the next success of a job that it blocked proves it
    Merged(Why),
    /// Say that people will live without a gap
    Wontfix(Why),
    /// Open a gap again
    Reopen(Why),
    /// Say how important a gap is
    Priority {
        /// The gap, by its name or as KIND/NAME
        name: String,
        /// low, normal, high or critical; none leaves it to the reports
        priority: String,
    },
}

/// List gaps.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only gaps in this state: open, planned, in_progress, in_review, merged, proven, wontfix, requires_human or
    /// duplicate; or all. By default those that are still to be closed
    #[arg(long)]
    state: Option<String>,
    /// Only gaps of this kind
    #[arg(long)]
    kind: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// A gap, and why.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The gap, by its name or as KIND/NAME
    name: String,
    /// Why, in 10 to 1000 characters, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Gaps {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        let open = async |tool| Session::open(config, tool, Missing::Refuse).await;
        match self {
            Self::List(asked) => {
                let Session { plane, call } = open("cli gaps list").await?;
                let which = which(asked.state.as_deref())?;
                let page = plane.list_gaps(&call, which, asked.kind.as_deref(), &asked.list.ask()?).await?;
                let columns = ["gap", "state", "rank", "jobs", "sightings", "severity", "issue", "first", "last"];
                Ok(Answer::page("gaps", &columns, &page, |gap| listed(&plane, gap), |gap| row(&plane, gap)))
            }
            Self::Show { name, list } => {
                let Session { plane, call } = open("cli gaps show").await?;
                let shown = plane.show_gap(&call, &name, &list.ask()?).await?;
                Ok(gap_shown::answer(document(&plane, &shown.gap), &shown))
            }
            Self::Inventory => {
                let Session { plane, call } = open("cli gaps inventory").await?;
                Ok(gap_shown::inventory(&plane.inventory(&call).await?))
            }
            Self::Rank { explain, list } => {
                let Session { plane, call } = open("cli gaps rank").await?;
                let page = plane.explain_gaps(&call, &list.ask()?).await?;
                let columns =
                    if explain { &["rank", "gap", "state", "because"][..] } else { &["rank", "gap", "state"] };
                Ok(Answer::page("gaps", columns, &page, |gap| explained(&plane, gap), |gap| ranked(gap, explain)))
            }
            Self::Unreadable(list) => {
                let Session { plane, call } = open("cli gaps unreadable").await?;
                let page = plane.list_unreadable(&call, &list.ask()?).await?;
                let columns = ["at", "job", "principal", "text"];
                Ok(Answer::page("markers", &columns, &page, unreadable, unreadable_row))
            }
            Self::Proposals(list) => {
                let Session { plane, call } = open("cli gaps proposals").await?;
                let page = plane.list_likeness(&call, &list.ask()?).await?;
                let columns = ["gap", "other", "alike", "because"];
                Ok(Answer::page("proposals", &columns, &page, |proposal| json!(proposal), proposal_row))
            }
            said @ (Self::Merge { .. }
            | Self::Distinct { .. }
            | Self::Merged(_)
            | Self::Wontfix(_)
            | Self::Reopen(_)
            | Self::Priority { .. }) => said.say(config).await,
        }
    }

    /// What people say of gaps.
    async fn say(self, config: &Config) -> Result<Answer, Failure> {
        let open = async |tool| Session::open(config, tool, Missing::Refuse).await;
        match self {
            Self::Merge { duplicate, into } => {
                let Session { plane, call } = open("cli gaps merge").await?;
                let merged = plane.merge_gaps(&call, &duplicate, &into).await?;
                let left = match merged.left_out.join(", ") {
                    none if none.is_empty() => none,
                    some => format!("\nleft out, for a gap would wait for itself: {some}"),
                };
                let text = format!(
                    "{} stands for {}: it blocks {} jobs, its rank is {}{left}",
                    merged.into, merged.duplicate, merged.jobs, merged.rank
                );
                Ok(Answer::new(json!(merged), text))
            }
            Self::Distinct { gap, other } => {
                let Session { plane, call } = open("cli gaps distinct").await?;
                if plane.tell_gaps_apart(&call, &gap, &other).await? {
                    return Ok(Answer::new(
                        json!({"distinct": [gap, other]}),
                        format!("{gap} and {other} are two gaps"),
                    ));
                }
                Err(Failure::not_found(format!("nobody proposed that {gap} and {other} are the same"))
                    .hint("see gapwright gaps proposals"))
            }
            Self::Merged(Why { name, reason }) => {
                let Session { plane, call } = open("cli gaps merged").await?;
                let key = plane.close_gap(&call, &name, &reason).await?;
                Ok(Answer::new(json!({"gap": key, "state": "merged"}), format!("{key} is merged")))
            }
            Self::Wontfix(Why { name, reason }) => {
                let Session { plane, call } = open("cli gaps wontfix").await?;
                let key = plane.wontfix_gap(&call, &name, &reason).await?;
                Ok(Answer::new(json!({"gap": key, "state": "wontfix"}), format!("{key} is wontfix")))
            }
            Self::Reopen(Why { name, reason }) => {
                let Session { plane, call } = open("cli gaps reopen").await?;
                let key = plane.reopen_gap(&call, &name, &reason).await?;
                Ok(Answer::new(json!({"gap": key, "state": "open"}), format!("{key} is open")))
            }
            Self::Priority { name, priority } => {
                let priority = if priority == "none" { None } else { Some(Priority::parse(&priority)?) };
                let Session { plane, call } = open("cli gaps priority").await?;
                let (key, rank) = plane.prioritize_gap(&call, &name, priority).await?;
                let word = priority.map_or("none", Priority::name);
                let document = json!({"gap": key, "priority": priority.map(Priority::name), "rank": rank});
                Ok(Answer::new(document, format!("{key} has the priority {word}, its rank is {rank}")))
            }
            Self::List(_)
            | Self::Show { .. }
            | Self::Inventory
            | Self::Rank { .. }
            | Self::Unreadable(_)
            | Self::Proposals(_) => Err(Failure::new("nothing was said")),
        }
    }
}

fn which(state: Option<&str>) -> Result<Which, Refusal> {
    match state {
        None | Some("live") => Ok(Which::Live),
        Some("all") => Ok(Which::All),
        Some(state) => State::parse(state)
            .map(Which::In)
            .map_err(|refusal| Refusal { hint: format!("{}, or live or all", refusal.hint), ..refusal }),
    }
}

/// A gap as a program reads it.
pub(crate) fn document(plane: &Plane, gap: &Gap) -> Value {
    json!({
        "gap": gap.key.to_string(),
        "kind": gap.key.kind,
        "name": gap.key.name,
        "state": gap.state.name(),
        "rank": gap.standing().rank(),
        "severity": gap.severity.name(),
        "priority": gap.priority.map(Priority::name),
        "jobs": gap.jobs,
        "sightings": gap.sightings,
        "attempts": gap.attempts,
        "failures": gap.failures,
        "depth": gap.depth,
        "too_deep": plane.is_too_deep(gap),
        "duplicate_of": gap.duplicate_of.as_ref().map(ToString::to_string),
        "area": gap.area,
        "lines": gap.lines,
        "reopened": gap.reopened,
        "first_at": gap.first_at.iso(),
        "last_at": gap.last_at.iso(),
        "merged_at": gap.merged_at.map(Time::iso),
    })
}

fn listed(plane: &Plane, ranked: &Ranked) -> Value {
    let mut document = document(plane, &ranked.gap);
    document["issue"] = json!(ranked.issue.as_ref().map(|(number, url)| json!({"number": number, "url": url})));
    document
}

fn row(plane: &Plane, Ranked { gap, issue }: &Ranked) -> Vec<String> {
    vec![
        gap.key.to_string(),
        state(plane.is_too_deep(gap), gap),
        gap.standing().rank().to_string(),
        gap.jobs.to_string(),
        gap.sightings.to_string(),
        gap.severity.to_string(),
        issue.as_ref().map(|(number, _)| format!("#{number}")).unwrap_or_default(),
        moment(Some(gap.first_at)),
        moment(Some(gap.last_at)),
    ]
}

/// How a gap stands, and whether it is too deep.
fn state(too_deep: bool, gap: &Gap) -> String {
    if too_deep { format!("{} (too_deep)", gap.state) } else { gap.state.to_string() }
}

fn explained(plane: &Plane, explained: &Explained) -> Value {
    let mut document = document(plane, &explained.gap);
    let terms: Vec<_> =
        explained.terms.iter().map(|term| json!({"points": term.points, "because": term.why})).collect();
    document["terms"] = json!(terms);
    document
}

fn ranked(explained: &Explained, explain: bool) -> Vec<String> {
    let gap = &explained.gap;
    let mut row = vec![gap.standing().rank().to_string(), gap.key.to_string(), state(explained.too_deep, gap)];
    if explain {
        let terms: Vec<_> = explained.terms.iter().map(|term| format!("{:+} {}", term.points, term.why)).collect();
        row.push(terms.join("; "));
    }
    row
}

fn unreadable(seen: &Seen) -> Value {
    json!({
        "id": seen.id, "at": Time(seen.at).iso(), "job": seen.job, "principal": seen.principal,
        "untrusted": {"source": "summary", "author": seen.principal, "text": seen.reason},
    })
}

fn unreadable_row(seen: &Seen) -> Vec<String> {
    vec![moment(Some(Time(seen.at))), seen.job.clone().unwrap_or_default(), seen.principal.clone(), seen.reason.clone()]
}

fn proposal_row(proposal: &Proposal) -> Vec<String> {
    vec![proposal.gap.clone(), proposal.other.clone(), format!("{} %", proposal.score), proposal.why.clone()]
}

/// Rows under a heading, or nothing where there are none.
pub(crate) fn section(heading: &str, columns: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() { String::new() } else { format!("\n\n{heading}\n{}", table(columns, rows)) }
}
