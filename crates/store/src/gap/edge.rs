//! Which gap depends on which.

use domain::gap::Key;
use domain::gap::relation::Edge;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

/// The most edges below a gap that one question reads: where there are more, nobody can tell what they lead to.
pub const BELOW_MAX: i64 = 10_000;

statements! {
    ADD = "INSERT INTO gap_edge (gap, depends_on, at, asked) VALUES ($1, $2, $3, $4)
             ON CONFLICT (gap, depends_on) DO UPDATE SET asked = excluded.asked WHERE gap_edge.asked < excluded.asked";
    ASKED = "SELECT depends_on FROM gap_edge WHERE gap = $1 AND asked = 1 ORDER BY depends_on LIMIT $2";
    MET = "SELECT depends_on FROM gap_edge WHERE gap = $1 AND asked = 0 ORDER BY depends_on LIMIT $2";
    BELOW = "WITH RECURSIVE reached (key) AS (
               SELECT key FROM gap WHERE key = $1
               UNION
               SELECT gap_edge.depends_on FROM gap_edge JOIN reached ON gap_edge.gap = reached.key)
             SELECT gap, depends_on FROM gap_edge WHERE gap IN (SELECT key FROM reached) LIMIT $2";
    ABOVE = "SELECT gap, depends_on FROM gap_edge WHERE depends_on = $1 ORDER BY gap LIMIT $2";
    OUT = "SELECT gap, depends_on FROM gap_edge WHERE gap = $1 ORDER BY depends_on LIMIT $2";
    THERE = "SELECT gap FROM gap_edge WHERE gap = $1 AND depends_on = $2";
    SHALLOWEST = "SELECT MIN(gap.depth) FROM gap_edge JOIN gap ON gap.key = gap_edge.gap WHERE gap_edge.depends_on = $1";
    TOUCHING = "SELECT gap, depends_on, asked FROM gap_edge WHERE gap = $1
                UNION ALL SELECT gap, depends_on, asked FROM gap_edge WHERE depends_on = $1 LIMIT $2";
    REMOVE = "DELETE FROM gap_edge WHERE gap = $1 OR depends_on = $1";
    KEEP = "INSERT INTO gap_edge_kept (duplicate, gap, depends_on, asked)
            SELECT $1, gap, depends_on, asked FROM gap_edge WHERE gap = $1
             UNION ALL SELECT $1, gap, depends_on, asked FROM gap_edge WHERE depends_on = $1";
    KEPT = "SELECT gap, depends_on, asked FROM gap_edge_kept WHERE duplicate = $1 ORDER BY gap, depends_on LIMIT $2";
    FORGET = "DELETE FROM gap_edge_kept WHERE duplicate = $1";
    LEND = "UPDATE gap_edge SET via = $3 WHERE gap = $1 AND depends_on = $2";
    OWN = "UPDATE gap_edge SET via = NULL WHERE gap = $1 AND depends_on = $2 AND via IS NOT NULL";
    LENT = "SELECT gap, depends_on FROM gap_edge WHERE via = $1 ORDER BY gap, depends_on LIMIT $2";
    KEPT_BY_OTHERS = "SELECT gap_edge_kept.duplicate, gap_edge_kept.gap, gap_edge_kept.depends_on, gap_edge_kept.asked
                        FROM gap JOIN gap_edge_kept ON gap_edge_kept.duplicate = gap.key
                       WHERE gap.duplicate_of = $1 ORDER BY gap_edge_kept.duplicate LIMIT $2";
    TAKE_BACK = "DELETE FROM gap_edge WHERE via = $1";
}

/// Why a gap depends on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The other was met while it was worked on, which may go on.
    Met,
    /// Somebody said that the other must be closed first.
    Asked,
}

/// Adds an edge, or lets one that was only met be asked for; false when that says nothing new.
pub async fn add(tx: &mut Tx, gap: &Key, depends_on: &Key, why: Why) -> Result<bool, Fault> {
    let (now, asked) = (tx.now(), i64::from(why == Why::Asked));
    Ok(tx.run(ADD, &[Text(&gap.to_string()), Text(&depends_on.to_string()), Int(now.0), Int(asked)]).await? == 1)
}

