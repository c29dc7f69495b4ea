//! What is not where it was: deleted, transferred, renamed, or not to be seen any more.

use forge::github::Settings;
use forge::{Edit, Fault, Forge as _};
use harness::github::{Access, Fault as Wrong};

use super::{REPO, World, name, new_issue};

const ELSEWHERE: &str = "octocat/elsewhere";

#[tokio::test]
async fn an_issue_that_is_not_there_is_gone() {
    let world = World::with_token().await;
    let github = world.met().await;
    let octocat = world.fake.as_person("octocat", REPO);
    let deleted = octocat.open("deleted", "", &[]);
    octocat.delete_issue(deleted);
    for number in [deleted, 4_711] {
        let edit = Edit { title: Some("new".to_owned()), ..Edit::default() };
        for fault in [
            github.issue(number).await.expect_err("gone"),
            github.comments(number, None).await.expect_err("gone"),
            github.comment(number, "x").await.expect_err("gone"),
            github.edit_issue(number, &edit).await.expect_err("gone"),
            github.add_label(number, "x").await.expect_err("gone"),
            github.remove_label(number, "x").await.expect_err("gone"),
        ] {
            assert!(matches!(&fault, Fault::Gone { what } if what.contains(&number.to_string())), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn an_issue_that_was_transferred_is_gone_and_where_it_went_is_told() {
    let world = World::with_token().await;
    world.fake.repo(ELSEWHERE);
    let github = world.met().await;
    let octocat = world.fake.as_person("octocat", REPO);
    let number = octocat.open("transferred", "", &[]);
    octocat.transfer_issue(number, ELSEWHERE);
    let place = format!("/repositories/{}/issues/", world.fake.id_of(ELSEWHERE));
    for fault in [
        github.issue(number).await.expect_err("gone"),
        github.comment(number, "x").await.expect_err("gone"),
        github.add_label(number, "x").await.expect_err("gone"),
    ] {
        assert!(matches!(&fault, Fault::Gone { what } if what.contains(&place)), "{fault:?}");
    }
    assert!(world.fake.issue(ELSEWHERE, 1).comments.is_empty(), "nothing is written to where it went");
}

#[tokio::test]
async fn a_repository_that_moved_is_told_by_its_new_name_and_nothing_is_done() {
    for known in [true, false] {
        let world = World::with_token().await;
        let github = if known { world.met().await } else { world.github() };
        let octocat = world.fake.as_person("octocat", REPO);
        let number = octocat.open("there", "", &[]);
        octocat.rename_repo("renamed");
        for fault in [
            github.repository().await.expect_err("moved"),
            github.issue(number).await.expect_err("moved"),
            github.our_issues().await.expect_err("moved"),
            github.open_issue(&new_issue("new")).await.expect_err("moved"),
            github.comment(number, "x").await.expect_err("moved"),
            github.add_label(number, "x").await.expect_err("moved"),
        ] {
            assert_eq!(fault, Fault::Moved { to: "octocat/renamed".to_owned() }, "known: {known}");
        }
        let issues = world.fake.issues("octocat/renamed");
        assert_eq!((issues.len(), issues[0].comments.len(), issues[0].labels.len()), (1, 0, 0));
    }
}

#[tokio::test]
async fn a_repository_that_moved_is_told_to_an_app_too() {
    let world = World::with_app().await;
    let (known, new) = (world.met().await, world.github());
    world.fake.as_person("octocat", REPO).rename_repo("renamed");
    let fault = known.issue(1).await.expect_err("moved");
    assert_eq!(fault, Fault::Moved { to: "octocat/renamed".to_owned() });
    assert_eq!(name(&new.issue(1).await.expect_err("moved")), "moved");
    world.fake.expire_tokens();
    assert_eq!(name(&known.issue(1).await.expect_err("moved")), "moved", "with the old token ended");
}

#[tokio::test]
async fn a_repository_that_took_the_name_of_another_has_another_id() {
    let world = World::with_token().await;
    let github = world.github();
    let before = github.repository().await.expect("a repository").id;
    world.fake.as_person("octocat", REPO).rename_repo("renamed");
    world.fake.repo(REPO);
    assert_ne!(github.repository().await.expect("a repository").id, before);
}

#[tokio::test]
async fn a_repository_that_we_no_longer_see_does_not_look_like_issues_deleted() {
    let world = World::with_token().await;
    world.fake.repo_with("octocat/secret", |setup| setup.private = true);
    world.fake.grant(super::US, "octocat/secret", Access::Write);
    let settings = Settings { repository: "octocat/secret".to_owned(), ..world.settings() };
    let github = world.met_with(settings).await;
    let number = world.fake.as_person("octocat", "octocat/secret").open("there", "", &[]);
    github.issue(number).await.expect("seen");
    world.fake.grant(super::US, "octocat/secret", Access::None);
    for fault in [
        github.issue(number).await.expect_err("not seen"),
        github.our_issues().await.expect_err("not seen"),
        github.comment(number, "x").await.expect_err("not seen"),
        github.repository().await.expect_err("not seen"),
    ] {
        assert!(matches!(&fault, Fault::Refused { next, .. } if next.contains("read")), "{fault:?}");
    }
}

#[tokio::test]
async fn a_repository_without_issues_refuses_them_and_says_where_to_switch_them_on() {
    let world = World::with_token().await;
    world.fake.repo_with("octocat/code", |setup| setup.has_issues = false);
    let settings = Settings { repository: "octocat/code".to_owned(), ..world.settings() };
    let github = world.met_with(settings).await;
    assert_eq!(github.repository().await.expect("a repository").writable, Some(false));
    let fault = github.open_issue(&new_issue("new")).await.expect_err("switched off");
    assert!(matches!(&fault, Fault::Refused { next, .. } if next.contains("switch the issues on")), "{fault:?}");
    let path = "/repos/octocat/code/issues/*";
    world.fake.fault(1, "GET", path, Wrong::Refused(410, "Issues are disabled for this repo"));
    let fault = github.issue(1).await.expect_err("switched off");
    assert!(matches!(&fault, Fault::Refused { .. }), "it is not gone: {fault:?}");
}

#[tokio::test]
async fn a_token_that_was_taken_away_is_refused() {
    let world = World::with_token().await;
    let github = world.met().await;
    if let forge::github::Auth::Token(token) = &world.auth {
        world.fake.revoke(secrecy::ExposeSecret::expose_secret(token));
    }
    for fault in [github.issue(1).await.expect_err("401"), github.open_issue(&new_issue("new")).await.expect_err("401")]
    {
        assert!(matches!(&fault, Fault::Refused { next, .. } if next.contains("token")), "{fault:?}");
    }
}
