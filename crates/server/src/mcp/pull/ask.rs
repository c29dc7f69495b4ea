//! Asking people.

use domain::agent::Right;
use domain::decision::{OPTION_CHARS_MAX, OPTIONS, QUESTION_CHARS_MAX};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mcp::tool::{Nature, Tool, Words};

#[derive(Deserialize, JsonSchema)]
struct AskArgs {
    /// The handle from the claim.
    #[schemars(length(min = 1, max = 200))]
    claim_id: String,
    /// One question, in one line.
    #[schemars(length(min = 1, max = QUESTION_CHARS_MAX))]
    question: String,
    /// Two to four answers to choose from, in a line each, the one that you recommend first.
    #[schemars(length(min = OPTIONS.0, max = OPTIONS.1), inner(length(min = 1, max = OPTION_CHARS_MAX)))]
    options: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct AskAnswer {
    /// True when it was asked. Your claim has ended by it, and the attempt does not count.
    ok: bool,
    /// The id of the question.
    decision: String,
    /// When it expires, in ISO-8601 UTC.
    expires_at: String,
}

pub(super) fn ask() -> Tool {
    let words = Words {
        name: "ask-operator",
        title: "Ask people to decide",
        about: "Ask people one question that keeps you from going on, with two to four answers to choose from. Nobody waits: your job \
                is given back, and show-work tells the answer to whoever claims it next, or that nobody answered within 24 hours.",
    };
    Tool::new(words, Right::Work, Nature::Settles, |plane, call, args: AskArgs| async move {
        let asked = plane.ask_operator(&call, &args.claim_id, &args.question, args.options).await?;
        Ok(AskAnswer { ok: true, decision: asked.id, expires_at: asked.expires_at.iso() })
    })
}
