//! The stream of Claude Code: `--output-format stream-json --verbose --include-partial-messages`.
//!
//! One message of the model comes as several lines with the same id, each of which repeats what the message had used when
//! it began; what it has written is told as it ends. The last line, the result, has the totals.

use std::collections::HashMap;

use serde_json::Value;

use super::{Absurd, Line, MICRO_USD_MAX, Seen, Source, Tokens, Usage, count, number, required, text};
use crate::text::snippet;

/// How Claude Code names the tools of our server.
const OURS: &str = "mcp__gapwright__";
/// The model of messages that Claude Code writes itself, such as that nobody is logged in.
const NO_MODEL: &str = "<synthetic>";

/// What has been read so far. It grows with the stream, which is bounded.
#[derive(Debug, Default)]
pub(super) struct Claude {
    /// The messages by id, so that each counts once.
    messages: HashMap<String, Message>,
    /// The message that is being written, by the tool use in which a subagent writes it.
    open: HashMap<String, String>,
    /// The sum over all messages.
    sum: Tokens,
    result: Option<Reported>,
}

#[derive(Debug, Default)]
struct Message {
    used: Tokens,
    /// Whether it has been counted as a turn.
    turn: bool,
}

/// What the agent says at its end.
#[derive(Debug, Clone, Copy)]
struct Reported {
    tokens: Tokens,
    micro_usd: Option<i64>,
    /// Whether every number in it could be taken.
    whole: bool,
}

impl Claude {
    pub(super) fn read(&mut self, event: &Value, seen: &mut Seen) -> Vec<Line> {
        match text(event, "type") {
            "system" if text(event, "subtype") == "init" => begin(event, seen),
            "stream_event" => return self.part(event),
            "assistant" => return self.message(event, seen),
            "result" => self.end(event, seen),
            _ => return Vec::new(),
        }
        vec![Line::Metered]
    }

    pub(super) fn usage(&self) -> Usage {
        match self.result {
            // The agent may leave a subagent out, and we may have missed a line.
            Some(told) => self.sum.max(told.tokens).usage(told.micro_usd, Source::Reported, told.whole),
            None if self.messages.is_empty() => Tokens::default().usage(None, Source::Unknown, false),
            None => self.sum.usage(None, Source::Measured, false),
        }
    }

    /// The beginning of a message has its id, the parts that follow may not.
    fn part(&mut self, event: &Value) -> Vec<Line> {
        let (speaker, part) = (text(event, "parent_tool_use_id"), &event["event"]);
        let (id, usage) = match text(part, "type") {
            "message_start" => {
                let id = text(&part["message"], "id");
                self.open.insert(speaker.to_owned(), id.to_owned());
                (id.to_owned(), &part["message"]["usage"])
            }
            "message_delta" => {
                let named = Some(text(event, "api_message_id")).filter(|id| !id.is_empty());
                let id = named.map(str::to_owned).or_else(|| self.open.get(speaker).cloned());
                (id.unwrap_or_default(), &part["usage"])
            }
            _ => return Vec::new(),
        };
        self.note(&id, usage);
        vec![Line::Metered]
    }

    fn message(&mut self, event: &Value, seen: &mut Seen) -> Vec<Line> {
        let message = &event["message"];
        let noted = self.note(text(message, "id"), &message["usage"]);
        let alone = event.get("parent_tool_use_id").is_none_or(Value::is_null);
        if alone && text(message, "model") != NO_MODEL && !std::mem::replace(&mut noted.turn, true) {
            count(&mut seen.facts.turns);
        }
        let mut lines = Vec::new();
        for block in message["content"].as_array().into_iter().flatten() {
            match text(block, "type") {
                "text" if alone => lines.extend(seen.say(text(block, "text"))),
                "tool_use" => {
                    let name = text(block, "name");
                    count(&mut seen.facts.tool_calls);
                    if name.starts_with(OURS) {
                        count(&mut seen.facts.mcp_calls);
                    }
                    lines.push(Line::Used(snippet(&format!("{} {}", short(name), subject(&block["input"])))));
                }
                _ => {}
            }
        }
        if lines.is_empty() { vec![Line::Metered] } else { lines }
    }

