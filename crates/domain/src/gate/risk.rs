//! What of a change is a risk, whatever it says: what is built, tests that are taken away or skipped, and hands that are not
//! one agent's.

use serde::{Deserialize, Serialize};

use super::Area;
use crate::visual::{Listing, Policy};

/// What of a change is a risk whatever it says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// What it touches.
    pub area: Area,
    /// The policy by which it was judged, by its digest; empty where that is not known.
    pub policy: String,
    /// Why it never merges by itself, besides what shows and what is protected; none where nothing is in the way.
    pub barred: Option<String>,
    /// Whether its commits are of several, by their authors or by their committers: it is not the implementer's alone then. None of
    /// one of which that was not read.
    pub several: Option<bool>,
}

/// What of a change is looked at for a risk.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Each side of each file.
    pub listing: &'a Listing,
    /// The paths that are not there after it.
    pub gone: &'a [String],
    /// The lines that it adds, file by file.
    pub added: &'a [(String, String)],
    /// The lines that it takes away, file by file.
    pub removed: &'a [(String, String)],
    /// Author and committer of each commit, a line for each.
    pub hands: &'a [String],
}

impl Risk {
    /// What of a change is a risk.
    pub fn of(seen: Seen<'_>, policy: &Policy) -> Self {
        let Seen { listing, gone, added, removed, hands } = seen;
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
            (Area::Docs | Area::Tests | Area::Code, None, None) => weaker(added, removed),
        };
        Self { area, policy: policy.digest(), barred, several: Some(are_several(hands)) }
    }
}

/// Whether a change leaves fewer tests, or fewer claims in them, in a file than there were.
fn weaker(added: &[(String, String)], removed: &[(String, String)]) -> Option<String> {
    let count = |sides: &[(String, String)], of: &str, begins: &[&str]| -> usize {
        let texts = sides.iter().filter(|(path, _)| path == of).map(|(_, text)| text);
        texts
            .flat_map(|text| text.lines())
            .filter(|line| begins.iter().any(|word| line.trim().starts_with(word)))
            .count()
    };
    let paths = || removed.iter().map(|(path, _)| path).filter(|path| Area::of(path) != Area::Docs);
    [("tests", &TESTS[..]), ("claims of tests", &CLAIMS[..])].into_iter().find_map(|(what, begins)| {
        paths().find_map(|path| {
            let (fewer, more) = (count(removed, path, begins), count(added, path, begins));
            (fewer > more).then(|| format!("it takes {fewer} {what} out of {path:?}, and adds {more}"))
        })
    })
}

/// Whether commits are of several people or agents: by whoever wrote them, or by whoever made them commits.
fn are_several(hands: &[String]) -> bool {
    let differ = |nth: usize| {
        let mut each = hands.iter().map(|both| both.lines().nth(nth));
        let first = each.next();
        each.any(|other| Some(other) != first)
    };
    differ(0) || differ(1)
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

/// How the lines begin at which a test begins.
const TESTS: [&str; 15] = [
    "#[test]",
    "#[tokio::test",
    "#[rstest",
    "#[case",
    "def test_",
    concat!("as", "ync def test_"),
    "func Test",
    "@Test",
    "@ParameterizedTest",
    "[Fact]",
    "[Theory]",
    "@pytest.mark.parametrize",
    "it(",
    "test(",
    "TEST(",
];

/// How the lines begin that claim something in a test.
const CLAIMS: [&str; 8] =
    ["assert", "self.assert", "expect(", "prop_assert", "t.Error", "t.Fatal", "require.", "EXPECT_"];

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

    fn lines(path: &str, text: &str) -> Vec<(String, String)> {
        vec![(path.to_owned(), text.to_owned())]
    }

    /// Of a change of code that takes these files away, and adds and takes away these lines of a file.
    fn barred(gone: &[String], path: &str, added: &str, removed: &str) -> Option<String> {
        let (listing, added, removed) =
            (listing(&["src/a.rs", "tests/a.rs"]), lines(path, added), lines(path, removed));
        let seen = Seen { listing: &listing, gone, added: &added, removed: &removed, hands: &[] };
        Risk::of(seen, &Policy::default()).barred
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
            let listing = listing(paths);
            let seen = Seen { listing: &listing, gone: &[], added: &[], removed: &[], hands: &[] };
            let risk = Risk::of(seen, &Policy::default());
            assert_eq!((risk.area, risk.barred.is_some()), (area, barred), "{paths:?}: {risk:?}");
        }
    }

    #[test]
    fn a_test_that_is_taken_away_or_skipped_bars_a_change() {
        let gone = |path: &str| barred(&[path.to_owned()], "src/a.rs", "", "");
        assert!(gone("tests/b.rs").is_some() && gone("src/b.rs").is_none());
        let adds = |path: &str, text: &str| barred(&[], path, text, "");
        assert!(
            adds("src/a.rs", concat!("#[", "ignore]\nfn x() {}")).is_some() && adds("src/a.rs", "fn x() {}").is_none()
        );
        assert!(adds("a.md", concat!("write #[", "ignore]")).is_none());
    }

    #[test]
    fn fewer_tests_or_claims_than_before_bar_a_change_and_others_in_their_place_do_not() {
        for (path, added, removed, weak) in [
            ("tests/a.rs", "", "    #[test]\n    fn a() {}\n", true),
            ("tests/a.rs", "#[test]\nfn b() {}\n", "#[test]\nfn a() {}\n", false),
            ("src/a.rs", "", "        assert_eq!(a, b);\n", true),
            ("src/a.rs", "assert!(true);\n", "assert_eq!(a, b);\n", false),
            ("a_test.py", "def test_one():\n    pass\n", "def test_one():\n    assert f() == 1\n", true),
            ("a.test.ts", "", "  it('does', () => {\n    expect(a).toBe(1);\n", true),
            ("src/a.rs", "let a = 1;\n", "let a = assert_all();\n", false),
            ("a.md", "", "assert that it is so\n", false),
        ] {
            assert_eq!(barred(&[], path, added, removed).is_some(), weak, "{path}: -{removed:?} +{added:?}");
        }
    }

    #[test]
    fn claims_added_elsewhere_do_not_stand_in_for_those_that_are_gone() {
        let listing = listing(&["src/a.rs", "tests/a.rs"]);
        let (added, removed) = (lines("src/a.rs", "assert!(true);\n"), lines("tests/a.rs", "assert_eq!(a, b);\n"));
        let seen = Seen { listing: &listing, gone: &[], added: &added, removed: &removed, hands: &[] };
        assert!(Risk::of(seen, &Policy::default()).barred.is_some());
    }

    #[test]
    fn commits_of_more_than_one_author_or_committer_are_of_several() {
        for (hands, several) in [
            (&[][..], false),
            (&["a <a@x>\na <a@x>"], false),
            (&["a <a@x>\nb <b@x>", "a <a@x>\nb <b@x>"], false),
            (&["a <a@x>\nb <b@x>", "a <a@x>\na <a@x>"], true),
            (&["a <a@x>\na <a@x>", "b <b@x>\na <a@x>"], true),
        ] {
            let hands: Vec<_> = hands.iter().map(|both| (*both).to_owned()).collect();
            assert_eq!(are_several(&hands), several, "{hands:?}");
        }
    }
}
