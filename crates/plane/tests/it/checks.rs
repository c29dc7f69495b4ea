//! Looking for trouble: held too long, given up, firing elsewhere.

use domain::job::Register;
use domain::time::Span;
use harness::both;
use plane::job::Claim;
use plane::page::Ask;

use crate::given::{ann, due, named, register, take, walk, wish};
use crate::scheduled::ring;

both!(routine_jobs_held_for_longer_than_asked_are_stuck_whatever_their_claim_says, async |world| {
    for name in ["long", "longer", "fresh"] {
        register(&world.plane, due(name)).await;
    }
    let hours = |name: &str, hours| Claim { ttl: Span::hours(hours), ..named(name) };
    take(&world.plane, &ann(), hours("longer", 24)).await;
    world.hand.advance(Span::mins(1));
    take(&world.plane, &ann(), hours("long", 1)).await;
    world.hand.advance(Span::mins(10));
    take(&world.plane, &ann(), hours("fresh", 1)).await;
    let stuck = async |threshold| {
        let jobs = walk(1, async |ask| world.plane.stuck_jobs(&ann(), threshold, ask).await).await;
        jobs.into_iter().map(|listed| listed.job.name).collect::<Vec<_>>()
    };
    assert_eq!(stuck(Span::mins(10)).await, ["longer", "long"]);
    assert_eq!(stuck(Span::mins(11)).await, ["longer"]);
    assert_eq!(stuck(Span::mins(12)).await, Vec::<String>::new());
    assert_eq!(stuck(Span::ZERO).await, ["longer", "long", "fresh"]);
});

both!(dead_letters_of_all_sources_are_one_list_latest_first_and_walked_without_loss, async |world| {
    for n in 0..30 {
        register(&world.plane, Register { max_attempts: Some(1), ..due(&format!("j{n:02}")) }).await;
        take(&world.plane, &ann(), wish()).await;
    }
    world.hand.advance(Span::mins(1));
    world.plane.tend_lines().await.expect("tended");
    let mut tx = world.store().begin().await.expect("a transaction");
    for n in 0..30 {
        // Ids before, between and after the jobs' names, at the same moment as their ends.
        let id = format!("{}{n:02}", ["A", "j", "z"][n % 3]);
        let effect = domain::effect::Notify {
            channel: "ops".into(),
            level: domain::notice::Level::Info,
            text: "t".into(),
            link: None,
        };
        store::outbox::add(&mut tx, &id, &effect).await.expect("a row");
        let row = store::outbox::find(&mut tx, &id).await.expect("a look").expect("the row");
        store::outbox::dead(&mut tx, &row, "no such channel").await.expect("given up");
    }
    for n in 0..30 {
        let id = format!("{}{n:02}x", ["A", "j", "z"][n % 3]);
        let status = if n % 2 == 0 { "lost: it did not end" } else { "error: no luck" };
        let hold = domain::scheduled::Hold {
            run_id: id,
            due_at: domain::time::Time(i64::try_from(n).expect("small")),
            replica: "here".into(),
            since: harness::plane::START,
            expires_at: harness::plane::START,
            attempt: 3,
            missed: 0,
        };
        store::scheduled::ended(&mut tx, "retention", &hold, status).await.expect("a row");
    }
    tx.commit().await.expect("a commit");
    world.spoil();
    for limit in [1, 7, 74, 200] {
        let letters = walk(limit, async |ask| world.plane.dead_letters(&ann(), ask).await).await;
        let distinct: std::collections::BTreeSet<_> =
            letters.iter().map(|letter| (letter.source, &letter.id)).collect();
        assert_eq!((letters.len(), distinct.len()), (75, 75), "by pages of {limit}");
        let lost = letters.iter().filter(|letter| letter.source == "scheduled_run");
        assert!(
            lost.clone().count() == 15 && lost.clone().all(|letter| letter.error.starts_with("retention, due at "))
        );
        assert!(letters.is_sorted_by(|a, b| (a.at, &a.id) >= (b.at, &b.id)), "by pages of {limit}");
    }
});

both!(what_gave_up_is_listed_for_90_days_however_short_the_retention, async |world| {
    let schedule = [("retention".to_owned(), "every 1h".to_owned())].into();
    let plane = world.replica_with(|settings| (settings.schedule, settings.keep) = (schedule, Span::hours(1))).await;
    plane.sync_schedule().await.expect("a schedule");
    let hold = domain::scheduled::Hold {
        run_id: "R".into(),
        due_at: domain::time::Time(1),
        replica: "here".into(),
        since: harness::plane::START,
        expires_at: harness::plane::START,
        attempt: 3,
        missed: 0,
    };
    let effect = domain::effect::Notify {
        channel: "ops".into(),
        level: domain::notice::Level::Info,
        text: "t".into(),
        link: None,
    };
    let mut tx = world.store().begin().await.expect("a transaction");
    store::outbox::add(&mut tx, "M", &effect).await.expect("a row");
    let row = store::outbox::find(&mut tx, "M").await.expect("a look").expect("the row");
    store::outbox::dead(&mut tx, &row, "no such channel").await.expect("given up");
    store::scheduled::ended(&mut tx, "elsewhere", &hold, "lost: it did not end").await.expect("a row");
    tx.commit().await.expect("a commit");
    world.spoil();
    for (days, listed) in [(1, 2), (89, 2), (91, 0)] {
        world.hand.set(harness::plane::START + Span::days(days));
        ring(&plane).await;
        let letters = plane.dead_letters(&ann(), &Ask::default()).await.expect("a list").items;
        assert_eq!(letters.len(), listed, "after {days} days: {letters:?}");
    }
});

both!(no_configured_monitor_fires_nothing_and_hides_nothing, async |world| {
    let firing = world.plane.firing_alerts(&ann()).await.expect("an answer");
    assert!(firing.alerts.is_empty() && firing.unreachable.is_empty());
    assert!(world.plane.dead_letters(&ann(), &Ask::default()).await.expect("a list").items.is_empty());
});
