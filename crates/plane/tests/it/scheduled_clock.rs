//! Scheduled jobs when time itself misbehaves: clocks that jump, and days of 23 and 25 hours.

use domain::time::{Span, Time};
use harness::plane::START;
use harness::{Discord, both};

use crate::scheduled::{pinging, plane, ring, runs};

both!(inv_8_a_clock_that_jumps_ahead_gives_one_run_that_counts_what_was_missed, async |world| {
    let plane = plane(world, "register-jobs", "every 10m").await;
    for (jump, missed) in [(Span::ZERO, 0), (Span::hours(1), 5), (Span::days(1), 143), (Span::mins(10), 0)] {
        world.hand.advance(jump);
        ring(&plane).await;
        ring(&plane).await;
        let last = runs(&plane, "register-jobs").await.pop().expect("a run");
        assert_eq!(last.missed, missed, "after {jump}");
    }
    assert_eq!(runs(&plane, "register-jobs").await.len(), 4);
});

both!(inv_8_a_clock_that_jumps_back_rings_no_due_time_twice, async |world| {
    for (name, cadence) in [("register-jobs", "every 10m"), ("retention", "*/10 * * * *")] {
        for back in [Span::hours(1), Span::days(1)] {
            world.hand.set(START + Span::days(10));
            let plane = plane(world, name, cadence).await;
            world.hand.advance(Span::mins(10));
            ring(&plane).await;
            let before = runs(&plane, name).await;
            world.hand.set(world.hand.now() - back);
            for _ in 0..12 {
                ring(&plane).await;
                world.hand.advance(Span::mins(10));
            }
            let after = runs(&plane, name).await;
            let due: std::collections::BTreeSet<_> = after.iter().map(|run| run.due_at).collect();
            assert_eq!(due.len(), after.len(), "{cadence} back by {back}");
            assert!(after.len() >= before.len() && after.iter().all(|run| run.status.starts_with("ok")), "{after:?}");
            world.hand.set(START + Span::days(20));
            ring(&plane).await;
            assert!(runs(&plane, name).await.len() > after.len(), "it goes on: {cadence} back by {back}");
            let mut tx = world.store().begin().await.expect("a transaction");
            tx.run("DELETE FROM scheduled_run", &[]).await.expect("runs forgotten");
            tx.run("DELETE FROM scheduled_job", &[]).await.expect("jobs forgotten");
            tx.commit().await.expect("a commit");
        }
    }
});

both!(inv_8_a_clock_that_is_corrected_back_keeps_no_job_from_ringing, async |world| {
    for (name, cadence) in [("register-jobs", "every 1h"), ("retention", "0 * * * *")] {
        world.hand.set(START);
        let plane = plane(world, name, cadence).await;
        world.hand.advance(Span::hours(30));
        ring(&plane).await;
        let ahead = runs(&plane, name).await.len();
        world.hand.set(START + Span::mins(1));
        for hour in 1..=40 {
            ring(&plane).await;
            world.hand.advance(Span::hours(1));
            ring(&plane).await;
            let rung = runs(&plane, name).await.len() - ahead;
            // A due time that had its run while the clock was ahead is left out: one of them all.
            assert!(rung == hour || rung + 1 == hour, "{cadence}: {rung} runs in {hour} hours");
        }
    }
});

both!(inv_8_what_ran_while_the_clock_was_ahead_is_not_run_again_when_it_gets_there, async |world| {
    for cadence in ["every 10m", "*/10 * * * *"] {
        world.hand.set(START);
        let discord = Discord::start().await;
        let set = |settings: &mut plane::Settings| {
            pinging(&discord)(settings);
            settings.schedule = [("dead-mans-switch".to_owned(), cadence.to_owned())].into();
        };
        let plane = world.replica_with(set).await;
        plane.sync_schedule().await.expect("a schedule");
        for minute in [60, 70, 80, 90, 1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110] {
            world.hand.set(START + Span::mins(minute));
            ring(&plane).await;
        }
        let runs = runs(&plane, "dead-mans-switch").await;
        assert_eq!(discord.arrived().len(), runs.len(), "{cadence}: each run has its own due time");
        assert!(runs.len() >= 8, "{cadence}: {runs:?}");
        let mut tx = world.store().begin().await.expect("a transaction");
        tx.run("DELETE FROM scheduled_run", &[]).await.expect("runs forgotten");
        tx.run("DELETE FROM scheduled_job", &[]).await.expect("jobs forgotten");
        tx.commit().await.expect("a commit");
    }
});

