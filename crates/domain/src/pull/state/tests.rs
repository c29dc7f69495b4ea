//! The table, whole: what leads where, and what never does.

use super::*;

fn every() -> impl Iterator<Item = (State, Event, Reviewers)> {
    [Reviewers::Bots, Reviewers::People].into_iter().flat_map(|reviewers| {
        State::ALL.into_iter().flat_map(move |state| Event::ALL.into_iter().map(move |event| (state, event, reviewers)))
    })
}

#[test]
fn the_tables_are_those_that_the_documents_show() {
    let page = include_str!("../../../../../docs/reference/pulls.md");
    let shown = |marker: &str| {
        let after = page.split(marker).nth(1).unwrap_or_default();
        after.split("\n\n").next().unwrap_or_default().trim().to_owned()
    };
    for (marker, table) in [
        ("<!-- reviewed by bots -->\n", table(Reviewers::Bots)),
        ("<!-- reviewed by people -->\n", table(Reviewers::People)),
        ("<!-- states -->\n", effects()),
    ] {
        assert_eq!(shown(marker), table.trim(), "docs/reference/pulls.md, after {marker}, is to read:\n{table}");
    }
}

#[test]
fn only_a_merge_by_people_merges_and_it_is_for_good() {
    for (state, event, reviewers) in every() {
        let next = state.step(event, reviewers);
        if next == Ok(State::Merged) {
            assert_eq!(event, Event::Merged, "{state}");
        }
        if state == State::Merged {
            assert!(next.is_err(), "{event}");
        }
    }
}

#[test]
fn a_person_s_turn_comes_only_by_the_merger_or_where_bots_may_not_go_on() {
    for (state, event, reviewers) in every() {
        let Ok(next) = state.step(event, reviewers) else { continue };
        let why = format!("{state} {event}");
        match next {
            State::NeedsHuman => assert_eq!((state, event), (State::Approved, Event::Passed), "{why}"),
            State::NeedsVisual => assert_eq!((state, event), (State::Approved, Event::NeedsLooking), "{why}"),
            State::Approved => assert_eq!((state, event), (State::NeedsReview, Event::Approved), "{why}"),
            State::Proposed => assert_eq!(reviewers, Reviewers::People, "{why}"),
            State::NeedsReview => assert_eq!(reviewers, Reviewers::Bots, "{why}"),
            State::Planning
            | State::Implementing
            | State::Opening
            | State::ChangesRequested
            | State::Capped
            | State::RequiresHuman
            | State::WontFix
            | State::Closed
            | State::Merged => {}
        }
    }
}

#[test]
fn a_push_takes_every_approval_back() {
    for state in [State::Approved, State::NeedsHuman, State::NeedsVisual, State::ChangesRequested] {
        assert_eq!(state.step(Event::Pushed, Reviewers::Bots), Ok(State::NeedsReview), "{state}");
    }
}

#[test]
fn what_is_live_has_a_turn_or_waits_for_the_forge() {
    for state in State::ALL.into_iter().filter(|state| state.is_live()) {
        let turns = i32::from(state.stage().is_some()) + i32::from(state.needs_person());
        assert_eq!(turns, i32::from(state != State::Opening), "{state}");
    }
}

#[test]
fn a_state_reads_back_as_it_is_written() {
    for state in State::ALL {
        assert_eq!(State::parse(state.name()), Ok(state));
    }
    assert!(State::parse("open").is_err());
}
