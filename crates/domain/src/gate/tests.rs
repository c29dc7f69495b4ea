//! A record in which everything passes, and each of its inputs faulted in turn.

use super::*;
use crate::pull::{Hold, State};

const DAYS: i64 = 86_400_000;

fn agent(name: &str) -> Fingerprint {
    Fingerprint { principal: name.into(), model: "m-1".into(), prompt: "aaaa".into() }
}

fn stratum() -> Stratum {
    Stratum {
        repo: "a/b".into(),
        kind: "mcp-tool".into(),
        area: Area::Code,
        author: agent("implementer-1"),
        reviewer: agent("reviewer-1"),
        policy: "p".into(),
    }
}

fn candidate() -> Candidate {
    let head = || Some("h".to_owned());
    Candidate {
        id: "pull".into(),
        number: Some(7),
        state: State::NeedsHuman,
        hold: None,
        ours: head(),
        onto: Some("main".into()),
        reviewed: head(),
        passed: head(),
        handed_in: head(),
        others: false,
        gap: Answer::Pass,
        live: Some(Live {
            open: true,
            draft: false,
            head: "h".into(),
            onto: "main".into(),
            mergeable: Some(true),
            wanted: Some(false),
            shared: false,
            shown: true,
            barring: None,
            opted_in: true,
            opted_out: false,
            apart_ms: Some(900),
        }),
        measured: Some(Measured {
            head: "h".into(),
            lines: 40,
            files: 2,
            visual: None,
            protected: None,
            risk: Risk { area: Area::Code, policy: "p".into(), barred: None, several: Some(false) },
        }),
        checks: Some(vec![Check {
            name: "ci".into(),
            commit: "h".into(),
            passed: Some(true),
            title: "12 tests passed".into(),
        }]),
        base: Some(Base {
            tip: "t".into(),
            checks: Some(vec![Check {
                name: "ci".into(),
                commit: "t".into(),
                passed: Some(true),
                title: "12 tests passed".into(),
            }]),
        }),
        draw: Draw { ramp: 0, audit: 500 },
    }
}

/// An outcome that was looked at until it was old enough.
fn past(at: i64, pull: String, weight: Weight) -> Past {
    Past { pull, at: Time(at), weight, seen: Time(at + 14 * DAYS) }
}

/// Two good ones a day for thirty days, the last of them old enough.
fn record() -> Record {
    let past = |n: i64| past((100 + n / 2) * DAYS + n % 2, format!("p{n}"), Weight::Good);
    Record {
        at: Time(150 * DAYS),
        rules: Rules { checks: vec!["ci".into()], ..Rules::default() },
        stratum: Some(stratum()),
        past: (0..60).map(past).collect(),
        calibrated: Answer::Pass,
        arm: Some(Arm { since: Time(140 * DAYS), until: Time(230 * DAYS), owner: "ann".into() }),
        shadow: Shadow { agreed: 50, wrong: 0, open: 0 },
        autos: Vec::new(),
        level: "automerge".into(),
        off: None,
        today: 0,
        in_flight: None,
        candidate: Some(candidate()),
    }
}

fn with(change: impl FnOnce(&mut Candidate)) -> Record {
    let mut record = record();
    change(record.candidate.as_mut().expect("there is one"));
    record
}

fn live(change: impl FnOnce(&mut Live)) -> Record {
    with(|candidate| change(candidate.live.as_mut().expect("there is one")))
}

fn measured(change: impl FnOnce(&mut Measured)) -> Record {
    with(|candidate| change(candidate.measured.as_mut().expect("there is one")))
}

fn base(change: impl FnOnce(&mut Base)) -> Record {
    with(|candidate| change(candidate.base.as_mut().expect("there is one")))
}

fn check(change: impl FnOnce(&mut Check)) -> Record {
    with(|candidate| change(&mut candidate.checks.as_mut().expect("there are some")[0]))
}

fn of(change: impl FnOnce(&mut Record)) -> Record {
    let mut record = record();
    change(&mut record);
    record
}

/// Every input, with what is wrong with it, and the item that says so.
fn faulted() -> Vec<(&'static str, Record)> {
    [of_evidence(), of_the_pull_request(), of_the_forge(), of_leave_and_pace()].concat()
}

