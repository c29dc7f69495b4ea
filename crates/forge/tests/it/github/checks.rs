//! Checks of a commit: runs where we are an App, statuses where we have a token, and both of them read by either.

use forge::github::Auth;
use forge::{Check, CheckState, Fault, Forge as _, NewCheck};
use harness::github::{Access, Fault as Wrong, Status};
use serde_json::json;

use super::{REPO, US, World, name};

/// What can be said with a check.
const STATES: [CheckState; 4] = [CheckState::Running, CheckState::Pass, CheckState::Fail, CheckState::Neutral];

fn check(commit: &str, state: CheckState) -> NewCheck {
    NewCheck {
        name: "gapwright/review".to_owned(),
        commit: commit.to_owned(),
        state,
        external_id: "review-1".to_owned(),
        title: "a line".to_owned(),
        summary: "at length".to_owned(),
    }
}

/// The commit at the tip of the default branch.
fn head(world: &World) -> String {
    world.fake.head(REPO, "main").expect("a commit")
}

/// Names and states.
fn told(checks: &[Check]) -> Vec<(&str, CheckState)> {
    checks.iter().map(|check| (check.name.as_str(), check.state)).collect()
}

#[tokio::test]
async fn a_check_is_put_on_a_commit_and_found_again() {
    let world = World::with_app().await;
    let github = world.github();
    let head = world.fake.as_person("mona", REPO).commit("fix", &[("a.txt", Some("1\n"))]);
    for state in STATES {
        let put = github.put_check(&check(&head, state)).await.expect("put");
        assert_eq!((put.state, put.external_id.as_str(), put.title.as_str()), (state, "review-1", "a line"));
        let found = github.checks(&head).await.expect("checks");
        assert!(found.contains(&put), "{found:?}");
    }
    assert_eq!(world.fake.statuses(REPO), [], "an App puts no status");
}

#[tokio::test]
async fn a_check_by_a_token_is_a_status_and_only_a_pass_is_a_success() {
    let world = World::with_token().await;
    let github = world.github();
    let commit = head(&world);
    for (state, said, shown) in [
        (CheckState::Running, "pending", CheckState::Running),
        (CheckState::Pass, "success", CheckState::Pass),
        (CheckState::Fail, "failure", CheckState::Fail),
        (CheckState::Neutral, "pending", CheckState::Running),
    ] {
        let put = github.put_check(&check(&commit, state)).await.expect("put");
        let status = world.fake.statuses(REPO).pop().expect("a status");
        let [context, description] = ["gapwright/review", "a line"].map(str::to_owned);
        let made = Status { commit: commit.clone(), context, state: said.to_owned(), description, author: US.into() };
        assert_eq!(status, made);
        let (name, title, external_id) = (status.context, status.description, String::new());
        assert_eq!(put, Check { id: put.id, name, commit: commit.clone(), state: shown, external_id, title });
        assert_eq!(github.checks(&commit).await, Ok(vec![put]), "the latest alone");
    }
    assert_eq!(world.fake.statuses(REPO).len(), STATES.len());
    assert_eq!(world.fake.checks(REPO), [], "a token puts no check run");
}

#[tokio::test]
async fn a_status_says_the_first_140_characters_of_a_title_whatever_is_in_it() {
    let world = World::with_token().await;
    let github = world.github();
    let commit = head(&world);
    for (title, said) in [
        (String::new(), String::new()),
        ("é".repeat(140), "é".repeat(140)),
        ("€".repeat(20_000), "€".repeat(140)),
        ("\u{1f980} it passed".to_owned(), "\u{fffd} it passed".to_owned()),
    ] {
        let new = NewCheck { title, ..check(&commit, CheckState::Pass) };
        let put = github.put_check(&new).await.expect("put");
        assert_eq!((&put.title, github.checks(&commit).await), (&said, Ok(vec![put.clone()])));
    }
}

#[tokio::test]
async fn check_runs_and_the_latest_status_of_each_context_are_both_told_to_an_app_and_to_a_token() {
    for world in [World::with_app().await, World::with_token().await] {
        let github = world.github();
        let (commit, mona) = (head(&world), world.fake.as_person("mona", REPO));
        let other = mona.commit("fix", &[("a.txt", Some("1\n"))]);
        for (context, state) in
            [("ci/test", "pending"), ("ci/lint", "error"), ("CI/Test", "failure"), ("ci/docs", "pending")]
        {
            mona.status(&commit, context, state);
        }
        mona.status(&other, "ci/test", "success");
        github.put_check(&check(&commit, CheckState::Pass)).await.expect("put");
        mona.status(&commit, "ci/lint", "success");
        let found = github.checks(&commit).await.expect("checks");
        let mut told = told(&found);
        told.sort_by_key(|(name, _)| *name);
        let expected = [
            ("CI/Test", CheckState::Fail),
            ("ci/docs", CheckState::Running),
            ("ci/lint", CheckState::Pass),
            ("gapwright/review", CheckState::Pass),
        ];
        assert_eq!(told, expected);
        let ids = found.iter().filter(|check| !check.external_id.is_empty()).count();
        assert_eq!(ids, usize::from(matches!(world.auth, Auth::App { .. })), "{found:?}");
        assert!(found.iter().all(|check| check.commit == commit), "{found:?}");
        assert_eq!(github.checks(&other).await.expect("checks").len(), 1);
    }
}

