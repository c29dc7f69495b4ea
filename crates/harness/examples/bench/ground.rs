//! What one measurement stands on: a database of its own with jobs in it, and a server over it.

use std::path::{Path, PathBuf};

use domain::agent::Role;
use domain::job::{Job, Payload, Register};
use domain::time::{Span, Time};
use futures::StreamExt as _;
use harness::On;
use harness::postgres::{self, Database};
use harness::served::{Program, Served};
use plane::agent::Grant;
use plane::{Plane, Settings};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sqlx::Connection as _;
use store::{Clock, Store};
use tempfile::TempDir;

use crate::machine::{self, Watched};
use crate::wire::Wire;

/// What the workers of most questions work on.
pub(crate) const KIND: &str = "bench";

/// A payload as an agent would leave it.
const PAYLOAD: &str = r#"{"repository":"acme/widgets","pull_request":1234,"branch":"fix/flaky-login","base":"main","instructions":"read the review, mend what it names, run the tests, push, and answer each thread"}"#;

/// How many jobs one transaction adds.
const ADDED_AT_ONCE: i64 = 2_000;

/// So long ago that every job was due before the first of them is done: 2026-01-01T00:00:00Z.
const LONG_AGO: i64 = 1_767_225_600_000;

/// A database, and where its server's log and files are.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) on: On,
    pub(crate) url: String,
    pub(crate) store: Store,
    folder: TempDir,
    database: Option<Database>,
    postmaster: Option<u32>,
}

impl Ground {
    /// A fresh one below `home` with so many due jobs.
    pub(crate) async fn new(on: On, home: &Path, jobs: i64) -> Self {
        let folder = tempfile::tempdir_in(home).expect("a folder");
        let database = if on == On::Postgres { Some(postgres::database().await) } else { None };
        let url = match &database {
            Some(database) => database.url.clone(),
            None => format!("sqlite:{}", folder.path().join("gapwright.db").display()),
        };
        let store = Store::open(&url, Clock::default()).await.expect("a store");
        store.migrate().await.expect("a schema");
        let postmaster = if on == On::Postgres { machine::postmaster(&url).await } else { None };
        let ground = Self { on, url, store, folder, database, postmaster };
        ground.add(KIND, jobs).await;
        ground.settle().await;
        ground
    }

    /// Adds due jobs of a kind straight to the table, by the store's own statement.
    pub(crate) async fn add(&self, kind: &str, jobs: i64) {
        let firsts = (0..jobs).step_by(usize::try_from(ADDED_AT_ONCE).expect("a step"));
        let added = futures::stream::iter(firsts).for_each_concurrent(4, async |first| {
            let mut tx = self.store.begin().await.expect("a transaction");
            for number in first..jobs.min(first + ADDED_AT_ONCE) {
                assert!(store::job::add(&mut tx, &due(kind, number)).await.expect("a job added"));
            }
            tx.commit().await.expect("jobs on disk");
        });
        added.await;
    }

    /// Leaves the engine nothing to catch up on: what was written is in its place, and Postgres knows its tables.
    pub(crate) async fn settle(&self) {
        if self.on == On::Postgres {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.expect("a connection");
            for order in ["VACUUM (ANALYZE)", "CHECKPOINT"] {
                sqlx::query(order).execute(&mut connection).await.expect("settled");
            }
            connection.close().await.expect("a farewell");
        } else {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.expect("a connection");
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.expect("settled");
            connection.close().await.expect("a farewell");
        }
    }

    /// The released binary over this database, with its defaults.
    pub(crate) fn program(&self, binary: &Path) -> Program {
        Program::new(binary, self.folder.path(), &self.url)
    }

    /// A file of this ground's own.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A plane within this process, over connections of its own; its chores do not run.
    pub(crate) fn plane(&self, seed: u64) -> Plane {
        notify::install_tls();
        Plane::new(self.store.clone(), Settings::new(reqwest::Client::new()), StdRng::seed_from_u64(seed))
    }

    /// A token each for so many agents: every agent is a principal of its own, as in production.
    pub(crate) async fn tokens(&self, prefix: &str, agents: usize) -> Vec<String> {
        self.tokens_as(Role::Routine, prefix, agents).await
    }

    /// The same in any role.
    pub(crate) async fn tokens_as(&self, role: Role, prefix: &str, agents: usize) -> Vec<String> {
        let plane = self.plane(u64::from(std::process::id()));
        let operator = harness::call(Role::Operator, "bench", "cli token create");
        let mut tokens = Vec::new();
        for number in 0..agents {
            let principal = format!("{prefix}-{number}");
            let grant = Grant { principal, role, kinds: Vec::new(), life: Span::days(1) };
            tokens.push(plane.create_token(&operator, grant).await.expect("a token").0);
        }
        tokens
    }

    /// Whose use of the cores is told apart.
    pub(crate) fn watched(&self, server: Option<&Served>) -> Watched {
        Watched { server: server.map(Served::id), postmaster: self.postmaster }
    }

    /// Gives back what it stood on.
    pub(crate) async fn discard(self) {
        self.store.close().await;
        if let Some(database) = self.database {
            database.discard().await;
        }
    }
}

/// A job that is always due: its interval is 0 ms, so that a completion puts it at the end of the line at once, and the
/// line neither empties nor shrinks. The tools' shortest interval is 1 s.
fn due(kind: &str, number: i64) -> Job {
    let payload = Payload::new(&serde_json::from_str(PAYLOAD).expect("a payload")).expect("a payload");
    let new = Register {
        name: format!("{kind}-{number}"),
        kind: kind.to_owned(),
        interval: Some(Span::ZERO),
        payload: Some(payload),
        next_run_at: Some(Time(LONG_AGO + number)),
        priority: 0,
        max_attempts: None,
        created_by: "bench".to_owned(),
        gap: None,
        pull: None,
    };
    Job::register(new, 0, Time(LONG_AGO) + Span::days(1))
}

/// A connection for each token.
pub(crate) async fn connect(served: &Served, tokens: &[String]) -> Vec<Wire> {
    let mut wires = Vec::new();
    for token in tokens {
        wires.push(Wire::connect(&served.url, token).await);
    }
    wires
}
