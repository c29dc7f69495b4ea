//! Figures: what stands now, what ended in a slot, the curve of both, and counts that go no further than a page tells.

use domain::job::{Job, Outcome, Run, State};
use domain::lock::Lock;
use domain::pull;
use domain::time::{Span, Time};
use harness::plane::START;
use harness::{World, both};
use store::figure::{self, COUNTED_MAX, Figure};
use store::{Fault, Tx};

use crate::given::{add, add_pulls, held, job, look, pull, write};

const MINUTE: Span = Span::mins(1);

/// The rows of three counters in all pairings with a fourth of a fourth: 16,384, more than is counted.
const MANY: &str = " FROM fence AS a CROSS JOIN fence AS b CROSS JOIN fence AS c WHERE c.shard < 4";

/// A job that stands so since a moment.
fn due(name: &str, state: State, at: Time) -> Job {
    Job { next_run_at: Some(at), ..job(name, state) }
}

async fn lock(tx: &mut Tx, token: i64, expires_at: Time) -> Result<(), Fault> {
    let (key, lock_id) = (format!("k{token}"), format!("id{token}"));
    let (holder, principal) = ("ann".into(), "ann".into());
    let lock = Lock { key, lock_id, holder, principal, fencing_token: token, acquired_at: START, expires_at };
    store::lock::put(tx, &lock).await
}

/// A run of its own job that ended so at a moment.
async fn run(tx: &mut Tx, n: i64, outcome: Outcome, ended_at: Time) -> Result<(), Fault> {
    let run = Run {
        claim_id: format!("claim{n}"),
        job: format!("j{n}"),
        kind: "digest".into(),
        attempt: 1,
        fencing_token: n,
        principal: "ann".into(),
        holder: "worker".into(),
        claimed_at: START - Span::hours(1),
        ended_at,
        outcome,
        status: outcome.name().into(),
        summary: None,
    };
    store::run::append(tx, &run).await
}

/// Runs that ended at the bounds of the minute before now and within it, in each way.
async fn runs(world: &World) {
    let ended = [
        (Outcome::Ok, START - MINUTE),
        (Outcome::Ok, START - Span(59_999)),
        (Outcome::Error, START),
        (Outcome::Lost, START - Span::secs(30)),
        (Outcome::Deferred, START - Span::secs(30)),
        (Outcome::Error, START + Span(1)),
    ];
    write(world, async |tx| {
        for (n, (outcome, at)) in (1..).zip(ended) {
            run(tx, n, outcome, at).await?;
        }
        Ok(())
    })
    .await;
}

both!(a_measure_says_what_stands_now_and_what_ended_after_one_moment_and_by_another, async |world| {
    world.spoil();
    let none = Figure { at: START.0, ..Figure::default() };
    let measure = async || look(world, async |tx| figure::measure(tx, START - MINUTE, START).await).await;
    assert_eq!(measure().await, none, "of nothing there is nothing");
    let jobs = [
        due("oldest", State::Ready, START - Span::mins(5)),
        due("younger", State::Ready, START - Span::mins(2)),
        due("held", held("held", "ann", START + MINUTE), START - Span::hours(9)),
        due("later", State::Waiting, START + MINUTE),
        due("gave up", State::Dead, START - Span::hours(9)),
        Job { next_run_at: None, ..job("idle", State::Idle) },
    ];
    add(world, &jobs).await;
    runs(world).await;
    write(world, async |tx| {
        lock(tx, 1, START + Span(1)).await?;
        lock(tx, 2, START).await
    })
    .await;
    let merged = |id, at| pull(id, pull::State::Merged, at);
    let pulls = [
        merged("too early", START - MINUTE),
        merged("within", START - Span(59_999)),
        merged("at the end", START),
        merged("too late", START + Span(1)),
        pull("closed", pull::State::Closed, START),
    ];
    add_pulls(world, &pulls).await;
    let oldest_ms = Span::mins(5).0;
    let expected = Figure { ready: 2, held: 1, oldest_ms, locks: 1, ended: 3, failed: 2, merged: 2, ..none };
    assert_eq!(measure().await, expected);
});

