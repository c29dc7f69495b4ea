//! Scheduled jobs: keeping them as configured, taking and ending runs, and looking at them.
//!
//! Which jobs ring is each process's own configuration. One that has no cadence for a job does not ring it; the stored
//! job is off only when no live replica rings it, and one that does puts its cadence back.

use domain::agent::Right;
use domain::id;
use domain::schedule::Cadence;
use domain::scheduled::{Hold, Scheduled, Taken, Triggered};
use domain::time::{Span, Time};
use futures::FutureExt;
use serde_json::json;
use store::replica::Replica;
use store::scheduled::{self, Seen};
use store::{Fault, Tx};

use crate::desk::Desk;
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
        self.switch_off().await
    }

    /// Switches off the jobs that neither this process nor another live replica rings.
    pub(crate) async fn switch_off(&self) -> Result<(), No> {
        let off: Vec<_> = NAMES.into_iter().filter(|name| !self.settings.schedule.contains_key(*name)).collect();
        if off.is_empty() {
            return Ok(());
        }
        let own = self.replica.clone();
        self.act
            .act(move |tx| {
                let (off, own) = (off.clone(), own.clone());
                async move {
                    let others = others(tx, &own).await?;
                    for name in off.into_iter().filter(|name| !others.iter().any(|other| other.rings(name))) {
                        scheduled::switch_off(tx, name).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// Takes a due run of a job, if there is one and nobody has it; `cadence` is this process's own for it.
    pub(crate) async fn take_run(&self, name: &str, cadence: &str) -> Result<Option<Hold>, No> {
        let ours = (cadence.to_owned(), Cadence::parse(cadence)?);
        let (name, chance, replica, deadline) =
            (name.to_owned(), self.chance.clone(), self.replica.clone(), self.settings.run_deadline);
        self.act
            .act(move |tx| {
                let (name, replica, ours) = (name.clone(), replica.clone(), ours.clone());
                let run_id = id::mint(tx.now(), chance.draw());
                async move {
                    match scheduled::due(tx, &name).await?.filter(|seen| !seen.job.is_off()) {
                        Some(seen) => take(tx, seen, run_id, &replica, deadline).await,
                        None => set_right(tx, &name, &ours).await.map(|()| None),
                    }
                }
                .boxed()
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

    /// Sets a scheduled job's next run to now and touches nothing else; not of one that is off.
    pub async fn trigger_scheduled(&self, call: &Call, name: &str) -> Result<Triggered, No> {
        let name = id::name("name", name)?;
        let done = self.write(call, Right::Work, move |desk| trigger(desk, name.clone()).boxed()).await?;
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

    /// How the last runs of a scheduled job ended, the latest first.
    pub async fn list_rung(&self, call: &Call, name: &str, limit: i64) -> Result<Vec<scheduled::Run>, No> {
        let mut tx = self.read(call).await?;
        Ok(scheduled::runs(&mut tx, name, i64::MAX, limit).await?)
    }

    /// The servers that are live, by when they began.
    pub async fn list_replicas(&self, call: &Call) -> Result<Vec<Replica>, No> {
        let mut tx = self.read(call).await?;
        let then = tx.now() - REPLICA_LIFE;
        Ok(store::replica::live(&mut tx, then).await?)
    }

    /// Scheduled jobs held for longer than `threshold`, whatever their hold says, longest first.
    pub async fn stuck_scheduled(&self, call: &Call, threshold: Span, ask: &Ask) -> Result<Page<Seen>, No> {
        let (after, name) = ask.place((i64::MIN, ""))?;
        let mut tx = self.read(call).await?;
        let then = tx.now() - threshold;
        let jobs = scheduled::stuck(&mut tx, then, (after, &name), ask.rows()).await?;
        Ok(ask.page(jobs, |seen| (seen.job.hold.as_ref().map_or(0, |hold| hold.since.0), seen.job.name.clone())))
    }

    /// Scheduled jobs that no live replica rings, though they are not off.
    pub async fn orphan_scheduled(&self, call: &Call, ask: &Ask) -> Result<Page<Seen>, No> {
        let (_, after) = ask.place((0, ""))?;
        let mut tx = self.read(call).await?;
        let then = tx.now() - REPLICA_LIFE;
        let live = store::replica::live(&mut tx, then).await?;
        let mut jobs = scheduled::list(&mut tx, &after, 1_000).await?;
        jobs.retain(|seen| !seen.job.is_off() && !live.iter().any(|replica| replica.rings(&seen.job.name)));
        Ok(ask.page(jobs, |seen| (0, seen.job.name.clone())))
    }
}

/// The live replicas but for this one.
pub(crate) async fn others(tx: &mut Tx, own: &str) -> Result<Vec<Replica>, Fault> {
    let then = tx.now() - REPLICA_LIFE;
    let mut live = store::replica::live(tx, then).await?;
    live.retain(|replica| replica.id != own);
    Ok(live)
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
    let rung = scheduled::rung(tx, &name, now).await?;
    let job = seen.job.clone().retime(&text, &cadence, now).set_back(&cadence, &rung, now);
    Ok(scheduled::write(tx, &seen.job, &job).await?)
}

/// Sets a job right that would ring too late because the clock went back, or that is off though this process rings it.
async fn set_right(tx: &mut Tx, name: &str, (text, ours): &(String, Cadence)) -> Result<(), No> {
    let now = tx.now();
    let Some(latest) = ours.next_after(now) else { return Ok(()) };
    let Some(seen) = scheduled::astray(tx, name, latest).await? else { return Ok(()) };
    let job = if seen.job.is_off() { seen.job.clone().retime(text, ours, now) } else { seen.job.clone() };
    let rung = scheduled::rung(tx, name, now).await?;
    let job = job.clone().set_back(&cadence_of(&job)?, &rung, now);
    // A slower cadence of another replica's configuration is not astray.
    if job == seen.job { Ok(()) } else { Ok(scheduled::write(tx, &seen.job, &job).await?) }
}

/// The stored cadence, which another replica's configuration may have set.
fn cadence_of(job: &Scheduled) -> Result<Cadence, Fault> {
    let corrupt = |_| Fault::Corrupt { table: "scheduled_job", column: "cadence", id: job.name.clone() };
    Cadence::parse(&job.cadence).map_err(corrupt)
}

async fn trigger(desk: &mut Desk<'_>, name: String) -> Result<Triggered, No> {
    if scheduled::trigger(desk.tx, &name).await? {
        let after = json!({"next_run_at": desk.now.iso()});
        desk.record(format!("scheduled:{name}"), &(), &after).await?;
        return Ok(Triggered::Now);
    }
    Ok(if scheduled::find(desk.tx, &name).await?.is_some() { Triggered::Off } else { Triggered::NotFound })
}

async fn take(tx: &mut Tx, seen: Seen, run_id: String, replica: &str, deadline: Span) -> Result<Option<Hold>, No> {
    let now: Time = tx.now();
    let (cadence, name) = (cadence_of(&seen.job)?, seen.job.name.clone());
    match seen.job.clone().take(&cadence, run_id, replica, deadline, now) {
        Ok(Taken::Run(job)) => {
            let rung = scheduled::rung(tx, &name, now).await?;
            let job = job.skip(&cadence, &rung);
            scheduled::write(tx, &seen.job, &job).await?;
            Ok(job.hold)
        }
        Ok(Taken::Lost(job, hold)) => {
            scheduled::write(tx, &seen.job, &job).await?;
            scheduled::ended(tx, &name, &hold, "lost: it did not end within its deadline three times").await?;
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
