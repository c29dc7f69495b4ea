//! Forgets what is finished and old: expired locks, sent messages, scheduled runs, idempotency keys, ended tokens,
//! replicas that are gone, Routines that nobody expects and that are not heard of any more. Runs, sightings and the
//! journal are kept for ever.

use domain::time::{Span, Time};
use futures::FutureExt;
use futures::future::BoxFuture;
use store::{Fault, Tx};
use tokio::time::Instant;

use crate::{No, Plane};

/// How long an expired lock is kept, so that people can still see who had it.
const LOCK_KEPT: Span = Span::hours(1);

type Forget = for<'a> fn(&'a mut Tx, Time) -> BoxFuture<'a, Result<u64, Fault>>;

/// What is forgotten of one kind.
struct Kind {
    what: &'static str,
    kept: Span,
    forget: Forget,
    forgotten: u64,
    done: bool,
}

pub(super) async fn run(plane: &Plane) -> Result<String, String> {
    // The rest of the deadline is for the pass under way.
    let until = Instant::now() + plane.settings().run_deadline.duration() * 3 / 4;
    let kinds = forget(plane, until).await?;
    let told: Vec<_> = kinds.iter().map(|kind| format!("{} {}", kind.forgotten, kind.what)).collect();
    let rest = if kinds.iter().all(|kind| kind.done) { "" } else { "; out of time, the rest waits for the next run" };
    Ok(format!("forgot {}{rest}", told.join(", ")))
}

/// Forgets until nothing is left or the time is up, in small transactions, so that nobody waits long, and a pass of
/// each kind in turn, so that one with many rows does not keep the others waiting.
async fn forget(plane: &Plane, until: Instant) -> Result<[Kind; 7], String> {
    let mut kinds = kinds(plane.settings().keep);
    while Instant::now() < until && kinds.iter().any(|kind| !kind.done) {
        for kind in kinds.iter_mut().filter(|kind| !kind.done) {
            let pass = pass(plane, kind.kept, kind.forget).await.map_err(|error| format!("{}: {error}", kind.what))?;
            kind.forgotten += pass;
            kind.done = pass == 0;
        }
    }
    Ok(kinds)
}

fn kinds(keep: Span) -> [Kind; 7] {
    let kind = |what, kept, forget| Kind { what, kept, forget, forgotten: 0, done: false };
    [
        kind("locks", LOCK_KEPT, |tx, then| store::lock::forget(tx, then).boxed()),
        kind("messages", keep, |tx, then| store::outbox::forget(tx, then).boxed()),
        kind("scheduled runs", keep, |tx, then| store::scheduled::forget(tx, then).boxed()),
        kind("idempotency keys", keep, |tx, then| store::idempotency::forget(tx, then).boxed()),
        kind("tokens", keep, |tx, then| store::agent::forget(tx, then).boxed()),
        kind("replicas", keep, |tx, then| store::replica::forget(tx, then).boxed()),
        kind("unexpected Routines", keep, |tx, then| store::check_in::forget(tx, then).boxed()),
    ]
}

/// Forgets a few rows; returns how many.
async fn pass(plane: &Plane, kept: Span, forget: Forget) -> Result<u64, No> {
    plane
        .act
        .act(move |tx| {
            let then = tx.now() - kept;
            async move { Ok(forget(tx, then).await?) }.boxed()
        })
        .await
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;
    use store::{Clock, Store};

    use super::*;
    use crate::Settings;

    /// A plane whose runs may take so long.
    async fn plane(run_deadline: Span) -> Plane {
        notify::install_tls();
        let store = Store::open("sqlite::memory:", Clock::default()).await.expect("a store");
        store.migrate().await.expect("a schema");
        let settings = Settings { run_deadline, ..Settings::new(reqwest::Client::new()) };
        Plane::new(store, settings, StdRng::seed_from_u64(1))
    }

    #[tokio::test]
    async fn a_run_out_of_time_says_that_something_may_be_left_and_one_in_time_does_not() {
        const OUT_OF_TIME: &str = "; out of time, the rest waits for the next run";
        for (deadline, hasty) in [(Span::ZERO, true), (Span::mins(5), false)] {
            let told = run(&plane(deadline).await).await.expect("a run");
            assert_eq!(told.ends_with(OUT_OF_TIME), hasty, "{told}");
        }
    }
}
