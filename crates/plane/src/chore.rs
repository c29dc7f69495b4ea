//! Work of this process that is done again and again: on time, on a bell, one at a time, within a deadline, and with
//! a report of when it last finished.
//!
//! A chore takes no input but the store. Several replicas may do the same chore; rows are taken, not shared.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{No, Plane};

/// How long a chore may go without finishing before this process counts as stuck and is to be restarted.
pub const STUCK_AFTER: Duration = Duration::from_mins(10);

/// One chore.
pub(crate) struct Chore {
    pub(crate) name: &'static str,
    /// How long after it finished it begins again, if no bell rings.
    pub(crate) period: Duration,
    /// How long it may take.
    pub(crate) deadline: Duration,
    /// Begins it at once.
    pub(crate) bell: fn(&Plane) -> Option<&Notify>,
    pub(crate) tick: for<'a> fn(&'a Plane, &'a TaskTracker) -> BoxFuture<'a, Result<(), No>>,
}

/// How a chore has fared.
#[derive(Debug, Clone)]
pub struct Report {
    /// When it last finished, well or not.
    pub finished: Instant,
    /// How long it took.
    pub took: Duration,
    /// Why it last failed; none when it went well.
    pub error: Option<String>,
    /// How often it has finished.
    pub ticks: u64,
}

/// The reports of all chores.
#[derive(Debug, Default)]
pub struct Reports(Mutex<BTreeMap<&'static str, Report>>);

impl Reports {
    /// Every chore's report.
    pub fn all(&self) -> BTreeMap<&'static str, Report> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The chores that have not finished for too long.
    pub fn stuck(&self) -> Vec<&'static str> {
        self.stuck_at(Instant::now())
    }

    fn stuck_at(&self, now: Instant) -> Vec<&'static str> {
        self.all().into_iter().filter(|(_, report)| now - report.finished > STUCK_AFTER).map(|(name, _)| name).collect()
    }

    fn begin(&self, name: &'static str) {
        let fresh = Report { finished: Instant::now(), took: Duration::ZERO, error: None, ticks: 0 };
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(name, fresh);
    }

    fn end(&self, name: &'static str, began: Instant, error: Option<String>) {
        let mut reports = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(report) = reports.get_mut(name) {
            let finished = Instant::now();
            *report = Report { finished, took: finished - began, error, ticks: report.ticks + 1 };
        }
    }
}

impl Plane {
    /// Starts every chore. They end when `stop` is cancelled; `tasks` tells when they have.
    pub fn start_chores(&self, stop: &CancellationToken, tasks: &TaskTracker) {
        for chore in &crate::tend::CHORES {
            self.reports.begin(chore.name);
            tasks.spawn(drive(self.clone(), chore, stop.clone(), tasks.clone()));
        }
    }
}

async fn drive(plane: Plane, chore: &'static Chore, stop: CancellationToken, tasks: TaskTracker) {
    loop {
        let began = Instant::now();
        let error = once(&plane, chore, &tasks).await.err();
        if let Some(error) = &error {
            tracing::warn!(chore = chore.name, error, "a chore failed");
        }
        plane.reports.end(chore.name, began, error);
        let bell = async {
            match (chore.bell)(&plane) {
                Some(bell) => bell.notified().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = bell => {}
            () = tokio::time::sleep(chore.period) => {}
        }
    }
}

/// One tick: a panic and a missed deadline are failures like any other.
async fn once(plane: &Plane, chore: &Chore, tasks: &TaskTracker) -> Result<(), String> {
    let tick = AssertUnwindSafe((chore.tick)(plane, tasks)).catch_unwind();
    match timeout(chore.deadline, tick).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Err(panic)) => Err(format!("panicked: {}", panic_text(&*panic))),
        Err(_) => Err(format!("did not finish within {} s", chore.deadline.as_secs())),
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("something that is not a text")
}

#[cfg(test)]
mod tests {
    use domain::time::Span;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;
    use store::{Clock, Store};

    use super::*;
    use crate::Settings;

    async fn plane() -> Plane {
        notify::install_tls();
        let store = Store::open("sqlite::memory:", Clock::default()).await.expect("a store");
        store.migrate().await.expect("a schema");
        Plane::new(store, Settings::new(reqwest::Client::new()), StdRng::seed_from_u64(1))
    }

    fn chore(tick: for<'a> fn(&'a Plane, &'a TaskTracker) -> BoxFuture<'a, Result<(), No>>) -> Chore {
        let moment = Span(20).duration();
        Chore { name: "test", period: moment, deadline: moment, bell: |_| None, tick }
    }

    #[tokio::test]
    async fn a_chore_that_panics_or_hangs_has_failed_and_may_go_on() {
        let (plane, tasks) = (plane().await, TaskTracker::new());
        let panics = chore(|_, _| async { panic!("oh no") }.boxed());
        assert_eq!(once(&plane, &panics, &tasks).await, Err("panicked: oh no".to_owned()));
        let hangs = chore(|_, _| std::future::pending().boxed());
        assert_eq!(once(&plane, &hangs, &tasks).await, Err("did not finish within 0 s".to_owned()));
        let works = chore(|_, _| async { Ok(()) }.boxed());
        assert_eq!(once(&plane, &works, &tasks).await, Ok(()));
    }

    #[tokio::test]
    async fn every_chore_reports_and_one_that_does_not_counts_as_stuck() {
        let plane = plane().await;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        plane.start_chores(&stop, &tasks);
        stop.cancel();
        tasks.close();
        tasks.wait().await;
        let reports = plane.reports().all();
        assert_eq!(
            reports.keys().copied().collect::<Vec<_>>(),
            [
                "decisions",
                "deliver",
                "figures",
                "gaps",
                "lines",
                "mirror",
                "outcomes",
                "presence",
                "pulls",
                "ring",
                "seal"
            ]
        );
        assert!(reports.values().all(|report| report.ticks == 1 && report.error.is_none()), "{reports:?}");
        let now = Instant::now();
        assert_eq!(plane.reports().stuck_at(now + STUCK_AFTER / 2), Vec::<&str>::new());
        assert_eq!(plane.reports().stuck_at(now + STUCK_AFTER * 2).len(), 11);
    }
}
