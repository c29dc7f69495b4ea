//! Strata: what an outcome is evidence for, and for nothing else. A streak on documents says nothing of code, and one of
//! another model or another prompt says nothing of this one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id;

/// How many characters a stratum's id has.
const ID_CHARS: usize = 12;

/// How many characters of a prompt's hash are shown.
const PROMPT_CHARS: usize = 8;

/// What outcomes are evidence for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stratum {
    /// The repository.
    pub repo: String,
    /// The kind of the gap.
    pub kind: String,
    /// What is changed.
    pub area: Area,
    /// Who made it.
    pub author: Fingerprint,
    /// Who reviewed it.
    pub reviewer: Fingerprint,
    /// The policy by which it was judged, by its digest.
    pub policy: String,
}

/// An agent as evidence knows it: what an operator calls it, what it says to be, and what it was told to do. Another of any
/// of them is another agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The name that its token has.
    pub principal: String,
    /// Its model, as it says itself.
    pub model: String,
    /// The hash of its prompt.
    pub prompt: String,
}

/// What a change touches, by what is gravest of it. Later ones are graver.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// Prose alone.
    Docs,
    /// Tests, and perhaps prose.
    Tests,
    /// Code.
    Code,
    /// How it is built and what it is built from, and data that a program obeys.
    Build,
    /// It is not known.
    #[default]
    Unknown,
}

/// Files of code that build a program, or say how its tests are run.
const BUILDS: [&str; 7] =
    ["build.rs", "setup.py", "conftest.py", "noxfile.py", "fabfile.py", "tasks.py", "sitecustomize.py"];

impl Stratum {
    /// Its short id, the same everywhere.
    pub fn id(&self) -> String {
        let whole = serde_json::json!(self).to_string();
        id::digest(whole.as_bytes()).chars().take(ID_CHARS).collect()
    }
}

impl Fingerprint {
    /// Whether it says who it is.
    pub fn is_known(&self) -> bool {
        !self.principal.is_empty() && !self.model.is_empty() && !self.prompt.is_empty()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prompt: String = self.prompt.chars().take(PROMPT_CHARS).collect();
        write!(f, "{} ({}, prompt {prompt})", self.principal, self.model)
    }
}

impl Area {
    /// Every area, the mildest first.
    pub const ALL: [Self; 5] = [Self::Docs, Self::Tests, Self::Code, Self::Build, Self::Unknown];

    /// The area as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Docs => "docs",
            Self::Tests => "tests",
            Self::Code => "code",
            Self::Build => "build",
            Self::Unknown => "unknown",
        }
    }

    /// What a path is.
    pub fn of(path: &str) -> Self {
        let path = path.to_lowercase();
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let in_tests = folder.split('/').any(|part| matches!(part, "test" | "tests" | "__tests__" | "testdata"));
        let test = in_tests
            || stem == "tests"
            || stem.starts_with("test_")
            || [".test", "_test", ".spec", "_spec"].iter().any(|end| stem.ends_with(end));
        match ending {
            "md" | "rst" | "adoc" => Self::Docs,
            _ if matches!(name, "license" | "notice") => Self::Docs,
            // What builds it, or runs its tests, decides whether they pass.
            _ if BUILDS.contains(&name) || stem.ends_with(".config") => Self::Build,
            "rs" | "go" | "py" | "pyi" | "sql" | "proto" | "ts" | "js" | "java" | "kt" | "c" | "h" | "cc" | "cpp"
            | "rb" => {
                if test {
                    Self::Tests
                } else {
                    Self::Code
                }
            }
            _ => Self::Build,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_model_prompt_name_or_policy_is_another_stratum() {
        let agent = |name: &str| Fingerprint { principal: name.into(), model: "m".into(), prompt: "p".into() };
        let one = Stratum {
            repo: "a/b".into(),
            kind: "mcp-tool".into(),
            area: Area::Code,
            author: agent("i"),
            reviewer: agent("r"),
            policy: "x".into(),
        };
        let others = [
            Stratum { repo: "a/c".into(), ..one.clone() },
            Stratum { kind: "adr".into(), ..one.clone() },
            Stratum { area: Area::Docs, ..one.clone() },
            Stratum { author: Fingerprint { model: "n".into(), ..agent("i") }, ..one.clone() },
            Stratum { author: agent("j"), ..one.clone() },
            Stratum { reviewer: Fingerprint { prompt: "q".into(), ..agent("r") }, ..one.clone() },
            Stratum { policy: "y".into(), ..one.clone() },
        ];
        let ids: std::collections::BTreeSet<_> = others.iter().chain([&one]).map(Stratum::id).collect();
        assert_eq!(ids.len(), others.len() + 1);
        assert!(!Fingerprint { model: String::new(), ..agent("i") }.is_known());
    }
}
