//! Scheduled jobs: one run per due time, whoever dies, and nothing touched that was not asked for.

use domain::scheduled::Triggered;
use domain::time::{Span, Time};
use harness::discord::Mood;
use harness::plane::START;
use harness::{Discord, Process, World, both};
use plane::page::Ask;
use plane::{Plane, Settings};
use secrecy::SecretString;
use store::scheduled::Run;
use tokio_util::task::TaskTracker;

use crate::given::{ann, code, operator};

/// A plane with one scheduled job that takes an inventory.
pub(crate) async fn plane(world: &World, name: &str, cadence: &str) -> Plane {
    let schedule = [(name.to_owned(), cadence.to_owned())].into();
    let plane = world.replica_with(|settings| settings.schedule = schedule).await;
    plane.sync_schedule().await.expect("a schedule");
    plane
}

/// Rings what is due and waits until it has run.
pub(crate) async fn ring(plane: &Plane) {
    let tasks = TaskTracker::new();
    plane.ring(&tasks).await.expect("rung");
    tasks.close();
    tasks.wait().await;
}

/// A job's runs, the earliest due time first.
pub(crate) async fn runs(plane: &Plane, name: &str) -> Vec<Run> {
    let mut tx = plane.store().read().await.expect("a look");
    let mut runs = store::scheduled::runs(&mut tx, name, i64::MAX, 1_000).await.expect("runs");
    runs.reverse();
    runs
}

both!(inv_8_two_replicas_that_ring_at_once_run_each_due_time_once, async |world| {
    let one = plane(world, "register-jobs", "every 1h").await;
    let other = plane(world, "register-jobs", "every 1h").await;
    for _ in 0..30 {
        tokio::join!(ring(&one), ring(&other));
        world.hand.advance(Span::hours(1));
    }
    let runs = runs(&one, "register-jobs").await;
    let due: Vec<_> = runs.iter().map(|run| run.due_at).collect();
    let expected: Vec<_> = (0..30).map(|hour| (START + Span::hours(hour)).0).collect();
    assert_eq!(due, expected);
    assert!(
        runs.iter()
            .all(|run| (run.attempt, run.missed) == (1, 0) && run.status.starts_with("ok: 0 gaps in 0 sightings")),
        "{runs:?}"
    );
});

/// A switch that pings `discord` and may take five minutes for it.
pub(crate) fn pinging(discord: &Discord) -> impl FnOnce(&mut Settings) + use<> {
    let url = SecretString::from(format!("http://{}/api/v10/channels/1/messages", discord.addr()));
    |settings: &mut Settings| {
        settings.schedule = [("dead-mans-switch".to_owned(), "every 1h".to_owned())].into();
        settings.ping_url = Some(url);
    }
}

both!(a_run_that_was_killed_is_taken_up_again_for_the_same_due_time, async |world| {
    let discord = Discord::start().await;
    discord.feel(Mood::Silent);
    let survivor = world.replica_with(pinging(&discord)).await;
    survivor.sync_schedule().await.expect("a schedule");
    let (process, opener, set) = (Process::start(), world.opener(), pinging(&discord));
    process.begin(async move {
        let plane = opener.replica(set).await;
        ring(&plane).await;
    });
    discord.await_count(1).await;
    process.kill();
    discord.feel(Mood::Well);
    world.hand.advance(Span(329_999));
    ring(&survivor).await;
    assert_eq!(runs(&survivor, "dead-mans-switch").await, [], "it may still be at work");
    let stuck = survivor.stuck_scheduled(&ann(), Span::mins(4), &Ask::default()).await.expect("a list").items;
    assert_eq!(stuck.len(), 1);
    world.hand.advance(Span(1));
    ring(&survivor).await;
    let runs = runs(&survivor, "dead-mans-switch").await;
    let found: Vec<_> = runs.iter().map(|run| (run.due_at, run.attempt, run.status.as_str())).collect();
    assert_eq!(found, [(START.0, 2, "ok: nobody is silent; pinged")]);
    assert_eq!(runs[0].replica, survivor.replica());
});

both!(a_run_that_kills_its_process_each_time_is_lost_after_three_tries_and_the_next_due_time_runs, async |world| {
    let discord = Discord::start().await;
    discord.feel(Mood::Silent);
    let survivor = world.replica_with(pinging(&discord)).await;
    survivor.sync_schedule().await.expect("a schedule");
    for attempt in 1..=3 {
        let (process, opener, set) = (Process::start(), world.opener(), pinging(&discord));
        process.begin(async move { ring(&opener.replica(set).await).await });
        discord.await_count(attempt).await;
        process.kill();
        world.hand.advance(Span::mins(6));
    }
    discord.feel(Mood::Well);
    ring(&survivor).await;
    let lost = runs(&survivor, "dead-mans-switch").await;
    assert!(lost.len() == 1 && lost[0].status.starts_with("lost:") && lost[0].attempt == 3, "{lost:?}");
    world.hand.set(START + Span::hours(1));
    ring(&survivor).await;
    let runs = runs(&survivor, "dead-mans-switch").await;
    assert_eq!((runs.len(), runs[1].due_at), (2, (START + Span::hours(1)).0));
});

