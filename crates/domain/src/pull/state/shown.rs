//! States, events and the table of both, as they are shown.

use std::fmt;

use super::{Event, Reviewers, State};
use crate::gap;
use crate::label::Role;

/// The table as text: a row per state, a column per event, a dash where it cannot happen.
pub fn table(reviewers: Reviewers) -> String {
    let head = Event::ALL.map(Event::name).join(" | ");
    let mut rows = vec![format!("| | {head} |"), format!("|---{}|", "|---".repeat(Event::ALL.len()))];
    for state in State::ALL {
        let cells = Event::ALL.map(|event| state.step(event, reviewers).map_or("-", State::name));
        rows.push(format!("| {} | {} |", state.name(), cells.join(" | ")));
    }
    rows.join("\n") + "\n"
}

/// What goes with each state, as text: whose turn it is, its label, and what becomes of the gap.
pub fn effects() -> String {
    let mut rows = vec!["| state | turn of | label | the gap is |".to_owned(), "|---|---|---|---|".to_owned()];
    for state in State::ALL {
        let turn = match (state.stage(), state.needs_person()) {
            (Some(stage), _) => stage.name(),
            (None, true) => "a person",
            (None, false) => "-",
        };
        let label = state.label().map_or("-", Role::name);
        let gap = state.of_gap().map_or("-", gap::Event::name);
        rows.push(format!("| {} | {turn} | {label} | {gap} |", state.name()));
    }
    rows.join("\n") + "\n"
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 16] = [
        Self::Planned,
        Self::Drafted,
        Self::Opened,
        Self::Pushed,
        Self::Approved,
        Self::ChangesRequested,
        Self::Capped,
        Self::Rejected,
        Self::Passed,
        Self::NeedsLooking,
        Self::Stopped,
        Self::Resumed,
        Self::Restarted,
        Self::Merged,
        Self::Closed,
        Self::Reopened,
    ];

    /// The event as it is written, as something that a pull request is or was.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Drafted => "drafted",
            Self::Opened => "opened",
            Self::Pushed => "pushed",
            Self::Approved => "approved",
            Self::ChangesRequested => "sent_back",
            Self::Capped => "capped",
            Self::Rejected => "rejected",
            Self::Passed => "passed",
            Self::NeedsLooking => "held_for_looking",
            Self::Stopped => "stopped",
            Self::Resumed => "resumed",
            Self::Restarted => "restarted",
            Self::Merged => "merged",
            Self::Closed => "closed",
            Self::Reopened => "reopened",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name().replace('_', " "))
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name().replace('_', " "))
    }
}
