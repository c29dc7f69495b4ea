//! Guards in the SQL itself: a write that was decided on another state than the one it meets changes nothing.

use domain::job::{Claim, Job, State};
use domain::lock::Lock;
use domain::time::{Span, Time};
use harness::plane::START;
use harness::{On, World, both};
use store::Fault;

use crate::given;

fn lock(token: i64, expires_at: Time) -> Lock {
    Lock {
        key: "k".into(),
        lock_id: format!("id-{token}"),
        holder: "ann".into(),
        principal: "ann".into(),
        fencing_token: token,
        acquired_at: START,
        expires_at,
    }
}

async fn put(world: &World, lock: &Lock) -> Result<(), Fault> {
    let mut tx = world.store().begin().await?;
    store::lock::put(&mut tx, lock).await?;
    tx.commit().await
}

both!(inv_3_a_write_with_a_token_that_is_not_larger_changes_nothing, async |world| {
    world.spoil();
    put(world, &lock(5, START + Span::secs(1))).await.expect("the first");
    for token in [5, 4, 0, -1, i64::MIN] {
        let refused = put(world, &lock(token, START + Span::secs(99))).await;
        assert!(matches!(refused, Err(Fault::Conflict)), "{token}: {refused:?}");
    }
    let mut tx = world.store().begin().await.expect("a transaction");
    assert_eq!(store::lock::load(&mut tx, "k").await.expect("a look"), Some(lock(5, START + Span::secs(1))));
});

both!(inv_1_a_counter_is_never_lowered, async |world| {
    let mut tx = world.store().begin().await.expect("a transaction");
    for (raise, stands) in [(7, 7), (6, 7), (-1, 7), (8, 8)] {
        store::fence::raise(&mut tx, "k", raise).await.expect("a raise");
        assert_eq!(store::fence::load(&mut tx, "k").await.expect("a counter"), stands);
    }
});

fn job(token: i64, state: State) -> Job {
    Job { fencing_token: token, changed_at: Time(0), ..given::job("j", state) }
}

both!(a_job_is_written_only_over_the_state_that_was_decided_on, async |world| {
    world.spoil();
    let claim = Claim {
        id: "c".into(),
        holder: "ann".into(),
        principal: "ann".into(),
        claimed_at: START,
        expires_at: START + Span::secs(9),
        progress: None,
    };
    let held = job(3, State::Held(claim));
    let mut tx = world.store().begin().await.expect("a transaction");
    assert!(store::job::add(&mut tx, &held).await.expect("a row"));
    assert!(!store::job::add(&mut tx, &job(9, State::Ready)).await.expect("an answer"), "the name is taken");
    for was in [job(3, State::Ready), job(2, held.state.clone()), job(4, held.state.clone())] {
        let refused = store::job::write(&mut tx, &was, &job(10, State::Idle)).await;
        assert!(matches!(refused, Err(Fault::Conflict)), "{was:?}: {refused:?}");
    }
    assert!(matches!(store::job::remove(&mut tx, &job(2, State::Idle)).await, Err(Fault::Conflict)));
    assert_eq!(store::job::find(&mut tx, "j").await.expect("a look"), Some(held.clone()));
    store::job::write(&mut tx, &held, &job(10, State::Idle)).await.expect("the state that it was");
});

both!(a_late_word_about_an_earlier_try_changes_nothing_unless_it_arrived, async |world| {
    world.spoil();
    let mut tx = world.store().begin().await.expect("a transaction");
    let effect = domain::effect::Notify {
        channel: "ops".into(),
        level: domain::notice::Level::Info,
        text: "t".into(),
        link: None,
    };
    store::outbox::add(&mut tx, "m", &effect).await.expect("a row");
    let taken = store::outbox::take(&mut tx, "ops", START).await.expect("taken").remove(0);
    let (until, hour) = (START + Span::mins(1), START + Span::hours(1));
    let first = store::outbox::begin_try(&mut tx, &taken, START).await.expect("an answer").expect("it is ours");
    assert_eq!(store::outbox::begin_try(&mut tx, &taken, until).await.expect("an answer"), None, "another has begun");
    let second = store::outbox::begin_try(&mut tx, &first, until).await.expect("an answer").expect("it is ours");
    assert_eq!((first.attempts, second.attempts), (1, 2));
    store::outbox::later(&mut tx, &first, hour, "late").await.expect("an answer");
    store::outbox::untried(&mut tx, &taken, hour).await.expect("an answer");
    store::outbox::dead(&mut tx, &first, "late").await.expect("an answer");
    assert_eq!(store::outbox::find(&mut tx, "m").await.expect("a look").as_ref(), Some(&second));
    store::outbox::later(&mut tx, &second, hour, "its own").await.expect("an answer");
    let waits = store::outbox::find(&mut tx, "m").await.expect("a look").expect("the row");
    assert_eq!((waits.next_at, waits.last_error.as_deref()), (hour.0, Some("its own")));
    store::outbox::sent(&mut tx, "m").await.expect("an answer");
    assert_eq!(store::outbox::find(&mut tx, "m").await.expect("a look").expect("the row").state, "sent");
});

/// Retention reads what expired and then deletes it. A lock that is taken again in between must stay.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_taken_again_while_retention_runs_is_not_removed() {
    let world = World::new(On::Postgres).await;
    put(&world, &lock(1, START - Span::hours(2))).await.expect("an old lock");
    let other = world.open().await;
    let mut taker = other.begin().await.expect("the taker's transaction");
    let fresh = lock(2, START + Span::secs(60));
    store::lock::put(&mut taker, &fresh).await.expect("the lock taken again");
    let store = world.store().clone();
    let retention = tokio::spawn(async move {
        let mut tx = store.begin().await?;
        let forgotten = store::lock::forget(&mut tx, START - Span::hours(1)).await?;
        tx.commit().await?;
        Ok::<_, Fault>(forgotten)
    });
    await_a_wait(&other).await;
    taker.commit().await.expect("a commit");
    assert_eq!(retention.await.expect("no panic").expect("an answer"), 0, "a live lock was removed");
    let mut tx = world.store().begin().await.expect("a transaction");
    assert_eq!(store::lock::load(&mut tx, "k").await.expect("a look"), Some(fresh));
    drop(tx);
    world.discard().await;
}

/// Returns when somebody in this database waits for a row.
async fn await_a_wait(store: &store::Store) {
    const WAITING: &str =
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    loop {
        let mut tx = store.read().await.expect("a look");
        if tx.one::<(i64,)>(WAITING, &[]).await.expect("a count").is_some_and(|(count,)| count > 0) {
            return;
        }
    }
}
