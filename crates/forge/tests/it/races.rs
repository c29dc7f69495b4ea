//! A merge of an approved head against a push onto it, at a moment that a seed chooses: what is merged is what was approved,
//! or nothing is.
//!
//! `GAPWRIGHT_SIM_ALL=1` runs a thousand races on each home, and not only the first ones.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use forge::{Fault, Merged, Method, PullState};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::broker::scene::Scene;
use crate::exam::workshop::Workshop;

/// How many races there are, and how many of them are run each time.
const RACES: usize = 1_000;
const SHORT: usize = 60;

/// How often a push is tried whose ref somebody else holds just then.
const PUSHES_MAX: usize = 5;

/// How many races one home sees.
const BATCH: usize = 100;

/// By how many runs of a program the faster side is held up more the next time, so that each is faster at times, however
/// busy the machine.
const STEP: i64 = 4;

/// By how many runs of a program a seed holds up either side besides.
const JITTER: i64 = 6;

/// One race in so many begins when the push is over.
const LATE: usize = 8;

/// What came of a race.
struct Outcome {
    number: i64,
    method: Method,
    /// The approved head, and the one that was pushed onto it.
    head: String,
    next: String,
    /// Whether the push was over before the merge was asked for.
    moved_first: bool,
    /// Whether that was meant so.
    after: bool,
    merged: Result<Merged, Fault>,
}

#[expect(clippy::disallowed_methods, reason = "how many of the races are run is set outside")]
fn races() -> usize {
    if std::env::var_os("GAPWRIGHT_SIM_ALL").is_some() { RACES } else { SHORT }
}

/// Two commits for each race, one upon the other; the first ones are branches of the home.
async fn laid_out(scene: &Scene, first: usize, count: usize) -> Vec<(String, String)> {
    let lay = move |workshop: &Workshop| {
        let main = workshop.git(&["rev-parse", "origin/main"]);
        let mut script = String::new();
        for race in first..first + count {
            for (name, from) in [("race", main.clone()), ("next", format!("refs/heads/race/{race}"))] {
                write!(
                    script,
                    "commit refs/heads/{name}/{race}\ncommitter ann <ann@example.com> 1700000000 +0000\n\
                     data {}\n{name}\nfrom {from}\nM 100644 inline {race}.txt\ndata {}\n{name}\n",
                    name.len(),
                    name.len() + 1
                )
                .expect("a text takes more");
            }
        }
        workshop.git_with(&["fast-import", "--quiet", "--force"], &script);
        workshop.git(&["push", "--quiet", "origin", "refs/heads/race/*:refs/heads/race/*"]);
        let tips = |name: &str| {
            let names: Vec<_> = (first..first + count).map(|race| format!("refs/heads/{name}/{race}")).collect();
            let args: Vec<_> = ["rev-parse"].into_iter().chain(names.iter().map(String::as_str)).collect();
            workshop.git(&args).lines().map(str::to_owned).collect::<Vec<_>>()
        };
        tips("race").into_iter().zip(tips("next")).collect()
    };
    scene.work(lay).await
}

/// Works so often on something else.
fn dawdle(workshop: &Workshop, times: usize) {
    for _ in 0..times {
        workshop.git(&["version"]);
    }
}

async fn race(scene: &Scene, seed: usize, (head, next): (String, String), lead: i64) -> Outcome {
    let mut chance = StdRng::seed_from_u64(u64::try_from(seed).expect("a seed"));
    let method = [Method::Merge, Method::Squash, Method::Rebase][chance.random_range(0..3)];
    let lead = lead + chance.random_range(-JITTER..=JITTER);
    let late = |runs: i64| usize::try_from(runs).unwrap_or(0);
    let (late_merge, late_push) = (late(lead), late(-lead));
    let after = chance.random_range(0..LATE) == 0;
    let number = scene.open(&format!("race/{seed}")).await;
    let moved = Arc::new(AtomicBool::new(false));
    let (over, ended) = tokio::sync::oneshot::channel();
    let push = {
        let (moved, next) = (Arc::clone(&moved), next.clone());
        scene.work(move |workshop| {
            dawdle(workshop, late_push);
            let to = format!("refs/heads/race/{seed}");
            let done = (0..PUSHES_MAX).any(|_| workshop.may_push(&next, &to));
            moved.store(true, Ordering::SeqCst);
            assert!(done, "the push onto {to} was refused");
            // Nobody may wait for it.
            let _ = over.send(());
        })
    };
    let merge = async {
        if after {
            ended.await.expect("the push ends");
        } else {
            scene.work(move |workshop| dawdle(workshop, late_merge)).await;
        }
        let moved_first = moved.load(Ordering::SeqCst);
        (moved_first, scene.forge.merge(number, &head, method, "A race").await)
    };
    let ((), (moved_first, merged)) = tokio::join!(push, merge);
    Outcome { number, method, head, next, moved_first, after, merged }
}

