//! Locks as rows. A released or long expired lock leaves no row; its token lives on in the counter of its key.

use domain::lock::Lock;
use domain::time::Time;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "key, lock_id, holder, principal, fencing_token, acquired_at, expires_at"
    };
}

statements! {
    LOAD = concat!("SELECT ", columns!(), " FROM lock WHERE key = $1 FOR UPDATE");
    BY_ID = concat!("SELECT ", columns!(), " FROM lock WHERE lock_id = $1 FOR UPDATE");
    PUT = concat!("INSERT INTO lock (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (key) DO UPDATE
              SET lock_id = excluded.lock_id, holder = excluded.holder, principal = excluded.principal,
                  fencing_token = excluded.fencing_token, acquired_at = excluded.acquired_at,
                  expires_at = excluded.expires_at
            WHERE lock.fencing_token < excluded.fencing_token");
    EXTEND = "UPDATE lock SET expires_at = $2 WHERE lock_id = $1";
    REMOVE = "DELETE FROM lock WHERE lock_id = $1";
    LIST = concat!("SELECT ", columns!(), " FROM lock
            WHERE expires_at > $1 AND substr(key, 1, CAST($2 AS INTEGER)) = $3 AND (expires_at, key) > ($4, $5)
            ORDER BY expires_at, key LIMIT $6");
    COUNT = "SELECT COUNT(*) FROM lock WHERE expires_at > $1";
    // Said twice: a lock that is taken again while this waits for its row is judged anew by the outer condition only.
    FORGET = "DELETE FROM lock WHERE expires_at < $1 AND key IN (
                SELECT key FROM lock WHERE expires_at < $1 ORDER BY expires_at, key LIMIT 500)";
}

#[derive(sqlx::FromRow)]
struct Row {
    key: String,
    lock_id: String,
    holder: String,
    principal: String,
    fencing_token: i64,
    acquired_at: i64,
    expires_at: i64,
}

impl From<Row> for Lock {
    fn from(row: Row) -> Self {
        Self {
            key: row.key,
            lock_id: row.lock_id,
            holder: row.holder,
            principal: row.principal,
            fencing_token: row.fencing_token,
            acquired_at: Time(row.acquired_at),
            expires_at: Time(row.expires_at),
        }
    }
}

/// The lock on a key, live or expired, held still for this transaction.
pub async fn load(tx: &mut Tx, key: &str) -> Result<Option<Lock>, Fault> {
    Ok(tx.one::<Row>(LOAD, &[Text(key)]).await?.map(Lock::from))
}

/// The lock with this handle, live or expired, held still for this transaction.
pub async fn by_id(tx: &mut Tx, lock_id: &str) -> Result<Option<Lock>, Fault> {
    Ok(tx.one::<Row>(BY_ID, &[Text(lock_id)]).await?.map(Lock::from))
}

/// Writes a granted lock, guarded by its token: it must be larger than the one that stands.
pub async fn put(tx: &mut Tx, lock: &Lock) -> Result<(), Fault> {
    let args = [
        Text(&lock.key),
        Text(&lock.lock_id),
        Text(&lock.holder),
        Text(&lock.principal),
        Int(lock.fencing_token),
        Int(lock.acquired_at.0),
        Int(lock.expires_at.0),
    ];
    crate::guarded(tx.run(PUT, &args).await?)
}

/// Writes a new expiry.
pub async fn extend(tx: &mut Tx, lock: &Lock) -> Result<(), Fault> {
    crate::guarded(tx.run(EXTEND, &[Text(&lock.lock_id), Int(lock.expires_at.0)]).await?)
}

/// Removes a lock.
pub async fn remove(tx: &mut Tx, lock: &Lock) -> Result<(), Fault> {
    crate::guarded(tx.run(REMOVE, &[Text(&lock.lock_id)]).await?)
}

/// Live locks whose key begins with `prefix`, letter for letter, by expiry and key, after (`expiry`, `key`).
pub async fn list(tx: &mut Tx, prefix: &str, after: (i64, &str), limit: i64) -> Result<Vec<Lock>, Fault> {
    let chars = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
    let now = tx.now();
    let args = [Int(now.0), Int(chars), Text(prefix), Int(after.0), Text(after.1), Int(limit)];
    Ok(tx.all::<Row>(LIST, &args).await?.into_iter().map(Lock::from).collect())
}

/// How many locks are live.
pub async fn count(tx: &mut Tx) -> Result<i64, Fault> {
    let now = tx.now();
    Ok(tx.one::<(i64,)>(COUNT, &[Int(now.0)]).await?.map_or(0, |(count,)| count))
}

/// Forgets up to 500 locks that expired before `then`; returns how many.
pub async fn forget(tx: &mut Tx, then: Time) -> Result<u64, Fault> {
    tx.run(FORGET, &[Int(then.0)]).await
}