both!(runs_that_ended_since_a_moment_are_told_with_those_that_were_no_success, async |world| {
    world.spoil();
    let since = async |at| look(world, async |tx| figure::ended_since(tx, at).await).await;
    assert_eq!(since(Time(0)).await, (0, 0));
    runs(world).await;
    assert_eq!(since(Time(0)).await, (5, 3), "those that were put off are left out");
    assert_eq!(since(START - MINUTE).await, (4, 3), "what ended at that moment is before it");
    assert_eq!(since(START).await, (1, 1));
    assert_eq!(since(START + Span(1)).await, (0, 0));
});

both!(runs_are_counted_no_further_than_a_page_tells, async |world| {
    world.spoil();
    let sql = "INSERT INTO run (claim_id, job, kind, attempt, fencing_token, principal, holder, claimed_at, ended_at, outcome, status)
               SELECT 'c' || CAST(a.shard * 4096 + b.shard * 64 + c.shard AS TEXT), 'j', 'k', 1, 1, 'p', 'h', 0, 1, 'ok', 'ok'";
    let many: &'static str = format!("{sql}{MANY}").leak();
    assert_eq!(write(world, async |tx| tx.run(many, &[]).await).await, 16_384);
    assert_eq!(look(world, async |tx| figure::ended_since(tx, Time(0)).await).await, (COUNTED_MAX, 0));
});

both!(the_oldest_job_that_could_be_claimed_is_found_among_what_is_due, async |world| {
    let oldest = async || look(world, async |tx| figure::oldest_ready(tx).await).await;
    assert_eq!(oldest().await, None);
    let early = START - Span::hours(9);
    let others = [
        due("held", held("held", "ann", START + MINUTE), early),
        due("gave up", State::Dead, early),
        due("later", State::Waiting, START + MINUTE),
        Job { next_run_at: None, ..job("idle", State::Idle) },
    ];
    add(world, &others).await;
    assert_eq!(oldest().await, None, "none of them could be claimed");
    add(world, &[due("b", State::Ready, START - MINUTE), due("a", State::Ready, START)]).await;
    assert_eq!(oldest().await, Some(START - MINUTE));
});

both!(the_oldest_job_is_not_looked_for_behind_two_thousand_that_cannot_be_claimed, async |world| {
    add(world, &[due("zz", State::Ready, START)]).await;
    let sql =
        "INSERT INTO job (name, kind, priority, max_attempts, created_by, created_at, state, next_run_at, attempts,
                 fencing_token, changed_at)
               SELECT 'd' || CAST(a.shard * 64 + b.shard AS TEXT), 'k', 0, 1, 'p', 0, 'dead', 1, 1, 0, 0
                 FROM fence AS a CROSS JOIN fence AS b WHERE a.shard * 64 + b.shard < 1999";
    assert_eq!(write(world, async |tx| tx.run(sql, &[]).await).await, 1_999);
    let oldest = async || look(world, async |tx| figure::oldest_ready(tx).await).await;
    assert_eq!(oldest().await, Some(START), "it is the last that is looked at");
    add(world, &[due("one more", State::Dead, Time(1))]).await;
    assert_eq!(oldest().await, None);
});

fn at(mins: i64, n: i64) -> Figure {
    Figure {
        at: (START + Span::mins(mins)).0,
        ready: n,
        held: 2 * n,
        oldest_ms: 3 * n,
        locks: 4 * n,
        ended: 5 * n,
        failed: 6 * n,
        merged: 7 * n,
        micro_usd: 8 * n,
    }
}

async fn keep(world: &World, figures: &[Figure]) {
    write(world, async |tx| {
        for figure in figures {
            figure::add(tx, figure).await?;
        }
        Ok(())
    })
    .await;
}

