//! How many cycles of claim and completion there are in a second, and how long one takes: through the server, through
//! the plane without a server, and through the engine alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use harness::On;
use harness::served::Served;
use plane::Plane;

use crate::figures::{Spread, Table};
use crate::ground::{self, Ground};
use crate::load::{self, Round, Window};
use crate::workers::{Agent, Bare, Inside, Way};
use crate::{ENGINES, Plan, Report, machine, name, pgbench, progress};

const AGENTS: [usize; 3] = [1, 8, 64];

/// Connections to Postgres of one server, as `store/engine.rs` has them.
const POOL: usize = 12;

/// Jobs in each table.
const JOBS: i64 = 10_000;

/// By whom the same is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    /// The server, over HTTP.
    Server,
    /// The plane, in the load's own process.
    Plane,
    /// The engine, with as many clients as there are agents.
    Engine,
    /// The engine, with as many clients as our pool has connections.
    Pooled,
}

/// Everything that is compared on one engine: a ground for each, so that no one's rows are in another's way.
struct Stand {
    served: Served,
    tokens: Vec<String>,
    server: Ground,
    plane: Plane,
    inside: Ground,
    bare: Ground,
    scripts: BTreeMap<Way, PathBuf>,
    window: Window,
}

pub(crate) async fn ask(plan: &Plan, report: &mut Report) {
    for on in ENGINES {
        let stand = Stand::new(plan, on).await;
        let loaded = machine::memory(stand.served.id());
        let mut rounds: BTreeMap<(usize, Way, By), Vec<Round>> = BTreeMap::new();
        for number in 1..=plan.rounds() {
            for agents in AGENTS {
                for way in [Way::Two, Way::One] {
                    for by in [By::Server, By::Plane, By::Engine, By::Pooled] {
                        if by == By::Pooled && (on != On::Postgres || agents <= POOL) {
                            continue;
                        }
                        let round = load::round(plan, async || stand.round(agents, way, by).await).await;
                        progress(&format!("{} {number}: {agents} {way:?} {by:?} {:.0}/s", name(on), round.rate));
                        rounds.entry((agents, way, by)).or_default().push(round);
                    }
                }
            }
        }
        let (now, most) = machine::memory(stand.served.id());
        report.section(&format!("Cycles of claim and completion on {}", name(on)), &told(&rounds));
        targets(on, &rounds, report);
        report.target(
            &format!("memory of the server on {}", name(on)),
            "<= 150 MiB",
            &format!("{:.0} MiB with {JOBS} jobs, {now:.0} after the run, {most:.0} at most", loaded.0),
            most <= 150.0,
        );
        stand.end().await;
    }
}

impl Stand {
    async fn new(plan: &Plan, on: On) -> Self {
        let server = Ground::new(on, &plan.home, JOBS).await;
        let tokens = server.tokens("agent", AGENTS[AGENTS.len() - 1]).await;
        let inside = Ground::new(on, &plan.home, JOBS).await;
        let bare = Ground::new(on, &plan.home, JOBS).await;
        let scripts = [Way::Two, Way::One].map(|way| (way, pgbench::script(&plan.scripts, way, &bare)));
        Self {
            served: plan.serve(&server).await,
            tokens,
            plane: inside.plane(1),
            server,
            inside,
            bare,
            scripts: scripts.into(),
            window: plan.window(),
        }
    }

    async fn round(&self, agents: usize, way: Way, by: By) -> Round {
        let window = self.window;
        match (by, self.bare.on) {
            (By::Server, _) => {
                let wires = ground::connect(&self.served, &self.tokens[..agents]).await;
                let agents = wires.into_iter().map(|wire| Agent::new(wire, way, None)).collect();
                load::work(agents, self.server.watched(Some(&self.served)), window).await
            }
            (By::Plane, _) => {
                let callers = (0..agents).map(|number| Inside::new(self.plane.clone(), number, way)).collect();
                load::work(callers, self.inside.watched(None), window).await
            }
            (By::Engine, On::Postgres) => pgbench::round(&self.bare, &self.scripts[&way], agents, window).await,
            (By::Pooled, _) => pgbench::round(&self.bare, &self.scripts[&way], POOL, window).await,
            (By::Engine, On::Sqlite | On::Memory) => {
                let callers = (0..agents).map(|number| Bare::new(self.bare.store.clone(), number, way)).collect();
                load::work(callers, self.bare.watched(None), window).await
            }
        }
    }

