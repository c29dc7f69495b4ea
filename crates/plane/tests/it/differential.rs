//! INV-13: one sequence of commands, one clock, one seed, and the same answers from every engine.
//!
//! The same walk also holds the line of jobs against a model of it: whoever claims without a name gets the first of
//! those that are listed as due.

use domain::gap::{Priority, Severity, Sighting};
use domain::job::{Job, Pointer, Register, State, Status};
use domain::lock::Shorten;
use domain::time::Span;
use harness::{On, World, invariants};
use plane::job::{Claim, Claimed, Completion, Upsert};
use plane::lock::Acquired;
use plane::page::Ask;
use plane::{Call, Plane};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use store::gap::Which;

use crate::given::{ann, bob, due};

/// What is reported.
const GAPS: [&str; 4] = ["list-deploys", "deploys-list", "show-rollout", "decide-retention"];

/// How many commands a seed is worth.
const COMMANDS: usize = 300;

/// What workers call themselves. Both share a token, so that one comes late for the claim of the other.
const HOLDERS: [&str; 2] = ["w", "x"];

#[derive(Debug, Clone)]
enum Command {
    Acquire { key: String, ttl: Span },
    Extend { lock: String, ttl: Span, shorten: Shorten },
    Release { lock: String },
    Register { job: Register, upsert: Upsert },
    Deregister { name: String },
    Claim { holder: &'static str, name: Option<String>, kind: Option<String>, ttl: Span },
    Complete { name: String, at: Pointer, ok: bool },
    CompleteAndClaim { name: String, at: Pointer },
    Renew { claim: String, ttl: Span },
    Defer { claim: String, wait: Span },
    Trigger { name: String },
    Tend,
    Gap(About),
    List { due_only: bool },
    Locks { prefix: String },
    Advance { span: Span },
}

/// A command about gaps.
#[derive(Debug, Clone)]
enum About {
    Report { gap: &'static str, job: Option<String>, on: Option<&'static str>, critical: bool },
    Say { gap: &'static str, what: usize },
    Merge { one: &'static str, into: &'static str },
    List,
}

/// What earlier answers gave out.
#[derive(Debug, Default)]
struct Known {
    locks: Vec<String>,
    claims: Vec<(String, String)>,
}

/// Draws the next command. Small sets of names and short times, so that commands meet.
fn draw(rng: &mut StdRng, known: &Known) -> Command {
    let secs = |rng: &mut StdRng, most| Span::secs(rng.random_range(1..=most));
    let name = format!("j{}", rng.random_range(0..8));
    let id = |ids: &[String], rng: &mut StdRng| ids.get(rng.random_range(0..ids.len().max(1))).cloned();
    let lock = id(&known.locks[known.locks.len().saturating_sub(4)..], rng);
    let recent = &known.claims[known.claims.len().saturating_sub(5)..];
    let claim = recent.get(rng.random_range(0..recent.len().max(1))).cloned();
    match (rng.random_range(0..100), lock, claim) {
        (0..12, _, _) => Command::Acquire { key: format!("k{}", rng.random_range(0..5)), ttl: secs(rng, 60) },
        (12..17, Some(lock), _) => {
            let shorten = if rng.random_bool(0.5) { Shorten::Never } else { Shorten::Allowed };
            Command::Extend { lock, ttl: secs(rng, 60), shorten }
        }
        (17..21, Some(lock), _) => Command::Release { lock },
        (21..33, _, _) => {
            let next_run_at = rng.random_bool(0.8).then(|| harness::plane::START + secs(rng, 900));
            let upsert = if rng.random_bool(0.2) { Upsert::Replace } else { Upsert::Never };
            // A definition that replaces another may allow fewer attempts than there were; here it allows any number,
            // so that INV-7 can be read off the rows.
            let attempts = rng.random_bool(0.3).then(|| rng.random_range(0..4));
            let max_attempts = if upsert == Upsert::Replace { Some(0) } else { attempts };
            let job = Register {
                kind: ["digest", "audit"][rng.random_range(0..2)].into(),
                interval: rng.random_bool(0.6).then(|| secs(rng, 120)),
                next_run_at,
                priority: rng.random_range(-2..3),
                max_attempts,
                ..due(&name)
            };
            Command::Register { job, upsert }
        }
        (33..36, _, _) => Command::Deregister { name },
        (36..56, _, _) => Command::Claim {
            holder: HOLDERS[rng.random_range(0..2)],
            name: rng.random_bool(0.2).then_some(name),
            kind: rng.random_bool(0.2).then(|| "audit".to_owned()),
            ttl: secs(rng, 90),
        },
        (56..68, _, Some((name, claim))) => {
            let at = if rng.random_bool(0.8) {
                Pointer::Claim(claim)
            } else {
                Pointer::Own(HOLDERS[rng.random_range(0..2)].to_owned())
            };
            Command::Complete { name, at, ok: rng.random_bool(0.7) }
        }
        (68..72, _, Some((name, claim))) => Command::CompleteAndClaim { name, at: Pointer::Claim(claim) },
        (72..75, _, Some((_, claim))) => Command::Renew { claim, ttl: secs(rng, 60) },
        (75..78, _, Some((_, claim))) => Command::Defer { claim, wait: secs(rng, 60) },
        (78..82, _, _) => Command::Trigger { name },
        (82..84, _, _) => Command::Tend,
        (92..95, _, _) => Command::Gap(About::Report {
            gap: GAPS[rng.random_range(0..4)],
            job: rng.random_bool(0.7).then_some(name),
            on: rng.random_bool(0.2).then(|| GAPS[rng.random_range(0..4)]),
            critical: rng.random_bool(0.1),
        }),
        (95, _, _) => Command::Gap(About::Say { gap: GAPS[rng.random_range(0..4)], what: rng.random_range(0..4) }),
        (96, _, _) => {
            Command::Gap(About::Merge { one: GAPS[rng.random_range(0..4)], into: GAPS[rng.random_range(0..4)] })
        }
        (97, _, _) => Command::Gap(About::List),
        (84..86, _, _) => Command::List { due_only: rng.random_bool(0.5) },
        (86..88, _, _) => Command::Locks { prefix: ["", "k", "k1"][rng.random_range(0..3)].into() },
        _ => Command::Advance { span: Span(rng.random_range(0..40_000)) },
    }
}

/// Runs a command and gives its answer as text; the first world's answers are also learnt from.
async fn run(world: &World, by: &Call, command: &Command, known: &mut Known) -> String {
    let plane = &world.plane;
    let end = |name: &str, at: &Pointer, ok: bool| Completion {
        name: name.to_owned(),
        at: at.clone(),
        status: Status::parse(if ok { "ok" } else { "error: no luck" }).expect("a status"),
        summary: None,
        gaps: Vec::new(),
    };
    let wish = |holder: &str, name: &Option<String>, kind: &Option<String>, ttl| Claim {
        holder: holder.to_owned(),
        ttl,
        kind: kind.clone(),
        name: name.clone(),
    };
    match command.clone() {
        Command::Acquire { key, ttl } => {
            let answer = plane.acquire_lock(by, &key, "h", ttl).await;
            if let Ok(Acquired::Granted(lock)) = &answer {
                known.locks.push(lock.lock_id.clone());
            }
            format!("{answer:?}")
        }
        Command::Extend { lock, ttl, shorten } => format!("{:?}", plane.extend_lock(by, &lock, ttl, shorten).await),
        Command::Release { lock } => format!("{:?}", plane.release_lock(by, &lock).await),
        Command::Register { job, upsert } => format!("{:?}", plane.register_job(by, job, upsert).await),
        Command::Deregister { name } => format!("{:?}", plane.deregister_job(by, &name).await),
        Command::Claim { holder, name, kind, ttl } => {
            let answer = plane.claim_job(by, wish(holder, &name, &kind, ttl)).await;
            learn(answer.as_ref().ok(), known);
            format!("{answer:?}")
        }
        Command::Complete { name, at, ok } => format!("{:?}", plane.complete_job(by, end(&name, &at, ok)).await),
        Command::CompleteAndClaim { name, at } => {
            let answer = plane
                .complete_and_claim(by, end(&name, &at, true), wish(HOLDERS[0], &None, &None, Span::secs(30)))
                .await;
            learn(answer.as_ref().ok().and_then(|done| done.as_ref().ok()).map(|(_, claimed)| claimed), known);
            format!("{answer:?}")
        }
        Command::Renew { claim, ttl } => format!("{:?}", plane.renew_job(by, &claim, ttl, Some("half")).await),
        Command::Defer { claim, wait } => format!("{:?}", plane.defer_job(by, &claim, wait, "quota").await),
        Command::Trigger { name } => format!("{:?}", plane.trigger_job(by, &name).await),
        Command::Tend => format!("{:?}", plane.tend_lines().await),
        Command::Gap(about) => of_gaps(plane, by, about).await,
        Command::List { due_only } => format!("{:?}", plane.list_jobs(by, due_only, None, &Ask::default()).await),
        Command::Locks { prefix } => format!("{:?}", plane.list_locks(by, Some(&prefix), &Ask::default()).await),
        Command::Advance { span } => {
            world.hand.advance(span);
            String::new()
        }
    }
}

/// Runs a command about gaps.
async fn of_gaps(plane: &Plane, by: &Call, about: About) -> String {
    match about {
        About::Report { gap, job, on, critical } => {
            let severity = if critical { Severity::Critical } else { Severity::Blocking };
            let depends_on = on.map(|on| format!("adr/{on}"));
            let seen = Sighting { job, depends_on, severity, ..Sighting::named("adr", gap) };
            format!("{:?}", plane.report_gap(by, seen).await)
        }
        About::Say { gap, what } => {
            let (by, why) = (crate::given::operator(), "a person says so");
            match what {
                0 => format!("{:?}", plane.wontfix_gap(&by, gap, why).await),
                1 => format!("{:?}", plane.reopen_gap(&by, gap, why).await),
                2 => format!("{:?}", plane.close_gap(&by, gap, why).await),
                _ => format!("{:?}", plane.prioritize_gap(&by, gap, Some(Priority::High)).await),
            }
        }
        About::Merge { one, into } => {
            format!("{:?}", plane.merge_gaps(&crate::given::operator(), one, into).await)
        }
        About::List => {
            drop(plane.tend_gaps().await);
            format!("{:?}", plane.list_gaps(by, Which::All, None, &Ask::default()).await)
        }
    }
}

fn learn(claimed: Option<&Claimed>, known: &mut Known) {
    if let Some(Claimed::Job(job)) = claimed {
        known.claims.push((job.name.clone(), crate::given::claim_id(job)));
    }
}

/// The name of the job that a claim of this kind must get, by the list of what is due.
async fn first_in_line(plane: &Plane, kind: Option<&str>) -> Option<String> {
    let listed = plane.list_jobs(&ann(), true, kind, &Ask::default()).await.expect("a list").items;
    let due = |job: &Job| match &job.state {
        State::Held(claim) => job.next_run_at.unwrap_or(claim.expires_at),
        State::Idle | State::Waiting | State::Ready | State::Dead => job.next_run_at.expect("a due time"),
    };
    // One whose attempts are used up gives up when it is met, unless somebody asked for another run meanwhile.
    let gives_up = |job: &Job| job.max_attempts > 0 && job.attempts >= job.max_attempts && job.triggered_at.is_none();
    let line = listed.into_iter().map(|listed| listed.job).filter(|job| !gives_up(job));
    line.min_by_key(|job| (-job.priority, due(job), job.name.clone())).map(|job| job.name)
}

async fn walk(seed: u64) {
    let worlds = [
        World::seeded(On::Memory, seed, |_| {}).await,
        World::seeded(On::Sqlite, seed, |_| {}).await,
        World::seeded(On::Postgres, seed, |_| {}).await,
    ];
    let mut rng = StdRng::seed_from_u64(seed);
    let mut known = Known::default();
    let mut told = Vec::new();
    for step in 0..COMMANDS {
        let command = draw(&mut rng, &known);
        let by = if rng.random_bool(0.7) { ann() } else { bob() };
        let expected = if let Command::Claim { name: None, kind, .. } = &command {
            Some(first_in_line(&worlds[0].plane, kind.as_deref()).await)
        } else {
            None
        };
        let claims = known.claims.len();
        let first = run(&worlds[0], &by, &command, &mut known).await;
        if let Some(expected) = expected {
            let got = known.claims.get(claims).map(|(name, _)| name.clone());
            assert_eq!(got, expected, "seed {seed}, step {step}: the line gave another than the list says");
        }
        told.push(format!("{step} {command:?}"));
        for world in &worlds[1..] {
            let other = run(world, &by, &command, &mut Known::default()).await;
            assert_eq!(other, first, "seed {seed}, {:?} answers otherwise after\n{}", world.on(), told.join("\n"));
        }
    }
    for world in worlds {
        world.check().await;
        let mut tx = world.store().read().await.expect("a look");
        assert_eq!(invariants::overlaps(&mut tx).await, Vec::<String>::new(), "seed {seed}");
        drop(tx);
        world.discard().await;
    }
}

/// Four tests of five seeds each, so that they run beside each other.
macro_rules! seeds {
    ($($name:ident = $seeds:expr;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            for seed in $seeds {
                walk(seed).await;
            }
        })*
    };
}

seeds! {
    inv_13_every_engine_gives_the_same_answers_to_seeds_1_to_5 = 1..=5;
    inv_13_every_engine_gives_the_same_answers_to_seeds_6_to_10 = 6..=10;
    inv_13_every_engine_gives_the_same_answers_to_seeds_11_to_15 = 11..=15;
    inv_13_every_engine_gives_the_same_answers_to_seeds_16_to_20 = 16..=20;
}
