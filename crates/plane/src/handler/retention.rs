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

    async fn plane(rows: i64) -> Plane {
        notify::install_tls();
        let store = Store::open("sqlite::memory:", Clock::default()).await.expect("a store");
        store.migrate().await.expect("a schema");
        let mut tx = store.begin().await.expect("a transaction");
        let keys = "INSERT INTO idempotency (principal, key, request, answer, at)
                    WITH RECURSIVE keys (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM keys WHERE n < $1)
                    SELECT 'ann', CAST(n AS TEXT), '', '', 0 FROM keys";
        tx.run(keys, &[store::Arg::Int(rows)]).await.expect("old keys");
        tx.commit().await.expect("a commit");
        Plane::new(store, Settings::new(reqwest::Client::new()), StdRng::seed_from_u64(1))
    }

    async fn left(plane: &Plane) -> i64 {
        let mut tx = plane.store().read().await.expect("a look");
        tx.one::<(i64,)>("SELECT COUNT(*) FROM idempotency", &[]).await.expect("a count").expect("a row").0
    }

    #[tokio::test]
    async fn however_many_rows_are_old_one_run_forgets_them_all() {
        let plane = plane(100_501).await;
        let told = run(&plane).await.expect("a run");
        assert!(told.contains("100501 idempotency keys") && !told.contains("out of time"), "{told}");
        assert_eq!(left(&plane).await, 0);
    }

    #[tokio::test]
    async fn a_run_out_of_time_says_that_something_is_left_and_the_next_one_forgets_it() {
        let plane = plane(2_000).await;
        let kinds = forget(&plane, Instant::now()).await.expect("a run");
        assert!(kinds.iter().all(|kind| !kind.done && kind.forgotten == 0));
        assert_eq!(left(&plane).await, 2_000);
        let mut hasty = Settings::new(reqwest::Client::new());
        hasty.run_deadline = Span::ZERO;
        let hasty = Plane::new(plane.store().clone(), hasty, StdRng::seed_from_u64(2));
        let told = run(&hasty).await.expect("a run");
        assert!(told.ends_with("; out of time, the rest waits for the next run"), "{told}");
        run(&plane).await.expect("a run");
        assert_eq!(left(&plane).await, 0);
    }
}
