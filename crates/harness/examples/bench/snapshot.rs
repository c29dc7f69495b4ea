//! What somebody who holds a snapshot open on Postgres costs: a dump, a report, a forgotten psql. While it is open, no
//! version of a row that it might see can be cleared away.

use std::time::Duration;

use harness::On;
use sqlx::{Connection as _, PgConnection};

use crate::figures::{Spread, Table};
use crate::ground::{self, Ground};
use crate::load::{self, Round, Window};
use crate::workers::{Agent, Way};
use crate::{Plan, Report, progress};

const AGENTS: usize = 8;

const JOBS: i64 = 10_000;

/// How much of the cycles per second may be lost while a snapshot is open.
const GOAL: f64 = 0.9;

/// Cycles per second in the first and the last stretch of one round.
#[derive(Debug, Clone, Copy)]
struct Ends {
    first: f64,
    last: f64,
    whole: f64,
    p99: f64,
}

pub(crate) async fn ask(plan: &Plan, report: &mut Report) {
    let (whole, stretch) = if plan.quick { (5, 1) } else { (60, 5) };
    let mut held = Vec::new();
    let mut free = Vec::new();
    for _ in 0..plan.rounds() {
        for open in [false, true] {
            let round = load::round(plan, async || measure(plan, open, Duration::from_secs(whole)).await).await;
            let ends = ends(&round, whole, stretch);
            progress(&format!("snapshot {open}: {:.0}/s at first, {:.0}/s at last", ends.first, ends.last));
            if open { held.push(ends) } else { free.push(ends) }
        }
    }
    let mut table = Table::new(&[
        "",
        &format!("cycles/s, first {stretch} s"),
        &format!("cycles/s, last {stretch} s"),
        "last of first",
        "over all",
        "cycle p99 ms",
    ]);
    for (word, of) in [("without", &free), ("with a snapshot open", &held)] {
        let over = |figure: fn(&Ends) -> f64| Spread::of(of.iter().map(figure));
        table.row(&[
            word.to_owned(),
            over(|ends| ends.first).show(0),
            over(|ends| ends.last).show(0),
            over(|ends| ends.last / ends.first.max(0.1)).show(2),
            over(|ends| ends.whole).show(0),
            over(|ends| ends.p99).show(1),
        ]);
    }
    let ratio = Spread::of(held.iter().zip(&free).map(|(held, free)| held.last / free.last.max(0.1)));
    let about = format!("Last {stretch} s with a snapshot, of those without: {}.", ratio.show(2));
    report.section(
        &format!("A snapshot held open on Postgres for {whole} s, 8 agents over MCP"),
        &format!("{}\n{about}\n", table.text()),
    );
    report.target(
        "cycles/s at the end of a snapshot",
        ">= 0.9 x without",
        &format!("{} x", ratio.show(2)),
        ratio.median >= GOAL,
    );
}

async fn measure(plan: &Plan, open: bool, measured: Duration) -> Round {
    let ground = Ground::new(On::Postgres, &plan.home, JOBS).await;
    let tokens = ground.tokens("agent", AGENTS).await;
    let served = plan.serve(&ground).await;
    let wires = ground::connect(&served, &tokens).await;
    let agents = wires.into_iter().map(|wire| Agent::new(wire, Way::Two, None)).collect();
    let snapshot = if open { Some(snapshot(&ground.url).await) } else { None };
    let window = Window { warm: plan.window().warm, measured };
    let round = load::work(agents, ground.watched(Some(&served)), window).await;
    if let Some(snapshot) = snapshot {
        snapshot.close().await.expect("the end of the snapshot");
    }
    served.kill().await;
    ground.discard().await;
    round
}

async fn snapshot(url: &str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.expect("a connection");
    for order in ["BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT COUNT(*) FROM job"] {
        sqlx::query(order).execute(&mut connection).await.expect("a snapshot");
    }
    connection
}

fn ends(round: &Round, whole: u64, stretch: u64) -> Ends {
    let within = |from: u64, to: u64| {
        let stretch = Duration::from_secs(from)..Duration::from_secs(to);
        round.ends.iter().filter(|end| stretch.contains(*end)).count() as f64 / (to - from) as f64
    };
    Ends { first: within(0, stretch), last: within(whole - stretch, whole), whole: round.rate, p99: round.cycle.p99 }
}
