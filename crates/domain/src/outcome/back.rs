//! How far taking a merge back is, and whose turn it is.

use super::Outcome;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakingBack {
    /// A running server makes a pull request that takes it back.
    InTheMaking,
    /// A person merges that pull request, or closes it.
    ToMerge,
    /// A person takes it back by hand: it could not be made.
    ByHand,
    /// A person closed what would have taken it back.
    Unwanted,
    /// It was taken back.
    Done,
}

impl TakingBack {
    /// As it follows from the state of what takes it back, why that could not be made, if it could not, and what became of the merge
    /// as far as that is known: it may be taken back in another way.
    pub fn of(state: &str, error: &str, became: Option<Outcome>) -> Self {
        match (state, error) {
            _ if became == Some(Outcome::Reverted) => Self::Done,
            ("open", _) => Self::ToMerge,
            ("dropped", "") => Self::Unwanted,
            ("dropped", _) => Self::ByHand,
            _ => Self::InTheMaking,
        }
    }

    /// Whether something is still to become of the pull request that takes it back: it is looked at until that is known.
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::InTheMaking | Self::ToMerge)
    }
}

#[cfg(test)]
mod tests {
    use super::TakingBack::{ByHand, Done, InTheMaking, ToMerge, Unwanted};
    use super::*;

    #[test]
    fn how_far_it_is_follows_from_what_takes_it_back_and_from_the_base() {
        for (state, error, then, under_way) in [
            ("waiting", "", InTheMaking, true),
            ("sending", "", InTheMaking, true),
            ("sending", "it conflicts", InTheMaking, true),
            ("open", "", ToMerge, true),
            ("open", "it conflicts", ToMerge, true),
            ("dropped", "it conflicts", ByHand, false),
            ("dropped", "", Unwanted, false),
        ] {
            for became in Outcome::ALL.map(Some).into_iter().chain([None]) {
                let expected = if became == Some(Outcome::Reverted) { Done } else { then };
                assert_eq!(TakingBack::of(state, error, became), expected, "{state}, {error:?}, {became:?}");
            }
            assert_eq!(then.is_under_way(), under_way, "{then:?}");
        }
        assert!(!Done.is_under_way());
    }
}
