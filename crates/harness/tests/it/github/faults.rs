//! What goes wrong on the way, and what was done all the same.

use harness::github::Fault;
use serde_json::{Value, json};

use super::{REPO, hello};

const ISSUES: &str = "/repos/octo/hello/issues";

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_says_nothing_of_whether_it_was_done() {
    let (github, asker) = hello().await;
    let new = json!({"title": "One"});
    for (fault, status, issues) in [
        (Fault::Before(502), Some(502), 0),
        (Fault::After(500), Some(500), 1),
        (Fault::DropBefore, None, 1),
        (Fault::DropAfter, None, 2),
        (Fault::Secondary { after_secs: 60 }, Some(403), 2),
        (Fault::TooMany { after_secs: 1 }, Some(429), 2),
        (Fault::Limited(403), Some(403), 2),
        (Fault::Unauthorized, Some(401), 2),
        (Fault::Refused(405, "Base branch was modified"), Some(405), 2),
    ] {
        github.fault(1, "POST", "/repos/*/*/issues", fault.clone());
        let answered = asker.send("POST", ISSUES, &new).await.ok().map(|response| response.status().as_u16());
        assert_eq!((answered, github.issues(REPO).len()), (status, issues), "{fault:?}");
    }
    assert_eq!(asker.send("POST", ISSUES, &new).await.unwrap().status(), 201);
    let told: Vec<_> = github.arrived().into_iter().map(|one| (one.status, one.done)).collect();
    assert_eq!(told[..4], [(Some(502), false), (Some(500), true), (None, false), (None, true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secondary_limit_says_how_long_and_the_primary_until_when() {
    let (github, asker) = hello().await;
    github.fault(1, "*", "/**", Fault::Secondary { after_secs: 7 });
    let limited = asker.send("GET", ISSUES, &Value::Null).await.unwrap();
    assert_eq!((limited.status().as_u16(), limited.headers()["retry-after"].to_str().unwrap()), (403, "7"));
    let said: Value = limited.json().await.unwrap();
    assert!(said["message"].as_str().unwrap().contains("secondary rate limit"), "{said}");
    github.fault(1, "GET", "/repos/*/*/issues", Fault::Limited(429));
    let limited = asker.send("GET", ISSUES, &Value::Null).await.unwrap();
    let header = |name: &str| limited.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((limited.status().as_u16(), header("x-ratelimit-remaining")), (429, "0".to_owned()));
    assert_eq!(header("x-ratelimit-reset"), "1795338000");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_page_meets_the_faults_of_the_first() {
    let (github, asker) = hello().await;
    github.fault(1, "GET", "/repos/*/*/issues", Fault::Before(500));
    let path = format!("/repositories/{}/issues?page=2", github.id_of(REPO));
    assert_eq!(asker.ask("GET", &path, Value::Null).await.0, 500);
    assert_eq!(asker.ask("GET", &path, Value::Null).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_answered_who_meets_silence() {
    let (github, asker) = hello().await;
    github.fault(1, "POST", "/repos/*/*/issues", Fault::SilentAfter);
    let new = json!({"title": "One"});
    let asked = asker.send("POST", ISSUES, &new);
    tokio::select! {
        answered = asked => panic!("{answered:?}"),
        () = github.await_arrived(1, |one| one.done) => {}
    }
    assert_eq!(github.issues(REPO).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_be_held_while_the_world_goes_on() {
    let (github, asker) = hello().await;
    let mona = github.as_person("mona", REPO);
    mona.open("One", "", &["bug"]);
    github.fault(1, "DELETE", "/repos/*/*/issues/1/labels/*", Fault::Held);
    github.fault(1, "POST", "/repos/*/*/issues/1/labels", Fault::HeldAfter);
    let (path, labels) = (format!("{ISSUES}/1/labels/bug"), format!("{ISSUES}/1/labels"));
    let removed = asker.ask("DELETE", &path, Value::Null);
    let meanwhile = async {
        github.await_arrived(1, |one| one.method == "DELETE").await;
        mona.unlabel(1, "bug");
        github.release();
    };
    let ((status, _), ()) = tokio::join!(removed, meanwhile);
    assert_eq!(status, 404, "somebody else was faster");
    let added = asker.ask("POST", &labels, json!({"labels": ["new"]}));
    let meanwhile = async {
        github.await_arrived(1, |one| one.method == "POST" && one.done).await;
        assert_eq!(github.issue(REPO, 1).labels, ["new"]);
        github.release();
    };
    let ((status, _), ()) = tokio::join!(added, meanwhile);
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_gone_did_what_they_did_as_nobody() {
    let (github, asker) = hello().await;
    github.as_person("mona", REPO).open("One", "", &["bug"]);
    github.erase("mona");
    let issue = asker.get(&format!("{ISSUES}/1")).await;
    assert_eq!((&issue["user"], &issue["labels"][0]["name"]), (&Value::Null, &json!("bug")));
    assert_eq!(asker.get(&format!("{ISSUES}/1/events")).await[0]["actor"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_read_is_from_before_the_last_write_and_ends_with_its_count() {
    let (github, asker) = hello().await;
    let mona = github.as_person("mona", REPO).silently();
    mona.open("One", "", &[]);
    mona.label(1, "bug");
    github.fault(2, "GET", "/repos/*/*/issues/1", Fault::Stale);
    for labels in [0, 0, 1] {
        let issue = asker.get(&format!("{ISSUES}/1")).await;
        assert_eq!(issue["labels"].as_array().unwrap().len(), labels);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_may_be_cut_or_say_a_word_that_nobody_knows() {
    let (github, asker) = hello().await;
    github.as_person("mona", REPO).open("One", "", &[]);
    github.fault(1, "GET", "/**", Fault::Truncated);
    let text = asker.send("GET", ISSUES, &Value::Null).await.unwrap().text().await.unwrap();
    assert!(serde_json::from_str::<Value>(&text).is_err());
    github.fault(1, "GET", "/**", Fault::CutBody);
    assert!(asker.send("GET", ISSUES, &Value::Null).await.unwrap().text().await.is_err());
    github.fault(1, "GET", "/**", Fault::Says("state_reason", json!("postponed")));
    github.fault(1, "GET", "/**", Fault::Says("user", Value::Null));
    let issue = asker.get(&format!("{ISSUES}/1")).await;
    assert_eq!((&issue["state_reason"], &issue["user"]), (&json!("postponed"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_by_a_seed_is_the_same_every_time() {
    let mut told = Vec::new();
    for _ in 0..2 {
        let (github, asker) = hello().await;
        github.faults(7, 0.5);
        let mut answered = Vec::new();
        for _ in 0..30 {
            let response = asker.send("POST", ISSUES, &json!({"title": "One"})).await;
            answered.push(response.ok().map(|response| response.status().as_u16()));
        }
        github.well();
        assert_eq!(asker.ask("GET", ISSUES, Value::Null).await.0, 200);
        told.push((answered, github.issues(REPO).len()));
    }
    assert_eq!(told[0], told[1]);
    let (answered, issues) = &told[0];
    assert!(answered.contains(&None) && answered.contains(&Some(201)) && answered.contains(&Some(502)), "{answered:?}");
    assert!(*issues < 30, "something was not done");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_dies_with_its_connections_and_comes_back_where_it_was_with_what_it_knew() {
    let (mut github, asker) = hello().await;
    github.as_person("mona", REPO).open("One", "", &[]);
    let addr = github.addr();
    github.down();
    assert!(asker.send("GET", ISSUES, &Value::Null).await.is_err());
    github.up().await;
    assert_eq!(github.addr(), addr);
    assert_eq!(asker.get(ISSUES).await.as_array().unwrap().len(), 1);
}
