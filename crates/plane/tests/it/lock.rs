//! Locks: who gets one, for how long, and with which token.

use domain::lock::{Lock, Miss, Shorten};
use domain::refusal::Code;
use domain::time::{Span, Time};
use harness::plane::START;
use harness::{World, both};
use plane::lock::Acquired;
use plane::{Call, Plane};

use crate::given::{ann, bob, code, operator, walk};

const MINUTE: Span = Span::mins(1);

async fn acquire(plane: &Plane, by: &Call, key: &str) -> Result<Lock, Lock> {
    match plane.acquire_lock(by, key, "holder", MINUTE).await.expect("an answer") {
        Acquired::Granted(lock) => Ok(lock),
        Acquired::Held { lock, .. } => Err(lock),
    }
}

async fn granted(plane: &Plane, by: &Call, key: &str) -> Lock {
    acquire(plane, by, key).await.expect("a free lock")
}

both!(a_live_lock_refuses_everyone_its_holder_too_and_says_until_when, async |world| {
    let lock = granted(&world.plane, &ann(), "k").await;
    assert_eq!((lock.principal.as_str(), lock.acquired_at, lock.expires_at), ("ann", START, START + MINUTE));
    for by in [ann(), bob(), operator()] {
        assert_eq!(acquire(&world.plane, &by, "k").await, Err(lock.clone()), "{}", by.by.name);
    }
    granted(&world.plane, &bob(), "another").await;
});

both!(only_an_expired_lock_is_taken_over_and_by_a_new_handle, async |world| {
    let first = granted(&world.plane, &ann(), "k").await;
    world.hand.set(first.expires_at - Span(1));
    assert_eq!(acquire(&world.plane, &bob(), "k").await, Err(first.clone()));
    world.hand.set(first.expires_at);
    let second = granted(&world.plane, &bob(), "k").await;
    assert_ne!(second.lock_id, first.lock_id);
    assert!(second.fencing_token > first.fencing_token);
    let late = world.plane.release_lock(&ann(), &first.lock_id).await.expect("an answer");
    assert_eq!(late, Err(Miss::NotFound), "the old handle guards nothing any more");
});

both!(inv_1_the_token_grows_across_release_expiry_retention_and_a_restart_with_the_clock_set_back, async |world| {
    let mut last = granted(&world.plane, &ann(), "k").await;
    let grows = |next: Lock, last: &Lock, what: &str| {
        assert!(next.fencing_token > last.fencing_token, "{what}: {} after {}", next.fencing_token, last.fencing_token);
        next
    };
    world.plane.release_lock(&ann(), &last.lock_id).await.expect("an answer").expect("released");
    last = grows(granted(&world.plane, &ann(), "k").await, &last, "release");
    world.hand.advance(MINUTE);
    last = grows(granted(&world.plane, &bob(), "k").await, &last, "expiry");
    world.plane.break_lock(&operator(), "k").await.expect("broken");
    last = grows(granted(&world.plane, &bob(), "k").await, &last, "a break");
    world.hand.advance(Span::hours(2));
    let mut tx = world.store().begin().await.expect("a transaction");
    assert_eq!(store::lock::forget(&mut tx, world.hand.now()).await.expect("an answer"), 1);
    tx.commit().await.expect("a commit");
    world.hand.set(Time(START.0 - 86_400_000));
    let restarted = world.replica().await;
    last = grows(granted(&restarted, &ann(), "k").await, &last, "retention and a clock set back a day");
    world.hand.set(Time(0));
    world.plane.release_lock(&ann(), &last.lock_id).await.expect("an answer").expect("released");
    grows(granted(&restarted, &ann(), "k").await, &last, "a clock set back to nothing");
});

both!(inv_2_who_asks_after_another_was_answered_gets_the_larger_token, async |world| {
    let replica = world.replica().await;
    let mut last = i64::MIN;
    for round in 0..20 {
        let plane = if round % 2 == 0 { &world.plane } else { &replica };
        let lock = granted(plane, &ann(), "k").await;
        assert!(lock.fencing_token > last, "round {round}");
        last = lock.fencing_token;
        plane.release_lock(&ann(), &lock.lock_id).await.expect("an answer").expect("released");
    }
});

both!(sixteen_callers_of_two_replicas_race_for_one_lock_and_one_gets_it, async |world| {
    let replica = world.replica().await;
    for round in 0..5 {
        let mut races = Vec::new();
        for racer in 0..16 {
            let plane = if racer % 2 == 0 { world.plane.clone() } else { replica.clone() };
            races.push(tokio::spawn(async move { acquire(&plane, &ann(), &format!("k{round}")).await }));
        }
        let mut answers = Vec::new();
        for race in races {
            answers.push(race.await.expect("no panic"));
        }
        let winners: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        let seen = answers.iter().filter_map(|answer| answer.as_ref().err());
        assert!(seen.into_iter().all(|lock| lock == winners[0]), "everyone is told of the same holder");
    }
});

