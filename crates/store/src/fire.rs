//! Starts of cloud Routines as rows.

use domain::fire::{Fire, State};
use domain::time::Time;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "id, routine, job, due_at, fence, state, tries, tried_at, rests_until, session, url, error"
    };
}

statements! {
    ADD = concat!("INSERT INTO fire (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
           ON CONFLICT DO NOTHING");
    WRITE = "UPDATE fire SET routine = $2, state = $3, tries = $4, tried_at = $5, rests_until = $6, session = $7, url = $8,
                    error = $9 WHERE id = $1 AND state = $10 AND tries = $11";
    LOAD = concat!("SELECT ", columns!(), " FROM fire WHERE id = $1 FOR UPDATE");
    OF_JOB = concat!("SELECT ", columns!(), " FROM fire WHERE job = $1 AND state <> 'over' FOR UPDATE");
    OPEN = concat!("SELECT ", columns!(), " FROM fire WHERE state <> 'over' AND job > $1 ORDER BY job LIMIT $2 FOR UPDATE");
    TODAY = "SELECT COUNT(*) FROM fire WHERE routine = $1 AND tried_at >= $2 AND state <> 'refused'";
    RESTS = "SELECT COALESCE(MAX(rests_until), 0) FROM fire WHERE routine = $1 AND tried_at >= $2";
    WAITING = "SELECT name FROM job WHERE kind = $2 AND state = 'ready' AND next_run_at <= $1
                  AND NOT EXISTS (SELECT 1 FROM fire WHERE job = name AND fire.state <> 'over' AND fire.state <> 'refused')
                ORDER BY priority DESC, next_run_at, name LIMIT $3";
    LIST = concat!("SELECT ", columns!(), " FROM fire WHERE (tried_at, id) < ($1, $2)
             ORDER BY tried_at DESC, id DESC LIMIT $3");
    UNKNOWN = concat!("SELECT ", columns!(), " FROM fire WHERE state = 'unknown' AND (tried_at, id) < ($1, $2)
             ORDER BY tried_at DESC, id DESC LIMIT $3");
    FORGET = "DELETE FROM fire WHERE id IN (
                SELECT id FROM fire WHERE state = 'over' AND tried_at < $1 ORDER BY tried_at LIMIT 500)";
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    routine: String,
    job: String,
    due_at: i64,
    fence: i64,
    state: String,
    tries: i64,
    tried_at: i64,
    rests_until: i64,
    session: String,
    url: String,
    error: String,
}

impl TryFrom<Row> for Fire {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt = || Fault::Corrupt { table: "fire", column: "state", id: row.id.clone() };
        Ok(Self {
            state: State::parse(&row.state).ok_or_else(corrupt)?,
            id: row.id,
            routine: row.routine,
            job: row.job,
            due_at: Time(row.due_at),
            fence: row.fence,
            tries: row.tries,
            tried_at: Time(row.tried_at),
            rests_until: Time(row.rests_until),
            session: row.session,
            url: row.url,
            error: row.error,
        })
    }
}

fn read(rows: Vec<Row>) -> Result<Vec<Fire>, Fault> {
    rows.into_iter().map(Fire::try_from).collect()
}

/// Adds one; false when another one of its job is open.
pub async fn add(tx: &mut Tx, fire: &Fire) -> Result<bool, Fault> {
    let args = [
        Text(&fire.id),
        Text(&fire.routine),
        Text(&fire.job),
        Int(fire.due_at.0),
        Int(fire.fence),
        Text(fire.state.name()),
        Int(fire.tries),
        Int(fire.tried_at.0),
        Int(fire.rests_until.0),
        Text(&fire.session),
        Text(&fire.url),
        Text(&fire.error),
    ];
    Ok(tx.run(ADD, &args).await? == 1)
}

/// Writes one over that on which it was decided.
pub async fn write(tx: &mut Tx, was: &Fire, fire: &Fire) -> Result<(), Fault> {
    let args = [
        Text(&fire.id),
        Text(&fire.routine),
        Text(fire.state.name()),
        Int(fire.tries),
        Int(fire.tried_at.0),
        Int(fire.rests_until.0),
        Text(&fire.session),
        Text(&fire.url),
        Text(&fire.error),
        Text(was.state.name()),
        Int(was.tries),
    ];
    crate::guarded(tx.run(WRITE, &args).await?)
}

/// One, held still for this transaction.
pub async fn load(tx: &mut Tx, id: &str) -> Result<Option<Fire>, Fault> {
    tx.one::<Row>(LOAD, &[Text(id)]).await?.map(Fire::try_from).transpose()
}

/// The one of a job that is not over, held still for this transaction.
pub async fn of_job(tx: &mut Tx, job: &str) -> Result<Option<Fire>, Fault> {
    tx.one::<Row>(OF_JOB, &[Text(job)]).await?.map(Fire::try_from).transpose()
}

/// Those that are not over, by job, held still for this transaction.
pub async fn open(tx: &mut Tx, after: &str, limit: i64) -> Result<Vec<Fire>, Fault> {
    read(tx.all(OPEN, &[Text(after), Int(limit)]).await?)
}

/// How often a Routine was started since `then`, or perhaps was; and until when it rests.
pub async fn used(tx: &mut Tx, routine: &str, then: Time) -> Result<(i64, Time), Fault> {
    let (today,) = tx.one(TODAY, &[Text(routine), Int(then.0)]).await?.unwrap_or((0,));
    let since = tx.now() - domain::fire::REST_MAX;
    let (rests,) = tx.one(RESTS, &[Text(routine), Int(since.0)]).await?.unwrap_or((0,));
    Ok((today, Time(rests)))
}

/// Jobs of a kind that are due and for which nothing was started, in line.
pub async fn waiting(tx: &mut Tx, kind: &str, limit: i64) -> Result<Vec<String>, Fault> {
    let now = tx.now();
    let rows: Vec<(String,)> = tx.all(WAITING, &[Int(now.0), Text(kind), Int(limit)]).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// All, latest first, before (`tried_at`, `id`).
pub async fn list(tx: &mut Tx, before: (i64, &str), limit: i64) -> Result<Vec<Fire>, Fault> {
    read(tx.all(LIST, &[Int(before.0), Text(before.1), Int(limit)]).await?)
}

/// Those of which nobody can tell whether they were started, latest first, before (`tried_at`, `id`).
pub async fn unknown(tx: &mut Tx, before: (i64, &str), limit: i64) -> Result<Vec<Fire>, Fault> {
    read(tx.all(UNKNOWN, &[Int(before.0), Text(before.1), Int(limit)]).await?)
}

/// Forgets up to 500 that are over and were asked for before `then`; returns how many.
pub async fn forget(tx: &mut Tx, then: Time) -> Result<u64, Fault> {
    tx.run(FORGET, &[Int(then.0)]).await
}
