//! Claims: who holds a job, how a claim is asked for and pointed at, and why one is not given or no longer good.

use serde::{Deserialize, Serialize};

use super::Step;
use crate::time::{Span, Time};

/// A lease on a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The handle that guards renew, defer and complete.
    pub id: String,
    /// What the worker calls itself.
    pub holder: String,
    /// Who claimed it.
    pub principal: String,
    /// Since when.
    pub claimed_at: Time,
    /// Until when.
    pub expires_at: Time,
    /// The worker's latest word on how far it is.
    pub progress: Option<String>,
}

/// A wish to claim.
#[derive(Debug, Clone)]
pub struct Take {
    /// What the worker calls itself.
    pub holder: String,
    /// For how long.
    pub ttl: Span,
    /// The handle to give out.
    pub claim_id: String,
}

/// How a claim is pointed at: by its handle, or by whoever holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pointer {
    /// The handle given at the claim.
    Claim(String),
    /// The claiming principal's current claim under this holder label. Two claims under one label cannot be told apart.
    Own(String),
}

/// Why nothing was claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unclaimable {
    /// Somebody holds it until then.
    Held {
        /// What the holder calls itself.
        by: String,
        /// Until when.
        until: Time,
    },
    /// It ran out of attempts just now; here is what to write.
    GaveUp(Box<Step>),
    /// It gave up earlier.
    Dead,
}

/// Why an act on a claim changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stale {
    /// No such job.
    NotFound,
    /// Nobody holds the job.
    NotClaimed,
    /// Another claim holds the job, or this one ended.
    StaleClaim,
    /// The claim ran out. Whoever comes next may have the job.
    Expired,
    /// The claim belongs to another principal.
    NotYours,
}

impl Stale {
    /// The reason as it travels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::NotClaimed => "not_claimed",
            Self::StaleClaim => "stale_claim",
            Self::Expired => "expired",
            Self::NotYours => "not_yours",
        }
    }
}
