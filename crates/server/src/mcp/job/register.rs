//! Registering, listing, triggering and removing routine jobs.

use domain::agent::Right;
use domain::job::{self, Payload, Register};
use domain::time::Time;
use plane::job::{Kept, Upsert};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Done, Shown, done, listed, not_done};
use crate::mcp::page::Page;
use crate::mcp::tool::{Nature, Tool, Words};

pub(super) fn tools() -> Vec<Tool> {
    vec![register(), deregister(), trigger(), list()]
}

#[derive(Deserialize, JsonSchema)]
struct RegisterArgs {
    /// A name of its own.
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// What sort of work it is. Workers choose by it.
    #[schemars(length(min = 1, max = 200))]
    kind: String,
    /// Seconds from one completion to the next due time. Leave it out for a one-off.
    #[serde(default)]
    #[schemars(range(min = 1, max = 31_622_400))]
    interval_secs: Option<i64>,
    /// What the worker needs to know, up to 256 KiB of JSON, at most 64 levels deep.
    #[serde(default)]
    payload: Option<Map<String, Value>>,
    /// When it is first due, in ISO-8601 with an offset. Leave it out to have it due when triggered.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    next_run_at: Option<String>,
    /// Higher goes first.
    #[serde(default)]
    #[schemars(range(min = -1_000, max = 1_000), extend("default" = 0))]
    priority: Option<i64>,
    /// Pickups without a success until it gives up, 0 for no limit. By default 5 for a one-off and no limit for a repeating job.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000))]
    max_attempts: Option<i64>,
    /// Who registers it, in your own words. Your identity comes from your token.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    created_by: Option<String>,
    /// The gap that this job works on, by its name or as KIND/NAME. Claiming the job counts as an attempt at the gap, and it is refused unless the gap may be worked on.
    #[serde(default)]
    #[schemars(length(min = 1, max = 201))]
    gap: Option<String>,
    /// Replace the whole definition of a job that has this name: what you leave out takes its default. Its due time stays unless you give one, its claim and history always.
    #[serde(default)]
    upsert: bool,
}

fn register() -> Tool {
    let words = Words {
        name: "register-routine-job",
        title: "Register a routine job",
        about: "Register delegated work for agents to claim: repeating with interval_secs, or a one-off. A job without \
                next_run_at is due when triggered. A name that is taken is an error unless you pass upsert. A new next_run_at for \
                a job that is held asks for the run after this one.",
    };
    Tool::new(words, Right::Work, Nature::Replaces, |plane, call, args: RegisterArgs| async move {
        let new = Register {
            name: args.name,
            kind: args.kind,
            interval: args.interval_secs.map(job::interval).transpose()?,
            payload: args.payload.map(|payload| Payload::new(&Value::Object(payload))).transpose()?,
            next_run_at: args.next_run_at.map(|text| Time::parse(&text, "next_run_at")).transpose()?,
            priority: job::priority(args.priority.unwrap_or(0))?,
            max_attempts: args.max_attempts.map(job::max_attempts).transpose()?,
            created_by: args.created_by.unwrap_or_else(|| call.by.name.clone()),
            gap: args.gap,
            pull: None,
        };
        let upsert = if args.upsert { Upsert::Replace } else { Upsert::Never };
        plane.register_job(&call, new, upsert).await?;
        Ok(done())
    })
}

#[derive(Deserialize, JsonSchema)]
struct NameArgs {
    /// The job.
    #[schemars(length(min = 1, max = 200))]
    name: String,
}

fn deregister() -> Tool {
    let words = Words {
        name: "deregister-routine-job",
        title: "Remove a routine job",
        about: "Remove a job that nobody holds. Its history of runs stays. A job that is held is an answer with the reason held, \
                not an error.",
    };
    Tool::new(words, Right::Work, Nature::Removes, |plane, call, args: NameArgs| async move {
        Ok(match plane.deregister_job(&call, &args.name).await? {
            Ok(()) => DeregisterAnswer { done: done(), held_by: None, retry_after_ms: None },
            Err(Kept::NotFound) => {
                DeregisterAnswer { done: not_done("not_found"), held_by: None, retry_after_ms: None }
            }
            Err(Kept::Held { by, until, now }) => {
                DeregisterAnswer { done: not_done("held"), held_by: Some(by), retry_after_ms: Some(until.since(now).0) }
            }
        })
    })
}

#[derive(Serialize, JsonSchema)]
struct DeregisterAnswer {
    #[serde(flatten)]
    done: Done,
    /// Who holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_by: Option<String>,
    /// When asking again may help, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<i64>,
}

fn trigger() -> Tool {
    let words = Words {
        name: "trigger-routine-job",
        title: "Trigger a routine job",
        about: "Make a job due now and forget its failed attempts. While somebody works on it, the run after this one is \
                asked for. Refused where the gap that it works on is settled: its jobs come back when that is opened again.",
    };
    Tool::new(words, Right::Work, Nature::Writes, |plane, call, args: NameArgs| async move {
        let job = plane.trigger_job(&call, &args.name).await?;
        Ok::<Done, plane::No>(job.map_or_else(|| not_done("not_found"), |_| done()))
    })
}

#[derive(Deserialize, JsonSchema)]
struct ListArgs {
    /// Only jobs that could be claimed now.
    #[serde(default)]
    due_only: bool,
    /// Only this kind.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    kind: Option<String>,
    #[serde(flatten)]
    page: Page,
}

#[derive(Serialize, JsonSchema)]
struct ListAnswer {
    /// The jobs by due time, those never due last, then by name.
    jobs: Vec<Shown>,
    /// Where the next page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

fn list() -> Tool {
    let words = Words {
        name: "list-routine-jobs",
        title: "List routine jobs",
        about: "List routine jobs by due time and name, all of them or only those that could be claimed now. Payloads are not \
                listed: the claim gives them. A page of long texts may hold fewer than limit.",
    };
    Tool::new(words, Right::Read, Nature::Reads, |plane, call, args: ListArgs| async move {
        let ask = args.page.ask()?;
        let page = plane.list_jobs(&call, args.due_only, args.kind.as_deref(), &ask).await?;
        Ok(ListAnswer { jobs: page.items.into_iter().map(listed).collect(), cursor: page.cursor })
    })
}
