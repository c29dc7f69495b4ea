//! Verdicts: what a reviewer and a merger say of one head of a pull request, and what may be said at all.
//!
//! A verdict is a value. What follows from it is decided by the table of states, never by whoever says it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::diff::Shown;
use crate::id;
use crate::refusal::{Code, Refusal};
use crate::secret;

/// The most findings of one review: more is not read by anybody.
pub const FINDINGS_MAX: usize = 50;

/// The longest text of a finding, in characters.
pub const FINDING_CHARS_MAX: usize = 2_000;

/// The longest summary, in characters.
pub const SUMMARY_CHARS_MAX: usize = 4_000;

/// The longest path that may be cited, in characters.
pub const PATH_CHARS_MAX: usize = 1_000;

/// What a reviewer says. Later ones are more severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// It is good as it is.
    Approve,
    /// It is to be changed as the findings say.
    RequestChanges,
    /// It is not worth it.
    Close,
}

/// How much a finding matters. Later ones matter more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It would be nicer.
    Minor,
    /// It must change before a merge.
    Major,
    /// It would do harm.
    Critical,
}

/// What a finding is about: by these the reviewers' words are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// It does not do what it is for.
    Correctness,
    /// More than is needed: an abstraction without three callers, an optimisation without a measure.
    Complexity,
    /// More than was asked for.
    Scope,
    /// What happens when two do it at once.
    Concurrency,
    /// What somebody who means harm could do.
    Security,
    /// What happens when something fails.
    ErrorHandling,
    /// What it takes for granted and nobody said.
    HiddenAssumption,
    /// What is not shown by a test.
    Tests,
    /// What people and tools read about it.
    Documentation,
    /// Anything else.
    Other,
}

/// One thing that a reviewer found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The file.
    pub path: String,
    /// The line in it, from 1; none for what is not about a line.
    pub line: Option<i64>,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub category: Category,
    /// What it says.
    pub text: String,
}

/// What a reviewer hands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The verdict.
    pub verdict: Verdict,
    /// What it says of the whole.
    pub summary: String,
    /// What it found.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Every verdict, the mildest first.
    pub const ALL: [Self; 3] = [Self::Approve, Self::RequestChanges, Self::Close];

    /// The verdict as it travels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approve => "APPROVE",
            Self::RequestChanges => "REQUEST_CHANGES",
            Self::Close => "CLOSE",
        }
    }
}

impl Severity {
    /// The severity as it travels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }
}

