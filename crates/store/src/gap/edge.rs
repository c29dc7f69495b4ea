//! Which gap depends on which.

use domain::gap::Key;
use domain::gap::relation::Edge;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

/// The most edges below a gap that one question reads: where there are more, nobody can tell what they lead to.
pub const BELOW_MAX: i64 = 10_000;

statements! {
    ADD = "INSERT INTO gap_edge (gap, depends_on, at) VALUES ($1, $2, $3) ON CONFLICT (gap, depends_on) DO NOTHING";
    BELOW = "WITH RECURSIVE reached (key) AS (
               SELECT key FROM gap WHERE key = $1
               UNION
               SELECT gap_edge.depends_on FROM gap_edge JOIN reached ON gap_edge.gap = reached.key)
             SELECT gap, depends_on FROM gap_edge WHERE gap IN (SELECT key FROM reached) LIMIT $2";
    ABOVE = "SELECT gap, depends_on FROM gap_edge WHERE depends_on = $1 ORDER BY gap LIMIT $2";
    OUT = "SELECT gap, depends_on FROM gap_edge WHERE gap = $1 ORDER BY depends_on LIMIT $2";
    THERE = "SELECT gap FROM gap_edge WHERE gap = $1 AND depends_on = $2";
    SHALLOWEST = "SELECT MIN(gap.depth) FROM gap_edge JOIN gap ON gap.key = gap_edge.gap WHERE gap_edge.depends_on = $1";
    REMOVE = "DELETE FROM gap_edge WHERE gap = $1 OR depends_on = $1";
}

/// Adds an edge; one that is there stays.
pub async fn add(tx: &mut Tx, gap: &Key, depends_on: &Key) -> Result<bool, Fault> {
    let now = tx.now();
    Ok(tx.run(ADD, &[Text(&gap.to_string()), Text(&depends_on.to_string()), Int(now.0)]).await? == 1)
}

/// Every edge that can be reached from a gap, downwards.
pub async fn below(tx: &mut Tx, key: &Key) -> Result<Vec<Edge>, Fault> {
    tx.all(BELOW, &[Text(&key.to_string()), Int(BELOW_MAX)]).await
}

/// Whether an edge is there.
pub async fn is_there(tx: &mut Tx, gap: &Key, depends_on: &Key) -> Result<bool, Fault> {
    let found: Option<(String,)> = tx.one(THERE, &[Text(&gap.to_string()), Text(&depends_on.to_string())]).await?;
    Ok(found.is_some())
}

/// How deep the shallowest of the gaps is that wait for this one; none where none does.
pub async fn shallowest_above(tx: &mut Tx, key: &Key) -> Result<Option<i64>, Fault> {
    let found: Option<(Option<i64>,)> = tx.one(SHALLOWEST, &[Text(&key.to_string())]).await?;
    Ok(found.and_then(|(depth,)| depth))
}

/// Takes every edge of a gap away, both ways.
pub async fn remove(tx: &mut Tx, key: &Key) -> Result<u64, Fault> {
    tx.run(REMOVE, &[Text(&key.to_string())]).await
}

/// The edges that lead to a gap: what depends on it.
pub async fn above(tx: &mut Tx, key: &Key, limit: i64) -> Result<Vec<Edge>, Fault> {
    tx.all(ABOVE, &[Text(&key.to_string()), Int(limit)]).await
}

/// The edges that leave a gap: what it depends on.
pub async fn out(tx: &mut Tx, key: &Key, limit: i64) -> Result<Vec<Edge>, Fault> {
    tx.all(OUT, &[Text(&key.to_string()), Int(limit)]).await
}
