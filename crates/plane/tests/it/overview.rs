//! What is seen at a glance: how much there is of what, how it came to be so, and what was done last.

use domain::agent::Role;
use domain::gap::{Key, Sighting};
use domain::pull::{Pull, Reviewers, State};
use domain::refusal::Code;
use domain::time::{Span, Time};
use harness::plane::START;
use harness::{World, both, call};
use plane::Call;
use plane::job::Completion;
use plane::overview::Overview;
use store::Arg::Int;
use store::figure::{Counts, Figure};

use crate::given::{ann, code, complete, due, end, hourly, named, operator, register, take, wish};

/// How wide a step of the curve is.
const STEP: Span = Span::mins(30);

async fn overview(world: &World) -> Overview {
    world.plane.show_overview(&call(Role::Viewer, "eve", "exam")).await.expect("an overview")
}

/// The steps of the curve that are known, each by how many came before the one under way.
fn known(overview: &Overview) -> Vec<(i64, Figure)> {
    let last = overview.curve[overview.curve.len() - 1].0;
    let known = overview.curve.iter().filter_map(|(at, figure)| Some((last.since(*at).0 / STEP.0, (*figure)?)));
    known.collect()
}

async fn keep(world: &World, figures: &[Figure]) {
    let mut tx = world.store().begin().await.expect("a transaction");
    for figure in figures {
        store::figure::add(&mut tx, figure).await.expect("a row");
    }
    tx.commit().await.expect("a commit");
}

fn figure(at: Time, ended: i64) -> Figure {
    Figure { at: at.0, ready: 9, ended, failed: 1, ..Figure::default() }
}

/// A job that is triggered, taken and ended so, just now.
async fn run(world: &World, status: &str) {
    world.plane.trigger_job(&ann(), "j").await.expect("triggered");
    let job = take(&world.plane, &ann(), named("j")).await;
    complete(&world.plane, &ann(), &job, status).await;
}

both!(of_nothing_there_is_nothing_and_only_the_step_under_way_is_known, async |world| {
    for minutes in [0, 10, 29, 30] {
        world.hand.set(START + Span::mins(minutes));
        let shown = overview(world).await;
        assert_eq!((shown.at, shown.counts, shown.merged), (world.hand.now(), Counts::default(), 0));
        assert_eq!((shown.oldest, shown.curve.len()), (None, 48), "a day of half hours");
        let last = START + Span::mins(minutes / 30 * 30);
        let steps: Vec<_> = (0..48).map(|n| last - Span(STEP.0 * (47 - n))).collect();
        assert_eq!(shown.curve.iter().map(|(at, _)| *at).collect::<Vec<_>>(), steps);
        assert_eq!(known(&shown), [(0, Figure { at: last.0, ..Figure::default() })]);
    }
});

both!(a_step_of_which_nobody_kept_a_figure_is_unknown_and_not_nothing, async |world| {
    let ago = |steps: i64| START - Span(STEP.0 * steps) + Span::mins(5);
    keep(world, &[figure(ago(48), 4), figure(ago(47), 3), figure(ago(9), 2), figure(ago(9) + Span::mins(1), 5)]).await;
    world.hand.set(START + Span::mins(10));
    let shown = overview(world).await;
    let drawn = |steps: i64, ended, failed| {
        let at = (START - Span(STEP.0 * steps)).0;
        (steps, Figure { at, ready: 9, ended, failed, ..Figure::default() })
    };
    let now = (0, Figure { at: START.0, ..Figure::default() });
    assert_eq!(known(&shown), [drawn(47, 3, 1), drawn(9, 7, 2), now], "what is older than a day is not drawn");
});

both!(the_step_under_way_counts_what_ended_since_its_last_figure, async |world| {
    register(&world.plane, hourly("j")).await;
    world.hand.set(START + Span::mins(2));
    keep(world, &[figure(START - Span::mins(1), 3), figure(START + Span::mins(1), 2)]).await;
    let last = async || known(&overview(world).await).pop().expect("the step under way");
    let kept = figure(START, 2);
    assert_eq!(last().await, (0, kept));
    run(world, "ok").await;
    run(world, "error: no").await;
    assert_eq!(last().await, (0, Figure { ended: 4, failed: 2, ..kept }), "two more, and one of them failed");
    world.hand.set(START + Span::mins(3));
    world.plane.tend_figures().await.expect("a pass");
    assert_eq!(last().await.1.ended, 4, "with the next figure each still counts once");
});

both!(a_step_that_just_began_shows_what_stands_and_what_is_booked_today, async |world| {
    register(&world.plane, hourly("j")).await;
    register(&world.plane, due("held")).await;
    take(&world.plane, &ann(), named("held")).await;
    world.plane.acquire_lock(&ann(), "k", "h", Span::mins(5)).await.expect("a lock");
    let before = Figure { oldest_ms: 77, ..figure(START - Span::mins(1), 3) };
    keep(world, &[before]).await;
    let mut tx = world.store().begin().await.expect("a transaction");
    let day = domain::budget::day(START);
    let booked = "INSERT INTO spend_day (day, tokens, micro_usd) VALUES ($1, 7, 8)";
    tx.run(booked, &[Int(day)]).await.expect("a row");
    tx.commit().await.expect("a commit");
    let shown = overview(world).await;
    assert_eq!((shown.counts.ready, shown.counts.held, shown.counts.locks), (1, 1, 1));
    assert_eq!(shown.oldest, Some(START), "since when the oldest is due");
    let booked = domain::budget::Amount { tokens: 7, micro_usd: 8 };
    assert_eq!(shown.booked, (booked, world.plane.settings().rules.caps.day), "what is booked, and what may be");
    let begun = Figure { at: START.0, ready: 1, held: 1, locks: 1, oldest_ms: 77, micro_usd: 8, ..Figure::default() };
    assert_eq!(known(&shown), [(1, Figure { at: (START - STEP).0, ..before }), (0, begun)]);
});

