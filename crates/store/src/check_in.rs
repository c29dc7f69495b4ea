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

statements! {
    LOAD = concat!("SELECT ", columns!(), " FROM routine WHERE name = $1 FOR UPDATE");
    PUT = concat!("INSERT INTO routine (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (name) DO UPDATE
              SET every_ms = excluded.every_ms, grace_ms = excluded.grace_ms, since = excluded.since,
                  started_at = excluded.started_at, ended_at = excluded.ended_at, told_at = excluded.told_at");
    LIST = concat!("SELECT ", columns!(), " FROM routine WHERE name > $1 ORDER BY name LIMIT $2");
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

/// Writes a Routine.
pub async fn put(tx: &mut Tx, routine: &Routine) -> Result<(), Fault> {
    let args = [
        Text(&routine.name),
        MaybeInt(routine.every.map(|every| every.0)),
        Int(routine.grace.0),
        Int(routine.since.0),
        MaybeInt(routine.started_at.map(|at| at.0)),
        MaybeInt(routine.ended_at.map(|at| at.0)),
        MaybeInt(routine.told_at.map(|at| at.0)),
    ];
    tx.run(PUT, &args).await.map(drop)
}

/// Routines by name, after this one.
pub async fn list(tx: &mut Tx, after: &str, limit: i64) -> Result<Vec<Routine>, Fault> {
    Ok(tx.all::<Row>(LIST, &[Text(after), Int(limit)]).await?.into_iter().map(Routine::from).collect())
}
