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

/// How long each side may be held up at most, in runs of a program: so that now one is faster, now the other.
#[derive(Clone, Copy)]
struct Delays {
    merge: usize,
    push: usize,
}

/// What came of a race.
struct Outcome {
    number: i64,
    method: Method,
    /// The approved head, and the one that was pushed onto it.
    head: String,
    next: String,
    /// Whether the push was over before the merge was asked for.
    moved_first: bool,
    merged: Result<Merged, Fault>,
}

#[expect(clippy::disallowed_methods, reason = "how many of the races are run is set outside")]
fn races() -> usize {
    if std::env::var_os("GAPWRIGHT_SIM_ALL").is_some() { RACES } else { SHORT }
}

/// Two commits for each race, one upon the other; the first ones are branches of the home.
async fn laid_out(scene: &Scene, count: usize) -> Vec<(String, String)> {
    let lay = move |workshop: &Workshop| {
        let main = workshop.git(&["rev-parse", "origin/main"]);
        let mut script = String::new();
        for race in 0..count {
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
            let names: Vec<_> = (0..count).map(|race| format!("refs/heads/{name}/{race}")).collect();
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

async fn race(scene: &Scene, seed: usize, (head, next): (String, String), delays: Delays) -> Outcome {
    let mut chance = StdRng::seed_from_u64(u64::try_from(seed).expect("a seed"));
    let method = [Method::Merge, Method::Squash, Method::Rebase][chance.random_range(0..3)];
    let (late_merge, late_push) = (chance.random_range(0..=delays.merge), chance.random_range(0..=delays.push));
    let number = scene.open(&format!("race/{seed}")).await;
    let moved = Arc::new(AtomicBool::new(false));
    let push = {
        let (moved, next) = (Arc::clone(&moved), next.clone());
        scene.work(move |workshop| {
            dawdle(workshop, late_push);
            let to = format!("refs/heads/race/{seed}");
            let done = (0..PUSHES_MAX).any(|_| workshop.may_push(&next, &to));
            moved.store(true, Ordering::SeqCst);
            assert!(done, "the push onto {to} was refused");
        })
    };
    let merge = async {
        scene.work(move |workshop| dawdle(workshop, late_merge)).await;
        let moved_first = moved.load(Ordering::SeqCst);
        (moved_first, scene.forge.merge(number, &head, method, "A race").await)
    };
    let ((), (moved_first, merged)) = tokio::join!(push, merge);
    Outcome { number, method, head, next, moved_first, merged }
}

/// What is wrong with an outcome; nothing when nothing is.
async fn wrong(scene: &Scene, seed: usize, outcome: &Outcome, on_main: &HashSet<String>) -> Option<String> {
    let Outcome { number, method, head, next, moved_first, merged } = outcome;
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

/// Runs the races; nothing is merged that was not approved, and each side is faster at times.
async fn run(scene: &Scene, delays: Delays) {
    let mut outcomes = Vec::new();
    for (seed, commits) in laid_out(scene, races()).await.into_iter().enumerate() {
        outcomes.push(race(scene, seed, commits, delays).await);
    }
    let on_main = scene.git(&["ls-tree", "--name-only", "origin/main"]).await;
    let on_main: HashSet<_> = on_main.lines().map(str::to_owned).collect();
    let mut wrongs = Vec::new();
    for (seed, outcome) in outcomes.iter().enumerate() {
        let wrong = wrong(scene, seed, outcome, &on_main).await;
        wrongs.extend(wrong.map(|wrong| format!("{seed}, {:?}: {wrong}", outcome.method)));
    }
    let count = |of: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| of(outcome)).count();
    let (merged, first) = (count(|outcome| outcome.merged.is_ok()), count(|outcome| outcome.moved_first));
    let told = format!("{} races: {merged} merged, {first} pushed before the merge was asked for", outcomes.len());
    if outcomes.len() == RACES {
        // Past whoever keeps what tests say: it takes minutes, and somebody waits for it.
        drop(std::io::Write::write_all(&mut std::io::stderr(), format!("{told}\n").as_bytes()));
    }
    assert!(wrongs.is_empty(), "{told}; wrong are\n{}", wrongs.join("\n"));
    let stale = outcomes.len() - merged;
    assert!(merged > 0 && stale > first, "no side is faster at times, or none while the other is at work: {told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_merged_on_this_machine_is_what_was_approved_or_nothing_is() {
    let scene = Scene::local().await;
    run(&scene, Delays { merge: 12, push: 30 }).await;
    scene.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_merged_on_github_is_what_was_approved_or_nothing_is() {
    let scene = Scene::github().await;
    run(&scene, Delays { merge: 40, push: 20 }).await;
    scene.leave().await;
}