impl Category {
    /// The category as it travels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Correctness => "correctness",
            Self::Complexity => "complexity",
            Self::Scope => "scope",
            Self::Concurrency => "concurrency",
            Self::Security => "security",
            Self::ErrorHandling => "error_handling",
            Self::HiddenAssumption => "hidden_assumption",
            Self::Tests => "tests",
            Self::Documentation => "documentation",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Review {
    /// Checks a review of a difference. `first` is what the same reviewer said before it knew what the change is for: since
    /// then it may only have become more severe.
    pub fn check(&self, shown: &Shown, first: Option<&Self>) -> Result<(), Refusal> {
        text("summary", &self.summary, SUMMARY_CHARS_MAX)?;
        if self.findings.len() > FINDINGS_MAX {
            return Err(Refusal::invalid("findings", format!("there are {} findings", self.findings.len()))
                .hint(format!("keep the {FINDINGS_MAX} that matter most")));
        }
        for (at, finding) in self.findings.iter().enumerate() {
            finding.check(at, shown)?;
        }
        let cites = self.findings.iter().any(|finding| finding.line.is_some());
        if self.verdict == Verdict::RequestChanges && !cites {
            return Err(Refusal::new(Code::NoCitedLine, "REQUEST_CHANGES cites no line of the change")
                .field("findings")
                .hint("name path and line of what is to change, or approve"));
        }
        let gravest = self.findings.iter().map(|finding| finding.severity).max();
        if self.verdict == Verdict::Approve && gravest > Some(Severity::Minor) {
            return Err(Refusal::invalid("verdict", "APPROVE with a finding that must change before a merge")
                .hint("request changes, or call the finding minor"));
        }
        first.map_or(Ok(()), |first| self.only_raises(first))
    }

    fn only_raises(&self, first: &Self) -> Result<(), Refusal> {
        if self.verdict < first.verdict {
            let message = format!("the first verdict was {}, and {} is milder", first.verdict, self.verdict);
            return Err(Refusal::invalid("verdict", message).hint("the description may only make it more severe"));
        }
        let kept = |was: &Finding| {
            self.findings.iter().any(|now| {
                (&now.path, now.line) == (&was.path, was.line)
                    && now.category == was.category
                    && now.severity >= was.severity
            })
        };
        match first.findings.iter().find(|was| !kept(was)) {
            Some(lost) => {
                let line = lost.line.map(|line| format!(":{line}")).unwrap_or_default();
                let message = format!("a finding of the first pass is gone or milder: {}{line}", lost.path);
                Err(Refusal::invalid("findings", message).hint("keep every finding, and raise what you like"))
            }
            None => Ok(()),
        }
    }
}

impl Finding {
    fn check(&self, at: usize, shown: &Shown) -> Result<(), Refusal> {
        text(format!("findings[{at}].text"), &self.text, FINDING_CHARS_MAX)?;
        text(format!("findings[{at}].path"), &self.path, PATH_CHARS_MAX)?;
        match self.line {
            Some(line) if !shown.has(&self.path, line) => Err(Refusal::new(
                Code::NoCitedLine,
                format!("findings[{at}] cites a line that the change does not show: line {line}"),
            )
            .field(format!("findings[{at}].line"))
            .hint("cite a line that the difference shows, on its new side")),
            Some(_) | None => Ok(()),
        }
    }
}

/// Checks a text that an agent hands in: not blank, and not too long.
pub(super) fn text(
    field: impl Into<std::borrow::Cow<'static, str>>,
    text: &str,
    chars_max: usize,
) -> Result<(), Refusal> {
    let chars = text.chars().count();
    let field = field.into();
    if text.trim().is_empty() || chars > chars_max {
        let message = format!("{field} has {chars} characters");
        return Err(Refusal::invalid(field, message).hint(format!("give 1 to {chars_max} characters, not all blank")));
    }
    if text.chars().any(|c| id::is_unprintable(c) && !matches!(c, '\n' | '\t' | '\r')) {
        let message = format!("{field} has a character that cannot be seen");
        return Err(Refusal::invalid(field, message).hint("write plain text"));
    }
    // What agents say is shown to everybody.
    match secret::find(text).first() {
        Some(found) => {
            let message = format!("{field} has what looks like {}", found.what);
            Err(Refusal::new(Code::UnfitChange, message)
                .field(field)
                .hint("take it out; one that was real is to be revoked"))
        }
        None => Ok(()),
    }
}

/// Checks what a merger says of the whole.
pub fn summary(summary: &str) -> Result<(), Refusal> {
    text("summary", summary, SUMMARY_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown() -> Shown {
        Shown::read("diff --git a/a.rs b/a.rs\n--- a/a.rs\n+++ b/a.rs\n@@ -1 +1,3 @@\n one\n+two\n+three\n")
    }

    fn finding(line: impl Into<Option<i64>>, severity: Severity) -> Finding {
        let (path, text) = ("a.rs".to_owned(), "no need".to_owned());
        Finding { path, line: line.into(), severity, category: Category::Complexity, text }
    }

    fn review(verdict: Verdict, findings: Vec<Finding>) -> Review {
        Review { verdict, summary: "read".to_owned(), findings }
    }

    #[test]
    fn nothing_that_is_handed_in_holds_a_credential() {
        let token = format!("it was ghp_{}", "q7Rk2VnX9sLw4TzB8mYc3HdF6pGj1NuA5eQo");
        let spoken = Review { summary: token.clone(), ..review(Verdict::Approve, vec![]) };
        let found = Finding { text: token.clone(), ..finding(2, Severity::Minor) };
        for refused in [
            spoken.check(&shown(), None),
            review(Verdict::Approve, vec![found]).check(&shown(), None),
            summary(&token),
            super::super::fit::answer(&token),
        ] {
            let refusal = refused.expect_err("a credential");
            assert_eq!(refusal.code, Code::UnfitChange);
            assert!(!format!("{refusal:?}").contains("q7Rk2VnX9s"), "a secret is never told");
        }
    }

    #[test]
    fn a_review_cites_lines_that_are_there() {
        use Severity::{Critical, Major, Minor};
        use Verdict::{Approve, Close, RequestChanges};
        for (review, refused) in [
            (review(Approve, vec![]), None),
            (review(Approve, vec![finding(2, Minor)]), None),
            (review(Approve, vec![finding(2, Major)]), Some(Code::InvalidArgument)),
            (review(RequestChanges, vec![finding(2, Major)]), None),
            (review(RequestChanges, vec![]), Some(Code::NoCitedLine)),
            (review(RequestChanges, vec![finding(None, Critical)]), Some(Code::NoCitedLine)),
            (review(RequestChanges, vec![finding(4, Major)]), Some(Code::NoCitedLine)),
            (review(Close, vec![]), None),
            (review(Close, vec![finding(0, Minor)]), Some(Code::NoCitedLine)),
            (review(Approve, vec![finding(1, Minor); FINDINGS_MAX + 1]), Some(Code::InvalidArgument)),
            (Review { summary: " ".to_owned(), ..review(Approve, vec![]) }, Some(Code::InvalidArgument)),
            (Review { summary: "a\u{202e}b".to_owned(), ..review(Approve, vec![]) }, Some(Code::InvalidArgument)),
        ] {
            assert_eq!(review.check(&shown(), None).err().map(|no| no.code), refused, "{review:?}");
        }
    }

    #[test]
    fn what_the_description_changes_is_only_for_the_worse() {
        use Severity::{Critical, Major, Minor};
        use Verdict::{Approve, Close, RequestChanges};
        let first = review(RequestChanges, vec![finding(2, Major)]);
        for (then, good) in [
            (first.clone(), true),
            (review(RequestChanges, vec![finding(2, Critical), finding(3, Minor)]), true),
            (review(Close, vec![finding(2, Major)]), true),
            (review(Approve, vec![]), false),
            (review(RequestChanges, vec![finding(2, Minor)]), false),
            (review(RequestChanges, vec![finding(3, Major)]), false),
        ] {
            assert_eq!(then.check(&shown(), Some(&first)).is_ok(), good, "{then:?}");
        }
    }
}
