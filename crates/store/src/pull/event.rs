//! What became of pull requests: appended, never changed.

use domain::pull::{Event, State};
use serde::Serialize;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "id, at, pull, event, was, now, by, why"
    };
}

statements! {
    APPEND = concat!("INSERT INTO pull_event (", columns!(), ", seq) VALUES ($1, $2, $3, $4, $5, $6, $7, $8,
              (SELECT COALESCE(MAX(seq), 0) + 1 FROM pull_event WHERE pull = $3))");
    OF_PULL = concat!("SELECT ", columns!(), " FROM pull_event WHERE pull = $1 ORDER BY seq DESC LIMIT $2");
}

/// Something that became of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Happened {
    /// Its id.
    pub id: String,
    /// When.
    pub at: i64,
    /// The pull request.
    pub pull: String,
    /// What.
    pub event: String,
    /// How it stood.
    pub was: String,
    /// How it stands since.
    pub now: String,
    /// Who did it.
    pub by: String,
    /// Why.
    pub why: String,
}

/// What is to be appended.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// The pull request.
    pub pull: &'a str,
    /// What.
    pub event: Event,
    /// How it stood, and stands since.
    pub states: (State, State),
    /// Who did it.
    pub by: &'a str,
    /// Why.
    pub why: &'a str,
}

/// Appends what became of a pull request.
pub async fn append(tx: &mut Tx, id: &str, new: New<'_>) -> Result<(), Fault> {
    let now = tx.now();
    let args = [
        Text(id),
        Int(now.0),
        Text(new.pull),
        Text(new.event.name()),
        Text(new.states.0.name()),
        Text(new.states.1.name()),
        Text(new.by),
        Text(new.why),
    ];
    tx.run(APPEND, &args).await.map(drop)
}

/// What became of a pull request, the latest first.
pub async fn of(tx: &mut Tx, pull: &str, limit: i64) -> Result<Vec<Happened>, Fault> {
    tx.all(OF_PULL, &[Text(pull), Int(limit)]).await
}
