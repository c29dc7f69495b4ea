//! Which gaps may be the same under two names: a proposal for a person, never a merge.

use std::collections::BTreeSet;

use super::KIND_UNSPECIFIED;

/// How alike two names must be, in hundredths, to be proposed.
pub const ALIKE_MIN: i64 = 80;

/// The most proposals made for one gap: more is noise.
pub const PROPOSALS_MAX: usize = 5;

/// How alike two gaps are, and why one would think so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likeness {
    /// In hundredths.
    pub score: i64,
    /// Why.
    pub why: &'static str,
}

/// How alike two gaps are, each a kind and a name; none when they are not alike enough to ask a person.
pub fn likeness(a: (&str, &str), b: (&str, &str)) -> Option<Likeness> {
    if a == b {
        return None;
    }
    if a.1 == b.1 {
        let unsaid = a.0 == KIND_UNSPECIFIED || b.0 == KIND_UNSPECIFIED;
        let why =
            if unsaid { "the same name, and one reporter named no kind" } else { "the same name under another kind" };
        return Some(Likeness { score: if unsaid { 100 } else { 90 }, why });
    }
    // Words of one kind may mean another thing under another.
    if a.0 != b.0 && a.0 != KIND_UNSPECIFIED && b.0 != KIND_UNSPECIFIED {
        return None;
    }
    let (words, spelling) = (shared_words(a.1, b.1), spelling(a.1, b.1));
    let likeness = if words >= spelling {
        Likeness { score: words, why: "they share most of their words" }
    } else {
        Likeness { score: spelling, why: "they are spelled almost the same" }
    };
    (likeness.score >= ALIKE_MIN).then_some(likeness)
}

/// The words that both have among all that there are, without regard to order and plural.
fn shared_words(a: &str, b: &str) -> i64 {
    let words = |name: &str| name.split('-').map(|word| word.trim_end_matches('s').to_owned()).collect::<BTreeSet<_>>();
    let (a, b) = (words(a), words(b));
    hundredths(a.intersection(&b).count(), a.union(&b).count())
}

/// One less the share of letters that would have to change. Short names are as different as they look.
fn spelling(a: &str, b: &str) -> i64 {
    let longest = a.len().max(b.len());
    if longest < 8 { 0 } else { hundredths(longest - strsim::osa_distance(a, b).min(longest), longest) }
}

fn hundredths(part: usize, whole: usize) -> i64 {
    i64::try_from(part * 100 / whole.max(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(a: (&str, &str), b: (&str, &str)) -> Option<i64> {
        assert_eq!(likeness(a, b), likeness(b, a), "{a:?} and {b:?}");
        likeness(a, b).map(|likeness| likeness.score)
    }

    #[test]
    fn names_that_mean_the_same_are_proposed() {
        for (a, b) in [
            (("mcp-tool", "list-recent-deploys"), ("mcp-tool", "recent-deploys-list")),
            (("mcp-tool", "list-recent-deploys"), ("mcp-tool", "list-recent-deploy")),
            (("mcp-tool", "list-recent-deploys"), ("mcp-tool", "list-recnet-deploys")),
            (("mcp-tool", "list-recent-deploys"), ("unspecified", "list-recent-deploys")),
            (("mcp-tool", "list-recent-deploys"), ("adr", "list-recent-deploys")),
        ] {
            assert!(score(a, b).is_some(), "{a:?} and {b:?}");
        }
    }

    #[test]
    fn names_that_only_look_alike_are_not() {
        for (a, b) in [
            (("mcp-tool", "list-deploys"), ("mcp-tool", "list-locks")),
            (("mcp-tool", "get-a"), ("mcp-tool", "get-b")),
            (("mcp-tool", "list-recent-deploys"), ("helm-values", "list-recent-deploy")),
            (("adr", "same"), ("adr", "same")),
        ] {
            assert_eq!(score(a, b), None, "{a:?} and {b:?}");
        }
    }
}
