//! Opening each engine: with which settings, and how many connections.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, SqliteConnection, SqlitePool};
use tokio::time::timeout;

use super::file::File;
use super::{ACQUIRE_MAX, Pool};
use crate::fault::Fault;

/// Older SQLite libraries can corrupt a write-ahead log that two connections check-point at once.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// Connections of one server to Postgres. More only queue inside the database: at 64, measured throughput falls by a
/// third and latency rises fivefold.
const POSTGRES_WRITERS: u32 = 12;

/// Connections for looking, so that a look, such as the one for readiness, does not wait behind writers that wait for
/// one row.
const POSTGRES_READERS: u32 = 4;

/// Readers beside SQLite's one writer, for lists that must not wait for it.
const SQLITE_READERS: u32 = 4;

/// Connections on either engine for what must not wait for those lists: two for knowing callers by their tokens, and
/// one for readiness.
const GLANCES: u32 = 3;

/// How many statements a connection keeps prepared: every one that there is, and room for more.
const STATEMENTS: usize = 600;

/// How long a connection that was idle or is given back may take to answer: so long that a call which finds a dead one
/// still has time for another.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// A connection that was given back, and so answered, so lately is taken again without asking: under load that would be
/// a question for every transaction.
const TRUSTED_FOR: Duration = Duration::from_millis(500);

/// A pool for writers, one for readers and one for glances.
pub(super) async fn postgres(url: &str) -> Result<Pool, Fault> {
    let options =
        PgConnectOptions::from_str(url)?.application_name("gapwright").statement_cache_capacity(STATEMENTS).options([
            ("statement_timeout", "5s"),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("tcp_user_timeout", "10s"),
        ]);
    reach(&options).await?;
    let pool = |connections| {
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_MAX)
            .test_before_acquire(false)
            .before_acquire(|connection, seen| {
                let idle_for = seen.idle_for;
                Box::pin(async move { Ok(idle_for < TRUSTED_FOR || answers(connection).await?) })
            })
            .after_release(|connection, _| Box::pin(answers(connection)));
        pool.connect_lazy_with(options.clone())
    };
    Ok(Pool::Postgres { writers: pool(POSTGRES_WRITERS), readers: pool(POSTGRES_READERS), glances: pool(GLANCES) })
}

/// Connects once and says why it cannot: a pool tries again and again and tells only that its time was up.
async fn reach(options: &PgConnectOptions) -> Result<(), Fault> {
    let connected = timeout(ACQUIRE_MAX, async { options.connect().await?.close().await });
    let silent = || Fault::Gone(format!("no answer within {} s", ACQUIRE_MAX.as_secs()));
    Ok(connected.await.map_err(|_| silent())??)
}

/// Whether a connection answers. One that does not within its time is an error, which the pool closes without a word: its
/// own test would wait for as long as the network takes to give up, a quarter of an hour, and keep the place of another.
async fn answers(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let answered = timeout(ANSWER_MAX, connection.ping()).await;
    answered.unwrap_or_else(|late| Err(sqlx::Error::Io(late.into()))).map(|()| true)
}

pub(super) async fn sqlite(url: &str) -> Result<Pool, Fault> {
    let in_memory = url.contains(":memory:");
    let plain = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .statement_cache_capacity(STATEMENTS)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .pragma("mmap_size", "0");
    let file = (!in_memory).then(|| plain.get_filename().to_path_buf());
    if let Some(file) = &file {
        make_private(file);
    }
    let first = with_a_log(&plain).await?;
    let options = plain.journal_mode(SqliteJournalMode::Wal);
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(ACQUIRE_MAX)
            .after_release(move |connection, _| Box::pin(async move { Ok(in_memory || sound(connection).await?) }))
    };
    let writer = pool(1).connect_with(options.clone()).await?;
    check_library(&writer).await?;
    // A database in memory belongs to its connection, so there the writer reads as well.
    let (readers, glances) = if in_memory {
        (writer.clone(), writer.clone())
    } else {
        (pool(SQLITE_READERS).connect_with(options.clone()).await?, pool(GLANCES).connect_with(options).await?)
    };
    first.close().await?;
    Ok(Pool::Sqlite { writer, readers, glances, file: file.as_deref().map(File::new) })
}

/// How often the turn to a write-ahead log is tried while other processes open the same new file.
const TURNS_MAX: usize = 12;

/// A connection to a file that has a write-ahead log from now on. Where several processes make that turn at once, SQLite
/// refuses all but one at once and does not wait, whatever the time it was given to.
async fn with_a_log(options: &SqliteConnectOptions) -> Result<SqliteConnection, Fault> {
    let mut connection = options.connect().await?;
    let mut turns = 1;
    loop {
        let turned = sqlx::query("PRAGMA journal_mode = WAL").execute(&mut connection).await;
        match turned.map_err(Fault::from) {
            Err(Fault::Busy(_)) if turns < TURNS_MAX => turns += 1,
            turned => return turned.map(|_| connection),
        }
        // This does wait for whoever writes there, and it is no matter if in vain.
        if let Ok(tx) = connection.begin_with("BEGIN IMMEDIATE").await {
            tx.rollback().await?;
        }
    }
}

/// Whether a connection may be used again. On a full disk SQLite rolls back by itself; the driver's own rollback then
/// fails, and it takes the transaction for open, and refuses every other, for as long as the connection lives.
async fn sound(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // Comes after a rollback that is still on its way.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Makes a database that is not there readable by its owner alone: it holds what agents and people wrote. One that is
/// there, or cannot be made, is left to the engine.
fn make_private(file: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(file));
}

/// Refuses a SQLite library that may lose data.
async fn check_library(pool: &SqlitePool) -> Result<(), Fault> {
    let (text,): (String,) = sqlx::query_as("SELECT sqlite_version()").fetch_one(pool).await?;
    let number = text.split('.').fold(0, |sum, part| sum * 1_000 + part.parse::<i32>().unwrap_or(0));
    if number < SQLITE_VERSION_MIN { Err(Fault::OldLibrary(text)) } else { Ok(()) }
}
