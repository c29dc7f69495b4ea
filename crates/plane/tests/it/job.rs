//! Registering, completing, renewing, deferring, triggering and removing routine jobs.

use domain::agent::Role;
use domain::job::{Outcome, Payload, Pointer, Register, Stale, State};
use domain::refusal::Code;
use domain::time::Span;
use harness::plane::START;
use harness::{both, call};
use plane::job::{Completion, Kept, Upsert};
use plane::page::Ask;

use crate::given::{
    ann, bob, claim, claim_id, code, complete, due, end, hourly, journal, named, operator, register, take, walk, wish,
};

both!(a_registered_job_stands_where_its_due_time_puts_it, async |world| {
    let states = [(None, State::Idle), (Some(START), State::Ready), (Some(START + Span(1)), State::Waiting)];
    for (at, (next_run_at, state)) in states.into_iter().enumerate() {
        let job = register(&world.plane, Register { next_run_at, ..due(&format!("j{at}")) }).await;
        assert_eq!((job.state, job.attempts, job.max_attempts), (state, 0, 5));
    }
    let payload = Payload::new(&serde_json::json!({"deep": [1, "zwei"]})).expect("an object");
    let new = Register { payload: Some(payload), ..hourly("repeats") };
    let job = register(&world.plane, new).await;
    assert_eq!((job.payload.as_deref(), job.max_attempts), (Some(r#"{"deep":[1,"zwei"]}"#), 0));
    assert_eq!(world.plane.show_job(&ann(), "repeats").await.expect("a job"), job);
});

both!(a_taken_name_is_refused_unless_the_definition_is_to_be_replaced, async |world| {
    register(&world.plane, due("j")).await;
    let held = take(&world.plane, &ann(), wish()).await;
    assert_eq!(code(world.plane.register_job(&bob(), due("j"), Upsert::Never).await), Code::AlreadyExists);
    let new = Register { kind: "audit".into(), priority: 3, ..hourly("j") };
    let job = world.plane.register_job(&bob(), new, Upsert::Replace).await.expect("replaced");
    assert_eq!((job.kind.as_str(), job.priority, &job.state), ("audit", 3, &held.state), "the claim stays");
    assert_eq!((job.fencing_token, job.attempts), (held.fencing_token, held.attempts));
    let done = complete(&world.plane, &ann(), &held, "ok").await;
    assert_eq!(done.next_run_at, Some(START + Span::hours(1)), "by the new definition");
});

both!(sixteen_callers_register_one_name_and_exactly_one_succeeds, async |world| {
    let replica = world.replica().await;
    for round in 0..5 {
        let mut races = Vec::new();
        for racer in 0..16 {
            let plane = if racer % 2 == 0 { world.plane.clone() } else { replica.clone() };
            let by = call(Role::Routine, &format!("r{racer}"), "register-routine-job");
            let new = Register { created_by: by.by.name.clone(), ..due(&format!("j{round}")) };
            races.push(tokio::spawn(async move { plane.register_job(&by, new, Upsert::Never).await }));
        }
        let mut winners = Vec::new();
        for race in races {
            match race.await.expect("no panic") {
                Ok(job) => winners.push(job),
                refused => assert_eq!(code(refused), Code::AlreadyExists),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        let stands = world.plane.show_job(&ann(), &format!("j{round}")).await.expect("a job");
        assert_eq!(stands.created_by, winners[0].created_by);
    }
    assert_eq!(journal(&world.plane).await.len(), 5, "only a success leaves an audit row");
});

both!(inv_5_only_the_current_claim_completes_and_only_once, async |world| {
    register(&world.plane, hourly("j")).await;
    let first = take(&world.plane, &ann(), wish()).await;
    let foreign = world.plane.complete_job(&bob(), end(&first, "ok")).await.expect("an answer");
    assert_eq!(foreign, Err(Stale::NotYours));
    world.hand.advance(Span::mins(1));
    let late = world.plane.complete_job(&ann(), end(&first, "ok")).await.expect("an answer");
    assert_eq!(late, Err(Stale::Expired));
    let second = take(&world.plane, &bob(), wish()).await;
    let stale = world.plane.complete_job(&ann(), end(&first, "ok")).await.expect("an answer");
    assert_eq!(stale, Err(Stale::StaleClaim));
    assert_eq!(world.plane.show_job(&ann(), "j").await.expect("a job"), second, "nothing changed");
    complete(&world.plane, &bob(), &second, "ok").await;
    let twice = world.plane.complete_job(&bob(), end(&second, "error: no")).await.expect("an answer");
    assert_eq!(twice, Err(Stale::StaleClaim));
    let runs = walk(50, async |ask| world.plane.list_runs(&ann(), Some("j"), ask).await).await;
    let outcomes: Vec<_> = runs.iter().map(|run| (run.outcome, run.principal.as_str())).collect();
    assert_eq!(outcomes, [(Outcome::Ok, "bob"), (Outcome::Lost, "ann")]);
});

both!(a_completion_without_its_handle_counts_for_the_claimants_own_claim_only, async |world| {
    register(&world.plane, hourly("j")).await;
    let own = |holder: &str| Completion { at: Pointer::Own(holder.to_owned()), ..bare("j") };
    let nobody = world.plane.complete_job(&ann(), own("worker")).await.expect("an answer");
    assert_eq!(nobody, Err(Stale::NotClaimed));
    take(&world.plane, &ann(), wish()).await;
    assert_eq!(world.plane.complete_job(&bob(), own("worker")).await.expect("an answer"), Err(Stale::StaleClaim));
    assert_eq!(world.plane.complete_job(&ann(), own("another")).await.expect("an answer"), Err(Stale::StaleClaim));
    world.plane.complete_job(&ann(), own("worker")).await.expect("an answer").expect("not stale");
    let unknown = world.plane.complete_job(&ann(), bare("nobody")).await.expect("an answer");
    assert_eq!(unknown, Err(Stale::NotFound));
});

fn bare(name: &str) -> Completion {
    let status = domain::job::Status::parse("ok").expect("a status");
    Completion { name: name.into(), at: Pointer::Own("worker".into()), status, summary: None, gaps: Vec::new() }
}

both!(a_repeating_job_is_due_one_interval_after_its_end_without_catching_up, async |world| {
    register(&world.plane, hourly("j")).await;
    world.hand.advance(Span::hours(9));
    let job = take(&world.plane, &ann(), wish()).await;
    world.hand.advance(Span::secs(30));
    let done = complete(&world.plane, &ann(), &job, "error: no luck").await;
    assert_eq!(done.next_run_at, Some(world.hand.now() + Span::hours(1)));
    assert_eq!(done.last.expect("a last run").status, "error: no luck");
    assert_eq!(claim(&world.plane, &ann(), wish()).await, None);
});

both!(renewing_prolongs_a_claim_never_shortens_it_and_does_not_revive_it, async |world| {
    register(&world.plane, hourly("j")).await;
    let job = take(&world.plane, &ann(), wish()).await;
    let id = claim_id(&job);
    let renew = async |by: plane::Call, secs, word| {
        let renewed = world.plane.renew_job(&by, &id, Span::secs(secs), word).await.expect("an answer");
        renewed.map(|job| match job.state {
            State::Held(claim) => (claim.expires_at, claim.progress),
            State::Idle | State::Waiting | State::Ready | State::Dead => panic!("not held"),
        })
    };
    assert_eq!(renew(ann(), 10, Some("half")).await, Ok((START + Span::mins(1), Some("half".into()))));
    assert_eq!(renew(ann(), 90, None).await, Ok((START + Span::secs(90), Some("half".into()))));
    assert_eq!(renew(bob(), 90, None).await, Err(Stale::NotYours));
    world.hand.advance(Span::secs(90));
    assert_eq!(renew(ann(), 90, None).await, Err(Stale::Expired));
    let token = world.plane.show_job(&ann(), "j").await.expect("a job").fencing_token;
    assert_eq!(token, job.fencing_token, "renewing is not claiming");
});

both!(deferring_gives_a_claim_back_for_later_and_costs_no_attempt, async |world| {
    register(&world.plane, Register { max_attempts: Some(2), ..due("j") }).await;
    for _ in 0..5 {
        let job = take(&world.plane, &ann(), wish()).await;
        assert_eq!(job.attempts, 1);
        let foreign = world.plane.defer_job(&bob(), &claim_id(&job), Span::mins(5), "quota").await.expect("an answer");
        assert_eq!(foreign, Err(Stale::NotYours));
        let put = world.plane.defer_job(&ann(), &claim_id(&job), Span::mins(5), "quota").await;
        let put = put.expect("an answer").expect("not stale");
        assert_eq!((put.state, put.next_run_at), (State::Waiting, Some(world.hand.now() + Span::mins(5))));
        assert_eq!(claim(&world.plane, &ann(), wish()).await, None);
        world.hand.advance(Span::mins(5));
    }
    let runs = walk(50, async |ask| world.plane.list_runs(&ann(), Some("j"), ask).await).await;
    assert!(runs.iter().all(|run| run.outcome == Outcome::Deferred) && runs.len() == 5);
});

both!(triggering_makes_a_job_due_now_and_a_held_one_once_more, async |world| {
    register(&world.plane, Register { next_run_at: None, ..due("idle") }).await;
    let job = world.plane.trigger_job(&ann(), "idle").await.expect("an answer").expect("a job");
    assert_eq!((job.state, job.next_run_at), (State::Ready, Some(START)));
    let held = take(&world.plane, &ann(), wish()).await;
    let asked = world.plane.trigger_job(&bob(), "idle").await.expect("an answer").expect("a job");
    assert_eq!((&asked.state, asked.triggered_at), (&held.state, Some(START)), "the claim is not disturbed");
    let again = complete(&world.plane, &ann(), &held, "ok").await;
    assert_eq!((again.state, again.triggered_at), (State::Ready, None));
    let last = take(&world.plane, &ann(), wish()).await;
    assert_eq!(complete(&world.plane, &ann(), &last, "ok").await.state, State::Idle);
    assert_eq!(world.plane.trigger_job(&ann(), "nobody").await.expect("an answer"), None);
});

both!(what_was_asked_for_during_a_run_outlives_a_lost_and_a_deferred_claim, async |world| {
    let mut stands = Vec::new();
    for name in ["lost", "deferred"] {
        register(&world.plane, due(name)).await;
        let held = take(&world.plane, &ann(), named(name)).await;
        world.plane.trigger_job(&bob(), name).await.expect("an answer").expect("a job");
        if name == "deferred" {
            let put = world.plane.defer_job(&ann(), &claim_id(&held), Span::hours(1), "quota").await;
            put.expect("an answer").expect("not stale");
        } else {
            world.hand.advance(Span::mins(1));
            world.plane.tend_lines().await.expect("tended");
        }
        let job = world.plane.show_job(&ann(), name).await.expect("a job");
        let last = job.last.expect("how it ended");
        stands.push((job.state, job.next_run_at, job.attempts, last.outcome(), last.at));
    }
    let now = world.hand.now();
    assert_eq!(
        stands,
        [(State::Ready, Some(now), 0, Outcome::Lost, now), (State::Ready, Some(now), 0, Outcome::Deferred, now),]
    );
});

both!(a_due_time_given_to_a_held_one_off_is_kept, async |world| {
    let tomorrow = Some(START + Span::days(1));
    register(&world.plane, due("j")).await;
    let held = take(&world.plane, &ann(), wish()).await;
    let new = Register { next_run_at: tomorrow, ..due("j") };
    world.plane.register_job(&bob(), new, Upsert::Replace).await.expect("replaced");
    let done = complete(&world.plane, &ann(), &held, "ok").await;
    assert_eq!((done.state, done.next_run_at), (State::Waiting, tomorrow));
});

both!(a_job_out_of_attempts_by_lost_claims_says_so_among_the_dead_letters, async |world| {
    register(&world.plane, Register { max_attempts: Some(1), ..due("j") }).await;
    take(&world.plane, &ann(), wish()).await;
    world.hand.advance(Span::mins(1));
    world.plane.tend_lines().await.expect("tended");
    let letters = world.plane.dead_letters(&ann(), &Ask::default()).await.expect("a list").items;
    let told: Vec<_> = letters.iter().map(|letter| (letter.error.as_str(), letter.at)).collect();
    assert_eq!(told, [("lost: the claim of worker expired at 2026-11-22T08:01:00.000Z", world.hand.now().0)]);
});

both!(a_held_job_is_not_removed_and_a_removed_ones_history_stays, async |world| {
    register(&world.plane, hourly("j")).await;
    let job = take(&world.plane, &ann(), wish()).await;
    let kept = world.plane.deregister_job(&operator(), "j").await.expect("an answer");
    assert_eq!(kept, Err(Kept::Held { by: "worker".into(), until: START + Span::mins(1), now: START }));
    world.hand.advance(Span::mins(1));
    world.plane.deregister_job(&ann(), "j").await.expect("an answer").expect("removed");
    assert_eq!(world.plane.deregister_job(&ann(), "j").await.expect("an answer"), Err(Kept::NotFound));
    assert_eq!(code(world.plane.show_job(&ann(), "j").await), Code::NotFound);
    let run = world.plane.show_run(&ann(), &claim_id(&job)).await.expect("its history");
    assert_eq!((run.outcome, run.job.as_str()), (Outcome::Lost, "j"));
});

both!(five_hundred_jobs_and_their_runs_are_walked_without_loss_or_repetition, async |world| {
    let mut tx = world.store().begin().await.expect("a transaction");
    let mut expected = Vec::new();
    for n in 0..500_i64 {
        let name = format!("j{:03}", (n * 31) % 500);
        let next_run_at = (n % 4 > 0).then(|| START + Span::secs(n % 4));
        let job = domain::job::Job::register(Register { next_run_at, ..due(&name) }, n, START);
        assert!(store::job::add(&mut tx, &job).await.expect("a row"));
        expected.push((next_run_at.map_or(i64::MAX, |due| due.0), name));
    }
    tx.commit().await.expect("a commit");
    expected.sort();
    for limit in [3, 200] {
        let jobs = walk(limit, async |ask| world.plane.list_jobs(&ann(), false, None, ask).await).await;
        let names: Vec<_> = jobs.into_iter().map(|listed| listed.job.name).collect();
        assert!(names.iter().eq(expected.iter().map(|(_, name)| name)), "never-due ones last, by pages of {limit}");
    }
    for n in 0..60 {
        let job = take(&world.plane, &ann(), named(&format!("j{n:03}"))).await;
        complete(&world.plane, &ann(), &job, "ok").await;
    }
    let runs = walk(7, async |ask| world.plane.list_runs(&ann(), None, ask).await).await;
    let ids: std::collections::BTreeSet<_> = runs.iter().map(|run| run.claim_id.clone()).collect();
    assert_eq!((runs.len(), ids.len()), (60, 60));
});

both!(a_list_tells_how_large_a_payload_is_and_cuts_a_summary, async |world| {
    let payload = Payload::new(&serde_json::json!({"text": "\u{e9}"})).expect("an object");
    register(&world.plane, Register { payload: Some(payload), ..hourly("j") }).await;
    register(&world.plane, hourly("bare")).await;
    let job = take(&world.plane, &ann(), named("j")).await;
    let summary = "\u{1f512}".repeat(501);
    let done = Completion { summary: Some(summary.clone()), ..end(&job, "ok") };
    let whole = world.plane.complete_job(&ann(), done).await.expect("an answer").expect("not stale").job;
    assert_eq!(world.plane.show_job(&ann(), "j").await.expect("a job"), whole);
    let cut = Some(format!("{} [cut]", "\u{1f512}".repeat(500)));
    let listed = world.plane.list_jobs(&ann(), false, None, &Ask::default()).await.expect("a list").items;
    let sizes: Vec<_> = listed.iter().map(|listed| (listed.job.name.as_str(), listed.payload_bytes)).collect();
    assert_eq!(sizes, [("bare", None), ("j", Some(13))], "bytes, not characters");
    assert_eq!((&listed[1].job.payload, &listed[1].job.last.as_ref().expect("a last run").summary), (&None, &cut));
    let runs = world.plane.list_runs(&ann(), Some("j"), &Ask::default()).await.expect("a list").items;
    assert_eq!(runs[0].summary, cut);
    let run = world.plane.show_run(&ann(), &runs[0].claim_id).await.expect("a run");
    assert_eq!(run.summary, Some(summary));
});