    async fn end(self) {
        self.served.kill().await;
        for ground in [self.server, self.inside, self.bare] {
            ground.discard().await;
        }
    }
}

fn words(way: Way, by: By) -> &'static str {
    match (by, way) {
        (By::Server, Way::Two) => "**MCP, claim then complete**",
        (By::Server, Way::One) => "**MCP, complete-and-claim**",
        (By::Plane, Way::Two) => "plane in process, two commands",
        (By::Plane, Way::One) => "plane in process, one command",
        (By::Engine, Way::Two) => "engine, same SQL, two transactions",
        (By::Engine, Way::One) => "engine, same SQL, one transaction",
        (By::Pooled, Way::Two) => "engine by 12 clients, two transactions",
        (By::Pooled, Way::One) => "engine by 12 clients, one transaction",
    }
}

fn told(rounds: &BTreeMap<(usize, Way, By), Vec<Round>>) -> String {
    let mut table = Table::new(&[
        "agents",
        "by",
        "cycles/s",
        "of the engine's",
        "cycle p50 ms",
        "cycle p99 ms",
        "call p50 ms",
        "call p99 ms",
        "CPU ms per cycle: server + Postgres + load",
        "not done",
    ]);
    for ((agents, way, by), of) in rounds {
        let over = |figure: fn(&Round) -> f64| Spread::of(of.iter().map(figure));
        let engine = &rounds[&(*agents, *way, By::Engine)];
        let ratio = Spread::of(of.iter().zip(engine).map(|(ours, engine)| ours.rate / engine.rate.max(0.1)));
        let called = |figure: Spread| if *by == By::Server { figure.show(2) } else { "-".to_owned() };
        let cpu = |used: fn(&Round) -> f64| {
            format!("{:.2}", Spread::of(of.iter().map(|round| used(round) * 1_000.0 / round.cycles.max(1.0))).median)
        };
        let failed = of.iter().map(|round| round.failed).sum::<usize>();
        let why = of.iter().find(|round| !round.why.is_empty()).map_or("", |round| &round.why);
        table.row(&[
            agents.to_string(),
            words(*way, *by).to_owned(),
            over(|round| round.rate).show(0),
            if *by == By::Engine { "1".to_owned() } else { ratio.show(2) },
            over(|round| round.cycle.p50).show(2),
            over(|round| round.cycle.p99).show(2),
            called(over(|round| round.call.p50)),
            called(over(|round| round.call.p99)),
            [cpu(|round| round.used.server), cpu(|round| round.used.postgres), cpu(|round| round.used.client)]
                .join(" + "),
            format!("{failed} {}", why.chars().take(80).collect::<String>()).trim().to_owned(),
        ]);
    }
    table.text()
}

fn targets(on: On, rounds: &BTreeMap<(usize, Way, By), Vec<Round>>, report: &mut Report) {
    let of = &rounds[&(8, Way::Two, By::Server)];
    let least = if on == On::Postgres { 500.0 } else { 300.0 };
    let rate = Spread::of(of.iter().map(|round| round.rate));
    let slowest = Spread::of(of.iter().map(|round| round.cycle.p99));
    let what = |what: &str| format!("{what} at 8 agents on {}", name(on));
    report.target(&what("cycles/s"), &format!(">= {least}"), &rate.show(0), rate.median >= least);
    report.target(&what("p99 of a cycle"), "<= 25 ms", &format!("{} ms", slowest.show(1)), slowest.median <= 25.0);
}
