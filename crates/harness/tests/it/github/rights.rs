//! What people may do in a repository, and what is told of it: who labels, closes and merges, and with which right.

use harness::GitHub;
use harness::github::{Access, Reason};
use serde_json::{Value, json};

use super::{Asker, REPO, each, hello};

/// The permission and the role of somebody.
async fn permission(asker: &Asker, login: &str) -> (String, String) {
    let said = asker.get(&format!("/repos/{REPO}/collaborators/{login}/permission")).await;
    let word = |name: &str| said[name].as_str().expect("a word").to_owned();
    assert_eq!(said["user"]["login"], login);
    (word("permission"), word("role_name"))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_triages_labels_and_closes_and_neither_makes_a_label_nor_writes() {
    let github = GitHub::start().await;
    github.repo(REPO);
    let mona = github.as_person("mona", REPO);
    mona.make_label("bug", "d73a4a");
    mona.commit("topic", &[("a.txt", Some("a\n"))]);
    let number = mona.open_pull("A topic", "topic", "main");
    let tess = Asker::new(&github, &github.token("tess", Access::Triage));
    let reader = Asker::new(&github, &github.token("reader", Access::Read));
    let labels = format!("/repos/{REPO}/issues/{number}/labels");
    assert_eq!(reader.ask("POST", &labels, json!({"labels": ["bug"]})).await.0, 403);
    assert_eq!(tess.ask("POST", &labels, json!({"labels": ["bug"]})).await.0, 200);
    assert_eq!(tess.ask("POST", &labels, json!({"labels": ["new"]})).await.0, 403);
    assert_eq!(tess.ask("DELETE", &format!("{labels}/bug"), Value::Null).await.0, 200);
    let issue = format!("/repos/{REPO}/issues/{number}");
    for (body, status) in [
        (json!({"state": "closed"}), 200),
        (json!({"state": "open"}), 200),
        (json!({"title": "Another"}), 403),
        (json!({"state": "closed", "labels": []}), 403),
    ] {
        assert_eq!(tess.ask("PATCH", &issue, body.clone()).await.0, status, "{body}");
        assert_eq!(reader.ask("PATCH", &issue, body.clone()).await.0, 403, "{body}");
    }
    let merge = format!("/repos/{REPO}/pulls/{number}/merge");
    assert_eq!(tess.ask("PUT", &merge, json!({})).await.0, 403);
    assert_eq!(tess.get(&format!("/repos/{REPO}")).await["permissions"]["triage"], true);
    assert_eq!(tess.get(&format!("/repos/{REPO}")).await["permissions"]["push"], false);
    let events = tess.get(&format!("{issue}/events")).await;
    assert_eq!(each(&events, "event"), ["labeled", "unlabeled", "closed", "reopened"]);
    assert!(events.as_array().unwrap().iter().all(|event| event["actor"]["login"] == "tess"), "{events}");
    assert_eq!(github.misanswers(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_may_is_told_by_what_it_comes_to_and_by_their_role() {
    let (github, asker) = hello().await;
    for (login, access) in [("wendy", Access::Write), ("tess", Access::Triage), ("rob", Access::Read)] {
        github.token(login, Access::None);
        github.grant(login, REPO, access);
    }
    github.app("gapwright", "octo");
    let words = |permission: &str, role: &str| (permission.to_owned(), role.to_owned());
    assert_eq!(permission(&asker, "octo").await, words("admin", "admin"));
    assert_eq!(permission(&asker, "wendy").await, words("write", "write"));
    assert_eq!(permission(&asker, "tess").await, words("read", "triage"));
    assert_eq!(permission(&asker, "rob").await, words("read", "read"));
    assert_eq!(permission(&asker, "writer").await, words("write", "write"), "by their token");
    github.grant("wendy", REPO, Access::Read);
    assert_eq!(permission(&asker, "wendy").await, words("read", "read"), "it was taken away again");
    for nobody in ["gapwright%5Bbot%5D", "nobody"] {
        let path = format!("/repos/{REPO}/collaborators/{nobody}/permission");
        let (status, said) = asker.ask("GET", &path, Value::Null).await;
        assert_eq!(status, 404, "{said}");
        assert!(said["message"].as_str().unwrap().ends_with("is not a user"), "{said}");
    }
    assert_eq!(github.misanswers(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ended_a_pull_request_is_told_by_its_page_and_its_events() {
    let (github, asker) = hello().await;
    let (mona, octo) = (github.as_person("mona", REPO), github.as_person("octo", REPO));
    for branch in ["one", "two"] {
        mona.commit(branch, &[(branch, Some("x\n"))]);
        mona.open_pull(branch, branch, "main");
    }
    octo.merge(1, "squash");
    octo.close(2, Reason::NotPlanned);
    let read = async |rest: &str| asker.get(&format!("/repos/{REPO}/{rest}")).await;
    assert_eq!(read("pulls/1").await["merged_by"]["login"], "octo");
    assert_eq!(read("issues/2").await["closed_by"]["login"], "octo");
    assert_eq!(read("pulls/2").await["merged_by"], Value::Null);
    assert!(read("pulls?state=all").await[0].get("merged_by").is_none(), "a list does not say");
    for (number, kinds) in [(1, vec!["merged", "closed"]), (2, vec!["closed"])] {
        let events = read(&format!("issues/{number}/events")).await;
        assert_eq!(each(&events, "event"), kinds);
        assert!(events.as_array().unwrap().iter().all(|event| event["actor"]["login"] == "octo"), "{events}");
    }
    assert_eq!(github.misanswers(), Vec::<String>::new());
}
