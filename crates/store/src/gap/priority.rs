//! The priorities that gaps have of their own, kept while duplicates lift them.

use domain::gap::{Key, Priority};

use crate::Arg::{MaybeText, Text};
use crate::{Fault, Tx};

statements! {
    KEEP = "INSERT INTO gap_priority_kept (gap, own) VALUES ($1, $2) ON CONFLICT (gap) DO NOTHING";
    KEPT = "SELECT own FROM gap_priority_kept WHERE gap = $1";
    FORGET = "DELETE FROM gap_priority_kept WHERE gap = $1";
    PRIORITIES = "SELECT DISTINCT priority FROM gap WHERE duplicate_of = $1 AND priority IS NOT NULL";
}

/// Keeps the priority that a gap has of its own, before a duplicate lifts it for the first time.
pub async fn keep(tx: &mut Tx, key: &Key, own: Option<Priority>) -> Result<(), Fault> {
    tx.run(KEEP, &[Text(&key.to_string()), MaybeText(own.map(Priority::name))]).await.map(drop)
}

/// The priority that a gap has of its own, where a duplicate lifted it; none where none did, or a person spoke since.
pub async fn kept(tx: &mut Tx, key: &Key) -> Result<Option<Option<Priority>>, Fault> {
    let kept: Option<(Option<String>,)> = tx.one(KEPT, &[Text(&key.to_string())]).await?;
    kept.map(|(own,)| own.as_deref().map(|own| super::priority(own, key)).transpose()).transpose()
}

/// Keeps no priority any more: a person said which it is to be.
pub async fn forget(tx: &mut Tx, key: &Key) -> Result<(), Fault> {
    tx.run(FORGET, &[Text(&key.to_string())]).await.map(drop)
}

/// The highest priority that a duplicate of a gap has.
pub async fn highest_of_duplicates(tx: &mut Tx, key: &Key) -> Result<Option<Priority>, Fault> {
    let all: Vec<(String,)> = tx.all(PRIORITIES, &[Text(&key.to_string())]).await?;
    let all: Vec<_> = all.iter().map(|(text,)| super::priority(text, key)).collect::<Result<_, _>>()?;
    Ok(all.into_iter().max())
}
