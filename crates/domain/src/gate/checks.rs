//! The checks of a commit: whether those that must pass did, each with a test at least.

use serde::{Deserialize, Serialize};

use crate::outcome::Answer;

/// A check, as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// The commit.
    pub commit: String,
    /// Whether it passed; none where it runs, or says neither.
    pub passed: Option<bool>,
    /// What it says, in a line.
    pub title: String,
}

/// Whether the checks that are required passed at a commit, each with at least one test.
pub fn passed(checks: Option<&[Check]>, required: &[String], head: Option<&str>) -> Answer {
    let (Some(checks), Some(head)) = (checks, head) else {
        return Answer::Unknown("the checks could not be read".to_owned());
    };
    if required.is_empty() {
        return Answer::Unknown("no check is named that must pass: gate.checks".to_owned());
    }
    let answers: Vec<_> = required.iter().flat_map(|name| each(checks, name, head)).collect();
    // What failed is told before what nobody can tell: it may have to be taken back.
    let failed = answers.iter().find(|is| matches!(is, Answer::Fail(_)));
    failed.or_else(|| answers.iter().find(|is| **is != Answer::Pass)).cloned().unwrap_or(Answer::Pass)
}

/// Whether the checks that are required passed at a commit, where what failed at the one before it as well, or runs there still, may
/// not be its doing: nobody can tell then.
pub fn passed_since(
    (before, parent): (Option<&[Check]>, &str),
    (after, head): (Option<&[Check]>, &str),
    required: &[String],
) -> Answer {
    let is = passed(after, required, Some(head));
    let (Answer::Fail(_), Some(before), Some(after)) = (&is, before, after) else { return is };
    let fails = |checks: &[Check], name: &str, at: &str| {
        each(checks, name, at).into_iter().find(|is| matches!(is, Answer::Fail(_)))
    };
    let failed: Vec<_> = required.iter().filter_map(|name| Some((name, fails(after, name, head)?))).collect();
    // What has not ended may fail yet.
    let waits =
        |name: &str| before.iter().any(|check| check.name == *name && check.commit == parent && check.passed.is_none());
    let its_own = failed.iter().find(|(name, _)| fails(before, name, parent).is_none() && !waits(name));
    match (its_own, failed.first()) {
        (Some((_, why)), _) => why.clone(),
        (None, Some((name, _))) if waits(name) => Answer::Unknown(format!("{name} has not ended there before it")),
        (None, Some((name, _))) => Answer::Unknown(format!("{name} failed there before it, too")),
        (None, None) => is,
    }
}

/// How each of the checks of a name stands, of which there must be one.
fn each(checks: &[Check], name: &str, head: &str) -> Vec<Answer> {
    let found = checks.iter().filter(|check| check.name == *name);
    let answers: Vec<_> = found
        .map(|check| match (check.commit == head, check.passed, tests_executed(&check.title)) {
            (false, ..) => Answer::Unknown(format!("{name} is of another commit")),
            (true, None, _) => Answer::Unknown(format!("{name} has not ended")),
            (true, Some(false), _) => Answer::Fail(format!("{name} failed")),
            (true, Some(true), Some(1..)) => Answer::Pass,
            (true, Some(true), Some(_)) => Answer::Fail(format!("{name} passed without a test")),
            (true, Some(true), None) => Answer::Unknown(format!("{name} does not say how many tests passed")),
        })
        .collect();
    if answers.is_empty() { vec![Answer::Unknown(format!("there is no {name} at the head"))] } else { answers }
}

/// How many tests were executed, by what a check says in a line: the number before `passed`, or before `tests passed`, of `n/m`
/// the first; where it says no such thing, the number before `test` or `tests`, if nothing follows but that they ran. Of several
/// the least counts; none where that cannot be told.
pub fn tests_executed(title: &str) -> Option<i64> {
    let lower = title.to_lowercase();
    let words: Vec<_> =
        lower.split(|c: char| !c.is_alphanumeric() && !",./".contains(c)).filter(|w| !w.is_empty()).collect();
    let words: Vec<_> = words.into_iter().map(|word| word.trim_end_matches([',', '.'])).collect();
    let number = |word: &str| {
        let ran = word.split_once('/').map_or(word, |(ran, _)| ran);
        ran.replace(',', "").parse::<i64>().ok().filter(|count| *count >= 0)
    };
    let tests = |word: &str| matches!(word, "test" | "tests");
    let plain =
        words.iter().position(|word| tests(word)).is_some_and(|at| words[at + 1..].iter().all(|w| RAN.contains(w)));
    let passed = words.windows(2).filter(|pair| pair[1] == "passed").filter_map(|pair| number(pair[0]));
    let tests_passed =
        words.windows(3).filter(|three| tests(three[1]) && three[2] == "passed").filter_map(|three| number(three[0]));
    let counted = words.windows(2).filter(|pair| tests(pair[1])).filter_map(|pair| number(pair[0]));
    match passed.chain(tests_passed).min() {
        // One that says 0 tests has run none, whatever else passed.
        Some(count) => Some(counted.filter(|count| *count == 0).min().unwrap_or(count)),
        None if !plain || lower.contains(" of ") => counted.filter(|count| *count == 0).min(),
        None => counted.min(),
    }
}