both!(a_job_that_was_triggered_while_the_clock_was_ahead_rings_after_it_is_corrected, async |world| {
    let plane = plane(world, "register-jobs", "every 1h").await;
    ring(&plane).await;
    world.hand.advance(Span::days(1));
    plane.trigger_scheduled(&crate::given::operator(), "register-jobs").await.expect("an answer");
    world.hand.set(START + Span::mins(1));
    ring(&plane).await;
    world.hand.advance(Span::mins(1));
    plane.trigger_scheduled(&crate::given::operator(), "register-jobs").await.expect("an answer");
    ring(&plane).await;
    let due: Vec<_> = runs(&plane, "register-jobs").await.iter().map(|run| Time(run.due_at)).collect();
    assert_eq!(due, [START, START + Span::mins(2)], "a trigger rings now, wherever the clock has been");
});

/// The moments that a line rings for while a plane looks every half hour.
async fn rung(world: &harness::World, cadence: &str, from: &str, to: &str) -> Vec<String> {
    let moment = |text: &str| Time::parse(text, "at").expect("a moment");
    world.hand.set(moment(from));
    let plane = plane(world, "register-jobs", cadence).await;
    while world.hand.now() < moment(to) {
        world.hand.advance(Span::mins(30));
        ring(&plane).await;
    }
    runs(&plane, "register-jobs").await.iter().map(|run| Time(run.due_at).iso()).collect()
}

both!(inv_8_a_line_rings_once_on_the_day_without_its_hour, async |world| {
    let rung = rung(world, "CRON_TZ=Europe/Berlin 30 2 * * *", "2027-03-26T12:00:00Z", "2027-03-29T12:00:00Z").await;
    let expected = ["2027-03-27T01:30:00.000Z", "2027-03-28T01:00:00.000Z", "2027-03-29T00:30:00.000Z"];
    assert_eq!(rung, expected, "the skipped time rings at the end of the gap");
});

both!(inv_8_a_line_rings_once_on_the_day_with_its_hour_twice, async |world| {
    let rung = rung(world, "CRON_TZ=Europe/Berlin 30 2 * * *", "2027-10-29T12:00:00Z", "2027-11-01T12:00:00Z").await;
    let expected = ["2027-10-30T00:30:00.000Z", "2027-10-31T00:30:00.000Z", "2027-11-01T01:30:00.000Z"];
    assert_eq!(rung, expected, "the repeated time rings the first time");
});

both!(a_changed_cadence_starts_afresh_and_an_unchanged_one_keeps_its_place_over_a_restart, async |world| {
    let first = plane(world, "register-jobs", "every 1h").await;
    ring(&first).await;
    world.hand.advance(Span::mins(59));
    let restarted = plane(world, "register-jobs", "every 1h").await;
    ring(&restarted).await;
    assert_eq!(runs(&restarted, "register-jobs").await.len(), 1, "a restart is no due time");
    let changed = plane(world, "register-jobs", "every 2h").await;
    world.hand.advance(Span::mins(119));
    ring(&changed).await;
    assert_eq!(runs(&changed, "register-jobs").await.len(), 1);
    world.hand.advance(Span::mins(1));
    ring(&changed).await;
    assert_eq!(runs(&changed, "register-jobs").await.len(), 2);
});

both!(what_is_finished_and_old_is_forgotten_and_what_happened_is_not, async |world| {
    let plane = plane(world, "retention", "every 1d").await;
    let ann = crate::given::ann();
    plane.acquire_lock(&harness::keyed(&ann, "k", "r"), "k", "h", Span::mins(1)).await.expect("a lock");
    plane.notify(&ann, "hello", domain::notice::Level::Info, None).await.expect("queued");
    plane.deliver().await.expect("delivered");
    for _ in 0..20 {
        world.hand.advance(Span::days(1));
        ring(&plane).await;
    }
    let mut tx = world.store().read().await.expect("a look");
    for (table, left) in [
        ("SELECT COUNT(*) FROM lock", 0),
        ("SELECT COUNT(*) FROM outbox", 0),
        ("SELECT COUNT(*) FROM idempotency", 0),
        ("SELECT COUNT(*) FROM journal", 2),
        ("SELECT COUNT(*) FROM fence WHERE value > 0", 1),
    ] {
        assert_eq!(tx.one::<(i64,)>(table, &[]).await.expect(table), Some((left,)), "{table}");
    }
    drop(tx);
    assert!(runs(&plane, "retention").await.len() <= 15, "runs are kept for two weeks");
});
