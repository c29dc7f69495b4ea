//! Scheduled jobs and their runs as rows. The primary key of a run is its job and due time, so that no due time can
//! have two.

use domain::scheduled::{Hold, Scheduled};
use domain::time::Time;

use crate::Arg::{Int, MaybeInt, MaybeText, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "name, cadence, next_run_at, run_id, due_at, replica, locked_at, expires_at, attempt, missed, last_run_at, last_status"
    };
}

statements! {
    ADD = "INSERT INTO scheduled_job (name, cadence, next_run_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";
    LOAD = concat!("SELECT ", columns!(), " FROM scheduled_job WHERE name = $1 FOR UPDATE");
    FIND = concat!("SELECT ", columns!(), " FROM scheduled_job WHERE name = $1");
    DUE = concat!("SELECT ", columns!(), " FROM scheduled_job
            WHERE name = $2 AND ((run_id IS NULL AND next_run_at <= $1) OR (run_id IS NOT NULL AND expires_at <= $1))
            FOR UPDATE SKIP LOCKED");
    ASTRAY = concat!("SELECT ", columns!(), " FROM scheduled_job
            WHERE name = $1 AND (next_run_at > $2 OR cadence = '') FOR UPDATE SKIP LOCKED");
    WRITE = "UPDATE scheduled_job
                SET cadence = $2, next_run_at = $3, run_id = $4, due_at = $5, replica = $6, locked_at = $7,
                    expires_at = $8, attempt = $9, missed = $10
              WHERE name = $1 AND COALESCE(run_id, '') = $11";
    ENDED = "UPDATE scheduled_job SET last_run_at = $2, last_status = $3 WHERE name = $1";
    TRIGGER = "UPDATE scheduled_job SET next_run_at = $2 WHERE name = $1 AND cadence <> ''";
    OFF = "UPDATE scheduled_job SET next_run_at = NULL, cadence = '' WHERE name = $1 AND cadence <> ''";
    LIST = concat!("SELECT ", columns!(), " FROM scheduled_job WHERE name > $1 ORDER BY name LIMIT $2");
    STUCK = concat!("SELECT ", columns!(), " FROM scheduled_job
            WHERE run_id IS NOT NULL AND locked_at <= $1 AND (locked_at, name) > ($2, $3)
            ORDER BY locked_at, name LIMIT $4");
    // A job that is triggered twice within one millisecond runs twice and has one row: the job must not be stuck on it.
    APPEND = "INSERT INTO scheduled_run (name, due_at, run_id, replica, attempt, missed, began_at, ended_at, status)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (name, due_at) DO NOTHING";
    RUNS = "SELECT name, due_at, run_id, replica, attempt, missed, began_at, ended_at, status
              FROM scheduled_run WHERE name = $1 AND due_at < $2 ORDER BY due_at DESC LIMIT $3";
    RUNG = "SELECT due_at FROM scheduled_run WHERE name = $1 AND due_at > $2 ORDER BY due_at LIMIT 1000";
    LOST = "SELECT name, due_at, run_id, replica, attempt, missed, began_at, ended_at, status
              FROM scheduled_run WHERE status LIKE 'lost:%' AND (ended_at, run_id) < ($1, $2)
             ORDER BY ended_at DESC, run_id DESC LIMIT $3";
    FORGET = "DELETE FROM scheduled_run WHERE run_id IN (
                SELECT run_id FROM scheduled_run WHERE ended_at < $1
                   AND (status NOT LIKE 'lost:%' OR ended_at < $2) ORDER BY ended_at LIMIT 500)";
}

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    cadence: String,
    next_run_at: Option<i64>,
    run_id: Option<String>,
    due_at: Option<i64>,
    replica: Option<String>,
    locked_at: Option<i64>,
    expires_at: Option<i64>,
    attempt: Option<i64>,
    missed: Option<i64>,
    last_run_at: Option<i64>,
    last_status: Option<String>,
}

/// A scheduled job as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The job as it stands.
    pub job: Scheduled,
    /// When its last run ended.
    pub last_run_at: Option<Time>,
    /// How its last run ended.
    pub last_status: Option<String>,
}

/// A run that ended.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Run {
    /// The job.
    pub name: String,
    /// The due time it was for.
    pub due_at: i64,
    /// Its id.
    pub run_id: String,
    /// The replica that ran it.
    pub replica: String,
    /// Which try at this due time it was.
    pub attempt: i64,
    /// How many earlier due times it also stood for.
    pub missed: i64,
    /// When it began.
    pub began_at: i64,
    /// When it ended.
    pub ended_at: i64,
    /// `ok: …`, `error: …` or `lost: …`.
    pub status: String,
}

impl TryFrom<Row> for Seen {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let hold = match (row.run_id, row.due_at, row.replica, row.locked_at, row.expires_at, row.attempt) {
            (Some(run_id), Some(due_at), Some(replica), Some(since), Some(expires_at), Some(attempt)) => Some(Hold {
                run_id,
                due_at: Time(due_at),
                replica,
                since: Time(since),
                expires_at: Time(expires_at),
                attempt,
                missed: u32::try_from(row.missed.unwrap_or(0)).unwrap_or(u32::MAX),
            }),
            (None, ..) => None,
            _ => return Err(Fault::Corrupt { table: "scheduled_job", column: "run_id", id: row.name }),
        };
        let job = Scheduled { name: row.name, cadence: row.cadence, next_run_at: row.next_run_at.map(Time), hold };
        Ok(Self { job, last_run_at: row.last_run_at.map(Time), last_status: row.last_status })
    }
}

