//! The figures that small curves are drawn from: one a minute, whoever keeps it, and each run in one of them.

use domain::budget;
use domain::pull::{Pull, Reviewers, State};
use domain::time::{Span, Time};
use harness::plane::START;
use harness::{World, both};
use plane::Plane;
use store::Arg::Int;
use store::figure::Figure;

use crate::given::{ann, complete, hourly, register, take, wish};

const MINUTE: Span = Span::mins(1);

/// Every figure that is kept, oldest first.
async fn kept(world: &World) -> Vec<Figure> {
    let mut tx = world.store().read().await.expect("a look");
    store::figure::curve(&mut tx, Time(0), 1).await.expect("figures")
}

async fn tend(plane: &Plane) {
    plane.tend_figures().await.expect("a pass");
}

/// A job that is triggered, taken and ended so, just now.
async fn run(world: &World, status: &str) {
    world.plane.trigger_job(&ann(), "j").await.expect("triggered");
    let job = take(&world.plane, &ann(), wish()).await;
    complete(&world.plane, &ann(), &job, status).await;
}

/// The slots that are kept, each by how many minutes after the beginning it ended, with what ended in it.
async fn ended(world: &World) -> Vec<(i64, i64)> {
    let figures = kept(world).await.into_iter();
    figures.map(|figure| (Time(figure.at).since(START).0 / MINUTE.0, figure.ended)).collect()
}

both!(a_figure_is_kept_of_the_minute_that_ended_last_and_of_each_once, async |world| {
    register(&world.plane, hourly("j")).await;
    world.hand.set(START + Span::secs(90));
    tend(&world.plane).await;
    let first = kept(world).await;
    let oldest_ms = Span::secs(90).0;
    assert_eq!(first, [Figure { at: (START + MINUTE).0, ready: 1, oldest_ms, ..Figure::default() }]);
    take(&world.plane, &ann(), wish()).await;
    for secs in [91, 119] {
        world.hand.set(START + Span::secs(secs));
        tend(&world.plane).await;
        assert_eq!(kept(world).await, first, "the minute has its figure, whatever has come since");
    }
    world.hand.set(START + Span::mins(2));
    tend(&world.plane).await;
    let held = Figure { at: (START + Span::mins(2)).0, held: 1, ..Figure::default() };
    assert_eq!(kept(world).await, [first[0], held]);
});

both!(two_replicas_that_keep_a_figure_at_once_keep_one, async |world| {
    let replica = world.replica().await;
    for _ in 0..10 {
        world.hand.advance(MINUTE);
        let (one, other) = tokio::join!(world.plane.tend_figures(), replica.tend_figures());
        one.and(other).expect("a pass of both");
        tend(&replica).await;
    }
    assert_eq!(ended(world).await, (1..=10).map(|minute| (minute, 0)).collect::<Vec<_>>());
});

both!(each_run_is_in_the_figure_of_the_minute_in_which_it_ended, async |world| {
    register(&world.plane, hourly("j")).await;
    tend(&world.plane).await;
    for (secs, status) in [(1, "ok"), (60, "error: no"), (61, "ok"), (62, "error: no"), (180, "ok")] {
        world.hand.set(START + Span::secs(secs));
        run(world, status).await;
        tend(&world.plane).await;
    }
    world.hand.advance(MINUTE);
    tend(&world.plane).await;
    let figures = kept(world).await;
    let told: Vec<_> = figures.iter().map(|figure| (figure.ended, figure.failed)).collect();
    // The second minute has no figure of its own: nobody looked before the third had ended.
    assert_eq!(told, [(0, 0), (2, 1), (3, 1), (0, 0)]);
});

both!(what_ended_while_nobody_kept_figures_is_nobody_s_unless_that_was_not_long, async |world| {
    register(&world.plane, hourly("j")).await;
    run(world, "ok").await;
    world.hand.set(START + MINUTE);
    tend(&world.plane).await;
    assert_eq!(
        ended(world).await,
        [(1, 0)],
        "the first has only what ended in its own minute, and that began with one"
    );
    // Five minutes are not long: all that ended in them is in the next.
    world.hand.advance(Span(1));
    run(world, "ok").await;
    world.hand.set(START + Span::mins(6));
    tend(&world.plane).await;
    assert_eq!(ended(world).await, [(1, 0), (6, 1)]);
    world.hand.advance(Span(1));
    run(world, "ok").await;
    world.hand.advance(MINUTE);
    run(world, "ok").await;
    world.hand.set(START + Span::mins(12));
    tend(&world.plane).await;
    assert_eq!(ended(world).await, [(1, 0), (6, 1), (12, 1)], "what ended more than five minutes ago is left out");
});

both!(a_figure_says_what_is_locked_merged_and_booked_on_its_day, async |world| {
    world.plane.acquire_lock(&ann(), "k", "h", Span::mins(5)).await.expect("a lock");
    let gap = domain::gap::Key { kind: "adr".into(), name: "x".into() };
    let begun = Pull::begin("pull".into(), gap, 1, "ann/website".into(), Reviewers::Bots, START);
    let merged = Pull { state: State::Merged, changed_at: START + Span::secs(30), ..begun };
    let mut tx = world.store().begin().await.expect("a transaction");
    assert!(store::pull::add(&mut tx, &merged).await.expect("a row"));
    let booked = "INSERT INTO spend_day (day, tokens, micro_usd) VALUES ($1, 7, $2)";
    for (day, micro_usd) in [(budget::day(START), 8), (budget::day(START) - 1, 9)] {
        tx.run(booked, &[Int(day), Int(micro_usd)]).await.expect("a row");
    }
    tx.commit().await.expect("a commit");
    world.hand.advance(MINUTE);
    tend(&world.plane).await;
    let at = (START + MINUTE).0;
    let expected = Figure { at, locks: 1, merged: 1, micro_usd: 8, ..Figure::default() };
    assert_eq!(kept(world).await, [expected]);
});

both!(figures_are_forgotten_after_thirty_days, async |world| {
    let schedule = [("retention".to_owned(), "every 1d".to_owned())].into();
    let plane = world.replica_with(|settings| settings.schedule = schedule).await;
    plane.sync_schedule().await.expect("a schedule");
    tend(&plane).await;
    world.hand.advance(MINUTE);
    tend(&plane).await;
    world.hand.set(START + Span::days(30));
    tend(&plane).await;
    crate::scheduled::ring(&plane).await;
    let month = Span::days(30).0 / MINUTE.0;
    assert_eq!(ended(world).await, [(0, 0), (1, 0), (month, 0)], "the first is thirty days old, and not older");
    world.hand.advance(Span::days(1));
    crate::scheduled::ring(&plane).await;
    assert_eq!(ended(world).await, [(month, 0)]);
});
