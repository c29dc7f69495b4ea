//! Races between what merges by itself and what people do at the same moment: somebody pushes, or says hands off, right before
//! each of the questions that a look asks of the forge, in turn. Whatever comes between, nothing is merged that was not
//! approved, and nothing that people held when it was last looked at.
//!
//! With `GAPWRIGHT_SIM_ALL` there are a thousand of them on each engine, and some fifteen without.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use domain::budget::{AMOUNT_MAX, Amount, Caps};
use domain::pull::State;
use forge::AccountKind;
use futures::{StreamExt as _, stream};
use harness::On;
use plane::mirror::Home;

use super::given::rules;
use super::racing::{Before, Racing};
use crate::home::{Kind, Place, REPO};
use crate::pulls::ground::Ground;

/// How many races there are, and how many in a short run.
const ALL: usize = 1_000;
const FEW: usize = 1 + SOME.len();

/// How many of them are held one after the other in a world, and how many worlds at once.
const IN_A_WORLD: usize = 100;
const AT_ONCE: usize = 4;

/// How many questions one look asks at most, and a few more.
const QUESTIONS: i64 = 40;

/// Some of the places between questions that a short run tries: those in which it is decided, and a few before and after.
const SOME: [i64; 14] = [28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 30, 10, 4, 0];

/// Before which question somebody pushes in a race: right before the merge itself, and then before each, the last first.
fn when(n: usize, count: usize) -> Before {
    let places = if count == ALL { (0..QUESTIONS).rev().collect() } else { SOME.to_vec() };
    match n % (places.len() + 1) {
        0 => Before::Named("merge"),
        place => Before::After(places[place - 1]),
    }
}

/// What somebody pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Push {
    /// A commit in the place of what was approved.
    Instead,
    /// A commit on top of it.
    OnTop,
    /// A commit in its place, and what was approved again before the question that comes after so many more.
    AndBack(i64),
}

impl Push {
    /// What is pushed in a race: of all races, each at every place, and put back sooner or later.
    fn of(n: usize, count: usize) -> Self {
        let round = n / (usize::try_from(QUESTIONS).unwrap_or(1) + 1);
        let which = if count == ALL { round % 3 } else { n % 2 };
        match which {
            0 => Self::Instead,
            1 => Self::OnTop,
            _ => Self::AndBack(i64::try_from(round / 3).unwrap_or(0)),
        }
    }
}

/// What was met.
#[derive(Debug, Default)]
struct Met {
    races: usize,
    /// Somebody pushed right before the merge itself.
    at_the_merge: usize,
    /// Merged by itself, with nobody before it.
    merged: usize,
    /// Not merged, because of what somebody did.
    stopped: usize,
    /// Merged, and its outcome was known only at another try.
    again: usize,
}

impl Met {
    fn and(self, other: &Self) -> Self {
        Self {
            races: self.races + other.races,
            at_the_merge: self.at_the_merge + other.at_the_merge,
            merged: self.merged + other.merged,
            stopped: self.stopped + other.stopped,
            again: self.again + other.again,
        }
    }
}

