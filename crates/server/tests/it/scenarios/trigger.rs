//! Scenario 2: a stuck job is found and triggered, by one of two Routines that find it at once.

use domain::time::Span;
use harness::discord::Mood;
use harness::{Discord, Process, World, both};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::{Ground, Routine};

/// The scheduled job that hangs: it asks a monitor which does not answer.
const JOB: &str = "dead-mans-switch";

fn scheduled(monitor: &Discord) -> impl FnOnce(&mut plane::Settings) + use<> {
    let url = SecretString::from(format!("http://{}/api/v10/channels/1/messages", monitor.addr()));
    |settings: &mut plane::Settings| {
        settings.schedule = [(JOB.to_owned(), "every 1h".to_owned())].into();
        settings.ping_url = Some(url);
    }
}

/// A server rings the job and dies amid it.
async fn die_amid_it(world: &World, monitor: &Discord) {
    monitor.feel(Mood::Silent);
    let (process, opener, set) = (Process::start(), world.opener(), scheduled(monitor));
    process.begin(async move { ring(&opener.replica(set).await).await });
    monitor.await_count(1).await;
    process.kill();
    monitor.feel(Mood::Well);
}

async fn ring(plane: &plane::Plane) {
    let tasks = TaskTracker::new();
    plane.ring(&tasks).await.expect("rung");
    tasks.close();
    tasks.wait().await;
}

/// The prompt of stuck-jobs, as it is written; gives what it triggered.
async fn look(by: &Routine) -> Vec<String> {
    by.checks_in("stuck-jobs", "start").await;
    let stuck = by.does("check-stuck-jobs", json!({"threshold_mins": 10})).await;
    let held = by.does("check-stuck-routine-jobs", json!({"threshold_mins": 60})).await;
    let orphans = by.does("check-orphan-jobs", json!({})).await;
    assert_eq!((&held["jobs"], &orphans["jobs"]), (&json!([]), &json!([])));
    let mut triggered = Vec::new();
    for job in stuck["jobs"].as_array().expect("a list") {
        let name = job["name"].as_str().expect("a name");
        if by.locks(&format!("stuck-job-{name}"), 900).await.is_some() {
            let answer = by.does("trigger-job", json!({"name": name})).await;
            assert_eq!(answer, json!({"ok": true}));
            triggered.push(name.to_owned());
        }
    }
    if !triggered.is_empty() {
        let line = format!("{}: hung for more than 10 minutes, triggered", triggered.join(", "));
        by.does("notify", json!({"message": line, "level": "warn"})).await;
    }
    by.checks_in("stuck-jobs", "end").await;
    triggered
}

async fn shown(by: &Routine) -> Value {
    let found = by.does("check-stuck-jobs", json!({"threshold_mins": 0})).await;
    found["jobs"].get(0).cloned().unwrap_or_default()
}

both!(scenario_2_a_stuck_job_is_triggered_once, async |world| {
    let monitor = Discord::start().await;
    let ground = Ground::with(world, scheduled(&monitor)).await;
    die_amid_it(world, &monitor).await;
    let (ann, bob) = (ground.routine("ann").await, ground.routine("bob").await);
    world.hand.advance(Span::mins(9));
    ground.plane.tell_presence().await.expect("told");
    assert_eq!(look(&ann).await, Vec::<String>::new(), "it may still be at work");
    world.hand.advance(Span::mins(2));
    ground.plane.tell_presence().await.expect("told");
    let before = shown(&ann).await;
    let (one, other) = tokio::join!(look(&ann), look(&bob));
    assert_eq!([one.clone(), other].concat(), [JOB], "one of them");
    let winner = if one.is_empty() { "bob" } else { "ann" };
    let mut after = shown(&ann).await;
    assert_ne!(after["next_run_at"], before["next_run_at"]);
    after["next_run_at"] = before["next_run_at"].clone();
    assert_eq!(after, before, "only its next run was moved");
    let told = ground.told().await;
    assert_eq!(told, ["\u{26a0}\u{fe0f} dead-mans-switch: hung for more than 10 minutes, triggered"]);
    // The lock stays, so that who looks next does not do the same again.
    assert_eq!(look(&ann).await, Vec::<String>::new());
    assert_eq!(ground.told().await.len(), 1);
    for name in ["ann", "bob"] {
        let triggers = ground.tools_of(name).await.into_iter().filter(|tool| tool == "trigger-job").count();
        assert_eq!(triggers, usize::from(name == winner), "{name}");
    }
    ring(&ground.plane).await;
    let mut tx = ground.plane.store().read().await.expect("a look");
    let seen = store::scheduled::find(&mut tx, JOB).await.expect("a look").expect("the job");
    assert_eq!(seen.last_status.as_deref(), Some("ok: nobody is silent; pinged"));
    drop(tx);
    assert_eq!(shown(&ann).await, Value::Null, "nothing is stuck any more");
    ground.end().await;
});
