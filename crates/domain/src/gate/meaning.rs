//! What each thing means that the gate asks, in a clause for whoever reads its checklist.

use super::{Item, Phase};

/// Everything that the gate asks, with what it means.
const MEANINGS: [(&str, &str); 36] = [
    ("stratum", "whose work is weighed together: one repository, kind and area, one author and one reviewer"),
    ("clock", "no outcome may be later than the moment at which it is weighed"),
    ("streak", "how many in a row people merged as they were"),
    ("bound", "how high the true share of bad ones could be after such a row, at 95 %"),
    ("spread", "the row must take days, so that one good day proves nothing"),
    ("unknown", "outcomes of which nobody can tell whether they were good"),
    ("calibrated", "its reviewer caught seeded defects in trials, and let clean changes pass"),
    ("chart", "a running sum that grows with each bad merge and shrinks with each good one"),
    ("error budget", "how many of those that merged by themselves in 28 days may turn out bad"),
    ("level", "how much agents may do at all, as an operator set it"),
    ("armed", "an operator let this stratum merge by itself, for 90 days, and answers for it"),
    ("shadow", "how often the gate said what it would merge, and a person then did the same"),
    ("switch", "nothing that this needs is switched off"),
    ("cap", "how many may merge by themselves in a day"),
    ("in flight", "one at a time is merged into a branch"),
    ("draw", "some are drawn by lot for a person to look at, and no agent knows which"),
    ("state", "how it stands in the pipeline"),
    ("hold", "what keeps agents from touching it"),
    ("gap", "people let agents act on the gap that it closes"),
    ("head", "reviewed, passed, measured and on the forge must be one commit"),
    ("hands", "nobody but its implementer pushed to it"),
    ("authors", "all of its commits are of one author and committer"),
    ("visual", "what people can see is looked at by people"),
    ("protected", "paths that people alone may change"),
    ("risk", "it weakens no test and changes nothing that builds or deploys"),
    ("policy", "the lists of areas and of what is protected are those that it was judged by"),
    ("size", "small enough to be read and to be taken back"),
    ("checks", "the checks that must pass did so at this commit, with a test at least"),
    ("green", "the branch that it goes into passes its own checks"),
    ("clocks", "the clock of the forge and ours are close together"),
    ("base", "it goes into the branch for which it was judged"),
    ("open", "it is open on the forge, is no draft, and shares its commit with no other"),
    ("mergeable", "it can be merged without a conflict"),
    ("people", "nobody's last review wants changes"),
    ("labels", "it has the label of what bots approved, and none that stands against it"),
    ("manual", "a person's label for hands off outweighs everything"),
];

/// What something means that the gate asks; empty where that is not known here.
pub fn meaning(what: &str) -> &'static str {
    MEANINGS.iter().find(|(name, _)| *name == what).map_or("", |(_, means)| means)
}

impl Item {
    /// What it means.
    pub fn means(&self) -> &'static str {
        meaning(&self.what)
    }
}

impl Phase {
    /// What it means.
    pub const fn means(self) -> &'static str {
        match self {
            Self::Shadow => "it merges nothing, and only says what it would",
            Self::Tenth => "it merges one in ten, and people the others",
            Self::Half => "it merges every second one",
            Self::Full => "it merges all but those that are drawn for people",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meaning_is_a_short_clause_of_its_own() {
        for (at, (what, means)) in MEANINGS.iter().enumerate() {
            assert!(!means.is_empty() && means.chars().count() <= 100 && !means.ends_with('.'), "{what}: {means}");
            assert!(MEANINGS.iter().skip(at + 1).all(|(other, also)| other != what && also != means), "{what}");
            assert_eq!(meaning(what), *means);
        }
        assert_eq!(meaning("another"), "");
    }
}
