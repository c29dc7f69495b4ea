//! Checking in.

use domain::agent::Right;
use domain::check_in::Phase;
use domain::time::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tool::{Nature, Tool, Words};

pub(crate) fn tools() -> Vec<Tool> {
    vec![check_in()]
}

#[derive(Deserialize, JsonSchema)]
struct Args {
    /// The Routine.
    #[schemars(length(min = 1, max = 200))]
    routine: String,
    /// start first, end last.
    #[schemars(extend("enum" = ["start", "end"]))]
    phase: String,
}

#[derive(Serialize, JsonSchema)]
struct Answer {
    /// True when it was written down.
    ok: bool,
    /// After which moment silence is told. Absent when nobody expects this Routine.
    #[serde(skip_serializing_if = "Option::is_none")]
    late_after: Option<String>,
}

fn check_in() -> Tool {
    let words = Words {
        name: "check-in",
        title: "Check in",
        about: "Say that your Routine began (phase start, your first call) or got to its end (phase end, your last call). A \
                Routine that does not end in time is told to the operator.",
    };
    Tool::new(words, Right::Report, Nature::Writes, |plane, call, args: Args| async move {
        let routine = plane.check_in(&call, &args.routine, Phase::parse(&args.phase)?).await?;
        Ok(Answer { ok: true, late_after: routine.late_after().map(Time::iso) })
    })
}
