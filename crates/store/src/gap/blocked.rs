//! The jobs that a gap was reported to block, each once.

use domain::gap::relation::{Edge, Part};
use domain::gap::{Key, Severity};
use domain::time::Time;
use serde::Serialize;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

/// The rows of a gap and of the duplicates that it stands for.
macro_rules! of {
    () => {
        "gap_job.gap IN (SELECT $1 UNION SELECT key FROM gap WHERE duplicate_of = $1)"
    };
}

/// The jobs that a gap or its duplicates block now, the last reported first, each with what blocks it: the gaps that stand
/// for what was reported, this one first.
macro_rules! beside {
    () => {
        concat!(
            "WITH mine AS (
               SELECT gap_job.job, MAX(gap_job.last_at) AS last_at FROM gap_job
                WHERE ",
            of!(),
            " AND gap_job.cleared_at IS NULL
                GROUP BY gap_job.job ORDER BY MAX(gap_job.last_at) DESC, gap_job.job LIMIT $2),
             met AS (
               SELECT DISTINCT mine.job, mine.last_at, COALESCE(own.duplicate_of, own.key) AS key
                 FROM mine JOIN gap_job ON gap_job.job = mine.job AND gap_job.cleared_at IS NULL
                 JOIN gap AS own ON own.key = gap_job.gap),
             placed AS (
               SELECT met.job, met.last_at, gap.key, gap.kind, gap.area, gap.lines,
                      ROW_NUMBER() OVER (PARTITION BY met.job
                                         ORDER BY CASE WHEN gap.key = $1 THEN 0 ELSE 1 END, gap.key) AS place
                 FROM met JOIN gap ON gap.key = met.key
                WHERE gap.state IN ('open', 'planned', 'in_progress', 'in_review', 'merged', 'requires_human')),
             beside AS (SELECT job, last_at, key, kind, area, lines FROM placed WHERE place <= $3) "
        )
    };
}

