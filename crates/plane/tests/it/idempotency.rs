//! Asking again: the first answer comes back, and nothing happens twice.

use domain::agent::Role;
use domain::notice::Level;
use domain::refusal::Code;
use domain::time::Span;
use harness::{Discord, both, call, keyed};
use plane::agent::Grant;
use plane::job::{Claimed, Kept, Upsert};
use plane::lock::Acquired;

use crate::given::{ann, bob, code, due, end, hourly, journal, operator, register, take, wish};

const MINUTE: Span = Span::mins(1);

both!(inv_4_one_key_with_the_same_arguments_gives_the_first_answer, async |world| {
    let once = keyed(&ann(), "k", "acquire a");
    let first = world.plane.acquire_lock(&once, "a", "h", MINUTE).await.expect("an answer");
    world.hand.advance(Span::hours(1));
    let other = world.replica().await;
    let again = other.acquire_lock(&once, "a", "h", MINUTE).await.expect("an answer");
    assert_eq!(first, again, "though the lock has expired meanwhile");
    assert_eq!(journal(&world.plane).await.len(), 1);
});

both!(inv_4_one_key_with_other_arguments_is_an_error_and_changes_nothing, async |world| {
    world.plane.acquire_lock(&keyed(&ann(), "k", "acquire a"), "a", "h", MINUTE).await.expect("an answer");
    let mismatch = keyed(&ann(), "k", "acquire b");
    assert_eq!(code(world.plane.acquire_lock(&mismatch, "b", "h", MINUTE).await), Code::IdempotencyMismatch);
    let register = world.plane.register_job(&mismatch, due("j"), Upsert::Never).await;
    assert_eq!(code(register), Code::IdempotencyMismatch);
    assert_eq!(journal(&world.plane).await.len(), 1);
});

both!(a_key_belongs_to_its_principal, async |world| {
    let mut handles = Vec::new();
    for by in [ann(), bob()] {
        let key = by.by.name.clone();
        let answer = world.plane.acquire_lock(&keyed(&by, "k", "acquire"), &key, "h", MINUTE).await.expect("an answer");
        let Acquired::Granted(lock) = answer else { panic!("it is free") };
        handles.push(lock.principal);
    }
    assert_eq!(handles, ["ann", "bob"]);
});

both!(inv_11_sixteen_tries_of_one_request_run_it_once_and_hear_one_answer, async |world| {
    let replica = world.replica().await;
    for round in 0..5 {
        register(&world.plane, due(&format!("j{round}"))).await;
        let once = keyed(&ann(), &format!("key{round}"), "claim");
        let mut tries = Vec::new();
        for n in 0..16 {
            let (plane, once) = (if n % 2 == 0 { world.plane.clone() } else { replica.clone() }, once.clone());
            tries.push(tokio::spawn(async move { plane.claim_job(&once, wish()).await.expect("an answer") }));
        }
        let mut answers = Vec::new();
        for attempt in tries {
            answers.push(attempt.await.expect("no panic"));
        }
        assert!(matches!(answers[0], Claimed::Job(_)), "{:?}", answers[0]);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "round {round}: {answers:?}");
    }
    assert_eq!(journal(&world.plane).await.len(), 10, "five registered, five claimed");
});

both!(inv_11_a_completion_that_was_answered_into_the_void_is_asked_again_and_not_stale, async |world| {
    register(&world.plane, hourly("j")).await;
    let job = take(&world.plane, &ann(), wish()).await;
    let once = keyed(&ann(), "k", "complete");
    let first = world.plane.complete_job(&once, end(&job, "ok")).await.expect("an answer").expect("not stale");
    let again = world.plane.complete_job(&once, end(&job, "ok")).await.expect("an answer").expect("not stale");
    assert_eq!(first, again);
    let third = world.plane.complete_job(&ann(), end(&job, "ok")).await.expect("an answer");
    third.expect_err("without its key it is a second completion");
});

both!(a_refusal_is_not_remembered, async |world| {
    register(&world.plane, due("j")).await;
    let once = keyed(&ann(), "k", "register j");
    assert_eq!(code(world.plane.register_job(&once, due("j"), Upsert::Never).await), Code::AlreadyExists);
    world.plane.deregister_job(&ann(), "j").await.expect("an answer").expect("removed");
    let job = world.plane.register_job(&once, due("j"), Upsert::Never).await.expect("free by now");
    assert_eq!(job.name, "j");
});

// Found by this exam: an answer that is nothing in JSON could not be read back, and was a corrupt row.
both!(an_answer_that_is_nothing_comes_back_too, async |world| {
    let nobody = keyed(&ann(), "k", "trigger nobody");
    for _ in 0..2 {
        assert_eq!(world.plane.trigger_job(&nobody, "nobody").await.expect("an answer"), None);
    }
    let grant = Grant { principal: "p".into(), role: Role::Viewer, kinds: Vec::new(), life: Span::hours(1) };
    let (_, token) = world.plane.create_token(&operator(), grant).await.expect("a token");
    let revoke = keyed(&operator(), "k", "revoke");
    for _ in 0..2 {
        world.plane.revoke_token(&revoke, &token.id).await.expect("revoked");
    }
    for _ in 0..2 {
        let answer = world.plane.deregister_job(&keyed(&ann(), "d", "deregister"), "nobody").await.expect("an answer");
        assert_eq!(answer, Err(Kept::NotFound));
    }
});

both!(a_message_asked_for_twice_is_sent_once, async |world| {
    let discord = Discord::start().await;
    let channel = discord.channel("ops");
    let set =
        |settings: &mut plane::Settings| (settings.channels, settings.default_channel) = (vec![channel], "ops".into());
    let plane = world.replica_with(set).await;
    let once = keyed(&ann(), "k", "notify");
    let first = plane.notify(&once, "hello", Level::Info, None).await.expect("queued");
    assert_eq!(plane.notify(&once, "hello", Level::Info, None).await.expect("queued"), first);
    plane.deliver().await.expect("delivered");
    assert_eq!(discord.taken(), ["hello"]);
});

both!(a_role_that_was_taken_away_hears_no_old_answer, async |world| {
    let once = keyed(&ann(), "k", "acquire");
    world.plane.acquire_lock(&once, "a", "h", MINUTE).await.expect("an answer");
    let demoted = keyed(&call(Role::Viewer, "ann", "exam"), "k", "acquire");
    assert_eq!(code(world.plane.acquire_lock(&demoted, "a", "h", MINUTE).await), Code::Forbidden);
});
