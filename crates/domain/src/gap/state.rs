//! How a gap stands, and what may become of it: a table of states and events.
//!
//! The table is total: for every state and every event it gives the next state or says why not. Nothing else moves a gap.

use std::fmt;

use crate::refusal::{Code, Refusal};

/// How a gap stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Nobody works on it.
    Open,
    /// It has a plan.
    Planned,
    /// Somebody works on it.
    InProgress,
    /// A change waits to be judged.
    InReview,
    /// The change is in; a job that was blocked has yet to succeed.
    Merged,
    /// A job that was blocked has succeeded since.
    Proven,
    /// People decided to live without it.
    WontFix,
    /// It goes on only when a person says so.
    RequiresHuman,
    /// Another gap says the same, and stands for both.
    Duplicate,
}

/// What happens to a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A run reported it, and began after any merge.
    Sighted,
    /// It got a plan.
    Planned,
    /// Somebody began to work on it.
    PickedUp,
    /// Whoever worked on it gives it back without a failure.
    PutBack,
    /// An attempt failed.
    Failed,
    /// An attempt failed, and it was the last that it gets.
    FailedForGood,
    /// A change was handed in.
    Drafted,
    /// The change is in.
    Merged,
    /// A job that was blocked succeeded after the merge.
    Proved,
    /// People decided to live without it.
    WontFix,
    /// A person is to look at it.
    NeedsHuman,
    /// A person said that another gap says the same.
    MergedInto,
    /// A person, or a sighting, opens it again.
    Reopened,
}

impl State {
    /// Every state, in the order of a gap's life.
    pub const ALL: [Self; 9] = [
        Self::Open,
        Self::Planned,
        Self::InProgress,
        Self::InReview,
        Self::Merged,
        Self::Proven,
        Self::WontFix,
        Self::RequiresHuman,
        Self::Duplicate,
    ];

    /// The state as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Planned => "planned",
            Self::InProgress => "in_progress",
            Self::InReview => "in_review",
            Self::Merged => "merged",
            Self::Proven => "proven",
            Self::WontFix => "wontfix",
            Self::RequiresHuman => "requires_human",
            Self::Duplicate => "duplicate",
        }
    }

    /// Reads a state by its name.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::ALL.into_iter().find(|state| state.name() == text).ok_or_else(|| {
            Refusal::invalid("state", format!("there is no state {text:?}"))
                .hint(format!("states are {}", Self::ALL.map(Self::name).join(", ")))
        })
    }

    /// Whether the gap is still to be closed.
    pub const fn is_live(self) -> bool {
        match self {
            Self::Open | Self::Planned | Self::InProgress | Self::InReview | Self::Merged | Self::RequiresHuman => true,
            Self::Proven | Self::WontFix | Self::Duplicate => false,
        }
    }

    /// Whether it is agents that are to close it: it is neither settled nor a person's.
    pub const fn is_agents(self) -> bool {
        match self {
            Self::Open | Self::Planned | Self::InProgress | Self::InReview => true,
            Self::Merged | Self::Proven | Self::WontFix | Self::Duplicate | Self::RequiresHuman => false,
        }
    }

    /// Whether somebody may begin to work on it.
    pub const fn is_free(self) -> bool {
        matches!(self, Self::Open | Self::Planned)
    }

    /// The next state, or why this cannot happen to a gap that stands so.
    pub fn step(self, event: Event) -> Result<Self, Refusal> {
        use State::{Duplicate, InProgress, InReview, Merged, Open, Planned, Proven, RequiresHuman, WontFix};
        let (from, to): (&[Self], Self) = match event {
            // A sighting opens what seemed closed, and never what people closed.
            Event::Sighted if matches!(self, Merged | Proven) => (&[Merged, Proven], Open),
            Event::Sighted => (&Self::ALL, self),
            Event::Planned => (&[Open, Planned], Planned),
            Event::PickedUp => (&[Open, Planned], InProgress),
            Event::PutBack => (&[InProgress], Open),
            Event::Failed => (&[InProgress, InReview], Open),
            Event::FailedForGood => (&[InProgress, InReview], RequiresHuman),
            // People may have opened it meanwhile.
            Event::Drafted => (&[Open, Planned, InProgress, InReview], InReview),
            // People may merge whatever they like, whoever works on it.
            Event::Merged => (&[Open, Planned, InProgress, InReview, Merged, WontFix, RequiresHuman], Merged),
            Event::Proved => (&[Merged], Proven),
            Event::WontFix => (&[Open, Planned, InProgress, InReview, Merged, Proven, WontFix, RequiresHuman], WontFix),
            Event::NeedsHuman => (&[Open, Planned, InProgress, InReview, RequiresHuman], RequiresHuman),
            Event::MergedInto => {
                (&[Open, Planned, InProgress, InReview, Merged, Proven, WontFix, RequiresHuman], Duplicate)
            }
            // People take back what seems to be worked on, too: nobody else tells when it no longer is.
            Event::Reopened => (&[InProgress, InReview, Merged, Proven, WontFix, RequiresHuman, Duplicate], Open),
        };
        if from.contains(&self) { Ok(to) } else { Err(cannot(self, event)) }
    }
}