both!(of_two_figures_of_one_slot_the_first_stays_and_the_latest_slot_is_the_latest, async |world| {
    let latest = async || look(world, async |tx| figure::latest(tx).await).await;
    assert_eq!(latest().await, None);
    keep(world, &[at(2, 1), at(1, 9)]).await;
    assert_eq!(latest().await, Some(at(2, 1)), "whichever was kept last");
    keep(world, &[at(2, 5)]).await;
    assert_eq!(latest().await, Some(at(2, 1)), "whoever came second says nothing");
});

both!(a_curve_draws_the_most_of_what_stands_and_the_sum_of_what_ended, async |world| {
    let curve = async |since, step| look(world, async |tx| figure::curve(tx, since, step).await).await;
    assert_eq!(curve(Time(0), MINUTE.0).await, []);
    // Half hours begin at the moment itself: it is a full hour.
    keep(world, &[at(61, 7), at(0, 9), at(1, 3), at(29, 1), at(30, 2), at(31, 4)]).await;
    let drawn =
        |mins: i64, most: i64, sum: i64| Figure { ended: 5 * sum, failed: 6 * sum, merged: 7 * sum, ..at(mins, most) };
    let half = Span::mins(30).0;
    let (second, third) = (drawn(30, 4, 6), drawn(60, 7, 7));
    assert_eq!(curve(START, half).await, [drawn(0, 3, 4), second, third], "what was kept at that moment is before it");
    assert_eq!(curve(START - Span(1), half).await, [drawn(0, 9, 13), second, third]);
    assert_eq!(curve(START + Span::mins(31), half).await, [third]);
    assert_eq!(curve(START + Span::mins(61), half).await, []);
    for step in [1, 0, -5, i64::MIN] {
        let each = curve(START, step).await;
        assert_eq!(each, [at(1, 3), at(29, 1), at(30, 2), at(31, 4), at(61, 7)], "no step is less than one: {step}");
    }
});

both!(figures_are_forgotten_500_at_a_time_the_oldest_first, async |world| {
    let figures: Vec<_> = (0..504).map(|mins| at(mins, mins)).collect();
    keep(world, &figures).await;
    let then = START + Span::mins(503);
    let forget = async || write(world, async |tx| figure::forget(tx, then).await).await;
    assert_eq!(forget().await, 500);
    let left = async || look(world, async |tx| figure::curve(tx, Time(0), 1).await).await;
    assert_eq!(left().await, figures[500..]);
    assert_eq!((forget().await, forget().await), (3, 0));
    assert_eq!(left().await, figures[503..], "it is not from before that moment");
});

both!(pull_requests_that_ended_so_are_counted_from_a_moment_on, async |world| {
    let (merged, closed) = (pull::State::Merged, pull::State::Closed);
    let ended =
        async |state: pull::State, since| look(world, async |tx| figure::ended_in(tx, state.name(), since).await).await;
    assert_eq!(ended(merged, Time(0)).await, 0);
    add_pulls(
        world,
        &[
            pull("before", merged, START - Span(1)),
            pull("at", merged, START),
            pull("after", merged, START + Span(1)),
            pull("closed", closed, START),
        ],
    )
    .await;
    assert_eq!((ended(merged, START).await, ended(closed, START).await), (2, 1), "what ended at that moment counts");
    assert_eq!((ended(merged, Time(0)).await, ended(merged, START + Span(2)).await), (3, 0));
    let sql = "INSERT INTO pull (id, gap, nth, repo, reviewers, state, iteration, epoch, turn, url, labels, change, head, tokens,
                 micro_usd, excesses, why, created_at, changed_at, live, version)
               SELECT 'p' || CAST(a.shard * 4096 + b.shard * 64 + c.shard AS TEXT), 'k/n', a.shard * 4096 + b.shard * 64 + c.shard,
                 'a/b', 'bots', 'merged', 0, 0, 1, '', '[]', '', '', 0, 0, 0, '', 0, 1, 0, 1";
    let many: &'static str = format!("{sql}{MANY}").leak();
    assert_eq!(write(world, async |tx| tx.run(many, &[]).await).await, 16_384);
    assert_eq!(ended(merged, Time(0)).await, COUNTED_MAX + 1, "one more tells that there are more");
});
