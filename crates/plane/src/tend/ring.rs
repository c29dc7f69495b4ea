//! Rings the scheduled jobs: takes each due run that nobody has, and runs its handler beside everything else.

use std::panic::AssertUnwindSafe;

use domain::scheduled::Hold;
use futures::FutureExt;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::chore::panic_text;
use crate::handler::{self, NAMES};
use crate::{No, Plane};

/// The longest status that is kept, in characters.
const STATUS_CHARS_MAX: usize = 500;

impl Plane {
    /// Takes what is due. The handlers run as tasks of their own, so that a slow one delays no other.
    pub async fn ring(&self, tasks: &TaskTracker) -> Result<(), No> {
        for name in NAMES {
            if !self.settings.schedule.contains_key(name) {
                continue;
            }
            if let Some(hold) = self.take_run(name).await? {
                tasks.spawn(run(self.clone(), name, hold));
            }
        }
        Ok(())
    }
}

/// Runs a handler to its end, its panic or its deadline, and writes down which.
async fn run(plane: Plane, name: &'static str, hold: Hold) {
    let deadline = plane.settings.run_deadline.duration();
    let handled = timeout(deadline, AssertUnwindSafe(handler::run(&plane, name)).catch_unwind()).await;
    let status = match handled {
        Ok(Ok(Ok(told))) => format!("ok: {told}"),
        Ok(Ok(Err(why))) => format!("error: {why}"),
        Ok(Err(panic)) => format!("error: panicked: {}", panic_text(&*panic)),
        Err(_) => format!("error: did not finish within {}", plane.settings.run_deadline),
    };
    let status: String = status.chars().take(STATUS_CHARS_MAX).collect();
    tracing::info!(job = name, due_at = %hold.due_at, attempt = hold.attempt, status, "a scheduled run ended");
    if let Err(error) = plane.end_run(name, &hold.run_id, &status).await {
        tracing::warn!(job = name, %error, "the end of a scheduled run was not written; it will be taken up again");
    }
}
