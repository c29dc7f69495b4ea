//! Who may write on GitHub, who labelled and who ended it, where GitHub leaves something out or says what we do not know.

use forge::{Account, AccountKind, Forge as _, LabelChange, NewPull, PullState};
use harness::github::{Access, Fault as Wrong, Reason};
use serde_json::{Value, json};

use super::{REPO, World, name};

/// Somebody as the events of an issue show them, when they have labelled it.
async fn somebody(world: &World, login: &str) -> Account {
    let person = world.fake.as_person(login, REPO);
    let number = person.open("mine", "", &["a label"]);
    world.github().label_events(number).await.expect("events").events.remove(0).actor
}

fn permission(login: &str) -> String {
    format!("/repos/{REPO}/collaborators/{login}/permission")
}

/// Opens a pull request of ours from a branch that mona pushed.
async fn opened(world: &World) -> i64 {
    world.fake.as_person("mona", REPO).commit("fix", &[("a.txt", Some("1\n"))]);
    let [title, body, head, base] = ["t", "b", "fix", "main"].map(str::to_owned);
    world.github().open_pull(&NewPull { title, body, head, base, draft: false }).await.expect("opened").number
}

#[tokio::test]
async fn who_may_write_is_known_by_what_their_role_comes_to() {
    let world = World::with_app().await;
    let github = world.github();
    for (login, access, may) in [
        ("wendy", Some(Access::Write), true),
        ("tess", Some(Access::Triage), false),
        ("rob", Some(Access::Read), false),
        ("nemo", None, false),
        ("octocat", None, true),
    ] {
        let who = somebody(&world, login).await;
        if let Some(access) = access {
            world.fake.grant(login, REPO, access);
        }
        assert_eq!(github.may_write(&who).await, Ok(may), "{login}");
    }
    let rob = somebody(&world, "rob").await;
    for (word, may) in [("maintain", true), ("admin", true), ("none", false), ("Write", false), ("owner", false)] {
        world.fake.fault(1, "GET", &permission("rob"), Wrong::Says("permission", json!(word)));
        assert_eq!(world.github().may_write(&rob).await, Ok(may), "{word}");
    }
}

/// Labels tell who did it then, and whether they may is asked now.
#[tokio::test]
async fn a_right_that_was_taken_away_is_gone_at_the_next_look() {
    let world = World::with_app().await;
    let github = world.github();
    let wendy = somebody(&world, "wendy").await;
    for (access, may) in [(Access::Write, true), (Access::Triage, false), (Access::Write, true), (Access::None, false)]
    {
        world.fake.grant("wendy", REPO, access);
        for _ in 0..2 {
            assert_eq!(github.may_write(&wendy).await, Ok(may), "{access:?}");
        }
    }
}

#[tokio::test]
async fn whoever_has_the_login_of_another_by_now_has_not_their_rights() {
    let world = World::with_app().await;
    let github = world.github();
    let wendy = somebody(&world, "wendy").await;
    world.fake.grant("wendy", REPO, Access::Write);
    assert_eq!(github.may_write(&wendy).await, Ok(true));
    for id in ["1", "", "ghost", "wendy"] {
        let before = Account { id: id.to_owned(), ..wendy.clone() };
        assert_eq!(github.may_write(&before).await, Ok(false), "{id}");
    }
    world.fake.fault(1, "GET", &permission("wendy"), Wrong::Says("user", Value::Null));
    assert_eq!(world.github().may_write(&wendy).await, Ok(false), "GitHub does not say who it is about");
}

#[tokio::test]
async fn nobody_and_another_app_may_not_write_and_we_may_what_we_may() {
    let world = World::with_app().await;
    let github = world.github();
    let robot = somebody(&world, "renovate[bot]").await;
    assert_eq!(robot.kind, AccountKind::Bot);
    let account = |id: &str, kind| Account { id: id.to_owned(), login: id.to_owned(), kind };
    for nobody in [robot, account("nobody", AccountKind::Person), account("ghost", AccountKind::Person)] {
        assert_eq!(github.may_write(&nobody).await, Ok(false), "{nobody:?}");
    }
    let us = github.repository().await.expect("a repository").me;
    assert_eq!(github.may_write(&us).await, Ok(true));
    let called_us = Account { id: "7".to_owned(), ..us.clone() };
    assert_eq!(github.may_write(&called_us).await, Ok(false));
    world.fake.narrow_app(None, &[("issues", "read"), ("metadata", "read")]);
    assert_eq!(world.github().may_write(&us).await, Ok(false));
}