fn of_evidence() -> Vec<(&'static str, Record)> {
    let auto = |at, bad| Auto { pull: "x".into(), stratum: stratum().id(), at: Time(at * DAYS), bad };
    vec![
        ("stratum", of(|r| r.stratum = None)),
        ("stratum", of(|r| r.stratum.as_mut().expect("one").author.model.clear())),
        ("stratum", of(|r| r.stratum.as_mut().expect("one").reviewer.prompt.clear())),
        ("clock", of(|r| r.past.push(past(r.at.0 + 1, "f".into(), Weight::Neither)))),
        ("clock", of(|r| r.autos = vec![auto(151, false)])),
        ("streak", of(|r| r.past.clear())),
        ("streak", of(|r| drop(r.past.drain(..11)))),
        ("streak", of(|r| r.past[20].weight = Weight::Bad)),
        ("streak", of(|r| r.past.push(Past { seen: r.at, ..past(r.at.0, "b".into(), Weight::Bad) }))),
        ("streak", of(|r| r.past.iter_mut().skip(49).for_each(|past| past.seen = past.at + Span::days(13)))),
        ("clock", of(|r| r.past[59].seen = r.at + Span(1))),
        ("bound", of(|r| r.past[5].weight = Weight::Bad)),
        ("spread", of(|r| r.rules.days = 400)),
        ("unknown", of(|r| r.past.iter_mut().take(7).for_each(|past| past.weight = Weight::Unknown))),
        ("calibrated", of(|r| r.calibrated = Answer::Fail("33 of 40".into()))),
        ("calibrated", of(|r| r.calibrated = Answer::Unknown("never tried".into()))),
        ("chart", of(|r| r.autos = vec![auto(141, true), auto(142, true)])),
        ("error budget", of(|r| r.autos = vec![auto(141, true)])),
    ]
}

fn of_the_pull_request() -> Vec<(&'static str, Record)> {
    vec![
        ("state", with(|c| c.state = State::NeedsVisual)),
        ("state", with(|c| c.state = State::Approved)),
        ("hold", with(|c| c.hold = Some(Hold::SharedHead))),
        ("head", with(|c| c.ours = None)),
        ("head", with(|c| c.ours = Some("other".into()))),
        ("head", with(|c| c.handed_in = Some("other".into()))),
        ("head", with(|c| c.handed_in = None)),
        ("head", with(|c| c.reviewed = None)),
        ("head", with(|c| c.reviewed = Some("old".into()))),
        ("head", with(|c| c.passed = None)),
        ("head", with(|c| c.passed = Some("old".into()))),
        ("head", live(|l| l.head = "pushed".into())),
        ("head", measured(|m| m.head = "pushed".into())),
        ("authors", measured(|m| m.risk.several = None)),
        ("authors", measured(|m| m.risk.several = Some(true))),
        ("hands", with(|c| c.others = true)),
        ("gap", with(|c| c.gap = Answer::Fail("it is requires human".into()))),
        ("gap", with(|c| c.gap = Answer::Unknown("its issue is not known".into()))),
        ("visual", with(|c| c.measured = None)),
        ("visual", measured(|m| m.visual = Some("ui/a.css shows".into()))),
        ("protected", measured(|m| m.protected = Some(".gapwright/policy.toml".into()))),
        ("risk", measured(|m| m.risk.barred = Some("Cargo.lock".into()))),
        ("policy", measured(|m| m.risk.policy = "another".into())),
        ("policy", measured(|m| m.risk.policy.clear())),
        ("policy", measured(|m| m.risk.area = Area::Docs)),
        ("size", measured(|m| m.lines = 201)),
        ("size", measured(|m| m.files = 11)),
        ("checks", with(|c| c.checks = None)),
        ("checks", with(|c| c.checks = Some(Vec::new()))),
        ("checks", check(|c| c.passed = None)),
        ("checks", check(|c| c.passed = Some(false))),
        ("checks", check(|c| c.commit = "old".into())),
        ("checks", check(|c| c.title = "0 tests".into())),
        ("checks", check(|c| c.title = "green".into())),
        ("checks", of(|r| r.rules.checks.clear())),
        ("checks", of(|r| r.rules.checks.push("gone".into()))),
        ("green", with(|c| c.base = None)),
        ("green", base(|b| b.checks = None)),
        ("green", base(|b| b.tip = "later".into())),
        ("green", base(|b| b.checks.as_mut().expect("some")[0].passed = None)),
        ("green", base(|b| b.checks.as_mut().expect("some")[0].passed = Some(false))),
    ]
}

