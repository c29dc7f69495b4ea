//! What the doctor reads in the database, and what a running server says of itself.

use domain::time::{Span, Time};
use plane::page::{Ask, LIMIT_MAX};
use plane::{Call, No, Plane};
use serde_json::Value;
use store::Store;

use super::probe::Local;
use super::{Check, Verdict};
use crate::show;

/// How far the store's clock and this machine's may be apart. Leases are kept by the store's, logs by the machine's.
const SKEW_MAX: Span = Span::secs(5);

/// How long a message may wait before the outbox counts as stuck: several tries, a minute apart at most.
const LAG_MAX: Span = Span::mins(10);

/// What to do where no server of this database was found. A flag of `serve` is known to that process alone.
const WHERE_HINT: &str = "start one with gapwright serve; if one runs with --listen, tell the doctor too, by \
                          GAPWRIGHT__SERVER__LISTEN or server.listen in the configuration file";

/// Whether the server on this machine works over this database, which then lists it among its replicas.
pub(super) async fn works_here(store: &Store, local: &Local) -> bool {
    let listed = async {
        let mut tx = store.read().await?;
        // The longest unseen too: one whose presence is stuck is still ours.
        store::replica::live(&mut tx, Time(0)).await
    };
    listed.await.is_ok_and(|replicas| replicas.iter().any(|replica| replica.id == local.replica))
}

