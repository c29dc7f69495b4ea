//! Routines check in; the watch notices who does not.
//!
//! Who is expected is each process's own configuration, and any of them judges for all: a Routine is expected as long as
//! a live replica expects it. Where two expect it differently, the first one's word stands.

use domain::agent::Right;
use domain::check_in::{self, Phase, Routine, Verdict};
use domain::effect::Notify;
use domain::id;
use domain::notice::Level;
use domain::time::{Span, Time};
use futures::FutureExt;
use serde_json::json;
use store::replica::Replica;
use store::{Fault, Tx};

use crate::desk::Desk;
use crate::scheduled::others;
use crate::settings::Watch;
use crate::{Call, No, Plane};

/// How many Routines are listed; more than anybody expects, and those who are expected come first.
const ROUTINES_MAX: i64 = 1_000;

impl Plane {
    /// A Routine says that it began or ended.
    pub async fn check_in(&self, call: &Call, routine: &str, phase: Phase) -> Result<Routine, No> {
        let routine = id::name("routine", routine)?;
        check_in::reserve(&routine, &call.by)?;
        self.write(call, Right::Report, move |desk| check_in(desk, routine.clone(), phase).boxed()).await
    }

    /// The Routines that are expected to check in, then those that did all the same, each by name.
    pub async fn list_routines(&self, call: &Call) -> Result<(Vec<Routine>, Time), No> {
        let mut tx = self.read(call).await?;
        Ok((store::check_in::list(&mut tx, ROUTINES_MAX).await?, tx.now()))
    }

    /// Expects the configured Routines, and tells each silence and each return once. Returns who is late.
    pub async fn watch_routines(&self, call: &Call) -> Result<Vec<String>, No> {
        let watches = self.settings.watch.clone();
        let channel = self.settings.default_channel.clone();
        let link = self.settings.public_url.clone();
        let own = self.replica.clone();
        let late = self
            .write(call, Right::Operate, move |desk| {
                let (watches, channel, link, own) = (watches.clone(), channel.clone(), link.clone(), own.clone());
                async move {
                    let others = others(desk.tx, &own).await?;
                    watch(desk, &watches, &others, channel, link).await
                }
                .boxed()
            })
            .await?;
        self.wake.outbox.notify_one();
        Ok(late)
    }
}

/// The Routine of this name, held still; one that nobody has heard of is written down first.
async fn known(tx: &mut Tx, name: String) -> Result<Routine, No> {
    if let Some(routine) = store::check_in::load(tx, &name).await? {
        return Ok(routine);
    }
    let since = tx.now();
    let new = Routine { name, every: None, grace: Span::ZERO, since, started_at: None, ended_at: None, told_at: None };
    if store::check_in::add(tx, &new).await? { Ok(new) } else { Err(Fault::Conflict.into()) }
}

async fn check_in(desk: &mut Desk<'_>, name: String, phase: Phase) -> Result<Routine, No> {
    let routine = known(desk.tx, name).await?.check_in(phase, desk.now);
    store::check_in::put(desk.tx, &routine).await?;
    desk.record(format!("routine:{}", routine.name), &(), &json!({"phase": phase.name()})).await?;
    Ok(routine)
}

async fn watch(
    desk: &mut Desk<'_>,
    watches: &[Watch],
    others: &[Replica],
    channel: String,
    link: Option<String>,
) -> Result<Vec<String>, No> {
    let by_others = |name: &str| others.iter().any(|other| other.watches(name));
    for watch in watches {
        expect(desk.tx, watch, by_others(&watch.routine)).await?;
    }
    let mut late = Vec::new();
    for routine in store::check_in::expected(desk.tx).await? {
        if !watches.iter().any(|watch| watch.routine == routine.name) && !by_others(&routine.name) {
            // Nobody expects it any more, which is not to say that it came back.
            store::check_in::put(desk.tx, &Routine { every: None, told_at: None, ..routine }).await?;
            continue;
        }
        if routine.late(desk.now) {
            late.push(routine.name.clone());
        }
        let (text, level, told_at) = match routine.judge(desk.now) {
            Verdict::Quiet => continue,
            Verdict::TellLate => (late_text(&routine), Level::Error, Some(desk.now)),
            Verdict::TellBack => (format!("{} checked in again", routine.name), Level::Info, None),
        };
        desk.tell(&Notify { channel: channel.clone(), level, text, link: link.clone() }).await?;
        store::check_in::put(desk.tx, &Routine { told_at, ..routine.clone() }).await?;
        desk.record(format!("routine:{}", routine.name), &(), &json!({"told": level.name()})).await?;
    }
    Ok(late)
}

fn late_text(routine: &Routine) -> String {
    let every = routine.every.unwrap_or(Span::ZERO);
    match routine.ended_at {
        Some(at) => format!("{} is silent: expected every {every}, last ended at {}", routine.name, at.iso()),
        None => {
            format!("{} is silent: expected every {every}, has not ended since {}", routine.name, routine.since.iso())
        }
    }
}

/// Keeps what is expected of a Routine as configured; a changed expectation starts now, with nothing told. One that
/// another replica keeps too stays as it is.
async fn expect(tx: &mut Tx, watch: &Watch, by_others: bool) -> Result<(), No> {
    let now = tx.now();
    let routine = known(tx, watch.routine.clone()).await?;
    let as_configured = routine.every == Some(watch.every) && routine.grace == watch.grace;
    if as_configured || (by_others && routine.every.is_some()) {
        return Ok(());
    }
    let (every, grace) = (Some(watch.every), watch.grace);
    let expected = Routine { every, grace, since: now, told_at: None, ..routine };
    Ok(store::check_in::put(tx, &expected).await?)
}
