//! Measures a server as agents meet it, beside the bare engines, and writes what it found. It never asserts.
//!
//! `bench/run` builds the released binary, starts this, and clears up whatever happens. One file per question.

#![expect(clippy::cast_precision_loss, reason = "counts become figures, and no count here comes near 2^52")]

mod cycles;
mod figures;
mod footprint;
mod ground;
mod house;
mod load;
mod machine;
mod neighbour;
mod pages;
mod pgbench;
mod rank;
mod readers;
mod registry;
mod size;
mod snapshot;
mod story;
mod visitor;
mod wire;
mod workers;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use harness::On;
use harness::served::{Program, Served};
use tokio::signal::unix::{SignalKind, signal};

use figures::{Table, verdict};
use ground::Ground;
use load::Window;

/// What is measured, for how long, and with what.
#[derive(Debug, Clone, Default)]
struct Plan {
    binary: PathBuf,
    /// Where everything temporary goes.
    home: PathBuf,
    scripts: PathBuf,
    out: PathBuf,
    date: String,
    commit: String,
    only: Option<String>,
    quick: bool,
    /// Neither waits for a quiet machine nor measures a disturbed round again.
    hurry: bool,
}

impl Plan {
    fn read(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut plan = Self::default();
        let mut words = words.skip(1);
        while let Some(word) = words.next() {
            if word == "--quick" || word == "--hurry" {
                plan.quick |= word == "--quick";
                plan.hurry = true;
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{word} wants a value"))?;
            match word.as_str() {
                "--binary" => plan.binary = value.into(),
                "--home" => plan.home = value.into(),
                "--scripts" => plan.scripts = value.into(),
                "--out" => plan.out = value.into(),
                "--date" => plan.date = value,
                "--commit" => plan.commit = value,
                "--only" => plan.only = Some(value),
                _ => return Err(format!("{word} is not known; start this with bench/run")),
            }
        }
        Ok(plan)
    }

    fn wants(&self, question: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.split(',').any(|one| one == question))
    }

    /// How many rounds a median is taken of.
    fn rounds(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    /// How often a round is measured until nobody disturbs it.
    fn attempts(&self) -> usize {
        if self.hurry { 1 } else { 3 }
    }

    /// How long one round is.
    fn window(&self) -> Window {
        let (warm, measured) = if self.quick { (200, 600) } else { (1_000, 4_000) };
        Window { warm: Duration::from_millis(warm), measured: Duration::from_millis(measured) }
    }

    /// Starts the released binary over a ground, and notes what is to be ended.
    async fn serve(&self, ground: &Ground) -> Served {
        self.start(&ground.program(&self.binary)).await
    }

    async fn start(&self, program: &Program) -> Served {
        let served = program.serve().await;
        let started = std::fs::OpenOptions::new().create(true).append(true).open(self.home.join("started"));
        started.and_then(|mut started| writeln!(started, "{}", served.id())).expect("noted");
        served
    }
}

/// What was found: a section per question, and the targets beside the figures.
struct Report {
    sections: Vec<String>,
    targets: Table,
}

impl Report {
    fn section(&mut self, title: &str, text: &str) {
        let section = format!("## {title}\n\n{text}");
        say(&section);
        self.sections.push(section);
    }

    fn target(&mut self, what: &str, target: &str, found: &str, met: bool) {
        self.targets.row(&[what.to_owned(), target.to_owned(), found.to_owned(), verdict(met)]);
    }
}

/// The engine's name as the tables show it.
fn name(on: On) -> &'static str {
    match on {
        On::Memory | On::Sqlite => "SQLite",
        On::Postgres => "Postgres",
    }
}

/// Both engines as they are in production.
const ENGINES: [On; 2] = [On::Postgres, On::Sqlite];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let plan = match Plan::read(std::env::args()) {
        Ok(plan) => plan,
        Err(why) => {
            progress(&why);
            return ExitCode::from(2);
        }
    };
    machine::be_patient(if plan.hurry { Duration::ZERO } else { Duration::from_mins(20) });
    // Everything that runs is owned by what is measured just then, and ends with it.
    tokio::select! {
        () = measure(&plan) => ExitCode::SUCCESS,
        () = interrupted() => ExitCode::from(130),
    }
}

async fn interrupted() {
    let listen = |kind| signal(kind).expect("signals are heard");
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt()), listen(SignalKind::terminate()));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

async fn measure(plan: &Plan) {
    let targets = Table::new(&["what", "target on 2 cores", "found", "verdict"]);
    let mut report = Report { sections: Vec::new(), targets };
    let about = about(plan).await;
    if plan.wants("cycles") {
        cycles::ask(plan, &mut report).await;
    }
    if plan.wants("size") {
        size::ask(plan, &mut report).await;
    }
    if plan.wants("neighbour") {
        neighbour::ask(plan, &mut report).await;
    }
    if plan.wants("footprint") {
        footprint::ask(plan, &mut report).await;
    }
    if plan.wants("snapshot") {
        snapshot::ask(plan, &mut report).await;
    }
    if plan.wants("rank") {
        rank::ask(plan, &mut report).await;
    }
    if plan.wants("pages") {
        pages::ask(plan, &mut report).await;
    }
    let disturbed = format!("Others used {} % of the machine in these rounds.", machine::disturbances().show(1));
    let targets = format!("## Targets\n\n{}\n{disturbed}\n", report.targets.text());
    say(&targets);
    let all = format!("# What was measured\n\n{about}\n\n{targets}\n{}", report.sections.join("\n"));
    std::fs::write(&plan.out, all).expect("the results written");
    progress(&format!("written to {}", plan.out.display()));
}

/// By what, on what, when.
async fn about(plan: &Plan) -> String {
    let (sqlite, postgres) =
        (Ground::new(On::Sqlite, &plan.home, 0).await, Ground::new(On::Postgres, &plan.home, 0).await);
    let machine = machine::described(&plan.home, &[&sqlite.store, &postgres.store]).await;
    sqlite.discard().await;
    postgres.discard().await;
    let Window { warm, measured } = plan.window();
    let words =
        if plan.quick { "bench/run --quick: one short round each, so only a sign that it works" } else { "bench/run" };
    format!(
        "By `{words}` at {}, commit {}.\n{machine}. Load, server and database share the cores.\nFigures are medians of {} rounds \
         [least-most]; a round is {:.1} s after {:.1} s of warming up; rounds of what is compared take turns. A round in which \
         others used a tenth of the machine is measured again, twice at most.\nOn Postgres the sync is on; on SQLite \
         synchronous=FULL. Jobs are put into the table by the bench and are always due: their interval is 0 ms, so that a \
         completion puts them at the end of the line at once. Each has a payload of 190 bytes. Each agent has a token, a \
         principal and a connection of its own; the server runs with its defaults.",
        plan.date,
        plan.commit,
        plan.rounds(),
        measured.as_secs_f64(),
        warm.as_secs_f64(),
    )
}

/// Tells a person how far it is.
fn progress(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}
