//! Handing in a plan.

use domain::agent::Right;
use domain::pull::plan::{Approach, STEPS_CHARS_MAX};
use domain::pull::{Plan, Stage};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ByArgs, Handed};
use crate::mcp::tool::{Nature, Tool, Words};

#[derive(Deserialize, JsonSchema)]
struct PlanArgs {
    /// The handle from the claim.
    #[schemars(length(min = 1, max = 200))]
    claim_id: String,
    /// Two or three ways to close the gap, each with another name.
    #[schemars(length(min = 2, max = 3))]
    approaches: Vec<ApproachArgs>,
    /// The name of the one to take: it changes no more lines than the others.
    #[schemars(length(min = 1, max = 100))]
    chosen: String,
    /// What is to be done, step by step, and how it is shown to work.
    #[schemars(length(min = 1, max = STEPS_CHARS_MAX))]
    steps: String,
    #[serde(flatten)]
    by: ByArgs,
}

/// One way to close the gap.
#[derive(Deserialize, JsonSchema)]
struct ApproachArgs {
    /// What it is called.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// What it does, and what speaks for and against it.
    #[schemars(length(min = 1, max = 2_000))]
    about: String,
    /// How many lines it adds and takes away, all in all.
    #[schemars(range(min = 1, max = 1_000_000))]
    lines: i64,
}

pub(super) fn submit() -> Tool {
    let words = Words {
        name: "submit-plan",
        title: "Hand in a plan",
        about: "As the planner who holds the claim: say how the gap is to be closed. Weigh two or three approaches and choose the \
                one that changes the fewest lines. The plan is written into the issue of the gap, your claim ends, and the \
                implementer goes on from it.",
    };
    Tool::new(words, Right::HandIn(Stage::Planner), Nature::Settles, |plane, call, args: PlanArgs| async move {
        let PlanArgs { claim_id, approaches, chosen, steps, by } = args;
        let approaches =
            approaches.into_iter().map(|ApproachArgs { name, about, lines }| Approach { name, about, lines });
        let plan = Plan { approaches: approaches.collect(), chosen, steps };
        Ok(Handed::from(plane.submit_plan(&call, &claim_id, plan, by.read()?).await?))
    })
}
