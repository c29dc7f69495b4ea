//! A door at which anybody may knock, without a token: so many are let in at once, and the others are told so.

use std::sync::Arc;

use plane::Plane;
use tokio::sync::{Semaphore, SemaphorePermit};

/// A way to the plane for those whom nobody knows.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) plane: Plane,
    room: Arc<Semaphore>,
}

impl Door {
    /// A door that lets so many in at once.
    pub(crate) fn new(plane: Plane, at_once: usize) -> Self {
        Self { plane, room: Arc::new(Semaphore::new(at_once)) }
    }

    /// Room for one, for as long as it is kept; none where all of it is taken.
    pub(crate) fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.room.try_acquire().ok()
    }
}
