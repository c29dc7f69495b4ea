//! What is found by a look at the forge, case by case, and that looks and writes come to rest.

use proptest::prelude::*;

use super::*;
use crate::gap::Key;
use crate::pull::{Change, Hand, Reviewers};
use crate::time::Time;

fn pull(state: State) -> Pull {
    let gap = Key { kind: "adr".into(), name: "a".into() };
    let begun = Pull::begin("id".into(), gap, 1, "o/r".into(), Reviewers::Bots, Time(0));
    let change = Change {
        branch: "gapwright/a".into(),
        head: "h1".into(),
        onto: "main".into(),
        base: "b".into(),
        title: "t".into(),
        body: "b".into(),
        files: 1,
        lines: 1,
        visual: None,
        protected: None,
        risk: crate::gate::Risk::default(),
    };
    let mut pull = begun.with(change, Hand::Implementer);
    pull.there.number = Some(7);
    Pull { state, ..pull }
}

const KNOWN: Known = Known { dressed: true, closed: false, revising: false, iterations: 3 };

fn labels(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What the forge shows when all is as it is to be.
fn as_wished(pull: &Pull) -> Seen {
    let shown = pull.labels().into_iter().chain([Role::Gap, Role::OptIn, Role::Attempted]);
    Seen {
        stand: Stand::Open,
        head: "h1".into(),
        onto: "main".into(),
        labels: shown.map(|role| role.name().to_owned()).collect(),
        deeds: Vec::new(),
        standing: Vec::new(),
        wants_changes: Vec::new(),
        shared_head: false,
    }
}

fn by(login: &str, may_write: Option<bool>) -> Actor {
    Actor { login: login.into(), us: login == "us", may_write }
}

fn deed(role: Role, added: bool, by: Actor) -> Deed {
    Deed { role, added, by }
}

fn look(pull: &Pull, seen: &Seen) -> (Vec<Act>, Vec<Write>) {
    reconcile(pull, KNOWN, seen, &Names::default())
}

#[test]
fn what_is_as_it_is_to_be_is_left_alone() {
    for state in State::ALL.into_iter().filter(|state| state.is_live()) {
        let pull = pull(state);
        assert_eq!(look(&pull, &as_wished(&pull)), (vec![], vec![]), "{state}");
    }
}

#[test]
fn a_label_that_somebody_forged_is_told_and_put_back() {
    let pull = pull(State::NeedsReview);
    for (who, may_write) in [("mallory", Some(false)), ("joan", Some(true)), ("unknown", None)] {
        let mut seen = as_wished(&pull);
        seen.labels = labels(&["bot-approved-needs-human", "iteration:0", "capability-gap", "claude"]);
        let forged = deed(Role::NeedsHuman, true, by(who, may_write));
        let gone = deed(Role::NeedsReview, false, by(who, may_write));
        seen.deeds = vec![forged.clone(), gone.clone()];
        let (acts, writes) = look(&pull, &seen);
        assert_eq!(acts, [Act::Spoof(gone), Act::Spoof(forged)], "{who}");
        assert_eq!(writes, [Write::Add(Role::NeedsReview), Write::Remove(Role::NeedsHuman)], "{who}");
    }
}

#[test]
fn hands_off_is_honoured_at_once_from_whoever_may_write_or_is_not_known() {
    let pull = pull(State::NeedsReview);
    let mut seen = as_wished(&pull);
    seen.labels.push("manual".into());
    seen.labels.retain(|label| label != "needs-bot-review");
    for deeds in
        [vec![], vec![deed(Role::OptOut, true, by("joan", Some(true)))], vec![deed(Role::OptOut, true, by("x", None))]]
    {
        seen.standing = deeds;
        assert_eq!(look(&pull, &seen), (vec![Act::Hold(Some(Hold::OptedOut))], vec![]));
    }
    let forged = deed(Role::OptOut, true, by("mallory", Some(false)));
    seen.standing = vec![forged.clone()];
    let (acts, writes) = look(&pull, &seen);
    assert_eq!(acts, [Act::Spoof(forged)]);
    assert_eq!(writes, [Write::Remove(Role::OptOut), Write::Add(Role::NeedsReview)]);
}

#[test]
fn taking_the_opt_in_off_is_honoured_and_not_put_back() {
    let pull = pull(State::NeedsReview);
    let mut seen = as_wished(&pull);
    seen.labels.retain(|label| label != "claude");
    assert_eq!(look(&pull, &seen), (vec![Act::Hold(Some(Hold::NotOptedIn))], vec![]));
    let forged = deed(Role::OptIn, false, by("mallory", Some(false)));
    seen.standing = vec![forged.clone()];
    assert_eq!(look(&pull, &seen), (vec![Act::Spoof(forged)], vec![Write::Add(Role::OptIn)]));
    // Before it was ever dressed, it is to be dressed; but not against a person.
    let fresh = Known { dressed: false, ..KNOWN };
    seen.standing = vec![];
    let (acts, writes) = reconcile(&pull, fresh, &seen, &Names::default());
    assert_eq!((acts, writes), (vec![], vec![Write::Add(Role::OptIn)]));
    seen.standing = vec![deed(Role::OptIn, false, by("joan", Some(true)))];
    assert_eq!(reconcile(&pull, fresh, &seen, &Names::default()).0, [Act::Hold(Some(Hold::NotOptedIn))]);
}

#[test]
fn people_let_it_go_on_by_taking_a_label_off() {
    for (state, role) in [(State::Capped, Role::MaxIterations), (State::RequiresHuman, Role::RequiresHuman)] {
        let pull = pull(state);
        let mut seen = as_wished(&pull);
        seen.labels.retain(|label| label != role.name());
        seen.deeds = vec![deed(role, false, by("joan", Some(true)))];
        let (acts, writes) = look(&pull, &seen);
        assert!(matches!(acts.as_slice(), [Act::Event(Event::Resumed, _)]), "{state}: {acts:?}");
        assert_eq!(writes, []);
        for may_write in [Some(false), None] {
            seen.deeds = vec![deed(role, false, by("mallory", may_write))];
            let (acts, writes) = look(&pull, &seen);
            assert!(matches!(acts.as_slice(), [Act::Spoof(_)]), "{state}: {acts:?}");
            assert_eq!(writes, [Write::Add(role)]);
        }
    }
}

#[test]
fn what_a_person_asks_for_is_remembered_where_nobody_may_do_it_now() {
    for (state, iteration, events) in [
        (State::NeedsHuman, 0, vec![Event::ChangesRequested]),
        (State::NeedsHuman, 3, vec![Event::Capped, Event::ChangesRequested]),
        (State::Capped, 3, vec![Event::ChangesRequested]),
        (State::RequiresHuman, 0, vec![Event::ChangesRequested]),
        (State::ChangesRequested, 1, vec![]),
        (State::Merged, 0, vec![]),
    ] {
        let pull = Pull { iteration, ..pull(state) };
        let seen = Seen { wants_changes: vec![by("joan", Some(true))], ..as_wished(&pull) };
        let (acts, _) = look(&pull, &seen);
        let found = acts.iter().filter_map(|act| if let Act::Event(event, _) = act { Some(*event) } else { None });
        assert_eq!(found.collect::<Vec<_>>(), events, "{state}");
    }
    let closed = pull(State::Closed);
    let seen = Seen { stand: Stand::Open, wants_changes: vec![by("joan", Some(true))], ..as_wished(&closed) };
    let (acts, _) = reconcile(&closed, Known { closed: true, ..KNOWN }, &seen, &Names::default());
    assert!(
        matches!(acts.as_slice(), [Act::Event(Event::Reopened, _), Act::Event(Event::ChangesRequested, _)]),
        "who opens it again and asks at once is heard twice: {acts:?}"
    );
}

#[test]
fn the_end_of_a_pull_request_is_people_s() {
    let merged = Stand::Merged { by: Some("joan".into()) };
    for state in State::ALL {
        let pull = pull(state);
        let seen = Seen { stand: merged.clone(), ..as_wished(&pull) };
        let (acts, _) = look(&pull, &seen);
        let merges = matches!(acts.as_slice(), [Act::Event(Event::Merged, _)]);
        assert_eq!(merges, state != State::Merged, "{state}: {acts:?}");
    }
    let review = pull(State::NeedsReview);
    let seen = Seen { stand: Stand::Closed { by: None }, ..as_wished(&review) };
    assert!(matches!(look(&review, &seen).0.as_slice(), [Act::Event(Event::Closed, _)]));
    let closed = pull(State::WontFix);
    let open = as_wished(&closed);
    assert_eq!(look(&closed, &open), (vec![], vec![Write::Close]));
    let (acts, _) = reconcile(&closed, Known { closed: true, ..KNOWN }, &open, &Names::default());
    assert!(matches!(acts.as_slice(), [Act::Event(Event::Reopened, _)]));
}

#[test]
fn a_push_is_seen_unless_an_implementer_is_about_to_hand_it_in() {
    for (state, revising, seen_it) in [
        (State::NeedsHuman, false, true),
        (State::NeedsHuman, true, true),
        (State::ChangesRequested, true, false),
        (State::ChangesRequested, false, true),
        (State::Merged, false, false),
    ] {
        let pull = pull(state);
        let stand = if state == State::Merged { Stand::Merged { by: None } } else { Stand::Open };
        let seen = Seen { head: "h2".into(), stand, ..as_wished(&pull) };
        let (acts, _) = reconcile(&pull, Known { revising, ..KNOWN }, &seen, &Names::default());
        assert_eq!(acts.contains(&Act::Head("h2".into())), seen_it, "{state} {revising}: {acts:?}");
    }
}

#[test]
fn where_it_is_to_be_merged_into_another_branch_what_was_judged_is_another_change() {
    let pull = pull(State::NeedsHuman);
    let seen = Seen { onto: "release".into(), ..as_wished(&pull) };
    assert_eq!(look(&pull, &seen).0, [Act::Head("h1".into())]);
}

#[test]
fn wontfix_ends_it_once_and_is_put_back_however_long_ago_it_was_forged() {
    let alive = pull(State::NeedsReview);
    let mut seen = as_wished(&alive);
    seen.labels.push("wontfix".into());
    assert!(matches!(look(&alive, &seen).0.as_slice(), [Act::WontFix(_)]));
    let forged = deed(Role::WontFix, true, by("mallory", Some(false)));
    seen.standing = vec![forged.clone()];
    assert_eq!(look(&alive, &seen), (vec![Act::Spoof(forged)], vec![Write::Remove(Role::WontFix)]));
    let ended = pull(State::Closed);
    let mut seen = as_wished(&ended);
    seen.labels.push("wontfix".into());
    assert_eq!(look(&ended, &seen), (vec![], vec![Write::Close]), "what has ended is closed there");
}

#[test]
fn a_person_who_may_write_sends_it_back() {
    let mut pull = pull(State::NeedsHuman);
    let mut seen = as_wished(&pull);
    for (who, expect) in [
        (by("joan", Some(true)), Some(Event::ChangesRequested)),
        (by("mallory", Some(false)), None),
        (by("unknown", None), None),
    ] {
        seen.wants_changes = vec![who];
        let event = look(&pull, &seen).0.into_iter().find_map(|act| match act {
            Act::Event(event, _) => Some(event),
            Act::WontFix(_) | Act::Head(_) | Act::Hold(_) | Act::Spoof(_) => None,
        });
        assert_eq!(event, expect);
    }
    pull.iteration = 3;
    seen.wants_changes = vec![by("joan", Some(true))];
    let acts = look(&pull, &seen).0;
    assert!(
        matches!(acts.as_slice(), [Act::Event(Event::Capped, _), Act::Event(Event::ChangesRequested, _)]),
        "{acts:?}"
    );
}

proptest! {
    /// From whatever labels, by whomever: what is written comes to rest, shows one state, and never touches the labels that
    /// are people's.
    #[test]
    fn labels_converge_from_any_set_and_people_s_own_stay(
        state in 0..State::ALL.len(),
        has in prop::collection::btree_set(0..Role::ALL.len(), 0..12),
        extra in any::<bool>(),
    ) {
        let pull = pull(State::ALL[state]);
        prop_assume!(pull.state.is_live());
        let mut seen = as_wished(&pull);
        seen.labels = has.into_iter().map(|at| Role::ALL[at].name().to_owned()).collect();
        if extra { seen.labels.push("people's own".into()); }
        prop_assume!(!seen.labels.contains(&"wontfix".to_owned()));
        let before = seen.labels.clone();
        let mut now = pull.clone();
        for _ in 0..3 {
            let (acts, writes) = look(&now, &seen);
            for act in acts {
                if let Act::Hold(hold) = act { now.hold = hold; }
            }
            for write in writes {
                match write {
                    Write::Add(role) => seen.labels.push(role.name().to_owned()),
                    Write::Remove(role) => seen.labels.retain(|label| label != role.name()),
                    Write::Close => prop_assert!(false, "it is open"),
                }
            }
        }
        prop_assert_eq!(look(&now, &seen), (vec![], vec![]));
        let is_ours = |label: &String| OF_PULLS.iter().any(|role| role.name() == label);
        let theirs = |labels: &[String]| labels.iter().filter(|label| !is_ours(label)).cloned().collect::<Vec<_>>();
        prop_assert_eq!(theirs(&before), theirs(&seen.labels));
        if now.hold.is_none() {
            let mut shown: Vec<_> = seen.labels.iter().filter(|label| is_ours(label)).cloned().collect();
            let mut wished: Vec<_> = now.labels().into_iter().map(|role| role.name().to_owned()).collect();
            shown.sort();
            wished.sort();
            prop_assert_eq!(shown, wished);
        } else {
            prop_assert_eq!(before, seen.labels);
        }
    }
}