/// That we see nothing any more is no answer about anybody.
#[tokio::test]
async fn whether_somebody_may_write_is_not_known_when_the_repository_is_not_seen() {
    let world = World::with_token().await;
    let wendy = somebody(&world, "wendy").await;
    world.fake.repo_with("octocat/secret", |setup| setup.private = true);
    world.fake.grant(super::US, "octocat/secret", Access::None);
    let settings = forge::github::Settings::new("octocat/secret", world.auth.clone(), world.settings().now);
    let settings = forge::github::Settings { api: world.fake.url(), ..settings };
    let github = forge::github::GitHub::new(settings).expect("a client");
    assert_eq!(name(&github.may_write(&wendy).await.expect_err("we see nothing")), "refused");
    world.fake.fault(1, "GET", &permission("wendy"), Wrong::Refused(403, "Must have push access"));
    assert_eq!(name(&world.github().may_write(&wendy).await.expect_err("no right")), "refused");
}

#[tokio::test]
async fn somebody_without_the_right_who_labels_is_told_as_who_they_are() {
    let world = World::with_app().await;
    let github = world.github();
    let number = opened(&world).await;
    github.add_label(number, "needs-bot-review").await.expect("added");
    world.fake.grant("tess", REPO, Access::Triage);
    let tess = world.fake.as_person("tess", REPO);
    tess.label(number, "bot-approved-needs-human");
    tess.unlabel(number, "needs-bot-review");
    let events = github.label_events(number).await.expect("events").events;
    let told: Vec<_> = events.iter().map(|event| (event.actor.login.as_str(), event.what)).collect();
    let (us, added, removed) = ("gapwright[bot]", LabelChange::Added, LabelChange::Removed);
    assert_eq!(told, [(us, added), ("tess", added), ("tess", removed)]);
    assert_eq!(github.may_write(&events[1].actor).await, Ok(false));
}

#[tokio::test]
async fn a_label_that_github_does_not_name_makes_what_is_told_incomplete() {
    let world = World::with_app().await;
    let number = opened(&world).await;
    world.fake.as_person("mona", REPO).label(number, "manual");
    let path = format!("/repos/{REPO}/issues/*/events");
    for (key, value, left) in [("label", Value::Null, (0, false)), ("event", json!("relabelled"), (0, true))] {
        world.fake.fault(1, "GET", &path, Wrong::Says(key, value));
        let told = world.github().label_events(number).await.expect("events");
        assert_eq!((told.events.len(), told.complete), left, "{key}");
    }
    world.fake.fault(1, "GET", &path, Wrong::Says("actor", Value::Null));
    let ghost = world.github().label_events(number).await.expect("events").events.remove(0).actor;
    assert_eq!((ghost.login.as_str(), ghost.kind), ("ghost", AccountKind::Person));
}

/// A first page stays as it is while the list grows, and so does its tag: its link to the last page is not believed twice.
#[tokio::test]
async fn a_list_of_events_that_grows_past_its_pages_is_read_to_its_end_each_time() {
    let world = World::with_token().await;
    let github = world.met().await;
    let mona = world.fake.as_person("mona", REPO).silently();
    let number = mona.open("restless", "", &[]);
    let mut made = 0;
    for count in [99, 100, 101, 200, 999, 1_000, 1_001, 1_400, 2_700] {
        while made < count {
            if made % 2 == 0 {
                mona.label(number, "blinks");
            } else {
                mona.unlabel(number, "blinks");
            }
            made += 1;
        }
        world.fake.forget_arrived();
        let told = github.label_events(number).await.expect("events");
        let last = if count % 2 == 0 { LabelChange::Removed } else { LabelChange::Added };
        assert_eq!(told.events.last().map(|event| event.what), Some(last), "{count}");
        assert_eq!(told.complete, count <= 1_000, "{count}");
        assert_eq!(told.events.len(), if count <= 1_000 { count } else { 901 + (count - 1) % 100 }, "{count}");
        assert!(world.count() <= 11, "{} requests", world.count());
    }
}

