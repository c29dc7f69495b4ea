//! Reporting gaps, and listing them by rank; one with everything around it is in `show`.

mod show;

use domain::agent::Right;
use domain::gap::{self, GAPS_MAX, Gap, KIND_UNSPECIFIED, Key, Severity, Sighting, Source, State};
use domain::refusal::Refusal;
use plane::Plane;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::gap::Which;

use super::page::Page;
use super::tool::{Nature, Tool, Words};
pub(super) use show::shown;

pub(crate) fn tools() -> Vec<Tool> {
    vec![report(), list(), show::show()]
}

/// A gap as a completion reports it.
#[derive(Deserialize, JsonSchema)]
pub(super) struct GapArgs {
    /// What was missing, in kebab-case words, such as list-recent-deploys.
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// What sort of capability: mcp-tool, scheduler-handler, k8s-manifest, helm-values, network-policy, bazel-target, semgrep-rule, adr, or another.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    kind: Option<String>,
    /// Why it was needed.
    #[serde(default)]
    #[schemars(length(max = 2_000))]
    reason: Option<String>,
    /// How much it hurts.
    #[serde(default)]
    #[schemars(extend("enum" = ["minor", "blocking", "critical"], "default" = "blocking"))]
    severity: Option<String>,
    /// A gap that must be closed first, by its name or as KIND/NAME.
    #[serde(default)]
    #[schemars(length(min = 1, max = 201))]
    depends_on: Option<String>,
    /// The folder that it is about, such as crates/server, if you know it.
    #[serde(default)]
    #[schemars(length(min = 1, max = gap::AREA_CHARS_MAX))]
    area: Option<String>,
    /// How many lines closing it will change, if you can tell.
    #[serde(default)]
    #[schemars(range(min = 1, max = gap::LINES_SAID_MAX))]
    lines: Option<i64>,
}

/// The gaps of a completion.
pub(super) fn sightings(gaps: Vec<GapArgs>) -> Result<Vec<Sighting>, Refusal> {
    if gaps.len() > GAPS_MAX {
        return Err(
            Refusal::invalid("gaps", format!("gaps has {} items", gaps.len())).hint(format!("give at most {GAPS_MAX}"))
        );
    }
    let read = gaps.into_iter().enumerate().map(|(at, gap)| {
        // A completion has a name of its own.
        sighting(gap, None, Source::Completion).map_err(|refusal| {
            let field = refusal.field.clone().unwrap_or_default();
            Refusal { message: format!("gaps[{at}].{}", refusal.message), ..refusal }
                .field(format!("gaps[{at}].{field}"))
        })
    });
    read.collect()
}

fn sighting(gap: GapArgs, job: Option<String>, source: Source) -> Result<Sighting, Refusal> {
    Ok(Sighting {
        kind: gap.kind.map_or_else(|| Ok(KIND_UNSPECIFIED.to_owned()), |kind| gap::name("kind", &kind))?,
        name: Some(gap::name("name", &gap.name)?),
        reason: gap::reason(gap.reason.as_deref().unwrap_or_default()),
        job,
        depends_on: match gap.depends_on {
            Some(text) => {
                Key::parse("depends_on", &text)?;
                Some(text)
            }
            None => None,
        },
        severity: gap.severity.map(|text| Severity::parse(&text)).transpose()?.unwrap_or_default(),
        source,
        area: gap.area.map(|area| domain::id::name("area", &area)).transpose()?,
        lines: gap.lines,
    })
}

#[derive(Deserialize, JsonSchema)]
struct ReportArgs {
    /// What is missing, in kebab-case words, such as list-recent-deploys.
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// What sort of capability: mcp-tool, scheduler-handler, k8s-manifest, helm-values, network-policy, bazel-target, semgrep-rule, adr, or another.
    #[schemars(length(min = 1, max = 200))]
    kind: String,
    /// Why it is needed.
    #[schemars(length(min = 1, max = 2_000))]
    reason: String,
    /// The job that it blocks.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    job: Option<String>,
    /// A gap that must be closed first, by its name or as KIND/NAME.
    #[serde(default)]
    #[schemars(length(min = 1, max = 201))]
    depends_on: Option<String>,
    /// How much it hurts.
    #[serde(default)]
    #[schemars(extend("enum" = ["minor", "blocking", "critical"], "default" = "blocking"))]
    severity: Option<String>,
    /// The folder that it is about, such as crates/server, if you know it.
    #[serde(default)]
    #[schemars(length(min = 1, max = gap::AREA_CHARS_MAX))]
    area: Option<String>,
    /// How many lines closing it will change, if you can tell.
    #[serde(default)]
    #[schemars(range(min = 1, max = gap::LINES_SAID_MAX))]
    lines: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
struct ReportAnswer {
    /// True when it was recorded.
    ok: bool,
    /// The id of the sighting.
    sighting_id: String,
    /// The gap that it counts for, as KIND/NAME. It is another than the one you named when people said that both are the same.
    gap: String,
    /// How that gap stands.
    state: String,
    /// Its rank now. Higher comes first.
    rank: i64,
    /// How many distinct registered jobs it blocks now.
    blocked_jobs: i64,
}

fn report() -> Tool {
    let words = Words {
        name: "report-gap",
        title: "Report a capability gap",
        about: "Say what capability you lacked and why. Every report is kept. Name the gap in kebab-case words, never by a \
                hash or an id, and use the name that others used if you know it.",
    };
    Tool::new(words, Right::Report, Nature::Writes, |plane, call, args: ReportArgs| async move {
        let ReportArgs { name, kind, reason, job, depends_on, severity, area, lines } = args;
        let gap = GapArgs { name, kind: Some(kind), reason: Some(reason), severity, depends_on, area, lines };
        let reported = plane.report_gap(&call, sighting(gap, job, Source::Report)?).await?;
        Ok(ReportAnswer {
            ok: true,
            sighting_id: reported.id,
            gap: reported.gap,
            state: reported.state,
            rank: reported.rank,
            blocked_jobs: reported.jobs,
        })
    })
}

#[derive(Deserialize, JsonSchema)]
struct ListArgs {
    /// Which gaps: live for those still to be closed, all, or those of one state.
    #[serde(default)]
    #[schemars(extend("enum" = ["live", "all", "open", "planned", "in_progress", "in_review", "merged", "proven", "wontfix", "requires_human", "duplicate"], "default" = "live"))]
    state: Option<String>,
    /// Only gaps of this kind.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    kind: Option<String>,
    #[serde(flatten)]
    page: Page,
}

/// A gap in a list.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Listed {
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

pub(crate) fn listed(plane: &Plane, gap: &Gap) -> Listed {
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

#[derive(Serialize, JsonSchema)]
struct ListAnswer {
    /// The gaps by rank, the highest first.
    gaps: Vec<Listed>,
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
        let gaps = page.items.iter().map(|gap| listed(&plane, gap)).collect();
        Ok(ListAnswer { gaps, cursor: page.cursor })
    })
}
