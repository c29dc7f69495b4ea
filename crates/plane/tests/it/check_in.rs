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

both!(a_replica_that_expects_nobody_neither_disarms_the_watch_of_another_nor_looks_away, async |world| {
    let discord = Discord::start().await;
    let (watching, channel) = (plane(world, &discord).await, discord.channel("ops"));
    let set = |settings: &mut plane::Settings| {
        (settings.channels, settings.default_channel) = (vec![channel], "ops".into());
    };
    let other = world.replica_with(set).await;
    look(&watching, &discord).await;
    for _ in 0..7 {
        watching.tell_presence().await.expect("seen");
        assert_eq!(look(&other, &discord).await, (vec![], 0));
        world.hand.advance(Span::mins(10));
    }
    world.hand.advance(Span(1));
    watching.tell_presence().await.expect("seen");
    assert_eq!(look(&other, &discord).await, (vec!["digest".to_owned()], 1), "it judges for the one that expects");
    assert_eq!(look(&watching, &discord).await, (vec!["digest".to_owned()], 1));
    watching.tell_absence().await.expect("gone");
    assert_eq!(look(&other, &discord).await, (vec![], 1), "nobody expects it any more");
});

both!(only_the_service_itself_checks_in_as_its_heartbeat, async |world| {
    let refused = world.plane.check_in(&ann(), "agent-mcp-heartbeat", Phase::End).await;
    assert_eq!(crate::given::code(refused), domain::refusal::Code::Forbidden);
    world.plane.check_in(&operator(), "agent-mcp-heartbeat", Phase::End).await.expect("noted");
});

both!(of_two_first_check_ins_at_once_neither_is_lost, async |world| {
    let plane = &world.plane;
    for round in 0..20 {
        let (name, by) = (format!("r{round}"), ann());
        let (began, ended) =
            tokio::join!(plane.check_in(&by, &name, Phase::Start), plane.check_in(&by, &name, Phase::End));
        began.and(ended).expect("noted");
        let (routines, _) = plane.list_routines(&operator()).await.expect("a list");
        let routine = routines.into_iter().find(|routine| routine.name == name).expect("known");
        assert!(routine.started_at.is_some() && routine.ended_at.is_some(), "{routine:?}");
    }
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

both!(however_many_strangers_check_in_the_silence_of_one_that_is_expected_is_told, async |world| {
    let discord = Discord::start().await;
    let plane = plane(world, &discord).await;
    look(&plane, &discord).await;
    let mut tx = world.store().begin().await.expect("a transaction");
    tx.run(
        "INSERT INTO routine (name, grace_ms, since)
         SELECT 'a' || CAST(a.shard * 64 + b.shard AS TEXT), 0, 0 FROM fence AS a CROSS JOIN fence AS b",
        &[],
    )
    .await
    .expect("4,096 strangers");
    tx.commit().await.expect("a commit");
    world.hand.advance(Span::hours(2));
    assert_eq!(look(&plane, &discord).await, (vec!["digest".to_owned()], 1));
    let (routines, _) = plane.list_routines(&operator()).await.expect("a list");
    assert_eq!((routines.len(), routines[0].name.as_str()), (1_000, "digest"));
});

both!(a_routine_that_is_no_longer_expected_has_nothing_to_keep_to, async |world| {
    let discord = Discord::start().await;
    look(&plane(world, &discord).await, &discord).await;
    look(&world.replica_with(|_| {}).await, &discord).await;
    let (routines, _) = world.plane.list_routines(&operator()).await.expect("a list");
    assert_eq!((routines.len(), routines[0].every, routines[0].late_after()), (1, None, None));
    let answer = world.plane.check_in(&ann(), "digest", Phase::End).await.expect("noted");
    assert_eq!(answer.late_after(), None, "it is not told of an end that nobody waits for");
});

both!(a_silent_routine_of_which_something_else_is_expected_is_not_said_to_be_back, async |world| {
    let discord = Discord::start().await;
    let before = plane(world, &discord).await;
    look(&before, &discord).await;
    world.hand.advance(Span::hours(2));
    assert_eq!(look(&before, &discord).await.1, 1);
    let channel = discord.channel("ops");
    let every = Span::hours(3);
    let set = |settings: &mut plane::Settings| {
        (settings.channels, settings.default_channel) = (vec![channel], "ops".into());
        settings.watch = vec![Watch { routine: "digest".to_owned(), every, grace: Span::ZERO }];
    };
    let after = world.replica_with(set).await;
    assert_eq!(look(&after, &discord).await, (vec![], 1));
    world.hand.advance(Span(every.0 + 1));
    assert_eq!(look(&after, &discord).await, (vec!["digest".to_owned()], 2));
});

both!(a_stranger_that_is_not_heard_of_any_more_is_forgotten_and_no_other, async |world| {
    let discord = Discord::start().await;
    let channel = discord.channel("ops");
    let set = |settings: &mut plane::Settings| {
        (settings.channels, settings.default_channel) = (vec![channel], "ops".into());
        settings.schedule = [("retention".to_owned(), "every 1d".to_owned())].into();
        settings.watch = vec![Watch { routine: "digest".to_owned(), every: Span::days(60), grace: Span::ZERO }];
    };
    let plane = world.replica_with(set).await;
    plane.sync_schedule().await.expect("a schedule");
    look(&plane, &discord).await;
    for name in ["ended", "started", "gone"] {
        plane.check_in(&ann(), name, Phase::Start).await.expect("noted");
    }
    world.hand.advance(Span::days(10));
    plane.check_in(&ann(), "ended", Phase::End).await.expect("noted");
    plane.check_in(&ann(), "started", Phase::Start).await.expect("noted");
    world.hand.advance(Span::days(5));
    crate::scheduled::ring(&plane).await;
    let (routines, _) = plane.list_routines(&operator()).await.expect("a list");
    let names: Vec<_> = routines.iter().map(|routine| routine.name.as_str()).collect();
    assert_eq!(names, ["digest", "ended", "started"]);
});
