//! Reporting gaps, listing them by rank, and looking at one.

mod report;
mod show;

use domain::agent::Right;
use domain::gap::{Gap, Key, NAME_CHARS_MAX, State};
use plane::Plane;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::gap::{Ranked, Which};

use super::page::Page;
use super::tool::{Nature, Tool, Words};

pub(crate) use report::{GapArgs, sightings};
pub(crate) use show::shown;

pub(crate) fn tools() -> Vec<Tool> {
    vec![report::report(), list(), show::show()]
}

#[derive(Deserialize, JsonSchema)]
struct ListArgs {
    /// Which gaps: live for those still to be closed, all, or those of one state.
    #[serde(default)]
    #[schemars(extend("enum" = ["live", "all", "open", "planned", "in_progress", "in_review", "merged", "proven", "wontfix", "requires_human", "duplicate"], "default" = "live"))]
    state: Option<String>,
    /// Only gaps of this kind.
    #[serde(default)]
    #[schemars(length(min = 1, max = NAME_CHARS_MAX))]
    kind: Option<String>,
    #[serde(flatten)]
    page: Page,
}

/// A gap in a list.
#[derive(Serialize, JsonSchema)]
struct Listed {
    /// Its key, KIND/NAME.
    gap: String,
    /// What sort of capability.
    kind: String,
    /// Its name.
    name: String,
    /// How it stands.
    state: String,
    /// Its rank. Higher comes first.
    rank: i64,
    /// The worst that was said of it.
    severity: String,
    /// What a person said of its importance.
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<String>,
    /// How many distinct registered jobs it blocks.
    blocked_jobs: i64,
    /// How often it was reported.
    sightings: i64,
    /// How often somebody began to work on it.
    attempts: i64,
    /// How many of those attempts failed.
    failures: i64,
    /// How many hops below a gap that a job reported for its own sake.
    depth: i64,
    /// True when it is too deep to be worked on.
    too_deep: bool,
    /// The gap that stands for it, when it is a duplicate.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_of: Option<String>,
    /// When it was first reported.
    first_seen: String,
    /// When it was last reported.
    last_seen: String,
}

fn listed(plane: &Plane, gap: &Gap) -> Listed {
    Listed {
        gap: gap.key.to_string(),
        kind: gap.key.kind.clone(),
        name: gap.key.name.clone(),
        state: gap.state.name().to_owned(),
        rank: gap.standing().rank(),
        severity: gap.severity.name().to_owned(),
        priority: gap.priority.map(|priority| priority.name().to_owned()),
        blocked_jobs: gap.jobs,
        sightings: gap.sightings,
        attempts: gap.attempts,
        failures: gap.failures,
        depth: gap.depth,
        too_deep: plane.is_too_deep(gap),
        duplicate_of: gap.duplicate_of.as_ref().map(Key::to_string),
        first_seen: gap.first_at.iso(),
        last_seen: gap.last_at.iso(),
    }
}

/// A gap in a list, with its issue.
#[derive(Serialize, JsonSchema)]
pub(crate) struct WithIssue {
    #[serde(flatten)]
    gap: Listed,
    /// Its issue, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    issue: Option<Issue>,
}

/// An issue in a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ListedIssue")]
struct Issue {
    /// Its number.
    number: i64,
    /// Where a person reads it.
    url: String,
}

pub(crate) fn with_issue(plane: &Plane, ranked: &Ranked) -> WithIssue {
    let issue = ranked.issue.clone().map(|(number, url)| Issue { number, url });
    WithIssue { gap: listed(plane, &ranked.gap), issue }
}

#[derive(Serialize, JsonSchema)]
struct ListAnswer {
    /// The gaps by rank, the highest first.
    gaps: Vec<WithIssue>,
    /// Where the next page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

fn list() -> Tool {
    let words = Words {
        name: "list-gaps",
        title: "List capability gaps",
        about: "List what agents lack by rank: critical gaps first, then by how many distinct jobs each blocks and how \
                important those are, less a penalty for each attempt that failed.",
    };
    Tool::new(words, Right::Read, Nature::Reads, |plane, call, args: ListArgs| async move {
        let which = match args.state.as_deref() {
            None | Some("live") => Which::Live,
            Some("all") => Which::All,
            Some(state) => Which::In(State::parse(state)?),
        };
        let page = plane.list_gaps(&call, which, args.kind.as_deref(), &args.page.ask()?).await?;
        let gaps = page.items.iter().map(|ranked| with_issue(&plane, ranked)).collect();
        Ok(ListAnswer { gaps, cursor: page.cursor })
    })
}