    /// Takes what is known of a message now. A message that does not say who it is counts with its like, once.
    fn note(&mut self, id: &str, usage: &Value) -> &mut Message {
        let message = self.messages.entry(id.to_owned()).or_default();
        if let Ok(now) = tokens(usage) {
            let now = message.used.max(now);
            self.sum = self.sum.minus(message.used).plus(now);
            message.used = now;
        }
        message
    }

    fn end(&mut self, event: &Value, seen: &mut Seen) {
        let told = reported(event);
        // A second result goes on from the first.
        let before = self.result.map_or(Tokens::default(), |before| before.tokens);
        self.result = Some(Reported { tokens: before.max(told.tokens), ..told });
        let denied = event["permission_denials"].as_array().map_or(0, Vec::len);
        seen.facts.denied = u32::try_from(denied).unwrap_or(u32::MAX);
        let result = text(event, "result");
        if event["is_error"] == Value::Bool(false) {
            seen.error = None;
            if !result.is_empty() {
                seen.say(result);
            }
            return;
        }
        let first = event["errors"].get(0).and_then(Value::as_str).unwrap_or_default();
        let why = [first, result, text(event, "subtype")].into_iter().find(|why| !why.is_empty());
        seen.fail(why.unwrap_or("it failed and does not say why"));
    }
}

fn begin(event: &Value, seen: &mut Seen) {
    // From here on it may ask at any time, and tells only when it is answered.
    seen.facts.asked = true;
    let servers = event["mcp_servers"].as_array();
    let ours = servers.into_iter().flatten().find(|server| text(server, "name") == "gapwright");
    seen.facts.connected = match ours.map(|server| text(server, "status")) {
        Some("connected") => Some(true),
        Some("pending") => None,
        Some(_) | None => Some(false),
    };
}

/// The names of the Messages API. It counts what is read from and written to the cache apart from the rest.
fn tokens(usage: &Value) -> Result<Tokens, Absurd> {
    let input = number(usage, "input_tokens")?.unwrap_or(0);
    let written = number(usage, "cache_creation_input_tokens")?.unwrap_or(0);
    let cached = number(usage, "cache_read_input_tokens")?.unwrap_or(0);
    let output = number(usage, "output_tokens")?.unwrap_or(0);
    Ok(Tokens { input: input + written + cached, cached, output })
}

/// The totals by model have the subagents in them, and every call that is not part of the conversation.
fn reported(event: &Value) -> Reported {
    let usage = &event["usage"];
    let whole = required(usage, "input_tokens").and_then(|_| required(usage, "output_tokens"));
    let main = whole.and_then(|_| tokens(usage));
    let models = event["modelUsage"].as_object().map(|models| {
        models.values().try_fold(Tokens::default(), |sum, model| {
            let written = number(model, "cacheCreationInputTokens")?.unwrap_or(0);
            let cached = number(model, "cacheReadInputTokens")?.unwrap_or(0);
            let input = required(model, "inputTokens")? + written + cached;
            Ok::<_, Absurd>(sum.plus(Tokens { input, cached, output: required(model, "outputTokens")? }))
        })
    });
    let all = models.unwrap_or(Ok(Tokens::default()));
    let cost = micro_usd(&event["total_cost_usd"]);
    Reported {
        tokens: main.unwrap_or_default().max(all.unwrap_or_default()),
        micro_usd: cost.unwrap_or_default(),
        whole: main.is_ok() && all.is_ok() && cost.is_ok(),
    }
}

/// Dollars in millionths, to the nearest.
fn micro_usd(value: &Value) -> Result<Option<i64>, Absurd> {
    if value.is_null() {
        return Ok(None);
    }
    let micro_usd = (value.as_f64().ok_or(Absurd)? * 1e6).round();
    #[expect(clippy::cast_precision_loss, reason = "the bound is a whole number below 2^53")]
    let max = MICRO_USD_MAX as f64;
    if !(0.0..=max).contains(&micro_usd) {
        return Err(Absurd);
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is rounded and within the bound")]
    Ok(Some(micro_usd as i64))
}

/// `acquire-lock` for `mcp__gapwright__acquire-lock`.
fn short(name: &str) -> &str {
    name.strip_prefix(OURS).unwrap_or(name)
}

/// What a tool is used on, in the one word or line that tells most.
fn subject(input: &Value) -> &str {
    let names = ["file_path", "command", "pattern", "query", "name", "key", "job"];
    names.into_iter().map(|name| text(input, name)).find(|word| !word.is_empty()).unwrap_or_default()
}
