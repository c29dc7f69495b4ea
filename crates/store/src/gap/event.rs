//! What became of gaps: appended, never changed.

use domain::gap::{Event, Key, State};
use serde::Serialize;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "id, at, gap, event, was, now, by, why"
    };
}

statements! {
    APPEND = concat!("INSERT INTO gap_event (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    OF_GAP = concat!("SELECT ", columns!(), " FROM gap_event WHERE gap = $1 ORDER BY at DESC, id DESC LIMIT $2");
}

/// Something that became of a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Happened {
    /// Its id.
    pub id: String,
    /// When.
    pub at: i64,
    /// The gap.
    pub gap: String,
    /// What.
    pub event: String,
    /// How it stood.
    pub was: String,
    /// How it stands since.
    pub now: String,
    /// Who did it.
    pub by: String,
    /// Why, in their words.
    pub why: String,
}

/// What is to be appended.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// The gap.
    pub gap: &'a Key,
    /// What.
    pub event: Event,
    /// How it stood, and stands since.
    pub states: (State, State),
    /// Who did it.
    pub by: &'a str,
    /// Why.
    pub why: &'a str,
}

/// Appends what became of a gap.
pub async fn append(tx: &mut Tx, id: &str, new: New<'_>) -> Result<(), Fault> {
    let now = tx.now();
    let key = new.gap.to_string();
    let args = [
        Text(id),
        Int(now.0),
        Text(&key),
        Text(new.event.name()),
        Text(new.states.0.name()),
        Text(new.states.1.name()),
        Text(new.by),
        Text(new.why),
    ];
    tx.run(APPEND, &args).await.map(drop)
}

/// What became of a gap, the latest first.
pub async fn of_gap(tx: &mut Tx, key: &Key, limit: i64) -> Result<Vec<Happened>, Fault> {
    tx.all(OF_GAP, &[Text(&key.to_string()), Int(limit)]).await
}
