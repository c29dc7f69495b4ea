//! The prompts: the same files that the plugin ships, compiled in.

use std::collections::BTreeMap;

use domain::agent::Principal;
use domain::label::{self, Names};
use domain::pull::Stage;
use domain::refusal::{Code, Refusal};
use rmcp::ErrorData;
use rmcp::model::{GetPromptResult, Prompt, PromptMessage, Role};

/// The prefix that the files are written with.
const PREFIX: &str = "monolith-agent-";

/// A prompt's name, what it is for, and its file.
const PROMPTS: [(&str, &str, &str); 9] = [
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
        "implementer",
        "Draft the change of a pull request, or revise it and answer its review",
        include_str!("../../../../plugin/routines/implementer.md"),
    ),
    (
        "merger",
        "Judge whether a pull request coheres before a person merges it",
        include_str!("../../../../plugin/routines/merger.md"),
    ),
    (
        "planner",
        "Say how a gap is closed, by the simplest of two or three ways",
        include_str!("../../../../plugin/routines/planner.md"),
    ),
    (
        "register-jobs",
        "Turn work that people opted in, and the gaps that rank highest, into jobs",
        include_str!("../../../../plugin/routines/register-jobs.md"),
    ),
    (
        "reviewer",
        "Judge the change of a pull request in two passes, the first without its description",
        include_str!("../../../../plugin/routines/reviewer.md"),
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

/// A prompt with the names that tools and labels have here.
pub(super) fn get(name: &str, prefix: &str, labels: &Names) -> Result<GetPromptResult, ErrorData> {
    let prompts: BTreeMap<_, _> = PROMPTS.into_iter().map(|(name, about, file)| (name, (about, file))).collect();
    let Some((about, file)) = prompts.get(name) else {
        return Err(ErrorData::invalid_params(format!("there is no prompt {}", super::printable(name)), None));
    };
    let text = labelled(&body(file).replace(PREFIX, prefix), labels);
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).with_description(*about))
}

/// Refuses a prompt to whoever is here for one claim alone, unless it is that of its stage.
pub(super) fn let_read(by: &Principal, name: &str) -> Result<(), Refusal> {
    let own = by.role.stage().map(Stage::name);
    if by.claim.is_none() || own == Some(name) {
        return Ok(());
    }
    Err(Refusal::new(Code::Forbidden, "this token is for one job alone and may not read this prompt")
        .hint(own.map_or_else(|| "it may read none".to_owned(), |own| format!("it may read {own}"))))
}

/// The labels that the files name.
const LABELS: [label::Role; 3] = [label::Role::Gap, label::Role::OptIn, label::Role::OptOut];

/// A text in which labels have the names that they have here. A label's name stands in it as a word of its own.
fn labelled(text: &str, labels: &Names) -> String {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '_');
    let words = text.split_inclusive(|c| !is_inner(c)).map(|word| {
        let name = word.trim_end_matches(|c| !is_inner(c));
        let role = LABELS.into_iter().find(|role| role.name() == name);
        role.map_or_else(|| word.to_owned(), |role| word.replacen(name, labels.of(role), 1))
    });
    words.collect()
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
    fn a_prompt_names_the_labels_that_are_used_here() {
        let labels = Names::default().with(label::Role::OptIn, "agents").with(label::Role::OptOut, "humans only");
        assert_eq!(
            labelled("carry claude, not manual: manual wins. claude/x claude-routine-attempted", &labels),
            "carry agents, not humans only: humans only wins. claude/x claude-routine-attempted"
        );
        for (name, _, file) in PROMPTS {
            assert_eq!(labelled(body(file), &Names::default()), body(file), "{name}");
            let other = labelled(body(file), &labels);
            let words: Vec<_> = other.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '/')).collect();
            assert!(!words.contains(&"claude") && !words.contains(&"manual"), "{name}");
        }
    }

    #[test]
    fn every_prompt_passes_every_gateway() {
        for (name, _, file) in PROMPTS {
            for paragraph in body(file).split("\n\n") {
                assert_eq!(domain::catalogue::text_faults(paragraph), Vec::<String>::new(), "{name}: {paragraph}");
            }
        }
    }
}
