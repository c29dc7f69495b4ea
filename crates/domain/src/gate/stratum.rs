//! Strata: what an outcome is evidence for, and for nothing else. A streak on documents says nothing of code, and one of
//! another model or another prompt says nothing of this one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id;
use crate::visual::{Listing, Policy};

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

/// What of a change is a risk whatever it says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// What it touches.
    pub area: Area,
    /// The policy by which it was judged, by its digest; empty where that is not known.
    pub policy: String,
    /// Why it never merges by itself, besides what shows and what is protected; none where nothing is in the way.
    pub barred: Option<String>,
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

impl Risk {
    /// What of a change is a risk: `gone` are the paths that are not there after it, `added` the lines that it adds.
    pub fn of(listing: &Listing, gone: &[String], added: &[(String, String)], policy: &Policy) -> Self {
        let areas = listing.touched.iter().map(|side| Area::of(&side.path));
        let area = if listing.complete { areas.max().unwrap_or_default() } else { Area::Unknown };
        let fewer = gone.iter().find(|path| Area::of(path) == Area::Tests);
        let skipped = added.iter().find(|(path, text)| Area::of(path) != Area::Docs && skips(text));
        let barred = match (area, fewer, skipped) {
            (Area::Unknown, ..) => Some("nobody can tell all that it touches".to_owned()),
            (Area::Build, ..) => {
                let path = listing.touched.iter().find(|side| Area::of(&side.path) == Area::Build);
                Some(format!("it changes what is built or from what: {:?}", path.map_or("", |side| &side.path)))
            }
            (_, Some(path), _) => Some(format!("it takes a test away: {path:?}")),
            (_, None, Some((path, _))) => Some(format!("it has a test skipped: {path:?}")),
            (Area::Docs | Area::Tests | Area::Code, None, None) => None,
        };
        Self { area, policy: policy.digest(), barred }
    }
}

/// By which words tests are skipped. The first is put together here, for it may stand in no file of ours.
const SKIPS: [&str; 14] = [
    concat!("#[", "ignore"),
    "pytest.mark.skip",
    "pytest.skip(",
    "unittest.skip",
    ".skip(",
    "xit(",
    "xdescribe(",
    "t.Skip",
    "@Disabled",
    "@Ignore",
    ".only(",
    ".todo(",
    "fdescribe(",
    "mark.xfail",
];

fn skips(text: &str) -> bool {
    SKIPS.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(paths: &[&str]) -> Listing {
        let raw: Vec<_> = paths.iter().map(|path| format!(":100644 100644 0a 0b M\0{path}\0")).collect();
        let raw = raw.concat();
        Listing::from_raw(raw.as_bytes())
    }

    #[test]
    fn a_change_is_as_grave_as_what_is_gravest_of_it() {
        for (paths, area, barred) in [
            (&["a.md"][..], Area::Docs, false),
            (&["a.md", "src/a_test.go"], Area::Tests, false),
            (&["tests/it/a.rs"], Area::Tests, false),
            (&["src/a.rs", "a.md", "tests/b.rs"], Area::Code, false),
            (&["src/a.rs", "Cargo.lock"], Area::Build, true),
            (&["requirements.txt"], Area::Build, true),
            (&["package.json"], Area::Build, true),
            (&["values.yaml"], Area::Build, true),
            (&["scripts/test.sh"], Area::Build, true),
            (&["tests/conftest.py"], Area::Build, true),
            (&["build.rs"], Area::Build, true),
            (&["jest.config.js"], Area::Build, true),
            (&["contest/a.py"], Area::Code, false),
            (&[], Area::Unknown, true),
        ] {
            let risk = Risk::of(&listing(paths), &[], &[], &Policy::default());
            assert_eq!((risk.area, risk.barred.is_some()), (area, barred), "{paths:?}: {risk:?}");
        }
    }

    #[test]
    fn a_test_that_is_taken_away_or_skipped_bars_a_change() {
        let at = listing(&["src/a.rs", "tests/a.rs"]);
        let gone = |path: &str| Risk::of(&at, &[path.to_owned()], &[], &Policy::default()).barred;
        assert!(gone("tests/b.rs").is_some() && gone("src/b.rs").is_none());
        let adds = |path: &str, text: &str| {
            Risk::of(&at, &[], &[(path.to_owned(), text.to_owned())], &Policy::default()).barred
        };
        assert!(
            adds("src/a.rs", concat!("#[", "ignore]\nfn x() {}")).is_some() && adds("src/a.rs", "fn x() {}").is_none()
        );
        assert!(adds("a.md", concat!("write #[", "ignore]")).is_none());
    }

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
