//! Who gets which job: the order of the line, and that each place in it is given once.

use std::collections::BTreeMap;

use domain::agent::{Principal, Role};
use domain::job::{CANARY, Outcome, Register, State};
use domain::refusal::Code;
use domain::time::{Span, Time};
use harness::plane::START;
use harness::{both, call, invariants};
use plane::Call;
use plane::job::{Claim, Upsert};
use plane::page::Ask;

use crate::given::{
    ann, bob, claim, claim_id, code, complete, due, end, hourly, named, reason, register, take, walk, wish,
};

both!(jobs_are_claimed_by_priority_then_due_time_then_name, async |world| {
    for (name, priority, late) in
        [("c", 0, 5), ("b", 0, 5), ("a", 0, 1), ("low", -3, 60), ("high", 7, 0), ("higher", 8, 0)]
    {
        let next_run_at = Some(START - Span::secs(late));
        register(&world.plane, Register { priority, next_run_at, ..due(name) }).await;
    }
    let mut order = Vec::new();
    while let Some(job) = claim(&world.plane, &ann(), wish()).await {
        order.push(job.name);
    }
    assert_eq!(order, ["higher", "high", "b", "c", "a", "low"]);
    assert_eq!(reason(&world.plane, &ann(), wish()).await, "nothing_due");
});

both!(a_job_whose_time_came_since_anybody_looked_is_in_line_at_its_place, async |world| {
    register(&world.plane, due("ready")).await;
    let soon = Some(START + Span::secs(1));
    register(&world.plane, Register { priority: 1, next_run_at: soon, ..due("later, but first") }).await;
    register(&world.plane, Register { next_run_at: Some(START + Span::secs(9)), ..due("not yet") }).await;
    world.hand.advance(Span::secs(1));
    assert_eq!(take(&world.plane, &ann(), wish()).await.name, "later, but first");
    assert_eq!(take(&world.plane, &ann(), wish()).await.name, "ready");
    assert_eq!(claim(&world.plane, &ann(), wish()).await, None);
});

both!(a_claim_that_expired_is_in_line_at_its_place_and_ends_as_lost, async |world| {
    register(&world.plane, Register { priority: 1, ..due("held") }).await;
    register(&world.plane, due("ready")).await;
    let first = take(&world.plane, &ann(), wish()).await;
    world.hand.advance(Span::mins(1));
    let second = take(&world.plane, &bob(), wish()).await;
    assert_eq!((second.name.as_str(), second.attempts), ("held", 2));
    assert!(second.fencing_token > first.fencing_token);
    let run = world.plane.show_run(&ann(), &claim_id(&first)).await.expect("a run");
    assert_eq!((run.outcome, run.fencing_token), (Outcome::Lost, first.fencing_token));
});

// Found by this exam: the line gave out a job that was claimed by name ahead of its time, was lost, and is not due.
both!(a_lost_claim_of_a_job_that_is_not_due_yet_does_not_put_it_in_line, async |world| {
    register(&world.plane, Register { next_run_at: Some(START + Span::hours(1)), ..hourly("early") }).await;
    take(&world.plane, &ann(), named("early")).await;
    world.hand.advance(Span::mins(2));
    let listed = world.plane.list_jobs(&ann(), true, None, &Ask::default()).await.expect("a list");
    assert_eq!(listed.items, []);
    assert_eq!(claim(&world.plane, &bob(), wish()).await, None, "whether anybody tended the lines or not");
    world.plane.tend_lines().await.expect("tended");
    assert_eq!(claim(&world.plane, &bob(), wish()).await, None);
    world.hand.advance(Span::hours(1));
    assert_eq!(take(&world.plane, &bob(), wish()).await.name, "early");
});

// Found by this exam: such a job could be claimed and was not listed as due.
both!(what_could_be_claimed_is_listed_as_due, async |world| {
    register(&world.plane, Register { next_run_at: None, ..due("by name only") }).await;
    take(&world.plane, &ann(), named("by name only")).await;
    world.hand.advance(Span::mins(1));
    for kind in [None, Some("digest")] {
        let listed = world.plane.list_jobs(&ann(), true, kind, &Ask::default()).await.expect("a list");
        assert_eq!(listed.items.len(), 1, "{kind:?}");
    }
    assert_eq!(take(&world.plane, &bob(), wish()).await.name, "by name only");
});

