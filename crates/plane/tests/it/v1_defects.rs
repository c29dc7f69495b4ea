//! The defects that were seen in the running original, one test each: none of them can happen here.

use std::time::Duration;

use domain::agent::Role;
use domain::check_in::Phase;
use domain::gap::Sighting;
use domain::job::{Stale, State};
use domain::lock::{Miss, Shorten};
use domain::notice::Level;
use domain::refusal::Code;
use domain::time::Span;
use harness::{On, World, both, call};
use plane::agent::Grant;
use plane::job::{Claim, Completion, Upsert};
use plane::lock::Acquired;
use plane::page::Ask;
use plane::{No, Plane};
use store::gap::Which;
use store::{Arg, Fault};
use tokio::time::Instant;

use crate::given::{
    ann, bob, claim, claim_id, code, complete, due, end, hourly, journal, named, operator, register, take, walk, wish,
};

const MINUTE: Span = Span::mins(1);

async fn lock(plane: &Plane, key: &str) -> String {
    match plane.acquire_lock(&ann(), key, "h", MINUTE).await.expect("an answer") {
        Acquired::Granted(lock) => lock.lock_id,
        Acquired::Held { .. } => panic!("{key} is held"),
    }
}

both!(a_finished_one_off_job_is_not_served_again, async |world| {
    for (name, status) in [("done", "ok"), ("failed", "error: no luck")] {
        register(&world.plane, due(name)).await;
        let job = take(&world.plane, &ann(), wish()).await;
        let job = complete(&world.plane, &ann(), &job, status).await;
        assert_eq!((&job.state, job.next_run_at), (&State::Idle, None), "{name}");
    }
    for _ in 0..10 {
        world.plane.tend_lines().await.expect("tended");
        assert_eq!(claim(&world.plane, &ann(), wish()).await, None);
        world.hand.advance(Span::days(30));
    }
    world.plane.trigger_job(&ann(), "done").await.expect("an answer").expect("a job");
    assert_eq!(take(&world.plane, &ann(), wish()).await.name, "done", "until somebody triggers it");
});

both!(a_stale_workers_completion_does_not_wipe_the_new_holders_claim, async |world| {
    register(&world.plane, hourly("j")).await;
    let stale = take(&world.plane, &ann(), wish()).await;
    world.hand.advance(MINUTE);
    let current = take(&world.plane, &bob(), wish()).await;
    let pointers =
        [end(&stale, "ok"), Completion { at: domain::job::Pointer::Own("worker".to_owned()), ..end(&stale, "ok") }];
    for late in pointers {
        let answer = world.plane.complete_job(&ann(), late).await.expect("an answer");
        assert_eq!(answer, Err(Stale::StaleClaim));
    }
    assert_eq!(world.plane.show_job(&ann(), "j").await.expect("a job"), current);
    complete(&world.plane, &bob(), &current, "ok").await;
});

both!(a_stale_worker_does_not_end_the_claim_of_another_worker_with_the_same_token, async |world| {
    let of = |holder: &str| Claim { holder: holder.to_owned(), ..wish() };
    register(&world.plane, hourly("j")).await;
    let stale = take(&world.plane, &ann(), of("first")).await;
    world.hand.advance(MINUTE);
    let current = take(&world.plane, &ann(), of("second")).await;
    let late = Completion { at: domain::job::Pointer::Own("first".to_owned()), ..end(&stale, "ok") };
    let answer = world.plane.complete_job(&ann(), late).await.expect("an answer");
    assert_eq!(answer, Err(Stale::StaleClaim));
    assert_eq!(world.plane.show_job(&ann(), "j").await.expect("a job"), current);
    let own = Completion { at: domain::job::Pointer::Own("second".to_owned()), ..end(&current, "ok") };
    world.plane.complete_job(&ann(), own).await.expect("an answer").expect("not stale");
});