#[tokio::test]
async fn events_and_reviews_that_did_not_change_cost_nothing() {
    let world = World::with_app().await;
    let github = world.met().await;
    let number = opened(&world).await;
    let mona = world.fake.as_person("mona", REPO);
    mona.label(number, "manual");
    mona.review(number, "APPROVE", "good");
    let look = async || {
        world.fake.forget_arrived();
        let events = github.label_events(number).await.expect("events").events.len();
        let reviews = github.reviews(number).await.expect("reviews").len();
        (events, reviews, world.fake.arrived().iter().map(|one| one.status).collect::<Vec<_>>())
    };
    assert_eq!(look().await, (1, 1, vec![Some(200), Some(200)]));
    assert_eq!(look().await, (1, 1, vec![Some(304), Some(304)]));
    mona.unlabel(number, "manual");
    assert_eq!(look().await, (2, 1, vec![Some(200), Some(304)]));
}

#[tokio::test]
async fn who_closed_it_takes_one_more_look_and_who_merged_it_none() {
    let world = World::with_app().await;
    let github = world.met().await;
    let number = opened(&world).await;
    let octocat = world.fake.as_person("octocat", REPO);
    let ended = async || {
        world.fake.forget_arrived();
        let pull = github.pull(number).await.expect("a pull request");
        (pull.ended_by.map(|who| who.login), world.count())
    };
    assert_eq!(ended().await, (None, 1));
    octocat.close(number, Reason::Completed);
    assert_eq!(ended().await, (Some("octocat".to_owned()), 2));
    assert_eq!(github.pulls_by_head("fix").await.expect("one")[0].ended_by, None, "lists do not say");
    world.fake.fault(1, "GET", &format!("/repos/{REPO}/issues/*"), Wrong::Says("closed_by", Value::Null));
    assert_eq!(world.github().pull(number).await.expect("a pull request").ended_by, None, "who is gone is not told");
    octocat.reopen(number);
    octocat.merge(number, "rebase");
    assert_eq!(ended().await, (Some("octocat".to_owned()), 1));
}

#[tokio::test]
async fn a_branch_is_looked_for_with_its_owner_and_what_is_of_another_is_left_out() {
    let world = World::with_app().await;
    let github = world.met().await;
    let number = opened(&world).await;
    world.fake.forget_arrived();
    let found = github.pulls_by_head("fix").await.expect("pull requests");
    assert_eq!(found.iter().map(|pull| (pull.number, &pull.state)).collect::<Vec<_>>(), [(number, &PullState::Open)]);
    let asked = world.fake.arrived().remove(0).query;
    assert!(asked.starts_with("head=octocat%3Afix&state=all"), "{asked}");
    let path = format!("/repos/{REPO}/pulls");
    for (key, value) in [("ref", json!("other")), ("repo", Value::Null)] {
        world.fake.fault(1, "GET", &path, Wrong::Says(key, value));
        let found = world.github().pulls_by_head("fix").await.expect("pull requests");
        assert_eq!(found.len(), usize::from(key == "repo"), "{key}: {found:?}");
    }
}

/// A review that was not handed in is one that its author may still change.
#[tokio::test]
async fn a_review_counts_from_when_it_is_handed_in_until_it_is_dismissed() {
    use forge::ReviewState::{Approved, Dismissed};
    let world = World::with_token().await;
    let github = world.github();
    let number = opened(&world).await;
    let mona = world.fake.as_person("mona", REPO);
    mona.review(number, "PENDING", "not yet");
    assert_eq!(github.reviews(number).await, Ok(vec![]));
    world.fake.as_person(super::US, REPO).review(number, "PENDING", "ours, not yet");
    assert_eq!(github.reviews(number).await, Ok(vec![]));
    let review = mona.review(number, "APPROVE", "good");
    assert_eq!(github.reviews(number).await.expect("reviews").remove(0).state, Approved);
    mona.dismiss(number, review, "on second thoughts");
    assert_eq!(github.reviews(number).await.expect("reviews").remove(0).state, Dismissed);
}
