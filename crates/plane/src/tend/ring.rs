//! Rings the scheduled jobs: takes each due run that nobody has, and runs its handler beside everything else.

use std::panic::AssertUnwindSafe;

use domain::scheduled::Hold;
use domain::time::Span;
use futures::FutureExt;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::chore::panic_text;
use crate::handler::{self, NAMES};
use crate::{No, Plane};

/// The longest status that is kept, in characters.
const STATUS_CHARS_MAX: usize = 500;

impl Plane {
    /// Takes what is due. The handlers run as tasks of their own, so that a slow one delays no other; and a job that
    /// cannot be taken keeps no other from ringing. The failure is the first of those.
    pub async fn ring(&self, tasks: &TaskTracker) -> Result<(), No> {
        let mut rung = Ok(());
        for name in NAMES {
            let Some(cadence) = self.settings.schedule.get(name) else { continue };
            match self.take_run(name, cadence).await {
                Ok(Some(hold)) => drop(tasks.spawn(run(self.clone(), name, hold))),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(job = name, %error, "a scheduled job could not be rung");
                    rung = rung.and(Err(error));
                }
            }
        }
        rung
    }
}

/// How a handler ended, in a line.
async fn watched(deadline: Span, handler: impl Future<Output = Result<String, String>>) -> String {
    let status = match timeout(deadline.duration(), AssertUnwindSafe(handler).catch_unwind()).await {
        Ok(Ok(Ok(told))) => format!("ok: {told}"),
        Ok(Ok(Err(why))) => format!("error: {why}"),
        Ok(Err(panic)) => format!("error: panicked: {}", panic_text(&*panic)),
        Err(_) => format!("error: did not finish within {deadline}"),
    };
    status.chars().take(STATUS_CHARS_MAX).collect()
}

/// Runs a handler to its end, its panic or its deadline, and writes down which.
async fn run(plane: Plane, name: &'static str, hold: Hold) {
    let status = watched(plane.settings.run_deadline, handler::run(&plane, name, hold.due_at)).await;
    if status.starts_with("ok") {
        tracing::debug!(job = name, due_at = %hold.due_at, attempt = hold.attempt, status, "a scheduled run ended");
    } else {
        tracing::warn!(job = name, due_at = %hold.due_at, attempt = hold.attempt, status, "a scheduled run failed");
    }
    if let Err(error) = plane.end_run(name, &hold.run_id, &status).await {
        tracing::warn!(job = name, %error, "the end of a scheduled run was not written; it will be taken up again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_handler_that_panics_hangs_or_talks_too_much_ends_in_a_line() {
        let soon = Span(20);
        assert_eq!(watched(soon, async { Ok("7 sent".to_owned()) }).await, "ok: 7 sent");
        assert_eq!(watched(soon, async { Err("no luck".to_owned()) }).await, "error: no luck");
        assert_eq!(watched(soon, async { panic!("oh {}", "no") }).await, "error: panicked: oh no");
        assert_eq!(watched(soon, std::future::pending()).await, "error: did not finish within 20ms");
        assert_eq!(watched(soon, async { Ok("x".repeat(1_000)) }).await.chars().count(), STATUS_CHARS_MAX);
    }
}
