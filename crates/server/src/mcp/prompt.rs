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
        "Find pull requests that nobody attends to and take one up under a lock",
        include_str!("../../../../plugin/routines/find-stale-prs.md"),
    ),
    (
        "register-jobs",
        "Turn open work into routine jobs and take the inventory of gaps",
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
    fn every_tool_that_a_prompt_names_is_served() {
        for (name, _, file) in PROMPTS {
            let named: Vec<_> = file
                .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
                .filter(|word| word.starts_with(PREFIX))
                .collect();
            assert!(named.len() >= 3, "{name} names {named:?}");
            for tool in named {
                assert!(super::super::find(PREFIX, tool).is_some(), "{name} names {tool}");
            }
        }
    }

    #[test]
    fn every_prompt_checks_in_first_and_last_and_passes_every_gateway() {
        for (name, _, file) in PROMPTS {
            let text = body(file);
            let check_ins: Vec<_> = text.match_indices("monolith-agent-check-in").map(|(at, _)| at).collect();
            let others = text.match_indices(PREFIX).map(|(at, _)| at).filter(|at| !check_ins.contains(at));
            assert!(check_ins.len() >= 2, "{name}");
            for at in others {
                assert!(check_ins[0] < at, "{name} does something before it checks in");
            }
            for paragraph in text.split("\n\n") {
                assert_eq!(domain::catalogue::text_faults(paragraph), Vec::<String>::new(), "{name}: {paragraph}");
            }
        }
    }
}
