//! Pull requests as people look at them: those that have waited longest, those that moved last, and how many stand how.

use domain::pull::{Hold, Pull, State};
use domain::time::{Span, Time};
use harness::plane::START;
use harness::{World, both};
use store::Fault;
use store::pull::{Stored, board};

use crate::given::{add_pulls, look, pull, write};

/// So many minutes before everything begins.
fn ago(mins: i64) -> Time {
    START - Span::mins(mins)
}

fn ids(pulls: Vec<Stored>) -> Vec<String> {
    pulls.into_iter().map(|stored| stored.pull.id).collect()
}

async fn waiting(world: &World, state: State, limit: i64) -> Vec<String> {
    ids(look(world, async |tx| board::waiting(tx, state, limit).await).await)
}

async fn newest(world: &World, limit: i64) -> Vec<String> {
    ids(look(world, async |tx| board::newest(tx, limit).await).await)
}

both!(of_those_that_stand_so_the_one_that_has_waited_longest_comes_first, async |world| {
    add_pulls(
        world,
        &[
            pull("b", State::NeedsHuman, ago(5)),
            pull("a", State::NeedsHuman, ago(9)),
            pull("c", State::NeedsHuman, ago(7)),
            pull("looked at", State::NeedsVisual, ago(99)),
            pull("merged", State::Merged, ago(99)),
        ],
    )
    .await;
    assert_eq!(waiting(world, State::NeedsHuman, 9).await, ["a", "c", "b"]);
    assert_eq!(waiting(world, State::NeedsHuman, 2).await, ["a", "c"], "no more than are asked for");
    assert_eq!(waiting(world, State::NeedsVisual, 9).await, ["looked at"]);
    assert_eq!(waiting(world, State::Capped, 9).await, Vec::<String>::new());
});

both!(what_is_held_waits_for_nobody, async |world| {
    let holds = Hold::ALL.map(|hold| Pull { hold: Some(hold), ..pull(hold.name(), State::Capped, ago(9)) });
    add_pulls(world, &holds).await;
    add_pulls(world, &[pull("free", State::Capped, ago(1))]).await;
    assert_eq!(waiting(world, State::Capped, 9).await, ["free"]);
    let mut shown = newest(world, 9).await;
    shown.sort();
    assert_eq!(shown, ["free", "not_opted_in", "opted_out", "shared_head"], "and is under way all the same");
});

both!(of_one_moment_both_engines_give_one_order, async |world| {
    let ids = ["B", "a", "b", "z", "é"];
    add_pulls(world, &ids.map(|id| pull(id, State::Proposed, ago(3)))).await;
    let last_first: Vec<_> = ids.into_iter().rev().collect();
    assert_eq!(waiting(world, State::Proposed, 9).await, last_first);
    assert_eq!(newest(world, 9).await, ids);
    assert_eq!(newest(world, 2).await, ["B", "a"]);
});

both!(
    those_under_way_come_by_their_latest_change_so_many_of_each_state_and_those_that_ended_not_at_all,
    async |world| {
        let live: Vec<_> = State::ALL.into_iter().filter(|state| state.is_live()).map(State::name).collect();
        for (nth, mins) in [("1", 0), ("2", 100), ("3", 200)] {
            let each = State::ALL.into_iter().zip(1..);
            let each: Vec<_> =
                each.map(|(state, n)| pull(&format!("{} {nth}", state.name()), state, ago(mins + n))).collect();
            add_pulls(world, &each).await;
        }
        let of = |nth: &str| live.iter().map(|state| format!("{state} {nth}")).collect::<Vec<_>>();
        assert_eq!(newest(world, 99).await, [of("1"), of("2"), of("3")].concat());
        assert_eq!(newest(world, 3).await.len(), 3 * live.len());
        assert_eq!(newest(world, 2).await, [of("1"), of("2")].concat(), "the last two of each");
        write(world, async |tx| {
            let was = store::pull::load(tx, "capped 3").await?.expect("it is there");
            let moved = Pull { changed_at: START, ..was.pull.clone() };
            store::pull::write(tx, &was, &moved, &was.seen).await
        })
        .await;
        let shown = newest(world, 1).await;
        assert_eq!(shown[0], "capped 3", "what moves comes to the front");
        assert!(shown.len() == live.len() && !shown.contains(&"capped 1".to_owned()), "{shown:?}");
    }
);

both!(those_under_way_are_counted_by_how_they_stand, async |world| {
    let count = async || {
        let mut counts = look(world, async |tx| board::count(tx).await).await;
        counts.sort_by_key(|(state, _)| state.name());
        counts
    };
    assert_eq!(count().await, [], "none is none");
    let ended = [State::WontFix, State::Closed, State::Merged];
    add_pulls(world, &ended.map(|state| pull(state.name(), state, ago(1)))).await;
    assert_eq!(count().await, [], "those that ended are not under way");
    let held = Pull { hold: Some(Hold::OptedOut), ..pull("held", State::Planning, ago(1)) };
    add_pulls(world, &[pull("a", State::Planning, ago(2)), held, pull("b", State::Capped, ago(3))]).await;
    assert_eq!(count().await, [(State::Capped, 1), (State::Planning, 2)]);
});

both!(a_row_that_makes_no_sense_is_named_with_its_place, async |world| {
    world.spoil();
    add_pulls(world, &[pull("a", State::Capped, ago(1))]).await;
    let spoil = "UPDATE pull SET change = 'no JSON' WHERE id = 'a'";
    assert_eq!(write(world, async |tx| tx.run(spoil, &[]).await).await, 1);
    let mut tx = world.store().read().await.expect("a look");
    for spoilt in [board::newest(&mut tx, 9).await, board::waiting(&mut tx, State::Capped, 9).await] {
        assert!(matches!(spoilt, Err(Fault::Corrupt { table: "pull", column: "change", .. })), "{spoilt:?}");
    }
});
