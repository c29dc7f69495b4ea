//! How gaps depend on each other: an edge from a gap to one that must be closed first.
//!
//! Edges make no cycle. A gap is as deep as its shortest way up to one that a job reported for its own sake; what is too
//! deep is kept and not worked on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many hops below a gap that blocks a job somebody still works, unless configured otherwise.
pub const DEPTH_MAX: i64 = 2;

/// The most edges that may leave one gap: one with more is not one capability.
pub const EDGES_MAX: i64 = 50;

/// An edge: the first depends on the second.
pub type Edge = (String, String);

/// Whether an edge from `gap` to `on` would close a cycle, given every edge that can be reached from `on`.
pub fn closes_cycle(edges: &[Edge], gap: &str, on: &str) -> bool {
    let mut below: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in edges {
        below.entry(from).or_default().push(to);
    }
    let (mut seen, mut open) = (BTreeSet::new(), vec![on]);
    while let Some(at) = open.pop() {
        if at == gap {
            return true;
        }
        if seen.insert(at) {
            open.extend(below.get(at).into_iter().flatten());
        }
    }
    false
}

/// How deep a gap is, given whether a job reported it for its own sake and how deep the shallowest gap is that waits for it.
pub fn depth(top: bool, above: Option<i64>) -> i64 {
    match above {
        Some(above) if !top => above + 1,
        Some(_) | None => 0,
    }
}

/// How deep each gap is, given which stand at the top and every edge: a top is 0, what it depends on 1, and so on. One
/// that nothing above leads to is at the top itself.
pub fn depths<'a>(gaps: impl IntoIterator<Item = (&'a str, bool)>, edges: &'a [Edge]) -> BTreeMap<&'a str, i64> {
    let gaps: BTreeMap<&str, bool> = gaps.into_iter().collect();
    let has_above: BTreeSet<&str> = edges.iter().map(|(_, to)| to.as_str()).collect();
    let mut below: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in edges {
        below.entry(from).or_default().push(to);
    }
    let tops = gaps.iter().filter(|(key, top)| **top || !has_above.contains(*key)).map(|(key, _)| (*key, 0));
    let mut open: VecDeque<(&str, i64)> = tops.collect();
    let mut depths = BTreeMap::new();
    while let Some((key, depth)) = open.pop_front() {
        if gaps.contains_key(key) && !depths.contains_key(key) {
            depths.insert(key, depth);
            open.extend(below.get(key).into_iter().flatten().map(|key| (*key, depth + 1)));
        }
    }
    depths
}

/// One of several gaps that block one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its key.
    pub key: String,
    /// Its kind.
    pub kind: String,
    /// The folder that it is about, as far as anybody said.
    pub area: Option<String>,
    /// How many lines it will change, as far as anybody said.
    pub lines: Option<i64>,
}

/// How several gaps that block one job are best closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Together {
    /// In one pull request.
    Batch,
    /// One after the other.
    Sequence {
        /// Those that others wait for first.
        order: Vec<String>,
        /// Why not in one.
        why: &'static str,
    },
}

/// Whether gaps that block one job go into one pull request: they do when they share kind and area and their lines
/// together stay within `lines_max`. What nobody said counts against it.
pub fn together(parts: &[Part], edges: &[Edge], lines_max: i64) -> Together {
    let order = order(parts, edges);
    let sequence = |why| Together::Sequence { order: order.clone(), why };
    let Some((first, rest)) = parts.split_first() else { return sequence("there is nothing to close") };
    if rest.is_empty() {
        return sequence("there is one gap only");
    }
    if rest.iter().any(|part| part.kind != first.kind) {
        return sequence("they are of different kinds");
    }
    if parts.iter().any(|part| part.area.is_none()) {
        return sequence("nobody said which folder each is about");
    }
    if rest.iter().any(|part| part.area != first.area) {
        return sequence("they are about different folders");
    }
    match parts.iter().try_fold(0_i64, |sum, part| part.lines.map(|lines| sum.saturating_add(lines))) {
        None => sequence("nobody said how many lines each will change"),
        Some(lines) if lines > lines_max => sequence("together they change more lines than one pull request may"),
        Some(_) => Together::Batch,
    }
}