/// The gaps that somebody said must be closed before this one.
pub async fn asked(tx: &mut Tx, key: &Key, limit: i64) -> Result<Vec<Key>, Fault> {
    super::keys(tx.all(ASKED, &[Text(&key.to_string()), Int(limit)]).await?)
}

/// The gaps that were only met while this one was worked on.
pub async fn met(tx: &mut Tx, key: &Key, limit: i64) -> Result<Vec<Key>, Fault> {
    super::keys(tx.all(MET, &[Text(&key.to_string()), Int(limit)]).await?)
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

/// Every edge of a gap, both ways, and why it is there.
pub async fn touching(tx: &mut Tx, key: &Key, limit: i64) -> Result<Vec<(Edge, Why)>, Fault> {
    Ok(told(tx.all(TOUCHING, &[Text(&key.to_string()), Int(limit)]).await?))
}

fn told(rows: Vec<(String, String, i64)>) -> Vec<(Edge, Why)> {
    let why = |asked| if asked == 1 { Why::Asked } else { Why::Met };
    rows.into_iter().map(|(gap, on, asked)| ((gap, on), why(asked))).collect()
}

/// Takes every edge of a gap that became a duplicate away, both ways, and keeps them for when it is told apart again.
pub async fn put_away(tx: &mut Tx, key: &Key) -> Result<(), Fault> {
    let key = key.to_string();
    tx.run(KEEP, &[Text(&key)]).await?;
    tx.run(REMOVE, &[Text(&key)]).await.map(drop)
}

/// Gives back which edges a duplicate had, which are kept no longer.
pub async fn bring_out(tx: &mut Tx, key: &Key, limit: i64) -> Result<Vec<(Edge, Why)>, Fault> {
    let key = key.to_string();
    let kept = told(tx.all(KEPT, &[Text(&key), Int(limit)]).await?);
    tx.run(FORGET, &[Text(&key)]).await?;
    Ok(kept)
}

/// Says that an edge was taken over from a duplicate.
pub async fn lend(tx: &mut Tx, gap: &Key, depends_on: &Key, via: &Key) -> Result<(), Fault> {
    let args = [Text(&gap.to_string()), Text(&depends_on.to_string()), Text(&via.to_string())];
    tx.run(LEND, &args).await.map(drop)
}

/// Says that an edge, which may have been taken over from a duplicate, is the gap's own too.
pub async fn own(tx: &mut Tx, gap: &Key, depends_on: &Key) -> Result<(), Fault> {
    tx.run(OWN, &[Text(&gap.to_string()), Text(&depends_on.to_string())]).await.map(drop)
}

/// The edges that the duplicates of a gap had, each with the duplicate.
pub async fn of_duplicates(tx: &mut Tx, key: &Key, limit: i64) -> Result<Vec<(Key, (Edge, Why))>, Fault> {
    let rows: Vec<(String, String, String, i64)> =
        tx.all(KEPT_BY_OTHERS, &[Text(&key.to_string()), Int(limit)]).await?;
    let read = |(duplicate, gap, on, asked): (String, String, String, i64)| {
        let key = Key::stored(&duplicate);
        let key = key.ok_or(Fault::Corrupt { table: "gap_edge_kept", column: "duplicate", id: duplicate })?;
        Ok((key, ((gap, on), if asked == 1 { Why::Asked } else { Why::Met })))
    };
    rows.into_iter().map(read).collect()
}

/// Takes the edges away that were taken over from a duplicate, and gives which they were.
pub async fn take_back(tx: &mut Tx, via: &Key, limit: i64) -> Result<Vec<Edge>, Fault> {
    let via = via.to_string();
    let lent = tx.all(LENT, &[Text(&via), Int(limit)]).await?;
    tx.run(TAKE_BACK, &[Text(&via)]).await?;
    Ok(lent)
}

/// The edges that lead to a gap: what depends on it.
pub async fn above(tx: &mut Tx, key: &Key, limit: i64) -> Result<Vec<Edge>, Fault> {
    tx.all(ABOVE, &[Text(&key.to_string()), Int(limit)]).await
}

/// The edges that leave a gap: what it depends on.
pub async fn out(tx: &mut Tx, key: &Key, limit: i64) -> Result<Vec<Edge>, Fault> {
    tx.all(OUT, &[Text(&key.to_string()), Int(limit)]).await
}
