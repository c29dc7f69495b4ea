//! Routines that check in, as rows.

use domain::check_in::Routine;
use domain::time::{Span, Time};

use crate::Arg::{Int, MaybeInt, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "name, every_ms, grace_ms, since, started_at, ended_at, told_at"
    };
}

macro_rules! forgettable {
    () => {
        "every_ms IS NULL AND told_at IS NULL AND since < $1 AND COALESCE(started_at, 0) < $1 AND COALESCE(ended_at, 0) < $1"
    };
}

statements! {
    LOAD = concat!("SELECT ", columns!(), " FROM routine WHERE name = $1 FOR UPDATE");
    ADD = concat!("INSERT INTO routine (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING");
    PUT = concat!("INSERT INTO routine (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (name) DO UPDATE
              SET every_ms = excluded.every_ms, grace_ms = excluded.grace_ms, since = excluded.since,
                  started_at = excluded.started_at, ended_at = excluded.ended_at, told_at = excluded.told_at");
    LIST = concat!("SELECT ", columns!(), " FROM routine
            ORDER BY CASE WHEN every_ms IS NULL THEN 1 ELSE 0 END, name LIMIT $1");
    EXPECTED = concat!("SELECT ", columns!(), " FROM routine
            WHERE every_ms IS NOT NULL OR told_at IS NOT NULL ORDER BY name FOR UPDATE");
    // Said twice: one that checks in while this waits for its row is judged anew by the outer condition only.
    FORGET = concat!("DELETE FROM routine WHERE ", forgettable!(), " AND name IN (
                SELECT name FROM routine WHERE ", forgettable!(), " ORDER BY name LIMIT 500)");
}

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    every_ms: Option<i64>,
    grace_ms: i64,
    since: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    told_at: Option<i64>,
}

impl From<Row> for Routine {
    fn from(row: Row) -> Self {
        Self {
            name: row.name,
            every: row.every_ms.map(Span),
            grace: Span(row.grace_ms),
            since: Time(row.since),
            started_at: row.started_at.map(Time),
            ended_at: row.ended_at.map(Time),
            told_at: row.told_at.map(Time),
        }
    }
}

/// The Routine of this name, held still for this transaction.
pub async fn load(tx: &mut Tx, name: &str) -> Result<Option<Routine>, Fault> {
    Ok(tx.one::<Row>(LOAD, &[Text(name)]).await?.map(Routine::from))
}

/// Adds a Routine; false when somebody else has just done so.
pub async fn add(tx: &mut Tx, routine: &Routine) -> Result<bool, Fault> {
    Ok(tx.run(ADD, &values(routine)).await? == 1)
}

/// Writes a Routine over the one that is held still.
pub async fn put(tx: &mut Tx, routine: &Routine) -> Result<(), Fault> {
    tx.run(PUT, &values(routine)).await.map(drop)
}

fn values(routine: &Routine) -> [crate::Arg<'_>; 7] {
    [
        Text(&routine.name),
        MaybeInt(routine.every.map(|every| every.0)),
        Int(routine.grace.0),
        Int(routine.since.0),
        MaybeInt(routine.started_at.map(|at| at.0)),
        MaybeInt(routine.ended_at.map(|at| at.0)),
        MaybeInt(routine.told_at.map(|at| at.0)),
    ]
}

/// Up to `limit` Routines: first those that are expected, then the others, each by name.
pub async fn list(tx: &mut Tx, limit: i64) -> Result<Vec<Routine>, Fault> {
    Ok(tx.all::<Row>(LIST, &[Int(limit)]).await?.into_iter().map(Routine::from).collect())
}

/// The Routines that were expected when they were last looked at, or whose silence was told, by name and held still.
/// They are few: none is here that was never configured.
pub async fn expected(tx: &mut Tx) -> Result<Vec<Routine>, Fault> {
    Ok(tx.all::<Row>(EXPECTED, &[]).await?.into_iter().map(Routine::from).collect())
}

/// Forgets up to 500 Routines that nobody expects and that were not heard of since `then`; returns how many.
pub async fn forget(tx: &mut Tx, then: Time) -> Result<u64, Fault> {
    tx.run(FORGET, &[Int(then.0)]).await
}
