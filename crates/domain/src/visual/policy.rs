//! What a repository says of its own paths: a small TOML file, read from the default branch only.

use serde::Deserialize;

use super::lists::{self, Group};
use super::path::Spelled;
use super::{Pattern, Why};
use crate::id;
use crate::refusal::Refusal;

/// Where a repository keeps its policy. Whoever calls reads it from the default branch, at a commit that is written down,
/// and never from the change that is judged.
pub const POLICY_PATH: &str = ".gapwright/policy.toml";

/// The longest policy file, in bytes: room for every pattern, and little more.
pub const POLICY_BYTES_MAX: usize = 64 * 1024;

/// The most patterns of a policy file: a repository that needs more is to name folders.
pub const PATTERNS_MAX: usize = 500;

/// Why what a repository's own file protects is protected.
const OWN: &str = "the repository's policy protects it";

/// Which paths do not show, and which are protected. What is always protected is in every policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    non_visual: Vec<Pattern>,
    shown: Vec<Pattern>,
    protected: Vec<(Pattern, &'static str)>,
}

/// The file, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    visual: WrittenVisual,
    protected: WrittenProtected,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WrittenVisual {
    non_visual: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WrittenProtected {
    paths: Vec<String>,
}

impl Default for Policy {
    /// The documented lists.
    fn default() -> Self {
        let plain = |groups: &[Group]| patterns(groups).map(|(pattern, _)| pattern).collect();
        Self { non_visual: plain(&lists::NON_VISUAL), shown: plain(&lists::SHOWN), ..Self::closed() }
    }
}

impl Policy {
    /// Reads a policy file. Its `visual.non_visual`, where it has one, stands instead of ours, and of what we say is shown;
    /// a pattern with `!` in front says what is shown whatever the others say. Its `protected.paths` are added to ours.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse = |message: String, hint: &'static str| Refusal::invalid("policy", message).hint(hint);
        if text.len() > POLICY_BYTES_MAX {
            return Err(refuse(format!("the policy has {} bytes", text.len()), "keep it to 64 KiB"));
        }
        let written: Written = toml::from_str(text).map_err(|err| {
            let message = format!("the policy cannot be read: {}", err.message());
            refuse(message, "its keys are visual.non_visual and protected.paths, lists of patterns")
        })?;
        let count = written.visual.non_visual.as_ref().map_or(0, Vec::len) + written.protected.paths.len();
        if count > PATTERNS_MAX {
            return Err(refuse(format!("the policy has {count} patterns"), "keep it to 500, and name folders"));
        }
        let mut policy = Self::default();
        if let Some(patterns) = written.visual.non_visual {
            (policy.non_visual, policy.shown) = (Vec::new(), Vec::new());
            for text in patterns {
                policy.let_by(&text)?;
            }
        }
        for text in written.protected.paths {
            policy.protected.push((Pattern::parse(&text)?, OWN));
        }
        Ok(policy)
    }

    /// Where everything shows, and what is always protected is: for a repository whose policy cannot be read.
    pub fn closed() -> Self {
        Self { non_visual: Vec::new(), shown: Vec::new(), protected: patterns(&lists::PROTECTED).collect() }
    }

    /// A digest of what it says, to be written down with what was decided by it.
    pub fn digest(&self) -> String {
        let protected = self.protected.iter().map(|(pattern, _)| ("protected", pattern));
        let shown = self.shown.iter().map(|pattern| ("shown", pattern));
        let non_visual = self.non_visual.iter().map(|pattern| ("non_visual", pattern));
        let lines =
            non_visual.chain(shown).chain(protected).map(|(list, pattern)| format!("{list} {}\n", pattern.as_str()));
        id::digest(lines.collect::<String>().as_bytes())
    }

    /// Adds a pattern of what does not show or, with `!` in front, of what does.
    fn let_by(&mut self, text: &str) -> Result<(), Refusal> {
        if let Some(shown) = text.strip_prefix('!') {
            self.shown.push(Pattern::parse(shown)?);
            return Ok(());
        }
        let pattern = Pattern::parse(text)?;
        if pattern.is_wild() {
            return Err(Refusal::invalid("pattern", format!("the pattern {text:?} would let everything by"))
                .hint("name folders or endings, such as backend/** or **/*.rs"));
        }
        self.non_visual.push(pattern);
        Ok(())
    }

    /// Why a path shows, where it is not known not to.
    pub(super) fn shows(&self, path: &Spelled) -> Option<Why> {
        if self.shown.iter().any(|pattern| pattern.fits_perhaps(path)) {
            return Some(Why::Shown);
        }
        let listed = self.non_visual.iter().any(|pattern| pattern.fits_surely(path));
        (!listed).then_some(Why::NotListed)
    }

    /// Why a path is protected, where it is.
    pub(super) fn protects(&self, path: &Spelled) -> Option<&'static str> {
        self.protected.iter().find(|(pattern, _)| pattern.fits_perhaps(path)).map(|(_, why)| *why)
    }
}

