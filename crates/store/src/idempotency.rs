//! The first answer to each idempotency key, as rows.

use domain::time::Time;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

statements! {
    RESERVE = "INSERT INTO idempotency (principal, key, request, answer, at) VALUES ($1, $2, $3, '', $4)
               ON CONFLICT (principal, key) DO NOTHING";
    FIND = "SELECT request, answer FROM idempotency WHERE principal = $1 AND key = $2";
    ANSWER = "UPDATE idempotency SET answer = $3 WHERE principal = $1 AND key = $2";
    FORGET = "DELETE FROM idempotency WHERE at < $1 AND key IN (
                SELECT key FROM idempotency WHERE at < $1 ORDER BY at LIMIT 500)";
}

/// What was asked and answered under a key.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct First {
    /// A digest of the request.
    pub request: String,
    /// The answer as JSON.
    pub answer: String,
}

/// Reserves a key for this transaction's answer; gives what was answered first when the key was used before. Waits
/// for another transaction that is just using the key.
pub async fn reserve(tx: &mut Tx, principal: &str, key: &str, request: &str) -> Result<Option<First>, Fault> {
    let now = tx.now();
    let args = [Text(principal), Text(key), Text(request), Int(now.0)];
    if tx.run(RESERVE, &args).await? == 1 {
        return Ok(None);
    }
    match tx.one(FIND, &[Text(principal), Text(key)]).await? {
        Some(first) => Ok(Some(first)),
        None => Err(Fault::Conflict),
    }
}

/// Keeps the answer under the reserved key.
pub async fn answer(tx: &mut Tx, principal: &str, key: &str, answer: &str) -> Result<(), Fault> {
    crate::guarded(tx.run(ANSWER, &[Text(principal), Text(key), Text(answer)]).await?)
}

/// Forgets up to 500 keys used before `then`; returns how many.
pub async fn forget(tx: &mut Tx, then: Time) -> Result<u64, Fault> {
    tx.run(FORGET, &[Int(then.0)]).await
}
