//! The table of merges, and what is never good.

use super::*;

fn git() -> Landed {
    Landed {
        tree: "t".into(),
        parent: "p".into(),
        expected: Some("t".into()),
        on_base: true,
        descends: true,
        own: 0,
        merges: 0,
        same_content: true,
    }
}

fn merged(head: &str, git: Option<Landed>) -> Evidence {
    Evidence {
        judged: Some("a".into()),
        approved: true,
        others: false,
        sent_back: false,
        end: End::Merged { head: Some(head.into()), commit: Some("m".into()), git },
        by: Hand::Person,
        login: Some("ann".into()),
        ended_at: Some(Time(1)),
        found_at: Some(Time(2)),
        looked_ms: Some(600_000),
        lines: 400,
        checks: Answer::Pass,
    }
}

#[test]
fn merged_unchanged_is_told_from_everything_else() {
    use Outcome::{Edited, Unchanged, UnchangedContent, Unknown};
    for (head, git, outcome) in [
        ("a", git(), Unchanged),
        ("a", Landed { expected: Some("other".into()), ..git() }, Edited),
        ("a", Landed { expected: None, ..git() }, Unknown),
        ("a", Landed { on_base: false, ..git() }, Unknown),
        ("h", Landed { merges: 1, ..git() }, UnchangedContent),
        ("h", Landed { merges: 1, same_content: false, ..git() }, Edited),
        ("h", Landed { merges: 1, own: 1, ..git() }, Edited),
        ("h", Landed { own: 1, ..git() }, Edited),
        ("h", Landed { descends: false, own: 3, ..git() }, Unknown),
        ("h", git(), Unknown),
    ] {
        let evidence = merged(head, Some(git));
        assert_eq!(classify(&evidence).0, outcome, "{evidence:?}");
        let weight = weigh(&evidence, outcome).0;
        assert_eq!(weight == Weight::Good, outcome == Unchanged, "{evidence:?}");
    }
}

#[test]
fn missing_evidence_is_unknown_and_unknown_is_never_good() {
    let whole = merged("a", Some(git()));
    let end = |head: Option<&str>, commit: Option<&str>, git| End::Merged {
        head: head.map(str::to_owned),
        commit: commit.map(str::to_owned),
        git,
    };
    for evidence in [
        merged("a", None),
        Evidence { judged: None, ..whole.clone() },
        Evidence { end: end(None, Some("m"), Some(git())), ..whole.clone() },
        Evidence { end: end(Some("a"), None, Some(git())), ..whole.clone() },
    ] {
        let (outcome, why) = classify(&evidence);
        assert_eq!((outcome, weigh(&evidence, outcome).0), (Outcome::Unknown, Weight::Unknown), "{why}");
    }
}

#[test]
fn a_merge_counts_only_where_a_person_could_have_read_it_and_its_checks_passed() {
    let whole = merged("a", Some(git()));
    for (evidence, weight) in [
        (whole.clone(), Weight::Good),
        (Evidence { by: Hand::Bot, ..whole.clone() }, Weight::Neither),
        (Evidence { by: Hand::Unknown, ..whole.clone() }, Weight::Neither),
        (Evidence { by: Hand::Us, ..whole.clone() }, Weight::Auto),
        (Evidence { looked_ms: Some(5_000), ..whole.clone() }, Weight::Neither),
        (Evidence { looked_ms: Some(133_332), ..whole.clone() }, Weight::Neither),
        (Evidence { looked_ms: Some(133_333), ..whole.clone() }, Weight::Good),
        (Evidence { looked_ms: None, ..whole.clone() }, Weight::Neither),
        (Evidence { checks: Answer::Fail("red".into()), ..whole.clone() }, Weight::Neither),
        (Evidence { checks: Answer::Unknown("gone".into()), ..whole.clone() }, Weight::Neither),
        (Evidence { approved: false, ..whole.clone() }, Weight::Neither),
    ] {
        let (outcome, _) = classify(&evidence);
        assert_eq!((outcome, weigh(&evidence, outcome).0), (Outcome::Unchanged, weight), "{evidence:?}");
    }
    let back = Evidence { sent_back: true, ..whole.clone() };
    assert_eq!(weigh(&back, Outcome::Unchanged).0, Weight::Bad, "people sent back what bots had approved");
    let others = Evidence { others: true, ..whole };
    assert_eq!(weigh(&others, Outcome::Unchanged).0, Weight::Neither, "a person's commit was judged with it");
}

#[test]
fn what_people_would_not_have_counts_against_it_and_what_a_bot_did_says_nothing() {
    let whole = merged("a", Some(git()));
    let closed = Evidence { end: End::Closed, ..whole.clone() };
    for (evidence, outcome, weight) in [
        (closed.clone(), Outcome::Closed, Weight::Bad),
        (Evidence { by: Hand::Unknown, ..closed.clone() }, Outcome::Closed, Weight::Bad),
        (Evidence { by: Hand::Bot, ..closed.clone() }, Outcome::Closed, Weight::Neither),
        (Evidence { approved: false, ..closed }, Outcome::Closed, Weight::Neither),
        (whole, Outcome::Reverted, Weight::Bad),
    ] {
        assert_eq!(weigh(&evidence, outcome).0, weight, "{evidence:?}");
    }
}

#[test]
fn clocks_that_jump_tell_no_time() {
    assert_eq!(looked(Some(Time(10)), Some(Time(30))), Some(Span(20)));
    assert_eq!(looked(Some(Time(30)), Some(Time(10))), None);
    assert_eq!((looked(None, Some(Time(1))), looked(Some(Time(1)), None)), (None, None));
    assert_eq!((look_min(0), look_min(400), look_min(i64::MAX)), (LOOK_MIN, Span(133_333), LOOK_MAX));
}

#[test]
fn an_outcome_is_of_its_own_end_and_of_no_other() {
    let merged = merged("a", Some(git()));
    let closed = Evidence { end: End::Closed, ..merged.clone() };
    let older = Evidence { found_at: None, ..merged.clone() };
    for (evidence, is_merged, since, written, of) in [
        (&merged, true, 2, 9, true),
        (&merged, true, 3, 9, false),
        (&closed, true, 2, 9, false),
        (&closed, false, 2, 9, true),
        (&older, true, 9, 9, true),
        (&older, true, 10, 9, false),
    ] {
        assert_eq!(evidence.is_of(is_merged, Time(since), Time(written)), of, "{since}, {written}: {evidence:?}");
    }
}
