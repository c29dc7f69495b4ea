//! Capability gaps: what an agent lacked, as it said so.
//!
//! A sighting is one report of one gap by one run; sightings are only ever appended. What becomes of a gap is told in
//! `registry`, `state`, `rank`, `relation` and `near`.

mod marker;
pub mod near;
pub mod rank;
mod registry;
pub mod relation;
pub mod state;
#[cfg(test)]
mod tests;

pub use marker::{MARKERS_MAX, read};
pub use rank::Priority;
pub use registry::{FAILURES_MAX, Gap, Key, LINES_MAX, Unworkable, resolve};
pub use state::{Event, State};

use std::fmt;

use crate::id;
use crate::refusal::Refusal;

/// The longest gap name or kind, in characters.
pub const NAME_CHARS_MAX: usize = 100;

/// The longest key, `KIND/NAME`, in characters.
pub const KEY_CHARS_MAX: usize = 2 * NAME_CHARS_MAX + 1;
/// The longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 2_000;
/// The longest folder that a gap is about, in characters.
pub const AREA_CHARS_MAX: usize = 200;
/// The most lines that anybody may expect a gap to change.
pub const LINES_SAID_MAX: i64 = 1_000_000;
/// The most gaps one completion may report.
pub const GAPS_MAX: usize = 50;
/// The kind of a gap whose reporter named none.
pub const KIND_UNSPECIFIED: &str = "unspecified";
/// The kinds that we know; others are welcome.
pub const KINDS: [&str; 8] = [
    "mcp-tool",
    "scheduler-handler",
    "k8s-manifest",
    "helm-values",
    "network-policy",
    "bazel-target",
    "semgrep-rule",
    "adr",
];

/// How much a gap hurts, in its reporter's judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Severity {
    /// Work goes on without it.
    Minor,
    /// The job could not be done.
    #[default]
    Blocking,
    /// Harm is done while it lasts.
    Critical,
}

impl Severity {
    /// Every severity.
    pub const ALL: [Self; 3] = [Self::Minor, Self::Blocking, Self::Critical];

    /// The severity as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minor => "minor",
            Self::Blocking => "blocking",
            Self::Critical => "critical",
        }
    }

    /// Reads a severity by its name.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::ALL.into_iter().find(|severity| severity.name() == text).ok_or_else(|| {
            Refusal::invalid("severity", format!("there is no severity {text:?}"))
                .hint(format!("severities are {}", Self::ALL.map(Self::name).join(", ")))
        })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a sighting came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The report-gap tool.
    Report,
    /// The gaps argument of a completion.
    Completion,
    /// A marker in a summary.
    Marker,
}

impl Source {
    /// The source as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Completion => "completion",
            Self::Marker => "marker",
        }
    }
}

/// One report of one gap. An unreadable one keeps its text and names nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// What sort of capability is missing, in kebab-case.
    pub kind: String,
    /// The gap's name in kebab-case; none when the marker could not be read.
    pub name: Option<String>,
    /// Why it was needed, in the reporter's words.
    pub reason: String,
    /// The job that it blocks.
    pub job: Option<String>,
    /// A gap that must be closed first.
    pub depends_on: Option<String>,
    /// How much it hurts.
    pub severity: Severity,
    /// Where it came from.
    pub source: Source,
    /// The folder that it is about.
    pub area: Option<String>,
    /// How many lines its closing will change, in the reporter's judgement.
    pub lines: Option<i64>,
}

impl Sighting {
    /// A report that names a gap and says nothing more.
    pub fn named(kind: &str, name: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            name: Some(name.to_owned()),
            reason: String::new(),
            job: None,
            depends_on: None,
            severity: Severity::default(),
            source: Source::Report,
            area: None,
            lines: None,
        }
    }
}

/// A gap's name or kind: kebab-case, readable, no hash. The refusal suggests a name that would do.
pub fn name(field: &'static str, text: &str) -> Result<String, Refusal> {
    let kebab = kebab(text);
    let refuse = |why: &str, hint: String| Err(Refusal::invalid(field, format!("{field} {why}")).hint(hint));
    if text.chars().count() > NAME_CHARS_MAX {
        refuse("is too long", format!("give at most {NAME_CHARS_MAX} characters, such as list-recent-deploys"))
    } else if kebab.is_empty() {
        refuse("has no letter or digit", "use words joined by hyphens, such as list-recent-deploys".to_owned())
    } else if kebab != text {
        refuse("is not in kebab-case", format!("did you mean {kebab}?"))
    } else if is_opaque(&kebab) {
        refuse("reads like a hash or an id", "name the capability in words, such as list-recent-deploys".to_owned())
    } else {
        Ok(kebab)
    }
}

/// A reason: at most 2,000 characters, the rest is cut.
pub fn reason(text: &str) -> String {
    text.trim().chars().filter(|c| !id::is_unprintable(*c) || matches!(c, '\n' | '\t')).take(REASON_CHARS_MAX).collect()
}

/// Lower-case words of letters and digits joined by single hyphens.
fn kebab(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// Whether a name is made for machines: a hash, a UUID or a bare number, as a whole or as one of its words.
fn is_opaque(kebab: &str) -> bool {
    let packed: String = kebab.chars().filter(|c| *c != '-').collect();
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
    // A fifth of digits tells a hash from a word that only has letters up to f.
    let hash = |text: &str, least: usize| {
        text.len() >= least && text.chars().all(|c| c.is_ascii_hexdigit()) && digits(text) * 5 >= text.len()
    };
    digits(&packed) == packed.len() || hash(&packed, 7) || kebab.split('-').any(|word| hash(word, 8))
}
