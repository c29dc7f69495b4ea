//! The figures by which reviewers are judged: shares with their intervals, agreement beside its base rate, and what
//! became of what they said.

use std::fmt;

use crate::pull::verdict::Category;

/// The quantile of the normal distribution for an interval of 95 %.
const Z_95: f64 = 1.959_963_984_540_054;

/// So many of so many: never a rate without its count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Share {
    /// How many were; at most [`Share::n`].
    pub k: u32,
    /// Of how many.
    pub n: u32,
}

impl Share {
    /// How many of these are true.
    pub fn of(each: impl IntoIterator<Item = bool>) -> Self {
        each.into_iter().fold(Self::default(), |share, is| Self { k: share.k + u32::from(is), n: share.n + 1 })
    }

    /// The share, from 0 to 1; none of nothing.
    pub fn rate(self) -> Option<f64> {
        (self.n > 0).then(|| f64::from(self.k.min(self.n)) / f64::from(self.n))
    }

    /// Wilson's interval of 95 %: the lower and the upper end, from 0 to 1; none of nothing. With 80 % it is about 17 points
    /// to each side for 20, 12 for 40 and 8 for 100.
    pub fn wilson(self) -> Option<(f64, f64)> {
        let (p, n, z) = (self.rate()?, f64::from(self.n), Z_95);
        let whole = 1.0 + z * z / n;
        let middle = (p + z * z / (2.0 * n)) / whole;
        let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / whole;
        Some(((middle - half).max(0.0), (middle + half).min(1.0)))
    }
}

/// As `34 of 40 (85 %, 71 % to 93 %)`, or `0 of 0 (not known)`.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { k, n } = self;
        match (self.rate(), self.wilson()) {
            (Some(rate), Some((low, high))) => {
                let [rate, low, high] = [rate, low, high].map(|share| share * 100.0);
                write!(f, "{k} of {n} ({rate:.0} %, {low:.0} % to {high:.0} %)")
            }
            (None, _) | (_, None) => write!(f, "{k} of {n} (not known)"),
        }
    }
}

/// Cohen's kappa: how far two agree beyond what they would by chance; 1 is always, 0 no better than chance. `both` and
/// `neither` are where they agree; none where there is nothing, or where chance alone would make them agree always.
///
/// It is told beside the base rate: who always approves agrees in 90 % where 90 % are good, with a kappa of 0.
pub fn kappa(both: u32, only_first: u32, only_second: u32, neither: u32) -> Option<f64> {
    let [a, b, c, d] = [both, only_first, only_second, neither].map(f64::from);
    let chance = (a + b) * (b + d) + (a + c) * (c + d);
    (chance > 0.0).then(|| 2.0 * (a * d - b * c) / chance)
}

/// What became of a pull request that was judged. What is not known is none of these: whoever counts leaves it out and tells
/// how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ended {
    /// It was merged as it was judged.
    Unchanged,
    /// People would not have it so: they changed it first, or had sent it back; or it failed on the base.
    Edited,
    /// It was closed without a merge.
    Closed,
    /// It was merged and taken back.
    Reverted,
}

impl Ended {
    /// Every end.
    pub const ALL: [Self; 4] = [Self::Unchanged, Self::Edited, Self::Closed, Self::Reverted];

    /// The end as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Edited => "edited",
            Self::Closed => "closed",
            Self::Reverted => "reverted",
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a reviewer said of a pull request at last, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// Whether it approved.
    pub approved: bool,
    /// What became of it.
    pub ended: Ended,
}

/// What a reviewer said beside what people did.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// How many of those that were not merged unchanged it had approved: what escaped it.
    pub leniency: Share,
    /// Of how many of those that were merged unchanged it had asked for changes.
    pub strictness: Share,
    /// How many were merged unchanged, whatever it said.
    pub base: Share,
    /// How often it and people were of one mind.
    pub agreement: Share,
    /// Their agreement beyond chance; none where that cannot be told.
    pub kappa: Option<f64>,
    /// Of what it approved, how many ended so: all four, in their order.
    pub approved: [(Ended, Share); 4],
    /// How many were left out, because nobody knows what became of them.
    pub unknown: u32,
}

