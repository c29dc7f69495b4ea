//! The two engines, and the only file that knows there are two.
//!
//! SQLite has one writer connection, begins every write at once, and syncs at each commit. Postgres has a pool, runs
//! READ COMMITTED, and gives up on what waits too long. The SQL is the same text on both; row locks are taken out of
//! it for SQLite, which has one writer and so neither needs nor knows them.

mod file;
mod open;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use domain::time::Time;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, FromRow, PgPool, Postgres, SqlSafeStr, Sqlite, SqlitePool, Transaction};
use tokio::time::{Instant, timeout_at};

use crate::clock::Clock;
use crate::engine::file::File;
use crate::fault::Fault;
use crate::migration;

/// How long a call may wait for a connection.
const ACQUIRE_MAX: Duration = Duration::from_secs(2);

/// How long a look may take, from the wait for its connection to its last row.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// A value bound to a statement.
#[derive(Debug, Clone, Copy)]
pub enum Arg<'a> {
    /// A number, or a moment in Unix milliseconds.
    Int(i64),
    /// A number or nothing.
    MaybeInt(Option<i64>),
    /// A text.
    Text(&'a str),
    /// A text or nothing.
    MaybeText(Option<&'a str>),
}

/// A row shape that both engines can decode.
pub trait Record: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// Which engine it is, for those few who must tell: group commits, the doctor, the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The embedded default.
    Sqlite,
    /// For several replicas.
    Postgres,
}

/// An open store.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    clock: Arc<Clock>,
}

#[derive(Debug, Clone)]
enum Pool {
    Sqlite { writer: SqlitePool, readers: SqlitePool, glances: SqlitePool, file: Option<File> },
    Postgres { writers: PgPool, readers: PgPool, glances: PgPool },
}

/// A transaction. Dropped without a commit, it leaves nothing.
pub struct Tx {
    inner: Inner,
    now: Time,
    /// Until when it may be asked; a write is timed by whoever decides it.
    until: Option<Instant>,
}

enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

macro_rules! bound {
    ($query:expr, $args:expr) => {
        $args.iter().fold($query, |query, arg| match *arg {
            Arg::Int(value) => query.bind(value),
            Arg::MaybeInt(value) => query.bind(value),
            Arg::Text(value) => query.bind(value),
            Arg::MaybeText(value) => query.bind(value),
        })
    };
}

/// How often a migrator waits for the one before it, five seconds each time: several processes may start at once.
const MIGRATORS_WAIT: usize = 12;

/// A transaction that writes, once every other migrator is done.
async fn first_in_line(writer: &sqlx::SqlitePool) -> Result<sqlx::SqliteTransaction<'static>, Fault> {
    let mut waited = 0;
    loop {
        match writer.begin_with("BEGIN IMMEDIATE").await.map_err(Fault::from) {
            Err(Fault::Busy(_)) if waited < MIGRATORS_WAIT => waited += 1,
            begun => return begun,
        }
    }
}

