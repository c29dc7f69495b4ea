//! The audit journal as rows: appended with the write they tell of, sealed into blocks soon after.
//!
//! Sealing apart from writing keeps the chain's single head off every write's path. Until its block is sealed, within
//! about a second, an entry is guarded by its own hash alone.

use std::ops::RangeInclusive;

use domain::journal::{Entry, GENESIS, block_hash};
use domain::time::Time;

use crate::Arg::{Int, Text};
use crate::seeded::bug;
use crate::{Fault, Tx};

/// How many entries go into one block.
pub const BLOCK_ENTRIES_MAX: i64 = 1_000;

macro_rules! columns {
    () => {
        "id, at, principal, role, tool, object, before, after, request_id, hash, block"
    };
}

statements! {
    APPEND = "INSERT INTO journal (id, at, principal, role, tool, object, before, after, request_id, hash)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    HEAD = "SELECT seq, previous, entries, sealed_at, hash FROM journal_block ORDER BY seq DESC LIMIT 1";
    SEAL = "UPDATE journal SET block = $1 WHERE block IS NULL AND id IN (
              SELECT id FROM journal WHERE block IS NULL ORDER BY at, id LIMIT 1000 FOR UPDATE SKIP LOCKED)
            RETURNING at, id, hash";
    ADD_BLOCK = "INSERT INTO journal_block (seq, previous, entries, sealed_at, hash) VALUES ($1, $2, $3, $4, $5)";
    BLOCKS = "SELECT seq, previous, entries, sealed_at, hash FROM journal_block WHERE seq > $1 ORDER BY seq LIMIT $2";
    OF_BLOCK = concat!("SELECT ", columns!(), " FROM journal WHERE block = $1 ORDER BY at, id");
    UNSEALED = concat!("SELECT ", columns!(), " FROM journal WHERE block IS NULL ORDER BY at, id LIMIT $1");
    STRAY = "SELECT COUNT(*) FROM (
              SELECT 1 FROM journal WHERE block >= $1 AND block <= $2
                 AND NOT EXISTS (SELECT 1 FROM journal_block WHERE journal_block.seq = journal.block)
               LIMIT $3) AS counted";
    LIST = concat!("SELECT ", columns!(), " FROM journal WHERE (at, id) < ($1, $2) ORDER BY at DESC, id DESC LIMIT $3");
    OF_OBJECT = concat!("SELECT ", columns!(), " FROM journal WHERE object = $1 AND (at, id) < ($2, $3)
                    AND ($5 = '' OR principal = $5) AND ($6 = '' OR tool = $6)
                 ORDER BY at DESC, id DESC LIMIT $4");
    // So many are looked at, however few of them are asked for.
    LOOK = concat!("SELECT ", columns!(), " FROM (SELECT ", columns!(), " FROM journal WHERE (at, id) < ($1, $2)
             ORDER BY at DESC, id DESC LIMIT $3) AS looked
            WHERE ($4 = '' OR principal = $4) AND ($5 = '' OR tool = $5) ORDER BY at DESC, id DESC LIMIT $6");
    LOOKED_TO = "SELECT at, id FROM journal WHERE (at, id) < ($1, $2) ORDER BY at DESC, id DESC LIMIT 1 OFFSET $3";
    AFTER = concat!("SELECT ", columns!(), " FROM journal WHERE (at, id) > ($1, $2) ORDER BY at, id LIMIT $3");
}

/// An entry as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// When.
    pub at: i64,
    /// Who.
    pub principal: String,
    /// In what role.
    pub role: String,
    /// By which tool.
    pub tool: String,
    /// On what.
    pub object: String,
    /// How it stood before.
    pub before: String,
    /// How it stands after.
    pub after: String,
    /// With which request.
    pub request_id: String,
    /// The hash of all that.
    pub hash: String,
    /// The block it is sealed in.
    pub block: Option<i64>,
}

impl Row {
    /// The entry in the domain's own shape.
    pub fn entry(&self) -> Entry {
        Entry {
            id: self.id.clone(),
            at: Time(self.at),
            principal: self.principal.clone(),
            role: self.role.clone(),
            tool: self.tool.clone(),
            object: self.object.clone(),
            before: self.before.clone(),
            after: self.after.clone(),
            request_id: self.request_id.clone(),
        }
    }
}

/// A sealed block.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Block {
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// The hash of the block before it.
    pub previous: String,
    /// How many entries it seals.
    pub entries: i64,
    /// When it was sealed.
    pub sealed_at: i64,
    /// Its hash.
    pub hash: String,
}