fn of_the_forge() -> Vec<(&'static str, Record)> {
    vec![
        ("clocks", live(|l| l.apart_ms = None)),
        ("clocks", live(|l| l.apart_ms = Some(300_001))),
        ("base", with(|c| c.onto = None)),
        ("base", live(|l| l.onto = "release".into())),
        ("open", with(|c| c.live = None)),
        ("open", live(|l| l.open = false)),
        ("open", live(|l| l.draft = true)),
        ("open", live(|l| l.shared = true)),
        ("mergeable", live(|l| l.mergeable = None)),
        ("mergeable", live(|l| l.mergeable = Some(false))),
        ("people", live(|l| l.wanted = Some(true))),
        ("people", live(|l| l.wanted = None)),
        ("labels", live(|l| l.barring = Some("requires-human".into()))),
        ("labels", live(|l| l.shown = false)),
        ("labels", live(|l| l.opted_in = false)),
        ("manual", live(|l| l.opted_out = true)),
    ]
}

fn of_leave_and_pace() -> Vec<(&'static str, Record)> {
    vec![
        ("level", of(|r| r.level = "pipeline".into())),
        ("level", of(|r| r.level.clear())),
        ("armed", of(|r| r.arm = None)),
        ("armed", of(|r| r.arm.as_mut().expect("armed").until = r.at)),
        ("armed", of(|r| r.arm.as_mut().expect("armed").since = r.at + Span(1))),
        ("shadow", of(|r| r.shadow.agreed = 49)),
        ("draw", with(|c| c.draw.audit = 99)),
        ("draw", with(|c| c.draw.ramp = 100)),
        ("switch", of(|r| r.off = Some("everything".into()))),
        ("cap", of(|r| r.today = 5)),
        ("in flight", of(|r| r.in_flight = Some("a/b#6".into()))),
    ]
}

#[test]
fn a_record_in_which_everything_passes_is_merged() {
    let judgement = record().judge();
    assert_eq!((judgement.word, judgement.would, judgement.why()), (Word::Merge, true, String::new()));
}

#[test]
fn each_input_faulted_in_turn_closes_the_gate() {
    let mut met = std::collections::BTreeSet::new();
    for (what, record) in faulted() {
        let judgement = record.judge();
        let item = judgement.items.iter().find(|item| item.what == what).expect(what);
        assert!(judgement.word != Word::Merge && item.is != Answer::Pass, "{what}: {judgement:?}");
        met.insert(what);
    }
    let all: std::collections::BTreeSet<_> = record().judge().items.into_iter().map(|item| item.what).collect();
    assert_eq!(all, met.into_iter().map(str::to_owned).collect(), "an item that no fault reaches");
}

#[test]
fn the_items_are_those_that_the_documents_show() {
    let page = include_str!("../../../../docs/evidence.md");
    let rows = page.split("| item | of |").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a table");
    let shown: Vec<_> = rows.lines().skip(2).map(|row| row.split('|').take(3).collect::<Vec<_>>().join("|")).collect();
    let of = |of: Of| serde_json::to_value(of).expect("a word").as_str().unwrap_or_default().to_owned();
    let items: Vec<_> =
        record().judge().items.iter().map(|item| format!("| `{}` | {} ", item.what, of(item.of))).collect();
    assert_eq!(shown, items, "docs/evidence.md tells each item, in this order");
}

/// What people allow, and what is drawn, stands in for no evidence; and what is missing there is not bad evidence.
#[test]
fn the_word_tells_evidence_from_leave_and_from_pace() {
    for (record, word) in [
        (of(|r| r.level = "pipeline".into()), Word::Person),
        (of(|r| r.arm = None), Word::Person),
        (of(|r| r.shadow.agreed = 0), Word::Person),
        (with(|c| c.draw.audit = 0), Word::Person),
        (of(|r| r.today = 5), Word::Later),
        (of(|r| r.in_flight = Some("x".into())), Word::Later),
        (of(|r| r.off = Some("x".into())), Word::Later),
        (of(|r| r.past.clear()), Word::Closed),
        (live(|l| l.opted_out = true), Word::Closed),
        (of(|r| r.candidate = None), Word::Closed),
    ] {
        let judgement = record.judge();
        assert_eq!((judgement.word, judgement.would), (word, word != Word::Closed), "{judgement:?}");
    }
}

