//! Kill switches: everything, one kind of job, or one repository. What is switched off begins no work and writes nothing;
//! what runs already is told, and goes on to its end.

use std::fmt;

use crate::id;
use crate::refusal::{Code, Refusal};

/// What a switch switches off.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everything.
    All,
    /// One kind of job.
    Kind(String),
    /// One repository.
    Repo(String),
}

impl Scope {
    /// Reads `all`, `kind:KIND` or `repo:OWNER/NAME`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let scope = match text.split_once(':') {
            None if text == "all" => Some(Self::All),
            Some(("kind", kind)) => Some(Self::Kind(id::name("scope", kind)?)),
            Some(("repo", repo)) => Some(Self::Repo(id::name("scope", repo)?)),
            None | Some(_) => None,
        };
        scope.ok_or_else(|| {
            Refusal::invalid("scope", format!("there is no scope {text:?}"))
                .hint("name all, kind:KIND or repo:OWNER/NAME")
        })
    }

    /// Whether it covers a job of this kind that works on this repository.
    pub fn covers(&self, kind: &str, repo: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Kind(off) => off == kind,
            Self::Repo(off) => repo.is_some_and(|repo| repo.eq_ignore_ascii_case(off)),
        }
    }

    /// The refusal of whoever would begin work that it covers.
    pub fn refusal(&self, by: &str, reason: &str) -> Refusal {
        Refusal::new(Code::SwitchedOff, format!("{by} switched {self} off: {reason}"))
            .hint(format!("an operator switches it on again: gapwright switch on {self}"))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Kind(kind) => write!(f, "kind:{kind}"),
            Self::Repo(repo) => write!(f, "repo:{repo}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_reads_back_as_it_is_written_and_covers_what_it_names() {
        for (text, covers) in [
            ("all", [true, true, true]),
            ("kind:reviewer", [true, false, true]),
            ("repo:a/b", [true, true, false]),
            ("repo:A/B", [true, true, false]),
            ("kind:planner", [false, false, false]),
        ] {
            let scope = Scope::parse(text).expect("a scope");
            assert_eq!(scope.to_string(), text);
            let works = [("reviewer", Some("a/b")), ("merger", Some("a/b")), ("reviewer", None)];
            assert_eq!(works.map(|(kind, repo)| scope.covers(kind, repo)), covers, "{text}");
        }
        for text in ["", "everything", "kind:", "repo: a", "job:x", "ALL"] {
            assert!(Scope::parse(text).is_err(), "{text}");
        }
    }
}
