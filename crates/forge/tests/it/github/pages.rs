//! Long lists, and what did not change since the last time.

use forge::Forge as _;
use harness::github::Reason;

use super::{REPO, US, World};

fn statuses(world: &World) -> Vec<Option<u16>> {
    world.fake.arrived().iter().map(|one| one.status).collect()
}

#[tokio::test]
async fn a_long_list_is_read_to_its_end_with_our_token_on_every_page() {
    for world in [World::with_token().await, World::with_app().await] {
        let github = world.met().await;
        let us = github.repository().await.expect("a repository").me.login;
        for number in 0..230 {
            world.fake.as_person(&us, REPO).open(&format!("gap {number}"), "", &[]);
        }
        world.fake.forget_arrived();
        let issues = github.our_issues().await.expect("issues");
        assert_eq!(issues.iter().map(|issue| issue.number).collect::<Vec<_>>(), (1..=230).collect::<Vec<_>>());
        let arrived = world.fake.arrived();
        assert_eq!(arrived.len(), 8);
        assert!(arrived.iter().all(|one| one.who.as_deref() == Some(us.as_str())), "{arrived:?}");
        assert!(arrived.iter().all(|one| one.path == format!("/repos/{REPO}/issues")));
    }
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again_and_what_did_is_seen() {
    let world = World::with_token().await;
    let github = world.met().await;
    for number in 0..50 {
        world.fake.as_person(US, REPO).open(&format!("gap {number}"), "", &[]);
    }
    let first = github.our_issues().await.expect("issues");
    assert_eq!(statuses(&world), [Some(200), Some(200)]);
    world.fake.forget_arrived();
    assert_eq!(github.our_issues().await.as_ref(), Ok(&first));
    assert_eq!(statuses(&world), [Some(304), Some(304)]);
    world.fake.forget_arrived();
    world.fake.as_person("mona", REPO).silently().close(40, Reason::Completed);
    let third = github.our_issues().await.expect("issues");
    assert_eq!(statuses(&world), [Some(304), Some(200)]);
    assert_ne!(first[39].state, third[39].state);
    assert_eq!(first[..39], third[..39]);
}

/// The body of a full page, and so its tag, stays the same when it gets a successor; only its link says so.
#[tokio::test]
async fn what_comes_after_a_full_last_page_is_not_hidden_by_what_was_said_of_it() {
    let world = World::with_token().await;
    let github = world.met().await;
    let us = world.fake.as_person(US, REPO).silently();
    for number in 1..=300 {
        us.open(&format!("gap {number}"), "", &[]);
    }
    let labels = github.labels().await.expect("labels").len();
    for number in labels..100 {
        us.make_label(&format!("label {number}"), "ffffff");
    }
    assert_eq!(github.our_issues().await.expect("issues").len(), 300);
    assert_eq!(github.labels().await.expect("labels").len(), 100);
    us.open("gap 301", "", &[]);
    us.make_label("label 101", "ffffff");
    assert_eq!(github.our_issues().await.expect("issues").len(), 301);
    assert_eq!(github.labels().await.expect("labels").len(), 101);
}

#[tokio::test]
async fn a_page_of_the_longest_issues_is_read() {
    let world = World::with_token().await;
    let github = world.met().await;
    let body = "\u{1f980}".repeat(65_536);
    for number in 0..35 {
        world.fake.as_person(US, REPO).silently().open(&format!("gap {number}"), &body, &[]);
    }
    let issues = github.our_issues().await.expect("issues");
    assert!(issues.len() == 35 && issues.iter().all(|issue| issue.body == body), "{}", issues.len());
}

#[tokio::test]
async fn an_issue_that_is_deleted_is_not_served_from_what_was_said_before() {
    let world = World::with_token().await;
    let github = world.met().await;
    let number = world.fake.as_person(US, REPO).open("gap", "", &[]);
    github.issue(number).await.expect("an issue");
    world.fake.as_person("octocat", REPO).silently().delete_issue(number);
    assert_eq!(super::name(&github.issue(number).await.expect_err("deleted")), "gone");
    assert_eq!(github.our_issues().await, Ok(vec![]));
}

#[tokio::test]
async fn more_than_a_hundred_labels_and_comments_are_all_read() {
    let world = World::with_token().await;
    let github = world.met().await;
    let mona = world.fake.as_person("mona", REPO);
    let number = mona.open("discussed", "", &[]);
    for count in 0..120 {
        mona.make_label(&format!("label {count}"), "ffffff");
        mona.comment(number, &format!("comment {count}"));
    }
    assert!(github.labels().await.expect("labels").len() >= 120);
    let comments = github.comments(number, None).await.expect("comments");
    assert_eq!(comments.len(), 120);
    assert_eq!((comments[0].body.as_str(), comments[119].body.as_str()), ("comment 0", "comment 119"));
}
