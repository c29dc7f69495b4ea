//! What needs a person, the most pressing first: what waits for an answer, what can be ended, what is broken, what is only to
//! be known.

use crate::pull::State;
use crate::time::Span;

/// A sort of need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Everything is switched off.
    AllOff,
    /// What merged by itself went wrong, and a pull request that takes it back is to be merged.
    TakeBack,
    /// An agent asked something, and its job waits.
    Decide,
    /// Bots passed a pull request: it is to be merged or closed.
    Merge,
    /// The same of one that shows something, which is to be looked at.
    LookAt,
    /// A drafted pull request that only people review.
    Review,
    /// A pull request that has stopped: it goes on, or ends.
    Unstop,
    /// Nobody knows whether something was written to the forge.
    UnknownWrite,
    /// Nobody knows whether a Routine was started.
    UnknownStart,
    /// What may be spent on a day is spent.
    Spent,
    /// Jobs are due, and have been for long, and nobody takes them.
    Unclaimed,
    /// A job gave up.
    DeadJob,
    /// The last run of a job was no success.
    FailingJob,
    /// A Routine did not check in.
    SilentRoutine,
    /// A message could not be delivered.
    DeadMessage,
    /// A gap that agents could not close.
    StrandedGap,
    /// Two gaps may be the same.
    MayBeSame,
    /// Something is switched off.
    SwitchedOff,
}

impl Need {
    /// Every sort, the most pressing first.
    pub const ALL: [Self; 18] = [
        Self::AllOff,
        Self::TakeBack,
        Self::Decide,
        Self::Merge,
        Self::LookAt,
        Self::Review,
        Self::Unstop,
        Self::UnknownWrite,
        Self::UnknownStart,
        Self::Spent,
        Self::Unclaimed,
        Self::DeadJob,
        Self::FailingJob,
        Self::SilentRoutine,
        Self::DeadMessage,
        Self::StrandedGap,
        Self::MayBeSame,
        Self::SwitchedOff,
    ];

    /// What a pull request in a person's hands needs.
    pub const fn of_pull(state: State) -> Self {
        match state {
            State::NeedsHuman => Self::Merge,
            State::NeedsVisual => Self::LookAt,
            State::Proposed => Self::Review,
            State::Planning
            | State::Implementing
            | State::Opening
            | State::NeedsReview
            | State::ChangesRequested
            | State::Approved
            | State::Capped
            | State::RequiresHuman
            | State::WontFix
            | State::Closed
            | State::Merged => Self::Unstop,
        }
    }

    /// What is the matter, in a few words.
    pub const fn what(self) -> &'static str {
        match self {
            Self::AllOff => "everything is switched off",
            Self::TakeBack => "is to be taken back",
            Self::Decide => "an agent asks",
            Self::Merge => "ready to merge",
            Self::LookAt => "to be looked at",
            Self::Review => "to be reviewed",
            Self::Unstop => "has stopped",
            Self::UnknownWrite => "not known whether it was written",
            Self::UnknownStart => "not known whether it was started",
            Self::Spent => "the day's budget is spent",
            Self::Unclaimed => "nobody takes it",
            Self::DeadJob => "gave up",
            Self::FailingJob => "is failing",
            Self::SilentRoutine => "is silent",
            Self::DeadMessage => "was not delivered",
            Self::StrandedGap => "agents could not close it",
            Self::MayBeSame => "may be the same",
            Self::SwitchedOff => "is switched off",
        }
    }
}

/// How long the oldest job may wait, while nobody takes any, before people are told: longer than a worker that polls needs.
pub const UNCLAIMED_AFTER: Span = Span::mins(30);

/// How telling an object of the audit is to whoever looks what was done: the smaller, the more.
pub fn telling(object: &str) -> usize {
    const SORTS: [&str; 9] = ["pull", "gap", "decision", "job", "lock", "level", "switch", "issue", "routine"];
    let sort = object.split(':').next().unwrap_or_default();
    SORTS.iter().position(|known| *known == sort).unwrap_or(SORTS.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_an_answer_comes_before_what_is_only_to_be_known() {
        assert!(Need::ALL.is_sorted());
        assert_eq!((Need::ALL[0], Need::ALL[Need::ALL.len() - 1]), (Need::AllOff, Need::SwitchedOff));
    }

    #[test]
    fn what_became_of_a_pull_request_tells_more_than_what_was_booked_for_it() {
        assert!(telling("pull:1") < telling("job:reviewer:1"));
        assert!(telling("job:a") < telling("spend:1") && telling("spend:1") == telling("token:1"));
    }

    #[test]
    fn each_pull_request_of_a_person_needs_something_of_its_own() {
        let theirs: Vec<_> = State::ALL.into_iter().filter(|state| state.needs_person()).collect();
        assert_eq!(
            theirs.into_iter().map(|state| (state, Need::of_pull(state))).collect::<Vec<_>>(),
            [
                (State::Proposed, Need::Review),
                (State::NeedsHuman, Need::Merge),
                (State::NeedsVisual, Need::LookAt),
                (State::Capped, Need::Unstop),
                (State::RequiresHuman, Need::Unstop),
            ]
        );
    }
}