/// What others depend on comes first; else the order given.
fn order(parts: &[Part], edges: &[Edge]) -> Vec<String> {
    let mut left: Vec<&str> = parts.iter().map(|part| part.key.as_str()).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let waits = |key: &str| edges.iter().any(|(from, to)| from == key && left.contains(&to.as_str()));
        // Without cycles there is always one that waits for none; with one, any order is as good.
        let at = left.iter().position(|key| !waits(key)).unwrap_or(0);
        order.push(left.remove(at).to_owned());
    }
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edges(pairs: &[(&str, &str)]) -> Vec<Edge> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn a_gap_that_depends_on_itself_near_or_far_closes_a_cycle() {
        let chain = edges(&[("a", "b"), ("b", "c"), ("c", "d")]);
        assert!(closes_cycle(&[], "a", "a"));
        assert!(closes_cycle(&chain, "d", "a"));
        assert!(closes_cycle(&chain, "c", "b"));
        assert!(!closes_cycle(&chain, "a", "d"));
        assert!(!closes_cycle(&chain, "e", "a"));
    }

    #[test]
    fn a_gap_is_as_deep_as_its_shortest_way_up() {
        let below = edges(&[("a", "b"), ("b", "c"), ("c", "d"), ("x", "d")]);
        let gaps = [("a", true), ("b", false), ("c", false), ("d", false), ("x", false)];
        let depths_of =
            |gaps: &[(&'static str, bool)]| depths(gaps.iter().copied(), &below).into_iter().collect::<Vec<_>>();
        assert_eq!(depths_of(&gaps), [("a", 0), ("b", 1), ("c", 2), ("d", 1), ("x", 0)]);
        let own = [("a", true), ("b", false), ("c", true), ("d", false)];
        assert_eq!(depths_of(&own), [("a", 0), ("b", 1), ("c", 0), ("d", 1)], "one that a job reported is at the top");
    }

    fn part(key: &str, kind: &str, area: Option<&str>, lines: Option<i64>) -> Part {
        Part { key: key.to_owned(), kind: kind.to_owned(), area: area.map(str::to_owned), lines }
    }

    #[test]
    fn gaps_go_together_only_when_everything_is_known_and_fits() {
        let (a, b) = (part("a", "adr", Some("docs"), Some(100)), part("b", "adr", Some("docs"), Some(200)));
        assert_eq!(together(&[a.clone(), b.clone()], &[], 300), Together::Batch);
        for (other, max) in [
            (b.clone(), 299),
            (part("b", "mcp-tool", Some("docs"), Some(200)), 300),
            (part("b", "adr", Some("src"), Some(200)), 300),
            (part("b", "adr", None, Some(200)), 300),
            (part("b", "adr", Some("docs"), None), 300),
            (part("b", "adr", Some("docs"), Some(i64::MAX)), 300),
        ] {
            let told = together(&[a.clone(), other.clone()], &[], max);
            assert!(matches!(told, Together::Sequence { .. }), "{other:?}: {told:?}");
        }
    }

    #[test]
    fn a_sequence_begins_with_what_others_depend_on() {
        let parts = ["a", "b", "c"].map(|key| part(key, key, None, None));
        let Together::Sequence { order, .. } = together(&parts, &edges(&[("a", "b"), ("b", "c")]), 1) else {
            panic!("not a batch");
        };
        assert_eq!(order, ["c", "b", "a"]);
    }

    proptest! {
        #[test]
        fn edges_added_only_when_they_close_no_cycle_never_make_one(pairs in proptest::collection::vec((0..8_u8, 0..8_u8), 0..40)) {
            let mut kept: Vec<Edge> = Vec::new();
            for (a, b) in pairs {
                let (a, b) = (a.to_string(), b.to_string());
                if !closes_cycle(&kept, &a, &b) {
                    kept.push((a, b));
                }
            }
            for (from, _) in &kept {
                let below: Vec<_> = kept.iter().filter(|(a, _)| a == from).map(|(_, b)| b.clone()).collect();
                for on in below {
                    prop_assert!(!closes_cycle(&kept, from, &on), "{from} reaches itself");
                }
            }
        }
    }
}
