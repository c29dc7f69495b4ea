//! That the fake answers and tells as GitHub itself describes it: every route, every webhook, by their own description.

use std::collections::BTreeSet;

use harness::github::{Access, Description, Person, Reason};
use serde_json::{Value, json};

use super::apps::{installed, token};
use super::{Asker, REPO};

/// Asks for everything that is to be had of a repository with one issue, one pull request and one check.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_github_describes_it() {
    let (github, _, app) = installed().await;
    let mona = github.as_person("mona", REPO);
    mona.commit("topic", &[("a/b c.txt", Some("text\n")), ("README.md", Some("changed\n"))]);
    let person = Asker::new(&github, &github.token("writer", Access::Write));
    let bot = token(&github, &app, Value::Null).await;
    token(&github, &app, json!({"repositories": ["hello"], "permissions": {"issues": "write"}})).await;
    let head = github.head(REPO, "topic").unwrap();
    write_all(&person, &bot, &head).await;
    mona.unlabel(1, "bug");
    mona.retitle(1, "Else");
    mona.close(1, Reason::NotPlanned);
    mona.reopen(1);
    read_all(&person, &app, &bot, &head).await;
    let merge = json!({"sha": head, "merge_method": "squash", "commit_title": "One"});
    person.ask("PUT", "/repos/octo/hello/pulls/2/merge", merge).await;
    for path in ["pulls/2", "pulls?state=all", "issues/2", "issues/2/events", "issues/2/timeline", "commits/main"] {
        person.get(&format!("/repos/octo/hello/{path}")).await;
    }
    refuse_all(&person, &app).await;
    mona.rename_repo("octo/renamed");
    person.ask("GET", "/repos/octo/hello", Value::Null).await;
    assert_eq!(github.misanswers(), Vec::<String>::new());
    assert_eq!(github.violations().len(), 2, "what was asked wrongly on purpose: {:#?}", github.violations());
}

/// Makes one of each thing.
async fn write_all(person: &Asker, bot: &Asker, head: &str) {
    let in_repo = |rest: &str| format!("/repos/octo/hello/{rest}");
    for (who, method, path, body, status) in [
        (person, "POST", "labels", json!({"name": "bug", "color": "d73a4a", "description": "broken"}), 201),
        (person, "PATCH", "labels/bug", json!({"new_name": "Bug"}), 200),
        (person, "POST", "issues", json!({"title": "One", "body": "text", "labels": ["bug", "a:b"]}), 201),
        (person, "PATCH", "issues/1", json!({"title": "Two", "state": "closed", "state_reason": "completed"}), 200),
        (person, "PATCH", "issues/1", json!({"state": "open"}), 200),
        (person, "POST", "issues/1/labels", json!({"labels": ["more"]}), 200),
        (person, "PUT", "issues/1/labels", json!({"labels": ["bug", "more"]}), 200),
        (person, "DELETE", "issues/1/labels/more", Value::Null, 200),
        (bot, "POST", "issues/1/comments", json!({"body": "by the App"}), 201),
        (person, "POST", "pulls", json!({"title": "T", "head": "topic", "base": "main", "draft": false}), 201),
        (person, "PATCH", "pulls/2", json!({"title": "A topic", "body": "why"}), 200),
        (bot, "POST", "pulls/2/reviews", json!({"commit_id": head, "event": "COMMENT", "body": "seen"}), 200),
        (bot, "POST", "check-runs", json!({"name": "review", "head_sha": head, "status": "in_progress"}), 201),
        (bot, "POST", &format!("statuses/{head}"), json!({"state": "success", "context": "ci"}), 201),
        (person, "DELETE", "labels/more", Value::Null, 204),
    ] {
        let (answered, said) = who.ask(method, &in_repo(path), body).await;
        assert_eq!(answered, status, "{method} {path}: {said}");
    }
    let checks = bot.get(&in_repo(&format!("commits/{head}/check-runs"))).await;
    let check = in_repo(&format!("check-runs/{}", checks["check_runs"][0]["id"]));
    let output = json!({"status": "completed", "conclusion": "neutral", "output": {"title": "t", "summary": "s"}});
    assert_eq!(bot.ask("PATCH", &check, output).await.0, 200);
    assert_eq!(bot.ask("GET", &check, Value::Null).await.0, 200);
    let comments = person.get(&in_repo("issues/1/comments")).await;
    let comment = in_repo(&format!("issues/comments/{}", comments[0]["id"]));
    assert_eq!(bot.ask("PATCH", &comment, json!({"body": "changed"})).await.0, 200);
    assert_eq!(person.ask("GET", &comment, Value::Null).await.0, 200);
}

