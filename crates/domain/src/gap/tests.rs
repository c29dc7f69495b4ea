use proptest::prelude::*;

use super::*;

fn seen(text: &str) -> Vec<(String, Option<String>, String)> {
    read(text).into_iter().map(|s| (s.kind, s.name, s.reason)).collect()
}

fn one(kind: &str, name: &str, reason: &str) -> Vec<(String, Option<String>, String)> {
    vec![(kind.into(), Some(name.into()), reason.into())]
}

#[test]
fn the_seeds_own_form_is_read() {
    let text = "BLOCKING-GAP[kind=mcp-tool]: list-recent-deploys \u{2014} needed to tell a bad deploy from a flake";
    assert_eq!(seen(text), one("mcp-tool", "list-recent-deploys", "needed to tell a bad deploy from a flake"));
}

#[test]
fn a_marker_is_read_in_every_form_that_agents_write() {
    for text in [
        "BLOCKING-GAP[kind=adr]: gap-x - why not",
        "blocking-gap [kind=ADR]: gap-x \u{2013} why not",
        "Blocking_Gap[adr] gap-x: why not",
        "I stopped. BLOCKING-GAP[kind = adr]:gap x \u{2014}why not\nand then more prose",
        "**BLOCKING-GAP[kind=adr]:** `gap-x` - why not",
        "**BLOCKING-GAP**[kind=adr]: gap-x - why not",
        "- `BLOCKING-GAP[kind=adr]` gap-x - why not",
        "BLOCKING-GAP(kind=adr): gap-x - why not",
        "BLOCKING-GAP [kind=adr] - gap-x: why not",
        "BLOCKING-GAP[kind=\"adr\"]: gap-x - why not",
        "**BLOCKING-GAP[kind=adr]: gap-x - why not**",
        "`BLOCKING-GAP[kind=adr]: gap-x - why not`",
    ] {
        assert_eq!(seen(text), one("adr", "gap-x", "why not"), "{text}");
    }
    for text in [
        "**BLOCKING-GAP**: gap-x - y",
        "`BLOCKING-GAP`: gap-x - y",
        "BLOCKING-GAP - gap-x: y",
        "BLOCKING-GAP\u{2014}gap-x - y",
    ] {
        assert_eq!(seen(text), one(KIND_UNSPECIFIED, "gap-x", "y"), "{text}");
    }
    assert_eq!(seen("BLOCKING-GAP: gap-x"), one(KIND_UNSPECIFIED, "gap-x", ""));
    assert_eq!(seen("BLOCKING-GAP[kind=]: gap-x - y"), one(KIND_UNSPECIFIED, "gap-x", "y"));
}

#[test]
fn several_markers_in_one_text_are_each_read() {
    let text = "BLOCKING-GAP[kind=adr]: a-one - x BLOCKING-GAP: b-two - y\nBLOCKING-GAP[kind=adr]: c-three - z";
    let names: Vec<_> = read(text).into_iter().filter_map(|s| s.name).collect();
    assert_eq!(names, ["a-one", "b-two", "c-three"]);
}

#[test]
fn a_mention_is_no_marker_and_an_unreadable_marker_is_kept() {
    for text in [
        "",
        "no BLOCKING-GAP this time",
        "blocking gap: x - y",
        "the BLOCKING-GAP list",
        "the blocking-gap-list - see there",
        "see BLOCKING-GAP (in the docs): x",
        "This time no BLOCKING-GAP at all: x",
        "There was no BLOCKING-GAP - done.",
        "No BLOCKING-GAP \u{2014} success",
        "BLOCKING-GAPS: none",
        "blocking_gap_count: 0",
        "BLOCKING-GAP count: 0",
        "see BLOCKING-GAP (kind of a list): x",
        "BLOCKING-GAP: none",
        "BLOCKING-GAP: N/A.",
    ] {
        assert_eq!(seen(text), [], "{text}");
    }
    for text in [
        "BLOCKING-GAP: we need something that lists deploys",
        "BLOCKING-GAP: d41d8cd98f00b204e9800998ecf8427e - a hash",
        "BLOCKING-GAP[kind=adr]: <script>alert(1)</script> - x",
        "BLOCKING-GAP:",
        "BLOCKING-GAP[kind=never closed",
        "BLOCKING-GAP: ..**BLOCKING GAP: list-deploys",
        "BLOCKING-GAP[kind=blocking gap]: list-deploys - the word for a kind",
        "BLOCKING-GAP[kind=d41d8cd98f00b204e9800998ecf8427e]: list-deploys - a hash for a kind",
        "BLOCKING-GAP[kind=adr, severity=critical]: list-a - two things in one label",
        "BLOCKING-GAP[severity=critical]: list-a - another thing",
        "BLOCKING-GAP[kind=adr]: deploy-3f2a9c1b7d8e4f00 - a hash at its end",
        "BLOCKING-GAP[kind=adr]: job-550e8400-e29b-41d4-a716-446655440000 - an id at its end",
        "BLOCKING-GAP list-deploys \u{2014} without a colon",
        "1. **BLOCKING-GAP** list-deploys: without a colon",
        "BLOCKING-GAP[kind=mcp-t\u{f6}\u{f6}l]: list-a - a letter of a kind lost",
        "BLOCKING-GAP[kind=<b>adr</b>]: list-a - HTML for a kind",
        "BLOCKING-GAP[one two three four five six seven eight nine]: list-a - a sentence for a kind",
        "BLOCKING-GAP[kind=adr]: \u{202e}syolped-tsil - bidi",
        "BLOCKING-GAP[kind=adr]: \u{1f680}-launch - emoji",
    ] {
        let got = read(text);
        assert_eq!(got.iter().map(|s| s.name.clone()).collect::<Vec<_>>(), [None], "{text}");
        let visible: String = text.chars().filter(|c| !id::is_unprintable(*c)).collect();
        assert!(visible.contains(&got[0].reason), "{text}");
    }
    assert_eq!(read("BLOCKING-GAP: list-a - there is no `list`")[0].reason, "there is no `list`");
    let kept = read("BLOCKING-GAP[kind=adr, severity=critical]: list-a - as it stands");
    assert_eq!(kept[0].reason, "[kind=adr, severity=critical]: list-a - as it stands");
    let long = format!("BLOCKING-GAP[kind=adr]: {} - x", "a".repeat(300));
    assert_eq!(read(&long)[0].name, None);
}

