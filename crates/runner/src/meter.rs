//! What an agent's stream tells: what it uses, and a few facts about what it did. Pure, and for any bytes.
//!
//! Nothing here decides whether that is too much or good enough. A number that cannot be is not taken, and the total is
//! then called incomplete: at least so much, the rest unknown.

mod claude;
mod codex;

use serde_json::Value;

use crate::agent::Agent;
use crate::text::{ERROR_MAX, SAID_MAX, clean, snippet};

/// The largest believable number of tokens in one place: a thousand full windows of the largest models.
pub const COUNT_MAX: u64 = 1_000_000_000;
/// The largest believable cost of one run, in millionths of a dollar: 100,000 dollars.
pub const MICRO_USD_MAX: i64 = 100_000_000_000;

/// What a run has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Tokens that the model read, those from a cache with them.
    pub input_tokens: u64,
    /// Those of them that came from a cache.
    pub cached_input_tokens: u64,
    /// Tokens that the model wrote, its thinking with them.
    pub output_tokens: u64,
    /// The cost in millionths of a dollar, where the agent tells it.
    pub micro_usd: Option<i64>,
    /// Who says so.
    pub source: Source,
    /// Whether it is everything; otherwise it is a lower bound.
    pub complete: bool,
}

/// Who says what was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// We, by adding up what went by.
    Measured,
    /// The agent, at its end.
    Reported,
    /// Nobody.
    Unknown,
}

impl Usage {
    /// Every token: read, from a cache or not, and written.
    pub const fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

/// What an agent did, as far as its stream tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// Answers of the model: Claude Code's messages, Codex's texts.
    pub turns: u32,
    /// Tools that it asked for, in vain or not, our server's with them. Codex does not tell of each.
    pub tool_calls: u32,
    /// Tools of our server that it asked for.
    pub mcp_calls: u32,
    /// Whether it began, and so may have asked its model, answered or not.
    pub asked: bool,
    /// Whether our server was connected, if the agent says.
    pub connected: Option<bool>,
    /// Tools that it was not allowed to use.
    pub denied: u32,
    /// Lines of its stream that are no event.
    pub unread: u32,
}

/// One line of a stream, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The agent said something; one line, cut to size.
    Said(String),
    /// It uses a tool.
    Used(String),
    /// The numbers alone have moved.
    Metered,
}

/// Reads one agent's stream.
#[derive(Debug)]
pub struct Meter {
    reader: Reader,
    seen: Seen,
}

#[derive(Debug)]
enum Reader {
    Claude(claude::Claude),
    Codex(codex::Codex),
    /// Lines are words.
    Plain(crate::text::Tail),
}

/// What both readers keep.
#[derive(Debug, Default)]
struct Seen {
    facts: Facts,
    last_words: String,
    error: Option<String>,
}

impl Meter {
    /// A meter for the streams of this agent.
    pub fn of(agent: &Agent) -> Self {
        let reader = match agent {
            Agent::Claude { .. } => Reader::Claude(claude::Claude::default()),
            Agent::Codex { .. } => Reader::Codex(codex::Codex::default()),
            Agent::Command { .. } => Reader::Plain(crate::text::Tail::default()),
        };
        Self { reader, seen: Seen::default() }
    }

    /// Reads one line, without its end, and gives what of it is worth a line to people.
    pub fn read(&mut self, line: &[u8]) -> Vec<Line> {
        let event = match &mut self.reader {
            Reader::Plain(tail) => {
                tail.take(line);
                tail.take(b"\n");
                let said = snippet(&String::from_utf8_lossy(line));
                return if said.is_empty() { Vec::new() } else { vec![Line::Said(said)] };
            }
            Reader::Claude(_) | Reader::Codex(_) => serde_json::from_slice::<Value>(line),
        };
        match (&mut self.reader, event) {
            (_, Err(_)) if line.iter().all(u8::is_ascii_whitespace) => Vec::new(),
            (Reader::Claude(claude), Ok(event)) if event.is_object() => claude.read(&event, &mut self.seen),
            (Reader::Codex(codex), Ok(event)) if event.is_object() => codex.read(&event, &mut self.seen),
            (Reader::Claude(_) | Reader::Codex(_) | Reader::Plain(_), _) => {
                self.skip();
                Vec::new()
            }
        }
    }

    /// A line went by that was too long to read.
    pub fn skip(&mut self) {
        count(&mut self.seen.facts.unread);
    }

    /// What has been used so far.
    pub fn usage(&self) -> Usage {
        match &self.reader {
            Reader::Claude(claude) => claude.usage(),
            Reader::Codex(codex) => codex.usage(),
            Reader::Plain(_) => Tokens::default().usage(None, Source::Unknown, false),
        }
    }

    /// What has been done so far.
    pub const fn facts(&self) -> Facts {
        self.seen.facts
    }

    /// What the agent said last, of a command the end of its output; at most [`SAID_MAX`] characters.
    pub fn last_words(&self) -> String {
        match &self.reader {
            Reader::Claude(_) | Reader::Codex(_) => self.seen.last_words.clone(),
            Reader::Plain(tail) => tail.text(SAID_MAX),
        }
    }

    /// Why the agent says it failed; at most [`ERROR_MAX`] characters.
    pub fn error(&self) -> Option<&str> {
        self.seen.error.as_deref()
    }
}

impl Seen {
    fn say(&mut self, text: &str) -> Vec<Line> {
        self.last_words = clean(text, SAID_MAX);
        let said = snippet(text);
        if said.is_empty() { Vec::new() } else { vec![Line::Said(said)] }
    }

    fn fail(&mut self, text: &str) {
        self.error = Some(clean(text, ERROR_MAX)).filter(|text| !text.is_empty());
    }
}

/// Tokens in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Tokens {
    input: u64,
    cached: u64,
    output: u64,
}

impl Tokens {
    /// The larger of each: the same thing told twice, the second time perhaps further on.
    fn max(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            cached: self.cached.max(other.cached),
            output: self.output.max(other.output),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cached: self.cached.saturating_add(other.cached),
            output: self.output.saturating_add(other.output),
        }
    }

    /// What is left of `self` without a part of it.
    fn minus(self, part: Self) -> Self {
        Self {
            input: self.input.saturating_sub(part.input),
            cached: self.cached.saturating_sub(part.cached),
            output: self.output.saturating_sub(part.output),
        }
    }

    const fn usage(self, micro_usd: Option<i64>, source: Source, complete: bool) -> Usage {
        Usage {
            input_tokens: self.input,
            cached_input_tokens: self.cached,
            output_tokens: self.output,
            micro_usd,
            source,
            complete,
        }
    }
}

/// A number that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Absurd;

/// A number of tokens by its name; none where there is none.
fn number(of: &Value, name: &str) -> Result<Option<u64>, Absurd> {
    match of.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().filter(|count| *count <= COUNT_MAX).map(Some).ok_or(Absurd),
    }
}

/// A number that must be there.
fn required(of: &Value, name: &str) -> Result<u64, Absurd> {
    number(of, name)?.ok_or(Absurd)
}

/// A text by its name, or nothing.
fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

#[cfg(test)]
mod tests;
