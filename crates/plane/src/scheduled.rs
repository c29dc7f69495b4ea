//! Scheduled jobs: keeping them as configured, taking and ending runs, and looking at them.

use domain::agent::Right;
use domain::id;
use domain::schedule::Cadence;
use domain::scheduled::{Hold, Scheduled, Taken};
use domain::time::{Span, Time};
use futures::FutureExt;
use serde_json::json;
use store::scheduled::{self, Seen};
use store::{Fault, Tx};

use crate::handler::NAMES;
use crate::page::{Ask, Page};
use crate::{Call, No, Plane};

/// A replica that was not seen for so long is not live.
pub(crate) const REPLICA_LIFE: Span = Span::secs(30);

impl Plane {
    /// Makes the stored jobs be those configured. One whose cadence changed starts afresh; others keep their place.
    pub async fn sync_schedule(&self) -> Result<(), No> {
        let schedule: Vec<_> = self.settings.schedule.iter().map(|(name, text)| (name.clone(), text.clone())).collect();
        for (name, text) in schedule {
            let cadence = Cadence::parse(&text)?;
            self.act.act(move |tx| sync(tx, name.clone(), text.clone(), cadence.clone()).boxed()).await?;
        }
        let off = NAMES.into_iter().filter(|name| !self.settings.schedule.contains_key(*name));
        for name in off {
            self.act.act(move |tx| async move { Ok(scheduled::switch_off(tx, name).await?) }.boxed()).await?;
        }
        Ok(())
    }

    /// Takes a due run of a job, if there is one and nobody has it.
    pub(crate) async fn take_run(&self, name: &str) -> Result<Option<Hold>, No> {
        let (name, chance, replica, deadline) =
            (name.to_owned(), self.chance.clone(), self.replica.clone(), self.settings.run_deadline);
        self.act
            .act(move |tx| {
                let (name, replica) = (name.clone(), replica.clone());
                let run_id = id::mint(tx.now(), chance.draw());
                async move { take(tx, &name, run_id, &replica, deadline).await }.boxed()
            })
            .await
    }

    /// Ends a run, unless it was taken up by somebody else meanwhile; then nothing changes and the answer is false.
    pub(crate) async fn end_run(&self, name: &str, run_id: &str, status: &str) -> Result<bool, No> {
        let (name, run_id, status) = (name.to_owned(), run_id.to_owned(), status.to_owned());
        self.act
            .act(move |tx| {
                let (name, run_id, status) = (name.clone(), run_id.clone(), status.clone());
                async move { end(tx, &name, &run_id, &status).await }.boxed()
            })
            .await
    }

    /// Sets a scheduled job's next run to now and touches nothing else; false when there is no such job.
    pub async fn trigger_scheduled(&self, call: &Call, name: &str) -> Result<bool, No> {
        let name = id::name("name", name)?;
        let done = self
            .write(call, Right::Work, move |desk| {
                let name = name.clone();
                async move {
                    let done = scheduled::trigger(desk.tx, &name).await?;
                    if done {
                        let after = json!({"next_run_at": desk.now.iso()});
                        desk.record(format!("scheduled:{name}"), &(), &after).await?;
                    }
                    Ok(done)
                }
                .boxed()
            })
            .await?;
        self.wake.schedule.notify_one();
        Ok(done)
    }

    /// Scheduled jobs by name.
    pub async fn list_scheduled(&self, call: &Call, ask: &Ask) -> Result<Page<Seen>, No> {
        let (_, after) = ask.place((0, ""))?;
        let mut tx = self.read(call).await?;
        let jobs = scheduled::list(&mut tx, &after, ask.rows()).await?;
        Ok(ask.page(jobs, |seen| (0, seen.job.name.clone())))
    }

    /// Scheduled jobs held for longer than `threshold`, whatever their hold says, longest first.
    pub async fn stuck_scheduled(&self, call: &Call, threshold: Span, ask: &Ask) -> Result<Page<Seen>, No> {
        let (after, name) = ask.place((i64::MIN, ""))?;
        let mut tx = self.read(call).await?;
        let then = tx.now() - threshold;
        let jobs = scheduled::stuck(&mut tx, then, (after, &name), ask.rows()).await?;
        Ok(ask.page(jobs, |seen| (seen.job.hold.as_ref().map_or(0, |hold| hold.since.0), seen.job.name.clone())))
    }

    /// Scheduled jobs for which no live replica has a handler.
    pub async fn orphan_scheduled(&self, call: &Call, ask: &Ask) -> Result<Page<Seen>, No> {
        let (_, after) = ask.place((0, ""))?;
        let mut tx = self.read(call).await?;
        let then = tx.now() - REPLICA_LIFE;
        let live = store::replica::live(&mut tx, then).await?;
        let handled =
            |name: &str| live.iter().any(|replica| replica.handlers.split(',').any(|handler| handler == name));
        let mut jobs = scheduled::list(&mut tx, &after, 1_000).await?;
        jobs.retain(|seen| !handled(&seen.job.name));
        Ok(ask.page(jobs, |seen| (0, seen.job.name.clone())))
    }
}

async fn sync(tx: &mut Tx, name: String, text: String, cadence: Cadence) -> Result<(), No> {
    let now = tx.now();
    let first = match &cadence {
        // What rings by a span rings at once when it is new, so that a fresh server says soon that it lives.
        Cadence::Every(_) => Some(now),
        Cadence::Cron(_) => cadence.next_after(now),
    };
    scheduled::add(tx, &Scheduled { name: name.clone(), cadence: text.clone(), next_run_at: first, hold: None })
        .await?;
    let Some(seen) = scheduled::load(tx, &name).await? else { return Err(Fault::Conflict.into()) };
    let job = seen.job.clone().retime(&text, &cadence, now);
    Ok(scheduled::write(tx, &seen.job, &job).await?)
}

async fn take(tx: &mut Tx, name: &str, run_id: String, replica: &str, deadline: Span) -> Result<Option<Hold>, No> {
    let now: Time = tx.now();
    let Some(seen) = scheduled::due(tx, name).await? else { return Ok(None) };
    let cadence = Cadence::parse(&seen.job.cadence).map_err(|_| Fault::Corrupt {
        table: "scheduled_job",
        column: "cadence",
        id: name.to_owned(),
    })?;
    match seen.job.clone().take(&cadence, run_id, replica, deadline, now) {
        Ok(Taken::Run(job)) => {
            scheduled::write(tx, &seen.job, &job).await?;
            Ok(job.hold)
        }
        Ok(Taken::Lost(job, hold)) => {
            scheduled::write(tx, &seen.job, &job).await?;
            scheduled::ended(tx, name, &hold, "lost: it did not end within its deadline three times").await?;
            Ok(None)
        }
        Err(_) => Ok(None),
    }
}

async fn end(tx: &mut Tx, name: &str, run_id: &str, status: &str) -> Result<bool, No> {
    let Some(seen) = scheduled::load(tx, name).await? else { return Ok(false) };
    match seen.job.clone().finish(run_id) {
        Some((job, hold)) => {
            scheduled::write(tx, &seen.job, &job).await?;
            scheduled::ended(tx, name, &hold, status).await?;
            Ok(true)
        }
        None => Ok(false),
    }
}