/// Runs git in the repository of the local home, as whoever has an account on its machine may.
pub(super) fn git(folder: &Path, args: &[&str]) -> (bool, String) {
    let output = Command::new("git").arg("-C").arg(folder).args(args).output().expect("git");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// One race: a push onto the branch before a question. Gives whether it was merged.
async fn race(
    ground: &mut Ground<'_>,
    racing: &Arc<Racing>,
    folder: PathBuf,
    (when, push): (Before, Push),
    evil: &str,
) -> bool {
    let change = ground.pull_of(&ground.gap).await.change.expect("a change");
    let (branch, head) = (format!("refs/heads/{}", change.branch), change.head.clone());
    let evil = match push {
        Push::Instead | Push::AndBack(_) => evil.to_owned(),
        Push::OnTop => {
            let tree = format!("{evil}^{{tree}}");
            let who = ["-c", "user.name=eve", "-c", "user.email=eve@example.com"];
            let (done, commit) =
                git(&folder, &[&who[..], &["commit-tree", &tree, "-p", &head, "-m", "on top"]].concat());
            assert!(done);
            commit
        }
    };
    racing.before(when, deed(racing, folder.clone(), branch.clone(), [evil.clone(), head.clone()], push));
    // Longer than what was not merged is left in peace.
    ground.given.pass(domain::time::Span::mins(16));
    // Not through the look of the mirror: this is about the gate alone.
    ground.poll().await;
    let there = ground.given.home(REPO).forge.pull(ground.number().await).await.expect("it is there");
    let merged = there.ended_by.is_some();
    if merged {
        assert_eq!(there.ended_by.map(|by| by.kind), Some(AccountKind::Us));
        assert_ne!(racing.done_before(), Some("merge"), "a head was merged that nobody approved");
        let (has, _) = git(&folder, &["merge-base", "--is-ancestor", &evil, "refs/heads/main"]);
        assert!(!has, "a head was merged that nobody approved");
        let (has, _) = git(&folder, &["cat-file", "-e", "refs/heads/main:src/evil.rs"]);
        assert!(!has, "a head was merged that nobody approved");
        let (has, _) = git(&folder, &["merge-base", "--is-ancestor", &head, "refs/heads/main"]);
        assert!(has, "what was merged is what was approved");
    }
    racing.undone();
    git(&folder, &["update-ref", &branch, &head]);
    merged
}

/// Somebody pushes, and perhaps puts it back.
fn deed(
    racing: &Arc<Racing>,
    folder: PathBuf,
    branch: String,
    [evil, head]: [String; 2],
    push: Push,
) -> super::racing::Deed {
    let racing = Arc::clone(racing);
    Box::new(move || {
        Box::pin(async move {
            git(&folder, &["update-ref", &branch, &evil]);
            if let Push::AndBack(after) = push {
                let back = async move {
                    git(&folder, &["update-ref", &branch, &head]);
                };
                racing.before(Before::After(after), Box::new(move || Box::pin(back)));
            }
        })
    })
}

/// Has it reviewed once more: of a head that the reviewer has seen before, the first pass is known.
async fn review(ground: &Ground<'_>) {
    let taken = ground.take(domain::pull::Stage::Reviewer).await;
    let review = crate::pulls::ground::review(domain::pull::Verdict::Approve, None);
    while let plane::pull::Reviewed::First { .. } = ground.hand_in_review(&taken, &review).await.expect("a pass") {}
}

async fn races(ground: &mut Ground<'_>, these: Range<usize>, count: usize) -> Met {
    let mut met = Met::default();
    ground.armed().await;
    let mut rules = rules();
    rules.merges_per_day = 100_000;
    let folder = ground.path("home.git");
    let racing = Arc::new(Racing::new(Arc::clone(&ground.given.home(REPO).forge)));
    let home = Home { broker: Some(ground.broker().await), forge: Arc::clone(&racing) as _, ..ground.given.home(REPO) };
    ground
        .restart_with(|settings| {
            settings.rules.gate = rules;
            settings.home = Some(home);
        })
        .await;
    ground.undrawn("race-gap").await;
    let evil = ground.push_onto("gapwright/evil", "main", "evil").await;
    for n in these {
        if ground.state().await != State::NeedsHuman {
            ground.undrawn(&format!("race-gap-{n}")).await;
        }
        met.races += 1;
        let merged = race(ground, &racing, folder.clone(), (when(n, count), Push::of(n, count)), &evil).await;
        met.at_the_merge += usize::from(racing.done_before() == Some("merge"));
        if merged {
            met.merged += 1;
            ground.poll().await;
            // Those before it are still watched; and what could not be read is tried again in a minute.
            let mut passes = 0;
            while ground.found().await.is_none() && passes < 60 {
                ground.given.pass(domain::time::Span::secs(3));
                ground.settle().await;
                passes += 1;
            }
            met.again += usize::from(passes > 20);
            let found = ground.found().await;
            let found = found.unwrap_or_else(|| panic!("{} has no outcome after race {n}", ground.gap));
            assert_eq!((found.outcome.as_str(), found.weight.as_str()), ("unchanged", "auto"), "{}", found.why);
        } else {
            met.stopped += 1;
            // What was pushed is gone again, and was perhaps seen: it is judged anew.
            if ground.state().await != State::NeedsHuman {
                ground.poll().await;
            }
            while ground.state().await == State::NeedsReview {
                review(ground).await;
                ground.judge(domain::pull::MergeVerdict::ApproveForHuman).await;
                ground.poll().await;
            }
        }
    }
    met
}

/// Holds these of so many in a world of their own: what merged before is watched for long, and slows down what comes after.
async fn hold_these(on: On, these: Range<usize>, count: usize) -> Met {
    let world = harness::World::new(on).await;
    // It is reviewed again and again, and this is not about what that costs.
    let much = Amount { tokens: AMOUNT_MAX, micro_usd: AMOUNT_MAX };
    let caps = Caps { pull: much, day: much, ..Caps::default() };
    let mut ground = Ground::with(&world, Kind::Local, caps).await;
    let met = Box::pin(races(&mut ground, these.clone(), count)).await;
    crate::pulls_sim::told(&format!("{these:?}: {met:?}"));
    drop(ground);
    world.check().await;
    world.discard().await;
    met
}

async fn hold(on: On) {
    let all = crate::pulls_sim::given("GAPWRIGHT_SIM_ALL").is_some();
    let count = if all { ALL } else { FEW };
    let worlds = (0..count).step_by(IN_A_WORLD).map(|from| from..count.min(from + IN_A_WORLD));
    let held = stream::iter(worlds).map(|these| hold_these(on, these, count)).buffer_unordered(AT_ONCE);
    let met: Met = held.fold(Met::default(), async |all, met| all.and(&met)).await;
    crate::pulls_sim::told(&format!("{met:?}"));
    assert_eq!((met.races, met.races), (count, met.merged + met.stopped));
    assert!(met.merged > 0 && met.stopped > 0 && met.at_the_merge > 0, "each end is met: {met:?}");
}

mod a_push_at_any_moment_is_never_merged_with_what_was_approved {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        super::hold(harness::On::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        super::hold(harness::On::Postgres).await;
    }
}

/// Hands off that is said after a look has begun is seen before it merges.
async fn hands_off(on: On) {
    let world = harness::World::new(on).await;
    let mut ground = Ground::new(&world, Kind::Local).await;
    ground.armed().await;
    ground.undrawn("hands-gap").await;
    let racing = Arc::new(Racing::new(Arc::clone(&ground.given.home(REPO).forge)));
    let home = Home { broker: Some(ground.broker().await), forge: Arc::clone(&racing) as _, ..ground.given.home(REPO) };
    ground
        .restart_with(|settings| {
            settings.rules.gate = rules();
            settings.home = Some(home);
        })
        .await;
    let number = ground.number().await;
    let mut stopped = 0;
    for after in 0..QUESTIONS {
        let Place::Local(local) = &ground.given.place else { panic!("it is the local home") };
        let person = local.acting("ann").expect("a person");
        racing.before(
            Before::After(after),
            Box::new(move || {
                Box::pin(async move {
                    harness::local::label(&person, "ann", number, "manual").await;
                })
            }),
        );
        ground.given.pass(domain::time::Span::mins(16));
        ground.poll().await;
        let there = ground.given.home(REPO).forge.pull(number).await.expect("it is there");
        let manual = there.labels.iter().any(|label| label == "manual");
        if there.ended_by.is_some() {
            // Only where it was said too late for any look: right before the merge itself, or after it.
            let said = racing.done_before();
            assert!(matches!(said, None | Some("merge")), "it was merged though hands off was said before {said:?}");
            break;
        }
        stopped += usize::from(manual);
        racing.undone();
        if manual {
            ground.unlabel("ann", "manual").await;
            ground.poll().await;
            ground.poll().await;
        }
        if ground.state().await == State::Merged {
            break;
        }
    }
    assert!(stopped > 0, "it was said in time at least once");
    drop(ground);
    world.check().await;
    world.discard().await;
}

mod hands_off_said_while_it_is_looked_at_is_seen_before_it_merges {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        super::hands_off(harness::On::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        super::hands_off(harness::On::Postgres).await;
    }
}
