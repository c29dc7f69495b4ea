//! Everything that we ask, by GitHub's own description.

use std::collections::BTreeSet;

use domain::time::Time;
use forge::github::{GitHub, Settings};
use forge::{
    CheckState, Closed, Edit, Forge as _, IssueState, Label, Method, NewCheck, NewIssue, NewPull, NewReview, Remark,
};

use super::{REPO, World};

fn text(text: &str) -> String {
    text.to_owned()
}

/// Asks everything that can be asked, in every way that it can.
async fn ask_everything(world: &World) {
    let github = world.github();
    let mona = world.fake.as_person("mona", REPO);
    let head = mona.commit("fix", &[("a.txt", Some("1\n2\n")), (".github/workflows/ci.yml", Some("on: push\n"))]);
    mona.commit("main", &[(".github/workflows/ci.yml", Some("on: push\n"))]);
    github.repository().await.expect("a repository");
    let label = Label { id: String::new(), name: text("iteration:1"), color: text("ffffff"), description: text("why") };
    for _ in 0..2 {
        github.make_label(&label).await.expect("a label");
    }
    github.labels().await.expect("labels");
    let new = NewIssue { title: text("t"), body: text("b"), labels: vec![text("iteration:1")] };
    let number = github.open_issue(&new).await.expect("opened").number;
    for state in [
        IssueState::Closed(Closed::Completed),
        IssueState::Closed(Closed::NotPlanned),
        IssueState::Closed(Closed::Duplicate),
        IssueState::Closed(Closed::Unsaid),
        IssueState::Open,
    ] {
        let edit = Edit { title: Some(text("t")), body: Some(text("b")), state: Some(state) };
        github.edit_issue(number, &edit).await.expect("changed");
    }
    github.our_issues().await.expect("issues");
    github.issue(number).await.expect("an issue");
    github.add_label(number, "iteration:1").await.expect("added");
    github.remove_label(number, "iteration:1").await.expect("removed");
    github.comment(number, "c").await.expect("a comment");
    github.comments(number, None).await.expect("comments");
    github.comments(number, Some(Time(1))).await.expect("comments");
    assert_eq!(github.workflows().await.expect("workflows").len(), 1);
    let pull = NewPull { title: text("t"), body: text("b"), head: text("fix"), base: text("main"), draft: false };
    let pull = github.open_pull(&pull).await.expect("opened").number;
    github.pulls().await.expect("pulls");
    github.pull(pull).await.expect("a pull request");
    github.files(pull).await.expect("files");
    let remarks = vec![Remark { path: text("a.txt"), line: 2, body: text("r") }];
    github.label_events(pull).await.expect("events");
    github.pulls_by_head("fix").await.expect("pulls");
    github.reviews(pull).await.expect("reviews");
    let author = github.issue(number).await.expect("an issue").author;
    github.may_write(&author).await.expect("an answer");
    github.review(pull, &NewReview { commit: head.clone(), body: text("b"), remarks }).await.expect("written");
    ask_of_checks(&github, &head).await;
    for method in [Method::Merge, Method::Rebase, Method::Squash] {
        // The first is done; the others are asked all the same.
        let _ = github.merge(pull, &head, method, "t").await;
    }
    mona.rename_repo("renamed");
    github.labels().await.expect_err("it moved");
}

/// Asks what an App and a token ask otherwise.
async fn ask_of_checks(github: &GitHub, head: &str) {
    for state in [CheckState::Running, CheckState::Pass, CheckState::Fail, CheckState::Neutral] {
        let (name, external_id, title, summary) = (text("n"), text("e"), "é".repeat(200), text("s"));
        let check = NewCheck { name, commit: head.to_owned(), state, external_id, title, summary };
        github.put_check(&check).await.expect("put");
    }
    github.checks(head).await.expect("checks");
}

#[tokio::test]
async fn nothing_that_we_ask_is_against_githubs_own_description() {
    let world = World::with_app().await;
    ask_everything(&world).await;
    let personal = World::with_token().await;
    let github = GitHub::new(Settings { ..personal.settings() }).expect("a client");
    github.repository().await.expect("a repository");
    ask_of_checks(&github, &personal.fake.head(REPO, "main").expect("a commit")).await;
    assert_eq!(world.fake.violations(), Vec::<String>::new());
    assert_eq!(personal.fake.violations(), Vec::<String>::new());
    let asked = world.fake.arrived().into_iter().chain(personal.fake.arrived());
    let asked: BTreeSet<_> = asked.map(|one| format!("{} {}", one.method, shape(&one.path))).collect();
    assert_eq!(asked.len(), 33, "every request of ours, {asked:#?}");
}

/// A path without its names.
fn shape(path: &str) -> String {
    let known = |part: &&str| part.bytes().all(|byte| byte.is_ascii_lowercase() || b"_-.".contains(&byte));
    let named = ["hello-world", "octocat", "ci.yml"];
    let parts = path.split('/').map(|part| if known(&part) && !named.contains(&part) { part } else { "*" });
    parts.collect::<Vec<_>>().join("/")
}