fn cannot(state: State, event: Event) -> Refusal {
    let hint = match state {
        State::Duplicate => "reopen it first, or act on the gap that stands for both",
        State::WontFix | State::Proven | State::RequiresHuman | State::Merged => "reopen it first",
        State::Open | State::Planned | State::InProgress | State::InReview => "see how it stands: gapwright gaps show",
    };
    Refusal::new(Code::WrongState, format!("a gap that is {state} cannot be {event}")).hint(hint)
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 13] = [
        Self::Sighted,
        Self::Planned,
        Self::PickedUp,
        Self::PutBack,
        Self::Failed,
        Self::FailedForGood,
        Self::Drafted,
        Self::Merged,
        Self::Proved,
        Self::WontFix,
        Self::NeedsHuman,
        Self::MergedInto,
        Self::Reopened,
    ];

    /// The event as it is written, as something that a gap is or was.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sighted => "sighted",
            Self::Planned => "planned",
            Self::PickedUp => "picked_up",
            Self::PutBack => "put_back",
            Self::Failed => "failed",
            Self::FailedForGood => "failed_for_good",
            Self::Drafted => "drafted",
            Self::Merged => "merged",
            Self::Proved => "proved",
            Self::WontFix => "wontfix",
            Self::NeedsHuman => "left_to_a_person",
            Self::MergedInto => "merged_into_another",
            Self::Reopened => "reopened",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name().replace('_', " "))
    }
}

/// The table as text: a row per event, a column per state, a dash where it cannot happen.
pub fn table() -> String {
    let head = State::ALL.map(State::name).join(" | ");
    let mut rows = vec![format!("| | {head} |"), format!("|---{}|", "|---".repeat(State::ALL.len()))];
    for event in Event::ALL {
        let cells = State::ALL.map(|state| state.step(event).map_or("-", State::name));
        rows.push(format!("| {} | {} |", event.name(), cells.join(" | ")));
    }
    rows.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_one_that_the_documents_show() {
        let page = include_str!("../../../../docs/reference/gaps.md");
        let shown = page.split("<!-- table of states -->\n").nth(1).unwrap_or_default();
        assert_eq!(shown, table(), "docs/reference/gaps.md, after its marker, is to read:\n{}", table());
    }

    #[test]
    fn what_people_closed_only_people_open() {
        for event in Event::ALL {
            let opened = State::WontFix.step(event).is_ok_and(State::is_live);
            assert_eq!(opened, matches!(event, Event::Reopened | Event::Merged), "{event}");
        }
    }

    #[test]
    fn a_gap_is_proven_only_after_its_merge_and_only_by_proof() {
        for (state, event) in State::ALL.into_iter().flat_map(|state| Event::ALL.map(|event| (state, event))) {
            let proves = state != State::Proven && state.step(event) == Ok(State::Proven);
            assert_eq!(proves, (state, event) == (State::Merged, Event::Proved), "{state} {event}");
        }
    }

    #[test]
    fn a_state_reads_back_as_it_is_written() {
        for state in State::ALL {
            assert_eq!(State::parse(state.name()), Ok(state));
        }
        assert!(State::parse("Open").is_err());
    }
}
