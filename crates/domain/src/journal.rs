//! The audit journal: one entry for every write, sealed block by block into a chain of hashes.
//!
//! An entry carries the hash of its own words; a block carries the hash of the block before it and of all its
//! entries. To change, drop or insert one entry in the past, every later block would have to be changed too.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::agent::Principal;
use crate::time::Time;

/// The hash before the first block.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One write by one caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its id, which sorts by time.
    pub id: String,
    /// When, by the store's clock.
    pub at: Time,
    /// Who.
    pub principal: String,
    /// In what role.
    pub role: String,
    /// By which tool or command.
    pub tool: String,
    /// On what, such as `lock:pr-fix-17`.
    pub object: String,
    /// How it stood before, as JSON; empty when there was nothing.
    pub before: String,
    /// How it stands after, as JSON; empty when nothing is left.
    pub after: String,
    /// The request it came with, for the logs.
    pub request_id: String,
}

/// What was done, before anybody says who and when.
#[derive(Debug, Clone)]
pub struct Act<'a> {
    /// By which tool or command.
    pub tool: &'a str,
    /// On what.
    pub object: String,
    /// How it stood before.
    pub before: String,
    /// How it stands after.
    pub after: String,
}

impl Entry {
    /// Signs an act with its author and moment.
    pub fn new(id: String, act: Act<'_>, by: &Principal, request_id: &str, at: Time) -> Self {
        Self {
            id,
            at,
            principal: by.name.clone(),
            role: by.role.name().to_owned(),
            tool: act.tool.to_owned(),
            object: act.object,
            before: act.before,
            after: act.after,
            request_id: request_id.to_owned(),
        }
    }

    /// The hash of the entry's own words. Each is preceded by its length, so that moving a letter from one to the
    /// next changes the hash.
    pub fn hash(&self) -> String {
        let at = self.at.0.to_string();
        let words = [
            &self.id,
            &at,
            &self.principal,
            &self.role,
            &self.tool,
            &self.object,
            &self.before,
            &self.after,
            &self.request_id,
        ];
        let mut hash = Sha256::new();
        for word in words {
            hash.update((word.len() as u64).to_be_bytes());
            hash.update(word.as_bytes());
        }
        hex::encode(hash.finalize())
    }
}

/// The hash of a block, from its place, the moment it was sealed, the block before it and its entries' hashes in order.
pub fn block_hash<'a>(seq: i64, sealed_at: Time, previous: &str, entries: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    hash.update(seq.to_be_bytes());
    hash.update(sealed_at.0.to_be_bytes());
    hash.update(previous.as_bytes());
    for entry in entries {
        hash.update(entry.as_bytes());
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Role;

    #[test]
    fn every_word_of_an_entry_counts() {
        let act = Act { tool: "t", object: "o".into(), before: "b".into(), after: "a".into() };
        let entry = Entry::new("id".into(), act, &Principal::local("p", Role::Viewer), "r", Time(1));
        let mut hashes = vec![entry.hash()];
        for change in [
            |e: &mut Entry| e.id = "x".into(),
            |e: &mut Entry| e.at = Time(2),
            |e: &mut Entry| e.principal = "x".into(),
            |e: &mut Entry| e.role = "x".into(),
            |e: &mut Entry| e.tool = "to".into(),
            |e: &mut Entry| (e.tool, e.object) = ("to".into(), String::new()),
            |e: &mut Entry| e.before = "ba".into(),
            |e: &mut Entry| (e.before, e.after) = ("ba".into(), String::new()),
            |e: &mut Entry| e.after = "x".into(),
            |e: &mut Entry| e.request_id = "x".into(),
        ] {
            let mut other = entry.clone();
            change(&mut other);
            hashes.push(other.hash());
        }
        let all = hashes.len();
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), all);
    }

    #[test]
    fn a_block_depends_on_its_place_its_moment_its_past_and_its_entries_in_order() {
        let blocks = [
            block_hash(1, Time(1), GENESIS, ["a", "b"]),
            block_hash(1, Time(2), GENESIS, ["a", "b"]),
            block_hash(2, Time(1), GENESIS, ["a", "b"]),
            block_hash(1, Time(1), "f", ["a", "b"]),
            block_hash(1, Time(1), GENESIS, ["b", "a"]),
            block_hash(1, Time(1), GENESIS, ["a"]),
        ];
        let distinct: std::collections::BTreeSet<_> = blocks.iter().collect();
        assert_eq!(distinct.len(), blocks.len());
    }
}
