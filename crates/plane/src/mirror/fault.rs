//! How work with the forge fails, and what that says of what was to be read.

use forge::Fault;

use crate::No;

/// How work with the forge failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// The store, or a rule.
    #[error(transparent)]
    No(#[from] No),
    /// The forge.
    #[error(transparent)]
    Forge(#[from] Fault),
    /// The forge failed before, and is left in peace.
    #[error("{0}")]
    Rests(String),
}

impl From<store::Fault> for Failed {
    fn from(fault: store::Fault) -> Self {
        Self::No(fault.into())
    }
}

/// Whether a fault may be gone by the next look.
pub(crate) fn passes(fault: &Fault) -> bool {
    match fault {
        Fault::Later { .. } | Fault::Paced { .. } | Fault::Moved { .. } | Fault::Unknown { .. } => true,
        Fault::Refused { .. } | Fault::Gone { .. } | Fault::Stale { .. } => false,
    }
}

/// What could be read; none where the forge certainly will not tell. What may be told later is asked again then.
pub(crate) fn known<T>(answer: Result<T, Fault>) -> Result<Option<T>, Failed> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(fault) if passes(&fault) => Err(fault.into()),
        Err(_) => Ok(None),
    }
}