fn patterns(groups: &[Group]) -> impl Iterator<Item = (Pattern, &'static str)> {
    let each = groups.iter().flat_map(|group| group.patterns.iter().map(|text| (*text, group.why)));
    each.map(|(text, why)| (Pattern::parse(text).expect("a pattern of ours can be read"), why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visual::{Listing, Mode, PATTERN_CHARS_MAX, Touched, classify};

    fn check(path: &str, mode: Mode, policy: &Policy, expect: (bool, bool)) {
        let listing = Listing { touched: vec![Touched { path: path.to_owned(), mode }], complete: true };
        let classified = classify(&listing, policy);
        assert_eq!((classified.is_visual(), classified.is_protected()), expect, "{path}");
    }

    #[test]
    fn a_repositorys_list_stands_instead_of_ours_and_adds_to_what_is_protected() {
        let text =
            "[visual]\nnon_visual = [\"backend/**\", \"!backend/mail/**\"]\n[protected]\npaths = [\"backend/gate/**\"]";
        let policy = Policy::parse(text).expect("a policy");
        let (no, yes) = (false, true);
        for (path, mode, expect) in [
            ("backend/a.unheard-of", Mode::File, (no, no)),
            ("backend/a", Mode::Link, (yes, yes)),
            ("Backend/a.rs", Mode::File, (yes, no)),
            ("backend/mail/a.rs", Mode::File, (yes, no)),
            ("backend/MAIL/a.rs", Mode::File, (yes, no)),
            ("backend/gate/a.rs", Mode::File, (no, yes)),
            ("backend/GATE/a.rs", Mode::File, (no, yes)),
            ("main.rs", Mode::File, (yes, no)),
            ("backend/CLAUDE.md", Mode::File, (no, yes)),
            (".gapwright/policy.toml", Mode::File, (yes, yes)),
        ] {
            check(path, mode, &policy, expect);
        }
        assert_eq!(Policy::parse(""), Ok(Policy::default()));
        assert_eq!(Policy::parse("[visual]\nnon_visual = []"), Ok(Policy::closed()));
        assert_ne!(policy.digest(), Policy::default().digest());
        check("a.rs", Mode::File, &Policy::closed(), (yes, no));
    }

    #[test]
    fn a_policy_that_cannot_be_read_is_refused() {
        let list = |pattern: &str, count| format!("visual.non_visual = [{}]", format!("{pattern:?},").repeat(count));
        assert!(Policy::parse(&list("a.rs", PATTERNS_MAX)).is_ok());
        for text in [
            "visual",
            "visuals = 1",
            "visual.nonvisual = []",
            "visual.non_visual = 1",
            "visual.non_visual = [1]",
            "protected.non_visual = []",
            "visual.non_visual = []\nvisual.non_visual = []",
            "visual.non_visual = [\"**\"]",
            "visual.non_visual = [\"**/*\"]",
            "visual.non_visual = [\"*/**/?*\"]",
            "visual.non_visual = [\"a/\"]",
            "protected.paths = [\"!a\"]",
            &list("a.rs", PATTERNS_MAX + 1),
            &list(&"a".repeat(PATTERN_CHARS_MAX + 1), 1),
            &format!("#{}", " ".repeat(POLICY_BYTES_MAX)),
            &format!("a = {}{}", "[".repeat(30_000), "]".repeat(30_000)),
        ] {
            assert!(Policy::parse(text).is_err(), "{text:.80}");
        }
    }
}
