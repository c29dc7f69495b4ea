//! The last fencing token given on each counter. Rows are never deleted.

use domain::fence;

use crate::Arg::Int;
use crate::{Fault, Tx};

statements! {
    LOAD = "SELECT value FROM fence WHERE shard = $1 FOR UPDATE";
    RAISE = "UPDATE fence SET value = $2 WHERE shard = $1 AND value < $2";
}

/// The last token given on the key's counter; nobody else gives one until this transaction ends.
pub async fn load(tx: &mut Tx, key: &str) -> Result<i64, Fault> {
    let shard = fence::shard(key);
    match tx.one::<(i64,)>(LOAD, &[Int(shard)]).await? {
        Some((value,)) => Ok(value),
        None => Err(Fault::Corrupt { table: "fence", column: "shard", id: shard.to_string() }),
    }
}

/// Raises the key's counter to `value`; a counter that is further stays.
pub async fn raise(tx: &mut Tx, key: &str, value: i64) -> Result<(), Fault> {
    tx.run(RAISE, &[Int(fence::shard(key)), Int(value)]).await.map(drop)
}