both!(a_gap_marker_is_not_destroyed_by_the_next_completion, async |world| {
    register(&world.plane, hourly("j")).await;
    for (round, summary) in
        ["BLOCKING-GAP[kind=adr]: decide-retention - nobody knows", "all well", ""].into_iter().enumerate()
    {
        let job = take(&world.plane, &ann(), wish()).await;
        let done = Completion { summary: Some(summary.to_owned()), ..end(&job, "ok") };
        world.plane.complete_job(&ann(), done).await.expect("an answer").expect("not stale");
        world.hand.advance(Span::hours(1));
        let gaps = world.plane.list_gaps(&ann(), Which::Live, None, &Ask::default()).await.expect("a list").items;
        assert_eq!(
            (gaps.len(), gaps[0].gap.key.name.as_str(), gaps[0].gap.sightings),
            (1, "decide-retention", 1),
            "round {round}"
        );
    }
    let runs = walk(1, async |ask| world.plane.list_runs(&ann(), Some("j"), ask).await).await;
    assert!(runs[2].summary.as_deref().is_some_and(|text| text.contains("BLOCKING-GAP")), "{runs:?}");
});

both!(one_call_that_waits_for_a_row_does_not_freeze_the_server, async |world| {
    register(&world.plane, due("j")).await;
    let other = world.open().await;
    let mut holder = other.begin().await.expect("the other's transaction");
    let shard = [Arg::Int(domain::fence::shard("waited-for"))];
    holder.run("UPDATE fence SET value = value WHERE shard = $1", &shard).await.expect("a row held");
    let began = Instant::now();
    let plane = world.plane.clone();
    let waiting = tokio::spawn(async move { plane.acquire_lock(&ann(), "waited-for", "h", MINUTE).await });
    for _ in 0..20 {
        world.plane.list_locks(&ann(), None, &Ask::default()).await.expect("a list");
        world.plane.show_job(&ann(), "j").await.expect("a job");
        world.store().ping().await.expect("an answer");
        if world.on() == On::Postgres {
            let job = take(&world.plane, &ann(), named("j")).await;
            world
                .plane
                .defer_job(&ann(), &claim_id(&job), Span::secs(1), "again")
                .await
                .expect("an answer")
                .expect("put back");
        }
    }
    assert!(!waiting.is_finished() && began.elapsed() < Duration::from_secs(2), "it took {:?}", began.elapsed());
    let answer = waiting.await.expect("no panic");
    assert!(matches!(answer, Err(No::Fault(Fault::Unknown(_)))), "{answer:?}");
    assert!(began.elapsed() < Duration::from_millis(5_500), "it took {:?}", began.elapsed());
    drop(holder);
    lock(&world.plane, "waited-for").await;
});

both!(extending_does_not_revive_an_expired_lock, async |world| {
    let id = lock(&world.plane, "k").await;
    world.hand.advance(MINUTE);
    for by in [ann(), operator()] {
        let answer = world.plane.extend_lock(&by, &id, MINUTE, Shorten::Never).await.expect("an answer");
        assert_eq!(answer, Err(Miss::Expired));
    }
    assert!(world.plane.list_locks(&ann(), None, &Ask::default()).await.expect("a list").items.is_empty());
    let next = lock(&world.plane, "k").await;
    let late = world.plane.extend_lock(&ann(), &id, MINUTE, Shorten::Never).await.expect("an answer");
    assert_eq!(late, Err(Miss::NotFound));
    world.plane.release_lock(&ann(), &next).await.expect("an answer").expect("the new lock is untouched");
});

both!(a_prefix_filter_has_no_wildcards, async |world| {
    for key in ["a%c", "abc", "a_c", "%", "_", "A%C"] {
        lock(&world.plane, key).await;
    }
    for (prefix, found) in
        [("%", vec!["%"]), ("_", vec!["_"]), ("a%", vec!["a%c"]), ("a_", vec!["a_c"]), ("a?", vec![])]
    {
        let locks = world.plane.list_locks(&ann(), Some(prefix), &Ask::default()).await.expect("a list").items;
        assert_eq!(locks.iter().map(|lock| lock.key.as_str()).collect::<Vec<_>>(), found, "{prefix}");
    }
    let long = "x".repeat(201);
    assert_eq!(code(world.plane.list_locks(&ann(), Some(&long), &Ask::default()).await), Code::InvalidArgument);
});

