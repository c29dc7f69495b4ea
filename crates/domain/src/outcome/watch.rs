//! For how long a pull request that ended is looked at again, and how often.

use super::{SOAK, TakingBack};
use crate::time::Span;

/// For how long one that merged by itself is looked at as often as the forge is read, for its checks on the base.
pub const WATCHED: Span = Span::days(1);

/// When one is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// As soon as the forge is read again.
    Soon,
    /// Once more, and nothing presses.
    Later,
    /// All there is to find was found.
    Never,
}

/// What one more look at a pull request that ended finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    /// Whether it is merged.
    pub merged: bool,
    /// Whether it is merged, and was not seen to be taken back.
    pub stands: bool,
    /// How long ago it was found to have merged, where it merged by itself.
    pub auto: Option<Span>,
    /// How far taking it back is, and since how long it is to be; none where it is not.
    pub back: Option<(TakingBack, Span)>,
    /// Whether this look counts: it tells how it stands, by clocks that are right, or that nobody can tell any more.
    pub counts: bool,
    /// How long ago it ended, as far as that is known.
    pub age: Span,
}

impl Looked {
    /// When it is looked at again. The last look is one that counts, once `soak`, or [`SOAK`] where that is longer, is over and
    /// nothing waits to take it back.
    pub fn again(self, soak: Span) -> Again {
        let presses = self.back.is_some_and(|(_, back)| back < SOAK) || self.auto.is_some_and(|auto| auto < WATCHED);
        let last = self.counts && self.age >= soak.max(SOAK);
        let last = last && !self.back.is_some_and(|(how, _)| how.is_under_way());
        match (self.stands && presses, !self.merged || last) {
            (true, _) => Again::Soon,
            (false, true) => Again::Never,
            (false, false) => Again::Later,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TakingBack::{ByHand, Done, ToMerge};
    use super::*;

    #[test]
    fn one_is_looked_at_until_a_look_counts_after_its_soak_and_more_often_while_something_presses() {
        let old = Looked { merged: true, stands: true, auto: None, back: None, counts: true, age: SOAK };
        let (young, day) = (Looked { age: Span(SOAK.0 - 1), ..old }, Span(WATCHED.0 - 1));
        for (looked, soak, again) in [
            (old, Span::days(1), Again::Never),
            (old, Span(SOAK.0 + 1), Again::Later),
            (Looked { counts: false, ..old }, SOAK, Again::Later),
            (young, Span::days(1), Again::Later),
            (Looked { merged: false, stands: false, ..young }, SOAK, Again::Never),
            (Looked { auto: Some(day), ..young }, SOAK, Again::Soon),
            (Looked { auto: Some(WATCHED), ..young }, SOAK, Again::Later),
            (Looked { back: Some((ByHand, Span(SOAK.0 - 1))), ..old }, SOAK, Again::Soon),
            (Looked { back: Some((ByHand, SOAK)), ..old }, SOAK, Again::Never),
            (Looked { back: Some((ToMerge, SOAK)), ..old }, SOAK, Again::Later),
            (Looked { back: Some((Done, SOAK)), stands: false, ..old }, SOAK, Again::Never),
            (Looked { auto: Some(day), stands: false, ..young }, SOAK, Again::Later),
            (Looked { merged: false, stands: false, back: Some((ToMerge, day)), ..young }, SOAK, Again::Never),
        ] {
            assert_eq!(looked.again(soak), again, "{looked:?}, {soak:?}");
        }
    }
}
