//! Routine jobs as a list shows them: how large a payload is, not the payload, and no more than the beginning of a
//! summary. Neither is read: a page of 200 payloads would be 50 MiB.

use domain::job::{self, Job};
use domain::time::Time;
use serde::Serialize;

use super::Row;
use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

/// One character more than is shown tells that there is more.
macro_rules! listed {
    () => {
        "name, kind, interval_ms, CAST(NULL AS TEXT) AS payload, priority, max_attempts, created_by, created_at, state, \
         next_run_at, triggered_at, attempts, fencing_token, claim_id, holder, principal, claimed_at, expires_at, progress, \
         last_run_at, last_status, SUBSTR(last_summary, 1, 501) AS last_summary, changed_at, gap, resting, pull, \
         CAST(OCTET_LENGTH(payload) AS BIGINT) AS payload_bytes"
    };
}

pub(super) use listed;

/// Jobs by due time and name from a place on. Those that are never due come last: they count as due at the end of time.
macro_rules! walk {
    ($place:literal, $filter:literal, $order:literal) => {
        concat!(
            "SELECT ",
            listed!(),
            ", COALESCE(next_run_at, 9223372036854775807) AS due FROM job WHERE ",
            $place,
            $filter,
            " ORDER BY ",
            $order,
            " LIMIT $3"
        )
    };
}

/// A page after a place: the rest of its moment, which many may share, and what is due later, each walked from where it begins.
macro_rules! page {
    ($kind:literal) => {
        concat!(
            "SELECT * FROM (SELECT * FROM (",
            walk!("COALESCE(next_run_at, 9223372036854775807) = $1 AND name > $2", $kind, "name"),
            ") AS same UNION ALL SELECT * FROM (",
            walk!(
                "COALESCE(next_run_at, 9223372036854775807) > $1",
                $kind,
                "COALESCE(next_run_at, 9223372036854775807), name"
            ),
            ") AS later) AS line ORDER BY due, name LIMIT $3"
        )
    };
}

/// A page of what could be claimed now: those whose time came, read by due time and no further than now, and those whose
/// claim expired, which are few.
macro_rules! due {
    ($kind:literal) => {
        concat!(
            "SELECT * FROM (SELECT * FROM (",
            walk!(
                "(COALESCE(next_run_at, 9223372036854775807), name) > ($1, $2)
                 AND COALESCE(next_run_at, 9223372036854775807) >= $1
                 AND COALESCE(next_run_at, 9223372036854775807) <= $4 AND state IN ('ready', 'waiting')",
                $kind,
                "COALESCE(next_run_at, 9223372036854775807), name"
            ),
            ") AS timed UNION ALL SELECT * FROM (",
            walk!(
                "(COALESCE(next_run_at, 9223372036854775807), name) > ($1, $2)
                 AND state = 'held' AND expires_at <= $4 AND COALESCE(next_run_at, expires_at) <= $4",
                $kind,
                "COALESCE(next_run_at, 9223372036854775807), name"
            ),
            ") AS lost) AS line ORDER BY due, name LIMIT $3"
        )
    };
}

// The place to go on from is said twice, so that the index is entered there and not walked up to it: SQLite takes no
// bound from a row of expressions.
statements! {
    LIST = page!("");
    LIST_OF_KIND = page!(" AND kind = $4");
    LIST_DUE = due!("");
    LIST_DUE_OF_KIND = due!(" AND kind = $5");
    LIST_HELD = concat!("SELECT ", listed!(), " FROM job
            WHERE state = 'held' AND claimed_at <= $1 AND (claimed_at, name) > ($2, $3)
            ORDER BY claimed_at, name LIMIT $4");
    LIST_DEAD = concat!("SELECT ", listed!(), " FROM job
            WHERE state = 'dead' AND COALESCE(last_run_at, created_at) <= $1
              AND (COALESCE(last_run_at, created_at), name) < ($1, $2)
            ORDER BY COALESCE(last_run_at, created_at) DESC, name DESC LIMIT $3");
}

/// A routine job in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The job without its payload, and with the beginning of its last summary.
    pub job: Job,
    /// How large its payload is, in bytes of JSON.
    pub payload_bytes: Option<i64>,
}

#[derive(sqlx::FromRow)]
pub(super) struct ListedRow {
    #[sqlx(flatten)]
    job: Row,
    payload_bytes: Option<i64>,
}

impl TryFrom<ListedRow> for Listed {
    type Error = Fault;

    fn try_from(row: ListedRow) -> Result<Self, Fault> {
        let mut job = Job::try_from(row.job)?;
        if let Some(last) = &mut job.last {
            last.summary = last.summary.as_deref().map(job::excerpt);
        }
        Ok(Self { job, payload_bytes: row.payload_bytes })
    }
}

/// Which jobs to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// Only those that could be claimed now.
    pub due_only: bool,
    /// Only this kind.
    pub kind: Option<&'a str>,
}

/// Jobs by due time and name, never-due ones last, after (`due`, `name`).
pub async fn by_due(tx: &mut Tx, filter: Filter<'_>, after: (i64, &str), limit: i64) -> Result<Vec<Listed>, Fault> {
    let now = Int(tx.now().0);
    let (due, name, limit) = (Int(after.0), Text(after.1), Int(limit));
    let rows: Vec<ListedRow> = match (filter.due_only, filter.kind) {
        (false, None) => tx.all(LIST, &[due, name, limit]).await?,
        (false, Some(kind)) => tx.all(LIST_OF_KIND, &[due, name, limit, Text(kind)]).await?,
        (true, None) => tx.all(LIST_DUE, &[due, name, limit, now]).await?,
        (true, Some(kind)) => tx.all(LIST_DUE_OF_KIND, &[due, name, limit, now, Text(kind)]).await?,
    };
    rows.into_iter().map(Listed::try_from).collect()
}

/// Jobs claimed at or before `then`, longest first, after (`claimed_at`, `name`).
pub async fn held_since(tx: &mut Tx, then: Time, after: (i64, &str), limit: i64) -> Result<Vec<Listed>, Fault> {
    let args = [Int(then.0), Int(after.0), Text(after.1), Int(limit)];
    tx.all::<ListedRow>(LIST_HELD, &args).await?.into_iter().map(Listed::try_from).collect()
}

/// Jobs that gave up, latest first, before (`last run or creation`, `name`).
pub async fn dead(tx: &mut Tx, before: (i64, &str), limit: i64) -> Result<Vec<Listed>, Fault> {
    let args = [Int(before.0), Text(before.1), Int(limit)];
    tx.all::<ListedRow>(LIST_DEAD, &args).await?.into_iter().map(Listed::try_from).collect()
}
