//! The local home of issues and pull requests as rows, a file per subject: what GitHub keeps of a repository there.
//!
//! Here are the repositories and what each counts. No rule of the forge is here: bounds and who may do what are decided
//! by whoever asks.

pub mod comment;
pub mod event;
pub mod issue;
pub mod label;
pub mod pull;
pub mod review;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

statements! {
    ADD = "INSERT INTO local_repository (name, id, last_number, last_id, created_at) VALUES ($1, $2, 0, 0, $3)
           ON CONFLICT (name) DO NOTHING";
    FIND = "SELECT name, id, created_at FROM local_repository WHERE name = $1";
    NEXT_NUMBER = "UPDATE local_repository SET last_number = last_number + 1 WHERE name = $1 RETURNING last_number";
    NEXT_ID = "UPDATE local_repository SET last_id = last_id + 1 WHERE name = $1 RETURNING last_id";
}

/// A repository as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// When it was first used.
    pub created_at: i64,
}

/// Who did it, as two columns: a login, and `us`, `person` or `bot`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who<'a> {
    /// The login.
    pub login: &'a str,
    /// `us`, `person` or `bot`.
    pub kind: &'a str,
}

/// Adds a repository; false when there is one of this name.
pub async fn add(tx: &mut Tx, name: &str, id: &str) -> Result<bool, Fault> {
    let now = tx.now();
    Ok(tx.run(ADD, &[Text(name), Text(id), Int(now.0)]).await? == 1)
}

/// The repository of this name.
pub async fn find(tx: &mut Tx, name: &str) -> Result<Option<Row>, Fault> {
    tx.one(FIND, &[Text(name)]).await
}

/// The next number of an issue or pull request; nobody else counts until this transaction ends.
pub async fn next_number(tx: &mut Tx, repository: &str) -> Result<i64, Fault> {
    counted(tx.one(NEXT_NUMBER, &[Text(repository)]).await?, "last_number", repository)
}

/// The next id of a comment, review, check or event; nobody else counts until this transaction ends.
pub async fn next_id(tx: &mut Tx, repository: &str) -> Result<i64, Fault> {
    counted(tx.one(NEXT_ID, &[Text(repository)]).await?, "last_id", repository)
}

fn counted(row: Option<(i64,)>, column: &'static str, id: &str) -> Result<i64, Fault> {
    let corrupt = || Fault::Corrupt { table: "local_repository", column, id: id.to_owned() };
    row.map(|(value,)| value).ok_or_else(corrupt)
}