/// Every column of the one scheduled job.
type Row = (String, String, Int, Text, Int, Text, Int, Int, Int, Int, Int, Text);
type Int = Option<i64>;
type Text = Option<String>;

async fn row(plane: &Plane) -> Row {
    let mut tx = plane.store().read().await.expect("a look");
    let all = "SELECT name, cadence, next_run_at, run_id, due_at, replica, locked_at, expires_at, attempt, missed, last_run_at, last_status FROM scheduled_job";
    tx.one(all, &[]).await.expect("a row").expect("a job")
}

both!(triggering_sets_the_next_run_to_now_and_touches_nothing_else, async |world| {
    let mut discord = Discord::start().await;
    discord.feel(Mood::Silent);
    let plane = world.replica_with(pinging(&discord)).await;
    plane.sync_schedule().await.expect("a schedule");
    // Once with a run behind it, once with a run under way.
    let tasks = TaskTracker::new();
    plane.ring(&tasks).await.expect("rung");
    discord.await_count(1).await;
    for held in [true, false] {
        world.hand.advance(Span::mins(1));
        let before = row(&plane).await;
        assert_eq!(before.3.is_some(), held);
        assert_eq!(plane.trigger_scheduled(&ann(), "dead-mans-switch").await.expect("an answer"), Triggered::Now);
        let mut expected = before;
        expected.2 = Some(world.hand.now().0);
        assert_eq!(row(&plane).await, expected);
        // The ping breaks, and the run ends.
        discord.down();
        tasks.close();
        tasks.wait().await;
    }
    assert_eq!(plane.trigger_scheduled(&ann(), "nobody").await.expect("an answer"), Triggered::NotFound);
    assert_eq!(code(plane.trigger_scheduled(&ann(), "").await), domain::refusal::Code::InvalidArgument);
});

both!(a_job_that_was_triggered_rings_at_once_and_goes_on_from_there, async |world| {
    let plane = plane(world, "register-jobs", "every 1h").await;
    ring(&plane).await;
    world.hand.advance(Span::mins(20));
    plane.trigger_scheduled(&operator(), "register-jobs").await.expect("an answer");
    ring(&plane).await;
    ring(&plane).await;
    let due: Vec<_> = runs(&plane, "register-jobs").await.iter().map(|run| Time(run.due_at)).collect();
    assert_eq!(due, [START, START + Span::mins(20)]);
});

// Found by this exam: the second run of one millisecond could not be written down, and the job was stuck for ever.
both!(a_job_that_is_triggered_twice_in_one_millisecond_goes_on, async |world| {
    let plane = plane(world, "register-jobs", "every 1h").await;
    ring(&plane).await;
    for _ in 0..2 {
        plane.trigger_scheduled(&operator(), "register-jobs").await.expect("an answer");
        ring(&plane).await;
        world.hand.advance(Span::mins(5));
    }
    world.hand.set(START + Span::hours(3));
    for _ in 0..3 {
        ring(&plane).await;
        world.hand.advance(Span::mins(5));
    }
    let seen = plane.list_scheduled(&ann(), &Ask::default()).await.expect("a list").items;
    assert_eq!(seen[0].job.hold, None);
    assert!(runs(&plane, "register-jobs").await.iter().any(|run| run.due_at > (START + Span::hours(1)).0));
});

both!(a_job_without_a_handler_in_a_live_replica_is_an_orphan, async |world| {
    let plane = plane(world, "register-jobs", "every 1h").await;
    let orphans = async || {
        let seen = plane.orphan_scheduled(&ann(), &Ask::default()).await.expect("a list").items;
        seen.into_iter().map(|seen| seen.job.name).collect::<Vec<_>>()
    };
    assert_eq!(orphans().await, ["register-jobs"], "nobody has said that it lives");
    plane.tell_presence().await.expect("told");
    assert_eq!(orphans().await, Vec::<String>::new());
    let mut tx = world.store().begin().await.expect("a transaction");
    let add = "INSERT INTO scheduled_job (name, cadence) VALUES ('handled-by-nobody', 'every 1h')";
    tx.run(add, &[]).await.expect("a job");
    tx.commit().await.expect("a commit");
    assert_eq!(orphans().await, ["handled-by-nobody"]);
    world.hand.advance(Span::secs(30));
    assert_eq!(orphans().await, ["handled-by-nobody"]);
    world.hand.advance(Span(1));
    assert_eq!(orphans().await, ["handled-by-nobody", "register-jobs"], "its replica is gone");
    plane.tell_presence().await.expect("told");
    plane.tell_absence().await.expect("told");
    assert_eq!(orphans().await.len(), 2, "it said that it goes");
});

