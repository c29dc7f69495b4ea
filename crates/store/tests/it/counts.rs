//! Counts of everything at a glance: each of its own rows alone, as they stand at the moment, and none further than a page
//! tells. And the mark of the last thing that was done.

use domain::agent::{Principal, Role};
use domain::decision::{self, Decision};
use domain::gap::{self, Gap, Key};
use domain::job::{Job, State};
use domain::journal::{Act, Entry};
use domain::lock::Lock;
use domain::pull;
use domain::switch::Scope;
use domain::time::{Span, Time};
use harness::plane::START;
use harness::{World, both};
use store::figure::{self, COUNTED_MAX, Counts};

use crate::given::{add, add_pulls, held, job, look, pull, write};

async fn counts(world: &World) -> Counts {
    look(world, async |tx| figure::counts(tx).await).await
}

fn key(name: &str) -> Key {
    Key { kind: "adr".into(), name: name.into() }
}

async fn lock(world: &World, token: i64, expires_at: Time) {
    let (key, lock_id) = (format!("k{token}"), format!("id{token}"));
    let (holder, principal) = ("ann".into(), "ann".into());
    let lock = Lock { key, lock_id, holder, principal, fencing_token: token, acquired_at: START, expires_at };
    write(world, async |tx| store::lock::put(tx, &lock).await).await;
}

both!(jobs_are_counted_by_how_they_stand_and_locks_while_they_last, async |world| {
    world.spoil();
    assert_eq!(counts(world).await, Counts::default(), "of nothing there is nothing");
    add(
        world,
        &[
            job("r1", State::Ready),
            job("r2", State::Ready),
            job("r3", State::Ready),
            job("h1", held("h1", "ann", START + Span(1))),
            // A claim that expired is at work until somebody sees that it is not.
            job("h2", held("h2", "ann", START - Span(1))),
            job("d", State::Dead),
            job("w", State::Waiting),
            Job { next_run_at: None, ..job("i", State::Idle) },
        ],
    )
    .await;
    lock(world, 1, START + Span(1)).await;
    lock(world, 2, START).await;
    let expected = Counts { ready: 3, held: 2, dead: 1, locks: 1, ..Counts::default() };
    assert_eq!(counts(world).await, expected);
    world.hand.advance(Span(1));
    assert_eq!(counts(world).await, Counts { locks: 0, ..expected }, "a lock ends by itself");
});

both!(gaps_and_pull_requests_count_while_anything_is_still_to_become_of_them, async |world| {
    world.spoil();
    let live = gap::State::ALL.into_iter().filter(|state| state.is_live()).count();
    write(world, async |tx| {
        for state in gap::State::ALL {
            store::gap::add(tx, &Gap { state, ..Gap::new(key(state.name()), START) }).await?;
        }
        Ok(())
    })
    .await;
    add_pulls(world, &pull::State::ALL.map(|state| pull(state.name(), state, START))).await;
    let pulls = pull::State::ALL.into_iter().filter(|state| state.is_live()).count();
    assert_eq!((live, pulls), (6, 11));
    assert_eq!(counts(world).await, Counts { gaps: 6, pulls: 11, ..Counts::default() });
});

both!(what_people_have_answered_is_not_counted_and_one_kind_that_is_off_is_not_everything, async |world| {
    let question = |id: &str, state| Decision {
        id: id.into(),
        job: "j".into(),
        pull: None,
        principal: "ann".into(),
        question: "which?".into(),
        options: vec!["this".into(), "that".into()],
        asked_at: START,
        expires_at: START + Span::hours(1),
        state,
    };
    write(world, async |tx| {
        let answered = decision::State::Answered { option: 1, by: "olga".into(), at: START };
        for (id, state) in [("a", decision::State::Open), ("b", answered), ("c", decision::State::Expired)] {
            store::decision::add(tx, &question(id, state)).await?;
        }
        store::switch::put(tx, &Scope::Kind("digest".into()), "olga", "it is broken").await
    })
    .await;
    let expected = Counts { decisions: 1, ..Counts::default() };
    assert_eq!(counts(world).await, expected);
    write(world, async |tx| store::switch::put(tx, &Scope::All, "olga", "all of it").await).await;
    assert_eq!(counts(world).await, Counts { all_off: 1, ..expected });
    write(world, async |tx| store::switch::remove(tx, &Scope::All).await).await;
    assert_eq!(counts(world).await, expected);
});

both!(nothing_is_counted_further_than_one_more_than_a_page_tells, async |world| {
    let insert = "INSERT INTO job (name, kind, priority, max_attempts, created_by, created_at, state, next_run_at, attempts,
                    fencing_token, changed_at)
                  SELECT 'j' || CAST(a.shard * 4096 + b.shard * 64 + c.shard AS TEXT), 'k', 0, 1, 'p', 0, 'ready', 1, 0, 0, 0
                    FROM fence AS a CROSS JOIN fence AS b CROSS JOIN fence AS c
                   WHERE a.shard * 4096 + b.shard * 64 + c.shard < 10000";
    assert_eq!(write(world, async |tx| tx.run(insert, &[]).await).await, 10_000);
    assert_eq!(counts(world).await.ready, COUNTED_MAX, "so many are counted to the last");
    add(world, &[job("one more", State::Ready)]).await;
    assert_eq!(counts(world).await.ready, COUNTED_MAX + 1);
    add(world, &[job("and one more", State::Ready), job("dead", State::Dead)]).await;
    let counted = counts(world).await;
    assert_eq!((counted.ready, counted.dead), (COUNTED_MAX + 1, 1), "from here on it is only many, of this alone");
});

both!(the_mark_is_of_the_last_entry_by_moment_and_id, async |world| {
    let mark = async || look(world, async |tx| figure::newest(tx).await).await;
    assert_eq!(mark().await, None);
    let by = Principal::local("ann", Role::Routine);
    for (id, at, newest) in [("b", 5, "b"), ("a", 5, "b"), ("c", 4, "b"), ("d", 5, "d"), ("a0", 6, "a0")] {
        let (before, after) = (String::new(), String::new());
        let act = Act { tool: "exam", object: "job:x".into(), before, after };
        let entry = Entry::new(id.into(), act, &by, "request", START + Span(at));
        write(world, async |tx| store::journal::append(tx, &entry).await).await;
        let found = mark().await.expect("a mark");
        assert_eq!(found.1, newest, "after {id}");
        assert_eq!(mark().await, Some(found), "while nothing is done it stays");
    }
});