#[tokio::test]
async fn a_token_reads_the_check_runs_of_an_app() {
    let world = World::with_app().await;
    let commit = head(&world);
    let put = world.github().put_check(&check(&commit, CheckState::Fail)).await.expect("put");
    let auth = Auth::Token(world.fake.token(US, Access::Write).into());
    let ours = World { auth, ..world };
    let github = ours.github();
    assert_eq!(github.checks(&commit).await, Ok(vec![put.clone()]));
    let status = github.put_check(&check(&commit, CheckState::Pass)).await.expect("put");
    assert_eq!(github.checks(&commit).await, Ok(vec![put, status]), "one hides no other, though they have one name");
}

#[tokio::test]
async fn a_word_of_a_status_that_is_not_known_passes_nothing() {
    let world = World::with_token().await;
    let commit = head(&world);
    world.github().put_check(&check(&commit, CheckState::Pass)).await.expect("put");
    let path = format!("/repos/{REPO}/commits/*/statuses");
    for (word, state) in [
        (json!("splendid"), CheckState::Neutral),
        (json!(""), CheckState::Neutral),
        (json!("error"), CheckState::Fail),
        (json!("failure"), CheckState::Fail),
    ] {
        world.fake.fault(1, "GET", &path, Wrong::Says("state", word.clone()));
        assert_eq!(world.github().checks(&commit).await.expect("checks")[0].state, state, "{word}");
    }
    world.fake.fault(1, "GET", &path, Wrong::Says("description", json!(null)));
    assert_eq!(world.github().checks(&commit).await.expect("checks")[0].title, "");
    world.fake.fault(1, "GET", &path, Wrong::Says("state", json!(7)));
    let fault = world.github().checks(&commit).await.expect_err("no status");
    assert_eq!(name(&fault), "refused", "{fault:?}");
}

#[tokio::test]
async fn statuses_are_read_to_their_end_and_refused_when_there_are_more_than_a_thousand() {
    let world = World::with_token().await;
    let github = world.github();
    let (commit, mona) = (head(&world), world.fake.as_person("mona", REPO));
    mona.status(&commit, "ci/first", "failure");
    for number in 1..1_000 {
        mona.status(&commit, &format!("ci/{}", number % 250), "pending");
    }
    let found = github.checks(&commit).await.expect("checks");
    assert_eq!((found.len(), told(&found)[250]), (251, ("ci/first", CheckState::Fail)));
    assert_eq!(github.checks(&commit).await, Ok(found), "what did not change is the same");
    mona.status(&commit, "ci/one-more", "success");
    let refused = github.checks(&commit).await.expect_err("too many");
    assert!(matches!(&refused, Fault::Refused { why, .. } if why.contains("1000")), "{refused:?}");
}

#[tokio::test]
async fn a_check_of_a_commit_that_is_not_there_is_gone() {
    for world in [World::with_app().await, World::with_token().await] {
        let github = world.met().await;
        let nowhere = "0".repeat(40);
        for fault in [
            github.put_check(&check(&nowhere, CheckState::Pass)).await.map(drop).expect_err("no commit"),
            github.checks(&nowhere).await.map(drop).expect_err("no commit"),
        ] {
            assert_eq!(name(&fault), "gone", "{fault:?}");
        }
    }
}

#[tokio::test]
async fn who_lacks_a_right_to_checks_is_told_which() {
    let world = World::with(|fake| Auth::Token(fake.token(US, Access::Read).into())).await;
    let refused = world.github().put_check(&check(&head(&world), CheckState::Pass)).await.expect_err("read only");
    let next = |fault: &Fault| {
        let Fault::Refused { next, .. } = fault else { panic!("it is not refused: {fault:?}") };
        next.clone()
    };
    assert!(next(&refused).contains("commit statuses: read and write"), "{refused:?}");
    let world = World::with_app().await;
    let commit = head(&world);
    world.fake.narrow_app(None, &[("checks", "read"), ("metadata", "read")]);
    let refused = world.github().put_check(&check(&commit, CheckState::Pass)).await.expect_err("read only");
    assert!(next(&refused).contains("checks"), "{refused:?}");
    world.fake.fault(
        1,
        "GET",
        &format!("/repos/{REPO}/commits/*/statuses"),
        Wrong::Refused(403, "Resource not accessible"),
    );
    let refused = world.github().checks(&commit).await.expect_err("half of it says nothing");
    assert!(next(&refused).contains("commit statuses: read"), "{refused:?}");
}
