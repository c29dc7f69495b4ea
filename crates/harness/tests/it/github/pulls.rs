//! Pull requests on a real repository: heads that move, files, merges, reviews.

use harness::GitHub;
use harness::github::{Access, Fault};
use serde_json::{Value, json};

use super::{Asker, REPO, each, hello};

const PULLS: &str = "/repos/octo/hello/pulls";

/// A pull request of mona's from `topic`, which changes one file and moves another.
fn topic(github: &GitHub) -> i64 {
    let mona = github.as_person("mona", REPO);
    let text = "a line\n".repeat(40);
    mona.commit("main", &[("old.txt", Some(&text)), ("keep.txt", Some("one\ntwo\n"))]);
    let keep = format!("{text}one more\n");
    mona.commit("topic", &[("old.txt", None), ("new.txt", Some(&keep)), ("keep.txt", Some("one\n2\n"))]);
    mona.open_pull("A topic", "topic", "main")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_is_opened_once_for_a_branch_that_is_there() {
    let (github, asker) = hello().await;
    let new = json!({"title": "A topic", "head": "topic", "base": "main", "body": "why"});
    let (status, error) = asker.ask("POST", PULLS, new.clone()).await;
    assert_eq!((status, &error["errors"][0]["field"]), (422, &json!("head")));
    let head = github.as_person("mona", REPO).commit("topic", &[("a.txt", Some("a\n"))]);
    let (status, pull) = asker.ask("POST", PULLS, new.clone()).await;
    assert_eq!((status, &pull["head"]["sha"], &pull["changed_files"]), (201, &json!(head), &json!(1)));
    let (status, error) = asker.ask("POST", PULLS, new).await;
    assert_eq!(status, 422);
    let said = error["errors"][0]["message"].as_str().unwrap();
    assert_eq!(said, "A pull request already exists for octo:topic.");
    let listed = asker.get(&format!("{PULLS}?head=octo:topic")).await;
    assert_eq!(each(&listed, "title"), ["A topic"]);
    assert_eq!(asker.get(&format!("{PULLS}?head=octo:other")).await, json!([]));
    let passed_over = asker.get(&format!("{PULLS}?head=other")).await;
    assert_eq!(each(&passed_over, "title"), ["A topic"], "a branch without its owner narrows nothing down");
    let issues = asker.get("/repos/octo/hello/issues").await;
    assert!(issues[0]["pull_request"].is_object(), "a pull request is in the list of issues too");
    let (status, closed) = asker.ask("PATCH", &format!("{PULLS}/1"), json!({"state": "closed", "title": "Else"})).await;
    assert_eq!((status, &closed["state"], &closed["title"]), (200, &json!("closed"), &json!("Else")));
}

#[tokio::test(flavor = "multi_thread")]
async fn its_files_are_gits_own_with_the_name_before_and_it_moves_with_its_branch() {
    let (github, asker) = hello().await;
    let number = topic(&github);
    let files = asker.get(&format!("{PULLS}/{number}/files")).await;
    assert_eq!(each(&files, "filename"), ["keep.txt", "new.txt"]);
    assert_eq!((&files[1]["status"], &files[1]["previous_filename"]), (&json!("renamed"), &json!("old.txt")));
    assert_eq!(files[0]["patch"], "@@ -1,2 +1,2 @@\n one\n-two\n+2");
    let head = github.as_person("mona", REPO).commit("topic", &[("more.txt", Some("more\n"))]);
    let pull = asker.get(&format!("{PULLS}/{number}")).await;
    assert_eq!((&pull["head"]["sha"], &pull["commits"]), (&json!(head), &json!(2)));
    assert_eq!(asker.get(&format!("{PULLS}/{number}/commits")).await.as_array().unwrap().len(), 2);
    let many: Vec<_> = (0..3_001).map(|file| format!("many/{file}.txt")).collect();
    let many: Vec<_> = many.iter().map(|path| (path.as_str(), Some("x\n"))).collect();
    github.as_person("mona", REPO).commit("topic", &many);
    let last = asker.get(&format!("{PULLS}/{number}/files?per_page=100&page=30")).await;
    assert_eq!(last.as_array().unwrap().len(), 100);
    assert_eq!(asker.get(&format!("{PULLS}/{number}/files?per_page=100&page=31")).await, json!([]));
    assert_eq!(asker.get(&format!("{PULLS}/{number}")).await["changed_files"], 3_004);
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_it_can_be_merged_is_not_known_at_once() {
    let (github, asker) = hello().await;
    github.lazy_mergeable(2);
    let number = topic(&github);
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(asker.get(&format!("{PULLS}/{number}")).await["mergeable_state"].as_str().unwrap().to_owned());
    }
    assert_eq!(told, ["unknown", "unknown", "clean"]);
    github.lazy_mergeable(0);
    github.as_person("mona", REPO).commit("main", &[("keep.txt", Some("else\n"))]);
    let pull = asker.get(&format!("{PULLS}/{number}")).await;
    assert_eq!((&pull["mergeable"], &pull["mergeable_state"]), (&json!(false), &json!("dirty")));
    assert_eq!(asker.ask("PUT", &format!("{PULLS}/{number}/merge"), json!({})).await.0, 405);
    github.says_mergeable_state(REPO, number, "stacked");
    assert_eq!(asker.get(&format!("{PULLS}/{number}")).await["mergeable_state"], "stacked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_is_made_of_the_head_that_was_named_and_of_no_other() {
    for (method, parents) in [("merge", 2), ("squash", 1), ("rebase", 1)] {
        let (github, asker) = hello().await;
        let number = topic(&github);
        let before = github.head(REPO, "topic").unwrap();
        let mona = github.as_person("mona", REPO);
        mona.commit("main", &[("base.txt", Some("base\n"))]);
        let head = mona.commit("topic", &[("more.txt", Some("more\n"))]);
        let merge = format!("{PULLS}/{number}/merge");
        let order = |sha: &str| json!({"sha": sha, "merge_method": method});
        let (status, error) = asker.ask("PUT", &merge, order(&before)).await;
        assert_eq!(status, 409, "{error}");
        mona.draft(number);
        assert_eq!(asker.ask("PUT", &merge, order(&head)).await.0, 405);
        mona.ready(number);
        github.bar(REPO, number, Some("At least 1 approving review is required by reviewers with write access."));
        assert_eq!(asker.ask("PUT", &merge, order(&head)).await.0, 405);
        github.bar(REPO, number, None);
        assert_eq!(asker.ask("PUT", &merge, json!({"merge_method": "sqush"})).await.0, 422);
        github.fault(1, "PUT", "/repos/*/*/pulls/*/merge", Fault::After(502));
        assert_eq!(asker.ask("PUT", &merge, order(&head)).await.0, 502);
        let pull = asker.get(&format!("{PULLS}/{number}")).await;
        let commit = pull["merge_commit_sha"].as_str().unwrap();
        assert_eq!((&pull["merged"], &pull["state"]), (&json!(true), &json!("closed")));
        assert_eq!(github.head(REPO, "main").unwrap(), commit);
        let commit = asker.get(&format!("/repos/octo/hello/commits/{commit}")).await;
        assert_eq!(commit["parents"].as_array().unwrap().len(), parents, "{method}");
        let merged = asker.get("/repos/octo/hello/contents/").await;
        assert_eq!(each(&merged, "name"), ["README.md", "base.txt", "keep.txt", "more.txt", "new.txt"]);
        assert_eq!(asker.ask("PUT", &merge, order(&head)).await.0, 405);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_approves_their_own_and_remarks_are_on_lines_that_are_shown() {
    let (github, asker) = hello().await;
    let number = topic(&github);
    let mona = Asker::new(&github, &github.token("mona", Access::Write));
    let reviews = format!("{PULLS}/{number}/reviews");
    let (status, error) = mona.ask("POST", &reviews, json!({"event": "APPROVE"})).await;
    assert_eq!((status, &error["errors"][0]), (422, &json!("Can not approve your own pull request")));
    assert_eq!(mona.ask("POST", &reviews, json!({"event": "COMMENT"})).await.0, 422);
    let remark = |path: &str, line: i64| json!({"event": "COMMENT", "body": "see", "comments": [{"path": path, "line": line, "side": "RIGHT", "body": "here"}]});
    assert_eq!(asker.ask("POST", &reviews, remark("keep.txt", 2)).await.0, 200);
    assert_eq!(asker.ask("POST", &reviews, remark("keep.txt", 9)).await.0, 422);
    assert_eq!(asker.ask("POST", &reviews, remark("else.txt", 1)).await.0, 422);
    assert_eq!(asker.ask("POST", &reviews, json!({"event": "APPROVE"})).await.0, 200);
    assert_eq!(each(&asker.get(&reviews).await, "state"), ["COMMENTED", "APPROVED"]);
    assert_eq!(github.pull(REPO, number).reviews[0].remarks.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_is_seen_when_it_is_handed_in_and_counts_until_it_is_dismissed() {
    let (github, asker) = hello().await;
    let number = topic(&github);
    let reviews = format!("{PULLS}/{number}/reviews");
    assert_eq!(asker.ask("POST", &reviews, json!({"body": "not yet"})).await.0, 200);
    assert_eq!(each(&asker.get(&reviews).await, "state"), ["PENDING"]);
    assert!(asker.get(&reviews).await[0].get("submitted_at").is_none());
    let other = Asker::new(&github, &github.token("other", Access::Write));
    assert_eq!(other.get(&reviews).await, json!([]), "only its author sees it");
    let octo = github.as_person("octo", REPO);
    let review = octo.review(number, "APPROVE", "good");
    assert_eq!(each(&other.get(&reviews).await, "state"), ["APPROVED"]);
    octo.dismiss(number, review, "read again");
    let told = other.get(&reviews).await;
    assert_eq!((each(&told, "state"), &told[0]["user"]["login"]), (vec!["DISMISSED"], &json!("octo")));
    let events = other.get(&format!("/repos/{REPO}/issues/{number}/events")).await;
    assert_eq!(each(&events, "event"), ["review_dismissed"]);
    assert_eq!(github.misanswers(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_goes_takes_its_pull_request_along_and_one_is_brought_up_to_date() {
    let (github, asker) = hello().await;
    let number = topic(&github);
    let mona = github.as_person("mona", REPO);
    let base = mona.commit("main", &[("base.txt", Some("base\n"))]);
    let head = github.head(REPO, "topic").unwrap();
    let update = format!("{PULLS}/{number}/update-branch");
    assert_eq!(asker.ask("PUT", &update, json!({"expected_head_sha": base})).await.0, 422);
    assert_eq!(asker.ask("PUT", &update, json!({"expected_head_sha": head})).await.0, 202);
    let moved = github.head(REPO, "topic").unwrap();
    let commit = asker.get(&format!("/repos/octo/hello/commits/{moved}")).await;
    let parents: Vec<_> = each(&commit["parents"], "sha").into_iter().map(str::to_owned).collect();
    assert_eq!(parents, [head, base]);
    // What is told of the base is where it was when the head last moved.
    mona.commit("main", &[("later.txt", Some("later\n"))]);
    assert_eq!(asker.get(&format!("{PULLS}/{number}")).await["base"]["sha"], parents[1]);
    mona.delete_branch("topic");
    assert_eq!(asker.get(&format!("{PULLS}/{number}")).await["state"], "closed");
    assert_eq!(asker.ask("GET", "/repos/octo/hello/branches/topic", Value::Null).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn git_itself_clones_and_pushes_with_a_token() {
    let (github, asker) = hello().await;
    let number = topic(&github);
    let folder = tempfile::tempdir().unwrap();
    let token = github.token("pusher", Access::Write);
    let url = format!("http://x-access-token:{token}@{}/{REPO}.git", github.addr());
    let git = async |words: &[&str]| {
        let mut git = tokio::process::Command::new("git");
        git.args(words)
            .current_dir(folder.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0");
        git.env("GIT_AUTHOR_NAME", "p").env("GIT_AUTHOR_EMAIL", "p@example.com").env("GIT_COMMITTER_NAME", "p");
        git.env("GIT_COMMITTER_EMAIL", "p@example.com");
        let output = git.output().await.unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["clone", "--quiet", "--branch", "topic", &url, "."]).await;
    git(&["commit", "--quiet", "--allow-empty", "-m", "pushed"]).await;
    git(&["push", "--quiet", "origin", "topic"]).await;
    let pushed = git(&["rev-parse", "HEAD"]).await;
    assert_eq!(asker.get(&format!("{PULLS}/{number}")).await["head"]["sha"], pushed);
    let at = asker.get("/repos/octo/hello/git/ref/heads/topic").await;
    assert_eq!(at["object"]["sha"], pushed);
}
