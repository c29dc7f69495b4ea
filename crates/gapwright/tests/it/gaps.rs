//! From a sighting to a ranked gap to an issue and back, by the program alone: a server, its command line, and nobody's
//! account anywhere.

use harness::mcp::{Answer, Client};
use serde_json::{Value, json};

use crate::program::{Home, until};

async fn report(client: &Client, arguments: Value) -> Value {
    match client.call("report-gap", arguments).await {
        Answer::Ok(answer) => answer,
        other @ (Answer::Refused(_) | Answer::Unknown(_)) => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_becomes_an_issue_and_what_people_do_there_comes_back() {
    let home = Home::new();
    let server = home.serve(&[]);
    let home = home.set("GAPWRIGHT__SERVER__LISTEN", server.address());
    let token = home.json(&["token", "create", "--role", "routine", "--name", "ann"]);
    let client = Client::new(&format!("http://{}", server.address()), token["token"].as_str().expect("a token"));
    home.ok(&["jobs", "add", "nightly", "--kind", "digest", "--every", "1h"]);
    let gap = json!({"kind": "mcp-tool", "name": "list-deploys", "reason": "<b>bad</b>", "job": "nightly"});
    assert_eq!(report(&client, gap).await["gap"], "mcp-tool/list-deploys");

    home.ok(&["schedules", "trigger", "register-jobs"]);
    let swept = |list: &Value| {
        let jobs = list["scheduled_jobs"].as_array().cloned().unwrap_or_default();
        let job = jobs.into_iter().find(|job| job["name"] == "register-jobs").unwrap_or_default();
        job["last_status"].as_str().unwrap_or_default().to_owned()
    };
    until(
        "a sweep at observe",
        || home.json(&["schedules", "list"]),
        |list| swept(list).ends_with("at the level observe nothing leaves the house"),
    )
    .await;
    assert_eq!(home.json(&["issues", "list", "--all"])["issues"], json!([]));

    home.ok(&["level", "raise", "--override", "a trial of the whole way, on nobody's repository"]);
    home.ok(&["schedules", "trigger", "register-jobs"]);
    let issues = until("an issue", || home.json(&["issues", "list"]), |list| list["issues"][0].is_object()).await;
    assert_eq!(issues["issues"].as_array().map(Vec::len), Some(1));
    assert_eq!(issues["issues"][0]["labels"], json!(["capability-gap"]));
    let body = home.json(&["issues", "show", "1"])["body"].as_str().expect("a body").to_owned();
    assert!(
        body.starts_with("<!-- gapwright-gap: mcp-tool/list-deploys -->") && body.contains("\n    <b>bad"),
        "{body}"
    );

    home.ok(&["issues", "label", "1", "priority:high"]);
    home.ok(&["issues", "comment", "1", "please soon", "--by", "joan"]);
    assert_eq!(home.json(&["issues", "show", "1"])["comments"][0]["author"], "joan");
    let show = || home.json(&["gaps", "show", "list-deploys"]);
    let shown = until("the priority", show, |gap| gap["priority"] == "high").await;
    assert_eq!(shown["rank"], 40);
    let listed = shown["last_sightings"].as_array().map(Vec::len);
    assert_eq!((&shown["sightings"], listed), (&json!(1), Some(1)), "how often, and each of them");
    home.fails(5, &["jobs", "add", "mend", "--kind", "implement-gap", "--gap", "list-deploys"]);
    home.ok(&["issues", "label", "1", "claude"]);
    until("the label", show, |gap| gap["issue"]["labels"].to_string().contains("claude")).await;
    home.ok(&["jobs", "add", "mend", "--kind", "implement-gap", "--gap", "list-deploys"]);
    until("the comment", show, |gap| gap["comments"][0]["body"] == "please soon").await;
    home.ok(&["issues", "close", "1"]);
    until("the merge", show, |gap| gap["state"] == "merged").await;

    let proof = json!({"name": "nightly", "holder": "w", "ttl_secs": 60});
    let Answer::Ok(held) = client.call("claim-routine-job", proof).await else { panic!("not claimed") };
    let done = json!({"name": "nightly", "status": "ok", "claim_id": held["claim_id"]});
    assert!(matches!(client.call("complete-routine-job", done).await, Answer::Ok(_)));
    assert_eq!(show()["state"], "proven", "by the blocked job's next success, at once");
    let said = until("a note", || home.json(&["issues", "show", "1"]), |issue| issue["comments"][1].is_object()).await;
    let note = said["comments"][1]["body"].as_str().unwrap_or_default().to_owned();
    assert!(note.ends_with("Proven: `the job nightly succeeded`."), "{note}");

    home.ok(&["gaps", "reopen", "list-deploys", "--reason", "it does not list all of them"]);
    until("the issue open again", || home.json(&["issues", "show", "1"]), |issue| issue["state"] == "open").await;
    home.ok(&["gaps", "wontfix", "list-deploys", "--reason", "we can live without it"]);
    let closed =
        until("the issue closed", || home.json(&["issues", "show", "1"]), |issue| issue["state"] == "not planned")
            .await;
    assert_eq!(closed["labels"], json!(["capability-gap", "claude", "priority:high", "wontfix"]));
}

#[test]
fn the_level_is_shown_raised_and_lowered() {
    let home = Home::with_database();
    let shown = home.json(&["level", "show"]);
    assert_eq!((&shown["level"], &shown["next"]), (&json!("observe"), &json!("propose")));
    assert_eq!(shown["gate"][0], json!({"what": "days in use", "have": 0, "need": 14, "met": false}));
    let refused = home.fails(5, &["level", "raise"]);
    assert!(refused.contains("0 of 14 days in use") && refused.contains("--override"), "{refused}");
    let raised = home.json(&["level", "raise", "--override", "a trial by one person"]);
    assert_eq!(raised, json!({"was": "observe", "now": "propose", "overridden": true}));
    let shown = home.json(&["level", "show"]);
    assert_eq!(shown["history"][0]["reason"], "a trial by one person");
    assert_eq!(home.json(&["level", "lower"])["now"], "observe");
    assert_eq!(home.json(&["audit", "tail"])["entries"][0]["object"], "level");
}

#[test]
fn issues_of_github_are_not_on_this_machine() {
    let home = Home::with_database().set("GAPWRIGHT__FORGE__KIND", "github").set("GAPWRIGHT__FORGE__REPOSITORY", "a/b");
    let said = home.fails(2, &["issues", "list"]);
    assert!(said.contains("there is no local forge here"), "{said}");
}

#[test]
fn settings_of_the_forge_that_make_no_sense_are_refused_by_their_key() {
    for (variable, value) in [
        ("GAPWRIGHT__FORGE__KIND", "gitlab"),
        ("GAPWRIGHT__FORGE__POLL", "6m"),
        ("GAPWRIGHT__FORGE__GIT", "here/website.git"),
        ("GAPWRIGHT__FORGE__ISSUES_OPEN_MAX", "0"),
        ("GAPWRIGHT__FORGE__LABELS__OPT_OUT", "Claude"),
        ("GAPWRIGHT__FORGE__LABELS__GAP", ""),
        ("GAPWRIGHT__GAPS__DEPTH_MAX", "11"),
        ("GAPWRIGHT__LEVEL__OBSERVE_DAYS", "-1"),
    ] {
        let home = Home::with_database().set(variable, value);
        let said = home.fails(2, &["gaps", "list"]);
        let key = variable.trim_start_matches("GAPWRIGHT__").replace("__", ".").to_lowercase();
        assert!(said.contains("makes no sense") && said.contains(&key), "{key}: {said}");
    }
    let home = Home::with_database().set("GAPWRIGHT__FORGE__KIND", "github");
    let said = home.fails(2, &["gaps", "list"]);
    assert!(said.contains("forge.repository"), "{said}");
}

#[test]
fn the_doctor_says_what_the_forge_lacks() {
    let home = Home::with_database().set("GAPWRIGHT__FORGE__KIND", "github").set("GAPWRIGHT__FORGE__REPOSITORY", "a/b");
    let report: Value = serde_json::from_str(&home.run(&["--json", "doctor"]).out).expect("a report");
    let forge = report["checks"].as_array().expect("checks").iter().find(|check| check["name"] == "forge").cloned();
    let forge = forge.expect("a check of the forge");
    assert_eq!(forge["verdict"], "fail");
    assert!(forge["hint"].as_str().is_some_and(|hint| hint.contains("forge.token_file")), "{forge}");
}