both!(jobs_of_every_sort_that_are_due_are_listed_once_in_one_order_by_any_pages, async |world| {
    let mut expected = Vec::new();
    for n in 0..24_i64 {
        let name = format!("j{n:02}");
        // Known to be due; their time came; held by name, lost and timed; the same without a time; and three that are not due.
        let next_run_at = [Some(-9), Some(60), Some(7), None, Some(61), None, Some(-5), Some(-9)]
            [usize::try_from(n % 8).expect("small")];
        let next_run_at = next_run_at.map(|secs| START + Span::secs(secs));
        register(&world.plane, Register { next_run_at, ..due(&name) }).await;
        if [2, 3].contains(&(n % 8)) {
            take(&world.plane, &ann(), named(&name)).await;
        }
        if n % 8 == 6 {
            take(&world.plane, &ann(), Claim { ttl: Span::mins(9), ..named(&name) }).await;
        }
        if [0, 1, 2, 3, 7].contains(&(n % 8)) {
            expected.push((next_run_at.map_or(i64::MAX, |due| due.0), name));
        }
    }
    expected.sort();
    let expected: Vec<_> = expected.into_iter().map(|(_, name)| name).collect();
    world.hand.advance(Span::mins(1));
    for kind in [None, Some("digest")] {
        for limit in [1, 4, 100] {
            let jobs = walk(limit, async |ask| world.plane.list_jobs(&ann(), true, kind, ask).await).await;
            let names: Vec<_> = jobs.into_iter().map(|listed| listed.job.name).collect();
            assert_eq!(names, expected, "{kind:?} by pages of {limit}");
        }
    }
});

both!(a_kind_is_a_filter_and_a_limited_caller_cannot_step_outside_it, async |world| {
    for (name, kind, priority) in [("a", "digest", 9), ("b", "audit", 5), ("c", "triage", 1)] {
        register(&world.plane, Register { kind: kind.into(), priority, ..due(name) }).await;
    }
    let of = |kind: &str| Claim { kind: Some(kind.into()), ..wish() };
    assert_eq!(take(&world.plane, &ann(), of("triage")).await.name, "c");
    assert_eq!(reason(&world.plane, &ann(), of("triage")).await, "nothing_due");
    assert_eq!(reason(&world.plane, &ann(), Claim { kind: Some("audit".into()), ..named("a") }).await, "not_found");
    let limited = Call { by: Principal { kinds: vec!["audit".into()], ..ann().by }, ..ann() };
    assert_eq!(code(world.plane.claim_job(&limited, of("digest")).await), Code::Forbidden);
    assert_eq!(take(&world.plane, &limited, wish()).await.name, "b");
    assert_eq!(claim(&world.plane, &limited, wish()).await, None);
});

both!(a_named_job_is_claimed_due_or_not_unless_it_is_held_dead_or_unknown, async |world| {
    register(&world.plane, Register { next_run_at: None, ..due("idle") }).await;
    register(&world.plane, Register { max_attempts: Some(1), ..due("dies") }).await;
    let held = take(&world.plane, &ann(), named("idle")).await;
    let State::Held(first) = &held.state else { panic!("not held") };
    assert_eq!(first.expires_at, START + Span::mins(1));
    assert_eq!(reason(&world.plane, &bob(), named("idle")).await, "held");
    assert_eq!(reason(&world.plane, &bob(), named("nobody")).await, "not_found");
    take(&world.plane, &ann(), named("dies")).await;
    world.hand.advance(Span::mins(1));
    assert_eq!(reason(&world.plane, &bob(), named("dies")).await, "dead", "it gave up just now");
    assert_eq!(reason(&world.plane, &bob(), named("dies")).await, "dead", "it gave up earlier");
});

both!(inv_7_a_job_that_kills_its_workers_is_given_up_after_its_attempts_and_is_a_dead_letter, async |world| {
    register(&world.plane, Register { max_attempts: Some(3), ..due("deadly") }).await;
    register(&world.plane, Register { priority: -1, ..due("healthy") }).await;
    for attempt in 1..=3 {
        let job = take(&world.plane, &ann(), wish()).await;
        assert_eq!((job.name.as_str(), job.attempts), ("deadly", attempt));
        world.hand.advance(Span::mins(1));
    }
    assert_eq!(take(&world.plane, &ann(), wish()).await.name, "healthy", "nobody is held up by it");
    let letters = world.plane.dead_letters(&ann(), &Ask::default()).await.expect("a list").items;
    assert_eq!(
        (letters.len(), letters[0].source, letters[0].id.as_str(), letters[0].attempts),
        (1, "routine_job", "deadly", 3)
    );
    let back = world.plane.trigger_job(&ann(), "deadly").await.expect("an answer").expect("a job");
    assert_eq!((back.state, back.attempts), (State::Ready, 0));
    assert!(world.plane.dead_letters(&ann(), &Ask::default()).await.expect("a list").items.is_empty());
});

