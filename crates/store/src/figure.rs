//! Figures: how much there is of what, now and at the end of each slot of time. Whatever may be a million is counted as far
//! as a page tells it and no further.

use domain::time::Time;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

/// Counts the rows that a condition finds, up to the first argument.
macro_rules! up_to {
    ($rows:literal) => {
        concat!("(SELECT COUNT(*) FROM (SELECT 1 FROM ", $rows, " LIMIT $1) AS counted)")
    };
}

statements! {
    // The end of the line is read by its index; of a day with no end of a run nothing is read.
    MEASURE = "SELECT (SELECT COUNT(*) FROM job WHERE state = 'ready') AS ready,
                      (SELECT MIN(next_run_at) FROM job WHERE state = 'ready') AS oldest,
                      (SELECT COUNT(*) FROM job WHERE state = 'held') AS held,
                      (SELECT COUNT(*) FROM lock WHERE expires_at > $1) AS locks,
                      (SELECT COUNT(*) FROM run WHERE ended_at > $2 AND ended_at <= $3 AND outcome <> 'deferred') AS ended,
                      (SELECT COUNT(*) FROM run WHERE ended_at > $2 AND ended_at <= $3 AND outcome IN ('error', 'lost')) AS failed,
                      (SELECT COUNT(*) FROM pull WHERE state = 'merged' AND changed_at > $2 AND changed_at <= $3) AS merged";
    ENDED = "SELECT COUNT(*) AS ended, CAST(COALESCE(SUM(CASE WHEN outcome IN ('error', 'lost') THEN 1 ELSE 0 END), 0) AS BIGINT)
                AS failed
               FROM (SELECT outcome FROM run WHERE ended_at > $1 AND outcome <> 'deferred' LIMIT $2) AS counted";
    // Those that are due and cannot be claimed are few, unless many gave up: so many are looked at.
    OLDEST = "SELECT next_run_at FROM (SELECT next_run_at, state FROM job WHERE COALESCE(next_run_at, 9223372036854775807) <= $1
               ORDER BY COALESCE(next_run_at, 9223372036854775807), name LIMIT 2000) AS named
              WHERE state = 'ready' ORDER BY next_run_at LIMIT 1";
    LATEST = "SELECT at, ready, held, oldest_ms, locks, ended, failed, merged, micro_usd FROM figure ORDER BY at DESC LIMIT 1";
    ADD = "INSERT INTO figure (at, ready, held, oldest_ms, locks, ended, failed, merged, micro_usd)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (at) DO NOTHING";
    CURVE = "SELECT at / $2 * $2 AS at, CAST(MAX(ready) AS BIGINT) AS ready, CAST(MAX(held) AS BIGINT) AS held,
                    CAST(MAX(oldest_ms) AS BIGINT) AS oldest_ms, CAST(MAX(locks) AS BIGINT) AS locks,
                    CAST(SUM(ended) AS BIGINT) AS ended, CAST(SUM(failed) AS BIGINT) AS failed,
                    CAST(SUM(merged) AS BIGINT) AS merged, CAST(MAX(micro_usd) AS BIGINT) AS micro_usd
               FROM figure WHERE at > $1 GROUP BY at / $2 ORDER BY 1";
    FORGET = "DELETE FROM figure WHERE at < $1 AND at IN (SELECT at FROM figure WHERE at < $1 ORDER BY at LIMIT 500)";
    COUNTS = concat!("SELECT ", up_to!("job WHERE state = 'ready'"), " AS ready, ",
               up_to!("job WHERE state = 'held'"), " AS held, ", up_to!("job WHERE state = 'dead'"), " AS dead, ",
               up_to!("lock WHERE expires_at > $2"), " AS locks, ",
               up_to!("gap WHERE state IN ('open', 'planned', 'in_progress', 'in_review', 'merged', 'requires_human')"), " AS gaps, ",
               up_to!("pull WHERE live = 1"), " AS pulls, ", up_to!("decision WHERE state = 'open'"), " AS decisions, ",
               up_to!("switch WHERE scope = 'all'"), " AS all_off");
    NEWEST = "SELECT at, id FROM journal ORDER BY at DESC, id DESC LIMIT 1";
    ENDED_SINCE = "SELECT COUNT(*) FROM (SELECT 1 FROM pull WHERE state = $1 AND changed_at >= $2 LIMIT $3) AS counted";
}

/// How far things are counted for a page: beyond that it says so.
pub const COUNTED_MAX: i64 = 10_000;

