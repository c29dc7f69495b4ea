//! Looking for trouble: what gave up, what is held too long, what fires elsewhere.

use domain::job::Job;
use domain::time::{Span, Time};
use serde::Serialize;

use crate::page::{Ask, Page};
use crate::{Call, No, Plane};

/// The longest threshold that anybody may ask about.
pub const THRESHOLD_MAX: Span = Span::days(366);

/// Something that gave up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Where it lies: `outbox`, `routine_job` or `scheduled_run`.
    pub source: &'static str,
    /// Its id or name.
    pub id: String,
    /// Why it gave up.
    pub error: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it gave up, in Unix milliseconds.
    pub at: i64,
}

impl Plane {
    /// Routine jobs held for longer than `threshold`, longest first.
    pub async fn stuck_jobs(&self, call: &Call, threshold: Span, ask: &Ask) -> Result<Page<Job>, No> {
        let (after, name) = ask.place((i64::MIN, ""))?;
        let mut tx = self.read(call).await?;
        let then = tx.now() - threshold;
        let jobs = store::job::held_since(&mut tx, then, (after, &name), ask.rows()).await?;
        Ok(ask.page(jobs, |job| (claimed_at(job), job.name.clone())))
    }

    /// What gave up, latest first: messages that were never delivered, jobs out of attempts, and scheduled runs that
    /// were lost.
    pub async fn dead_letters(&self, call: &Call, ask: &Ask) -> Result<Page<DeadLetter>, No> {
        let (before, id) = ask.place((i64::MAX, ""))?;
        let mut tx = self.read(call).await?;
        let messages = store::outbox::list_dead(&mut tx, (before, &id), ask.rows()).await?;
        let jobs = store::job::dead(&mut tx, (before, &id), ask.rows()).await?;
        let runs = store::scheduled::lost(&mut tx, (before, &id), ask.rows()).await?;
        let mut letters: Vec<_> = messages.into_iter().map(undelivered).collect();
        letters.extend(jobs.into_iter().map(given_up));
        letters.extend(runs.into_iter().map(lost));
        letters.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
        letters.truncate(usize::try_from(ask.rows()).unwrap_or(usize::MAX));
        Ok(ask.page(letters, |letter| (letter.at, letter.id.clone())))
    }

    /// What the configured monitors say is firing; a monitor that cannot be read is named, never left out.
    pub async fn firing_alerts(&self, call: &Call) -> Result<alerts::Firing, No> {
        call.by.require(domain::agent::Right::Read, call.tool)?;
        Ok(alerts::firing(&self.settings.http, &self.settings.alert_sources).await)
    }
}

fn claimed_at(job: &Job) -> i64 {
    match &job.state {
        domain::job::State::Held(claim) => claim.claimed_at.0,
        domain::job::State::Idle
        | domain::job::State::Waiting
        | domain::job::State::Ready
        | domain::job::State::Dead => i64::MAX,
    }
}

fn undelivered(row: store::outbox::Row) -> DeadLetter {
    DeadLetter {
        source: "outbox",
        id: row.id,
        error: row.last_error.unwrap_or_default(),
        attempts: row.attempts,
        at: row.ended_at.unwrap_or(row.created_at),
    }
}

fn given_up(job: Job) -> DeadLetter {
    DeadLetter {
        source: "routine_job",
        error: job.last.as_ref().map_or_else(|| "no run ended".to_owned(), |last| last.status.clone()),
        attempts: job.attempts,
        at: job.last.map_or(job.created_at, |last| last.at).0,
        id: job.name,
    }
}

fn lost(run: store::scheduled::Run) -> DeadLetter {
    DeadLetter {
        source: "scheduled_run",
        error: format!("{}, due at {}: {}", run.name, Time(run.due_at), run.status),
        id: run.run_id,
        attempts: run.attempt,
        at: run.ended_at,
    }
}
