//! Forgets what is finished and old: expired locks, sent messages, scheduled runs, idempotency keys, ended tokens,
//! replicas that are gone. Runs, sightings and the journal are kept for ever.

use domain::time::{Span, Time};
use futures::FutureExt;
use futures::future::BoxFuture;
use store::{Fault, Tx};

use crate::{No, Plane};

/// How long an expired lock is kept, so that people can still see who had it.
const LOCK_KEPT: Span = Span::hours(1);

/// Rows forgotten in one pass of one kind; the rest waits for the next run.
const PASSES_MAX: usize = 200;

type Forget = for<'a> fn(&'a mut Tx, Time) -> BoxFuture<'a, Result<u64, Fault>>;

pub(super) async fn run(plane: &Plane) -> Result<String, String> {
    let keep = plane.settings().keep;
    let kinds: [(&str, Span, Forget); 6] = [
        ("locks", LOCK_KEPT, |tx, then| store::lock::forget(tx, then).boxed()),
        ("messages", keep, |tx, then| store::outbox::forget(tx, then).boxed()),
        ("scheduled runs", keep, |tx, then| store::scheduled::forget(tx, then).boxed()),
        ("idempotency keys", keep, |tx, then| store::idempotency::forget(tx, then).boxed()),
        ("tokens", keep, |tx, then| store::agent::forget(tx, then).boxed()),
        ("replicas", keep, |tx, then| store::replica::forget(tx, then).boxed()),
    ];
    let mut told = Vec::new();
    for (what, kept, forget) in kinds {
        let forgotten = all(plane, kept, forget).await.map_err(|error| format!("{what}: {error}"))?;
        told.push(format!("{forgotten} {what}"));
    }
    Ok(format!("forgot {}", told.join(", ")))
}

/// Forgets in small transactions, so that nobody waits long.
async fn all(plane: &Plane, kept: Span, forget: Forget) -> Result<u64, No> {
    let mut forgotten = 0;
    for _ in 0..PASSES_MAX {
        let pass = plane
            .act
            .act(move |tx| {
                let then = tx.now() - kept;
                async move { Ok(forget(tx, then).await?) }.boxed()
            })
            .await?;
        forgotten += pass;
        if pass == 0 {
            break;
        }
    }
    Ok(forgotten)
}
