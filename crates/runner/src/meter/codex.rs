//! The stream of Codex: `codex exec --json`.
//!
//! What was used is told when a turn is completed, and each time for the whole thread; before that nothing is known. The
//! cost is never told.

use serde_json::Value;

use super::{Absurd, Line, Seen, Source, Tokens, Usage, count, number, required, text};
use crate::text::snippet;

/// What has been read so far.
#[derive(Debug, Default)]
pub(super) struct Codex {
    tokens: Tokens,
    /// Whether any turn was completed.
    told: bool,
    /// Whether the last turn was, with numbers that can be.
    complete: bool,
}

impl Codex {
    pub(super) fn read(&mut self, event: &Value, seen: &mut Seen) -> Vec<Line> {
        match text(event, "type") {
            // It does not begin without the servers that it requires.
            "thread.started" => seen.facts.connected = Some(true),
            "turn.started" => {
                seen.facts.asked = true;
                self.complete = false;
            }
            "item.completed" => return item(&event["item"], seen),
            "turn.completed" => self.completed(&event["usage"], seen),
            "turn.failed" => {
                self.complete = false;
                seen.fail(text(&event["error"], "message"));
            }
            // Also told while it tries again.
            "error" => seen.fail(text(event, "message")),
            _ => return Vec::new(),
        }
        vec![Line::Metered]
    }

    pub(super) fn usage(&self) -> Usage {
        let source = if self.told { Source::Reported } else { Source::Unknown };
        self.tokens.usage(None, source, self.complete)
    }

    fn completed(&mut self, usage: &Value, seen: &mut Seen) {
        seen.error = None;
        let tokens = tokens(usage);
        self.complete = tokens.is_ok();
        if let Ok(tokens) = tokens {
            self.told = true;
            self.tokens = self.tokens.max(tokens);
        }
    }
}

/// The names of the Responses API: what came from a cache is part of the input, what was thought part of the output.
fn tokens(usage: &Value) -> Result<Tokens, Absurd> {
    let input = required(usage, "input_tokens")?;
    let cached = number(usage, "cached_input_tokens")?.unwrap_or(0).min(input);
    Ok(Tokens { input, cached, output: required(usage, "output_tokens")? })
}

fn item(item: &Value, seen: &mut Seen) -> Vec<Line> {
    let used = match text(item, "type") {
        "agent_message" => {
            count(&mut seen.facts.turns);
            return seen.say(text(item, "text"));
        }
        "mcp_tool_call" => {
            if text(item, "server") == "gapwright" {
                count(&mut seen.facts.mcp_calls);
            }
            text(item, "tool").to_owned()
        }
        "command_execution" => format!("command {}", text(item, "command")),
        kind @ ("file_change" | "web_search") => kind.replace('_', " "),
        _ => return Vec::new(),
    };
    count(&mut seen.facts.tool_calls);
    if text(item, "status") == "declined" {
        count(&mut seen.facts.denied);
    }
    vec![Line::Used(snippet(&used))]
}
