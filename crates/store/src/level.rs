//! Levels of autonomy as rows: appended, the latest one in force; and the days that an installation was in use.

use domain::job::CANARY;
use domain::level::Level;
use domain::time::Time;
use serde::Serialize;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "seq, at, was, now, by, reason, overridden, evidence"
    };
}

statements! {
    LATEST = concat!("SELECT ", columns!(), " FROM level ORDER BY seq DESC LIMIT 1");
    HISTORY = concat!("SELECT ", columns!(), " FROM level ORDER BY seq DESC LIMIT $1");
    APPEND = concat!("INSERT INTO level (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (seq) DO NOTHING");
    // From day to day by the index, so that a million runs cost no more than the days on which they ended.
    DAYS = "WITH RECURSIVE used (day, found) AS (
              SELECT (SELECT ended_at FROM run WHERE ended_at >= $1 AND ended_at <= $2 AND job <> $4
                       ORDER BY ended_at LIMIT 1) / 86400000, 0
              UNION ALL
              SELECT (SELECT ended_at FROM run WHERE ended_at >= (used.day + 1) * 86400000 AND ended_at <= $2 AND job <> $4
                       ORDER BY ended_at LIMIT 1) / 86400000, used.found + 1
                FROM used WHERE used.day IS NOT NULL AND used.found < $3)
            SELECT COUNT(*) FROM used WHERE day IS NOT NULL";
}

/// A change of the level, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Change {
    /// Its number, from 1.
    pub seq: i64,
    /// When.
    pub at: i64,
    /// From which level.
    pub was: String,
    /// To which.
    pub now: String,
    /// Who did it.
    pub by: String,
    /// Why, in their words; empty where evidence was reason enough.
    pub reason: String,
    /// 1 where a reason stood in for evidence.
    pub overridden: i64,
    /// What the store held at that moment, as JSON.
    pub evidence: String,
}

/// The level in force, and since when; none while it was never changed.
pub async fn current(tx: &mut Tx) -> Result<(Level, Option<Change>), Fault> {
    let Some(latest) = tx.one::<Change>(LATEST, &[]).await? else { return Ok((Level::Observe, None)) };
    match Level::parse(&latest.now) {
        Ok(level) => Ok((level, Some(latest))),
        Err(_) => Err(Fault::Corrupt { table: "level", column: "now", id: latest.seq.to_string() }),
    }
}

/// Every change, the latest first.
pub async fn history(tx: &mut Tx, limit: i64) -> Result<Vec<Change>, Fault> {
    tx.all(HISTORY, &[Int(limit)]).await
}

/// Appends a change; one that somebody else made meanwhile is a conflict.
pub async fn append(tx: &mut Tx, change: &Change) -> Result<(), Fault> {
    let args = [
        Int(change.seq),
        Int(change.at),
        Text(&change.was),
        Text(&change.now),
        Text(&change.by),
        Text(&change.reason),
        Int(change.overridden),
        Text(&change.evidence),
    ];
    crate::guarded(tx.run(APPEND, &args).await?)
}

/// On how many days, from midnight to midnight UTC, a run of a routine job ended since a moment, counted up to `most`. A
/// run that says to have ended later than now does not count, and no run of the heartbeat's own job does.
pub async fn days(tx: &mut Tx, since: Time, most: i64) -> Result<i64, Fault> {
    let now = tx.now();
    let days: Option<(i64,)> = tx.one(DAYS, &[Int(since.0), Int(now.0), Int(most), Text(CANARY)]).await?;
    Ok(days.map_or(0, |(days,)| days))
}
