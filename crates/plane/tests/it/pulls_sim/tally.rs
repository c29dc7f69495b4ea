//! What simulations met in all: what never happens in any of them shows nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::pull::State;
use store::pull::Stored;

/// So many simulations must have met what is met often.
pub(super) const SOME: u64 = 10;

/// So many simulations must have met everything, by whatever luck of the moment.
const ENOUGH: u64 = 100;

/// Counts over all simulations of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    deaths_of_looks: AtomicU64,
    deaths_of_hand_ins: AtomicU64,
    faults: AtomicU64,
    webhooks: AtomicU64,
    pushes: AtomicU64,
    branches: AtomicU64,
    steered: AtomicU64,
    overspent: AtomicU64,
    budgets: AtomicU64,
    rounds: AtomicU64,
    approved: AtomicU64,
    merged: AtomicU64,
    wontfix: AtomicU64,
}

impl Tally {
    /// A server died amid a look.
    pub(super) fn died_looking(&self) {
        self.0.deaths_of_looks.fetch_add(1, Ordering::Relaxed);
    }

    /// A server died amid what an agent handed in.
    pub(super) fn died_taking(&self) {
        self.0.deaths_of_hand_ins.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests were answered by a fault.
    pub(super) fn met(&self, faults: usize) {
        self.0.faults.fetch_add(faults as u64, Ordering::Relaxed);
    }

    /// A webhook was proven and kept.
    pub(super) fn heard(&self) {
        self.0.webhooks.fetch_add(1, Ordering::Relaxed);
    }

    /// Somebody pushed.
    pub(super) fn pushed(&self) {
        self.0.pushes.fetch_add(1, Ordering::Relaxed);
    }

    /// An agent pushed its change by itself.
    pub(super) fn handed_by_branch(&self) {
        self.0.branches.fetch_add(1, Ordering::Relaxed);
    }

    /// An operator said something, and whether that was taken.
    pub(super) fn steered(&self, done: bool) {
        self.0.steered.fetch_add(u64::from(done), Ordering::Relaxed);
    }

    /// Whether an agent said that it spent more than was set aside for it.
    pub(super) fn overspent(&self, is_so: bool) {
        self.0.overspent.fetch_add(u64::from(is_so), Ordering::Relaxed);
    }

    /// How pull requests stand at the end of one.
    pub(super) fn ended(&self, pulls: &[Stored]) {
        let Counts { budgets, rounds, approved, merged, wontfix, .. } = &*self.0;
        for Stored { pull, .. } in pulls {
            let add = |to: &AtomicU64, holds: bool| to.fetch_add(u64::from(holds), Ordering::Relaxed);
            add(budgets, pull.why.contains("budget"));
            add(rounds, pull.iteration > 0);
            add(approved, matches!(pull.state, State::NeedsHuman | State::NeedsVisual));
            add(merged, pull.state == State::Merged);
            add(wontfix, pull.state == State::WontFix);
        }
    }

    /// Everything was met.
    pub(super) fn check(&self, count: u64) {
        let Counts {
            deaths_of_looks,
            deaths_of_hand_ins,
            faults,
            webhooks,
            pushes,
            branches,
            steered,
            overspent,
            budgets,
            rounds,
            approved,
            merged,
            wontfix,
        } = &*self.0;
        let all = [
            ("deaths of looks", deaths_of_looks),
            ("deaths of hand-ins", deaths_of_hand_ins),
            ("faults", faults),
            ("webhooks", webhooks),
            ("pushes", pushes),
            ("branches", branches),
            ("steered", steered),
            ("overspent", overspent),
            ("budgets", budgets),
            ("rounds", rounds),
            ("approved", approved),
            ("merged", merged),
            ("wontfix", wontfix),
        ];
        let all = all.map(|(what, count)| (what, count.load(Ordering::Relaxed)));
        super::told(&format!("the simulations met {all:?}"));
        let rare = ["deaths of hand-ins", "overspent", "budgets", "rounds", "wontfix"];
        let must = all.iter().filter(|(what, _)| count >= ENOUGH || !rare.contains(what));
        let never: Vec<_> = must.filter(|(_, met)| *met == 0).collect();
        assert!(never.is_empty(), "never met: {never:?}");
    }
}
