//! How a pull request of the pipeline stands, and what may become of it: a table of states and events.
//!
//! The table is total: for every state and every event it gives the next state or says why not. Nothing else moves a pull
//! request. Who reviews decides where a change goes that is to be judged: to a reviewer and a merger, or to people alone.

mod shown;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use shown::{effects, table};

use super::stage::Stage;
use crate::gap;
use crate::label::Role;
use crate::refusal::{Code, Refusal};

/// How a pull request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum State {
    /// A planner is to say how the gap is closed.
    Planning,
    /// An implementer is to draft the change.
    Implementing,
    /// The change is handed in, and the pull request is being opened.
    Opening,
    /// People are to review it: no bot does.
    Proposed,
    /// A reviewer is to judge it.
    NeedsReview,
    /// An implementer is to revise it.
    ChangesRequested,
    /// The reviewer approved, and a merger is to judge the whole.
    Approved,
    /// A person is to merge it, or not.
    NeedsHuman,
    /// A person is to look at what it shows, and then to merge it, or not.
    NeedsVisual,
    /// It was revised as often as it may be, and a person decides.
    Capped,
    /// It goes on only when a person says so.
    RequiresHuman,
    /// A reviewer or a merger said that it is not worth it.
    WontFix,
    /// A person closed it.
    Closed,
    /// A person merged it.
    Merged,
}

/// What happens to a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A plan was handed in.
    Planned,
    /// The first change was handed in.
    Drafted,
    /// The forge has it.
    Opened,
    /// Its head is another: a revision was handed in, or somebody pushed.
    Pushed,
    /// The reviewer approved it.
    Approved,
    /// The reviewer, or a person, wants changes.
    ChangesRequested,
    /// Changes are wanted once more than it may be revised.
    Capped,
    /// The reviewer or the merger would close it.
    Rejected,
    /// The merger would have a person merge it.
    Passed,
    /// The merger, or a path that it touches, would have a person look at it.
    NeedsLooking,
    /// It ran out of its budget or its attempts, or broke a rule that only people may bend.
    Stopped,
    /// A person lets it go on.
    Resumed,
    /// A person lets it begin anew: nothing was opened yet.
    Restarted,
    /// A person merged it.
    Merged,
    /// A person closed it, or its gap is settled.
    Closed,
    /// A person opened it again.
    Reopened,
}

/// Who reviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reviewers {
    /// A reviewer and a merger, and then a person.
    Bots,
    /// People alone: the level below the pipeline.
    People,
}

impl State {
    /// Every state, in the order of a pull request's life.
    pub const ALL: [Self; 14] = [
        Self::Planning,
        Self::Implementing,
        Self::Opening,
        Self::Proposed,
        Self::NeedsReview,
        Self::ChangesRequested,
        Self::Approved,
        Self::NeedsHuman,
        Self::NeedsVisual,
        Self::Capped,
        Self::RequiresHuman,
        Self::WontFix,
        Self::Closed,
        Self::Merged,
    ];