statements! {
    SEE = "INSERT INTO gap_job (gap, job, severity, sightings, first_at, last_at) VALUES ($1, $2, $3, 1, $4, $4)
           ON CONFLICT (gap, job) DO UPDATE SET
             sightings = gap_job.sightings + 1, last_at = $4, cleared_at = NULL,
             severity = CASE WHEN gap_job.cleared_at IS NULL AND $5 <= CASE gap_job.severity
                          WHEN 'critical' THEN 2 WHEN 'blocking' THEN 1 ELSE 0 END THEN gap_job.severity ELSE $3 END";
    // A job that nobody registered is told and does not count.
    WEIGHTS = concat!("SELECT gap_job.job, gap_job.severity, job.priority FROM gap_job JOIN job ON job.name = gap_job.job
            WHERE ", of!(), " AND gap_job.cleared_at IS NULL LIMIT $2");
    LIST = concat!("SELECT gap_job.gap, gap_job.job, gap_job.severity, gap_job.sightings, gap_job.first_at, gap_job.last_at,
                   gap_job.cleared_at, CAST(CASE WHEN job.name IS NULL THEN 0 ELSE 1 END AS BIGINT) AS registered
             FROM gap_job LEFT JOIN job ON job.name = gap_job.job
            WHERE ", of!(), " ORDER BY gap_job.last_at DESC, gap_job.job, gap_job.gap LIMIT $2");
    // What is cleared matters only where it may still be proven.
    BLOCKING = "SELECT gap_job.gap FROM gap_job JOIN gap ON gap.key = gap_job.gap
                 WHERE gap_job.job = $1 AND gap_job.gap > $2
                   AND (gap_job.cleared_at IS NULL OR gap.state IN ('merged', 'duplicate'))
                 ORDER BY gap_job.gap LIMIT $3";
    OPEN_AT = concat!("SELECT gap_job.gap, gap_job.job FROM gap_job
                        WHERE ", of!(), " AND (gap_job.cleared_at IS NULL OR gap_job.cleared_at >= $2)
                        ORDER BY CASE WHEN gap_job.gap = $3 AND gap_job.job = $4 THEN 0 ELSE 1 END LIMIT 1");
    BESIDE = concat!(beside!(), "SELECT job, key, kind, area, lines FROM beside ORDER BY last_at DESC, job, key");
    EDGES_BESIDE = concat!(beside!(), "SELECT gap, depends_on FROM gap_edge
            WHERE gap IN (SELECT key FROM beside) AND depends_on IN (SELECT key FROM beside)");
    FIND = "SELECT severity FROM gap_job WHERE gap = $1 AND job = $2 AND cleared_at IS NULL";
    PRIORITY = "SELECT priority FROM job WHERE name = $1";
    CLEAR = "UPDATE gap_job SET cleared_at = $3 WHERE gap = $1 AND job = $2 AND cleared_at IS NULL";
}

/// The most blocked jobs of one gap that are weighed: what is beyond changes no order that anybody could tell.
pub const JOBS_MAX: i64 = 100_000;

/// A job that a gap blocks, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Blocked {
    /// The gap that was reported: itself, or a duplicate.
    pub gap: String,
    /// The job.
    pub job: String,
    /// The worst that was said.
    pub severity: String,
    /// How often.
    pub sightings: i64,
    /// First.
    pub first_at: i64,
    /// Last.
    pub last_at: i64,
    /// When it succeeded without it.
    pub cleared_at: Option<i64>,
    /// 1 when there is such a job.
    pub registered: i64,
}

#[derive(sqlx::FromRow)]
struct Beside {
    job: String,
    key: String,
    kind: String,
    area: Option<String>,
    lines: Option<i64>,
}

/// What was said of a job that a gap blocks now.
pub async fn find(tx: &mut Tx, key: &Key, job: &str) -> Result<Option<Severity>, Fault> {
    let row: Option<(String,)> = tx.one(FIND, &[Text(&key.to_string()), Text(job)]).await?;
    let corrupt = |_| Fault::Corrupt { table: "gap_job", column: "severity", id: key.to_string() };
    row.map(|(severity,)| Severity::parse(&severity).map_err(corrupt)).transpose()
}

/// The priority of a job; none when nobody registered it.
pub async fn priority(tx: &mut Tx, job: &str) -> Result<Option<i64>, Fault> {
    let row: Option<(i64,)> = tx.one(PRIORITY, &[Text(job)]).await?;
    Ok(row.map(|(priority,)| priority))
}

/// Says that a gap was reported to block a job.
pub async fn see(tx: &mut Tx, key: &Key, job: &str, severity: Severity) -> Result<(), Fault> {
    let now = tx.now();
    let key = key.to_string();
    let args = [Text(&key), Text(job), Text(severity.name()), Int(now.0), Int(severity as i64)];
    tx.run(SEE, &args).await.map(drop)
}

/// The severity and priority of each registered job that a gap blocks now, duplicates included; a job that both block
/// comes twice.
pub async fn weights(tx: &mut Tx, key: &Key) -> Result<Vec<(String, Severity, i64)>, Fault> {
    let rows: Vec<(String, String, i64)> = tx.all(WEIGHTS, &[Text(&key.to_string()), Int(JOBS_MAX)]).await?;
    let read = |(job, severity, priority): (String, String, i64)| match Severity::parse(&severity) {
        Ok(severity) => Ok((job, severity, priority)),
        Err(_) => Err(Fault::Corrupt { table: "gap_job", column: "severity", id: job }),
    };
    rows.into_iter().map(read).collect()
}

/// The jobs that a gap was reported to block, the last reported first.
pub async fn list(tx: &mut Tx, key: &Key, limit: i64) -> Result<Vec<Blocked>, Fault> {
    tx.all(LIST, &[Text(&key.to_string()), Int(limit)]).await
}

/// The gaps that block a job, or blocked it and may still be proven by it, by key, after one.
pub async fn blocking(tx: &mut Tx, job: &str, after: &str, limit: i64) -> Result<Vec<Key>, Fault> {
    super::keys(tx.all(BLOCKING, &[Text(job), Text(after), Int(limit)]).await?)
}

/// Whether the success of a job proves a gap that was merged at `merged`: the job was blocked then, or none was any more.
/// `own` is the gap that the job reported, which may be a duplicate of `stands`.
pub async fn proves(tx: &mut Tx, stands: &Key, own: &Key, job: &str, merged: Time) -> Result<bool, Fault> {
    let args = [Text(&stands.to_string()), Int(merged.0), Text(&own.to_string()), Text(job)];
    let open: Option<(String, String)> = tx.one(OPEN_AT, &args).await?;
    Ok(open.is_none_or(|(gap, open)| gap == own.to_string() && open == job))
}

/// The jobs that a gap blocks now, `jobs` of them at most, the last reported first; each with the live gaps that block it,
/// this one and `gaps` at most in all, a duplicate told by what stands for it; and every edge among those.
pub async fn beside(
    tx: &mut Tx,
    key: &Key,
    jobs: i64,
    gaps: i64,
) -> Result<(Vec<(String, Vec<Part>)>, Vec<Edge>), Fault> {
    let key = key.to_string();
    let args = [Text(&key), Int(jobs), Int(gaps)];
    let mut told: Vec<(String, Vec<Part>)> = Vec::new();
    for Beside { job, key, kind, area, lines } in tx.all(BESIDE, &args).await? {
        let part = Part { key, kind, area, lines };
        match told.last_mut() {
            Some((last, parts)) if *last == job => parts.push(part),
            Some(_) | None => told.push((job, vec![part])),
        }
    }
    Ok((told, tx.all(EDGES_BESIDE, &args).await?))
}

/// Says that a job succeeded without a gap; false when it was said before.
pub async fn clear(tx: &mut Tx, key: &Key, job: &str, at: Time) -> Result<bool, Fault> {
    Ok(tx.run(CLEAR, &[Text(&key.to_string()), Text(job), Int(at.0)]).await? == 1)
}
