//! Seeded simulations of the whole pipeline: agents that work, fail, fall silent and say stale things; people who label,
//! push, review, merge and close; those who may not; operators who stop, let go on and switch off; webhooks lost, doubled, late and forged; two replicas that die between
//! any two requests; and every fault that a forge has. Then the faults end, agents work well, and everything must come to
//! rest. A failure prints its seed and its steps.
//!
//! What is asserted after every step:
//! - no approval counts that is of another commit than the head;
//! - nothing is revised more than three times since people last opened it;
//! - no budget is exceeded, of a pull request or of a day, but by what a run spent against its own, and no agent works on what
//!   twice was;
//! - no gap has two live pull requests.
//!
//! And at the end:
//! - the head that every live pull request has here is the one that it has on the forge, so that nobody's push was missed;
//! - the labels of every pull request on the forge are those that it is to show, and people's own are as they left them;
//! - no branch of ours has two open pull requests on the forge;
//! - what was to be said is there once;
//! - nothing is stuck: with agents at work, each pull request has come to where a person is to decide, or has ended.
//!
//! And over all of them together: that every kind of trouble was met, and every kind of end ([`tally`]).

mod agents;
mod deeds;
mod expect;
mod tally;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use domain::time::Span;
use forge::broker::{self, Broker};
use futures::FutureExt as _;
use harness::github::{Access, GitHub as Fake};
use harness::{On, World};
use plane::Plane;
use plane::mirror::Home;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tempfile::TempDir;

use crate::given::{ann, operator};
use crate::home::{Place, REPO, SECRET, US, beside, home};

/// How many things happen in one simulation while there are faults.
const STEPS: usize = 40;

/// How many times agents take whatever there is to take, once the faults are over: more turns than a pull request can have.
const ROUNDS: usize = 30;

/// The gaps that everything is about.
pub(crate) const GAPS: [&str; 2] = ["list-deploys", "show-rollout"];

/// One simulation.
struct Sim {
    world: World,
    place: Place,
    token: String,
    planes: Vec<Plane>,
    broker: Broker,
    /// The broker of whoever pushes by itself.
    runner: Broker,
    chance: StdRng,
    steps: Steps,
    turns: Vec<agents::Turn>,
    files: u64,
    restarts: u64,
    /// Whether people left their own label on a pull request.
    own: std::collections::BTreeMap<i64, bool>,
    tally: tally::Tally,
    _folder: TempDir,
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
    async fn begin(on: On, seed: u64, steps: Steps, tally: tally::Tally) -> Self {
        let world = World::seeded(on, seed, |_| {}).await;
        let fake = Fake::start_at(world.moment()).await;
        fake.repo(REPO);
        fake.hook("http://127.0.0.1:9", SECRET);
        fake.takes(Span(7));
        fake.grant("mallory", REPO, Access::Triage);
        let token = fake.token(US, Access::Write);
        let folder = tempfile::tempdir().expect("a folder");
        let broker = Broker::open(&folder.path().join("broker.git"), broker::Settings::default()).await;
        let runner = Broker::open(&folder.path().join("runner.git"), broker::Settings::default()).await;
        let mut sim = Self {
            world,
            place: Place::GitHub(Box::new(fake)),
            token,
            planes: Vec::new(),
            broker: broker.expect("a broker"),
            runner: runner.expect("a broker"),
            chance: StdRng::seed_from_u64(seed),
            steps,
            turns: Vec::new(),
            files: 0,
            restarts: 0,
            own: std::collections::BTreeMap::new(),
            tally,
            _folder: folder,
        };
        for _ in 0..2 {
            let plane = sim.plane();
            sim.planes.push(plane);
        }
        sim.take_up().await;
        sim
    }

    /// Gaps with issues on which people let agents act, at the level pipeline.
    async fn take_up(&mut self) {
        let plane = self.planes[0].clone();
        for _ in 0..2 {
            plane.raise_level(&operator(), Some("this is about what is done there")).await.expect("raised");
        }
        for gap in GAPS {
            let seen = domain::gap::Sighting::named("mcp-tool", gap);
            plane.report_gap(&ann(), seen).await.expect("recorded");
        }
        plane.sweep().await.expect("a sweep");
        self.world.hand.advance(Span::secs(2));
        for issue in self.fake().issues(REPO) {
            self.fake().as_person("ann", REPO).silently().label(issue.number, "claude");
        }
        self.world.hand.advance(crate::home::POLL);
        plane.tend_mirror().await.expect("a tick");
        let begun = plane.tend_pulls().await.expect("a pass");
        assert_eq!(begun, GAPS.len(), "every gap is taken up");
    }

