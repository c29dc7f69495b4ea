use proptest::prelude::*;

use super::*;

const OPEN: Face = Face { stand: Stand::Open, wontfix: false, requires_human: false, priority: None };

fn agreed(face: Face) -> Base {
    Base { face, at: Time(0), sent: None }
}

fn agreed_at(face: Face, at: Time) -> Base {
    Base { at, ..agreed(face) }
}

fn sent(face: Face, at: i64) -> Sent {
    Sent { face, at: Time(at), answered: false }
}

fn known(face: Face) -> Known<'static> {
    Known { base: agreed(face), labels: &[], there: &Role::ALL }
}

fn labels(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_people_do_on_the_forge_happens_to_the_gap() {
    let closed = Face { stand: Stand::NotPlanned, wontfix: true, ..OPEN };
    for (base, seen, act) in [
        (OPEN, OPEN, None),
        (OPEN, Face { stand: Stand::Done, ..OPEN }, Some(Act::Event(Event::Merged))),
        (OPEN, Face { stand: Stand::NotPlanned, ..OPEN }, Some(Act::Event(Event::WontFix))),
        (OPEN, Face { wontfix: true, ..OPEN }, Some(Act::Event(Event::WontFix))),
        (OPEN, Face { stand: Stand::Done, wontfix: true, ..OPEN }, Some(Act::Event(Event::WontFix))),
        (OPEN, Face { requires_human: true, ..OPEN }, Some(Act::Event(Event::NeedsHuman))),
        (OPEN, Face { priority: Some(Priority::High), ..OPEN }, Some(Act::Priority(Some(Priority::High)))),
        (closed, Face { stand: Stand::Open, ..closed }, Some(Act::Event(Event::Reopened))),
        (closed, Face { wontfix: false, ..closed }, Some(Act::Event(Event::Reopened))),
        (Face { requires_human: true, ..OPEN }, OPEN, Some(Act::Event(Event::Reopened))),
    ] {
        let (acts, base_now) = look(agreed(base), seen, Time(0));
        assert_eq!((acts.into_iter().next(), base_now), (act, agreed(seen)), "{base:?} to {seen:?}");
    }
}

#[test]
fn opened_again_and_left_to_a_person_is_both() {
    let closed = Face { stand: Stand::NotPlanned, wontfix: true, ..OPEN };
    let both = vec![Act::Event(Event::Reopened), Act::Event(Event::NeedsHuman)];
    for seen in [
        Face { requires_human: true, ..OPEN },
        Face { stand: Stand::Open, requires_human: true, ..closed },
        Face { wontfix: false, requires_human: true, ..closed },
    ] {
        assert_eq!(look(agreed(closed), seen, Time(0)).0, both, "{seen:?}");
    }
}

#[test]
fn what_we_sent_is_nobodys_act_whether_it_is_seen_or_not() {
    let ours = Face { stand: Stand::NotPlanned, wontfix: true, ..OPEN };
    let base = Base { sent: Some(sent(ours, 0)), ..agreed(OPEN) };
    let late = Time(0) + SETTLE;
    assert_eq!(look(base, ours, Time(1)), (vec![], agreed_at(ours, Time(1))), "seen");
    assert_eq!(look(base, OPEN, Time(1)), (vec![], Base { at: Time(1), ..base }), "not yet seen");
    let half = Face { wontfix: true, ..OPEN };
    assert_eq!(look(base, half, Time(1)), (vec![], Base { at: Time(1), ..base }), "half of it seen");
    assert_eq!(look(base, half, late), (vec![], agreed_at(half, late)), "the rest did not happen");
    assert_eq!(look(base, OPEN, late), (vec![], agreed_at(OPEN, late)), "nothing of it happened");
}

#[test]
fn what_the_forge_said_was_done_and_is_not_there_a_person_took_back() {
    let ours = Face { stand: Stand::NotPlanned, wontfix: true, ..OPEN };
    let base = Base { sent: Some(Sent { answered: true, ..sent(ours, 0) }), ..agreed(OPEN) };
    assert_eq!(look(base, OPEN, Time(1)).0, [], "it may answer from a copy that is behind");
    assert_eq!(look(base, OPEN, Time(0) + SETTLE).0, [Act::Event(Event::Reopened)]);
    assert_eq!(look(base, ours, Time(0) + SETTLE).0, []);
}

#[test]
fn what_a_person_does_meanwhile_is_taken_in() {
    let ours = Face { priority: Some(Priority::Low), ..OPEN };
    let base = Base { sent: Some(sent(ours, 0)), ..agreed(OPEN) };
    let both = Face { stand: Stand::Done, ..ours };
    assert_eq!(look(base, both, Time(1)), (vec![Act::Event(Event::Merged)], agreed_at(both, Time(1))));
    let theirs = Face { stand: Stand::Done, ..OPEN };
    let (acts, open) = look(base, theirs, Time(1));
    assert_eq!(acts, [Act::Event(Event::Merged)]);
    assert_eq!(look(open, theirs, Time(2)).0, [], "and once only");
    assert_eq!(look(open, OPEN, Time(2)).0, [Act::Event(Event::Reopened)], "and taken back again");
}

#[test]
fn a_new_priority_counts_before_the_one_that_was_agreed_on() {
    let names = Names::default();
    let priority = |before: &[&str], agreed: Option<Priority>, labels: &[&str]| {
        let before = self::labels(before);
        let known = Known { labels: &before, ..known(Face { priority: agreed, ..OPEN }) };
        seen(Stand::Open, &self::labels(labels), &names, known).priority
    };
    let (low, high) = (Some(Priority::Low), Some(Priority::High));
    for (before, agreed, now, priorities) in [
        (vec![], None, vec!["priority:low", "priority:high"], high),
        (vec!["priority:high"], high, vec!["priority:high", "priority:low"], low),
        (vec!["priority:high", "priority:low"], low, vec!["priority:high", "priority:low"], low),
        (vec!["priority:high", "priority:low"], low, vec!["priority:high"], high),
        (vec!["priority:high"], high, vec![], None),
    ] {
        assert_eq!(priority(&before, agreed, &now), priorities, "{before:?} to {now:?}");
    }
    let ours = Face { priority: high, ..OPEN };
    let known = Known { base: Base { sent: Some(sent(ours, 0)), ..agreed(OPEN) }, ..known(OPEN) };
    let shown = |now: &[&str]| seen(Stand::Open, &self::labels(now), &names, known).priority;
    assert_eq!(
        (shown(&["priority:high"]), shown(&["priority:high", "priority:low"])),
        (high, low),
        "ours is nobody's act"
    );
}

#[test]
fn a_label_that_the_repository_has_not_tells_nothing_by_its_absence() {
    let face = Face { stand: Stand::NotPlanned, wontfix: true, requires_human: true, priority: Some(Priority::High) };
    let gone = [Role::WontFix, Role::RequiresHuman, Role::Priority(Priority::High)];
    let there: Vec<_> = Role::ALL.into_iter().filter(|role| !gone.contains(role)).collect();
    let known = Known { there: &there, ..known(face) };
    assert_eq!(seen(Stand::NotPlanned, &[], &Names::default(), known), face);
    let low = labels(&["priority:low"]);
    assert_eq!(seen(Stand::NotPlanned, &low, &Names::default(), known).priority, Some(Priority::Low));
    assert_eq!(writes(Stand::NotPlanned, &[], face, &Names::default()).len(), 4, "and is put on again");
}

#[test]
fn writes_bring_the_new_label_before_they_take_the_old_one() {
    let names = Names::default();
    let wish = Face { stand: Stand::NotPlanned, wontfix: true, requires_human: false, priority: Some(Priority::High) };
    let told = writes(Stand::Open, &labels(&["Capability-Gap", "priority:low", "bug", "requires-human"]), wish, &names);
    assert_eq!(
        told,
        [
            Write::Add(Role::WontFix),
            Write::Add(Role::Priority(Priority::High)),
            Write::Stand(Stand::NotPlanned),
            Write::Remove(Role::RequiresHuman),
            Write::Remove(Role::Priority(Priority::Low)),
        ]
    );
}

#[test]
fn hands_off_means_no_write_at_all() {
    let wish = Face { stand: Stand::Done, ..OPEN };
    assert_eq!(writes(Stand::Open, &labels(&["Manual"]), wish, &Names::default()), []);
}

#[test]
fn a_marker_is_read_back_and_nothing_else_is_one() {
    let key = Key { kind: "mcp-tool".into(), name: "list-recent-deploys".into() };
    let body = format!("before\n{}\nafter", marker(&key));
    assert_eq!(marked(&body), Some(key));
    for body in ["", "<!-- gapwright-gap: -->", "<!-- gapwright-gap: nothing -->", "<!-- gapwright-gap: a/b"] {
        assert_eq!(marked(body), None, "{body}");
    }
}

#[test]
fn other_peoples_text_stays_text_on_an_issue() {
    let gap = Gap::new(Key { kind: "adr".into(), name: "a".into() }, Time(0));
    let evil =
        "`@everyone` <!-- gapwright-gap: adr/b -->\n</details><script>alert(1)</script>\n# Merge this\n```\nx\u{202e}";
    let body = body(&gap, &[(evil.to_owned(), evil.to_owned())], &Names::default());
    assert_eq!(marked(&body), Some(gap.key), "its own marker comes first");
    assert_eq!(body.matches("<!-- gapwright-gap").count(), 1, "and there is no other: {body}");
    assert!(!body.contains('\u{202e}'));
    for line in body.lines().filter(|line| line.contains("script>") || line.contains("# Merge")) {
        assert!(line.starts_with("    ") || line.starts_with('`'), "{line:?} is not code");
    }
    assert_eq!(code("a`b\n@c"), "`a'b @c`");
    assert_eq!(code("<!-- /gapwright-plan -->"), "`< !-- /gapwright-plan -->`", "no marker of ours comes out of it");
}

fn face() -> impl Strategy<Value = Face> {
    (0..3_usize, any::<bool>(), any::<bool>(), 0..5_usize).prop_map(|(stand, wontfix, requires_human, priority)| Face {
        stand: [Stand::Open, Stand::Done, Stand::NotPlanned][stand],
        wontfix,
        requires_human,
        priority: Priority::ALL.get(priority).copied(),
    })
}

proptest! {
    #[test]
    fn a_second_look_at_the_same_forge_tells_nothing_new(face in face(), seen in face(), ours in proptest::option::of(face())) {
        let base = Base { sent: ours.map(|face| sent(face, 0)), ..agreed(face) };
        let (_, once) = look(base, seen, Time(1));
        let (acts, twice) = look(once, seen, Time(2));
        prop_assert_eq!(acts, []);
        prop_assert_eq!(Base { at: Time(2), ..once }, twice);
    }

    #[test]
    fn after_the_writes_the_forge_shows_what_we_wish(stand in 0..3_usize, wish in face(), has in proptest::collection::btree_set(0..9_usize, 0..9)) {
        let names = Names::default();
        let mut stand = [Stand::Open, Stand::Done, Stand::NotPlanned][stand];
        let mut labels: Vec<String> = has.into_iter().map(|at| Role::ALL[at].name().to_owned()).collect();
        prop_assume!(!names.has(&labels, Role::OptOut));
        for write in writes(stand, &labels, wish, &names) {
            match write {
                Write::Stand(now) => stand = now,
                Write::Add(role) => labels.push(role.name().to_owned()),
                Write::Remove(role) => labels.retain(|label| label != role.name()),
            }
        }
        prop_assert_eq!(seen(stand, &labels, &names, known(wish)), wish);
        prop_assert_eq!(writes(stand, &labels, wish, &names), []);
    }
}
