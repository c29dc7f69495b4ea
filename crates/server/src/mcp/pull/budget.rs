//! Budgets: what a claim may still spend, and what it has spent.

use domain::agent::Right;
use domain::budget::{AMOUNT_MAX, Amount};
use plane::budget::Budget;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mcp::tool::{Nature, Tool, Words};

#[derive(Deserialize, JsonSchema)]
struct MineArgs {
    /// The handle from the claim.
    #[schemars(length(min = 1, max = 200))]
    claim_id: String,
}

#[derive(Deserialize, JsonSchema)]
struct ReportArgs {
    /// The handle from the claim.
    #[schemars(length(min = 1, max = 200))]
    claim_id: String,
    /// All tokens since the claim began, in and out, cached ones too.
    #[serde(default)]
    #[schemars(range(min = 0, max = AMOUNT_MAX))]
    tokens: Option<i64>,
    /// What they cost since the claim began, in millionths of a US dollar.
    #[serde(default)]
    #[schemars(range(min = 0, max = AMOUNT_MAX))]
    micro_usd: Option<i64>,
}

/// Tokens, and what they cost.
#[derive(Serialize, JsonSchema)]
pub(super) struct Spendable {
    /// Tokens, in and out, cached ones too.
    tokens: i64,
    /// Millionths of a US dollar.
    micro_usd: i64,
}

impl From<Amount> for Spendable {
    fn from(amount: Amount) -> Self {
        Self { tokens: amount.tokens, micro_usd: amount.micro_usd }
    }
}

/// What a claim may still spend.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Left {
    /// What this run may still spend. At nothing, stop.
    run: Spendable,
    /// What is left for the pull request, what this run may spend included.
    pull: Spendable,
    /// What is left today for everybody, what this run may spend included.
    day: Spendable,
    /// How often the change may still be revised.
    iterations: i64,
    /// How many files a change may touch.
    files: i64,
    /// How many lines a change may add and take away, together.
    lines: i64,
}

pub(crate) fn left(budget: Budget) -> Left {
    let Budget { run, pull, day, iterations, files, lines } = budget;
    Left { run: run.into(), pull: pull.into(), day: day.into(), iterations, files, lines }
}

pub(super) fn mine() -> Tool {
    let words = Words {
        name: "my-budget",
        title: "Show the budget of a claim",
        about: "Tell what the claim that you hold may still spend, how often the change may be revised, and how large it may be. \
                Only what was reported or metered counts as spent.",
    };
    Tool::new(words, Right::Work, Nature::Reads, |plane, call, args: MineArgs| async move {
        Ok(left(plane.my_budget(&call, &args.claim_id).await?))
    })
}

pub(super) fn report() -> Tool {
    let words = Words {
        name: "report-usage",
        title: "Report what a claim has spent",
        about: "Say what your run has spent since its claim began, in all and not since the last report. A total never becomes less. \
                What nobody reports counts as spent to the last token that was set aside. The answer is what is left.",
    };
    Tool::new(words, Right::Work, Nature::Writes, |plane, call, args: ReportArgs| async move {
        Ok(left(plane.report_usage(&call, &args.claim_id, args.tokens, args.micro_usd).await?))
    })
}
