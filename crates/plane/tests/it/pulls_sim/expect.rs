//! What must hold after every step, and when everything has come to rest.

use std::collections::BTreeMap;

use domain::budget::{self, Amount, Caps};
use domain::label::{OF_PULLS, Role};
use domain::pull::{EXCESSES_MAX, ITERATIONS_MAX, Pull, Stage, State};
use store::pull::{Stored, say, word};
use store::spend;

use super::Sim;
use crate::home::REPO;

/// So small that they are met.
pub(super) fn caps() -> Caps {
    let amount = |tokens| Amount { tokens, micro_usd: tokens };
    Caps { run: Stage::ALL.map(|stage| (stage, amount(10))), pull: amount(60), day: amount(110), ..Caps::default() }
}

impl Sim {
    pub(super) async fn pulls(&self) -> Vec<Stored> {
        let mut tx = self.world.store().read().await.expect("a look");
        store::pull::list(&mut tx, None, (i64::MAX, ""), 500).await.expect("a list")
    }

    /// What holds at every moment.
    pub(super) async fn check_always(&self) {
        let mut tx = self.world.store().read().await.expect("a look");
        let now = tx.now();
        let mut live = BTreeMap::new();
        for Stored { pull, .. } in store::pull::list(&mut tx, None, (i64::MAX, ""), 500).await.expect("a list") {
            assert!(pull.iteration <= ITERATIONS_MAX, "INV-20: {} was revised {} times", pull.id, pull.iteration);
            let runs = spend::of(&mut tx, &pull.id, 500).await.expect("runs");
            let sum = runs.iter().fold(Amount::ZERO, |sum, row| sum.plus(row.spend.booked()));
            assert_eq!(pull.booked, sum, "INV-21: what is booked on {} is not what its runs spent", pull.id);
            let within = pull.booked.minus(excess(&runs));
            assert!(caps().of_pull(pull.epoch).covers(within), "INV-21: {} has {:?} booked", pull.id, pull.booked);
            let stands = pull.excesses < EXCESSES_MAX || pull.state.stage().is_none();
            assert!(stands, "INV-21: {} spent too much {} times", pull.id, pull.excesses);
            if pull.state.is_live() {
                *live.entry(pull.gap.clone()).or_insert(0) += 1;
            }
            let said = word::of(&mut tx, &pull.id, 500).await.expect("words");
            let last = |stage: Stage| said.iter().find(|word| word.stage == stage.name() && word.pass == "final");
            let head = pull.head().unwrap_or_default();
            if matches!(pull.state, State::Approved | State::NeedsHuman | State::NeedsVisual) {
                let review = last(Stage::Reviewer).expect("a review");
                assert_eq!((review.head.as_str(), review.verdict.as_str()), (head, "APPROVE"), "INV-22: {pull:?}");
            }
            if matches!(pull.state, State::NeedsHuman | State::NeedsVisual) {
                let verdict = last(Stage::Merger).expect("a verdict");
                assert_eq!(verdict.head, head, "INV-22: {pull:?}");
            }
        }
        assert!(live.values().all(|count| *count == 1), "INV-23: {live:?}");
        let day = spend::booked_so_far(&mut tx, budget::day(now)).await.expect("a day");
        let runs = spend::on(&mut tx, budget::day(now), 500).await.expect("runs");
        assert!(caps().day.covers(day.minus(excess(&runs))), "INV-21: {day:?} today");
    }

    /// What holds when somebody has just taken a turn: with all that is set aside for it, nothing is exceeded, whatever was
    /// spent too much before.
    pub(super) async fn check_taken(&self, stored: &Stored) {
        let mut tx = self.world.store().read().await.expect("a look");
        let Pull { id, booked, epoch, .. } = &stored.pull;
        assert!(caps().of_pull(*epoch).covers(*booked), "INV-21: {id} has {booked:?} booked, and a turn was given out");
        let day = budget::day(tx.now());
        let day = spend::booked_so_far(&mut tx, day).await.expect("a day");
        assert!(caps().day.covers(day), "INV-21: {day:?} today, and a turn of {id} was given out");
    }

    /// What holds when everything has come to rest.
    pub(super) async fn check_rest(&self) {
        let forge = crate::home::home(&self.world, &self.place, &self.token, REPO).forge;
        let mut branches: Vec<_> =
            forge.pulls().await.expect("a list").into_iter().map(|there| there.head.branch).collect();
        branches.sort();
        let twice = branches.windows(2).find(|pair| pair[0] == pair[1]);
        assert_eq!(twice, None, "INV-23: one branch, two pull requests");
        for stored in self.pulls().await {
            let Stored { pull, seen, .. } = &stored;
            let why = format!("{pull:?} {seen:?}");
            assert!(is_settled(&stored), "INV-24: it is stuck: {why}");
            let Some(number) = pull.there.number else { continue };
            let there = forge.pull(number).await.expect("it is there");
            let own = there.labels.iter().any(|label| label == "bug");
            assert_eq!(own, self.own.get(&number).copied().unwrap_or_default(), "INV-25: people's own label of {why}");
            if pull.state.is_live() {
                assert_eq!(Some(there.head.commit.as_str()), pull.head(), "INV-22: a push was missed: {why}");
            }
            let shown: Vec<Role> =
                OF_PULLS.into_iter().filter(|role| there.labels.iter().any(|label| label == role.name())).collect();
            let silent = pull.hold.is_some_and(domain::pull::Hold::is_silent);
            if !silent && pull.state != State::Merged && seen.look_at < domain::time::TIME_MAX {
                let mut wished = pull.labels();
                wished.sort();
                assert_eq!(shown, sorted(&wished), "INV-25: the labels of {why}: {:?}", there.labels);
            }
            self.check_said(pull, number).await;
        }
    }

    /// What was said is there once.
    async fn check_said(&self, pull: &Pull, number: i64) {
        let mut tx = self.world.store().read().await.expect("a look");
        let open = say::open(&mut tx, &pull.id, 100).await.expect("sayings");
        drop(tx);
        let silent = pull.hold.is_some_and(domain::pull::Hold::is_silent);
        assert!(silent || open.is_empty(), "INV-26: it was never said: {open:?}");
        let seen = self.fake().pull(REPO, number);
        let bodies = seen.reviews.iter().map(|review| review.body.clone());
        let comments = self.fake().issue(REPO, number).comments.into_iter().map(|comment| comment.body);
        let mut marks: Vec<String> = bodies
            .chain(comments)
            .filter_map(|body| body.split_once("<!-- gapwright-said: ").map(|(_, rest)| rest[..26].to_owned()))
            .collect();
        marks.sort();
        let twice = marks.windows(2).find(|pair| pair[0] == pair[1]);
        assert_eq!(twice, None, "INV-26: it was said twice");
    }
}

/// What runs spent beyond what was set aside for them: nobody can take that back.
fn excess(runs: &[spend::Row]) -> Amount {
    runs.iter().fold(Amount::ZERO, |sum, row| sum.plus(row.spend.booked().less(row.spend.reserved)))
}

/// Whether a person is to do the next thing, or nobody.
pub(super) fn is_settled(stored: &Stored) -> bool {
    let pull = &stored.pull;
    pull.state.needs_person() || !pull.state.is_live() || pull.hold.is_some()
}

/// In the order in which labels are looked for.
fn sorted(roles: &[Role]) -> Vec<Role> {
    OF_PULLS.into_iter().filter(|role| roles.contains(role)).collect()
}