both!(a_ttl_that_is_unbounded_zero_or_negative_is_refused, async |world| {
    for secs in [i64::MIN, -1, 0, 86_401, i64::MAX] {
        assert_eq!(domain::fence::ttl(secs).map_err(|refusal| refusal.code), Err(Code::InvalidArgument), "{secs}");
    }
    let id = lock(&world.plane, "k").await;
    register(&world.plane, due("j")).await;
    let job = take(&world.plane, &ann(), wish()).await;
    let claim_id = claim_id(&job);
    register(&world.plane, due("free")).await;
    let before = journal(&world.plane).await;
    for ttl in [Span(i64::MIN), Span(-1), Span::ZERO, Span(999), Span(86_400_001), Span(i64::MAX)] {
        let plane = &world.plane;
        assert_eq!(code(plane.acquire_lock(&ann(), "other", "h", ttl).await), Code::InvalidArgument, "{ttl:?}");
        assert_eq!(code(plane.extend_lock(&ann(), &id, ttl, Shorten::Allowed).await), Code::InvalidArgument, "{ttl:?}");
        assert_eq!(code(plane.claim_job(&ann(), Claim { ttl, ..wish() }).await), Code::InvalidArgument, "{ttl:?}");
        assert_eq!(code(plane.renew_job(&ann(), &claim_id, ttl, None).await), Code::InvalidArgument, "{ttl:?}");
        assert_eq!(code(plane.defer_job(&ann(), &claim_id, ttl, "later").await), Code::InvalidArgument, "{ttl:?}");
    }
    assert_eq!(journal(&world.plane).await, before);
});

both!(expired_rows_are_removed, async |world| {
    let mut tx = world.store().begin().await.expect("a transaction");
    tx.run(
        "INSERT INTO lock (key, lock_id, holder, principal, fencing_token, acquired_at, expires_at)
            SELECT CAST(a.shard * 64 + b.shard AS TEXT), CAST(a.shard * 64 + b.shard AS TEXT), 'h', 'ann', 0, 0, 1
              FROM fence AS a CROSS JOIN fence AS b",
        &[],
    )
    .await
    .expect("4,096 old locks");
    tx.commit().await.expect("a commit");
    world.spoil();
    let fresh = lock(&world.plane, "fresh").await;
    let schedule = [("retention".to_owned(), "every 1h".to_owned())].into();
    let plane = world.replica_with(|settings| settings.schedule = schedule).await;
    plane.sync_schedule().await.expect("a schedule");
    crate::scheduled::ring(&plane).await;
    let mut tx = world.store().read().await.expect("a look");
    assert_eq!(tx.one::<(i64,)>("SELECT COUNT(*) FROM lock", &[]).await.expect("a count"), Some((1,)));
    drop(tx);
    world.plane.release_lock(&ann(), &fresh).await.expect("an answer").expect("the live one stays");
});

/// Does `write` and gives the audit rows that it left.
async fn rows_of<T>(world: &World, write: impl Future<Output = Result<T, No>>) -> Vec<(String, String, String)> {
    let before = journal(&world.plane).await.len();
    assert!(write.await.is_ok());
    world.hand.advance(Span(1));
    let rows = journal(&world.plane).await.split_off(before);
    rows.into_iter().map(|row| (row.principal, row.role, row.tool)).collect()
}

