use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::visual::{Listing, Mode, Policy, Touched, classify};
use crate::{id, secret};

/// The most lines by which twins differ, on both sides together.
const TWIN_LINES_MAX: usize = 4;

/// The most lines that a case changes, on both sides together.
const CHANGED_LINES_MAX: usize = 60;

/// The longest line.
const LINE_CHARS_MAX: usize = 120;

/// What would give a defect away, as words or as their beginnings.
const TELLING: [&str; 14] = [
    "bug",
    "seeded",
    "canary",
    "canaries",
    "mutant",
    "mutat",
    "defect",
    "inject",
    "vulnerab",
    "exploit",
    "fixme",
    "todo",
    "wrong_token",
    "race",
];

/// The lines, from 1, that only one of two texts has: the fewest.
fn only(first: &str, second: &str) -> (Vec<i64>, Vec<i64>) {
    let (a, b): (Vec<_>, Vec<_>) = (first.lines().collect(), second.lines().collect());
    let mut alike = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            alike[i][j] = if a[i] == b[j] { alike[i + 1][j + 1] + 1 } else { alike[i + 1][j].max(alike[i][j + 1]) };
        }
    }
    let number = |at: usize| i64::try_from(at + 1).expect("a short text");
    let (mut i, mut j, mut only) = (0, 0, (Vec::new(), Vec::new()));
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || (i < a.len() && alike[i + 1][j] >= alike[i][j + 1]) {
            only.0.push(number(i));
            i += 1;
        } else {
            only.1.push(number(j));
            j += 1;
        }
    }
    only
}

/// Everything of a case that a reviewer may see.
fn texts(case: &Case) -> [&str; 7] {
    let before = case.before.as_deref().unwrap_or_default();
    [&case.id, &case.path, &case.title, &case.about, before, &case.clean, &case.seeded]
}

#[test]
fn the_corpus_has_every_kind_in_several_languages() {
    let mut endings = BTreeMap::new();
    for defect in Defect::ALL {
        let own: BTreeSet<_> = of(defect).filter_map(|case| case.path.rsplit('.').next()).collect();
        assert!(of(defect).count() >= 4 && own.len() >= 2, "{defect}: {own:?}");
        for case in of(defect) {
            *endings.entry(case.path.rsplit('.').next().unwrap_or_default()).or_insert(0) += 1;
        }
    }
    assert_eq!(endings.keys().copied().collect::<Vec<_>>(), ["go", "py", "rs", "sh", "sql"]);
    assert!(endings.values().all(|count| *count >= 5), "{endings:?}");
    let ids: BTreeSet<_> = cases().iter().map(|case| &case.id).collect();
    assert_eq!(ids.len(), cases().len(), "an id is used twice");
    assert!(cases().iter().all(|one| case(&one.id) == Some(one)));
}

#[test]
fn twins_differ_by_their_defect_and_where_it_is_said_to_be() {
    for case in cases() {
        let (clean, seeded) = only(&case.clean, &case.seeded);
        let (id, count) = (&case.id, clean.len() + seeded.len());
        assert!((1..=TWIN_LINES_MAX).contains(&count), "{id} differs by {count} lines");
        assert!(seeded.iter().all(|line| case.lines.contains(line)), "{id}: {seeded:?}, {:?}", case.lines);
        // What lines above have moved is moved in both.
        let place = seeded.first().or_else(|| clean.first()).expect("a difference");
        assert!(case.is_cited(&case.path, *place), "{id}: {place}, {:?}", case.lines);
        let last = i64::try_from(case.seeded.lines().count()).expect("a short text");
        assert!(case.lines.is_sorted() && case.lines.iter().all(|line| (1..=last).contains(line)), "{id}");
    }
}

#[test]
fn a_case_is_small_and_its_defect_is_on_what_the_difference_shows() {
    for case in cases() {
        let (id, before) = (&case.id, case.before.as_deref().unwrap_or_default());
        for after in [&case.clean, &case.seeded] {
            let (gone, new) = only(before, after);
            assert!((1..=CHANGED_LINES_MAX).contains(&(gone.len() + new.len())), "{id} changes {gone:?} {new:?}");
            assert!(after.lines().all(|line| line.chars().count() <= LINE_CHARS_MAX), "{id} has a long line");
            assert!(after.lines().all(|line| line.trim_end() == line), "{id} has a blank at an end");
        }
        // git shows three lines around what is new.
        let (_, new) = only(before, &case.seeded);
        let shown = |line: &i64| new.iter().any(|new| new.abs_diff(*line) <= 3);
        assert!(case.lines.iter().any(shown), "{id}: {:?} is not shown", case.lines);
    }
}

