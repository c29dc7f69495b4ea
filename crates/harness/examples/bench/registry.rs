//! A registry of gaps as it is after years: ten thousand gaps, a hundred thousand sightings, ten thousand jobs that they
//! block, put into the tables by the store's own statements.

use domain::gap::{Gap, Key, Severity, Sighting, State, rank};
use domain::id;
use domain::time::Time;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::Plan;
use crate::ground::{self, Ground};

/// How many gaps were reported by whole projects, and not by one job here and there.
const OFTEN: i64 = 100;

/// The kind that most gaps are of, and one that few are of.
pub(crate) const KINDS: [&str; 2] = ["mcp-tool", "adr"];

/// One gap in so many is of the rare kind, and as many stand in the rare state.
const RARE_EVERY: i64 = 100;

/// How many gaps one transaction adds; each comes with its sightings.
const ADDED_AT_ONCE: i64 = 200;

const REASON: &str =
    "the job needed to tell a bad deploy from a flaky test, and had nothing to list the last deploys with";

/// How much there is in a registry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) gaps: i64,
    pub(crate) sightings: i64,
    pub(crate) jobs: i64,
}

impl Size {
    pub(crate) fn of(plan: &Plan) -> Self {
        if plan.quick {
            Self { gaps: 1_000, sightings: 10_000, jobs: 1_000 }
        } else {
            Self { gaps: 10_000, sightings: 100_000, jobs: 10_000 }
        }
    }

    /// Half of the sightings are of a hundred gaps, alike for each; the rest are spread over all others.
    fn sightings_of(self, number: i64) -> i64 {
        let half = self.sightings / 2;
        let (sightings, among, nth) = if number < OFTEN {
            (half, OFTEN, number)
        } else {
            (self.sightings - half, self.gaps - OFTEN, number - OFTEN)
        };
        sightings / among + i64::from(nth < sightings % among)
    }
}

/// The key of a gap by its number.
pub(crate) fn key(number: i64) -> Key {
    let kind = if number % RARE_EVERY == RARE_EVERY / 2 { KINDS[1] } else { KINDS[0] };
    Key { kind: kind.to_owned(), name: format!("capability-number-{number}-of-many") }
}

/// Puts them there, with their names compared and their jobs counted, as the chores leave them.
pub(crate) async fn fill(ground: &Ground, size: Size) {
    ground.add(ground::KIND, size.jobs).await;
    let mut rng = StdRng::seed_from_u64(7);
    let mut seen = 0;
    for first in (0..size.gaps).step_by(usize::try_from(ADDED_AT_ONCE).expect("a step")) {
        let mut tx = ground.store.begin().await.expect("a transaction");
        for number in first..size.gaps.min(first + ADDED_AT_ONCE) {
            let gap = gap(size, number, tx.now());
            assert!(store::gap::add(&mut tx, &gap).await.expect("a gap added"));
            store::gap::compared(&mut tx, &gap.key).await.expect("compared");
            store::gap::counted(&mut tx, &gap.key).await.expect("counted");
            for sighting in 0..gap.sightings {
                let id = id::mint(tx.now(), rng.random());
                report(&mut tx, &id, &gap, &job(size, seen + sighting)).await;
            }
            seen += gap.sightings;
        }
        tx.commit().await.expect("gaps on disk");
    }
    ground.settle().await;
}

/// Neighbouring sightings are of jobs far apart; no two of one gap are of the same.
fn job(size: Size, sighting: i64) -> String {
    format!("{}-{}", ground::KIND, sighting * 7 % size.jobs)
}

fn gap(size: Size, number: i64, now: Time) -> Gap {
    let sightings = size.sightings_of(number);
    let state = if number % RARE_EVERY == RARE_EVERY / 4 { State::WontFix } else { State::Open };
    Gap {
        state,
        severity: Severity::Blocking,
        sightings,
        jobs: sightings,
        weight: sightings * rank::job_weight(0, Severity::Blocking),
        top: true,
        ..Gap::new(key(number), now)
    }
}

async fn report(tx: &mut store::Tx, id: &str, gap: &Gap, job: &str) {
    let Key { kind, name } = &gap.key;
    let seen = Sighting { reason: REASON.to_owned(), job: Some(job.to_owned()), ..Sighting::named(kind, name) };
    let under = store::gap::sighting::Under::default();
    store::gap::sighting::append(tx, id, &seen, under, "agent-0").await.expect("a sighting appended");
    store::gap::blocked::see(tx, &gap.key, job, Severity::Blocking).await.expect("a job blocked");
}
