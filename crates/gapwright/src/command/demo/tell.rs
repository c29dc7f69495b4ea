//! What the demonstration says while it goes on: a line for each step, for people or for programs.

use std::time::Duration;

use domain::budget::Amount;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::show::{self, BOLD, Format, GREEN, RED, clean};

/// How wide the column is of who does something: an implementer's.
const WHO_WIDTH: usize = 17;

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Bad,
}

/// A step.
#[derive(Debug)]
pub(super) struct Step {
    /// A word for programs.
    event: &'static str,
    who: String,
    what: String,
    more: Vec<String>,
    /// What a run cost, and how long it took.
    run: Option<(Amount, Duration)>,
    tone: Tone,
}

impl Step {
    pub(super) fn new(event: &'static str, who: impl Into<String>, what: impl Into<String>) -> Self {
        let (who, what) = (who.into(), what.into());
        Self { event, who, what, more: Vec::new(), run: None, tone: Tone::Plain }
    }

    /// Adds lines below it.
    #[must_use]
    pub(super) fn more(mut self, text: &str) -> Self {
        self.more.extend(text.lines().map(str::to_owned));
        self
    }

    #[must_use]
    pub(super) fn run(self, cost: Amount, took: Duration) -> Self {
        Self { run: Some((cost, took)), ..self }
    }

    #[must_use]
    pub(super) fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    fn document(&self, at: Duration) -> Value {
        let (cost, took) = self.run.unzip();
        json!({
            "event": self.event, "at_ms": millis(at), "who": self.who, "what": self.what, "more": self.more,
            "tokens": cost.map(|cost| cost.tokens), "micro_usd": cost.map(|cost| cost.micro_usd),
            "took_ms": took.map(millis),
        })
    }

    fn text(&self, at: Duration) -> String {
        let style = match self.tone {
            Tone::Plain => anstyle::Style::new(),
            Tone::Good => GREEN,
            Tone::Bad => RED,
        };
        let cost = self.run.map_or_else(String::new, |(cost, took)| {
            format!("  [{}, {} tokens, {:.1} s]", cost.dollars(), cost.tokens, took.as_secs_f64())
        });
        let (who, what) = (clean(&self.who), clean(&self.what));
        let first = format!("{:>5.1} s  {BOLD}{who:WHO_WIDTH$}{BOLD:#} {style}{what}{style:#}{cost}", at.as_secs_f64());
        let more =
            self.more.iter().map(|line| format!("{:1$} {2}", "", 9 + WHO_WIDTH, clean(line)).trim_end().to_owned());
        std::iter::once(first).chain(more).collect::<Vec<_>>().join("\n")
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Where steps are told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Teller {
    format: Format,
    began: Instant,
}

impl Teller {
    pub(super) fn new(format: Format) -> Self {
        Self { format, began: Instant::now() }
    }

    pub(super) fn format(self) -> Format {
        self.format
    }

    pub(super) fn tell(self, step: &Step) {
        let at = self.began.elapsed();
        match self.format {
            Format::Text => show::line(&step.text(at)),
            Format::Json => {
                show::raw(&format!("{}\n", step.document(at)));
            }
        }
    }

    /// A line for people alone.
    pub(super) fn note(self, text: &str) {
        match self.format {
            Format::Text => show::line(text),
            Format::Json => {}
        }
    }
}
