//! Numbers for Prometheus. What is counted here is counted in this process; what is told of the store is read from
//! it, at most every fifteen seconds.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use plane::Plane;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::health::Health;

/// For how long what was read from the store is told again.
const FRESH_FOR: Duration = Duration::from_secs(15);

/// How long reading it may take.
const READ_MAX: Duration = Duration::from_secs(4);

/// What every number's name begins with.
const PREFIX: &str = "gapwright";

/// Seconds that a call may take, as buckets.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Called {
    tool: String,
    code: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByTool {
    tool: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByChore {
    chore: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByState {
    state: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct About {
    version: String,
    catalogue_hash: String,
}

/// The numbers of this process.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    calls: Family<Called, Counter>,
    seconds: Family<ByTool, Histogram>,
    under_way: Family<ByTool, Gauge>,
    tokens_asked: Counter,
    streams: Gauge,
}

impl Metrics {
    pub(crate) fn new(prefix: &str) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let calls = Family::<Called, Counter>::default();
        let seconds = Family::<ByTool, Histogram>::new_with_constructor(|| Histogram::new(SECONDS));
        registry.register("tool_calls", "Tool calls by tool and how they went", calls.clone());
        registry.register("tool_call_seconds", "How long tool calls took", seconds.clone());
        let under_way = Family::<ByTool, Gauge>::default();
        registry.register("tool_calls_under_way", "Tool calls that have no answer yet", under_way.clone());
        let tokens_asked = Counter::default();
        registry.register("tokens_asked", "Bearer tokens that the store was asked for", tokens_asked.clone());
        let streams = Gauge::default();
        registry.register("streams", "Streams of events that clients hold open", streams.clone());
        let about = Family::<About, Gauge>::default();
        let label =
            About { version: env!("CARGO_PKG_VERSION").to_owned(), catalogue_hash: crate::mcp::catalogue_hash(prefix) };
        about.get_or_create(&label).set(1);
        registry.register("build_info", "What this program is and the hash of its catalogue", about);
        Self { registry, calls, seconds, under_way, tokens_asked, streams }
    }

    /// Counts a call that begins.
    pub(crate) fn begun(&self, tool: &str) {
        self.under_way.get_or_create(&ByTool { tool: tool.to_owned() }).inc();
    }

    /// Counts a call that has ended.
    pub(crate) fn ended(&self, tool: &str, code: &str, took: Duration) {
        let by_tool = ByTool { tool: tool.to_owned() };
        self.under_way.get_or_create(&by_tool).dec();
        self.seconds.get_or_create(&by_tool).observe(took.as_secs_f64());
        self.calls.get_or_create(&Called { tool: tool.to_owned(), code: code.to_owned() }).inc();
    }

    /// Counts one question to the store about a token.
    pub(crate) fn token_asked(&self) {
        self.tokens_asked.inc();
    }

    /// How many streams of events are open.
    pub(crate) fn streams(&self) -> &Gauge {
        &self.streams
    }
}

/// What `/metrics` tells.
pub(crate) struct Told {
    pub(crate) plane: Plane,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Arc<Health>,
    read: Mutex<Option<(Instant, String)>>,
}

impl Told {
    pub(crate) fn new(plane: Plane, metrics: Arc<Metrics>, health: Arc<Health>) -> Self {
        Self { plane, metrics, health, read: Mutex::default() }
    }

    /// The store's numbers, or nothing when it does not answer: an old number would be taken for a present one.
    async fn of_store(&self) -> Option<String> {
        let mut read = self.read.lock().await;
        if let Some((at, text)) = read.as_ref()
            && at.elapsed() < FRESH_FOR
        {
            return Some(text.clone());
        }
        let text = timeout(READ_MAX, read_store(&self.plane)).await.ok()?.ok()?;
        *read = Some((Instant::now(), text.clone()));
        Some(text)
    }

    fn of_chores(&self, registry: &mut Registry) {
        let (ages, failing) =
            (Family::<ByChore, Gauge<f64, AtomicU64>>::default(), Family::<ByChore, Gauge>::default());
        for (name, report) in self.plane.reports().all() {
            let label = ByChore { chore: name.to_owned() };
            ages.get_or_create(&label).set(report.finished.elapsed().as_secs_f64());
            failing.get_or_create(&label).set(i64::from(report.error.is_some()));
        }
        registry.register("chore_age_seconds", "How long ago a chore last finished", ages);
        registry.register("chore_failing", "Whether the last tick of a chore failed", failing);
    }
}

/// The store's numbers as text. They are registered afresh at each reading, so that none outlives what it tells of.
async fn read_store(plane: &Plane) -> Result<String, store::Fault> {
    let mut tx = plane.store().read().await?;
    let now = tx.now();
    let mut registry = Registry::with_prefix(PREFIX);
    let counts = store::job::count(&mut tx).await?;
    let jobs = Family::<ByState, Gauge>::default();
    for count in &counts {
        jobs.get_or_create(&ByState { state: count.state.clone() }).set(count.jobs);
    }
    registry.register("jobs", "Routine jobs by state", jobs);
    let oldest = counts.iter().filter(|count| count.state == "ready").find_map(|count| count.oldest);
    let waiting = oldest.map_or(0, |due| now.since(domain::time::Time(due)).0);
    gauge(&mut registry, "job_oldest_ready_ms", "How long the oldest ready job has been due", waiting);
    gauge(&mut registry, "locks", "Live locks", store::lock::count(&mut tx).await?);
    let (pending, oldest) = store::outbox::lag(&mut tx).await?;
    gauge(&mut registry, "outbox_pending", "Messages that wait to be delivered", pending);
    let age = oldest.map_or(0, |at| now.since(at).0);
    gauge(&mut registry, "outbox_oldest_ms", "How long the oldest message has waited", age);
    let routines = store::check_in::list(&mut tx, 1_000).await?;
    let late = routines.iter().filter(|routine| routine.late(now)).count();
    gauge(
        &mut registry,
        "routines_late",
        "Routines that did not check in in time",
        i64::try_from(late).unwrap_or(i64::MAX),
    );
    read_gaps(&mut tx, &mut registry).await?;
    Ok(text_of(&registry))
}

/// The numbers of the registry of gaps and of its mirror.
async fn read_gaps(tx: &mut store::Tx, registry: &mut Registry) -> Result<(), store::Fault> {
    let gaps = Family::<ByState, Gauge>::default();
    for total in store::gap::totals(tx).await? {
        gaps.get_or_create(&ByState { state: total.state }).inc_by(total.gaps);
    }
    registry.register("gaps", "Capability gaps by state", gaps);
    let (level, _) = store::level::current(tx).await?;
    let rung = domain::level::Level::ALL.iter().position(|known| *known == level).unwrap_or_default();
    let rung = i64::try_from(rung).unwrap_or_default();
    gauge(registry, "level", "The level of autonomy: 0 observe, 1 propose, 2 pipeline, 3 automerge", rung);
    let waiting = store::webhook::count_pending(tx).await?;
    gauge(registry, "webhooks_pending", "Webhooks that wait to be looked into", waiting);
    let polled = store::repository::last_polled(tx).await?;
    let age = polled.map_or(-1, |at| tx.now().since(at).0);
    gauge(registry, "forge_age_ms", "How long ago the forge was last read in full, -1 for never", age);
    Ok(())
}

fn gauge(registry: &mut Registry, name: &str, about: &str, value: i64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value);
    registry.register(name, about, gauge);
}

/// A registry as text, without the end mark: several are told together.
fn text_of(registry: &Registry) -> String {
    let mut text = String::new();
    match encode(&mut text, registry) {
        Ok(()) => text.trim_end().trim_end_matches("# EOF").to_owned(),
        Err(_) => String::new(),
    }
}

/// `/metrics`
pub(crate) async fn metrics(State(told): State<Arc<Told>>) -> Response {
    let of_store = told.of_store().await;
    let mut registry = Registry::with_prefix(PREFIX);
    told.of_chores(&mut registry);
    let up = told.health.store_answers() && of_store.is_some();
    gauge(&mut registry, "store_up", "Whether the store answers", i64::from(up));
    let texts = [text_of(&told.metrics.registry), text_of(&registry), of_store.unwrap_or_default()];
    let text = texts.concat() + "# EOF\n";
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}