both!(extend_prolongs_and_does_not_shorten_unless_asked, async |world| {
    let lock = granted(&world.plane, &ann(), "k").await;
    let until = async |secs, shorten| {
        let answer = world.plane.extend_lock(&ann(), &lock.lock_id, Span::secs(secs), shorten).await;
        answer.expect("an answer").map(|lock| lock.expires_at)
    };
    assert_eq!(until(30, Shorten::Never).await, Ok(START + MINUTE));
    assert_eq!(until(90, Shorten::Never).await, Ok(START + Span::secs(90)));
    assert_eq!(until(10, Shorten::Allowed).await, Ok(START + Span::secs(10)));
    world.hand.advance(Span::secs(10));
    assert_eq!(until(90, Shorten::Allowed).await, Err(Miss::Expired));
});

both!(a_handle_guards_extend_and_release_against_everyone_but_its_holder_and_the_operator, async |world| {
    let lock = granted(&world.plane, &ann(), "k").await;
    let strange = world.plane.release_lock(&bob(), &lock.lock_id).await.expect("an answer");
    assert_eq!(strange, Err(Miss::NotYours));
    let strange = world.plane.extend_lock(&bob(), &lock.lock_id, MINUTE, Shorten::Never).await.expect("an answer");
    assert_eq!(strange, Err(Miss::NotYours));
    for malformed in ["", "k", "01ARZ3NDEKTSV4RRFFQ69G5FA", "' OR 1=1 --"] {
        assert_eq!(code(world.plane.release_lock(&ann(), malformed).await), Code::InvalidArgument, "{malformed:?}");
    }
    world
        .plane
        .extend_lock(&operator(), &lock.lock_id, MINUTE, Shorten::Never)
        .await
        .expect("an answer")
        .expect("hers");
    world.plane.release_lock(&ann(), &lock.lock_id).await.expect("an answer").expect("released");
    let again = world.plane.release_lock(&ann(), &lock.lock_id).await.expect("an answer");
    assert_eq!(again, Err(Miss::NotFound), "the second time is false");
});

both!(only_an_operator_breaks_a_lock_and_only_one_that_stands, async |world| {
    granted(&world.plane, &ann(), "k").await;
    assert_eq!(code(world.plane.break_lock(&ann(), "k").await), Code::Forbidden);
    world.plane.break_lock(&operator(), "k").await.expect("broken");
    assert_eq!(code(world.plane.break_lock(&operator(), "k").await), Code::NotFound);
});

both!(a_key_or_holder_out_of_bounds_is_refused_before_anything_is_touched, async |world| {
    let long = "k".repeat(201);
    for (key, holder) in
        [("", "h"), (&long, "h"), ("k", ""), ("k", &long), (" k", "h"), ("k\u{202e}", "h"), ("a\0b", "h")]
    {
        let answer = world.plane.acquire_lock(&ann(), key, holder, MINUTE).await;
        assert_eq!(code(answer), Code::InvalidArgument, "{key:?} {holder:?}");
    }
    assert_eq!(code(world.plane.acquire_lock(&ann(), "routine-job-x", "h", MINUTE).await), Code::InvalidArgument);
    assert!(crate::given::journal(&world.plane).await.is_empty());
});

/// Puts 500 locks into the store, many of which expire at one moment.
async fn five_hundred(world: &World) -> Vec<String> {
    let mut tx = world.store().begin().await.expect("a transaction");
    let mut keys = Vec::new();
    for n in 0..500_i64 {
        let (key, secs) = (format!("k{:03}", (n * 37) % 500), n % 3);
        let lock = Lock {
            key: key.clone(),
            lock_id: format!("id{n}"),
            holder: "h".into(),
            principal: "ann".into(),
            fencing_token: n + 1,
            acquired_at: START,
            expires_at: START + Span::secs(10 + secs),
        };
        store::lock::put(&mut tx, &lock).await.expect("a row");
        keys.push((secs, key));
    }
    tx.commit().await.expect("a commit");
    keys.sort();
    keys.into_iter().map(|(_, key)| key).collect()
}

both!(five_hundred_locks_are_walked_without_loss_or_repetition, async |world| {
    world.spoil();
    let expected = five_hundred(world).await;
    for limit in [1, 50, 199, 200] {
        let locks = walk(limit, async |ask| world.plane.list_locks(&ann(), None, ask).await).await;
        let keys: Vec<_> = locks.into_iter().map(|lock| lock.key).collect();
        assert_eq!(keys, expected, "by pages of {limit}");
    }
    let some = walk(7, async |ask| world.plane.list_locks(&ann(), Some("k00"), ask).await).await;
    assert_eq!(some.len(), 10);
});