/// What is wrong with an outcome; nothing when nothing is.
async fn wrong(scene: &Scene, seed: usize, outcome: &Outcome, on_main: &HashSet<String>) -> Option<String> {
    let Outcome { number, method, head, next, moved_first, merged, .. } = outcome;
    let pull = scene.forge.pull(*number).await.expect("the pull request");
    let there = on_main.contains(&format!("{seed}.txt"));
    let merge = match merged {
        Ok(_) if *moved_first => return Some("it was merged though the head had moved".to_owned()),
        Ok(Merged { commit }) => commit,
        Err(Fault::Stale { .. }) if there || pull.state != PullState::Open => {
            return Some(format!("it was refused and merged: {:?}", pull.state));
        }
        Err(Fault::Stale { .. }) if pull.head.commit != *next => return Some("nothing had moved".to_owned()),
        Err(Fault::Stale { .. }) => return None,
        Err(fault) => return Some(format!("it is not told as stale: {fault:?}")),
    };
    if pull.state != (PullState::Merged { commit: Some(merge.clone()) }) || pull.head.commit != *head {
        return Some(format!("it is told as {:?} of {}", pull.state, pull.head.commit));
    }
    let (merge, head, method) = (merge.clone(), head.clone(), *method);
    let look = move |workshop: &Workshop| {
        let parents = workshop.git(&["log", "-1", "--format=%P", &merge]);
        let (first, second) = parents.split_once(' ').unwrap_or((&parents, ""));
        if (method == Method::Merge) != (second == head) || (method != Method::Merge && !second.is_empty()) {
            return Some(format!("its parents are {parents}"));
        }
        let approved = workshop.git(&["merge-tree", "--write-tree", first, &head]);
        let tree = workshop.git(&["rev-parse", &format!("{merge}^{{tree}}")]);
        (tree != approved).then(|| format!("its tree is {tree}, and {approved} was approved"))
    };
    scene.work(look).await
}

/// What came of all races so far.
#[derive(Default)]
struct Tally {
    races: usize,
    merged: usize,
    /// Refused, though the merge was asked for before the push was over.
    refused: usize,
    /// The push was over before the merge was asked for.
    late: usize,
    lead: i64,
    wrong: Vec<String>,
}

impl Tally {
    /// Runs so many races on a home, from a seed on.
    async fn run(&mut self, scene: &Scene, first: usize, count: usize) {
        let mut outcomes = Vec::new();
        for (seed, commits) in (first..).zip(laid_out(scene, first, count).await) {
            let outcome = race(scene, seed, commits, self.lead).await;
            match (&outcome.merged, outcome.moved_first) {
                (Ok(_), _) => (self.merged, self.lead) = (self.merged + 1, self.lead + STEP),
                // Where it was not meant so, the merge is held up too long.
                (Err(_), true) => {
                    (self.late, self.lead) = (self.late + 1, self.lead - i64::from(!outcome.after) * STEP);
                }
                (Err(_), false) => (self.refused, self.lead) = (self.refused + 1, self.lead - STEP),
            }
            outcomes.push((seed, outcome));
        }
        self.races += count;
        let on_main = scene.git(&["ls-tree", "--name-only", "origin/main"]).await;
        let on_main: HashSet<_> = on_main.lines().map(str::to_owned).collect();
        for (seed, outcome) in outcomes {
            let wrong = wrong(scene, seed, &outcome, &on_main).await;
            self.wrong.extend(wrong.map(|wrong| format!("{seed}, {:?}: {wrong}", outcome.method)));
        }
    }

    /// Nothing was merged that was not approved, and each side was faster at times.
    fn check(&self, on: &str) {
        let Self { races, merged, refused, late, wrong, .. } = self;
        let told = format!("{races} races on {on}: {merged} merged, {refused} refused, {late} begun after the push");
        if *races == RACES {
            // Past whoever keeps what tests say: it takes minutes, and somebody waits for it.
            drop(std::io::Write::write_all(&mut std::io::stderr(), format!("{told}\n").as_bytes()));
        }
        assert!(wrong.is_empty(), "{told}; wrong are\n{}", wrong.join("\n"));
        assert!(*merged > 0 && *refused > 0 && *late > 0, "one side is never faster: {told}");
    }
}

/// Runs every race on homes of this kind.
macro_rules! races_on {
    ($name:ident $home:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $name() {
            let (mut tally, races) = (Tally::default(), races());
            for first in (0..races).step_by(BATCH) {
                let scene = Scene::$home().await;
                tally.run(&scene, first, BATCH.min(races - first)).await;
                scene.leave().await;
            }
            tally.check(stringify!($home));
        }
    };
}

races_on!(what_is_merged_on_this_machine_is_what_was_approved_or_nothing_is local);
races_on!(what_is_merged_on_github_is_what_was_approved_or_nothing_is github);
