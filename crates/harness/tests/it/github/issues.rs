//! Labels, issues, comments and timelines.

use domain::time::Span;
use harness::GitHub;
use harness::github::{Access, Reason};
use serde_json::{Value, json};

use super::{Asker, REPO, each, hello};

const ISSUES: &str = "/repos/octo/hello/issues";
const LABELS: &str = "/repos/octo/hello/labels";

#[tokio::test(flavor = "multi_thread")]
async fn a_label_put_on_an_issue_is_made_when_it_is_not_there_and_names_differ_in_case_only() {
    let (github, asker) = hello().await;
    let (status, issue) =
        asker.ask("POST", ISSUES, json!({"title": "One", "body": "text", "labels": ["Bug", "a:b"]})).await;
    assert_eq!((status, &issue["number"], &issue["state"]), (201, &json!(1), &json!("open")));
    let (status, all) = asker.ask("POST", &format!("{ISSUES}/1/labels"), json!({"labels": ["BUG", "new"]})).await;
    assert_eq!((status, each(&all, "name")), (200, vec!["a:b", "Bug", "new"]));
    let (status, error) = asker.ask("POST", LABELS, json!({"name": "nEw"})).await;
    assert_eq!((status, &error["errors"][0]["code"]), (422, &json!("already_exists")));
    let (status, left) = asker.ask("DELETE", &format!("{ISSUES}/1/labels/a%3Ab"), Value::Null).await;
    assert_eq!((status, each(&left, "name")), (200, vec!["Bug", "new"]));
    let (status, error) = asker.ask("DELETE", &format!("{ISSUES}/1/labels/a%3Ab"), Value::Null).await;
    assert_eq!((status, &error["message"]), (404, &json!("Label does not exist")));
    assert_eq!(github.issue(REPO, 1).labels, ["Bug", "new"]);
    assert_eq!(asker.ask("POST", LABELS, json!({"name": "x".repeat(51)})).await.0, 422);
    assert_eq!(asker.ask("PATCH", &format!("{LABELS}/bug"), json!({"new_name": "defect"})).await.0, 200);
    assert_eq!(github.issue(REPO, 1).labels, ["defect", "new"]);
    assert_eq!(asker.ask("DELETE", &format!("{LABELS}/defect"), Value::Null).await.0, 204);
    assert_eq!(github.issue(REPO, 1).labels, ["new"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_paged_and_its_links_name_the_repository_by_its_id() {
    let (github, asker) = hello().await;
    for number in 1..=5 {
        github.as_person("mona", REPO).open(&format!("Issue {number}"), "", &[]);
    }
    let first = asker.request("GET", &format!("{ISSUES}?per_page=2&state=all")).send().await.unwrap();
    let link = first.headers()["link"].to_str().unwrap().to_owned();
    let (next, id) = (link.split(['<', '>']).nth(1).unwrap(), github.id_of(REPO));
    assert!(next.contains(&format!("/repositories/{id}/issues?")), "{link}");
    assert_eq!(each(&first.json().await.unwrap(), "title"), ["Issue 5", "Issue 4"]);
    let second = asker.get(next).await;
    assert_eq!(each(&second, "title"), ["Issue 3", "Issue 2"]);
    github.turn(Span::secs(10));
    github.as_person("mona", REPO).comment(2, "hello");
    let since = asker.get(&format!("{ISSUES}?since=2026-11-22T08:00:10Z&state=all")).await;
    assert_eq!(each(&since, "title"), ["Issue 2"]);
    assert_eq!(since[0]["updated_at"], "2026-11-22T08:00:10Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_to_an_issue_is_in_its_timeline_with_who_and_when() {
    let (github, asker) = hello().await;
    let mona = github.as_person("mona", REPO);
    let number = mona.open("One", "", &["bug"]);
    mona.unlabel(number, "bug");
    mona.retitle(number, "Two");
    mona.comment(number, "why");
    mona.close(number, Reason::NotPlanned);
    mona.reopen(number);
    let (status, closed) =
        asker.ask("PATCH", &format!("{ISSUES}/1"), json!({"state": "closed", "state_reason": "duplicate"})).await;
    assert_eq!(
        (status, &closed["state_reason"], &closed["closed_by"]["login"]),
        (200, &json!("duplicate"), &json!("writer"))
    );
    let timeline = asker.get(&format!("{ISSUES}/1/timeline")).await;
    let told = ["labeled", "unlabeled", "renamed", "commented", "closed", "reopened", "closed"];
    assert_eq!(each(&timeline, "event"), told);
    assert_eq!(timeline[0]["actor"]["login"], "mona");
    assert_eq!(timeline[2]["rename"], json!({"from": "One", "to": "Two"}));
    let events = asker.get(&format!("{ISSUES}/1/events?per_page=100")).await;
    assert_eq!(events.as_array().unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_that_is_not_there_any_more_is_gone_or_elsewhere() {
    let (github, asker) = hello().await;
    github.repo("octo/other");
    let mona = github.as_person("mona", REPO);
    let (one, two) = (mona.open("One", "", &[]), mona.open("Two", "", &[]));
    mona.delete_issue(one);
    let there = mona.transfer_issue(two, "octo/other");
    assert_eq!(asker.ask("GET", &format!("{ISSUES}/{one}"), Value::Null).await.0, 410);
    assert_eq!(asker.ask("GET", &format!("{ISSUES}/99"), Value::Null).await.0, 404);
    let moved = asker.send("GET", &format!("{ISSUES}/{two}"), &Value::Null).await.unwrap();
    assert_eq!(moved.status(), 301);
    let to = moved.headers()["location"].to_str().unwrap();
    assert_eq!(asker.get(to).await["number"], there);
    assert!(asker.get(ISSUES).await.as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_repository_says_where_it_is_until_another_takes_its_name() {
    let (github, asker) = hello().await;
    let id = github.id_of(REPO);
    github.as_person("octo", REPO).rename_repo("octo/renamed");
    let moved = asker.send("GET", &format!("{ISSUES}?state=all"), &Value::Null).await.unwrap();
    assert_eq!(moved.status(), 301);
    assert!(moved.headers()["location"].to_str().unwrap().ends_with(&format!("/repositories/{id}/issues?state=all")));
    assert_eq!(asker.send("POST", ISSUES, &json!({"title": "x"})).await.unwrap().status(), 307);
    assert_eq!(asker.get(&format!("/repositories/{id}")).await["full_name"], "octo/renamed");
    github.repo(REPO);
    assert_ne!(asker.get("/repos/octo/hello").await["id"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_write_is_refused_and_who_may_not_know_is_told_nothing() {
    let github = GitHub::start().await;
    github.repo(REPO);
    github.repo_with("octo/secret", |setup| setup.private = true);
    let reader = Asker::new(&github, &github.token("reader", Access::Read));
    let stranger = Asker::new(&github, &github.token("stranger", Access::None));
    let (nobody, wrong) = (Asker::nobody(&github), Asker::new(&github, "ghp_wrong"));
    let (status, error) = wrong.ask("GET", "/user", Value::Null).await;
    assert_eq!((status, &error["message"]), (401, &json!("Bad credentials")));
    assert_eq!(reader.get("/user").await["login"], "reader");
    assert_eq!(reader.ask("POST", LABELS, json!({"name": "x"})).await.0, 403);
    assert_eq!(nobody.ask("POST", ISSUES, json!({"title": "x"})).await.0, 401);
    assert_eq!(stranger.ask("GET", "/repos/octo/secret", Value::Null).await.0, 404);
    assert_eq!(nobody.ask("GET", "/repos/octo/secret/issues", Value::Null).await.0, 404);
    assert_eq!(reader.ask("GET", "/repos/octo/secret", Value::Null).await.0, 200);
    // Whoever may only read opens issues, but labels of theirs are dropped without a word.
    let (status, issue) = reader.ask("POST", ISSUES, json!({"title": "x", "labels": ["bug"]})).await;
    assert_eq!((status, &issue["labels"]), (201, &json!([])));
    github.grant("reader", REPO, Access::Write);
    assert_eq!(reader.ask("POST", LABELS, json!({"name": "x"})).await.0, 201);
    assert_eq!(reader.get("/repos/octo/hello").await["permissions"]["push"], true);
    assert_eq!(reader.ask("GET", "/no/such/path", Value::Null).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_brings_nothing_new_is_304_and_costs_nothing() {
    let (github, asker) = hello().await;
    let first = asker.request("GET", ISSUES).send().await.unwrap();
    let (tag, left) = (first.headers()["etag"].clone(), first.headers()["x-ratelimit-remaining"].clone());
    let again = asker.request("GET", ISSUES).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!((again.status().as_u16(), &again.headers()["x-ratelimit-remaining"]), (304, &left));
    github.as_person("mona", REPO).silently().open("One", "", &[]);
    let changed = asker.request("GET", ISSUES).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(changed.status(), 200);
    github.limit(2);
    let (status, error) = asker.ask("GET", ISSUES, Value::Null).await;
    assert_eq!(status, 403);
    assert!(error["message"].as_str().unwrap().starts_with("API rate limit exceeded"));
    github.turn(Span::hours(1));
    assert_eq!(asker.ask("GET", ISSUES, Value::Null).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_say_what_they_are_is_refused_and_so_is_a_version_that_nobody_knows() {
    let (github, asker) = hello().await;
    let nameless = reqwest::Client::builder().no_proxy().build().unwrap();
    let refused = nameless.get(format!("{}/repos/{REPO}", github.url())).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    for (version, status) in [("2022-11-28", 200), ("2026-03-10", 200), ("2020-01-01", 400)] {
        let asked = asker.request("GET", "/repos/octo/hello").header("x-github-api-version", version);
        let answered = asked.send().await.unwrap();
        assert_eq!(answered.status(), status, "{version}");
        let repo: Value = answered.json().await.unwrap();
        assert_eq!(repo.get("has_downloads").is_some(), version == "2022-11-28");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_are_written_changed_and_taken_away() {
    let (github, asker) = hello().await;
    github.as_person("mona", REPO).open("One", "", &[]);
    let (status, comment) = asker.ask("POST", &format!("{ISSUES}/1/comments"), json!({"body": "hello"})).await;
    assert_eq!((status, &comment["user"]["login"]), (201, &json!("writer")));
    let one = format!("{ISSUES}/comments/{}", comment["id"]);
    github.turn(Span::secs(5));
    assert_eq!(asker.ask("PATCH", &one, json!({"body": "hello again"})).await.1["body"], "hello again");
    let since = asker.get(&format!("{ISSUES}/1/comments?since=2026-11-22T08:00:05Z")).await;
    assert_eq!(each(&since, "body"), ["hello again"]);
    assert_eq!(asker.ask("POST", &format!("{ISSUES}/1/comments"), json!({"body": "x".repeat(65_537)})).await.0, 422);
    assert_eq!(asker.ask("DELETE", &one, Value::Null).await.0, 204);
    assert_eq!(asker.ask("GET", &one, Value::Null).await.0, 404);
    assert!(github.issue(REPO, 1).comments.is_empty());
}
