//! The service's own scheduled jobs: looking for stuck and orphaned ones, and triggering one.

use domain::agent::Right;
use domain::time::{Span, Time};
use plane::page::Ask;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::scheduled::Seen;

use super::checks::{Threshold, threshold};
use super::page::Page;
use super::tool::{Nature, Tool, Words};

pub(crate) fn tools() -> Vec<Tool> {
    vec![stuck(), orphans(), trigger()]
}

#[derive(Serialize, JsonSchema)]
struct Item {
    /// Its name.
    name: String,
    /// When it rings.
    cadence: String,
    /// When it rings next.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_run_at: Option<String>,
    /// When its last run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_run_at: Option<String>,
    /// How its last run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_status: Option<String>,
    /// The replica that runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_by: Option<String>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_at: Option<String>,
    /// Seconds until others may take it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_secs: Option<i64>,
}

fn item(seen: Seen) -> Item {
    let hold = seen.job.hold;
    Item {
        name: seen.job.name,
        cadence: seen.job.cadence,
        next_run_at: seen.job.next_run_at.map(Time::iso),
        last_run_at: seen.last_run_at.map(Time::iso),
        last_status: seen.last_status,
        ttl_secs: hold.as_ref().map(|hold| hold.expires_at.since(hold.since).0 / 1_000),
        locked_at: hold.as_ref().map(|hold| hold.since.iso()),
        locked_by: hold.map(|hold| hold.replica),
    }
}

#[derive(Serialize, JsonSchema)]
struct ListAnswer {
    /// The jobs.
    jobs: Vec<Item>,
    /// Where the next page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

fn answer(page: plane::page::Page<Seen>) -> ListAnswer {
    ListAnswer { jobs: page.items.into_iter().map(item).collect(), cursor: page.cursor }
}

fn stuck() -> Tool {
    let words = Words {
        name: "check-stuck-jobs",
        title: "Find stuck scheduled jobs",
        about: "List scheduled jobs of this service that have been running for longer than threshold_mins, whatever their \
                time to live, the longest first.",
    };
    Tool::new(words, Right::Read, Nature::Reads, |plane, call, args: Threshold| async move {
        let (threshold, ask): (Span, Ask) = threshold(&args)?;
        Ok(answer(plane.stuck_scheduled(&call, threshold, &ask).await?))
    })
}

fn orphans() -> Tool {
    let words = Words {
        name: "check-orphan-jobs",
        title: "Find orphaned scheduled jobs",
        about: "List scheduled jobs that no live replica of this service rings. Jobs that are off are left out.",
    };
    Tool::new(words, Right::Read, Nature::Reads, |plane, call, args: Page| async move {
        let ask = args.ask()?;
        Ok(answer(plane.orphan_scheduled(&call, &ask).await?))
    })
}

#[derive(Deserialize, JsonSchema)]
struct TriggerArgs {
    /// The scheduled job.
    #[schemars(length(min = 1, max = 200))]
    name: String,
}

#[derive(Serialize, JsonSchema)]
struct TriggerAnswer {
    /// True when it rings now.
    ok: bool,
    /// Why not: not_found or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

fn trigger() -> Tool {
    let words = Words {
        name: "trigger-job",
        title: "Trigger a scheduled job",
        about: "Set the next run of a scheduled job of this service to now. Nothing else about the job changes. For delegated \
                work use trigger-routine-job.",
    };
    Tool::new(words, Right::Work, Nature::Writes, |plane, call, args: TriggerArgs| async move {
        let reason = plane.trigger_scheduled(&call, &args.name).await?.reason();
        Ok(TriggerAnswer { ok: reason.is_none(), reason })
    })
}
