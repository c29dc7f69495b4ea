//! Pull requests and reviews, when all goes well and when they are refused.

use forge::{Fault, Forge as _, Method, NewPull, NewReview, PullState, Remark, Status};
use harness::github::Fault as Wrong;

use super::{REPO, World, name};

fn new_pull(head: &str) -> NewPull {
    NewPull {
        title: format!("Mend it by {head}"),
        body: "<!-- marker -->".to_owned(),
        head: head.to_owned(),
        base: "main".to_owned(),
        draft: false,
    }
}

#[tokio::test]
async fn a_pull_request_is_opened_listed_and_read_back() {
    let world = World::with_app().await;
    let github = world.github();
    let head = world.fake.as_person("mona", REPO).commit("fix", &[("src/a.rs", Some("fn a() {}\n"))]);
    let opened = github.open_pull(&new_pull("fix")).await.expect("opened");
    assert_eq!((opened.head.branch.as_str(), opened.head.commit.as_str()), ("fix", head.as_str()));
    assert_eq!((opened.base.branch.as_str(), opened.state.clone(), opened.draft), ("main", PullState::Open, false));
    assert_eq!(
        github.pulls().await.expect("pulls").iter().map(|pull| pull.number).collect::<Vec<_>>(),
        [opened.number]
    );
    assert_eq!(github.pull(opened.number).await.expect("a pull request").title, "Mend it by fix");
    assert_eq!(github.our_issues().await, Ok(vec![]), "it is no issue");
    let second = github.open_pull(&new_pull("fix")).await.expect_err("one for each head");
    assert!(matches!(&second, Fault::Refused { why, .. } if why.contains("already exists")), "{second:?}");
    assert_eq!(name(&github.open_pull(&new_pull("nowhere")).await.expect_err("no such branch")), "refused");
}

#[tokio::test]
async fn what_a_pull_request_changes_is_told_file_by_file() {
    let world = World::with_app().await;
    let github = world.github();
    let mona = world.fake.as_person("mona", REPO);
    let long = "a line that stays\n".repeat(30);
    mona.commit("main", &[("old.txt", Some(&long)), ("gone.txt", Some("x\n")), ("kept.txt", Some("1\n"))]);
    let changes = [
        ("old.txt", None),
        ("new.txt", Some(long.as_str())),
        ("gone.txt", None),
        ("kept.txt", Some("1\n2\n")),
        ("added.txt", Some("new\n")),
    ];
    mona.commit("fix", &changes);
    let number = github.open_pull(&new_pull("fix")).await.expect("opened").number;
    let files = github.files(number).await.expect("files");
    assert!(files.complete);
    let told: Vec<_> =
        files.files.iter().map(|file| (file.path.as_str(), file.previous.as_deref(), file.status)).collect();
    let expected = [
        ("added.txt", None, Status::Added),
        ("gone.txt", None, Status::Removed),
        ("kept.txt", None, Status::Modified),
        ("new.txt", Some("old.txt"), Status::Renamed),
    ];
    assert_eq!(told, expected);
    assert_eq!((files.files[2].additions, files.files[2].deletions), (1, 0));
}

#[tokio::test]
async fn a_list_of_files_that_github_cut_is_not_complete() {
    let world = World::with_app().await;
    let github = world.github();
    let names: Vec<_> = (0..3_050).map(|number| format!("many/{number:04}.txt")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), Some("x\n"))).collect();
    world.fake.as_person("mona", REPO).commit("fix", &files);
    let number = github.open_pull(&new_pull("fix")).await.expect("opened").number;
    let files = github.files(number).await.expect("files");
    assert_eq!((files.files.len(), files.complete), (3_000, false));
}

#[tokio::test]
async fn a_pull_request_is_merged_by_its_head_and_no_other() {
    for (method, parents) in [(Method::Merge, 2), (Method::Squash, 1), (Method::Rebase, 1)] {
        let world = World::with_app().await;
        let github = world.github();
        let mona = world.fake.as_person("mona", REPO);
        let old = mona.commit("fix", &[("a.txt", Some("1\n"))]);
        let number = github.open_pull(&new_pull("fix")).await.expect("opened").number;
        let head = mona.commit("fix", &[("a.txt", Some("2\n"))]);
        let stale = github.merge(number, &old, method, "Mend it").await.expect_err("the head moved");
        assert_eq!(name(&stale), "stale", "{stale:?}");
        let merged = github.merge(number, &head, method, "Mend it").await.expect("merged");
        assert_eq!(world.fake.head(REPO, "main").as_deref(), Some(merged.commit.as_str()), "{parents} parents");
        let pull = github.pull(number).await.expect("a pull request");
        assert_eq!(pull.state, PullState::Merged { commit: Some(merged.commit) });
        assert_eq!(pull.head.commit, head);
        let again = github.merge(number, &head, method, "Mend it").await.expect_err("it is merged");
        assert_eq!(name(&again), "stale", "{again:?}");
        assert_eq!(github.pulls().await, Ok(vec![]));
    }
}

