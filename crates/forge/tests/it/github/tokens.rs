//! An App's tokens: made once for all, before the old one ends, and anew when one is refused.

use domain::time::Span;
use forge::github::{Auth, GitHub, Settings};
use forge::{Fault, Forge as _};
use futures::future::join_all;
use harness::github::{Fault as Wrong, Suspended};

use super::{REPO, World, name, new_issue};

fn minted(world: &World) -> usize {
    world.fake.count("POST", "/access_tokens")
}

#[tokio::test]
async fn clones_that_ask_at_once_share_one_token() {
    let world = World::with_app().await;
    let github = world.github();
    let clones: Vec<_> = (0..5).map(|_| github.clone()).collect();
    let ask = async |github: &GitHub| github.labels().await.map(drop);
    assert!(join_all(clones.iter().map(ask)).await.into_iter().all(|result| result.is_ok()));
    assert_eq!(minted(&world), 1);
    let asked = world.fake.arrived().into_iter().find(|one| one.path.ends_with("/access_tokens")).expect("asked for");
    assert_eq!(asked.body["repositories"][0], "hello-world", "for this repository alone");
}

#[tokio::test]
async fn a_token_is_replaced_before_it_ends() {
    let world = World::with_app().await;
    let github = world.met().await;
    world.fake.turn(Span::mins(54));
    github.labels().await.expect("labels");
    assert_eq!(minted(&world), 0, "it has six minutes left");
    world.fake.turn(Span::mins(2));
    github.labels().await.expect("labels");
    assert_eq!(minted(&world), 1);
}

#[tokio::test]
async fn a_token_that_ends_before_its_time_is_made_anew_and_what_makes_something_is_not_sent_again() {
    let world = World::with_app().await;
    let github = world.met().await;
    world.fake.expire_tokens();
    github.labels().await.expect("labels");
    assert_eq!((minted(&world), world.fake.count("GET", "/labels")), (1, 2));
    world.fake.expire_tokens();
    let fault = github.open_issue(&new_issue("new")).await.expect_err("not done");
    assert_eq!((name(&fault), world.fake.count("POST", "/issues")), ("later", 1), "{fault:?}");
    github.open_issue(&new_issue("new")).await.expect("with a new token");
    assert_eq!((minted(&world), world.fake.issues(REPO).len()), (2, 1));
}

#[tokio::test]
async fn a_token_that_is_refused_again_is_not_made_for_ever() {
    let world = World::with_app().await;
    let github = world.met().await;
    world.fake.fault(99, "GET", &format!("/repos/{REPO}/labels"), Wrong::Unauthorized);
    assert_eq!(name(&github.labels().await.expect_err("401")), "refused");
    assert_eq!((minted(&world), world.fake.count("GET", "/labels")), (1, 2));
}

#[tokio::test]
async fn a_token_that_could_not_be_made_is_asked_for_again() {
    let world = World::with_app().await;
    let github = world.github();
    world.fake.fault(2, "POST", "/app/installations/*/access_tokens", Wrong::Before(502));
    github.labels().await.expect("the third time");
    assert_eq!(minted(&world), 3);
}

#[tokio::test]
async fn an_app_that_has_no_way_in_is_refused_with_what_to_do() {
    let world = World::with_app().await;
    let Auth::App { id, key, .. } = world.auth.clone() else { unreachable!("it is an App") };
    let with = |id: &str, repository: &str, installation| {
        let auth = Auth::App { id: id.to_owned(), key: key.clone(), installation };
        GitHub::new(Settings { auth, repository: repository.to_owned(), ..world.settings() }).expect("a client")
    };
    for (github, next) in [
        (with("4711", REPO, None), "App's id"),
        (with(&id, "somebody/elses", None), "install"),
        (with(&id, REPO, Some(4_711)), "install"),
    ] {
        let fault = github.labels().await.expect_err("no way in");
        assert!(matches!(&fault, Fault::Refused { next: says, .. } if says.contains(next)), "{next}: {fault:?}");
    }
    world.fake.suspend_app(Suspended::Yes);
    assert_eq!(name(&world.github().labels().await.expect_err("suspended")), "refused");
    world.fake.suspend_app(Suspended::No);
    world.github().labels().await.expect("let in again");
}

#[tokio::test]
async fn an_app_whose_clock_runs_ahead_a_little_is_taken_and_far_ahead_is_told() {
    let world = World::with_app().await;
    let ahead = |span: Span| {
        let now = world.settings().now;
        Settings { now: std::sync::Arc::new(move || now() + span), ..world.settings() }
    };
    GitHub::new(ahead(Span::secs(50))).expect("a client").labels().await.expect("taken");
    let fault = GitHub::new(ahead(Span::hours(1))).expect("a client").labels().await.expect_err("too far");
    assert!(matches!(&fault, Fault::Refused { next, .. } if next.contains("clock")), "{fault:?}");
}
