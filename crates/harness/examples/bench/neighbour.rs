//! What a principal that asks for far more than its share costs one that asks for little.
//!
//! The noisy one is an open loop: each of its connections keeps to a timetable and does not wait for the server's mood.

use std::time::Duration;

use harness::{On, Process};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::figures::{Quantiles, Spread, Table};
use crate::ground::Ground;
use crate::load::{Turn, micros};
use crate::machine::quiet;
use crate::workers::{Agent, Way};
use crate::{ENGINES, Plan, Report, name, progress};

/// How long after its last call the quiet one makes its next: 20 in a second.
const QUIET_EVERY: Duration = Duration::from_millis(50);

/// More than a principal may have under way and waiting together (2 and 128), so that it meets its limit.
const CONNECTIONS: u32 = 400;

/// Together a hundred times as many calls as the quiet one.
const NOISY_EVERY: Duration = Duration::from_millis(50 * CONNECTIONS as u64 / 100);

/// How many times as long the quiet one's slow calls may take beside the noisy one.
const GOAL: f64 = 2.0;

/// What became of one principal's calls.
#[derive(Debug, Default)]
struct Heard {
    calls: Vec<u32>,
    refused: usize,
}

#[derive(Debug, Default)]
struct Phases {
    alone: Vec<Quantiles>,
    beside: Vec<Quantiles>,
    answered: Vec<f64>,
    refused: Vec<f64>,
}

pub(crate) async fn ask(plan: &Plan, report: &mut Report) {
    let mut table =
        Table::new(&["engine", "", "quiet p50 ms", "quiet p99 ms", "noisy calls/s answered", "noisy calls/s refused"]);
    let took = Duration::from_secs(if plan.quick { 2 } else { 15 });
    for on in ENGINES {
        let phases = measure(plan, on, took).await;
        let over = |of: &[Quantiles], figure: fn(&Quantiles) -> f64| Spread::of(of.iter().map(figure));
        let row = |word: &str, of: &[Quantiles]| {
            vec![name(on).to_owned(), word.to_owned(), over(of, |one| one.p50).show(2), over(of, |one| one.p99).show(2)]
        };
        let mut alone = row("alone", &phases.alone);
        alone.extend(["-".to_owned(), "-".to_owned()]);
        table.row(&alone);
        let mut beside = row("beside the noisy one", &phases.beside);
        beside.extend([Spread::of(phases.answered).show(0), Spread::of(phases.refused).show(0)]);
        table.row(&beside);
        let ratio = Spread::of(phases.beside.iter().zip(&phases.alone).map(|(beside, alone)| beside.p99 / alone.p99));
        let (what, found) =
            (format!("quiet p99 beside a noisy neighbour on {}", name(on)), format!("{} x", ratio.show(1)));
        report.target(&what, "<= 2 x alone", &found, ratio.median <= GOAL);
    }
    report.section("A noisy neighbour: 20 calls/s of one principal beside 2000 of another", &table.text());
}

async fn measure(plan: &Plan, on: On, took: Duration) -> Phases {
    let ground = Ground::new(on, &plan.home, 0).await;
    ground.add("quiet", 1_000).await;
    ground.add("noisy", 10_000).await;
    ground.settle().await;
    let token = ground.tokens("quiet", 1).await;
    let noisy_token = ground.tokens("noisy", 1).await;
    let served = plan.serve(&ground).await;
    let mut phases = Phases::default();
    // A process of its own, so that the noisy one's load does not stand in the quiet one's way before the server does.
    let process = Process::start();
    for _ in 0..plan.rounds() {
        for noise in [false, true] {
            quiet().await;
            let until = Instant::now() + took;
            let noisy = if noise { Some(make_noise(&served.url, &noisy_token[0], until)) } else { None };
            let (url, token) = (served.url.clone(), token[0].clone());
            let heard =
                process.run(async move { pace(&url, &token, "quiet", QUIET_EVERY, QUIET_EVERY, until).await }).await;
            let quantiles = Quantiles::of(heard.calls);
            progress(&format!("{} noise {noise}: p99 {:.2} ms", name(on), quantiles.p99));
            let Some(noisy) = noisy else {
                phases.alone.push(quantiles);
                continue;
            };
            phases.beside.push(quantiles);
            let all = noisy.join_all().await;
            let (answered, refused) = (
                all.iter().map(|one| one.calls.len()).sum::<usize>(),
                all.iter().map(|one| one.refused).sum::<usize>(),
            );
            phases.answered.push((answered - refused) as f64 / took.as_secs_f64());
            phases.refused.push(refused as f64 / took.as_secs_f64());
        }
    }
    served.kill().await;
    ground.discard().await;
    phases
}

fn make_noise(url: &str, token: &str, until: Instant) -> JoinSet<Heard> {
    let mut noisy = JoinSet::new();
    for number in 1..=CONNECTIONS {
        let (url, token) = (url.to_owned(), token.to_owned());
        let first = NOISY_EVERY * number / CONNECTIONS;
        noisy.spawn(async move { pace(&url, &token, "noisy", first, NOISY_EVERY, until).await });
    }
    noisy
}

/// Claims and completes by turns, a call at each tick. A call that had to wait for the one before it counts from its
/// tick on.
async fn pace(url: &str, token: &str, kind: &'static str, first: Duration, every: Duration, until: Instant) -> Heard {
    let wire = crate::wire::Wire::connect(url, token).await;
    let mut agent = Agent::new(wire, Way::Two, Some(kind));
    let mut ticks = interval_at(Instant::now() + first, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut heard = Heard::default();
    let mut free = Instant::now();
    loop {
        let tick = ticks.tick().await;
        if tick >= until || Instant::now() >= until {
            return heard;
        }
        let began = if free > tick { tick } else { Instant::now() };
        let mut calls = Vec::new();
        let went = if agent.holds() { agent.complete(&mut calls).await } else { agent.claim(&mut calls).await };
        free = Instant::now();
        heard.calls.push(micros(free - began));
        heard.refused += usize::from(matches!(went, Err(Turn::Failed(_))));
    }
}
