//! Handing in a merger's verdict.

use domain::agent::Right;
use domain::pull::Stage;
use domain::pull::verdict::SUMMARY_CHARS_MAX;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ByArgs, Handed, word};
use crate::mcp::tool::{Nature, Tool, Words};

#[derive(Deserialize, JsonSchema)]
struct VerdictArgs {
    /// The handle from the claim.
    #[schemars(length(min = 1, max = 200))]
    claim_id: String,
    /// The commit that you judged, as show-work tells it.
    #[schemars(length(min = 1, max = 64))]
    head: String,
    /// APPROVE_FOR_HUMAN, REQUIRES_MANUAL_VISUAL where a person must look at what it shows, or CLOSE.
    #[schemars(extend("enum" = ["APPROVE_FOR_HUMAN", "REQUIRES_MANUAL_VISUAL", "CLOSE"]))]
    verdict: String,
    /// Why, for the person who merges it or not.
    #[schemars(length(min = 1, max = SUMMARY_CHARS_MAX))]
    summary: String,
    #[serde(flatten)]
    by: ByArgs,
}

pub(super) fn submit() -> Tool {
    let words = Words {
        name: "submit-merge-verdict",
        title: "Hand in a verdict on the whole",
        about: "As the merger who holds the claim: say whether the whole coheres. It is a recommendation to a person and merges \
                nothing. Where a path may show, a person looks whatever you say. Your claim ends by it.",
    };
    Tool::new(words, Right::HandIn(Stage::Merger), Nature::Settles, |plane, call, args: VerdictArgs| async move {
        let VerdictArgs { claim_id, head, verdict, summary, by } = args;
        let given = (word("verdict", &verdict)?, summary.as_str());
        Ok(Handed::from(plane.submit_merge_verdict(&call, &claim_id, &head, given, by.read()?).await?))
    })
}
