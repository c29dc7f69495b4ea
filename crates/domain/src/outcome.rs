//! What became of pull requests, as evidence: whether what was judged is what was merged, and whether that counts.
//!
//! A merge is *unchanged* when its head is the commit that was judged, and its tree is the one that git makes of that commit
//! and the base as it was: right for a merge, a squash and a rebase, whatever else came onto the base, and it finds what is
//! hidden in the merge itself. What is not known is never good.

mod back;
mod watch;

use serde::{Deserialize, Serialize};

use crate::time::{Span, Time};

pub use back::TakingBack;
pub use watch::{Again, Looked, WATCHED};

/// For how long a merge is watched for being taken back, before it counts.
pub const SOAK: Span = Span::days(14);

/// The least time in which anybody looks at a change at all, and how many lines a second are the most that can be read: no
/// proof that somebody read it, only that it was not impossible.
pub const LOOK_MIN: Span = Span::secs(10);
/// See [`LOOK_MIN`].
pub const LINES_PER_SECOND_MAX: i64 = 3;
/// Above this no change needs more.
pub const LOOK_MAX: Span = Span::mins(10);

/// What became of a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was merged as it was judged.
    Unchanged,
    /// Its head has merges of the base besides, and the same content.
    UnchangedContent,
    /// People changed it before it was merged, or in the merge itself.
    Edited,
    /// It was closed without a merge.
    Closed,
    /// What was merged was taken back.
    Reverted,
    /// Nobody can tell: evidence is missing.
    Unknown,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 6] =
        [Self::Unchanged, Self::UnchangedContent, Self::Edited, Self::Closed, Self::Reverted, Self::Unknown];

    /// The outcome as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::UnchangedContent => "unchanged_content",
            Self::Edited => "edited",
            Self::Closed => "closed",
            Self::Reverted => "reverted",
            Self::Unknown => "unknown",
        }
    }

    /// Reads an outcome by its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == text)
    }
}

/// Who ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hand {
    /// A person who may write to the repository.
    Person,
    /// Another program, or somebody who may not write there.
    Bot,
    /// This installation, on evidence.
    Us,
    /// Nobody can tell.
    Unknown,
}

/// What was read of how a pull request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The commit that the implementer last handed in; none where nothing was.
    pub judged: Option<String>,
    /// Whether it was what reviewer and merger approved, and stood so until it ended.
    pub approved: bool,
    /// Whether somebody else pushed to it before the implementer last handed it in, so that not all of it is the implementer's.
    pub others: bool,
    /// Whether people sent it back after the bots had approved it.
    pub sent_back: bool,
    /// How it ended.
    pub end: End,
    /// Who ended it.
    pub by: Hand,
    /// The name of whoever did, where the forge tells it.
    pub login: Option<String>,
    /// How long people had it before them, by the forge's own clock, in milliseconds; none where that is not known.
    pub looked_ms: Option<i64>,
    /// When it ended, by the forge's own clock; none where the forge does not say.
    pub ended_at: Option<Time>,
    /// When that was found here, by ours; none in what was written down before it was kept.
    pub found_at: Option<Time>,
    /// How many lines it changes.
    pub lines: i64,
    /// How the checks stood at the commit that was judged that must pass.
    pub checks: Answer,
}

impl Evidence {
    /// Whether it was read of this end, of a pull request that was merged or not and stands so since a moment of ours. `written` is
    /// what stands for that moment where it was not kept. A clock that was put right may have shown one moment twice.
    pub fn is_of(&self, merged: bool, since: Time, written: Time) -> bool {
        let alike = matches!(self.end, End::Merged { .. }) == merged;
        alike && self.found_at.unwrap_or(written) >= since
    }
}

/// How a pull request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It was merged.
    Merged {
        /// Its head then; none where the forge does not say.
        head: Option<String>,
        /// The merge on the base; none where the forge does not say.
        commit: Option<String>,
        /// What our own git finds there; none where it could not be read.
        git: Option<Landed>,
    },
    /// It was closed.
    Closed,
}

/// What git finds of a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landed {
    /// The tree of the merge.
    pub tree: String,
    /// The base before it.
    pub parent: String,
    /// The tree of that base and the judged commit together; none where they do not go together.
    pub expected: Option<String>,
    /// Whether the base has the merge.
    pub on_base: bool,
    /// Whether its head comes after the judged commit.
    pub descends: bool,
    /// How many commits its head has besides, which are not merges.
    pub own: i64,
    /// How many merges it has besides.
    pub merges: i64,
    /// Whether what it changes is the same as what the judged commit changes.
    pub same_content: bool,
}

/// An answer to a question of the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "why")]
pub enum Answer {
    /// Yes.
    Pass,
    /// No, and why.
    Fail(String),
    /// It cannot be told, which counts as no.
    Unknown(String),
}

/// What an outcome is to the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// A person took it as it was judged.
    Good,
    /// A person changed it, closed it, or took it back.
    Bad,
    /// It says nothing: it neither counts nor breaks a row.
    Neither,
    /// Nobody can tell; too many of them close the gate.
    Unknown,
    /// This installation merged it, and nobody took it back.
    Auto,
}

impl Weight {
    /// Every weight.
    pub const ALL: [Self; 5] = [Self::Good, Self::Bad, Self::Neither, Self::Unknown, Self::Auto];