#[tokio::test]
async fn a_merge_names_the_head_and_each_refusal_is_told_by_what_may_be_done_next() {
    let world = World::with_app().await;
    let github = world.github();
    let head = world.fake.as_person("mona", REPO).commit("fix", &[("a.txt", Some("1\n"))]);
    let number = github.open_pull(&new_pull("fix")).await.expect("opened").number;
    for (status, words, told) in [
        (405, "Pull Request is not mergeable", "stale"),
        (405, "At least 1 approving review is required by reviewers with write access.", "stale"),
        (405, "Base branch was modified. Review and try the merge again.", "stale"),
        (405, "Rebase merges are not allowed on this repository.", "refused"),
        (409, "Head branch was modified. Review and try the merge again.", "stale"),
        (422, "Validation Failed", "refused"),
    ] {
        world.fake.fault(1, "PUT", &format!("/repos/{REPO}/pulls/*/merge"), Wrong::Refused(status, words));
        let fault = github.merge(number, &head, Method::Rebase, "Mend it").await.expect_err(words);
        assert_eq!(name(&fault), told, "{status} {words}: {fault:?}");
    }
    let merged = github.merge(number, &head, Method::Squash, "Mend it").await;
    merged.expect("merged");
    let sent: Vec<_> = world.fake.arrived().into_iter().filter(|one| one.method == "PUT").collect();
    assert_eq!(sent.len(), 7, "each is sent once");
    assert!(sent.iter().all(|one| one.body["sha"] == head.as_str()), "{sent:?}");
}

#[tokio::test]
async fn a_draft_is_not_merged() {
    let world = World::with_app().await;
    let github = world.github();
    let head = world.fake.as_person("mona", REPO).commit("fix", &[("a.txt", Some("1\n"))]);
    let opened = github.open_pull(&NewPull { draft: true, ..new_pull("fix") }).await.expect("opened");
    assert!(opened.draft);
    let refused = github.merge(opened.number, &head, Method::Squash, "Mend it").await.expect_err("a draft");
    assert_eq!(name(&refused), "stale", "{refused:?}");
}

#[tokio::test]
async fn a_review_says_something_and_approves_nothing() {
    let world = World::with_app().await;
    let github = world.github();
    let head = world.fake.as_person("mona", REPO).commit("fix", &[("a.txt", Some("1\n2\n"))]);
    let number = github.open_pull(&new_pull("fix")).await.expect("opened").number;
    let remark = Remark { path: "a.txt".to_owned(), line: 2, body: "why".to_owned() };
    for remarks in [vec![], vec![remark]] {
        let review = NewReview { commit: head.clone(), body: "read".to_owned(), remarks };
        assert!(github.review(number, &review).await.expect("written") > 0);
    }
    let asked = world.fake.arrived().into_iter().filter(|one| one.path.ends_with("/reviews"));
    assert!(asked.into_iter().all(|one| one.body["event"] == "COMMENT"));
}

/// GitHub takes nothing of a review with a remark on what its difference does not show.
#[tokio::test]
async fn a_remark_that_github_does_not_take_is_said_in_the_review_s_own_words() {
    let world = World::with_app().await;
    let github = world.github();
    let mona = world.fake.as_person("mona", REPO);
    mona.commit("main", &[("gone.txt", Some("1\n"))]);
    let head = world.fake.as_person("mona", REPO).commit("fix", &[("a.txt", Some("1\n")), ("gone.txt", None)]);
    let number = github.open_pull(&new_pull("fix")).await.expect("opened").number;
    let remark = |path: &str, line, body: &str| Remark { path: path.to_owned(), line, body: body.to_owned() };
    let remarks =
        vec![remark("gone.txt", 1, "who needs it?"), remark("a.txt", 1, "why"), remark("a.txt", 900, "where?")];
    let review = NewReview { commit: head.clone(), body: "read".to_owned(), remarks };
    github.review(number, &review).await.expect("written");
    let written = world.fake.reviews(REPO, number);
    assert_eq!(written.len(), 1, "{written:?}");
    assert_eq!(written[0].body, "read\n\ngone.txt:1: who needs it?\n\na.txt:1: why\n\na.txt:900: where?");
    assert!(written[0].remarks.is_empty(), "{written:?}");

    let long = NewReview { body: "é".repeat(70_000), ..NewReview { remarks: vec![], ..review } };
    github.review(number, &long).await.expect("cut and written");
    assert_eq!(world.fake.reviews(REPO, number)[1].body.chars().count(), 65_000);
}

#[tokio::test]
async fn labels_and_comments_of_pull_requests_are_those_of_issues() {
    let world = World::with_app().await;
    let github = world.github();
    world.fake.as_person("mona", REPO).commit("fix", &[("a.txt", Some("1\n"))]);
    let number = github.open_pull(&new_pull("fix")).await.expect("opened").number;
    github.add_label(number, "needs-bot-review").await.expect("added");
    assert_eq!(github.pull(number).await.expect("a pull request").labels, ["needs-bot-review"]);
    github.remove_label(number, "needs-bot-review").await.expect("removed");
    github.comment(number, "read").await.expect("a comment");
    assert_eq!(github.comments(number, None).await.expect("comments").len(), 1);
    let closed = forge::Edit { state: Some(forge::IssueState::Closed(forge::Closed::Unsaid)), ..Default::default() };
    github.edit_issue(number, &closed).await.expect("closed");
    assert_eq!(github.pull(number).await.expect("a pull request").state, PullState::Closed);
}