/// How things stood at the end of a slot, and what ended in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Figure {
    /// The end of the slot.
    pub at: i64,
    /// Jobs that could be claimed.
    pub ready: i64,
    /// Jobs at work.
    pub held: i64,
    /// How long the oldest job that is due has waited, in milliseconds.
    pub oldest_ms: i64,
    /// Locks that were held.
    pub locks: i64,
    /// Runs that ended in it, those that were put off left out.
    pub ended: i64,
    /// Those of them that were no success.
    pub failed: i64,
    /// Pull requests that were merged in it.
    pub merged: i64,
    /// What was booked on its day so far, in millionths of a US dollar.
    pub micro_usd: i64,
}

#[derive(sqlx::FromRow)]
struct Measured {
    ready: i64,
    oldest: Option<i64>,
    held: i64,
    locks: i64,
    ended: i64,
    failed: i64,
    merged: i64,
}

/// How much there is of what, each counted up to [`COUNTED_MAX`] and one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Counts {
    /// Jobs known to be due.
    pub ready: i64,
    /// Jobs at work.
    pub held: i64,
    /// Jobs that gave up.
    pub dead: i64,
    /// Locks that are held.
    pub locks: i64,
    /// Gaps of which something is still to become.
    pub gaps: i64,
    /// Pull requests of which something is still to become.
    pub pulls: i64,
    /// Questions that nobody has answered.
    pub decisions: i64,
    /// 1 while everything is switched off.
    pub all_off: i64,
}

/// How things stand now, with what ended after `since` and no later than `until`; what is booked is not among it.
pub async fn measure(tx: &mut Tx, since: Time, until: Time) -> Result<Figure, Fault> {
    let now = tx.now();
    let read: Option<Measured> = tx.one(MEASURE, &[Int(now.0), Int(since.0), Int(until.0)]).await?;
    let read = read.ok_or(Fault::Conflict)?;
    let oldest_ms = read.oldest.map_or(0, |due| now.since(Time(due)).0);
    let Measured { ready, held, locks, ended, failed, merged, .. } = read;
    Ok(Figure { at: until.0, ready, held, oldest_ms, locks, ended, failed, merged, micro_usd: 0 })
}

/// How many runs ended since a moment, and how many of them were no success, up to [`COUNTED_MAX`].
pub async fn ended_since(tx: &mut Tx, since: Time) -> Result<(i64, i64), Fault> {
    let counted: Option<(i64, i64)> = tx.one(ENDED, &[Int(since.0), Int(COUNTED_MAX)]).await?;
    Ok(counted.unwrap_or_default())
}

/// Since when the oldest job is due that could be claimed, where it is among the 2,000 that have been due longest.
pub async fn oldest_ready(tx: &mut Tx) -> Result<Option<Time>, Fault> {
    let now = tx.now();
    let found: Option<(i64,)> = tx.one(OLDEST, &[Int(now.0)]).await?;
    Ok(found.map(|(due,)| Time(due)))
}

/// The latest figure that is kept.
pub async fn latest(tx: &mut Tx) -> Result<Option<Figure>, Fault> {
    tx.one(LATEST, &[]).await
}

/// Keeps a figure, unless somebody else has kept one of that slot.
pub async fn add(tx: &mut Tx, figure: &Figure) -> Result<(), Fault> {
    let Figure { at, ready, held, oldest_ms, locks, ended, failed, merged, micro_usd } = *figure;
    let args = [at, ready, held, oldest_ms, locks, ended, failed, merged, micro_usd].map(Int);
    tx.run(ADD, &args).await.map(drop)
}

/// The figures since a moment, drawn together by so many milliseconds: the most of what stands, the sum of what ended.
pub async fn curve(tx: &mut Tx, since: Time, step_ms: i64) -> Result<Vec<Figure>, Fault> {
    tx.all(CURVE, &[Int(since.0), Int(step_ms.max(1))]).await
}

/// Forgets up to 500 figures from before `then`; returns how many.
pub async fn forget(tx: &mut Tx, then: Time) -> Result<u64, Fault> {
    tx.run(FORGET, &[Int(then.0)]).await
}

/// How much there is of what, now.
pub async fn counts(tx: &mut Tx) -> Result<Counts, Fault> {
    let now = tx.now();
    let counts: Option<Counts> = tx.one(COUNTS, &[Int(COUNTED_MAX + 1), Int(now.0)]).await?;
    counts.ok_or(Fault::Conflict)
}

/// The moment and the id of the newest entry of the journal: as long as it is the same, nothing was done.
pub async fn newest(tx: &mut Tx) -> Result<Option<(i64, String)>, Fault> {
    tx.one(NEWEST, &[]).await
}

/// How many pull requests ended in a state since a moment, up to [`COUNTED_MAX`] and one.
pub async fn ended_in(tx: &mut Tx, state: &str, since: Time) -> Result<i64, Fault> {
    let counted: Option<(i64,)> = tx.one(ENDED_SINCE, &[Text(state), Int(since.0), Int(COUNTED_MAX + 1)]).await?;
    Ok(counted.map_or(0, |(count,)| count))
}
