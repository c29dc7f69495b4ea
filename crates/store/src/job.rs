//! Routine jobs as rows, and how the next one in line is found.

pub mod list;
pub mod look;
pub mod turn;

use domain::job::{CANARY, Claim, Job, Last, State};
use domain::time::{Span, Time};

use crate::Arg::{Int, MaybeInt, MaybeText, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "name, kind, interval_ms, payload, priority, max_attempts, created_by, created_at, state, next_run_at, \
         triggered_at, attempts, fencing_token, claim_id, holder, principal, claimed_at, expires_at, progress, \
         last_run_at, last_status, last_summary, changed_at, gap, resting, pull"
    };
}

/// The first of one sort of due jobs: those known to be due, those whose time came since anybody looked, or those whose
/// claim expired. Each is found by an index of its own, so the line may be a million jobs long. The heartbeat's own job
/// is in nobody's line.
macro_rules! first {
    (ready, $what:literal, $kind:literal, $lock:literal) => {
        first!($what, "next_run_at", "state = 'ready'", $kind, $lock)
    };
    (waiting, $what:literal, $kind:literal, $lock:literal) => {
        first!($what, "next_run_at", "state = 'waiting' AND next_run_at <= $1", $kind, $lock)
    };
    (held, $what:literal, $kind:literal, $lock:literal) => {
        first!(
            $what,
            "COALESCE(next_run_at, expires_at)",
            "state = 'held' AND expires_at <= $1 AND COALESCE(next_run_at, expires_at) <= $1",
            $kind,
            $lock
        )
    };
    ($what:literal, $due:literal, $sort:literal, $kind:literal, $lock:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM (SELECT name, state, priority, ",
            $due,
            " AS due FROM job WHERE ",
            $sort,
            " AND name <> $2",
            $kind,
            " ORDER BY priority DESC, ",
            $due,
            ", name LIMIT 1",
            $lock,
            ") AS first"
        )
    };
}

/// The first job in line, whoever may be just taking it: a look without a lock.
macro_rules! head {
    ($what:literal, $kind:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM (",
            first!(ready, "state, priority, due, name", $kind, ""),
            " UNION ALL ",
            first!(waiting, "state, priority, due, name", $kind, ""),
            " UNION ALL ",
            first!(held, "state, priority, due, name", $kind, ""),
            ") AS line ORDER BY priority DESC, due, name LIMIT 1"
        )
    };
}