/// Whether the chores of the server on this machine get done; of a server over another database that says nothing.
pub(super) fn chores(local: Option<&Local>, ours: bool) -> Check {
    let name = "chores";
    match local.map(|local| &local.live) {
        None => Check::new(name, Verdict::Unknown, "no server answers on this machine").hint(WHERE_HINT),
        Some(_) if !ours => {
            Check::new(name, Verdict::Unknown, "the server that answers on this machine works over another database")
                .hint(WHERE_HINT)
        }
        Some(live) if live["live"] == true => Check::new(name, Verdict::Pass, "each finished lately"),
        Some(live) => {
            let stuck: Vec<_> =
                live["stuck_chores"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            Check::new(name, Verdict::Fail, format!("stuck: {}", stuck.join(", ")))
                .hint("restart the server; see its log")
        }
    }
}

/// The store's clock against this machine's.
pub(super) async fn clock(store: &Store) -> Check {
    let there = match store.read().await {
        Ok(tx) => tx.now(),
        Err(fault) => return Check::failed("clock", &fault.into()),
    };
    let here = machine_time();
    let skew = there.since(here).max(here.since(there));
    if skew <= SKEW_MAX {
        return Check::new("clock", Verdict::Pass, format!("{skew} from this machine's"));
    }
    Check::new("clock", Verdict::Fail, format!("the store says {there}, this machine {here}"))
        .hint("set the clocks by NTP; the store's decides what has expired, and never goes behind its own journal")
}

#[expect(clippy::disallowed_methods, reason = "the machine's clock is what is compared with the store's")]
fn machine_time() -> Time {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// Whether messages get out.
pub(super) async fn outbox(plane: &Plane) -> Check {
    let lag = async {
        let mut tx = plane.store().read().await?;
        let (waiting, oldest) = store::outbox::lag(&mut tx).await?;
        Ok((waiting, oldest.map(|oldest| tx.now().since(oldest))))
    };
    match lag.await {
        Ok((0, _)) => Check::new("outbox", Verdict::Pass, "no message waits"),
        Ok((waiting, Some(lag))) if lag > LAG_MAX => Check::new(
            "outbox",
            Verdict::Fail,
            format!("{} on the way, the oldest for {}", show::count(waiting, "message"), minutes(lag)),
        )
        .hint("see the server's log, and try gapwright notify test --channel NAME"),
        Ok((waiting, _)) => {
            Check::new("outbox", Verdict::Pass, format!("{} on the way", show::count(waiting, "message")))
        }
        Err(fault) => Check::failed("outbox", &No::Fault(fault).into()),
    }
}

/// Whether each monitor can be asked.
pub(super) async fn alert_sources(plane: &Plane, call: &Call) -> Check {
    let name = "alert sources";
    let count = plane.settings().alert_sources.len();
    match plane.firing_alerts(call).await {
        Err(no) => Check::failed(name, &no.into()),
        Ok(_) if count == 0 => Check::new(name, Verdict::Pass, "none is configured"),
        Ok(firing) if firing.unreachable.is_empty() => Check::new(
            name,
            Verdict::Pass,
            format!("{count} asked, {} firing", show::count(firing.alerts.len(), "alert")),
        ),
        Ok(firing) => {
            let silent: Vec<_> =
                firing.unreachable.iter().map(|silent| format!("{}: {}", silent.source, silent.why)).collect();
            Check::new(name, Verdict::Fail, silent.join("; ")).hint("check url, path and token of [alerts.NAME]")
        }
    }
}

/// Whether the server's own jobs went well.
pub(super) async fn scheduled(plane: &Plane, call: &Call) -> Check {
    let name = "scheduled jobs";
    let listed = match Ask::new(Some(LIMIT_MAX), None) {
        Ok(ask) => plane.list_scheduled(call, &ask).await,
        Err(refusal) => Err(refusal.into()),
    };
    let jobs = match listed {
        Ok(page) => page.items,
        Err(no) => return Check::failed(name, &no.into()),
    };
    if jobs.is_empty() {
        return Check::new(name, Verdict::Unknown, "none yet").hint("gapwright serve makes those that are configured");
    }
    // One that is switched off keeps its last status, which is no news any more.
    let on = jobs.iter().filter(|seen| plane.settings().schedule.contains_key(&seen.job.name));
    let bad: Vec<_> = on
        .filter_map(|seen| Some((&seen.job.name, seen.last_status.as_ref()?)))
        .filter(|(_, status)| !status.starts_with("ok"))
        .map(|(name, status)| format!("{name}: {status}"))
        .collect();
    if bad.is_empty() {
        return Check::new(
            name,
            Verdict::Pass,
            format!("{}, each went well when it last ran", show::count(jobs.len(), "job")),
        );
    }
    Check::new(name, Verdict::Fail, bad.join("; ")).hint("see gapwright schedules list, and the server's log")
}

/// Whether each expected Routine checked in.
pub(super) async fn routines(plane: &Plane, call: &Call) -> Check {
    let name = "Routines";
    let (routines, now) = match plane.list_routines(call).await {
        Ok(listed) => listed,
        Err(no) => return Check::failed(name, &no.into()),
    };
    let expected = |name: &str| plane.settings().watch.iter().any(|watch| watch.routine == name);
    let late: Vec<_> = routines
        .iter()
        .filter(|routine| expected(&routine.name) && routine.late(now))
        .map(|routine| routine.name.as_str())
        .collect();
    if late.is_empty() {
        return Check::new(name, Verdict::Pass, format!("{} watched, none is late", plane.settings().watch.len()));
    }
    Check::new(name, Verdict::Fail, format!("late: {}", late.join(", "))).hint("see gapwright routines list")
}

/// Whether the journal is as it was written.
pub(super) async fn audit(plane: &Plane, call: &Call) -> Check {
    match plane.verify_journal(call, None).await {
        Err(no) => Check::failed("audit", &no.into()),
        Ok(found) if found.faults.is_empty() => {
            let told =
                format!("{} in {} checked", show::count(found.entries, "entry"), show::count(found.blocks, "block"));
            Check::new("audit", Verdict::Pass, told)
        }
        Ok(found) => Check::new("audit", Verdict::Fail, found.faults.join("; "))
            .hint("somebody changed the journal: keep a copy, and see gapwright audit verify"),
    }
}

fn minutes(span: Span) -> String {
    format!("{} min", span.0 / 60_000)
}
