//! Scheduled jobs: one run per due time, whoever dies, and nothing touched that was not asked for.

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
        runs.iter().all(|run| (run.attempt, run.missed, run.status.as_str()) == (1, 0, "ok: 0 gaps in 0 sightings")),
        "{runs:?}"
    );
});

/// A switch that pings `discord` and may take five minutes for it.
fn pinging(discord: &Discord) -> impl FnOnce(&mut Settings) + use<> {
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
    world.hand.advance(Span(299_999));
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
        world.hand.advance(Span::mins(5));
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
        assert!(plane.trigger_scheduled(&ann(), "dead-mans-switch").await.expect("an answer"));
        let mut expected = before;
        expected.2 = Some(world.hand.now().0);
        assert_eq!(row(&plane).await, expected);
        // The ping breaks, and the run ends.
        discord.down();
        tasks.close();
        tasks.wait().await;
    }
    assert!(!plane.trigger_scheduled(&ann(), "nobody").await.expect("an answer"));
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