#[test]
fn a_summary_of_nothing_but_markers_is_capped_and_says_so() {
    let many = (0..3_000).map(|n| format!("BLOCKING-GAP: a-b{n} - c\n")).collect::<Vec<_>>().concat();
    let seen = read(&many);
    assert_eq!(seen.len(), MARKERS_MAX);
    let last = seen.last().expect("the last");
    assert_eq!((last.name.as_deref(), last.reason.split(' ').next()), (None, Some("2901")));
}

#[test]
fn one_run_reports_a_gap_once_however_often_it_names_it() {
    let seen = read(&"BLOCKING-GAP: a-b - c\n".repeat(3_000));
    assert_eq!(seen.iter().map(|s| s.name.as_deref()).collect::<Vec<_>>(), [Some("a-b")]);
}

#[test]
fn a_name_that_is_refused_comes_with_a_suggestion() {
    let hint = |text: &str| name("name", text).map_err(|r| r.hint);
    assert_eq!(hint("list-recent-deploys"), Ok("list-recent-deploys".into()));
    assert_eq!(hint("List recent_deploys!"), Err("did you mean list-recent-deploys?".into()));
    for text in ["", "---", "550e8400-e29b-41d4-a716-446655440000", "1234", "deadbeef01", &"a".repeat(101)] {
        assert!(name("name", text).is_err(), "{text}");
    }
    for text in ["deploy-3f2a9c1b7d8e4f00", "run-20261128", "job-550e8400-e29b-41d4-a716-446655440000"] {
        assert!(name("name", text).is_err(), "{text}");
    }
    for text in ["decade", "facade-cafe", "k8s-1-33-upgrade", "list-deadbeef-words", "support-python-3-13"] {
        assert!(name("name", text).is_ok(), "{text}");
    }
}

proptest! {
    #[test]
    fn reading_is_total_and_bounded(text in "(?s).{0,400}") {
        prop_assert!(read(&text).len() <= MARKERS_MAX);
    }

    #[test]
    fn markers_in_disorder_are_each_read_or_kept_and_never_invented(
        parts in proptest::collection::vec(prop_oneof![
            Just("BLOCKING-GAP".to_owned()), Just("blocking_gap".to_owned()), Just("[kind=".to_owned()), Just("]".to_owned()),
            Just(": ".to_owned()), Just(" - ".to_owned()), Just("\u{2014}".to_owned()), Just("\n".to_owned()), Just("**".to_owned()),
            "[a-z-]{0,12}", "\\PC{0,6}", any::<char>().prop_map(String::from),
        ], 0..60),
    ) {
        let text = parts.concat();
        let seen = read(&text);
        let words = text.to_ascii_lowercase().replace('_', "-").matches("blocking-gap").count();
        prop_assert!(seen.len() <= words.min(MARKERS_MAX));
        for sighting in seen {
            if let Some(name) = &sighting.name {
                prop_assert_eq!(super::name("name", name), Ok(name.clone()));
                prop_assert!(kebab(&text).contains(name.as_str()), "{} is not in {}", name, text);
            }
            prop_assert_eq!(super::name("kind", &sighting.kind), Ok(sighting.kind.clone()));
            prop_assert!(sighting.reason.chars().count() <= REASON_CHARS_MAX);
        }
    }

    #[test]
    fn a_well_formed_marker_survives_any_prose_around_it(
        before in "[a-zA-Z ,.]{0,40}", name in "[a-z]{3,9}(-[a-z]{2,9}){0,3}", why in "[a-z ]{0,40}", after in "[^\u{2013}]{0,40}",
    ) {
        let text = format!("{before}BLOCKING-GAP[kind=adr]: {name} - {why}\n{after}");
        let seen = read(&text).swap_remove(0);
        prop_assert_eq!(seen.name, Some(name));
        prop_assert_eq!(seen.reason, why.trim());
    }
}