/// Reads everything.
async fn read_all(person: &Asker, app: &Asker, bot: &Asker, head: &str) {
    for path in [
        "",
        "/labels",
        "/labels/bug",
        "/issues?state=all&sort=updated&direction=asc",
        "/issues/1",
        "/issues/2",
        "/issues/1/labels",
        "/issues/1/comments",
        "/issues/comments?sort=updated",
        "/issues/1/events",
        "/issues/1/timeline",
        "/issues/2/events",
        "/pulls",
        "/pulls/2",
        "/pulls/2/files",
        "/pulls/2/commits",
        "/pulls/2/reviews",
        "/commits/topic",
        "/commits/topic/status",
        "/commits/topic/statuses",
        "/commits/topic/check-runs?filter=all",
        "/contents/README.md",
        "/contents/a?ref=topic",
        "/contents/a/b%20c.txt?ref=topic",
        "/branches",
        "/branches/topic",
        "/git/ref/heads/topic",
        "/collaborators/octo/permission",
    ] {
        person.get(&format!("/repos/octo/hello{path}")).await;
    }
    person.get(&format!("/repos/octo/hello/commits/{head}")).await;
    for path in ["/user", "/users/octo", "/users/gapwright%5Bbot%5D", "/rate_limit"] {
        person.get(path).await;
    }
    for path in ["/app", "/app/installations", "/repos/octo/hello/installation", "/app/hook/deliveries"] {
        app.get(path).await;
    }
    bot.get("/installation/repositories").await;
    bot.get("/repos/octo/hello").await;
}

/// Is refused in every way.
async fn refuse_all(person: &Asker, app: &Asker) {
    for (method, path, body, status) in [
        ("GET", "/repos/octo/none", Value::Null, 404),
        ("GET", "/repos/octo/hello/issues/99", Value::Null, 404),
        ("POST", "/repos/octo/hello/labels", json!({"name": "bug"}), 422),
        ("POST", "/repos/octo/hello/issues", json!({"title": "x".repeat(257)}), 422),
        ("POST", "/repos/octo/hello/pulls", json!({"title": "T", "head": "none", "base": "main"}), 422),
        ("PUT", "/repos/octo/hello/pulls/2/merge", json!({}), 405),
        ("POST", "/repos/octo/hello/check-runs", json!({"name": "x", "head_sha": "main"}), 403),
        ("POST", "/repos/octo/hello/issues", json!({"titel": "x"}), 422),
        ("GET", "/repos/octo/hello/isues", Value::Null, 404),
    ] {
        let (answered, said) = person.ask(method, path, body).await;
        assert_eq!(answered, status, "{method} {path}: {said}");
    }
    assert_eq!(app.ask("GET", "/app/installations/1", Value::Null).await.0, 404);
}