/// The first job in line that nobody is taking. A look without a lock says which sort it is of, and only of that sort a
/// row is locked, so that nobody holds still what somebody else could take; when others have all of that sort, any
/// other will do.
macro_rules! next_in_line {
    ($kind:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM job WHERE name = COALESCE(
               CASE (",
            head!("state", $kind),
            ")
                 WHEN 'ready' THEN (",
            first!(ready, "name", $kind, " FOR UPDATE SKIP LOCKED"),
            ")
                 WHEN 'waiting' THEN (",
            first!(waiting, "name", $kind, " FOR UPDATE SKIP LOCKED"),
            ")
                 WHEN 'held' THEN (",
            first!(held, "name", $kind, " FOR UPDATE SKIP LOCKED"),
            ")
               END,
               (",
            first!(ready, "name", $kind, " FOR UPDATE SKIP LOCKED"),
            "),
               (",
            first!(waiting, "name", $kind, " FOR UPDATE SKIP LOCKED"),
            "),
               (",
            first!(held, "name", $kind, " FOR UPDATE SKIP LOCKED"),
            ")) FOR UPDATE"
        )
    };
}

statements! {
    ADD = concat!("INSERT INTO job (", columns!(), ") VALUES
           ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)
           ON CONFLICT (name) DO NOTHING");
    WRITE = "UPDATE job SET kind = $2, interval_ms = $3, payload = $4, priority = $5, max_attempts = $6,
                    created_by = $7, created_at = $8, state = $9, next_run_at = $10, triggered_at = $11, attempts = $12,
                    fencing_token = $13, claim_id = $14, holder = $15, principal = $16, claimed_at = $17,
                    expires_at = $18, progress = $19, last_run_at = $20, last_status = $21, last_summary = $22,
                    changed_at = $23, gap = $24, resting = $25, pull = $26
              WHERE name = $1 AND fencing_token = $27 AND state = $28";
    REMOVE = "DELETE FROM job WHERE name = $1 AND fencing_token = $2";
    LOAD = concat!("SELECT ", columns!(), " FROM job WHERE name = $1 FOR UPDATE");
    FIND = concat!("SELECT ", columns!(), " FROM job WHERE name = $1");
    BY_CLAIM = concat!("SELECT ", columns!(), " FROM job WHERE claim_id = $1 FOR UPDATE");
    // Turns of pull requests are taken by their kind.
    NEXT = next_in_line!(" AND pull IS NULL");
    NEXT_OF_KIND = next_in_line!(" AND kind = $3");
    HEAD = head!("name", " AND pull IS NULL");
    HEAD_OF_KIND = head!("name", " AND kind = $3");
    IF_DUE = concat!("SELECT ", columns!(), " FROM job
              WHERE name = $2 AND (state = 'ready' OR (state = 'waiting' AND next_run_at <= $1)
                    OR (state = 'held' AND expires_at <= $1 AND COALESCE(next_run_at, expires_at) <= $1)) FOR UPDATE");
    WAKE = "UPDATE job SET state = 'ready' WHERE state = 'waiting' AND name IN (
              SELECT name FROM job WHERE state = 'waiting' AND next_run_at <= $1
               ORDER BY next_run_at LIMIT 500 FOR UPDATE SKIP LOCKED)";
    EXPIRED = concat!("SELECT ", columns!(), " FROM job WHERE state = 'held' AND expires_at <= $1
               ORDER BY expires_at LIMIT 10 FOR UPDATE SKIP LOCKED");
    HELD_ON_GAP = concat!("SELECT ", columns!(), " FROM job
                    WHERE state = 'held' AND principal = $1 AND gap IS NOT NULL AND expires_at > $2 ORDER BY name LIMIT 2");
    // One that is just being claimed is passed over: its claim sees how the gap stands.
    OF_GAP_IN_LINE = concat!("SELECT ", columns!(), " FROM job WHERE gap = $1 AND state IN ('ready', 'waiting')
               ORDER BY name LIMIT 200 FOR UPDATE SKIP LOCKED");
    OF_GAP_RESTING = concat!("SELECT ", columns!(), " FROM job WHERE gap = $1 AND state = 'idle' AND resting = 1
               ORDER BY name LIMIT 200 FOR UPDATE");
    OF_PULL = concat!("SELECT ", columns!(), " FROM job WHERE pull = $1 ORDER BY name LIMIT 200 FOR UPDATE");
    // Each state but one has an index of its own, and counting all jobs reads the smallest: the rows are not touched.
    COUNT = "WITH counted AS (
               SELECT 'ready' AS state, COUNT(*) AS jobs, MIN(next_run_at) AS oldest FROM job WHERE state = 'ready'
               UNION ALL
               SELECT 'waiting', COUNT(*), MIN(next_run_at) FROM job WHERE state = 'waiting'
               UNION ALL
               SELECT 'held', COUNT(*), NULL FROM job WHERE state = 'held'
               UNION ALL
               SELECT 'dead', COUNT(*), NULL FROM job WHERE state = 'dead')
             SELECT state, jobs, oldest FROM counted
             UNION ALL
             SELECT 'idle', (SELECT COUNT(*) FROM job) - (SELECT CAST(SUM(jobs) AS BIGINT) FROM counted), NULL";
}

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    kind: String,
    interval_ms: Option<i64>,
    payload: Option<String>,
    priority: i64,
    max_attempts: i64,
    created_by: String,
    created_at: i64,
    state: String,
    next_run_at: Option<i64>,
    triggered_at: Option<i64>,
    attempts: i64,
    fencing_token: i64,
    claim_id: Option<String>,
    holder: Option<String>,
    principal: Option<String>,
    claimed_at: Option<i64>,
    expires_at: Option<i64>,
    progress: Option<String>,
    last_run_at: Option<i64>,
    last_status: Option<String>,
    last_summary: Option<String>,
    changed_at: i64,
    gap: Option<String>,
    resting: i64,
    pull: Option<String>,
}

impl TryFrom<Row> for Job {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let claim = match (row.claim_id, row.holder, row.principal, row.claimed_at, row.expires_at) {
            (Some(id), Some(holder), Some(principal), Some(claimed_at), Some(expires_at)) => Some(Claim {
                id,
                holder,
                principal,
                claimed_at: Time(claimed_at),
                expires_at: Time(expires_at),
                progress: row.progress,
            }),
            _ => None,
        };
        let state = match (row.state.as_str(), claim) {
            ("idle", None) => State::Idle,
            ("waiting", None) => State::Waiting,
            ("ready", None) => State::Ready,
            ("held", Some(claim)) => State::Held(claim),
            ("dead", None) => State::Dead,
            _ => return Err(Fault::Corrupt { table: "job", column: "state", id: row.name }),
        };
        let last = match (row.last_run_at, row.last_status) {
            (Some(at), Some(status)) => Some(Last { at: Time(at), status, summary: row.last_summary }),
            _ => None,
        };
        Ok(Self {
            name: row.name,
            kind: row.kind,
            interval: row.interval_ms.map(Span),
            payload: row.payload,
            priority: row.priority,
            max_attempts: row.max_attempts,
            created_by: row.created_by,
            created_at: Time(row.created_at),
            state,
            next_run_at: row.next_run_at.map(Time),
            triggered_at: row.triggered_at.map(Time),
            attempts: row.attempts,
            fencing_token: row.fencing_token,
            last,
            changed_at: Time(row.changed_at),
            gap: row.gap,
            resting: row.resting != 0,
            pull: row.pull,
        })
    }
}

/// The state's word in the column.
pub const fn state_name(state: &State) -> &'static str {
    match state {
        State::Idle => "idle",
        State::Waiting => "waiting",
        State::Ready => "ready",
        State::Held(_) => "held",
        State::Dead => "dead",
    }
}

/// Adds a job; false when the name is taken.
pub async fn add(tx: &mut Tx, job: &Job) -> Result<bool, Fault> {
    Ok(tx.run(ADD, &values(job)).await? == 1)
}

/// Writes a job over the one that was decided on: same token, same state, or somebody else came first.
pub async fn write(tx: &mut Tx, was: &Job, job: &Job) -> Result<(), Fault> {
    let mut args = values(job).to_vec();
    args.extend([Int(was.fencing_token), Text(state_name(&was.state))]);
    crate::guarded(tx.run(WRITE, &args).await?)
}

fn values(job: &Job) -> [crate::Arg<'_>; 26] {
    let claim = match &job.state {
        State::Held(claim) => Some(claim),
        State::Idle | State::Waiting | State::Ready | State::Dead => None,
    };
    let last = job.last.as_ref();
    [
        Text(&job.name),
        Text(&job.kind),
        MaybeInt(job.interval.map(|interval| interval.0)),
        MaybeText(job.payload.as_deref()),
        Int(job.priority),
        Int(job.max_attempts),
        Text(&job.created_by),
        Int(job.created_at.0),
        Text(state_name(&job.state)),
        MaybeInt(job.next_run_at.map(|due| due.0)),
        MaybeInt(job.triggered_at.map(|at| at.0)),
        Int(job.attempts),
        Int(job.fencing_token),
        MaybeText(claim.map(|claim| claim.id.as_str())),
        MaybeText(claim.map(|claim| claim.holder.as_str())),
        MaybeText(claim.map(|claim| claim.principal.as_str())),
        MaybeInt(claim.map(|claim| claim.claimed_at.0)),
        MaybeInt(claim.map(|claim| claim.expires_at.0)),
        MaybeText(claim.and_then(|claim| claim.progress.as_deref())),
        MaybeInt(last.map(|last| last.at.0)),
        MaybeText(last.map(|last| last.status.as_str())),
        MaybeText(last.and_then(|last| last.summary.as_deref())),
        Int(job.changed_at.0),
        MaybeText(job.gap.as_deref()),
        Int(i64::from(job.resting)),
        MaybeText(job.pull.as_deref()),
    ]
}

/// Removes a job that stands as it was decided on.
pub async fn remove(tx: &mut Tx, job: &Job) -> Result<(), Fault> {
    crate::guarded(tx.run(REMOVE, &[Text(&job.name), Int(job.fencing_token)]).await?)
}

/// The job of this name, held still for this transaction.
pub async fn load(tx: &mut Tx, name: &str) -> Result<Option<Job>, Fault> {
    tx.one::<Row>(LOAD, &[Text(name)]).await?.map(Job::try_from).transpose()
}

/// The job of this name, to look at.
pub async fn find(tx: &mut Tx, name: &str) -> Result<Option<Job>, Fault> {
    tx.one::<Row>(FIND, &[Text(name)]).await?.map(Job::try_from).transpose()
}

/// The job that this claim holds, held still for this transaction.
pub async fn by_claim(tx: &mut Tx, claim_id: &str) -> Result<Option<Job>, Fault> {
    tx.one::<Row>(BY_CLAIM, &[Text(claim_id)]).await?.map(Job::try_from).transpose()
}

/// The first job in line, of a kind or of any: by priority, then due time, then name. One that another transaction
/// is just taking is passed over; when all are, the first of them is waited for, and where it was taken it is a
/// [`Fault::Conflict`]: nothing is said to be due only where nothing is.
pub async fn next(tx: &mut Tx, kind: Option<&str>) -> Result<Option<Job>, Fault> {
    let (now, canary) = (Int(tx.now().0), Text(CANARY));
    let free: Option<Row> = match kind {
        Some(kind) => tx.one(NEXT_OF_KIND, &[now, canary, Text(kind)]).await?,
        None => tx.one(NEXT, &[now, canary]).await?,
    };
    if let Some(row) = free {
        return row.try_into().map(Some);
    }
    let head: Option<(String,)> = match kind {
        Some(kind) => tx.one(HEAD_OF_KIND, &[now, canary, Text(kind)]).await?,
        None => tx.one(HEAD, &[now, canary]).await?,
    };
    let Some((name,)) = head else { return Ok(None) };
    let left: Option<Row> = tx.one(IF_DUE, &[now, Text(&name)]).await?;
    let left = left.filter(|row| kind.is_none_or(|kind| row.kind == kind));
    left.ok_or(Fault::Conflict)?.try_into().map(Some)
}

/// Moves up to 500 jobs whose time has come into the ready line; returns how many.
pub async fn wake(tx: &mut Tx) -> Result<u64, Fault> {
    let now = tx.now();
    tx.run(WAKE, &[Int(now.0)]).await
}

/// Up to 10 jobs whose claim has expired, longest first, held still for this transaction: few, since a claim that finds
/// nothing else waits for them.
pub async fn expired(tx: &mut Tx) -> Result<Vec<Job>, Fault> {
    let now = tx.now();
    tx.all::<Row>(EXPIRED, &[Int(now.0)]).await?.into_iter().map(Job::try_from).collect()
}

/// The job that works on a gap and that a principal holds, if there is just one.
pub async fn held_on_gap(tx: &mut Tx, principal: &str) -> Result<Option<Job>, Fault> {
    let now = tx.now();
    let mut rows: Vec<Row> = tx.all(HELD_ON_GAP, &[Text(principal), Int(now.0)]).await?;
    match (rows.pop(), rows.is_empty()) {
        (Some(only), true) => Job::try_from(only).map(Some),
        (Some(_), false) | (None, _) => Ok(None),
    }
}

/// The turns of a pull request, held still for this transaction.
pub async fn of_pull(tx: &mut Tx, pull: &str) -> Result<Vec<Job>, Fault> {
    tx.all::<Row>(OF_PULL, &[Text(pull)]).await?.into_iter().map(Job::try_from).collect()
}

/// Up to 200 jobs that work on a gap and wait for their time or for a worker, held still for this transaction.
pub async fn in_line(tx: &mut Tx, gap: &str) -> Result<Vec<Job>, Fault> {
    tx.all::<Row>(OF_GAP_IN_LINE, &[Text(gap)]).await?.into_iter().map(Job::try_from).collect()
}

/// Up to 200 jobs that rest because this gap is settled, held still for this transaction.
pub async fn resting(tx: &mut Tx, gap: &str) -> Result<Vec<Job>, Fault> {
    tx.all::<Row>(OF_GAP_RESTING, &[Text(gap)]).await?.into_iter().map(Job::try_from).collect()
}

/// How many jobs are in a state.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Count {
    /// The state's word.
    pub state: String,
    /// How many.
    pub jobs: i64,
    /// The earliest due time among them, of those that wait for it or for a worker.
    pub oldest: Option<i64>,
}

/// How many jobs are in each state.
pub async fn count(tx: &mut Tx) -> Result<Vec<Count>, Fault> {
    tx.all(COUNT, &[]).await
}