#[test]
fn a_case_is_neither_visual_nor_protected() {
    for case in cases() {
        let touched = vec![Touched { path: case.path.clone(), mode: Mode::File }];
        let classified = classify(&Listing { touched, complete: true }, &Policy::default());
        assert!(!classified.is_visual() && !classified.is_protected(), "{}: {classified:?}", case.id);
    }
}

#[test]
fn no_text_of_a_case_gives_its_defect_away_or_holds_a_credential() {
    for case in cases() {
        for text in texts(case) {
            assert_eq!(secret::find(text), [], "{}", case.id);
            let printable = |c: char| c == '\n' || c == '\t' || (c.is_ascii() && !id::is_unprintable(c));
            assert!(text.chars().all(printable), "{} has odd characters", case.id);
            let lower = text.to_lowercase();
            let words = lower.split(|c: char| !c.is_alphanumeric() && c != '_');
            let telling: Vec<_> =
                words.filter(|word| TELLING.iter().any(|telling| word.starts_with(telling))).collect();
            assert_eq!(telling, Vec::<&str>::new(), "{}", case.id);
            assert!(!text.contains(case.defect.name()), "{}", case.id);
        }
    }
}

#[test]
fn marks_make_the_twins_and_say_where_the_defect_is() {
    for (body, before, clean, seeded, lines) in [
        (" a\n-b\n+c\n<d\n>e\n f", Some("a\nb\nf\n"), "a\nc\nd\nf\n", "a\nc\ne\nf\n", vec![3]),
        (" a\n<b\n c", Some("a\nc\n"), "a\nb\nc\n", "a\nc\n", vec![1, 2]),
        ("<a\n b", Some("b\n"), "a\nb\n", "b\n", vec![1]),
        (" a\n<b", Some("a\n"), "a\nb\n", "a\n", vec![1]),
        (">a\n+b\n+c\n*d", None, "b\nc\nd\n", "a\nb\nc\nd\n", vec![1, 4]),
        (" a\n\n+\n<b\n>  c\n\n", Some("a\n\n"), "a\n\n\nb\n", "a\n\n\n  c\n", vec![4]),
        ("<a\n<b\n>c\n>d", None, "a\nb\n", "c\nd\n", vec![1, 2]),
    ] {
        let text = format!("# x\n\ncase: a\npath: b.rs\ntitle: c\nabout: d: e\n---\n{body}\n");
        let parsed = parse(Defect::Race, &text).expect(body);
        let [case] = parsed.as_slice() else { panic!("{parsed:?}") };
        assert_eq!((case.id.as_str(), case.path.as_str(), case.about.as_str()), ("a", "b.rs", "d: e"));
        let made = (case.before.as_deref(), case.after(What::Clean), case.after(What::Seeded), &case.lines);
        assert_eq!(made, (before, clean, seeded, &lines), "{body}");
    }
}

#[test]
fn a_text_that_is_no_case_is_refused() {
    let head = "case: a\npath: b\ntitle: c\nabout: d\n---\n";
    for text in [
        "a",
        "case: a",
        "case: a\npath: b\ntitle: c\nabout: d\n<a",
        "case: a\ntitle: c\npath: b\nabout: d\n---\n<a",
        "case:  \npath: b\ntitle: c\nabout: d\n---\n<a",
        &format!("{head}a"),
        &format!("{head}éa"),
        &format!("{head}+a"),
        head,
        &format!("{head}<a\n{head}+a"),
    ] {
        assert!(parse(Defect::Race, text).is_err(), "{text}");
    }
    assert_eq!(parse(Defect::Race, "# nothing\n"), Ok(Vec::new()));
}

#[test]
fn a_finding_is_one_of_the_defect_when_it_is_near() {
    let case = Case { lines: vec![10, 11], ..cases()[0].clone() };
    for (line, cited) in [(7, false), (8, true), (10, true), (13, true), (14, false), (0, false), (i64::MIN, false)] {
        assert_eq!(case.is_cited(&case.path, line), cited, "{line}");
    }
    assert!(!case.is_cited("src/other.rs", 10));
}