/// Adds a job unless it is there.
pub async fn add(tx: &mut Tx, job: &Scheduled) -> Result<(), Fault> {
    let args = [Text(&job.name), Text(&job.cadence), MaybeInt(job.next_run_at.map(|at| at.0))];
    tx.run(ADD, &args).await.map(drop)
}

/// The job of this name, held still for this transaction.
pub async fn load(tx: &mut Tx, name: &str) -> Result<Option<Seen>, Fault> {
    tx.one::<Row>(LOAD, &[Text(name)]).await?.map(Seen::try_from).transpose()
}

/// The job of this name, to look at.
pub async fn find(tx: &mut Tx, name: &str) -> Result<Option<Seen>, Fault> {
    tx.one::<Row>(FIND, &[Text(name)]).await?.map(Seen::try_from).transpose()
}

/// The job of this name if it is due or its hold expired, held still; none when another replica is just taking it.
pub async fn due(tx: &mut Tx, name: &str) -> Result<Option<Seen>, Fault> {
    let now = tx.now();
    tx.one::<Row>(DUE, &[Int(now.0), Text(name)]).await?.map(Seen::try_from).transpose()
}

/// The job of this name if it would ring only after `latest` or is off, held still; none when another replica is just
/// taking it.
pub async fn astray(tx: &mut Tx, name: &str, latest: Time) -> Result<Option<Seen>, Fault> {
    tx.one::<Row>(ASTRAY, &[Text(name), Int(latest.0)]).await?.map(Seen::try_from).transpose()
}

/// Writes a job over the one that was decided on.
pub async fn write(tx: &mut Tx, was: &Scheduled, job: &Scheduled) -> Result<(), Fault> {
    let hold = job.hold.as_ref();
    let args = [
        Text(&job.name),
        Text(&job.cadence),
        MaybeInt(job.next_run_at.map(|at| at.0)),
        MaybeText(hold.map(|hold| hold.run_id.as_str())),
        MaybeInt(hold.map(|hold| hold.due_at.0)),
        MaybeText(hold.map(|hold| hold.replica.as_str())),
        MaybeInt(hold.map(|hold| hold.since.0)),
        MaybeInt(hold.map(|hold| hold.expires_at.0)),
        MaybeInt(hold.map(|hold| hold.attempt)),
        MaybeInt(hold.map(|hold| i64::from(hold.missed))),
        Text(was.hold.as_ref().map_or("", |hold| hold.run_id.as_str())),
    ];
    crate::guarded(tx.run(WRITE, &args).await?)
}

/// Appends a run that ended, and shows it on its job.
pub async fn ended(tx: &mut Tx, job: &str, hold: &Hold, status: &str) -> Result<(), Fault> {
    let now = tx.now();
    let args = [
        Text(job),
        Int(hold.due_at.0),
        Text(&hold.run_id),
        Text(&hold.replica),
        Int(hold.attempt),
        Int(i64::from(hold.missed)),
        Int(hold.since.0),
        Int(now.0),
        Text(status),
    ];
    tx.run(APPEND, &args).await?;
    tx.run(ENDED, &[Text(job), Int(now.0), Text(status)]).await.map(drop)
}

/// Sets a job's next run and nothing else; false when there is no such job, or it is off.
pub async fn trigger(tx: &mut Tx, name: &str) -> Result<bool, Fault> {
    let now = tx.now();
    Ok(tx.run(TRIGGER, &[Text(name), Int(now.0)]).await? == 1)
}

/// Switches a job off: it rings no more, until it is configured again.
pub async fn switch_off(tx: &mut Tx, name: &str) -> Result<(), Fault> {
    tx.run(OFF, &[Text(name)]).await.map(drop)
}

/// Jobs by name, after this one.
pub async fn list(tx: &mut Tx, after: &str, limit: i64) -> Result<Vec<Seen>, Fault> {
    tx.all::<Row>(LIST, &[Text(after), Int(limit)]).await?.into_iter().map(Seen::try_from).collect()
}

/// Jobs whose run began at or before `then`, longest first, after (`locked_at`, `name`).
pub async fn stuck(tx: &mut Tx, then: Time, after: (i64, &str), limit: i64) -> Result<Vec<Seen>, Fault> {
    let args = [Int(then.0), Int(after.0), Text(after.1), Int(limit)];
    tx.all::<Row>(STUCK, &args).await?.into_iter().map(Seen::try_from).collect()
}

/// A job's runs, latest due time first, before `due_at`.
pub async fn runs(tx: &mut Tx, name: &str, before: i64, limit: i64) -> Result<Vec<Run>, Fault> {
    tx.all(RUNS, &[Text(name), Int(before), Int(limit)]).await
}

/// The due times after `now` for which a job has run: none but where the clock went back. At most 1,000, the earliest
/// first.
pub async fn rung(tx: &mut Tx, name: &str, now: Time) -> Result<Vec<Time>, Fault> {
    let rows: Vec<(i64,)> = tx.all(RUNG, &[Text(name), Int(now.0)]).await?;
    Ok(rows.into_iter().map(|(due_at,)| Time(due_at)).collect())
}

/// Runs that were lost, latest first, before (`ended_at`, `run_id`).
pub async fn lost(tx: &mut Tx, before: (i64, &str), limit: i64) -> Result<Vec<Run>, Fault> {
    tx.all(LOST, &[Int(before.0), Text(before.1), Int(limit)]).await
}

/// Forgets up to 500 runs that ended before `then`, and of those lost only what was before `lost`; returns how many.
pub async fn forget(tx: &mut Tx, then: Time, lost: Time) -> Result<u64, Fault> {
    tx.run(FORGET, &[Int(then.0), Int(lost.0)]).await
}