    /// The state as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Implementing => "implementing",
            Self::Opening => "opening",
            Self::Proposed => "proposed",
            Self::NeedsReview => "needs_review",
            Self::ChangesRequested => "changes_requested",
            Self::Approved => "approved",
            Self::NeedsHuman => "needs_human",
            Self::NeedsVisual => "needs_visual",
            Self::Capped => "capped",
            Self::RequiresHuman => "requires_human",
            Self::WontFix => "wontfix",
            Self::Closed => "closed",
            Self::Merged => "merged",
        }
    }

    /// Reads a state by its name.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::ALL.into_iter().find(|state| state.name() == text).ok_or_else(|| {
            Refusal::invalid("state", format!("there is no state {text:?}"))
                .hint(format!("states are {}", Self::ALL.map(Self::name).join(", ")))
        })
    }

    /// Whether anything is still to become of it.
    pub const fn is_live(self) -> bool {
        match self {
            Self::Planning
            | Self::Implementing
            | Self::Opening
            | Self::Proposed
            | Self::NeedsReview
            | Self::ChangesRequested
            | Self::Approved
            | Self::NeedsHuman
            | Self::NeedsVisual
            | Self::Capped
            | Self::RequiresHuman => true,
            Self::WontFix | Self::Closed | Self::Merged => false,
        }
    }

    /// Whether an event takes back what the bots had approved: nobody but a person moves what waits for one.
    pub const fn is_sent_back(self, event: Event) -> bool {
        matches!(self, Self::NeedsHuman) && matches!(event, Event::ChangesRequested | Event::Capped | Event::Stopped)
    }

    /// Whether a person is to do the next thing.
    pub const fn needs_person(self) -> bool {
        match self {
            Self::Proposed | Self::NeedsHuman | Self::NeedsVisual | Self::Capped | Self::RequiresHuman => true,
            Self::Planning
            | Self::Implementing
            | Self::Opening
            | Self::NeedsReview
            | Self::ChangesRequested
            | Self::Approved
            | Self::WontFix
            | Self::Closed
            | Self::Merged => false,
        }
    }

    /// The agent whose turn it is.
    pub const fn stage(self) -> Option<Stage> {
        match self {
            Self::Planning => Some(Stage::Planner),
            Self::Implementing | Self::ChangesRequested => Some(Stage::Implementer),
            Self::NeedsReview => Some(Stage::Reviewer),
            Self::Approved => Some(Stage::Merger),
            Self::Opening
            | Self::Proposed
            | Self::NeedsHuman
            | Self::NeedsVisual
            | Self::Capped
            | Self::RequiresHuman
            | Self::WontFix
            | Self::Closed
            | Self::Merged => None,
        }
    }

    /// The label that says so on the forge; none where it says nothing there, or has nothing there yet.
    pub const fn label(self) -> Option<Role> {
        match self {
            // A merger's turn is still a bot's to review.
            Self::NeedsReview | Self::Approved => Some(Role::NeedsReview),
            Self::ChangesRequested => Some(Role::ChangesRequested),
            Self::NeedsHuman => Some(Role::NeedsHuman),
            Self::NeedsVisual => Some(Role::NeedsVisual),
            Self::Capped => Some(Role::MaxIterations),
            Self::RequiresHuman => Some(Role::RequiresHuman),
            Self::WontFix => Some(Role::ClosedByBot),
            Self::Planning | Self::Implementing | Self::Opening | Self::Proposed | Self::Closed | Self::Merged => None,
        }
    }

    /// Whether it is judged, or was.
    const fn is_judged(self) -> bool {
        match self {
            Self::Proposed
            | Self::NeedsReview
            | Self::ChangesRequested
            | Self::Approved
            | Self::NeedsHuman
            | Self::NeedsVisual => true,
            Self::Planning
            | Self::Implementing
            | Self::Opening
            | Self::Capped
            | Self::RequiresHuman
            | Self::WontFix
            | Self::Closed
            | Self::Merged => false,
        }
    }

    /// Whether it stands still until a person lets it go on.
    pub const fn is_stopped(self) -> bool {
        match self {
            Self::Capped | Self::RequiresHuman => true,
            Self::Planning
            | Self::Implementing
            | Self::Opening
            | Self::Proposed
            | Self::NeedsReview
            | Self::ChangesRequested
            | Self::Approved
            | Self::NeedsHuman
            | Self::NeedsVisual
            | Self::WontFix
            | Self::Closed
            | Self::Merged => false,
        }
    }

    /// Whether agents work on it, or a person may say that nobody is to go on.
    const fn is_stoppable(self) -> bool {
        match self {
            Self::Planning
            | Self::Implementing
            | Self::Opening
            | Self::Proposed
            | Self::NeedsReview
            | Self::ChangesRequested
            | Self::Approved
            | Self::NeedsHuman
            | Self::NeedsVisual => true,
            Self::Capped | Self::RequiresHuman | Self::WontFix | Self::Closed | Self::Merged => false,
        }
    }

    /// Whether the forge may have something to merge: people merge whatever they like.
    const fn is_mergeable(self) -> bool {
        match self {
            Self::Opening
            | Self::Proposed
            | Self::NeedsReview
            | Self::ChangesRequested
            | Self::Approved
            | Self::NeedsHuman
            | Self::NeedsVisual
            | Self::Capped
            | Self::RequiresHuman
            | Self::WontFix
            | Self::Closed => true,
            Self::Planning | Self::Implementing | Self::Merged => false,
        }
    }

    /// The next state, or why this cannot happen to a pull request that stands so.
    pub fn step(self, event: Event, reviewers: Reviewers) -> Result<Self, Refusal> {
        let review = reviewers.awaits();
        // What people hold stays in their hands, and before it is opened only its head is another.
        let stays = self == Self::Opening || self.is_stopped();
        let (may, to) = match event {
            Event::Planned => (self == Self::Planning, Self::Implementing),
            Event::Drafted => (self == Self::Implementing, Self::Opening),
            Event::Opened => (self == Self::Opening, review),
            Event::Pushed if stays => (true, self),
            Event::Pushed => (self.is_judged(), review),
            Event::Approved => (self == Self::NeedsReview, Self::Approved),
            // What a person asks for meanwhile is remembered, and done when it goes on.
            Event::ChangesRequested if self.is_stopped() => (true, self),
            Event::ChangesRequested => (self.is_judged(), Self::ChangesRequested),
            Event::Capped => (self.is_judged(), Self::Capped),
            Event::Rejected => (self == Self::NeedsReview || self == Self::Approved, Self::WontFix),
            Event::Passed => (self == Self::Approved, Self::NeedsHuman),
            Event::NeedsLooking => (self == Self::Approved, Self::NeedsVisual),
            Event::Stopped => (self.is_stoppable(), Self::RequiresHuman),
            Event::Resumed => (self.is_stopped(), review),
            Event::Restarted => (self == Self::RequiresHuman, reviewers.begins()),
            Event::Merged => (self.is_mergeable(), Self::Merged),
            Event::Closed => (self.is_live(), Self::Closed),
            Event::Reopened => (self == Self::WontFix || self == Self::Closed, review),
        };
        if may { Ok(to) } else { Err(cannot(self, event)) }
    }

    /// What becomes of the gap when its pull request comes to stand so.
    pub const fn of_gap(self) -> Option<gap::Event> {
        match self {
            Self::Implementing => Some(gap::Event::Planned),
            Self::Merged => Some(gap::Event::Merged),
            // Counted as a failure, of which the last leaves the gap to a person.
            Self::WontFix | Self::Closed => Some(gap::Event::Failed),
            Self::Opening => Some(gap::Event::Drafted),
            Self::Planning
            | Self::Proposed
            | Self::NeedsReview
            | Self::ChangesRequested
            | Self::Approved
            | Self::NeedsHuman
            | Self::NeedsVisual
            | Self::Capped
            | Self::RequiresHuman => None,
        }
    }
}

fn cannot(state: State, event: Event) -> Refusal {
    let hint = if state.is_live() {
        "see how it stands: gapwright pulls show"
    } else {
        "it has ended; a person may open it again on the forge"
    };
    Refusal::new(Code::WrongState, format!("a pull request that is {state} cannot be {event}")).hint(hint)
}

impl Reviewers {
    /// Who they are, as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bots => "bots",
            Self::People => "people",
        }
    }

    /// Where a change goes that is to be judged.
    pub const fn awaits(self) -> State {
        match self {
            Self::Bots => State::NeedsReview,
            Self::People => State::Proposed,
        }
    }

    /// Where a pull request begins: at a plan, or, below the pipeline, at the change.
    pub const fn begins(self) -> State {
        match self {
            Self::Bots => State::Planning,
            Self::People => State::Implementing,
        }
    }
}
