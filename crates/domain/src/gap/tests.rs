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
    ] {
        let want = if text.contains("**") {
            vec![("adr".into(), None, "** `gap-x` - why not".into())]
        } else {
            one("adr", "gap-x", "why not")
        };
        let got = seen(text);
        assert!(got == want || got == one("adr", "gap-x", "why not"), "{text}: {got:?}");
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
    for text in ["", "no BLOCKING-GAP this time", "blocking gap: x - y", "BLOCKING-GAP[kind=never closed"] {
        assert_eq!(seen(text), [], "{text}");
    }
    for text in [
        "BLOCKING-GAP: we need something that lists deploys",
        "BLOCKING-GAP: d41d8cd98f00b204e9800998ecf8427e - a hash",
        "BLOCKING-GAP[kind=adr]: <script>alert(1)</script> - x",
        "BLOCKING-GAP:",
    ] {
        let got = read(text);
        assert_eq!(got.iter().map(|s| s.name.clone()).collect::<Vec<_>>(), [None], "{text}");
        assert!(text.contains(&got[0].reason), "{text}");
    }
}

#[test]
fn a_summary_of_nothing_but_markers_is_capped() {
    assert_eq!(read(&"BLOCKING-GAP: a-b - c\n".repeat(3_000)).len(), MARKERS_MAX);
}

#[test]
fn a_name_that_is_refused_comes_with_a_suggestion() {
    let hint = |text: &str| name("name", text).map_err(|r| r.hint);
    assert_eq!(hint("list-recent-deploys"), Ok("list-recent-deploys".into()));
    assert_eq!(hint("List recent_deploys!"), Err("did you mean list-recent-deploys?".into()));
    for text in ["", "---", "550e8400-e29b-41d4-a716-446655440000", "1234", "deadbeef01", &"a".repeat(101)] {
        assert!(name("name", text).is_err(), "{text}");
    }
    for text in ["decade", "facade-cafe", "k8s-1-33-upgrade"] {
        assert!(name("name", text).is_ok(), "{text}");
    }
}

proptest! {
    #[test]
    fn reading_is_total_and_bounded(text in "(?s).{0,400}") {
        prop_assert!(read(&text).len() <= MARKERS_MAX);
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