/// Appends an entry.
pub async fn append(tx: &mut Tx, entry: &Entry) -> Result<(), Fault> {
    let hash = entry.hash();
    let args = [
        Text(&entry.id),
        Int(entry.at.0),
        Text(&entry.principal),
        Text(&entry.role),
        Text(&entry.tool),
        Text(&entry.object),
        Text(&entry.before),
        Text(&entry.after),
        Text(&entry.request_id),
        Text(&hash),
    ];
    tx.run(APPEND, &args).await.map(drop)
}

/// Seals up to a thousand entries into the next block; none when nothing waits. Of two replicas that seal at once,
/// one fails on the block's number and changes nothing.
pub async fn seal(tx: &mut Tx) -> Result<Option<Block>, Fault> {
    let head = head(tx).await?;
    let (seq, previous) = head.map_or((1, GENESIS.to_owned()), |head| (head.seq + 1, head.hash));
    let previous = if bug("chain-forgets") { GENESIS.to_owned() } else { previous };
    let mut sealed: Vec<(i64, String, String)> = tx.all(SEAL, &[Int(seq)]).await?;
    if sealed.is_empty() {
        return Ok(None);
    }
    sealed.sort();
    let hash = block_hash(seq, tx.now(), &previous, sealed.iter().map(|(_, _, hash)| hash.as_str()));
    let entries = i64::try_from(sealed.len()).unwrap_or(i64::MAX);
    let block = Block { seq, previous, entries, sealed_at: tx.now().0, hash };
    let args = [Int(seq), Text(&block.previous), Int(entries), Int(block.sealed_at), Text(&block.hash)];
    match tx.run(ADD_BLOCK, &args).await {
        Err(Fault::Taken(_)) => Err(Fault::Conflict),
        done => done.map(|_| Some(block)),
    }
}

/// The latest block.
pub async fn head(tx: &mut Tx) -> Result<Option<Block>, Fault> {
    tx.one(HEAD, &[]).await
}

/// Blocks in order, after this number.
pub async fn blocks(tx: &mut Tx, after: i64, limit: i64) -> Result<Vec<Block>, Fault> {
    tx.all(BLOCKS, &[Int(after), Int(limit)]).await
}

/// The entries that a block seals, in order.
pub async fn of_block(tx: &mut Tx, seq: i64) -> Result<Vec<Row>, Fault> {
    tx.all(OF_BLOCK, &[Int(seq)]).await
}

/// Entries that wait to be sealed, in order.
pub async fn unsealed(tx: &mut Tx, limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all(UNSEALED, &[Int(limit)]).await
}

/// How many entries claim to be in one of these blocks and it does not exist; no more than `limit` are counted.
pub async fn stray(tx: &mut Tx, blocks: RangeInclusive<i64>, limit: i64) -> Result<i64, Fault> {
    let args = [Int(*blocks.start()), Int(*blocks.end()), Int(limit)];
    Ok(tx.one::<(i64,)>(STRAY, &args).await?.map_or(0, |(count,)| count))
}

/// Entries, latest first, before (`at`, `id`).
pub async fn list(tx: &mut Tx, before: (i64, &str), limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all(LIST, &[Int(before.0), Text(before.1), Int(limit)]).await
}

/// How many entries are looked at for one page, whoever they are of.
pub const LOOKED_AT_MAX: i64 = 5_000;

/// What entries to look for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Only what became of this.
    pub object: Option<String>,
    /// Only what this principal did.
    pub principal: Option<String>,
    /// Only what was done by this tool.
    pub tool: Option<String>,
}

/// Entries of a look, latest first, before (`at`, `id`), and the last place that was looked at, where the look ended before
/// the entries did.
pub async fn look(
    tx: &mut Tx,
    look: &Look,
    (at, id): (i64, &str),
    limit: i64,
) -> Result<(Vec<Row>, Option<(i64, String)>), Fault> {
    let (principal, tool) = (look.principal.as_deref().unwrap_or(""), look.tool.as_deref().unwrap_or(""));
    if let Some(object) = &look.object {
        let rows: Vec<Row> =
            tx.all(OF_OBJECT, &[Text(object), Int(at), Text(id), Int(limit), Text(principal), Text(tool)]).await?;
        return Ok((rows, None));
    }
    let args = [Int(at), Text(id), Int(LOOKED_AT_MAX), Text(principal), Text(tool), Int(limit)];
    let rows: Vec<Row> = tx.all(LOOK, &args).await?;
    let full = i64::try_from(rows.len()).is_ok_and(|found| found >= limit);
    let last = if full { None } else { tx.one(LOOKED_TO, &[Int(at), Text(id), Int(LOOKED_AT_MAX - 1)]).await? };
    Ok((rows, last))
}

/// Entries in order, after (`at`, `id`).
pub async fn after(tx: &mut Tx, after: (i64, &str), limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all(AFTER, &[Int(after.0), Text(after.1), Int(limit)]).await
}
