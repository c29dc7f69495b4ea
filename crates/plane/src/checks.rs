//! Looking for trouble: what gave up, what is held too long, what fires elsewhere.

use domain::job::State;
use domain::time::{Span, Time};
use serde::Serialize;
use store::job::list::{self, Listed};

use crate::page::{Ask, Page};
use crate::{Call, No, Plane};

/// The longest threshold that anybody may ask about.
pub const THRESHOLD_MAX: Span = Span::days(366);

const OUTBOX: &str = "outbox";
const OUTCOME: &str = "outcome";
const ROUTINE_JOB: &str = "routine_job";
const ROUTINE_START: &str = "routine_start";
const SCHEDULED_RUN: &str = "scheduled_run";
const WEBHOOK: &str = "webhook";

/// Something that gave up, or of which nobody can tell whether it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Where it lies: `outbox`, `routine_job`, `scheduled_run` or `webhook`; `outcome` for what was to be made on the forge,
    /// and `routine_start` for a Routine, of which nobody can tell whether it was.
    pub source: &'static str,
    /// Its id or name.
    pub id: String,
    /// Why it gave up.
    pub error: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it gave up, or was last asked for, in Unix milliseconds.
    pub at: i64,
}

impl DeadLetter {
    /// Whether nobody can tell its end, and an operator is to say.
    pub fn is_unknown(&self) -> bool {
        self.releases().is_some()
    }

    /// The command by which an operator says how it ended; none where it is known that it gave up.
    pub fn releases(&self) -> Option<&'static str> {
        match self.source {
            OUTCOME => Some("gapwright pulls release ID --made or --not-made"),
            ROUTINE_START => Some("gapwright routines release ID --started or --not-started"),
            _ => None,
        }
    }
}

impl Plane {
    /// Routine jobs held for longer than `threshold`, longest first.
    pub async fn stuck_jobs(&self, call: &Call, threshold: Span, ask: &Ask) -> Result<Page<Listed>, No> {
        let (after, name) = ask.place((i64::MIN, ""))?;
        let mut tx = self.read(call).await?;
        let then = tx.now() - threshold;
        let jobs = list::held_since(&mut tx, then, (after, &name), ask.rows()).await?;
        Ok(ask.page_of_texts(jobs, |listed| (claimed_at(listed), listed.job.name.clone())))
    }

    /// What gave up, latest first: messages that were never delivered, jobs out of attempts, scheduled runs that were lost,
    /// and webhooks that could not be looked into; and among it what nobody can tell the end of, which an operator says.
    pub async fn dead_letters(&self, call: &Call, ask: &Ask) -> Result<Page<DeadLetter>, No> {
        let (before, id, source) = ask.place_in_order((i64::MAX, String::new(), String::new()))?;
        let mut tx = self.read(call).await?;
        // Letters of one moment and one id come by their source, the last first. No id has a character below a blank.
        let before_of = |own: &str| if source.as_str() > own { format!("{id}\u{1}") } else { id.clone() };
        let messages = store::outbox::list_dead(&mut tx, (before, &before_of(OUTBOX)), ask.rows()).await?;
        let jobs = list::dead(&mut tx, (before, &before_of(ROUTINE_JOB)), ask.rows()).await?;
        let runs = store::scheduled::lost(&mut tx, (before, &before_of(SCHEDULED_RUN)), ask.rows()).await?;
        let hooks = store::webhook::list_dead(&mut tx, (before, &before_of(WEBHOOK)), ask.rows()).await?;
        let sayings = store::pull::say::unknown(&mut tx, (before, &before_of(OUTCOME)), ask.rows()).await?;
        let starts = store::fire::unknown(&mut tx, (before, &before_of(ROUTINE_START)), ask.rows()).await?;
        let mut letters: Vec<_> = messages.into_iter().map(undelivered).collect();
        letters.extend(jobs.into_iter().map(given_up));
        letters.extend(runs.into_iter().map(lost));
        letters.extend(hooks.into_iter().map(unread));
        letters.extend(sayings.into_iter().map(perhaps_made));
        letters.extend(starts.into_iter().map(perhaps_started));
        letters.sort_by(|a, b| (b.at, &b.id, b.source).cmp(&(a.at, &a.id, a.source)));
        letters.truncate(usize::try_from(ask.rows()).unwrap_or(usize::MAX));
        Ok(ask.page_of_texts(letters, |letter| (letter.at, letter.id.clone(), letter.source)))
    }

    /// What the configured monitors say is firing; a monitor that cannot be read is named, never left out.
    pub async fn firing_alerts(&self, call: &Call) -> Result<alerts::Firing, No> {
        call.by.require(domain::agent::Right::Read, call.tool)?;
        Ok(alerts::firing(&self.settings.http, &self.settings.alert_sources).await)
    }
}

fn claimed_at(listed: &Listed) -> i64 {
    match &listed.job.state {
        State::Held(claim) => claim.claimed_at.0,
        State::Idle | State::Waiting | State::Ready | State::Dead => i64::MAX,
    }
}

fn undelivered(row: store::outbox::Row) -> DeadLetter {
    DeadLetter {
        source: OUTBOX,
        id: row.id,
        error: row.last_error.unwrap_or_default(),
        attempts: row.attempts,
        at: row.ended_at.unwrap_or(row.created_at),
    }
}

fn given_up(Listed { job, .. }: Listed) -> DeadLetter {
    DeadLetter {
        source: ROUTINE_JOB,
        error: job.last.as_ref().map_or_else(|| "no run ended".to_owned(), |last| last.status.clone()),
        attempts: job.attempts,
        at: job.last.map_or(job.created_at, |last| last.at).0,
        id: job.name,
    }
}

fn lost(run: store::scheduled::Run) -> DeadLetter {
    DeadLetter {
        source: SCHEDULED_RUN,
        error: format!("{}, due at {}: {}", run.name, Time(run.due_at), run.status),
        id: run.run_id,
        attempts: run.attempt,
        at: run.ended_at,
    }
}

fn unread(row: store::webhook::Row) -> DeadLetter {
    DeadLetter {
        source: WEBHOOK,
        error: row.last_error.unwrap_or_default(),
        id: row.delivery,
        attempts: row.attempts,
        at: row.ended_at.unwrap_or(row.at),
    }
}

fn perhaps_made(say: store::pull::say::Say) -> DeadLetter {
    DeadLetter {
        source: OUTCOME,
        error: format!("{} of the pull request {}: {}", say.what, say.pull, say.error),
        id: say.id,
        attempts: say.tries,
        at: say.at,
    }
}

fn perhaps_started(fire: domain::fire::Fire) -> DeadLetter {
    DeadLetter {
        source: ROUTINE_START,
        error: format!("{} for {}: {}", fire.routine, fire.job, fire.error),
        id: fire.id,
        attempts: fire.tries,
        at: fire.tried_at.0,
    }
}
