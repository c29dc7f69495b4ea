//! Workers at work for a while, each again as soon as it is done, and what that came to.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::figures::Quantiles;
use crate::machine::{self, DISTURBED, Used, Watched, quiet};
use crate::{Plan, progress};

/// Somebody who claims and completes jobs, one after another.
pub(crate) trait Worker: Send + 'static {
    /// One cycle; every call that it made is noted in `calls`, in microseconds.
    fn cycle(&mut self, calls: &mut Vec<u32>) -> impl Future<Output = Turn> + Send;
}

/// How a cycle went.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Turn {
    Done,
    /// There was nothing to claim, or somebody else was faster.
    Nothing,
    /// It was refused, or nobody knows.
    Failed(String),
}

/// For how long, and how long before it counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) warm: Duration,
    pub(crate) measured: Duration,
}

/// What came of one round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Round {
    /// Cycles per second.
    pub(crate) rate: f64,
    pub(crate) cycle: Quantiles,
    pub(crate) call: Quantiles,
    pub(crate) used: Used,
    pub(crate) cycles: f64,
    /// Cycles that were not done, and why the last of them was not.
    pub(crate) failed: usize,
    pub(crate) why: String,
    /// When each cycle ended, from the beginning of what counts.
    pub(crate) ends: Vec<Duration>,
}

#[derive(Default)]
struct Noted {
    cycles: Vec<(Instant, u32)>,
    calls: Vec<u32>,
    failed: usize,
    why: String,
}

/// Measures one round on a quiet machine; a round in which somebody else was at work is measured again, twice at most.
pub(crate) async fn round(plan: &Plan, measure: impl AsyncFn() -> Round) -> Round {
    let mut best = Round::default();
    for attempt in 0..plan.attempts() {
        quiet().await;
        let round = measure().await;
        let disturbance = round.used.disturbance();
        if attempt == 0 || disturbance < best.used.disturbance() {
            best = round;
        }
        if disturbance < DISTURBED {
            break;
        }
        progress(&format!("  others used {:.0} % of the machine", disturbance * 100.0));
    }
    machine::remember(best.used.disturbance());
    best
}

/// Lets the workers work.
pub(crate) async fn work<W: Worker>(workers: Vec<W>, watched: Watched, window: Window) -> Round {
    let began = Instant::now() + window.warm;
    let until = began + window.measured;
    let mut at_work = JoinSet::new();
    for worker in workers {
        at_work.spawn(until_then(worker, began, until));
    }
    sleep_until(began).await;
    let before = Used::now(watched);
    sleep_until(until).await;
    let used = Used::now(watched).since(before);
    let mut all = Noted::default();
    while let Some(noted) = at_work.join_next().await {
        let noted = noted.expect("a worker ends well");
        all.cycles.extend(noted.cycles);
        all.calls.extend(noted.calls);
        all.failed += noted.failed;
        if !noted.why.is_empty() {
            all.why = noted.why;
        }
    }
    all.round(began, window, used)
}

async fn until_then<W: Worker>(mut worker: W, began: Instant, until: Instant) -> Noted {
    let mut noted = Noted::default();
    let mut calls = Vec::with_capacity(2);
    loop {
        let from = Instant::now();
        if from >= until {
            return noted;
        }
        let turn = worker.cycle(&mut calls).await;
        let to = Instant::now();
        if to >= began && to < until {
            match turn {
                Turn::Done => {
                    noted.cycles.push((to, micros(to - from)));
                    noted.calls.append(&mut calls);
                }
                Turn::Nothing => noted.failed += 1,
                Turn::Failed(why) => {
                    noted.failed += 1;
                    noted.why = why;
                }
            }
        }
        calls.clear();
        // A worker that is refused at once would otherwise keep the others from their turn.
        tokio::task::yield_now().await;
    }
}

impl Noted {
    fn round(self, began: Instant, window: Window, used: Used) -> Round {
        let cycles = self.cycles.len() as f64;
        Round {
            rate: cycles / window.measured.as_secs_f64(),
            ends: self.cycles.iter().map(|(end, _)| *end - began).collect(),
            cycle: Quantiles::of(self.cycles.into_iter().map(|(_, micros)| micros).collect()),
            call: Quantiles::of(self.calls),
            used,
            cycles,
            failed: self.failed,
            why: self.why,
        }
    }
}

/// A length of time in whole microseconds.
pub(crate) fn micros(span: Duration) -> u32 {
    u32::try_from(span.as_micros()).unwrap_or(u32::MAX)
}
