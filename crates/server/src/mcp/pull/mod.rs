//! The tools of the pipeline: looking at the work of a claim, handing it in, its budget, questions to people, and how pull
//! requests stand.
//!
//! Nothing is decided here. What comes from others is told under `untrusted` only, and cleaned.

mod ask;
mod budget;
mod change;
mod delegate;
mod plan;
mod review;
mod said;
mod status;
mod verdict;
mod work;

use domain::refusal::Refusal;
use plane::pull::{Fingerprint, HandedIn};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::tool::Tool;

pub(super) use budget::left;
pub(super) use status::numbered;

pub(crate) fn tools() -> Vec<Tool> {
    vec![
        work::show(),
        plan::submit().reaching_out(),
        change::submit().reaching_out(),
        review::submit().reaching_out(),
        verdict::submit().reaching_out(),
        budget::mine(),
        budget::report(),
        ask::ask().reaching_out(),
        status::status(),
        delegate::delegate(),
    ]
}

/// By what an agent can be told from others.
#[derive(Deserialize, JsonSchema)]
struct ByArgs {
    /// Which model you are, in a word.
    #[serde(default)]
    #[schemars(length(max = 100))]
    model: Option<String>,
    /// The hash of the prompt under which you work, if you know it.
    #[serde(default)]
    #[schemars(length(max = 100))]
    prompt_hash: Option<String>,
}

impl ByArgs {
    fn read(self) -> Result<Fingerprint, Refusal> {
        Fingerprint::new(self.model, self.prompt_hash)
    }
}

/// How a pull request stands after something was handed in.
#[derive(Serialize, JsonSchema)]
struct Handed {
    /// True when it was taken in. Your claim has ended by it.
    ok: bool,
    /// The id of the pull request.
    pull: String,
    /// How it stands now.
    state: String,
    /// How often it was revised since it was last opened.
    iteration: i64,
    /// Its number on the forge, once it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<i64>,
}

impl From<HandedIn> for Handed {
    fn from(done: HandedIn) -> Self {
        let HandedIn { pull, state, iteration, number } = done;
        Self { ok: true, pull, state, iteration, number }
    }
}

/// Reads a word that the schema has let through.
fn word<T: DeserializeOwned>(field: &'static str, text: &str) -> Result<T, Refusal> {
    let unknown =
        |_| Refusal::invalid(field, format!("{field} is no word that is known")).hint("see the schema of this tool");
    serde_json::from_value(json!(text)).map_err(unknown)
}
