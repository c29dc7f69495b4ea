//! The machine under it all: what it is, how its cores were used, and whether anybody else was at work on it.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use store::Store;
use tokio::time::Instant;

use crate::figures::{Quantiles, Spread};

/// How much of the machine others may use before a round waits for them.
const QUIET: f64 = 0.08;

/// How much they may have used in a round before it is measured again.
pub(crate) const DISTURBED: f64 = 0.10;

/// For how many looks more the rounds of this run wait for a quiet machine, all together.
static PATIENCE: AtomicU32 = AtomicU32::new(0);

/// The share that others used in each round that counts.
static DISTURBANCES: Mutex<Vec<f64>> = Mutex::new(Vec::new());

/// How long a look at the machine takes.
const LOOK: Duration = Duration::from_millis(500);

/// A process whose use of the cores is told by itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Watched {
    /// The server under test.
    pub(crate) server: Option<u32>,
    /// The postmaster, its children included.
    pub(crate) postmaster: Option<u32>,
}

/// Seconds of the cores that were used, in all or since another reading.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    pub(crate) server: f64,
    pub(crate) postgres: f64,
    /// This process and its children: the load itself.
    pub(crate) client: f64,
    /// Everything else on the machine.
    pub(crate) others: f64,
    all: f64,
    idle: f64,
}

impl Used {
    /// As it stands since the machine began.
    pub(crate) fn now(watched: Watched) -> Self {
        let (all, idle) = whole();
        let server = watched.server.map_or(0.0, |id| ticks(id, Who::Alone));
        let postgres = watched.postmaster.map_or(0.0, |id| ticks(id, Who::WithChildren) + children(id));
        let client = ticks(std::process::id(), Who::WithChildren);
        // What runs under us is in our own sum once it has ended, the servers under test apart.
        Self { server, postgres, client, others: all - server - postgres - client, all, idle }
    }

    /// Since an earlier reading.
    pub(crate) fn since(self, then: Self) -> Self {
        Self {
            server: self.server - then.server,
            postgres: self.postgres - then.postgres,
            client: self.client - then.client,
            others: (self.others - then.others).max(0.0),
            all: self.all - then.all,
            idle: self.idle - then.idle,
        }
    }

    /// The share of the machine that others used.
    pub(crate) fn disturbance(&self) -> f64 {
        self.others / (self.all + self.idle).max(0.01)
    }
}

/// Busy and idle seconds of all cores.
fn whole() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<f64> =
        stat.lines().next().unwrap_or_default().split(' ').filter_map(|word| word.parse().ok()).collect();
    // user, nice, system, idle, waiting for a disk, interrupts, soft interrupts, taken by other machines
    let [user, nice, system, idle, waiting, hard, soft, stolen, ..] = fields[..] else { return (0.0, 0.0) };
    ((user + nice + system + hard + soft + stolen) / 100.0, (idle + waiting) / 100.0)
}

#[derive(Clone, Copy, PartialEq)]
enum Who {
    Alone,
    /// With its children that have ended.
    WithChildren,
}

/// Seconds that a process has used.
fn ticks(id: u32, who: Who) -> f64 {
    let fields = stat(id);
    let last = if who == Who::Alone { 13 } else { 15 };
    fields.get(11..last).map_or(0.0, |used| used.iter().sum::<f64>() / 100.0)
}

/// Seconds that the living children of a process have used.
fn children(parent: u32) -> f64 {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| parent_of(*id) == Some(parent)).map(|id| ticks(id, Who::Alone)).sum()
}

fn parent_of(id: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// The numbers of `/proc/ID/stat` after the program's name and state, the first of them left out as not a number.
fn stat(id: u32) -> Vec<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split_whitespace().map(|word| word.parse().unwrap_or(0.0)).collect()
}

/// The postmaster that answers a connection.
pub(crate) async fn postmaster(url: &str) -> Option<u32> {
    use sqlx::Connection as _;
    let mut connection = sqlx::PgConnection::connect(url).await.ok()?;
    let (backend,): (i32,) = sqlx::query_as("SELECT pg_backend_pid()").fetch_one(&mut connection).await.ok()?;
    let parent = parent_of(u32::try_from(backend).ok()?);
    connection.close().await.ok()?;
    parent
}

/// Says for how long a run may wait for a quiet machine.
pub(crate) fn be_patient(patience: Duration) {
    let looks = patience.as_millis() / LOOK.as_millis();
    PATIENCE.store(u32::try_from(looks).unwrap_or(u32::MAX), Ordering::Relaxed);
}

/// Waits until nobody else is at work, while there is patience left; then goes on all the same.
pub(crate) async fn quiet() {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.tick().await;
    let mut then = Used::now(Watched::default());
    while PATIENCE.load(Ordering::Relaxed) > 0 {
        ticks.tick().await;
        let now = Used::now(Watched::default());
        if now.since(then).disturbance() < QUIET {
            return;
        }
        then = now;
        PATIENCE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Keeps in mind how much others used in a round that counts.
pub(crate) fn remember(disturbance: f64) {
    DISTURBANCES.lock().unwrap_or_else(PoisonError::into_inner).push(disturbance * 100.0);
}

/// How much others used in the rounds that count, in percent.
pub(crate) fn disturbances() -> Spread {
    Spread::of(DISTURBANCES.lock().unwrap_or_else(PoisonError::into_inner).iter().copied())
}

/// The resident memory of a process and the most it ever had, in MiB.
pub(crate) fn memory(id: u32) -> (f64, f64) {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0)
            / 1_024.0
    };
    (of("VmRSS:"), of("VmHWM:"))
}

/// The machine and the engines, in a line each.
pub(crate) async fn described(home: &Path, engines: &[&Store]) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let meminfo = read("/proc/meminfo");
    let memory = meminfo.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1_048_576.0;
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let mut versions = Vec::new();
    for engine in engines {
        versions.push(engine.version().await.unwrap_or_default());
    }
    let sync = sync(home);
    format!(
        "{cores} cores ({}), {memory:.0} GiB, Linux {}, {}; write and fdatasync of 4 KiB: p50 {:.2} ms, p99 {:.2} ms",
        model.trim_start_matches([':', '\t', ' ']),
        read("/proc/sys/kernel/osrelease").trim(),
        versions.join(", "),
        sync.p50,
        sync.p99,
    )
}

/// What a sync costs where the databases are.
fn sync(home: &Path) -> Quantiles {
    let path = home.join("sync");
    let mut file = fs::File::create(&path).expect("a file");
    let micros = (0..500).map(|_| {
        let began = Instant::now();
        file.write_all(&[7; 4_096]).and_then(|()| file.sync_data()).expect("a sync");
        u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX)
    });
    let quantiles = Quantiles::of(micros.collect());
    fs::remove_file(path).expect("the file removed");
    quantiles
}