/// Every kind of webhook that the fake sends.
const KINDS: [&str; 29] = [
    "check_run.completed",
    "installation.created",
    "installation.deleted",
    "issue_comment.created",
    "issue_comment.deleted",
    "issue_comment.edited",
    "issues.closed",
    "issues.deleted",
    "issues.edited",
    "issues.labeled",
    "issues.opened",
    "issues.reopened",
    "issues.transferred",
    "issues.unlabeled",
    "label.created",
    "label.deleted",
    "label.edited",
    "pull_request.closed",
    "pull_request.converted_to_draft",
    "pull_request.edited",
    "pull_request.labeled",
    "pull_request.opened",
    "pull_request.ready_for_review",
    "pull_request.reopened",
    "pull_request.synchronize",
    "pull_request.unlabeled",
    "pull_request_review.dismissed",
    "pull_request_review.submitted",
    "repository.renamed",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_webhook_tells_what_github_tells() {
    let (github, _, app) = installed().await;
    github.hook("http://127.0.0.1:1/hooks", "secret");
    github.repo("octo/other");
    let mona = github.as_person("mona", REPO);
    tell_of_an_issue(mona);
    let head = mona.commit("topic", &[("a.txt", Some("a\n"))]);
    let bot = token(&github, &app, Value::Null).await;
    tell_of_a_pull(mona, github.as_person("octo", REPO));
    let check = json!({"name": "review", "head_sha": head, "conclusion": "success"});
    assert_eq!(bot.ask("POST", "/repos/octo/hello/check-runs", check).await.0, 201);
    mona.rename_repo("octo/renamed");
    mona.at("octo/other").rename_repo("cat/other");
    github.reinstall();
    let description = Description::load();
    let waiting = github.waiting();
    let wrong = waiting.iter().filter_map(|one| description.check_webhook(one.event, &one.payload).err());
    assert_eq!(wrong.collect::<Vec<_>>(), Vec::<String>::new());
    let told = waiting.iter().map(|one| format!("{}.{}", one.event, one.action.as_deref().unwrap()));
    let told: BTreeSet<_> = told.collect();
    let expected: BTreeSet<_> = KINDS.into_iter().chain(["repository.transferred"]).map(str::to_owned).collect();
    assert_eq!(told, expected);
}

fn tell_of_an_issue(mona: Person<'_>) {
    let one = mona.open("One", "text", &["bug"]);
    mona.unlabel(one, "bug");
    mona.retitle(one, "Two");
    mona.rewrite(one, "else");
    let comment = mona.comment(one, "hello");
    mona.edit_comment(one, comment, "hello again");
    mona.delete_comment(one, comment);
    mona.close(one, Reason::Duplicate);
    mona.reopen(one);
    mona.rename_label("bug", "defect");
    mona.delete_label("defect");
    let moved = mona.open("Moves", "", &[]);
    mona.transfer_issue(moved, "octo/other");
    mona.delete_issue(one);
}

fn tell_of_a_pull(mona: Person<'_>, octo: Person<'_>) {
    let pull = mona.open_pull("A topic", "topic", "main");
    mona.label(pull, "bug");
    mona.unlabel(pull, "bug");
    mona.retitle(pull, "Another topic");
    mona.close(pull, Reason::Completed);
    mona.reopen(pull);
    mona.draft(pull);
    mona.ready(pull);
    mona.commit("topic", &[("b.txt", Some("b\n"))]);
    let review = octo.review(pull, "APPROVE", "good");
    octo.dismiss(pull, review, "read again");
    mona.comment(pull, "on a pull request");
    mona.merge(pull, "squash");
}

#[test]
fn the_description_refuses_what_github_would() {
    let description = Description::load();
    let issues = "/repos/octo/hello/issues";
    let check = |method, path, body| description.check_request(method, path, &body);
    assert_eq!(check("POST", issues, json!({"title": "One", "labels": ["bug"]})), Ok(()));
    assert_eq!(check("GET", "/repos/octo/hello/issues?state=all&per_page=100", Value::Null), Ok(()));
    assert_eq!(check("DELETE", "/repos/octo/hello/issues/1/labels/a%3Ab", Value::Null), Ok(()));
    for (method, path, body) in [
        ("POST", issues, json!({"title": "One", "labelz": ["bug"]})),
        ("POST", issues, json!({"labels": ["bug"]})),
        ("POST", issues, Value::Null),
        ("GET", "/repos/octo/hello/issues?stat=all", Value::Null),
        ("GET", "/repos/octo/hello/issues?state=every", Value::Null),
        ("PUT", "/repos/octo/hello/pulls/1/merge", json!({"merge_method": "sqush"})),
        ("GET", "/repos/octo/hello/isues", Value::Null),
        ("PATCH", "/repos/octo/hello/issues/1", json!({"state_reason": "postponed"})),
    ] {
        assert!(check(method, path, body.clone()).is_err(), "{method} {path} {body}");
    }
    let label = json!({"id": 1, "node_id": "x", "url": "https://example.com", "name": "bug", "color": "ffffff"});
    let told = description.check_response("GET", "/repos/octo/hello/labels", 200, &json!([label])).unwrap_err();
    assert!(told.contains("\"default\" is a required property"), "{told}");
}

#[test]
fn githubs_own_examples_of_webhooks_have_what_ours_have() {
    let description = Description::load();
    let examples = description.webhook_examples();
    for (event, path) in [
        ("issues", "/issue/labels/0/name"),
        ("issues", "/issue/updated_at"),
        ("issues", "/repository/id"),
        ("issues", "/sender/id"),
        ("issue_comment", "/comment/user/type"),
        ("label", "/label/id"),
        ("pull_request", "/pull_request/head/sha"),
        ("pull_request_review", "/review/commit_id"),
        ("check_run", "/check_run/head_sha"),
        ("installation", "/installation/account/login"),
        ("repository", "/changes/repository/name/from"),
    ] {
        let of_event = examples.iter().filter(|(name, _)| name == event);
        assert!(of_event.into_iter().any(|(_, example)| example.pointer(path).is_some()), "{event} {path}");
    }
}