impl Store {
    /// Opens `sqlite:PATH`, `sqlite::memory:` or `postgres://…` without touching its schema.
    pub async fn open(url: &str, clock: Clock) -> Result<Self, Fault> {
        let pool = if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            open::postgres(url).await?
        } else if url.starts_with("sqlite:") {
            open::sqlite(url).await?
        } else {
            return Err(Fault::Address);
        };
        Ok(Self { pool, clock: Arc::new(clock) })
    }

    /// Which engine this is.
    pub fn engine(&self) -> Engine {
        match self.pool {
            Pool::Sqlite { .. } => Engine::Sqlite,
            Pool::Postgres { .. } => Engine::Postgres,
        }
    }

    /// Begins a transaction that may write, and reads the clock for it, once.
    pub async fn begin(&self) -> Result<Tx, Fault> {
        let mut inner = match &self.pool {
            Pool::Sqlite { writer, file, .. } => {
                let tx = writer.begin_with("BEGIN IMMEDIATE").await?;
                file.as_ref().map_or(Ok(()), File::check)?;
                Inner::Sqlite(tx)
            }
            Pool::Postgres { writers, .. } => {
                // One that fell silent since it was given back would never answer.
                let begin = Box::pin(async { Ok(writers.begin().await?) });
                Inner::Postgres(in_time(Some(Instant::now() + LOOK_MAX), Fault::Gone, begin).await?)
            }
        };
        let now = self.now(&mut inner).await?;
        Ok(Tx { inner, now, until: None })
    }

    /// Begins a transaction that only reads, beside the writer. It and all that it is asked have five seconds.
    pub async fn read(&self) -> Result<Tx, Fault> {
        let begin = Box::pin(async {
            Ok(match &self.pool {
                Pool::Sqlite { readers, file, .. } => {
                    file.as_ref().map_or(Ok(()), File::check)?;
                    Inner::Sqlite(readers.begin().await?)
                }
                Pool::Postgres { readers, .. } => Inner::Postgres(readers.begin().await?),
            })
        });
        self.look(begin).await
    }

    /// Begins a read of a row or two by their keys, which waits neither for the writer nor for those who read lists.
    pub async fn glance(&self) -> Result<Tx, Fault> {
        let begin = Box::pin(async {
            Ok(match &self.pool {
                Pool::Sqlite { glances, .. } => Inner::Sqlite(glances.begin().await?),
                Pool::Postgres { glances, .. } => Inner::Postgres(glances.begin().await?),
            })
        });
        self.look(begin).await
    }

    async fn look(&self, begin: impl Future<Output = Result<Inner, Fault>>) -> Result<Tx, Fault> {
        let until = Instant::now() + LOOK_MAX;
        let begun = async {
            let mut inner = begin.await?;
            let now = self.now(&mut inner).await?;
            Ok(Tx { inner, now, until: Some(until) })
        };
        in_time(Some(until), Fault::Gone, Box::pin(begun)).await
    }

    /// Asks whether the store answers, within two seconds.
    pub async fn ping(&self) -> Result<(), Fault> {
        let asked = async {
            match &self.pool {
                Pool::Sqlite { glances, file, .. } => {
                    file.as_ref().map_or(Ok(()), File::check)?;
                    sqlx::query("SELECT COUNT(*) FROM fence").execute(glances).await.map_err(Fault::from).map(drop)
                }
                Pool::Postgres { glances, .. } => {
                    sqlx::query("SELECT COUNT(*) FROM fence").execute(glances).await.map_err(Fault::from).map(drop)
                }
            }
        };
        match tokio::time::timeout(ACQUIRE_MAX, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::Gone("the database did not answer within 2 s".to_owned())),
        }
    }

    /// Brings the schema up to date; several processes may try at once. Returns how many migrations there are.
    pub async fn migrate(&self) -> Result<usize, Fault> {
        let migrator = migration::all(self.engine());
        match &self.pool {
            Pool::Sqlite { writer, .. } => {
                // SQLite has no lock for migrators; the one for writers keeps two processes apart.
                let mut tx = first_in_line(writer).await?;
                migrator.run_direct(None, &mut *tx, false).await?;
                tx.commit().await?;
            }
            Pool::Postgres { writers, .. } => migrator.run(writers).await?,
        }
        self.resume_clock().await?;
        Ok(migrator.iter().count())
    }

    /// The versions that the schema has, oldest first; empty before the first migration.
    pub async fn schema(&self) -> Result<Vec<i64>, Fault> {
        const VERSIONS: &str = "SELECT version FROM _sqlx_migrations ORDER BY version";
        let rows: Result<Vec<(i64,)>, _> = match &self.pool {
            Pool::Sqlite { readers, .. } => sqlx::query_as(VERSIONS).fetch_all(readers).await,
            Pool::Postgres { readers, .. } => sqlx::query_as(VERSIONS).fetch_all(readers).await,
        };
        match rows {
            Ok(rows) => Ok(rows.into_iter().map(|(version,)| version).collect()),
            Err(sqlx::Error::Database(error)) if error.message().contains("_sqlx_migrations") => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// The engine's own name and version, for the doctor.
    pub async fn version(&self) -> Result<String, Fault> {
        let (text,): (String,) = match &self.pool {
            Pool::Sqlite { readers, .. } => {
                sqlx::query_as("SELECT 'SQLite ' || sqlite_version()").fetch_one(readers).await?
            }
            Pool::Postgres { readers, .. } => {
                sqlx::query_as("SELECT 'PostgreSQL ' || current_setting('server_version')").fetch_one(readers).await?
            }
        };
        Ok(text)
    }

    /// Whether the engine takes this statement, as it stands in the source.
    pub async fn prepare(&self, sql: &'static str) -> Result<(), Fault> {
        match &self.pool {
            Pool::Sqlite { writer, .. } => {
                use sqlx::Executor as _;
                writer.acquire().await?.prepare(AssertSqlSafe(without_row_locks(sql)).into_sql_str()).await?;
            }
            Pool::Postgres { readers, .. } => {
                use sqlx::Executor as _;
                readers.acquire().await?.prepare(sql.into_sql_str()).await?;
            }
        }
        Ok(())
    }

    /// Closes every connection and waits for it.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite { writer, readers, glances, .. } => {
                readers.close().await;
                glances.close().await;
                // So that the file alone is the whole database, as whoever copies it expects.
                drop(sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(writer).await);
                writer.close().await;
            }
            Pool::Postgres { writers, readers, glances } => {
                readers.close().await;
                glances.close().await;
                writers.close().await;
            }
        }
    }

    /// The store's own clock: Postgres's, so that replicas cannot disagree, or this process's for SQLite.
    async fn now(&self, inner: &mut Inner) -> Result<Time, Fault> {
        if let Some(now) = self.clock.turned() {
            return Ok(now);
        }
        match inner {
            Inner::Sqlite(_) => Ok(self.clock.process()),
            Inner::Postgres(tx) => {
                const NOW: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
                let (now,): (i64,) = sqlx::query_as(NOW).fetch_one(&mut **tx).await?;
                Ok(Time(now))
            }
        }
    }

    /// Never goes behind the last thing that was written, whatever the machine's clock says after a restart.
    async fn resume_clock(&self) -> Result<(), Fault> {
        if let Pool::Sqlite { readers, .. } = &self.pool {
            const LAST: &str =
                "SELECT MAX(at) FROM (SELECT MAX(at) AS at FROM journal UNION ALL SELECT MAX(at) FROM local_event)";
            let (last,): (Option<i64>,) = sqlx::query_as(LAST).fetch_one(readers).await?;
            self.clock.resume(Time(last.unwrap_or(0)));
        }
        Ok(())
    }
}