both!(a_job_whose_row_is_corrupt_keeps_no_other_from_ringing, async |world| {
    let schedule = [("outbox", "every 1h"), ("register-jobs", "every 1h")];
    let schedule = schedule.map(|(name, cadence)| (name.to_owned(), cadence.to_owned())).into();
    let plane = world.replica_with(|settings| settings.schedule = schedule).await;
    plane.sync_schedule().await.expect("a schedule");
    let mut tx = world.store().begin().await.expect("a transaction");
    tx.run("UPDATE scheduled_job SET cadence = 'nonsense' WHERE name = 'outbox'", &[]).await.expect("a broken row");
    tx.commit().await.expect("a commit");
    let tasks = TaskTracker::new();
    plane.ring(&tasks).await.expect_err("the chore tells of the broken one");
    tasks.close();
    tasks.wait().await;
    assert_eq!(runs(&plane, "register-jobs").await.len(), 1);
    assert_eq!(runs(&plane, "outbox").await, []);
});

/// A plane without a scheduled job.
async fn without(world: &World) -> Plane {
    let plane = world.replica_with(|_| {}).await;
    plane.sync_schedule().await.expect("a schedule");
    plane
}

both!(a_job_that_is_off_is_not_triggered_and_says_so, async |world| {
    plane(world, "register-jobs", "every 1h").await;
    let off = without(world).await;
    let before = row(&off).await;
    assert_eq!((before.1.as_str(), before.2), ("", None));
    assert_eq!(off.trigger_scheduled(&ann(), "register-jobs").await.expect("an answer"), Triggered::Off);
    assert_eq!(row(&off).await, before);
    ring(&off).await;
    assert_eq!(off.orphan_scheduled(&ann(), &Ask::default()).await.expect("a list").items, []);
    let on = plane(world, "register-jobs", "every 1h").await;
    world.hand.advance(Span::hours(1));
    ring(&on).await;
    assert_eq!(runs(&on, "register-jobs").await.len(), 1, "it is on again");
});

both!(a_job_is_off_only_when_no_live_replica_rings_it, async |world| {
    let on = plane(world, "register-jobs", "every 1h").await;
    on.tell_presence().await.expect("told");
    let off = without(world).await;
    off.tell_presence().await.expect("told");
    assert_eq!(row(&on).await.1, "every 1h", "another rings it");
    ring(&off).await;
    assert_eq!(runs(&on, "register-jobs").await, [], "this one does not");
    ring(&on).await;
    assert_eq!(runs(&on, "register-jobs").await.len(), 1);
    // The one that rings it stalls for long enough to count as gone, and comes back.
    world.hand.advance(Span::mins(1));
    off.tell_presence().await.expect("told");
    assert_eq!(row(&on).await.1, "");
    for _ in 0..2 {
        ring(&on).await;
        world.hand.advance(Span::hours(1));
    }
    assert_eq!(row(&on).await.1, "every 1h");
    assert_eq!(runs(&on, "register-jobs").await.len(), 2, "it goes on");
});

both!(a_run_that_overruns_is_stopped_before_another_replica_takes_it_up, async |world| {
    let discord = Discord::start().await;
    discord.feel(Mood::Silent);
    let set = |settings: &mut Settings| {
        pinging(&discord)(settings);
        settings.run_deadline = Span(500);
    };
    let (slow, other) = (world.replica_with(set).await, world.replica_with(set).await);
    slow.sync_schedule().await.expect("a schedule");
    let tasks = TaskTracker::new();
    slow.ring(&tasks).await.expect("rung");
    discord.await_count(1).await;
    // The store's clock is past the deadline while the handler, whose own time began later, is still at work.
    world.hand.advance(Span(500));
    ring(&other).await;
    assert_eq!(discord.arrived().len(), 1, "two ran at once");
    tasks.close();
    tasks.wait().await;
    let ended = runs(&other, "dead-mans-switch").await;
    assert_eq!(ended.len(), 1);
    assert_eq!((ended[0].attempt, ended[0].status.as_str()), (1, "error: did not finish within 500ms"));
});