/// By which words a check tells of tests that they ran, and of no others.
const RAN: [&str; 8] = ["ran", "run", "executed", "ok", "succeeded", "successful", "successfully", "green"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_says_how_many_tests_it_ran() {
        for (title, count) in [
            ("412 tests passed", Some(412)),
            ("1,204 passed, 3 skipped", Some(1204)),
            ("passed: 12 passed", Some(12)),
            ("0 tests", Some(0)),
            ("12 passed; 0 tests in nightly", Some(0)),
            ("1 test.", Some(1)),
            ("412 tests skipped", None),
            ("0 of 412 tests ran", None),
            ("412 tests deselected", None),
            ("12 tests failed to start", None),
            ("12 tests", Some(12)),
            ("all green", None),
            ("", None),
            ("-5 tests passed", Some(5)),
            ("tests passed", None),
            ("412/412 tests passed", Some(412)),
            ("0/412 tests passed", Some(0)),
            ("0/412 tests run", Some(0)),
            ("0/12 passed", Some(0)),
            ("412 tests ran successfully", Some(412)),
            ("412 tests, 0 run", None),
            ("412 tests found", None),
            ("412 tests pending", None),
            ("412 tests disabled", None),
            ("No tests run in 1 test file", None),
        ] {
            assert_eq!(tests_executed(title), count, "{title:?}");
        }
    }

    #[test]
    fn what_failed_before_it_as_well_is_not_its_doing() {
        let check = |name: &str, commit: &str, passed| Check {
            name: name.into(),
            commit: commit.into(),
            passed: Some(passed),
            title: "9 tests".into(),
        };
        let (a, b) = ("a".to_owned(), "b".to_owned());
        let at = |commit: &str, a: bool, b: bool| vec![check("a", commit, a), check("b", commit, b)];
        for (before, after, expect) in [
            (Some(at("p", true, true)), Some(at("m", true, true)), 'p'),
            (Some(at("p", true, true)), Some(at("m", false, true)), 'f'),
            (Some(at("p", false, true)), Some(at("m", false, true)), 'u'),
            (Some(at("p", false, true)), Some(at("m", false, false)), 'f'),
            (Some(at("p", false, false)), Some(at("m", true, true)), 'p'),
            (Some(vec![Check { passed: None, ..check("a", "p", true) }]), Some(at("m", false, true)), 'u'),
            (Some(vec![]), Some(at("m", false, true)), 'f'),
            (None, Some(at("m", false, true)), 'f'),
            (Some(at("p", false, true)), None, 'u'),
        ] {
            let required = [a.clone(), b.clone()];
            let is = passed_since((before.as_deref(), "p"), (after.as_deref(), "m"), &required);
            let is = match is {
                Answer::Pass => 'p',
                Answer::Fail(_) => 'f',
                Answer::Unknown(_) => 'u',
            };
            assert_eq!(is, expect, "{before:?} {after:?}");
        }
    }

    #[test]
    fn checks_pass_where_each_that_is_required_passed_at_the_head_with_a_test() {
        let check = |name: &str, commit: &str, passed, title: &str| Check {
            name: name.into(),
            commit: commit.into(),
            passed,
            title: title.into(),
        };
        let good = check("ci", "h", Some(true), "9 tests passed");
        let asks = |checks: Option<Vec<Check>>, required: &[&str]| {
            let required: Vec<_> = required.iter().map(|name| (*name).to_owned()).collect();
            match passed(checks.as_deref(), &required, Some("h")) {
                Answer::Pass => 'p',
                Answer::Fail(_) => 'f',
                Answer::Unknown(_) => 'u',
            }
        };
        for (checks, required, expect) in [
            (Some(vec![good.clone()]), &["ci"][..], 'p'),
            (Some(vec![good.clone(), check("lint", "h", Some(false), "")]), &["ci"], 'p'),
            (Some(vec![good.clone()]), &["ci", "lint"], 'u'),
            (Some(vec![check("ci", "h", Some(false), "9 tests")]), &["e2e", "ci"], 'f'),
            (Some(vec![good.clone()]), &[], 'u'),
            (None, &["ci"], 'u'),
            (Some(vec![]), &["ci"], 'u'),
            (Some(vec![good.clone(), check("ci", "h", Some(false), "9 tests")]), &["ci"], 'f'),
            (Some(vec![check("ci", "h", None, "9 tests")]), &["ci"], 'u'),
            (Some(vec![check("ci", "old", Some(true), "9 tests")]), &["ci"], 'u'),
            (Some(vec![check("ci", "h", Some(true), "0 tests")]), &["ci"], 'f'),
            (Some(vec![check("ci", "h", Some(true), "green")]), &["ci"], 'u'),
        ] {
            assert_eq!(asks(checks.clone(), required), expect, "{checks:?}");
        }
    }
}