both!(a_crowd_of_jobs_that_gave_up_does_not_hide_the_one_behind_them, async |world| {
    for n in 0..20 {
        register(&world.plane, Register { max_attempts: Some(1), priority: 5, ..due(&format!("deadly{n:02}")) }).await;
        take(&world.plane, &ann(), wish()).await;
    }
    register(&world.plane, due("behind")).await;
    world.hand.advance(Span::mins(1));
    assert_eq!(take(&world.plane, &ann(), wish()).await.name, "behind");
});

both!(a_line_whose_head_is_only_jobs_that_gave_up_is_told_as_busy_and_never_as_empty, async |world| {
    for n in 0..65 {
        register(&world.plane, Register { max_attempts: Some(1), priority: 5, ..due(&format!("deadly{n:02}")) }).await;
        take(&world.plane, &ann(), wish()).await;
    }
    register(&world.plane, due("behind")).await;
    world.hand.advance(Span::mins(1));
    assert_eq!(reason(&world.plane, &ann(), wish()).await, "busy");
    assert_eq!(take(&world.plane, &ann(), wish()).await.name, "behind");
});

both!(the_heartbeats_own_job_is_in_nobodys_line_though_its_claim_was_lost, async |world| {
    let canary = call(Role::Routine, CANARY, "exam");
    let own = Register { kind: CANARY.into(), next_run_at: None, max_attempts: Some(0), ..due(CANARY) };
    world.plane.register_job(&canary, own, Upsert::Replace).await.expect("a job");
    for _ in 0..6 {
        take(&world.plane, &canary, named(CANARY)).await;
        world.hand.advance(Span::mins(1));
        for kind in [None, Some(CANARY.to_owned())] {
            assert_eq!(reason(&world.plane, &bob(), Claim { kind, ..wish() }).await, "nothing_due");
        }
        world.plane.tend_lines().await.expect("tended");
        assert_eq!(claim(&world.plane, &bob(), wish()).await, None);
    }
    assert_eq!(take(&world.plane, &canary, named(CANARY)).await.attempts, 7, "and it never gives up");
});

both!(sixteen_workers_at_once_get_one_each_of_sixteen_due_jobs, async |world| {
    for round in 0..5 {
        // A third of them known to be due, a third whose time came, a third whose claim expired.
        for n in 0..16 {
            let late = if n % 3 == 1 { Span::mins(1) } else { Span::ZERO };
            let name = format!("j{round}-{n:02}");
            register(&world.plane, Register { next_run_at: Some(world.hand.now() + late), ..due(&name) }).await;
            if n % 3 == 2 {
                take(&world.plane, &ann(), named(&name)).await;
            }
        }
        world.hand.advance(Span::mins(1));
        let workers = (0..16).map(|_| {
            let plane = world.plane.clone();
            tokio::spawn(async move { claim(&plane, &bob(), wish()).await.map(|job| job.name) })
        });
        let mut got = Vec::new();
        for worker in workers.collect::<Vec<_>>() {
            got.push(worker.await.expect("no panic"));
        }
        let names: std::collections::BTreeSet<_> = got.iter().flatten().collect();
        assert_eq!(names.len(), 16, "round {round}: {got:?}");
        for name in names {
            let job = world.plane.show_job(&bob(), name).await.expect("a job");
            complete(&world.plane, &bob(), &job, "ok").await;
        }
    }
});

/// How many sessions of this database wait for a lock.
async fn waiting(world: &harness::World) -> i64 {
    const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                              AND datname = current_database()";
    let mut tx = world.store().read().await.expect("a look");
    tx.one::<(i64,)>(WAITING, &[]).await.expect("a count").map_or(0, |(count,)| count)
}

// On SQLite nobody is at work beside a claim.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_waits_for_a_due_job_that_somebody_else_is_just_writing() {
    let world = harness::World::new(harness::On::Postgres).await;
    register(&world.plane, due("lost")).await;
    take(&world.plane, &ann(), wish()).await;
    world.hand.advance(Span::mins(1));
    for kind in [None, Some("digest".to_owned())] {
        let other = world.open().await;
        let mut chore = other.begin().await.expect("the chore's transaction");
        assert_eq!(store::job::expired(&mut chore).await.expect("rows").len(), 1);
        let plane = world.plane.clone();
        let worker = tokio::spawn(async move { claim(&plane, &bob(), Claim { kind, ..wish() }).await });
        while waiting(&world).await == 0 && !worker.is_finished() {
            tokio::task::yield_now().await;
        }
        drop(chore);
        assert_eq!(worker.await.expect("no panic").map(|job| job.name).as_deref(), Some("lost"));
        world.hand.advance(Span::mins(1));
    }
    world.check().await;
    world.discard().await;
}