    /// Another process over the same store, which remembers nothing else.
    fn plane(&mut self) -> Plane {
        self.restarts += 1;
        let home = Home { broker: Some(self.broker.clone()), ..home(&self.world, &self.place, &self.token, REPO) };
        let seed = (self.chance.random::<u64>() << 8) + self.restarts;
        beside(&self.world, seed, |settings| {
            settings.home = Some(home);
            settings.rules.caps = expect::caps();
        })
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
            self.check_always().await;
        }
        self.steps.add("the faults are over".to_owned());
        self.fake().well();
        self.fake().forget_all();
        for at in 0..self.planes.len() {
            self.planes[at] = self.plane();
        }
        self.let_agents_act().await;
        self.all_on().await;
        for round in 0..ROUNDS {
            self.calm().await;
            Box::pin(self.work_well(round)).await;
            self.check_always().await;
            if round > 1 && self.pulls().await.iter().all(expect::is_settled) {
                break;
            }
        }
        self.calm().await;
        self.calm().await;
        self.check_rest().await;
        self.tally.ended(&self.pulls().await);
    }

    /// Nothing goes wrong for a while.
    async fn calm(&mut self) {
        for at in [0, 1] {
            self.world.hand.advance(Span::mins(3));
            self.planes[at].tend_lines().await.expect("a pass");
            self.planes[at].tend_mirror().await.expect("a tick");
            self.planes[at].tend_decisions().await.expect("a pass");
            self.planes[at].watch_pulls().await.expect("a pass");
        }
    }
}

/// Tells whoever runs them: all of them take their time.
#[expect(clippy::print_stderr, reason = "whoever runs them wants to know")]
pub(crate) fn told(text: &str) {
    eprintln!("{text}");
}

/// Runs one simulation; gives what went wrong, with its steps.
async fn simulate(on: On, seed: u64, tally: tally::Tally) -> Result<(), String> {
    let steps = Steps::default();
    let steps_of_it = steps.clone();
    let ran = AssertUnwindSafe(async {
        let mut sim = Sim::begin(on, seed, steps, tally).await;
        Box::pin(sim.run()).await;
        sim.world.check().await;
        let Sim { world, place, planes, broker, runner, _folder, .. } = sim;
        drop((place, planes, broker, runner));
        world.discard().await;
    });
    let panic = match Box::pin(ran.catch_unwind()).await {
        Ok(()) => {
            // Whoever asks for one by its seed wants to see it.
            if given("GAPWRIGHT_SIM").is_some() {
                told(&steps_of_it.told());
            }
            return Ok(());
        }
        Err(panic) => panic,
    };
    let why = panic.downcast_ref::<String>().cloned();
    let why = why.or_else(|| panic.downcast_ref::<&str>().map(|&why| why.to_owned()));
    Err(format!("seed {seed} on {on:?}: {}\n{}", why.unwrap_or_default(), steps_of_it.told()))
}

/// A number that whoever runs it may give.
#[expect(clippy::disallowed_methods, reason = "which simulations is for whoever runs them")]
pub(crate) fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|seed| seed.parse().ok())
}

/// Every so many of the seeds; all of them where `GAPWRIGHT_SIM_ALL` is set, and one where `GAPWRIGHT_SIM` names it.
async fn all_hold(on: On, seeds: std::ops::Range<u64>, short: u64) {
    let only = given("GAPWRIGHT_SIM");
    let count = if given("GAPWRIGHT_SIM_ALL").is_some() || only.is_some() { seeds.end } else { seeds.start + short };
    let (mut broken, tally) = (Vec::new(), tally::Tally::default());
    for seed in (seeds.start..count.min(seeds.end)).filter(|seed| only.is_none_or(|only| only == *seed)) {
        if let Err(why) = simulate(on, seed, tally.clone()).await {
            told(&why);
            broken.push(why);
        }
        if (seed + 1) % 100 == 0 {
            told(&format!(
                "{} of {} simulations, {} broken",
                seed + 1 - seeds.start,
                count - seeds.start,
                broken.len()
            ));
        }
    }
    assert!(broken.is_empty(), "{} do not hold:\n{}", broken.len(), broken.join("\n\n"));
    let count = count.min(seeds.end) - seeds.start;
    if only.is_none() && count >= tally::SOME {
        tally.check(count);
    }
}

macro_rules! simulations {
    ($($name:ident: $on:ident $seeds:expr, $short:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            all_hold(On::$on, $seeds, $short).await;
        })*
    };
}

mod the_pipeline_holds_and_comes_to_rest {
    use super::{On, all_hold};

    simulations! {
        first: Memory 0..1_000, 10;
        second: Memory 1_000..2_000, 4;
        third: Postgres 2_000..2_020, 2;
    }
}

/// A few more, in which bugs on purpose are looked for.
mod a_few_hold {
    use super::{On, all_hold};

    simulations! {
        sqlite: Memory 3_000..3_004, 4;
        postgres: Postgres 3_000..3_002, 2;
    }
}
