//! The prompts: the same files that the plugin ships, compiled in.

use std::collections::BTreeMap;

use rmcp::ErrorData;
use rmcp::model::{GetPromptResult, Prompt, PromptMessage, Role};

/// The prefix that the files are written with.
const PREFIX: &str = "monolith-agent-";

/// A prompt's name, what it is for, and its file.
const PROMPTS: [(&str, &str, &str); 5] = [
    (
        "agent-mcp-heartbeat",
        "Count the active locks and post the heartbeat",
        include_str!("../../../../plugin/routines/agent-mcp-heartbeat.md"),
    ),
    (
        "check-jobs",
        "Look for failed, stuck and wrong work and tell people once",
        include_str!("../../../../plugin/routines/check-jobs.md"),
    ),
    (
        "find-stale-prs",
        "Find pull requests and issues that nobody attends to and take one up under a lock",
        include_str!("../../../../plugin/routines/find-stale-prs.md"),
    ),
    (
        "register-jobs",
        "Turn work that people opted in, and the gaps that rank highest, into jobs",
        include_str!("../../../../plugin/routines/register-jobs.md"),
    ),
    (
        "stuck-jobs",
        "Find stuck jobs and trigger the ones that are safe to run again",
        include_str!("../../../../plugin/routines/stuck-jobs.md"),
    ),
];

/// Every text of every prompt that a gateway might look at, with the prompt's name.
pub(super) fn words() -> impl Iterator<Item = (&'static str, &'static str)> {
    PROMPTS.into_iter().map(|(name, about, _)| (name, about))
}

pub(super) fn list() -> Vec<Prompt> {
    PROMPTS.into_iter().map(|(name, about, _)| Prompt::new(name, Some(about), None)).collect()
}

pub(super) fn get(name: &str, prefix: &str) -> Result<GetPromptResult, ErrorData> {
    let prompts: BTreeMap<_, _> = PROMPTS.into_iter().map(|(name, about, file)| (name, (about, file))).collect();
    let Some((about, file)) = prompts.get(name) else {
        return Err(ErrorData::invalid_params(format!("there is no prompt {}", super::printable(name)), None));
    };
    let text = body(file).replace(PREFIX, prefix);
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).with_description(*about))
}

/// A file without its front matter.
fn body(file: &'static str) -> &'static str {
    let rest = file.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
    rest.map_or(file, |(_, body)| body).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prompt_passes_every_gateway() {
        for (name, _, file) in PROMPTS {
            for paragraph in body(file).split("\n\n") {
                assert_eq!(domain::catalogue::text_faults(paragraph), Vec::<String>::new(), "{name}: {paragraph}");
            }
        }
    }
}