both!(sixteen_workers_beside_the_chore_get_one_each_of_sixteen_due_jobs, async |world| {
    let replica = world.replica().await;
    for n in 0..16 {
        let late = if n % 2 == 1 { Span::mins(1) } else { Span::ZERO };
        let name = format!("j{n:02}");
        register(&world.plane, Register { next_run_at: Some(START + late), ..hourly(&name) }).await;
        if n % 2 == 0 {
            take(&world.plane, &ann(), named(&name)).await;
        }
    }
    for round in 0..10 {
        // What was claimed in the round before has expired.
        world.hand.advance(Span::mins(1));
        let tended = {
            let replica = replica.clone();
            tokio::spawn(async move { replica.tend_lines().await.expect("tended") })
        };
        let workers: Vec<_> = (0..16)
            .map(|_| {
                let plane = world.plane.clone();
                tokio::spawn(async move { claim(&plane, &bob(), wish()).await.map(|job| job.name) })
            })
            .collect();
        let mut got = std::collections::BTreeSet::new();
        for worker in workers {
            got.extend(worker.await.expect("no panic"));
        }
        tended.await.expect("no panic");
        assert_eq!(got.len(), 16, "round {round}: {got:?}");
    }
});

/// Claims until nothing is left, and completes each.
async fn work(plane: plane::Plane, worker: Call) -> Vec<(String, i64)> {
    let mut done = Vec::new();
    while let Some(job) = claim(&plane, &worker, wish()).await {
        done.push((job.name.clone(), job.fencing_token));
        complete(&plane, &worker, &job, "ok").await;
    }
    done
}

both!(eight_workers_of_two_replicas_do_200_jobs_once_each, async |world| {
    let replica = world.replica().await;
    for n in 0..200 {
        register(&world.plane, Register { priority: n % 5, ..due(&format!("j{n:03}")) }).await;
    }
    let mut workers = Vec::new();
    for worker in 0..8 {
        let plane = if worker % 2 == 0 { world.plane.clone() } else { replica.clone() };
        let by = call(domain::agent::Role::Routine, &format!("w{worker}"), "work");
        workers.push(tokio::spawn(work(plane, by)));
    }
    let mut done: BTreeMap<String, usize> = BTreeMap::new();
    for worker in workers {
        for (job, _) in worker.await.expect("no panic") {
            *done.entry(job).or_default() += 1;
        }
    }
    assert_eq!(done.len(), 200);
    assert!(done.values().all(|times| *times == 1), "{done:?}");
    let mut tx = world.store().read().await.expect("a look");
    assert_eq!(invariants::overlaps(&mut tx).await, Vec::<String>::new());
});

both!(complete_and_claim_ends_one_and_takes_the_next_in_one_commit, async |world| {
    register(&world.plane, Register { priority: 1, ..due("a") }).await;
    register(&world.plane, due("b")).await;
    let first = take(&world.plane, &ann(), wish()).await;
    let both = world.plane.complete_and_claim(&ann(), end(&first, "ok"), wish()).await.expect("an answer");
    let (done, next) = both.expect("not stale");
    assert_eq!(done.job.state, State::Idle);
    let plane::job::Claimed::Job(next) = next else { panic!("nothing was claimed") };
    assert_eq!(next.name, "b");
    let stale = world.plane.complete_and_claim(&ann(), end(&first, "ok"), named("a")).await.expect("an answer");
    assert_eq!(stale, Err(domain::job::Stale::StaleClaim));
    let untouched = world.plane.show_job(&ann(), "a").await.expect("a job");
    assert_eq!(untouched.state, State::Idle, "nothing is claimed when the completion was stale");
    let last = world.plane.complete_and_claim(&ann(), end(&next, "ok"), wish()).await.expect("an answer");
    let (done, nothing) = last.expect("not stale");
    assert_eq!((done.job.name.as_str(), matches!(nothing, plane::job::Claimed::Nothing { .. })), ("b", true));
});

both!(inv_1_the_token_of_a_name_grows_though_it_is_deregistered_and_the_clock_goes_back, async |world| {
    let mut last = i64::MIN;
    for at in [START, Time(START.0 - 1), Time(1_000), Time(0)] {
        world.hand.set(at);
        register(&world.plane, Register { next_run_at: Some(Time(0)), ..due("j") }).await;
        let job = take(&world.plane, &ann(), wish()).await;
        assert!(job.fencing_token > last, "at {at}: {} after {last}", job.fencing_token);
        last = job.fencing_token;
        complete(&world.plane, &ann(), &job, "ok").await;
        world.plane.deregister_job(&ann(), "j").await.expect("an answer").expect("removed");
    }
});
