//! The inbox of webhooks: written before they are acknowledged, each once.

use domain::time::Time;
use serde::Serialize;

use crate::Arg::{Int, MaybeInt, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "delivery, hash, event, action, repo_id, number, at, state, attempts, next_at, ended_at, last_error"
    };
}

statements! {
    ADD = "INSERT INTO webhook (delivery, hash, event, action, repo_id, number, at, state, attempts, next_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $7) ON CONFLICT (delivery) DO NOTHING";
    KNOWN = "SELECT delivery FROM webhook WHERE hash = $1 LIMIT 1";
    TAKE = concat!("UPDATE webhook SET next_at = $2, attempts = attempts + 1 WHERE state = 'pending' AND delivery IN (
              SELECT delivery FROM webhook WHERE state = 'pending' AND next_at <= $1 ORDER BY next_at, delivery LIMIT $3
                 FOR UPDATE SKIP LOCKED) RETURNING ", columns!());
    WAITING = "SELECT delivery FROM webhook WHERE state = 'pending' AND next_at <= $1 LIMIT 1";
    END = "UPDATE webhook SET state = $2, ended_at = $3, last_error = $4 WHERE delivery = $1 AND state = 'pending'";
    LATER = "UPDATE webhook SET next_at = $2, last_error = $3 WHERE delivery = $1 AND state = 'pending'";
    LIST_DEAD = concat!("SELECT ", columns!(), " FROM webhook WHERE state = 'dead' AND (ended_at, delivery) < ($1, $2)
            ORDER BY ended_at DESC, delivery DESC LIMIT $3");
    PENDING = "SELECT COUNT(*) FROM webhook WHERE state = 'pending'";
    FORGET = "DELETE FROM webhook WHERE delivery IN (
                SELECT delivery FROM webhook WHERE state <> 'pending' AND ended_at < $1
                   AND (state <> 'dead' OR ended_at < $2) ORDER BY ended_at LIMIT 500)";
}

/// A webhook as it is remembered: what it hints at. Its text is not kept, for the forge is asked anyway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Row {
    /// The forge's id of the delivery.
    pub delivery: String,
    /// The digest of the body as it came.
    pub hash: String,
    /// What it is about.
    pub event: String,
    /// What happened; empty where it does not say.
    pub action: String,
    /// The repository's id; empty where it does not say.
    pub repo_id: String,
    /// The issue or pull request.
    pub number: Option<i64>,
    /// When it came.
    pub at: i64,
    /// `pending`, `done`, `ignored` or `dead`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it may be tried next.
    pub next_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// What is to be remembered.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// The forge's id of the delivery.
    pub delivery: &'a str,
    /// The digest of the body.
    pub hash: &'a str,
    /// What it is about.
    pub event: &'a str,
    /// What happened.
    pub action: &'a str,
    /// The repository's id.
    pub repo_id: &'a str,
    /// The issue or pull request.
    pub number: Option<i64>,
    /// Whether it is worth acting on.
    pub pending: bool,
}

/// Remembers a webhook; false when it came before, by its delivery or by its very body.
pub async fn add(tx: &mut Tx, new: New<'_>) -> Result<bool, Fault> {
    if tx.one::<(String,)>(KNOWN, &[Text(new.hash)]).await?.is_some() {
        return Ok(false);
    }
    let now = tx.now();
    let args = [
        Text(new.delivery),
        Text(new.hash),
        Text(new.event),
        Text(new.action),
        Text(new.repo_id),
        MaybeInt(new.number),
        Int(now.0),
        Text("pending"),
    ];
    if tx.run(ADD, &args).await? == 0 {
        return Ok(false);
    }
    if !new.pending {
        end(tx, new.delivery, "ignored", "").await?;
    }
    Ok(true)
}

/// Takes webhooks that may be tried now; nobody else takes them until `until`.
pub async fn take(tx: &mut Tx, until: Time, limit: i64) -> Result<Vec<Row>, Fault> {
    let now = tx.now();
    tx.all(TAKE, &[Int(now.0), Int(until.0), Int(limit)]).await
}

/// Whether a webhook may be tried now.
pub async fn waits(tx: &mut Tx) -> Result<bool, Fault> {
    let now = tx.now();
    Ok(tx.one::<(String,)>(WAITING, &[Int(now.0)]).await?.is_some())
}

/// Ends a webhook: `done`, `ignored` or `dead`.
pub async fn end(tx: &mut Tx, delivery: &str, state: &str, why: &str) -> Result<(), Fault> {
    let now = tx.now();
    tx.run(END, &[Text(delivery), Text(state), Int(now.0), Text(why)]).await.map(drop)
}

/// Lets a webhook be tried again from `at` on.
pub async fn later(tx: &mut Tx, delivery: &str, at: Time, why: &str) -> Result<(), Fault> {
    tx.run(LATER, &[Text(delivery), Int(at.0), Text(why)]).await.map(drop)
}

/// How many webhooks wait to be looked into.
pub async fn count_pending(tx: &mut Tx) -> Result<i64, Fault> {
    let count: Option<(i64,)> = tx.one(PENDING, &[]).await?;
    Ok(count.map_or(0, |(count,)| count))
}

/// Webhooks given up, the latest first, before (`ended_at`, `delivery`).
pub async fn list_dead(tx: &mut Tx, before: (i64, &str), limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all(LIST_DEAD, &[Int(before.0), Text(before.1), Int(limit)]).await
}

/// Forgets up to 500 webhooks that ended before `then`, and of those given up only what was before `given_up`.
pub async fn forget(tx: &mut Tx, then: Time, given_up: Time) -> Result<u64, Fault> {
    tx.run(FORGET, &[Int(then.0), Int(given_up.0)]).await
}