/// Counts what a reviewer said beside what people did. `unknown` are those that are not among `judged` because nobody knows
/// what became of them.
pub fn standing(judged: &[Judged], unknown: u32) -> Standing {
    let good = |one: &&Judged| one.ended == Ended::Unchanged;
    let of =
        |approved, unchanged| Share::of(judged.iter().map(|one| one.approved == approved && good(&one) == unchanged)).k;
    let (both, escaped, strict, neither) = (of(true, true), of(true, false), of(false, true), of(false, false));
    let all = both + escaped + strict + neither;
    let approved = |end| Share::of(judged.iter().filter(|one| one.approved).map(|one| one.ended == end));
    Standing {
        leniency: Share { k: escaped, n: escaped + neither },
        strictness: Share { k: strict, n: strict + both },
        base: Share { k: both + strict, n: all },
        agreement: Share { k: both + neither, n: all },
        kappa: kappa(both, escaped, strict, neither),
        approved: Ended::ALL.map(|end| (end, approved(end))),
        unknown,
    }
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disposition {
    /// A later commit changed what it cites.
    Addressed,
    /// People saw it and left things as they were.
    Dismissed,
    /// Nobody is known to have seen it.
    Unseen,
}

impl Disposition {
    /// Every disposition.
    pub const ALL: [Self; 3] = [Self::Addressed, Self::Dismissed, Self::Unseen];

    /// The disposition as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Addressed => "addressed",
            Self::Dismissed => "dismissed",
            Self::Unseen => "unseen",
        }
    }

    /// Reads a disposition by its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|disposition| disposition.name() == text)
    }
}

/// What became of the findings of one category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disposed {
    /// The category.
    pub category: Category,
    /// How many were addressed, of those that were seen.
    pub addressed: Share,
    /// How many nobody is known to have seen.
    pub unseen: u32,
}

