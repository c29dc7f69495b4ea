//! Runs as rows: appended once, never changed, never deleted.

use domain::job::{self, Outcome, Run};
use domain::time::Time;

use crate::Arg::{Int, MaybeText, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "claim_id, job, kind, attempt, fencing_token, principal, holder, claimed_at, ended_at, outcome, status, summary"
    };
}

/// One character more of the summary than a list shows tells that there is more.
macro_rules! listed {
    () => {
        "claim_id, job, kind, attempt, fencing_token, principal, holder, claimed_at, ended_at, outcome, status, \
         SUBSTR(summary, 1, 501) AS summary"
    };
}

statements! {
    APPEND = concat!("INSERT INTO run (", columns!(), ")
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
    FIND = concat!("SELECT ", columns!(), " FROM run WHERE claim_id = $1");
    LIST = concat!("SELECT ", listed!(), " FROM run WHERE (ended_at, claim_id) < ($1, $2)
            ORDER BY ended_at DESC, claim_id DESC LIMIT $3");
    OF_JOB = concat!("SELECT ", listed!(), " FROM run WHERE job = $1 AND (ended_at, claim_id) < ($2, $3)
              ORDER BY ended_at DESC, claim_id DESC LIMIT $4");
}

#[derive(sqlx::FromRow)]
struct Row {
    claim_id: String,
    job: String,
    kind: String,
    attempt: i64,
    fencing_token: i64,
    principal: String,
    holder: String,
    claimed_at: i64,
    ended_at: i64,
    outcome: String,
    status: String,
    summary: Option<String>,
}

impl TryFrom<Row> for Run {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let outcome = Outcome::ALL
            .into_iter()
            .find(|outcome| outcome.name() == row.outcome)
            .ok_or_else(|| Fault::Corrupt { table: "run", column: "outcome", id: row.claim_id.clone() })?;
        Ok(Self {
            claim_id: row.claim_id,
            job: row.job,
            kind: row.kind,
            attempt: row.attempt,
            fencing_token: row.fencing_token,
            principal: row.principal,
            holder: row.holder,
            claimed_at: Time(row.claimed_at),
            ended_at: Time(row.ended_at),
            outcome,
            status: row.status,
            summary: row.summary,
        })
    }
}

/// Appends a run. A claim ends once: a second run of one claim is a conflict.
pub async fn append(tx: &mut Tx, run: &Run) -> Result<(), Fault> {
    let args = [
        Text(&run.claim_id),
        Text(&run.job),
        Text(&run.kind),
        Int(run.attempt),
        Int(run.fencing_token),
        Text(&run.principal),
        Text(&run.holder),
        Int(run.claimed_at.0),
        Int(run.ended_at.0),
        Text(run.outcome.name()),
        Text(&run.status),
        MaybeText(run.summary.as_deref()),
    ];
    tx.run(APPEND, &args).await.map(drop)
}

/// The run of a claim that ended.
pub async fn find(tx: &mut Tx, claim_id: &str) -> Result<Option<Run>, Fault> {
    tx.one::<Row>(FIND, &[Text(claim_id)]).await?.map(Run::try_from).transpose()
}

/// Runs, latest first, of one job or of all, before (`ended_at`, `claim_id`); each with the beginning of its summary.
pub async fn list(tx: &mut Tx, job: Option<&str>, before: (i64, &str), limit: i64) -> Result<Vec<Run>, Fault> {
    let rows: Vec<Row> = match job {
        Some(job) => tx.all(OF_JOB, &[Text(job), Int(before.0), Text(before.1), Int(limit)]).await?,
        None => tx.all(LIST, &[Int(before.0), Text(before.1), Int(limit)]).await?,
    };
    let runs = rows.into_iter().map(|row| {
        let run = Run::try_from(row)?;
        Ok(Run { summary: run.summary.as_deref().map(job::excerpt), ..run })
    });
    runs.collect()
}
