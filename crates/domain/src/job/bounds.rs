//! What a job's values may be, checked before anything is touched.

use serde_json::Value;

use super::Outcome;
use crate::refusal::Refusal;
use crate::time::Span;

/// The largest payload, in bytes of JSON: enough for a diff's context, small enough to list.
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
/// The deepest payload: what every JSON reader takes without a special setting.
pub const PAYLOAD_DEPTH_MAX: usize = 64;
/// The largest summary, in bytes.
pub const SUMMARY_BYTES_MAX: usize = 64 * 1024;
/// How much of a summary a list shows, in characters: enough to know whether to read it whole.
pub const EXCERPT_CHARS_MAX: usize = 500;
/// The longest status, reason or progress line, in characters.
pub const LINE_CHARS_MAX: usize = 1_000;
/// Priorities reach from minus to plus this.
pub const PRIORITY_MAX: i64 = 1_000;
/// The most attempts anybody may ask for.
pub const MAX_ATTEMPTS_MAX: i64 = 1_000;
/// The longest interval: a leap year.
pub const INTERVAL_MAX: Span = Span::days(366);

/// A JSON object within bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload(String);

impl Payload {
    /// Checks an object's size and depth.
    pub fn new(value: &Value) -> Result<Self, Refusal> {
        if !value.is_object() {
            return Err(Refusal::invalid("payload", "payload is not a JSON object").hint("wrap it: {\"items\": [...]}"));
        }
        let text = value.to_string();
        if text.len() > PAYLOAD_BYTES_MAX {
            return Err(Refusal::invalid("payload", format!("payload has {} bytes", text.len()))
                .hint(format!("keep it within {PAYLOAD_BYTES_MAX} bytes: store the rest elsewhere and pass a link")));
        }
        if depth(value) > PAYLOAD_DEPTH_MAX {
            return Err(Refusal::invalid("payload", format!("payload is deeper than {PAYLOAD_DEPTH_MAX} levels"))
                .hint("flatten it"));
        }
        Ok(Self(text))
    }

    /// The object as it is kept, to look at.
    pub fn as_text(&self) -> &str {
        &self.0
    }

    /// The object as it is kept.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// How many arrays and objects deep the deepest value lies; a scalar has depth 0.
fn depth(value: &Value) -> usize {
    let mut deepest = 0;
    let mut open = vec![(value, 0)];
    while let Some((value, above)) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, above + 1))),
            Value::Object(fields) => open.extend(fields.values().map(|field| (field, above + 1))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => continue,
        }
        deepest = deepest.max(above + 1);
    }
    deepest
}

/// What a worker says of its run: `ok`, or `error: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The status as it is kept.
    pub text: String,
    /// Whether it was a success.
    pub ok: bool,
}

impl Status {
    /// Reads `ok`, `error` or `error: why`, in any case; nothing else, so that a typo is not a success.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = line("status", text)?;
        let word = text.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
        match word.as_str() {
            "ok" if text.eq_ignore_ascii_case("ok") => Ok(Self { text: "ok".to_owned(), ok: true }),
            "error" => Ok(Self { text, ok: false }),
            _ => Err(Refusal::invalid("status", "status is neither ok nor error")
                .hint("say ok, or error: and why in a few words; details belong into summary")),
        }
    }

    /// The outcome that it stands for.
    pub fn outcome(&self) -> Outcome {
        if self.ok { Outcome::Ok } else { Outcome::Error }
    }
}

/// One line of at most 1,000 characters.
fn line(field: &'static str, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let chars = text.chars().count();
    if chars == 0 || chars > LINE_CHARS_MAX {
        return Err(Refusal::invalid(field, format!("{field} has {chars} characters"))
            .hint(format!("give 1 to {LINE_CHARS_MAX} characters")));
    }
    Ok(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
}

/// A reason or progress line.
pub fn reason(field: &'static str, text: &str) -> Result<String, Refusal> {
    line(field, text)
}

/// A summary of at most 64 KiB; an empty one is none.
pub fn summary(text: Option<&str>) -> Result<Option<String>, Refusal> {
    match text {
        Some(text) if text.len() > SUMMARY_BYTES_MAX => {
            Err(Refusal::invalid("summary", format!("summary has {} bytes", text.len()))
                .hint(format!("keep it within {SUMMARY_BYTES_MAX} bytes: link to the log instead")))
        }
        Some(text) if !text.trim().is_empty() => Ok(Some(text.replace('\0', " "))),
        Some(_) | None => Ok(None),
    }
}

/// The beginning of a text, at most 500 characters, with a mark where something was left out.
pub fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((end, _)) => format!("{} [cut]", &text[..end]),
        None => text.to_owned(),
    }
}

/// A repeating job's interval in whole seconds, 1 to 366 days.
pub fn interval(secs: i64) -> Result<Span, Refusal> {
    if (1..=INTERVAL_MAX.0 / 1_000).contains(&secs) {
        return Ok(Span::secs(secs));
    }
    Err(Refusal::invalid("interval_secs", format!("interval_secs is {secs}"))
        .hint(format!("give 1 to {} seconds, or leave it out for a one-off job", INTERVAL_MAX.0 / 1_000)))
}

/// A priority, -1,000 to 1,000.
pub fn priority(value: i64) -> Result<i64, Refusal> {
    if (-PRIORITY_MAX..=PRIORITY_MAX).contains(&value) {
        return Ok(value);
    }
    Err(Refusal::invalid("priority", format!("priority is {value}"))
        .hint(format!("give -{PRIORITY_MAX} to {PRIORITY_MAX}; higher goes first, 0 is usual")))
}

/// A limit of attempts, 0 for none.
pub fn max_attempts(value: i64) -> Result<i64, Refusal> {
    if (0..=MAX_ATTEMPTS_MAX).contains(&value) {
        return Ok(value);
    }
    Err(Refusal::invalid("max_attempts", format!("max_attempts is {value}"))
        .hint(format!("give 1 to {MAX_ATTEMPTS_MAX}, or 0 for no limit")))
}