both!(each_write_leaves_exactly_one_audit_row_with_its_caller, async |world| {
    let (plane, ann, olga) = (&world.plane, ann(), operator());
    let schedule = [("retention".to_owned(), "every 1h".to_owned())].into();
    world.replica_with(|settings| settings.schedule = schedule).await.sync_schedule().await.expect("a schedule");
    let held = lock(plane, "held").await;
    lock(plane, "broken").await;
    for name in ["claimed", "renewed", "deferred", "completed", "removed", "triggered"] {
        register(plane, due(name)).await;
    }
    let mut ids = Vec::new();
    for name in ["renewed", "deferred", "completed"] {
        ids.push(take(plane, &ann, named(name)).await);
    }
    let seen = Sighting::named("adr", "x");
    let grant = Grant { principal: "p".into(), role: Role::Viewer, kinds: Vec::new(), life: MINUTE };
    let (_, token) = plane.create_token(&olga, grant.clone()).await.expect("a token");
    let (renewed, deferred) = (claim_id(&ids[0]), claim_id(&ids[1]));
    world.hand.advance(Span(1));
    let by_ann = [
        ("acquire", rows_of(world, plane.acquire_lock(&ann, "k", "h", MINUTE)).await),
        ("extend", rows_of(world, plane.extend_lock(&ann, &held, Span::mins(9), Shorten::Never)).await),
        ("release", rows_of(world, plane.release_lock(&ann, &held)).await),
        ("register", rows_of(world, plane.register_job(&ann, due("new"), Upsert::Never)).await),
        ("upsert", rows_of(world, plane.register_job(&ann, due("new"), Upsert::Replace)).await),
        ("claim", rows_of(world, plane.claim_job(&ann, named("claimed"))).await),
        ("renew", rows_of(world, plane.renew_job(&ann, &renewed, MINUTE, Some("half"))).await),
        ("defer", rows_of(world, plane.defer_job(&ann, &deferred, MINUTE, "quota")).await),
        ("complete", rows_of(world, plane.complete_job(&ann, end(&ids[2], "ok"))).await),
        ("trigger", rows_of(world, plane.trigger_job(&ann, "triggered")).await),
        ("deregister", rows_of(world, plane.deregister_job(&ann, "removed")).await),
        ("notify", rows_of(world, plane.notify(&ann, "hello", Level::Info, None)).await),
        ("report gap", rows_of(world, plane.report_gap(&ann, seen)).await),
        ("check in", rows_of(world, plane.check_in(&ann, "digest", Phase::End)).await),
        ("trigger scheduled", rows_of(world, plane.trigger_scheduled(&ann, "retention")).await),
    ];
    for (write, rows) in by_ann {
        assert_eq!(rows, [("ann".to_owned(), "routine".to_owned(), "exam".to_owned())], "{write}");
    }
    let by_olga = [
        ("break lock", rows_of(world, plane.break_lock(&olga, "broken")).await),
        ("create token", rows_of(world, plane.create_token(&olga, grant)).await),
        ("revoke token", rows_of(world, plane.revoke_token(&olga, &token.id)).await),
    ];
    for (write, rows) in by_olga {
        assert_eq!(rows, [("olga".to_owned(), "operator".to_owned(), "exam".to_owned())], "{write}");
    }
});

both!(a_call_that_changes_nothing_leaves_no_audit_row, async |world| {
    let plane = &world.plane;
    lock(plane, "k").await;
    let id = domain::id::mint(harness::plane::START, 1);
    assert!(rows_of(world, plane.acquire_lock(&bob(), "k", "h", MINUTE)).await.is_empty());
    assert!(rows_of(world, plane.release_lock(&bob(), &id)).await.is_empty());
    assert!(rows_of(world, plane.extend_lock(&bob(), &id, MINUTE, Shorten::Never)).await.is_empty());
    assert!(rows_of(world, plane.claim_job(&bob(), wish())).await.is_empty());
    assert!(rows_of(world, plane.trigger_job(&bob(), "nobody")).await.is_empty());
    assert!(rows_of(world, plane.list_locks(&call(Role::Viewer, "v", "exam"), None, &Ask::default())).await.is_empty());
});
