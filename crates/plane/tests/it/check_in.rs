//! Check-ins: a silence is told once, and so is the return.

use domain::agent::Role;
use domain::check_in::Phase;
use domain::time::Span;
use harness::{Discord, World, both, call};
use plane::Plane;
use plane::settings::Watch;

use crate::given::{ann, operator};

/// A plane that expects a digest every hour, give or take ten minutes.
async fn plane(world: &World, discord: &Discord) -> Plane {
    let channel = discord.channel("ops");
    let set = |settings: &mut plane::Settings| {
        settings.channels = vec![channel];
        "ops".clone_into(&mut settings.default_channel);
        let (every, grace) = (Span::hours(1), Span::mins(10));
        settings.watch = vec![Watch { routine: "digest".to_owned(), every, grace }];
    };
    world.replica_with(set).await
}

/// Looks, delivers, and gives who is late and how much has been told in all.
async fn look(plane: &Plane, discord: &Discord) -> (Vec<String>, usize) {
    let late = plane.watch_routines(&call(Role::Operator, "gapwright", "dead-mans-switch")).await.expect("a look");
    plane.deliver().await.expect("delivered");
    (late, discord.taken().len())
}

both!(a_silence_is_told_once_and_so_is_the_return, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    assert_eq!(look(&plane, &discord).await, (vec![], 0), "it is expected from now on");
    world.hand.advance(Span::mins(70));
    assert_eq!(look(&plane, &discord).await, (vec![], 0), "still in time");
    world.hand.advance(Span(1));
    for _ in 0..3 {
        assert_eq!(look(&plane, &discord).await, (vec!["digest".to_owned()], 1));
        world.hand.advance(Span::hours(5));
    }
    plane.check_in(&ann(), "digest", Phase::Start).await.expect("noted");
    assert_eq!(look(&plane, &discord).await, (vec!["digest".to_owned()], 1), "begun is not ended");
    plane.check_in(&ann(), "digest", Phase::End).await.expect("noted");
    assert_eq!(look(&plane, &discord).await, (vec![], 2));
    assert_eq!(look(&plane, &discord).await, (vec![], 2));
    let told = discord.taken();
    assert!(told[0].contains("digest is silent") && told[1].contains("digest checked in again"), "{told:?}");
});

both!(two_replicas_that_notice_one_silence_tell_it_once, async |world| {
    let discord = Discord::start().await;
    let (one, other) = (plane(world, &discord).await, plane(world, &discord).await);
    look(&one, &discord).await;
    world.hand.advance(Span::hours(2));
    let by = call(Role::Operator, "gapwright", "dead-mans-switch");
    for _ in 0..5 {
        let (a, b) = tokio::join!(one.watch_routines(&by), other.watch_routines(&by));
        assert_eq!((a.expect("a look").len(), b.expect("a look").len()), (1, 1));
    }
    assert_eq!(look(&one, &discord).await.1, 1);
});

both!(a_restart_does_not_tell_a_silence_again, async |world| {
    let discord = Discord::start().await;
    look(&plane(world, &discord).await, &discord).await;
    world.hand.advance(Span::hours(2));
    assert_eq!(look(&plane(world, &discord).await, &discord).await.1, 1);
    assert_eq!(look(&plane(world, &discord).await, &discord).await.1, 1);
});

both!(a_routine_that_nobody_expects_is_never_late, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    plane.check_in(&ann(), "unexpected", Phase::End).await.expect("noted");
    look(&plane, &discord).await;
    world.hand.advance(Span::days(30));
    assert_eq!(look(&plane, &discord).await.0, ["digest"]);
    let (routines, _) = plane.list_routines(&operator()).await.expect("a list");
    let names: Vec<_> = routines.iter().map(|routine| routine.name.as_str()).collect();
    assert_eq!(names, ["digest", "unexpected"]);
});

// Found by this exam: a silent Routine that was taken out of the configuration was said to have checked in again.
both!(a_silent_routine_that_is_no_longer_expected_is_not_said_to_be_back, async |world| {
    let discord = Discord::start().await;
    let before = plane(world, &discord).await;
    look(&before, &discord).await;
    world.hand.advance(Span::hours(2));
    assert_eq!(look(&before, &discord).await.1, 1);
    let channel = discord.channel("ops");
    let set =
        |settings: &mut plane::Settings| (settings.channels, settings.default_channel) = (vec![channel], "ops".into());
    let after = world.replica_with(set).await;
    look(&after, &discord).await;
    assert!(!discord.taken().iter().any(|text| text.contains("checked in again")), "{:?}", discord.taken());
});
