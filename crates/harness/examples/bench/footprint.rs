//! What a server needs before anybody asks it much: memory with ten thousand jobs registered, and time to be ready.

use harness::On;
use harness::served::Program;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::figures::{Spread, Table};
use crate::ground::{self, Ground};
use crate::machine::{self, quiet};
use crate::{ENGINES, Plan, Report, name, progress};

const AGENTS: usize = 8;

pub(crate) async fn ask(plan: &Plan, report: &mut Report) {
    let (starts, jobs) = if plan.quick { (3, 1_000) } else { (10, 10_000) };
    let mut table = Table::new(&[
        "engine",
        "ready on a fresh database, ms",
        "ready on an existing one, ms",
        "MiB when ready",
        &format!("MiB after {jobs} registrations over MCP"),
        "registrations/s, 8 agents",
    ]);
    for on in ENGINES {
        let ground = Ground::new(on, &plan.home, 0).await;
        let fresh = fresh(plan, on, starts).await;
        let program = ground.program(&plan.binary);
        let existing = existing(plan, &program, starts).await;
        let (ready, loaded, rate) = registered(plan, &ground, jobs).await;
        table.row(&[
            name(on).to_owned(),
            fresh.show(0),
            existing.show(0),
            format!("{ready:.0}"),
            format!("{loaded:.0}"),
            format!("{rate:.0}"),
        ]);
        let slowest = fresh.median.max(existing.median);
        report.target(
            &format!("cold start on {}", name(on)),
            "<= 1000 ms",
            &format!("{slowest:.0} ms"),
            slowest <= 1_000.0,
        );
        ground.discard().await;
    }
    let about = format!("From the start of the process to its line `ready at`, {starts} times each.");
    report.section("Cold start and memory", &format!("{about}\n\n{}", table.text()));
}

async fn fresh(plan: &Plan, on: On, starts: usize) -> Spread {
    let mut took = Vec::new();
    for _ in 0..starts {
        let folder = tempfile::tempdir_in(&plan.home).expect("a folder");
        let database = if on == On::Postgres { Some(harness::postgres::empty_database().await) } else { None };
        let url = database.as_ref().map_or_else(|| "sqlite:gapwright.db".to_owned(), |database| database.url.clone());
        let program = Program::new(&plan.binary, folder.path(), &url);
        quiet().await;
        took.push(start(plan, &program).await);
        if let Some(database) = database {
            database.discard().await;
        }
    }
    Spread::of(took)
}

async fn existing(plan: &Plan, program: &Program, starts: usize) -> Spread {
    // The first start makes its first token, as a server does once in its life.
    start(plan, program).await;
    let mut took = Vec::new();
    for _ in 0..starts {
        quiet().await;
        took.push(start(plan, program).await);
    }
    Spread::of(took)
}

/// Milliseconds until it was ready.
async fn start(plan: &Plan, program: &Program) -> f64 {
    let began = Instant::now();
    let served = plan.start(program).await;
    let took = began.elapsed().as_secs_f64() * 1_000.0;
    served.kill().await;
    took
}

/// Memory when ready and with so many jobs registered, in MiB, and registrations per second.
async fn registered(plan: &Plan, ground: &Ground, jobs: usize) -> (f64, f64, f64) {
    let tokens = ground.tokens("registrar", AGENTS).await;
    let served = plan.serve(ground).await;
    let ready = machine::memory(served.id()).0;
    let wires = ground::connect(&served, &tokens).await;
    let began = Instant::now();
    let mut registrars = JoinSet::new();
    for (registrar, mut wire) in wires.into_iter().enumerate() {
        registrars.spawn(async move {
            for number in 0..jobs / AGENTS {
                let name = format!("job-{registrar}-{number}");
                let job = json!({"name": name, "kind": "bench", "interval_secs": 3_600, "payload": {"number": number}});
                wire.call("register-routine-job", job).await;
            }
        });
    }
    registrars.join_all().await;
    let rate = jobs as f64 / began.elapsed().as_secs_f64();
    let loaded = machine::memory(served.id()).0;
    progress(&format!("{jobs} registered, {rate:.0}/s, {loaded:.0} MiB"));
    served.kill().await;
    (ready, loaded, rate)
}
