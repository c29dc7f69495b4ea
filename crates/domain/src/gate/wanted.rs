//! Who wants something else of a pull request than that it merges: people by their reviews, and anybody by a label.

use std::collections::BTreeMap;

use crate::label::Role;

/// By which labels a pull request is somebody's, or not yet anybody's: with one of them none merges by itself.
pub const BARRING: [Role; 7] = [
    Role::NeedsReview,
    Role::ChangesRequested,
    Role::NeedsVisual,
    Role::ClosedByBot,
    Role::MaxIterations,
    Role::RequiresHuman,
    Role::WontFix,
];

/// The same of the issue of its gap.
pub const BARRING_ISSUE: [Role; 2] = [Role::RequiresHuman, Role::WontFix];

/// What a person's review decides. One that only remarks decides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may be merged.
    Approved,
    /// It is to be changed first.
    ChangesRequested,
    /// What was decided holds no longer.
    Dismissed,
    /// Something that this version does not know.
    Unknown,
}

/// Whether a person wants changes, by the last decision of each, the oldest first; none where one of the last is not known.
pub fn changes_wanted<'a>(decisions: impl IntoIterator<Item = (&'a str, Decision)>) -> Option<bool> {
    let last: BTreeMap<_, _> = decisions.into_iter().collect();
    let has = |wanted| last.values().any(|decision| *decision == wanted);
    (!has(Decision::Unknown)).then(|| has(Decision::ChangesRequested))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_decision_of_each_person_counts_and_one_that_is_not_known_is_not_known() {
        use Decision::{Approved, ChangesRequested, Dismissed, Unknown};
        for (said, wants) in [
            (&[][..], Some(false)),
            (&[("ann", Approved)], Some(false)),
            (&[("ann", ChangesRequested)], Some(true)),
            (&[("ann", ChangesRequested), ("ann", Approved)], Some(false)),
            (&[("ann", ChangesRequested), ("bob", Approved)], Some(true)),
            (&[("ann", ChangesRequested), ("ann", Dismissed)], Some(false)),
            (&[("ann", Unknown)], None),
            (&[("ann", Unknown), ("bob", ChangesRequested)], None),
            (&[("ann", Unknown), ("ann", Approved)], Some(false)),
        ] {
            assert_eq!(changes_wanted(said.iter().copied()), wants, "{said:?}");
        }
    }
}
