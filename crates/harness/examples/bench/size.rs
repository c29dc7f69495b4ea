//! Whether a cycle takes longer when there are more jobs in the table.

use harness::served::Served;

use crate::figures::{Spread, Table};
use crate::ground::{self, Ground};
use crate::load::{self, Round};
use crate::workers::{Agent, Way};
use crate::{ENGINES, Plan, Report, name, progress};

const AGENTS: usize = 8;

/// How many times as long a cycle may take as with the fewest jobs.
const GOAL: f64 = 1.5;

struct Sized {
    jobs: i64,
    ground: Ground,
    served: Served,
    tokens: Vec<String>,
    rounds: Vec<Round>,
}

pub(crate) async fn ask(plan: &Plan, report: &mut Report) {
    let sizes: [i64; 3] = if plan.quick { [1_000, 10_000, 50_000] } else { [1_000, 100_000, 1_000_000] };
    let mut table = Table::new(&["engine", "jobs", "cycle p50 ms", "of the fewest", "cycle p99 ms", "cycles/s"]);
    for on in ENGINES {
        let mut all = Vec::new();
        for jobs in sizes {
            let ground = Ground::new(on, &plan.home, jobs).await;
            progress(&format!("{}: {jobs} jobs are in the table", name(on)));
            let tokens = ground.tokens("agent", AGENTS).await;
            let served = plan.serve(&ground).await;
            all.push(Sized { jobs, ground, served, tokens, rounds: Vec::new() });
        }
        for _ in 0..plan.rounds() {
            for sized in &mut all {
                let round = load::round(plan, async || sized.round(plan).await).await;
                progress(&format!("{} with {}: p50 {:.2} ms", name(on), sized.jobs, round.cycle.p50));
                sized.rounds.push(round);
            }
        }
        let worst = told(on, &all, &mut table);
        let what = format!("p50 of a cycle with {} jobs on {}", sizes[2], name(on));
        report.target(&what, "<= 1.5 x that with 1000", &format!("{} x", worst.show(2)), worst.median <= GOAL);
        for sized in all {
            sized.served.kill().await;
            sized.ground.discard().await;
        }
    }
    report.section("Jobs in the table, 8 agents over MCP, claim then complete, half of them by kind", &table.text());
}

impl Sized {
    async fn round(&self, plan: &Plan) -> Round {
        let wires = ground::connect(&self.served, &self.tokens).await;
        let kinds = [None, Some(ground::KIND)].into_iter().cycle();
        let agents = wires.into_iter().zip(kinds).map(|(wire, kind)| Agent::new(wire, Way::Two, kind)).collect();
        load::work(agents, self.ground.watched(Some(&self.served)), plan.window()).await
    }
}

/// A row for each size; gives the ratio of the largest.
fn told(on: harness::On, all: &[Sized], table: &mut Table) -> Spread {
    let mut last = Spread::default();
    for sized in all {
        let over = |figure: fn(&Round) -> f64| Spread::of(sized.rounds.iter().map(figure));
        let pairs = sized.rounds.iter().zip(&all[0].rounds);
        last = Spread::of(pairs.map(|(more, fewest)| more.cycle.p50 / fewest.cycle.p50.max(0.001)));
        table.row(&[
            name(on).to_owned(),
            sized.jobs.to_string(),
            over(|round| round.cycle.p50).show(2),
            last.show(2),
            over(|round| round.cycle.p99).show(2),
            over(|round| round.rate).show(0),
        ]);
    }
    last
}