    /// The weight as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Neither => "neither",
            Self::Unknown => "unknown",
            Self::Auto => "auto",
        }
    }

    /// Reads a weight by its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|weight| weight.name() == text)
    }

    /// What it is once nobody can tell any more whether it stands: what was bad stays bad.
    pub const fn lost(self) -> Self {
        match self {
            Self::Bad => Self::Bad,
            Self::Good | Self::Neither | Self::Unknown | Self::Auto => Self::Unknown,
        }
    }

    /// What it is once it went wrong after it merged by itself: what nobody can tell stays so.
    pub const fn spoiled(self) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Good | Self::Bad | Self::Neither | Self::Auto => Self::Bad,
        }
    }
}

/// What became of a pull request by its evidence, and why, in a line.
pub fn classify(evidence: &Evidence) -> (Outcome, String) {
    let (head, commit, git) = match &evidence.end {
        End::Closed => return (Outcome::Closed, "it was closed without a merge".to_owned()),
        End::Merged { head, commit, git } => (head, commit, git),
    };
    let unknown = |why: &str| (Outcome::Unknown, why.to_owned());
    let edited = |why: String| (Outcome::Edited, why);
    let Some(judged) = &evidence.judged else { return unknown("nothing had been handed in") };
    let (Some(head), Some(_)) = (head, commit) else { return unknown("the forge does not say as what it was merged") };
    let Some(git) = git else { return unknown("what was merged could not be read") };
    if !git.on_base {
        return unknown("the base does not have the merge");
    }
    if head != judged {
        if !git.descends {
            return unknown("its head was replaced, and nobody can tell by whom");
        }
        if git.own > 0 {
            return edited(format!("{} commits came on top of what was judged", git.own));
        }
        return match (git.merges > 0, git.same_content) {
            (true, true) => {
                (Outcome::UnchangedContent, "the base was merged into it, and it changes the same".to_owned())
            }
            (true, false) => edited("the base was merged into it, and it changes something else".to_owned()),
            (false, _) => unknown("its head is another, and nobody can tell how it came to be"),
        };
    }
    match &git.expected {
        None => unknown("what was judged does not go together with the base as it was"),
        Some(tree) if *tree == git.tree => (Outcome::Unchanged, "it was merged as it was judged".to_owned()),
        Some(_) => edited("the merge itself has something else".to_owned()),
    }
}

/// What it is to the gate, and why where it says nothing.
pub fn weigh(evidence: &Evidence, outcome: Outcome) -> (Weight, String) {
    let neither = |why: &str| (Weight::Neither, why.to_owned());
    let judged = matches!(outcome, Outcome::Closed | Outcome::Edited | Outcome::Unchanged | Outcome::UnchangedContent);
    if judged && !evidence.approved {
        return neither("the bots had not approved it");
    }
    match outcome {
        Outcome::Reverted => (Weight::Bad, "it was taken back".to_owned()),
        Outcome::Unknown => (Weight::Unknown, "nobody can tell".to_owned()),
        Outcome::Closed | Outcome::Edited if evidence.by == Hand::Bot => neither("a person did not do it"),
        Outcome::Closed | Outcome::Edited => (Weight::Bad, "it had been approved".to_owned()),
        // What bots had approved was not what was merged in the end.
        Outcome::Unchanged | Outcome::UnchangedContent if evidence.sent_back => {
            (Weight::Bad, "people had sent back what the bots had approved before".to_owned())
        }
        Outcome::UnchangedContent => neither("the base was merged into it"),
        Outcome::Unchanged if evidence.others => neither("not all of it is the implementer's"),
        Outcome::Unchanged => taken(evidence),
    }
}

/// Whether that it was taken as it was says anything.
fn taken(evidence: &Evidence) -> (Weight, String) {
    let neither = |why: String| (Weight::Neither, why);
    match evidence.by {
        Hand::Us => return (Weight::Auto, "it was merged on evidence".to_owned()),
        Hand::Bot => return neither("a bot merged it".to_owned()),
        Hand::Unknown => return neither("nobody can tell who merged it".to_owned()),
        Hand::Person => {}
    }
    let least = look_min(evidence.lines);
    match evidence.looked_ms {
        None => return neither("nobody can tell how long it was looked at".to_owned()),
        Some(looked) if looked < least.0 => {
            return neither(format!(
                "it was before people for {} s, and {} lines cannot be read in less than {} s",
                looked / 1_000,
                evidence.lines,
                least.0 / 1_000
            ));
        }
        Some(_) => {}
    }
    match &evidence.checks {
        Answer::Pass => (Weight::Good, "a person did it after a look, and its checks had passed".to_owned()),
        Answer::Fail(why) | Answer::Unknown(why) => neither(format!("its checks had not passed: {why}")),
    }
}

/// The least time in which so many lines can be read.
pub fn look_min(lines: i64) -> Span {
    Span((lines.clamp(0, i64::MAX / 1_000) * 1_000 / LINES_PER_SECOND_MAX).clamp(LOOK_MIN.0, LOOK_MAX.0))
}

/// How long people had it before them: from when it was shown to be theirs to when it ended, both by the forge's clock.
/// None where either is not known, or they are the wrong way round.
pub fn looked(shown: Option<Time>, ended: Option<Time>) -> Option<Span> {
    let (shown, ended) = (shown?, ended?);
    (shown <= ended).then(|| ended.since(shown))
}

#[cfg(test)]
mod tests;
