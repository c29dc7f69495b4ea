//! Seeded simulations of sweep and mirror: people, operators, jobs, webhooks and two replicas, under every fault that a
//! forge has; then the faults end, and everything must be alike. A failure prints its seed and its steps.
//!
//! What is asserted, and by when:
//! - at no moment, looked at after every single change on the forge, has a gap two open issues; nor ever two issues at all;
//! - [`CALM`] after the last fault, time for one poll, the forge and every gap whose issue is known agree: how they stand,
//!   their labels, their priorities. A limit may hold for a minute more, a poll that failed is due again within its five
//!   minutes, what it finds in doubt is settled a minute later, and what then has to be written is looked at after another;
//! - [`CALM`] and three sweeps later every gap that is to have an issue has one, and agrees with it;
//! - what a person did last on the forge holds, unless somebody did something else since. One case nobody can tell apart
//!   is left out: what a person does while the answer to a write of ours is lost, and nobody has looked since, for "it never
//!   arrived" and "it was taken back" look the same;
//! - what we say on an issue is there at most once; and once, [`LAST_WORD`] later.

mod deeds;
mod expect;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use domain::time::Span;
use futures::FutureExt as _;
use harness::github::{Access, GitHub as Fake};
use harness::{On, World};
use plane::Plane;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::given::{hourly, operator, register};
use crate::home::{Place, REPO, SECRET, US, beside, doubled, home};
use crate::pulls_sim::given;
use expect::{Over, Wanted};

/// How many things happen in one simulation while there are faults.
const STEPS: usize = 12;

/// How long the faults are over when everything must be alike: a limit, a poll, and twice the time to settle.
const CALM: Span = Span::mins(1 + 5 + 2);

/// How long a note may take longer: a lease of a plane that died, and the time to settle.
const LAST_WORD: Span = Span::mins(5 + 3);

/// The gaps that everything is about.
const GAPS: [&str; 3] = ["list-deploys", "show-rollout", "read-logs"];

/// The jobs that they block.
const JOBS: [&str; 2] = ["first", "second"];

/// One simulation.
struct Sim {
    world: World,
    place: Place,
    token: String,
    planes: Vec<Plane>,
    chance: StdRng,
    steps: Steps,
    /// What a person did last on the issue of each gap, and nobody undid.
    wanted: BTreeMap<&'static str, Wanted>,
    restarts: u64,
}

/// What happened, for whoever has to find out why.
#[derive(Debug, Clone, Default)]
struct Steps(Arc<Mutex<Vec<String>>>);

impl Steps {
    fn add(&self, step: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(step);
    }

    fn told(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }
}

impl Sim {
    async fn begin(on: On, seed: u64, steps: Steps) -> Self {
        let world = World::seeded(on, seed, |_| {}).await;
        let fake = Fake::start_at(world.moment()).await;
        fake.repo_with(REPO, |setup| setup.empty = true);
        fake.hook("http://127.0.0.1:9", SECRET);
        fake.takes(Span(7));
        fake.behind_at_most(Span(domain::mirror::SETTLE.0 / 2));
        fake.guard(REPO, doubled);
        let token = fake.token(US, Access::Write);
        let mut sim = Self {
            world,
            place: Place::GitHub(Box::new(fake)),
            token,
            planes: Vec::new(),
            chance: StdRng::seed_from_u64(seed),
            steps,
            wanted: BTreeMap::new(),
            restarts: 0,
        };
        for _ in 0..2 {
            let plane = sim.plane();
            sim.planes.push(plane);
        }
        let plane = &sim.planes[0];
        plane.raise_level(&operator(), Some("this is about what is done there")).await.expect("propose");
        for job in JOBS {
            register(plane, hourly(job)).await;
        }
        sim
    }

    /// Another process over the same store, which remembers nothing else.
    fn plane(&mut self) -> Plane {
        self.restarts += 1;
        let home = home(&self.world, &self.place, &self.token, REPO);
        let seed = (self.chance.random::<u64>() << 8) + self.restarts;
        beside(&self.world, seed, |settings| settings.home = Some(home))
    }

