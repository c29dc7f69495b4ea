//! Runs: how each claim ended, for ever.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Claim, Job};
use crate::time::Time;

/// How a claim ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// The worker said ok.
    Ok,
    /// The worker said error.
    Error,
    /// The worker gave it back for later.
    Deferred,
    /// The claim expired and nobody ended it.
    Lost,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Error, Self::Deferred, Self::Lost];

    /// The outcome as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Deferred => "deferred",
            Self::Lost => "lost",
        }
    }

    /// The outcome that a status of a run tells of: its first word, and an error when that is none of ours.
    pub fn of(status: &str) -> Self {
        let word = status.split(':').next().unwrap_or_default();
        Self::ALL.into_iter().find(|outcome| outcome.name() == word).unwrap_or(Self::Error)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The end of a job's latest run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// When it ended.
    pub at: Time,
    /// `ok`, `error: …`, `deferred` or `lost: …`.
    pub status: String,
    /// The worker's own words.
    pub summary: Option<String>,
}

impl Last {
    /// How it ended, in a word of ours.
    pub fn outcome(&self) -> Outcome {
        Outcome::of(&self.status)
    }

    /// Why it did not end well, in the words of whoever said so.
    pub fn why(&self) -> Option<&str> {
        self.status.split_once(':').map(|(_, why)| why.trim()).filter(|why| !why.is_empty())
    }
}

/// One pickup of one job, from its claim to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The claim's handle.
    pub claim_id: String,
    /// The job's name.
    pub job: String,
    /// The job's kind at the time.
    pub kind: String,
    /// Which pickup since the last success it was, from 1.
    pub attempt: i64,
    /// The claim's token.
    pub fencing_token: i64,
    /// Who claimed it.
    pub principal: String,
    /// What the worker called itself.
    pub holder: String,
    /// When it was claimed.
    pub claimed_at: Time,
    /// When it ended.
    pub ended_at: Time,
    /// How it ended.
    pub outcome: Outcome,
    /// `ok`, `error: …`, `deferred`, or what became of it.
    pub status: String,
    /// The worker's own words.
    pub summary: Option<String>,
}

impl Run {
    pub(super) fn ended(
        job: &Job,
        claim: &Claim,
        now: Time,
        outcome: Outcome,
        status: String,
        summary: Option<String>,
    ) -> Self {
        Self {
            claim_id: claim.id.clone(),
            job: job.name.clone(),
            kind: job.kind.clone(),
            attempt: job.attempts,
            fencing_token: job.fencing_token,
            principal: claim.principal.clone(),
            holder: claim.holder.clone(),
            claimed_at: claim.claimed_at,
            ended_at: now,
            outcome,
            status,
            summary,
        }
    }
}
