//! Levels, texts, and texts of every kind made to fit.

use proptest::prelude::*;

use super::*;
use crate::refusal::Code;

#[test]
fn a_level_reads_back_by_its_name_and_has_its_prefix() {
    for level in Level::ALL {
        assert_eq!(Level::parse(level.name()), Ok(level));
        assert_eq!(serde_json::to_value(level).expect("a level"), level.to_string());
    }
    assert_eq!(Level::ALL.map(Level::prefix), ["", "⚠️ ", "🔴 "]);
}

#[test]
fn a_level_nobody_knows_is_refused() {
    for text in ["", "Info", " warn", "fatal", "warning"] {
        let refusal = Level::parse(text).expect_err(text);
        assert_eq!((refusal.code, refusal.field.as_deref()), (Code::InvalidArgument, Some("level")), "{text}");
    }
}

#[test]
fn a_message_that_is_blank_or_too_long_is_refused() {
    let long = "x".repeat(MESSAGE_BYTES_MAX + 1);
    for text in ["", " \n\t", "\u{1B}\u{0}\r", &long] {
        let refusal = Text::parse(text).expect_err(text);
        assert_eq!((refusal.code, refusal.field.as_deref()), (Code::InvalidArgument, Some("message")));
    }
    for text in ["x", &long[1..]] {
        assert_eq!(Text::parse(text).expect("in bounds").as_str(), text);
    }
}

#[test]
fn a_message_loses_control_characters_and_keeps_its_lines() {
    let text = Text::parse("\u{1B}[31mred\u{1B}[0m\r\n\tnext\u{0}\u{85} ünïcödé 🔴").expect("a text");
    assert_eq!(text.as_str(), "[31mred[0m\n\tnext ünïcödé 🔴");
}

#[test]
fn a_text_that_fits_is_unchanged_and_one_more_character_cuts_it() {
    let link = Some("https://g.test/n/1");
    assert_eq!(fit(&"x".repeat(2_000), 2_000, link), "x".repeat(2_000));
    assert_eq!(fit(&"x".repeat(2_001), 2_000, link), format!("{}… https://g.test/n/1", "x".repeat(1_980)));
    assert_eq!(fit(&"x".repeat(2_001), 2_000, None), format!("{}…", "x".repeat(1_999)));
    assert_eq!(fit_bytes(&"x".repeat(4_097), 4_096, link).len(), 4_096);
}

#[test]
fn a_link_without_room_is_dropped_and_no_room_at_all_is_empty() {
    assert_eq!(fit("abcdef", 5, Some("long")), "abcd…");
    assert_eq!(fit("abcdefgh", 6, Some("long")), "… long");
    assert_eq!(["abc", ""].map(|text| fit(text, 0, None)), ["", ""]);
    assert_eq!((fit_bytes("abcdef", 3, None), fit_bytes("abcdef", 2, None)), ("…".into(), String::new()));
}

#[test]
fn a_cut_never_splits_an_emoji_or_an_accent() {
    let check = |cluster: &str| {
        let text = format!("ab{cluster}{}", "z".repeat(40));
        for max in 3..30 {
            let kept = fit(&text, max, None);
            let kept = kept.strip_suffix('…').expect("a cut text");
            assert!(kept == "ab" || kept.starts_with(&format!("ab{cluster}")), "{cluster} at {max}: {kept:?}");
        }
    };
    for cluster in ["🔴", "⚠️", "👨‍👩‍👧‍👦", "👍🏽", "🇩🇪", "e\u{301}\u{323}", "🏴\u{E0067}\u{E0062}\u{E007F}", "1️⃣"]
    {
        check(cluster);
    }
}

#[test]
fn a_text_of_nothing_but_joiners_is_cut_all_the_same() {
    let kept = fit(&"\u{301}".repeat(5_000), 2_000, None);
    assert_eq!(kept.chars().count(), 2_000);
}

/// Any text, dense with what a cut could split.
fn text() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        any::<String>(),
        "[a-z \n\t]{0,40}",
        proptest::sample::select(vec![
            "👨‍👩‍👧‍👦",
            "⚠️",
            "🔴",
            "🇩🇪🇫🇷",
            "e\u{301}",
            "\u{200D}",
            "\u{FE0F}",
            "👍🏽",
            "\r\n",
            "\u{1B}[0m"
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(parts, 0..20).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn a_text_fits_its_bound_and_ends_with_its_link_when_cut(
        text in text(), max in 0_usize..200, link in proptest::option::of("[a-z]{1,60}")
    ) {
        let width = |text: &str| text.encode_utf16().count();
        let fitted = fit(&text, max, link.as_deref());
        prop_assert!(width(&fitted) <= max);
        if width(&text) <= max {
            prop_assert_eq!(fitted, text);
        } else if let Some(link) = link.filter(|link| width(link) + 2 <= max) {
            let ending = format!("… {link}");
            prop_assert!(text.starts_with(fitted.strip_suffix(&ending).expect("the link at the end")));
        } else if max > 0 {
            prop_assert!(text.starts_with(fitted.strip_suffix('…').expect("an ellipsis at the end")));
        }
    }

    #[test]
    fn a_text_fits_its_bound_in_bytes(text in text(), max in 0_usize..300, link in proptest::option::of("[a-zü]{1,60}")) {
        let fitted = fit_bytes(&text, max, link.as_deref());
        prop_assert!(fitted.len() <= max);
        prop_assert!(text.len() > max || fitted == text);
    }

    #[test]
    fn a_clean_text_has_no_control_characters_and_is_clean_for_good(text in text()) {
        let once = clean(&text);
        prop_assert!(once.chars().all(|char| !char.is_control() || char == '\n' || char == '\t'));
        prop_assert_eq!(clean(&once), once.clone());
        prop_assert!(once.len() <= text.len());
    }
}
