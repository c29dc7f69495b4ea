//! Reporting a gap, by itself or with a completion.

use domain::agent::Right;
use domain::gap::{self, GAPS_MAX, KIND_UNSPECIFIED, Key, Severity, Sighting, Source};
use domain::refusal::Refusal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mcp::tool::{Nature, Tool, Words};

/// A gap as a completion reports it.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct GapArgs {
    /// What was missing, in kebab-case words, such as list-recent-deploys.
    #[schemars(length(min = 1, max = gap::NAME_CHARS_MAX))]
    name: String,
    /// What sort of capability: mcp-tool, scheduler-handler, k8s-manifest, helm-values, network-policy, bazel-target, semgrep-rule, adr, or another.
    #[serde(default)]
    #[schemars(length(min = 1, max = gap::NAME_CHARS_MAX))]
    kind: Option<String>,
    /// Why it was needed.
    #[serde(default)]
    #[schemars(length(max = 2_000))]
    reason: Option<String>,
    /// How much it hurts.
    #[serde(default)]
    #[schemars(extend("enum" = ["minor", "blocking", "critical"], "default" = "blocking"))]
    severity: Option<String>,
    /// A gap that must be closed first, by its name or as KIND/NAME. A name that nobody reported yet is taken to be of the same kind.
    #[serde(default)]
    #[schemars(length(min = 1, max = gap::KEY_CHARS_MAX))]
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
pub(crate) fn sightings(gaps: Vec<GapArgs>) -> Result<Vec<Sighting>, Refusal> {
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
    #[schemars(length(min = 1, max = gap::NAME_CHARS_MAX))]
    name: String,
    /// What sort of capability: mcp-tool, scheduler-handler, k8s-manifest, helm-values, network-policy, bazel-target, semgrep-rule, adr, or another.
    #[schemars(length(min = 1, max = gap::NAME_CHARS_MAX))]
    kind: String,
    /// Why it is needed.
    #[schemars(length(min = 1, max = 2_000))]
    reason: String,
    /// The job that it blocks.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    job: Option<String>,
    /// A gap that must be closed first, by its name or as KIND/NAME. A name that nobody reported yet is taken to be of the same kind.
    #[serde(default)]
    #[schemars(length(min = 1, max = gap::KEY_CHARS_MAX))]
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
    /// How that gap stands. Not told to a reviewer at work on one claim, who is to judge without knowing of gaps.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// Its rank now. Higher comes first. Not told to such a reviewer either.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<i64>,
    /// How many distinct registered jobs it blocks now. Not told to such a reviewer either.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_jobs: Option<i64>,
}

pub(super) fn report() -> Tool {
    let words = Words {
        name: "report-gap",
        title: "Report a capability gap",
        about: "Say what capability you lacked and why. Every report is kept. Name the gap in kebab-case words, never by a \
                hash or an id, and use the name that others used if you know it.",
    };
    Tool::new(words, Right::Report, Nature::Writes, |plane, call, args: ReportArgs| async move {
        let ReportArgs { name, kind, reason, job, depends_on, severity, area, lines } = args;
        let gap = GapArgs { name, kind: Some(kind), reason: Some(reason), severity, depends_on, area, lines };
        let told = call.by.claim.is_none() || call.by.role != domain::agent::Role::Reviewer;
        let reported = plane.report_gap(&call, sighting(gap, job, Source::Report)?).await?;
        Ok(ReportAnswer {
            ok: true,
            sighting_id: reported.id,
            gap: reported.gap,
            state: told.then_some(reported.state),
            rank: told.then_some(reported.rank),
            blocked_jobs: told.then_some(reported.jobs),
        })
    })
}