/// Counts findings by category, those with findings only, by name.
pub fn disposed(findings: &[(Category, Disposition)]) -> Vec<Disposed> {
    let mut counted: Vec<Disposed> = Vec::new();
    for (category, disposition) in findings {
        let at = counted.iter().position(|one| one.category == *category).unwrap_or_else(|| {
            counted.push(Disposed { category: *category, addressed: Share::default(), unseen: 0 });
            counted.len() - 1
        });
        let one = &mut counted[at];
        match disposition {
            Disposition::Addressed => one.addressed = Share { k: one.addressed.k + 1, n: one.addressed.n + 1 },
            Disposition::Dismissed => one.addressed.n += 1,
            Disposition::Unseen => one.unseen += 1,
        }
    }
    counted.sort_by_key(|one| one.category.name());
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(value: Option<f64>, expect: f64) {
        assert!(value.is_some_and(|value| (value - expect).abs() < 0.005), "{value:?} is not {expect}");
    }

    #[test]
    fn a_share_is_told_with_its_interval_and_nothing_is_not_known() {
        for (k, n, text) in [
            (34, 40, "34 of 40 (85 %, 71 % to 93 %)"),
            (0, 50, "0 of 50 (0 %, 0 % to 7 %)"),
            (50, 50, "50 of 50 (100 %, 93 % to 100 %)"),
            (1, 1, "1 of 1 (100 %, 21 % to 100 %)"),
            (0, 0, "0 of 0 (not known)"),
        ] {
            assert_eq!(Share { k, n }.to_string(), text);
        }
        assert_eq!((Share { k: 0, n: 0 }.wilson(), Share { k: 0, n: 0 }.rate()), (None, None));
        assert_eq!(Share::of([true, false, true]), Share { k: 2, n: 3 });
    }

    #[test]
    fn an_interval_narrows_with_the_count() {
        for (k, n, points) in [(16, 20, 16.8), (32, 40, 12.1), (80, 100, 7.8)] {
            let (low, high) = Share { k, n }.wilson().expect("not of nothing");
            assert!(((high - low) * 50.0 - points).abs() < 0.05, "{k} of {n}: {low} to {high}");
        }
    }

    #[test]
    fn an_interval_stays_within_bounds_and_holds_its_share() {
        for n in 1..=60 {
            for k in 0..=n {
                let share = Share { k, n };
                let (rate, (low, high)) = (share.rate().expect("a rate"), share.wilson().expect("an interval"));
                let holds = 0.0 <= low && low <= rate + 1e-12 && rate <= high + 1e-12 && high <= 1.0;
                assert!(holds, "{k} of {n}: {low} to {high}");
            }
        }
    }

    #[test]
    fn agreement_beyond_chance_is_nothing_for_who_always_approves() {
        for (both, only_first, only_second, neither, agreed, expect) in [
            (90, 10, 0, 0, 90, 0.0),
            (87, 2, 3, 8, 95, 0.73),
            (90, 0, 0, 10, 100, 1.0),
            (45, 5, 45, 5, 50, 0.0),
            (0, 50, 50, 0, 0, -1.0),
        ] {
            assert_eq!(both + neither, agreed);
            near(kappa(both, only_first, only_second, neither), expect);
        }
        assert_eq!(kappa(0, 0, 0, 0), None);
        assert_eq!((kappa(7, 0, 0, 0), kappa(0, 0, 0, 7)), (None, None), "both say one thing only");
    }

    #[test]
    fn what_escaped_is_told_apart_from_what_was_held_up() {
        use Ended::{Closed, Edited, Reverted, Unchanged};
        let counts = [
            (true, Unchanged, 60),
            (true, Edited, 3),
            (true, Closed, 2),
            (true, Reverted, 1),
            (false, Unchanged, 5),
            (false, Edited, 4),
            (false, Closed, 10),
        ];
        let judged: Vec<_> = counts
            .iter()
            .flat_map(|(approved, ended, n)| vec![Judged { approved: *approved, ended: *ended }; *n])
            .collect();
        let told = standing(&judged, 7);
        assert_eq!(told.leniency, Share { k: 6, n: 20 });
        assert_eq!(told.strictness, Share { k: 5, n: 65 });
        assert_eq!(told.base, Share { k: 65, n: 85 });
        assert_eq!(told.agreement, Share { k: 74, n: 85 });
        near(told.kappa, 0.63);
        let approved = told.approved.map(|(ended, share)| (ended, share.k, share.n));
        assert_eq!(approved, [(Unchanged, 60, 66), (Edited, 3, 66), (Closed, 2, 66), (Reverted, 1, 66)]);
        assert_eq!(told.unknown, 7);
        let nothing = standing(&[], 0);
        assert_eq!((nothing.leniency.rate(), nothing.base.rate(), nothing.kappa), (None, None, None));
    }

    #[test]
    fn findings_are_counted_by_category_and_what_nobody_saw_is_no_verdict_on_them() {
        use Category::{Security, Tests};
        use Disposition::{Addressed, Dismissed, Unseen};
        let findings = [
            (Tests, Dismissed),
            (Security, Addressed),
            (Security, Unseen),
            (Security, Dismissed),
            (Security, Addressed),
        ];
        assert_eq!(
            disposed(&findings),
            [
                Disposed { category: Security, addressed: Share { k: 2, n: 3 }, unseen: 1 },
                Disposed { category: Tests, addressed: Share { k: 0, n: 1 }, unseen: 0 },
            ]
        );
        assert!(disposed(&[]).is_empty());
        assert!(Disposition::ALL.iter().all(|one| Disposition::parse(one.name()) == Some(*one)));
    }
}
