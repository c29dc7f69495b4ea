//! Forgets what is finished and old: expired locks, sent messages, scheduled runs, idempotency keys, the ended tokens of
//! the heartbeat and the doctor, replicas that are gone, starts of Routines that are over, Routines that nobody expects and
//! that are not heard of any more, sessions of people that ended, figures. What gave up is kept longer. Runs, sightings and the journal are kept for ever.

use domain::effect::given_up_before;
use domain::job::CANARY;
use domain::time::{Span, Time};
use futures::FutureExt;
use futures::future::BoxFuture;
use store::{Fault, Tx};
use tokio::time::Instant;

use crate::agent::DOCTOR;
use crate::{No, Plane};

/// How long an expired lock is kept, so that people can still see who had it.
const LOCK_KEPT: Span = Span::hours(1);

/// How long the figures are kept that small curves are drawn from.
const FIGURES_KEPT: Span = Span::days(30);

type Forget = for<'a> fn(&'a mut Tx, Time) -> BoxFuture<'a, Result<u64, Fault>>;

/// What is forgotten of one kind.
struct Kind {
    what: &'static str,
    kept: Span,
    forget: Forget,
    forgotten: u64,
    done: bool,
    /// Why it was left for the next run.
    failed: Option<String>,
}

pub(super) async fn run(plane: &Plane) -> Result<String, String> {
    // The rest of the deadline is for the pass under way.
    let until = Instant::now() + plane.settings().run_deadline.duration() * 3 / 4;
    let kinds = forget(plane, kinds(plane.settings().keep), until).await;
    let told: Vec<_> = kinds.iter().map(|kind| format!("{} {}", kind.forgotten, kind.what)).collect();
    let rest = if kinds.iter().all(|kind| kind.done) { "" } else { "; out of time, the rest waits for the next run" };
    let told = format!("forgot {}{rest}", told.join(", "));
    let failed: Vec<_> = kinds.iter().filter_map(|kind| kind.failed.as_deref()).collect();
    if failed.is_empty() { Ok(told) } else { Err(format!("{}; {told}", failed.join("; "))) }
}

/// Forgets until nothing is left or the time is up, in small transactions, so that nobody waits long, and a pass of
/// each kind in turn, so that neither one with many rows nor one that fails keeps the others waiting.
async fn forget<const N: usize>(plane: &Plane, mut kinds: [Kind; N], until: Instant) -> [Kind; N] {
    while Instant::now() < until && kinds.iter().any(|kind| !kind.done) {
        for kind in kinds.iter_mut().filter(|kind| !kind.done) {
            match pass(plane, kind.kept, kind.forget).await {
                Ok(pass) => {
                    kind.forgotten += pass;
                    kind.done = pass == 0;
                }
                Err(error) => {
                    kind.failed = Some(format!("{}: {error}", kind.what));
                    kind.done = true;
                }
            }
        }
    }
    kinds
}

fn kinds(keep: Span) -> [Kind; 11] {
    let kind = |what, kept, forget| Kind { what, kept, forget, forgotten: 0, done: false, failed: None };
    [
        kind("locks", LOCK_KEPT, |tx, then| store::lock::forget(tx, then).boxed()),
        kind("messages", keep, |tx, then| {
            let given_up = given_up_before(then, tx.now());
            store::outbox::forget(tx, then, given_up).boxed()
        }),
        kind("scheduled runs", keep, |tx, then| {
            let lost = given_up_before(then, tx.now());
            store::scheduled::forget(tx, then, lost).boxed()
        }),
        kind("idempotency keys", keep, |tx, then| store::idempotency::forget(tx, then).boxed()),
        kind("tokens of our own", keep, |tx, then| store::agent::forget(tx, [CANARY, DOCTOR], then).boxed()),
        kind("replicas", keep, |tx, then| store::replica::forget(tx, then).boxed()),
        kind("webhooks", keep, |tx, then| {
            let given_up = given_up_before(then, tx.now());
            store::webhook::forget(tx, then, given_up).boxed()
        }),
        kind("starts of Routines", keep, |tx, then| store::fire::forget(tx, then).boxed()),
        kind("ended sessions", Span::ZERO, |tx, then| store::session::forget(tx, then).boxed()),
        kind("figures", FIGURES_KEPT, |tx, then| store::figure::forget(tx, then).boxed()),
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
    use std::time::Duration;

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
    async fn a_kind_that_fails_keeps_no_other_waiting() {
        let kind = |what, forget| Kind { what, kept: Span::ZERO, forget, forgotten: 0, done: false, failed: None };
        let kinds = [
            kind("broken", |_, _| async { Err(Fault::Other("oh no".to_owned())) }.boxed()),
            kind("sound", |_, _| async { Ok(0) }.boxed()),
        ];
        let kinds = forget(&plane(Span::mins(5)).await, kinds, Instant::now() + Duration::from_mins(1)).await;
        assert!(kinds.iter().all(|kind| kind.done));
        assert_eq!(kinds.map(|kind| kind.failed.is_some()), [true, false]);
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