    fn fake(&self) -> &Fake {
        match &self.place {
            Place::GitHub(fake) => fake,
            Place::Local(_) => unreachable!("it is a GitHub"),
        }
    }

    async fn run(&mut self) {
        for _ in 0..STEPS {
            Box::pin(self.step()).await;
        }
        self.steps.add("the faults are over".to_owned());
        self.fake().well();
        self.fake().forget_all();
        for at in 0..self.planes.len() {
            self.planes[at] = self.plane();
        }
        // One poll is enough for what has an issue; what has none gets it by a sweep.
        self.calm(CALM, &[]).await;
        self.check_agreement(Over::Known).await;
        self.calm(CALM, &[2, 4, 6]).await;
        self.check_agreement(Over::All).await;
        self.check_people().await;
        self.calm(LAST_WORD, &[]).await;
        self.check_words().await;
        assert_eq!(self.fake().broken(), Vec::<String>::new());
    }

    /// Nothing goes wrong for a while: a tick every minute, now of one plane, now of the other.
    async fn calm(&mut self, span: Span, sweeps: &[i64]) {
        const MINUTE: Span = Span::mins(1);
        for minute in 1..=span.0 / MINUTE.0 {
            self.world.hand.advance(MINUTE);
            let plane = &self.planes[usize::try_from(minute % 2).expect("a place")];
            if sweeps.contains(&minute) {
                // It says no while the forge wants to be left alone.
                drop(plane.sweep().await);
            }
            plane.tend_mirror().await.expect("a tick");
        }
    }
}

/// Runs one simulation; gives what went wrong, with its steps.
async fn simulate(on: On, seed: u64) -> Result<(), String> {
    let steps = Steps::default();
    let told = steps.clone();
    let ran = AssertUnwindSafe(async {
        let mut sim = Sim::begin(on, seed, steps).await;
        Box::pin(sim.run()).await;
        sim.world.check().await;
        let Sim { world, place, planes, .. } = sim;
        drop((place, planes));
        world.discard().await;
    });
    let panic = match Box::pin(ran.catch_unwind()).await {
        Ok(()) => return Ok(()),
        Err(panic) => panic,
    };
    let why = panic.downcast_ref::<String>().cloned();
    let why = why.or_else(|| panic.downcast_ref::<&str>().map(|&why| why.to_owned()));
    Err(format!("seed {seed} on {on:?}: {}\n{}", why.unwrap_or_default(), told.told()))
}

/// The first so many of the seeds; all of them where `GAPWRIGHT_SIM_ALL` is set, and one where `GAPWRIGHT_SIM` names it.
async fn all_hold(on: On, seeds: std::ops::Range<u64>, short: u64) {
    let only = given("GAPWRIGHT_SIM");
    let all = given("GAPWRIGHT_SIM_ALL").is_some() || only.is_some();
    let end = if all { seeds.end } else { seeds.end.min(seeds.start + short) };
    let mut broken = Vec::new();
    for seed in (seeds.start..end).filter(|seed| only.is_none_or(|only| only == *seed)) {
        if let Err(why) = simulate(on, seed).await {
            broken.push(why);
        }
    }
    assert!(broken.is_empty(), "{} do not hold:\n{}", broken.len(), broken.join("\n\n"));
}

macro_rules! simulations {
    ($($name:ident: $on:ident $seeds:expr, $short:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            all_hold(On::$on, $seeds, $short).await;
        })*
    };
}

mod one_open_issue_per_gap_and_all_alike_after_the_faults {
    use super::{On, all_hold};

    simulations! {
        first: Memory 0..250, 40;
        second: Memory 250..500, 40;
        third: Memory 500..750, 40;
        fourth: Memory 750..1_000, 40;
        postgres: Postgres 1_000..1_020, 6;
    }
}
