//! Cloud Routines by command: what was started, and what an operator says of a start that nobody can tell of.

use harness::Trigger;
use harness::trigger::Mood;
use serde_json::json;

use crate::program::{Home, until};

/// A folder whose server starts a Routine for jobs of the kind digest, every second.
fn home(trigger: &Trigger) -> Home {
    let home = Home::new();
    home.write("trigger.token", "sk-ant-oat01-s3cret\n");
    let url = trigger.url();
    home.write(
        "gapwright.toml",
        &format!(
            "[schedule]\nfire-routines = \"every 1s\"\n\
             [fire.cloud]\nkind = \"digest\"\nurl = \"{url}\"\ntoken_file = \"trigger.token\"\n"
        ),
    );
    home.ok(&["migrate"]);
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routine_is_started_for_a_due_job_and_of_one_that_nobody_can_tell_an_operator_says() {
    let trigger = Trigger::start().await;
    let home = home(&trigger);
    home.ok(&["jobs", "add", "one", "--kind", "digest", "--next-run-at", "2026-01-01T00:00:00Z"]);
    let shown = home.ok(&["config", "show"]);
    assert!(!shown.contains("s3cret") && shown.contains("trigger.token"), "{shown}");
    trigger.feel(Mood::Page);
    let server = home.serve(&["--insecure-no-auth"]);
    let fires = || home.json(&["routines", "fires"])["fires"].clone();
    let unknown = until("a start", fires, |fires| fires[0]["state"] == "unknown").await;
    assert_eq!((&unknown[0]["job"], &unknown[0]["routine"]), (&json!("one"), &json!("cloud")));
    assert_eq!(trigger.told(), ["one"]);
    let letters = home.ok(&["dead-letters"]);
    assert!(letters.contains("routine_start") && letters.contains("gapwright routines release ID"), "{letters}");
    let id = unknown[0]["id"].as_str().expect("an id");
    assert!(home.fails(2, &["routines", "release", id]).contains("--started"), "one of both is to be said");
    assert!(
        home.fails(3, &["routines", "release", "01M814K10SP7MQ9SNE3S4K77C2", "--started"]).contains("routines fires")
    );
    trigger.feel(Mood::Well);
    assert_eq!(home.ok(&["routines", "release", id, "--not-started"]), "cloud is started again for one\n");
    let started = until("a start", fires, |fires| fires[0]["state"] == "started").await;
    assert_eq!(started[0]["url"], "https://claude.ai/code/session_2");
    assert!(home.fails(5, &["routines", "release", id, "--started"]).contains("nobody asks"));
    assert_eq!(home.json(&["dead-letters"])["dead_letters"], json!([]));
    drop(server);
}