#[test]
fn a_record_that_is_kept_and_read_again_is_judged_the_same() {
    for record in faulted().into_iter().map(|(_, record)| record).chain([record()]) {
        let kept = serde_json::to_string(&record).expect("it can be kept");
        let again: Record = serde_json::from_str(&kept).expect("it can be read");
        assert_eq!((&again, again.judge()), (&record, record.judge()));
    }
}

#[test]
fn what_counts_is_old_enough_and_few_of_a_day_and_bad_counts_at_once() {
    let past = |day: i64, n: i64, weight| past(day * DAYS + n, format!("{day}.{n}"), weight);
    let mut busy = record();
    busy.past = (0..60).map(|n| past(100, n, Weight::Good)).collect();
    assert_eq!(busy.track().streak, 10, "one afternoon is one day's worth");
    let mut young = record();
    young.past.iter_mut().for_each(|past| (past.at, past.seen) = (Time(137 * DAYS), Time(150 * DAYS)));
    assert_eq!(young.track().streak, 0);
    let mut unseen = record();
    unseen.past.iter_mut().for_each(|past| past.seen = past.at + Span::days(13));
    assert_eq!(unseen.track().streak, 0, "nobody looked whether they still stood");
    young.past.push(past(149, 0, Weight::Bad));
    assert_eq!(young.track().counted(), (1, 1));
    let mut mixed = record();
    for (at, weight) in [(10, Weight::Neither), (20, Weight::Unknown), (30, Weight::Auto)] {
        mixed.past.insert(at, past(105, 7, weight));
    }
    assert_eq!((mixed.track().streak, mixed.track().counted()), (60, (0, 60)));
}

#[test]
fn the_bound_remembers_what_the_streak_forgot() {
    let mut record = record();
    record.past[5].weight = Weight::Bad;
    let items = record.judge().items;
    let is = |what: &str| items.iter().find(|item| item.what == what).map(|item| item.is.clone());
    assert_eq!(is("streak"), Some(Answer::Pass), "54 in a row since");
    assert!(matches!(is("bound"), Some(Answer::Fail(why)) if why.contains("1 bad of 60")));
}

#[test]
fn people_are_told_of_a_base_that_alone_has_been_in_the_way_for_long() {
    let red = base(|base| base.checks = None);
    let both = Record {
        candidate: red.candidate.clone().map(|candidate| Candidate { others: true, ..candidate }),
        ..red.clone()
    };
    for (record, since, told) in [
        (&red, GREEN_WITHIN, true),
        (&red, Span(GREEN_WITHIN.0 - 1), false),
        (&both, GREEN_WITHIN, false),
        (&record(), GREEN_WITHIN, false),
    ] {
        assert_eq!(record.judge().waits_for_base(since).is_some(), told, "{:?}", record.judge().shut());
    }
}

#[test]
fn a_record_of_an_older_version_is_judged_by_what_was_asked_then() {
    let mut kept = record().judge();
    kept.items.retain(|item| !NEWER.contains(&item.what.as_str()));
    assert_eq!(kept.word, Word::Merge);
    let mut old = serde_json::json!(record());
    old["candidate"].as_object_mut().expect("one").remove("base");
    old["candidate"]["live"].as_object_mut().expect("one").remove("apart_ms");
    old["candidate"]["measured"]["risk"].as_object_mut().expect("one").remove("several");
    let old: Record = serde_json::from_value(old).expect("it is read");
    assert_eq!(old.judge().word, Word::Closed, "what it does not say is not known");
    assert!(old.judge_as(&kept).is_like(&kept) && old.judge_as(&kept).word == Word::Merge);
    assert_eq!(kept.lacks(), NEWER);

    // Nothing else may be missing of what was asked.
    let shut = with(|candidate| candidate.others = true);
    let mut forged = kept.clone();
    forged.items.retain(|item| item.what != "hands");
    assert!(!shut.judge_as(&forged).is_like(&forged), "an item was left out");
    forged.items.clear();
    assert!(!record().judge_as(&forged).is_like(&forged), "nothing was asked");
}

#[test]
fn everything_that_is_asked_says_what_it_means() {
    let unread = with(|candidate| (candidate.live, candidate.measured, candidate.base) = (None, None, None));
    let bare = Record { stratum: None, candidate: None, ..record() };
    for judged in [record(), unread, bare].map(|record| record.judge()) {
        for item in &judged.items {
            assert!(!item.means().is_empty(), "{} says nothing", item.what);
        }
    }
}