impl Tx {
    /// The moment at which this transaction happens.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The same without a limit of time, for whoever looks at everything there is.
    #[must_use]
    pub fn unhurried(self) -> Self {
        Self { until: None, ..self }
    }

    /// All rows of a statement.
    pub async fn all<R: Record>(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<R>, Fault> {
        let until = self.until;
        let asked = Box::pin(async {
            Ok(match &mut self.inner {
                Inner::Sqlite(tx) => {
                    let sql = AssertSqlSafe(without_row_locks(sql));
                    bound!(sqlx::query_as(sql), args).fetch_all(&mut **tx).await?
                }
                Inner::Postgres(tx) => bound!(sqlx::query_as(sql), args).fetch_all(&mut **tx).await?,
            })
        });
        in_time(until, Fault::Busy, asked).await
    }

    /// The first row of a statement, if there is one.
    pub async fn one<R: Record>(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<Option<R>, Fault> {
        Ok(self.all(sql, args).await?.into_iter().next())
    }

    /// How many rows a statement changed.
    pub async fn run(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, Fault> {
        Ok(match &mut self.inner {
            Inner::Sqlite(tx) => {
                let sql = AssertSqlSafe(without_row_locks(sql));
                bound!(sqlx::query(sql), args).execute(&mut **tx).await?.rows_affected()
            }
            Inner::Postgres(tx) => bound!(sqlx::query(sql), args).execute(&mut **tx).await?.rows_affected(),
        })
    }

    /// Makes everything since [`Store::begin`] durable.
    pub async fn commit(self) -> Result<(), Fault> {
        match self.inner {
            Inner::Sqlite(tx) => tx.commit().await?,
            Inner::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Marks a point to which one command of a group can be taken back.
    pub async fn mark(&mut self) -> Result<(), Fault> {
        self.run("SAVEPOINT command", &[]).await.map(drop)
    }

    /// Keeps what came since the mark.
    pub async fn keep(&mut self) -> Result<(), Fault> {
        self.run("RELEASE SAVEPOINT command", &[]).await.map(drop)
    }

    /// Takes back what came since the mark.
    pub async fn take_back(&mut self) -> Result<(), Fault> {
        self.run("ROLLBACK TO SAVEPOINT command", &[]).await?;
        self.keep().await
    }
}

/// What is done before the time is up, where it is limited: to begin late is to reach nobody, to end late may be a long
/// look at a sound store.
async fn in_time<T>(
    until: Option<Instant>,
    late: fn(String) -> Fault,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let Some(until) = until else { return work.await };
    let told = || late(format!("it did not answer within {} s", LOOK_MAX.as_secs()));
    timeout_at(until, work).await.unwrap_or_else(|_| Err(told()))
}

/// The statement for an engine without row locks.
fn without_row_locks(sql: &'static str) -> Cow<'static, str> {
    if sql.contains("FOR UPDATE") {
        Cow::Owned(sql.replace("FOR UPDATE SKIP LOCKED", "").replace("FOR UPDATE", ""))
    } else {
        Cow::Borrowed(sql)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_locks_are_taken_out_for_sqlite_and_nothing_else() {
        let sql = "SELECT a FROM b WHERE c = $1 FOR UPDATE SKIP LOCKED";
        assert_eq!(without_row_locks(sql), "SELECT a FROM b WHERE c = $1 ");
        assert_eq!(without_row_locks("SELECT a FROM b FOR UPDATE"), "SELECT a FROM b ");
        assert_eq!(without_row_locks("SELECT a FROM b"), "SELECT a FROM b");
    }
}
