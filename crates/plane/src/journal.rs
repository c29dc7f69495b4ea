//! The audit: reading it, sealing it, and proving that nobody changed it.

use domain::agent::Right;
use domain::journal::{GENESIS, block_hash};
use domain::time::Time;
use futures::FutureExt;
use serde::Serialize;
use store::Fault;
use store::journal::{self, Block, Row};

use crate::page::{Ask, Page};
use crate::{Call, No, Plane};

/// How many blocks are read in one look while verifying: 10,000 entries at most.
const BLOCKS_AT_ONCE: i64 = 10;
/// How many unsealed entries are checked; more than could gather while sealing works.
const UNSEALED_MAX: i64 = 10_000;

/// How many entries without a block are counted between two blocks; one is enough to know.
const STRAYS_MAX: i64 = 10_000;

/// What verifying found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Blocks whose hashes hold.
    pub blocks: i64,
    /// Entries whose hashes hold, the unsealed ones included.
    pub entries: i64,
    /// Entries that wait to be sealed.
    pub unsealed: i64,
    /// The hash of the latest block: publish it, and the past is fixed.
    pub head: String,
    /// What does not hold, in words; empty when all does.
    pub faults: Vec<String>,
}

impl Plane {
    /// Entries, latest first.
    pub async fn tail_journal(&self, call: &Call, ask: &Ask) -> Result<Page<Row>, No> {
        call.by.require(Right::Operate, call.tool)?;
        let (before, id) = ask.place((i64::MAX, ""))?;
        let mut tx = self.read(call).await?;
        let rows = journal::list(&mut tx, (before, &id), ask.rows()).await?;
        Ok(ask.page(rows, |row| (row.at, row.id.clone())))
    }

    /// Entries of a look, latest first. A page may be short, or empty, and still have a cursor: so far was looked.
    pub async fn look_into_journal(&self, call: &Call, look: &journal::Look, ask: &Ask) -> Result<Page<Row>, No> {
        call.by.require(Right::Operate, call.tool)?;
        let (before, id) = ask.place((i64::MAX, ""))?;
        let mut tx = self.read(call).await?;
        let (rows, looked_to) = journal::look(&mut tx, look, (before, &id), ask.rows()).await?;
        Ok(ask.page_looked_to(rows, |row| (row.at, row.id.clone()), looked_to))
    }

    /// Entries in order, page by page, for an export.
    pub async fn export_journal(&self, call: &Call, ask: &Ask) -> Result<Page<Row>, No> {
        call.by.require(Right::Operate, call.tool)?;
        let (after, id) = ask.place((i64::MIN, ""))?;
        let mut tx = self.read(call).await?;
        let rows = journal::after(&mut tx, (after, &id), ask.rows()).await?;
        Ok(ask.page(rows, |row| (row.at, row.id.clone())))
    }

    /// Seals what waits, block by block; returns how many entries.
    pub async fn seal_journal(&self) -> Result<i64, No> {
        let mut sealed = 0;
        loop {
            let block = self.act.act(|tx| async move { Ok(journal::seal(tx).await?) }.boxed()).await?;
            match block {
                Some(Block { entries, .. }) => sealed += entries,
                None => return Ok(sealed),
            }
        }
    }

    /// Recomputes every hash from the first block on. A head that was `kept` outside must be among the blocks: the
    /// hashes have no key, so that whoever can write the database can also build the chain anew.
    pub async fn verify_journal(&self, call: &Call, kept: Option<&str>) -> Result<Verified, No> {
        call.by.require(Right::Operate, call.tool)?;
        let mut missing = kept.filter(|kept| *kept != GENESIS);
        let mut found = Verified { blocks: 0, entries: 0, unsealed: 0, head: GENESIS.to_owned(), faults: Vec::new() };
        let mut stray = journal::stray(&mut self.read(call).await?, i64::MIN..=0, STRAYS_MAX).await?;
        loop {
            let mut tx = self.read(call).await?;
            let blocks = journal::blocks(&mut tx, found.blocks, BLOCKS_AT_ONCE).await?;
            if blocks.is_empty() {
                break;
            }
            for block in blocks {
                if block.seq > found.blocks + 1 {
                    stray += journal::stray(&mut tx, found.blocks + 1..=block.seq - 1, STRAYS_MAX).await?;
                }
                let rows = journal::of_block(&mut tx, block.seq).await?;
                check_block(&mut found, &block, &rows);
                missing = missing.filter(|kept| *kept != block.hash);
            }
        }
        let mut tx = self.read(call).await?;
        for row in journal::unsealed(&mut tx, UNSEALED_MAX).await? {
            found.unsealed += 1;
            check_row(&mut found, &row);
        }
        stray += journal::stray(&mut tx, found.blocks.saturating_add(1)..=i64::MAX, STRAYS_MAX).await?;
        if stray > 0 {
            found.faults.push(format!("{stray} entries name a block that does not exist"));
        }
        if missing.is_some() {
            found.faults.push("no block has the head that was kept: the chain was built anew or cut off".to_owned());
        }
        Ok(found)
    }
}

fn check_block(found: &mut Verified, block: &Block, rows: &[Row]) {
    let before = found.faults.len();
    if block.seq != found.blocks + 1 {
        found.faults.push(format!("block {} follows block {}", block.seq, found.blocks));
    }
    if block.previous != found.head {
        found.faults.push(format!("block {} does not carry the hash of the block before it", block.seq));
    }
    for row in rows {
        check_row(found, row);
    }
    if i64::try_from(rows.len()).ok() != Some(block.entries) {
        found.faults.push(format!("block {} sealed {} entries and has {}", block.seq, block.entries, rows.len()));
    }
    let hash = block_hash(block.seq, Time(block.sealed_at), &block.previous, rows.iter().map(|row| row.hash.as_str()));
    if hash != block.hash && found.faults.len() == before {
        found.faults.push(format!("block {} does not have the hash of its entries", block.seq));
    }
    found.blocks = block.seq;
    found.head.clone_from(&block.hash);
}

fn check_row(found: &mut Verified, row: &Row) {
    if row.entry().hash() == row.hash {
        found.entries += 1;
    } else {
        found.faults.push(format!("entry {} of {} was changed", row.id, Time(row.at).iso()));
    }
}

/// A journal that does not verify, as a fault.
pub fn corrupt(verified: &Verified) -> Option<Fault> {
    verified.faults.first().map(|fault| Fault::Corrupt { table: "journal", column: "hash", id: fault.clone() })
}
