//! GitHub's limits, and our own pace below them.

use std::sync::Arc;
use std::time::Instant;

use domain::time::{Span, Time};
use forge::github::{GitHub, Pace, Settings};
use forge::{Fault, Forge as _};
use futures::future::join_all;
use harness::both;
use harness::github::Fault as Wrong;

use super::{AT_ONCE, REPO, START, World, name, new_issue};

fn after(fault: &Fault) -> Option<Span> {
    match fault {
        Fault::Later { after, .. } => *after,
        Fault::Paced { after } => Some(*after),
        Fault::Unknown { .. }
        | Fault::Refused { .. }
        | Fault::Gone { .. }
        | Fault::Stale { .. }
        | Fault::Moved { .. } => None,
    }
}

#[tokio::test]
async fn one_limit_closes_the_way_for_everybody_and_nothing_leaves_meanwhile() {
    for (wrong, secs) in [
        (Wrong::Secondary { after_secs: 45 }, 45),
        (Wrong::TooMany { after_secs: 45 }, 45),
        (Wrong::Refused(403, "You have exceeded a secondary rate limit. Please wait."), 60),
        (Wrong::Refused(429, "Too many requests"), 60),
    ] {
        let world = World::with_token().await;
        let github = world.met().await;
        let number = world.fake.as_person("mona", REPO).open("there", "", &[]);
        world.fake.fault(1, "GET", &format!("/repos/{REPO}/issues/*"), wrong.clone());
        let first = github.issue(number).await.expect_err("limited");
        assert_eq!(after(&first), Some(Span::secs(secs)), "{wrong:?}: {first:?}");
        let clone = github.clone();
        for fault in [
            clone.issue(number).await.expect_err("closed"),
            clone.open_issue(&new_issue("new")).await.expect_err("closed"),
            clone.add_label(number, "x").await.expect_err("closed"),
            github.our_issues().await.expect_err("closed"),
        ] {
            let left = after(&fault).expect("a time");
            assert!(left > Span::ZERO && left <= Span::secs(secs), "{wrong:?}: {fault:?}");
        }
        assert_eq!(world.count(), 1, "{wrong:?}: only the first left");
    }
}

#[tokio::test]
async fn what_is_used_up_is_left_alone_until_its_hour_is_over() {
    let world = World::with_token().await;
    let github = world.met().await;
    world.fake.fault(1, "GET", "**", Wrong::Limited(403));
    let fault = github.labels().await.expect_err("used up");
    let wait = after(&fault).expect("a time");
    assert!(wait > Span::ZERO && wait <= Span::mins(61), "{wait}");
    assert_eq!(name(&github.labels().await.expect_err("closed")), "later");
    assert_eq!(world.count(), 1);
}

/// Or somebody whose clock is ahead would take the hour for over, and ask once a second until it is.
#[tokio::test]
async fn the_hour_that_is_left_alone_is_counted_by_githubs_clock() {
    let world = World::with_token().await;
    let ahead = Arc::new(|| Time(START) + Span::hours(2));
    let github = world.met_with(Settings { now: ahead, ..world.settings() }).await;
    world.fake.fault(1, "GET", "**", Wrong::Limited(403));
    let wait = after(&github.labels().await.expect_err("used up")).expect("a time");
    assert_eq!(wait, Span::hours(1));
}

#[tokio::test]
async fn the_last_request_of_the_hour_is_answered_and_the_next_does_not_leave() {
    let world = World::with_token().await;
    let github = world.github();
    world.fake.limit(2);
    github.repository().await.expect("the first two");
    let fault = github.labels().await.expect_err("used up");
    assert_eq!((name(&fault), world.count()), ("later", 2), "{fault:?}");
}

#[tokio::test]
async fn a_missing_right_is_no_limit() {
    let world = World::with_token().await;
    let github = world.met().await;
    let path = format!("/repos/{REPO}/issues");
    world.fake.fault(1, "POST", &path, Wrong::Refused(403, "Resource not accessible by personal access token"));
    let fault = github.open_issue(&new_issue("new")).await.expect_err("refused");
    assert!(matches!(&fault, Fault::Refused { next, .. } if next.contains("issues: read and write")), "{fault:?}");
    github.open_issue(&new_issue("new")).await.expect("the way is open");
}

fn paced(world: &World, pace: Pace) -> Settings {
    Settings { pace, ..world.settings() }
}

#[tokio::test]
async fn writes_go_apart_from_each_other_and_reads_wait_for_none() {
    let world = World::with_token().await;
    let between = Span(40);
    let github = world.met_with(paced(&world, Pace { between, ..AT_ONCE })).await;
    let start = Instant::now();
    let write = async |github: &GitHub| github.open_issue(&new_issue("new")).await.map(drop);
    let clones = [github.clone(), github.clone(), github.clone(), github.clone()];
    assert!(join_all(clones.iter().map(write)).await.into_iter().all(|result| result.is_ok()));
    assert!(start.elapsed() >= between.duration() * 3, "{:?}", start.elapsed());
    assert_eq!(world.count(), 4);
}

#[tokio::test]
async fn a_write_beyond_the_pace_is_told_when_to_come_back_and_does_not_leave() {
    let world = World::with_token().await;
    let github = world.met_with(paced(&world, Pace { per_minute: 2, ..AT_ONCE })).await;
    for _ in 0..2 {
        github.open_issue(&new_issue("new")).await.expect("within the pace");
    }
    let fault = github.open_issue(&new_issue("new")).await.expect_err("beyond it");
    let wait = after(&fault).expect("a time");
    assert!(wait > Span::secs(50) && wait <= Span::mins(1), "{wait}");
    github.labels().await.expect("reads go on");
    assert_eq!(world.fake.count("POST", "/issues"), 2);
}

both!(replicas_share_one_lane, async |place| {
    let world = World::with_token().await;
    let pace = Pace { per_minute: 2, ..AT_ONCE };
    let replica = async || {
        let shared = Some(place.open().await);
        world.met_with(Settings { shared, ..paced(&world, pace) }).await
    };
    let (one, other, late) = (replica().await, replica().await, replica().await);
    one.open_issue(&new_issue("one")).await.expect("within the pace");
    other.open_issue(&new_issue("other")).await.expect("within the pace");
    for github in [&one, &other, &late] {
        let wait = after(&github.open_issue(&new_issue("new")).await.expect_err("beyond it")).expect("a time");
        assert!(wait > Span::secs(10) && wait <= Span::mins(1), "{wait}");
    }
    assert_eq!(world.fake.count("POST", "/issues"), 2);
    let elsewhere = Settings { repository: "octocat/other".to_owned(), ..paced(&world, pace) };
    world.fake.repo("octocat/other");
    let elsewhere = GitHub::new(Settings { shared: Some(place.open().await), ..elsewhere }).expect("a client");
    elsewhere.open_issue(&new_issue("new")).await.expect("a lane of its own");
});

both!(who_cannot_tell_what_others_write_does_not_write, async |place| {
    let (world, store) = (World::with_token().await, place.open().await);
    let github = world.met_with(Settings { shared: Some(store.clone()), ..world.settings() }).await;
    store.close().await;
    let fault = github.open_issue(&new_issue("new")).await.expect_err("not known");
    assert!(matches!(&fault, Fault::Later { why, .. } if why.contains("is unknown")), "{fault:?}");
    assert_eq!(world.fake.count("POST", "/issues"), 0);
});