// As the chore that keeps the figures has it: what ended while nobody did is nobody's, unless that was not long.
both!(what_ended_while_nobody_kept_figures_is_not_of_the_step_under_way, async |world| {
    register(&world.plane, hourly("j")).await;
    keep(world, &[figure(START - Span::mins(1), 3)]).await;
    run(world, "ok").await;
    world.hand.set(START + Span::hours(5));
    let (_, now) = known(&overview(world).await).pop().expect("the step under way");
    assert_eq!((now.at, now.ended), ((START + Span::hours(5)).0, 0), "it ended five hours ago");
});

both!(merges_of_the_last_seven_days_are_counted, async |world| {
    let week = Span::days(7);
    let mut tx = world.store().begin().await.expect("a transaction");
    for (name, state, at) in [
        ("long ago", State::Merged, START - week - Span(1)),
        ("a week ago", State::Merged, START - week),
        ("just now", State::Merged, START),
        ("closed", State::Closed, START),
    ] {
        let gap = Key { kind: "adr".into(), name: name.into() };
        let begun = Pull::begin(name.into(), gap, 1, "ann/website".into(), Reviewers::Bots, at);
        assert!(store::pull::add(&mut tx, &Pull { state, ..begun }).await.expect("a row"));
    }
    tx.commit().await.expect("a commit");
    assert_eq!(overview(world).await.merged, 2);
    world.hand.advance(Span(1));
    assert_eq!(overview(world).await.merged, 1);
});

both!(the_counts_are_the_same_wherever_they_are_asked, async |world| {
    register(&world.plane, due("j")).await;
    let by = call(Role::Viewer, "eve", "exam");
    let counts = world.plane.counts(&by).await.expect("counts");
    assert_eq!(counts, Counts { ready: 1, ..Counts::default() });
    assert_eq!(overview(world).await.counts, counts);
});

/// The same caller in a request of its own.
fn request(by: &Call, id: &str) -> Call {
    Call { request_id: id.into(), ..by.clone() }
}

/// What was done last, each by its tool and object.
async fn done(world: &World, most: usize) -> Vec<(String, String)> {
    let rows = world.plane.list_done(&operator(), most).await.expect("a list");
    rows.into_iter().map(|row| (row.tool, row.object)).collect()
}

fn did(tool: &str, object: &str) -> (String, String) {
    (tool.to_owned(), object.to_owned())
}

both!(of_what_one_request_did_the_most_telling_is_shown, async |world| {
    let by = ann();
    world.plane.register_job(&request(&by, "1"), due("j"), plane::job::Upsert::Never).await.expect("a job");
    world.hand.advance(Span(1));
    let job = take(&world.plane, &request(&by, "2"), wish()).await;
    world.hand.advance(Span(1));
    let gap = Sighting { reason: "needed it".into(), ..Sighting::named("adr", "x") };
    let with_a_gap = Completion { gaps: vec![gap], ..end(&job, "error: no") };
    world.plane.complete_job(&request(&by, "3"), with_a_gap).await.expect("an answer").expect("not stale");
    world.hand.advance(Span(1));
    world.plane.acquire_lock(&request(&by, "4"), "k", "h", Span::mins(1)).await.expect("a lock");
    let rows = crate::given::journal(&world.plane).await;
    let of_three: Vec<_> = rows.iter().filter(|row| row.request_id == "3").map(|row| row.object.as_str()).collect();
    assert!(of_three.contains(&"job:j") && of_three.contains(&"gap:adr/x"), "{of_three:?}");
    let (gap, job) = (did("exam", "gap:adr/x"), did("exam", "job:j"));
    let expected = [did("exam", "lock:k"), gap, job.clone(), job];
    assert_eq!(done(world, 9).await, expected, "the latest first");
    assert_eq!(done(world, 2).await, expected[..2]);
    assert_eq!(done(world, 0).await, []);
});

both!(what_the_server_did_to_one_thing_again_and_again_is_shown_once, async |world| {
    for name in ["a", "b"] {
        register(&world.plane, hourly(name)).await;
        world.hand.advance(Span(1));
    }
    for _ in 0..3 {
        for name in ["a", "b"] {
            world.plane.trigger_job(&request(&ann(), name), name).await.expect("triggered");
            take(&world.plane, &request(&ann(), name), named(name)).await;
            world.hand.advance(Span(1));
        }
        world.hand.advance(Span::mins(2));
        assert_eq!(world.plane.tend_lines().await.expect("a pass"), 2, "both claims are lost");
    }
    let mut shown = done(world, 9).await;
    let mut first: Vec<_> = shown.drain(..2).collect();
    first.sort();
    assert_eq!(first, [did("expire-claim", "job:a"), did("expire-claim", "job:b")]);
    let others = [did("exam", "job:b"), did("exam", "job:a"), did("exam", "job:b")];
    assert_eq!(shown, others, "and what people asked for once for each request");
});

both!(what_was_done_is_for_operators_alone, async |world| {
    for role in Role::ALL {
        let answer = world.plane.list_done(&call(role, "somebody", "exam"), 9).await;
        if role == Role::Operator {
            assert_eq!(answer.expect("an answer"), []);
        } else {
            assert_eq!(code(answer), Code::Forbidden, "{role}");
        }
    }
});
