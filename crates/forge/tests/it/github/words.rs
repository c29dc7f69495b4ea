//! Words that GitHub may add, things that may be null, and answers that break off.

use forge::{AccountKind, Check, CheckState, Closed, Forge as _, IssueState, PullState};
use harness::github::{Fault as Wrong, Reason};
use serde_json::{Value, json};

use super::{REPO, World, name};

#[tokio::test]
async fn a_reason_that_is_not_known_is_none_and_a_state_that_is_not_known_is_open() {
    let world = World::with_token().await;
    let github = world.met().await;
    let mona = world.fake.as_person("mona", REPO);
    let number = mona.open("there", "", &[]);
    mona.close(number, Reason::Completed);
    let path = format!("/repos/{REPO}/issues/*");
    world.fake.fault(1, "GET", &path, Wrong::Says("state_reason", json!("superseded")));
    assert_eq!(github.issue(number).await.expect("an issue").state, IssueState::Closed(Closed::Unsaid));
    world.fake.fault(1, "GET", &path, Wrong::Says("state", json!("snoozed")));
    assert_eq!(world.github().issue(number).await.expect("an issue").state, IssueState::Open);
}

#[tokio::test]
async fn whoever_is_null_is_a_ghost() {
    let world = World::with_token().await;
    let github = world.met().await;
    let mona = world.fake.as_person("mona", REPO);
    let number = mona.open("there", "", &[]);
    mona.comment(number, "x");
    world.fake.fault(1, "GET", &format!("/repos/{REPO}/issues/*"), Wrong::Says("user", Value::Null));
    let author = github.issue(number).await.expect("an issue").author;
    assert_eq!((author.login.as_str(), author.kind), ("ghost", AccountKind::Person));
    world.fake.fault(1, "GET", &format!("/repos/{REPO}/issues/*/comments"), Wrong::Says("user", Value::Null));
    assert_eq!(github.comments(number, None).await.expect("comments")[0].author.login, "ghost");
    world.fake.fault(1, "GET", &format!("/repos/{REPO}/issues/*"), Wrong::Says("body", Value::Null));
    assert_eq!(world.github().issue(number).await.expect("an issue").body, "");
}

#[tokio::test]
async fn a_pull_request_is_read_whatever_github_says_of_how_it_can_be_merged() {
    let world = World::with_app().await;
    let github = world.met().await;
    world.fake.as_person("mona", REPO).commit("fix", &[("a.txt", Some("1\n"))]);
    let [title, body, head, base] = ["t", "b", "fix", "main"].map(str::to_owned);
    let number =
        github.open_pull(&forge::NewPull { title, body, head, base, draft: false }).await.expect("opened").number;
    let path = format!("/repos/{REPO}/pulls/*");
    for (key, value) in [("mergeable_state", json!("stacked")), ("mergeable", Value::Null), ("user", Value::Null)] {
        world.fake.fault(1, "GET", &path, Wrong::Says(key, value));
        assert_eq!(world.github().pull(number).await.expect(key).state, PullState::Open, "{key}");
    }
    let commit = world.fake.head(REPO, "fix").expect("a commit");
    let [name, external_id, title, summary] = ["n", "e", "t", "s"].map(str::to_owned);
    let state = CheckState::Pass;
    let new = forge::NewCheck { name, commit: commit.clone(), state, external_id, title, summary };
    github.put_check(&new).await.expect("put");
    let path = format!("/repos/{REPO}/commits/*/check-runs");
    for (key, value) in [("conclusion", json!("splendid")), ("status", json!("resting"))] {
        world.fake.fault(1, "GET", &path, Wrong::Says(key, value));
        let Check { state, .. } = world.github().checks(&commit).await.expect(key).remove(0);
        assert_eq!(state, CheckState::Neutral, "{key}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_such_thing_is_refused_and_not_asked_for_again() {
    let world = World::with_token().await;
    let github = world.met().await;
    let number = world.fake.as_person("mona", REPO).open("there", "", &[]);
    world.fake.fault(9, "GET", &format!("/repos/{REPO}/issues/*"), Wrong::Says("number", json!("seven")));
    let fault = github.issue(number).await.expect_err("no issue");
    assert_eq!((name(&fault), world.count()), ("refused", 1), "{fault:?}");
    world.fake.fault(9, "POST", &format!("/repos/{REPO}/issues/*/comments"), Wrong::Says("id", json!("seven")));
    let fault = github.comment(number, "x").await.expect_err("no comment");
    assert_eq!(name(&fault), "unknown", "it was written: {fault:?}");
}
