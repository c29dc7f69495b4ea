//! Whether this process lives, and whether it can serve.
//!
//! Live means that its chores get done. Ready means that the store answered within the last moments and that the
//! server is not stopping.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plane::Plane;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// How long after one look at the store the next begins. With the two seconds that a look may take, a lost store is
/// noticed within three.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(crate) struct Health {
    plane: Plane,
    store_answers: AtomicBool,
    stopping: AtomicBool,
}

impl Health {
    pub(crate) fn new(plane: Plane) -> Self {
        Self { plane, store_answers: AtomicBool::new(false), stopping: AtomicBool::new(false) }
    }

    /// Looks at the store again and again until `stop`.
    pub(crate) async fn watch(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let answer = self.plane.store().ping().await;
            if self.store_answers.swap(answer.is_ok(), Ordering::SeqCst) != answer.is_ok() {
                match &answer {
                    Ok(()) => tracing::info!("the store answers"),
                    Err(fault) => tracing::error!(%fault, "the store does not answer"),
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// From now on this server is not ready.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    pub(crate) fn store_answers(&self) -> bool {
        self.store_answers.load(Ordering::SeqCst)
    }
}

/// `/livez`
pub(crate) async fn live(State(health): State<Arc<Health>>) -> (StatusCode, Json<Value>) {
    let stuck = health.plane.reports().stuck();
    let status = if stuck.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"live": stuck.is_empty(), "stuck_chores": stuck})))
}

/// `/readyz`
pub(crate) async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, Json<Value>) {
    let (store, stopping) = (health.store_answers(), health.stopping.load(Ordering::SeqCst));
    let ready = store && !stopping;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"ready": ready, "store_answers": store, "stopping": stopping})))
}
