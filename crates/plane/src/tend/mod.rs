//! The chores that keep the store in order. Each takes no input, may be repeated, and retries by its next tick.

mod figures;
mod gaps;
mod lines;
mod presence;
mod ring;

use std::time::Duration;

use futures::FutureExt;

use crate::chore::Chore;
pub(crate) use lines::own;

/// Every chore, by name.
pub(crate) static CHORES: [Chore; 11] = [
    Chore {
        name: "decisions",
        period: Duration::from_secs(5),
        deadline: Duration::from_secs(30),
        bell: |_| None,
        tick: |plane, _| async { plane.tend_decisions().await.map(drop) }.boxed(),
    },
    Chore {
        name: "deliver",
        period: Duration::from_secs(1),
        deadline: Duration::from_mins(2),
        bell: |plane| Some(&plane.wake.outbox),
        tick: |plane, _| async { plane.deliver().await.map(drop) }.boxed(),
    },
    Chore {
        name: "figures",
        period: Duration::from_millis(figures::SLOT_MS.unsigned_abs()),
        deadline: Duration::from_secs(30),
        bell: |_| None,
        tick: |plane, _| plane.tend_figures().boxed(),
    },
    Chore {
        name: "gaps",
        period: Duration::from_secs(5),
        deadline: Duration::from_mins(1),
        bell: |_| None,
        tick: |plane, _| async { plane.tend_gaps().await.map(drop) }.boxed(),
    },
    Chore {
        name: "lines",
        period: Duration::from_secs(1),
        deadline: Duration::from_secs(30),
        bell: |_| None,
        tick: |plane, _| async { plane.tend_lines().await.map(drop) }.boxed(),
    },
    Chore {
        name: "mirror",
        period: Duration::from_secs(1),
        deadline: Duration::from_mins(4),
        bell: |plane| Some(&plane.wake.mirror),
        tick: |plane, _| plane.tend_mirror().boxed(),
    },
    Chore {
        name: "outcomes",
        period: Duration::from_secs(5),
        deadline: Duration::from_mins(4),
        bell: |plane| Some(&plane.wake.outcomes),
        tick: |plane, _| plane.tend_outcomes().boxed(),
    },
    Chore {
        name: "presence",
        period: Duration::from_secs(5),
        deadline: Duration::from_secs(10),
        bell: |_| None,
        tick: |plane, _| plane.tell_presence().boxed(),
    },
    Chore {
        name: "pulls",
        period: Duration::from_secs(1),
        deadline: Duration::from_mins(4),
        bell: |plane| Some(&plane.wake.pulls),
        tick: |plane, _| {
            async {
                plane.tend_pulls().await?;
                plane.watch_pulls().await
            }
            .boxed()
        },
    },
    Chore {
        name: "ring",
        period: Duration::from_secs(1),
        deadline: Duration::from_secs(30),
        bell: |plane| Some(&plane.wake.schedule),
        tick: |plane, tasks| plane.ring(tasks).boxed(),
    },
    Chore {
        name: "seal",
        period: Duration::from_secs(1),
        deadline: Duration::from_mins(1),
        bell: |_| None,
        tick: |plane, _| async { plane.seal_journal().await.map(drop) }.boxed(),
    },
];
