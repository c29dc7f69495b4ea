//! What pull requests of the local home have besides what they have in common with issues.
//!
//! What git knows better is repeated here as it was last seen, so that it can still be told when the branch is gone.

use crate::Arg::{Int, Text};
use crate::{Fault, Tx, guarded};

macro_rules! pulls {
    () => {
        "SELECT local_pull.number, state, stage, head_branch, head_commit, base_branch, base_commit, merge_commit
           FROM local_pull JOIN local_issue
             ON local_issue.repository = local_pull.repository AND local_issue.number = local_pull.number
          WHERE local_pull.repository = $1 AND "
    };
}

statements! {
    ADD = "INSERT INTO local_pull (repository, number, stage, head_branch, head_commit, base_branch, base_commit, open_head)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $4)";
    FIND = concat!(pulls!(), "local_pull.number = $2");
    OPEN = concat!(pulls!(), "open_head IS NOT NULL ORDER BY local_pull.number");
    ANY = "SELECT number FROM local_pull WHERE repository = $1 LIMIT 1";
    OF_HEAD = concat!(pulls!(), "head_branch = $2 ORDER BY local_pull.number LIMIT $3");
    BY_HEAD = "SELECT number FROM local_pull WHERE repository = $1 AND open_head = $2";
    SEEN = "UPDATE local_pull SET head_commit = $4
             WHERE repository = $1 AND number = $2 AND head_commit = $3 AND open_head IS NOT NULL";
    STAGE = "UPDATE local_pull SET stage = $3 WHERE repository = $1 AND number = $2 AND open_head IS NOT NULL";
    END = "UPDATE local_pull SET open_head = NULL, head_commit = $3, base_commit = $4
            WHERE repository = $1 AND number = $2 AND open_head IS NOT NULL";
    // What was merged in the meantime is so though it was closed first.
    MERGE = "UPDATE local_pull SET open_head = NULL, head_commit = $3, base_commit = $4, merge_commit = $5
              WHERE repository = $1 AND number = $2 AND merge_commit IS NULL";
    REOPEN = "UPDATE local_pull SET open_head = head_branch, head_commit = $3
               WHERE repository = $1 AND number = $2 AND open_head IS NULL AND merge_commit IS NULL";
}

/// A pull request's own as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// Its number.
    pub number: i64,
    /// `open`, `closed` or `merged`.
    pub state: String,
    /// `draft` or `ready`.
    pub stage: String,
    /// The branch with the change.
    pub head_branch: String,
    /// The commit at its tip as it was last seen, or when the pull request ended.
    pub head_commit: String,
    /// The branch to merge into.
    pub base_branch: String,
    /// The commit at its tip when the pull request was opened, or when it ended.
    pub base_commit: String,
    /// The commit that it was merged as.
    pub merge_commit: Option<String>,
}

/// Adds an open one; [`Fault::Taken`] when another open one has its head.
pub async fn add(tx: &mut Tx, repository: &str, row: &Row) -> Result<(), Fault> {
    let args = [
        Text(repository),
        Int(row.number),
        Text(&row.stage),
        Text(&row.head_branch),
        Text(&row.head_commit),
        Text(&row.base_branch),
        Text(&row.base_commit),
    ];
    tx.run(ADD, &args).await.map(drop)
}

/// The one of this number.
pub async fn find(tx: &mut Tx, repository: &str, number: i64) -> Result<Option<Row>, Fault> {
    tx.one(FIND, &[Text(repository), Int(number)]).await
}

/// Those that are open, by number.
pub async fn open(tx: &mut Tx, repository: &str) -> Result<Vec<Row>, Fault> {
    tx.all(OPEN, &[Text(repository)]).await
}

/// Whether there is or was any.
pub async fn any(tx: &mut Tx, repository: &str) -> Result<bool, Fault> {
    let row: Option<(i64,)> = tx.one(ANY, &[Text(repository)]).await?;
    Ok(row.is_some())
}

/// Those that have or had this head branch, open or not, by number.
pub async fn of_head(tx: &mut Tx, repository: &str, head: &str, limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all(OF_HEAD, &[Text(repository), Text(head), Int(limit)]).await
}

/// The number of the open one with this head.
pub async fn by_head(tx: &mut Tx, repository: &str, head: &str) -> Result<Option<i64>, Fault> {
    let row: Option<(i64,)> = tx.one(BY_HEAD, &[Text(repository), Text(head)]).await?;
    Ok(row.map(|(number,)| number))
}

/// Says at which commit the head of an open one is by now.
pub async fn seen(tx: &mut Tx, repository: &str, was: &Row, head: &str) -> Result<(), Fault> {
    guarded(tx.run(SEEN, &[Text(repository), Int(was.number), Text(&was.head_commit), Text(head)]).await?)
}

/// Sets the stage of an open one.
pub async fn stage(tx: &mut Tx, repository: &str, number: i64, stage: &str) -> Result<(), Fault> {
    guarded(tx.run(STAGE, &[Text(repository), Int(number), Text(stage)]).await?)
}

/// Ends one where head and base are. With the commit that it was merged as, one that was closed becomes a merged one.
pub async fn end(
    tx: &mut Tx,
    repository: &str,
    number: i64,
    (head, base): (&str, &str),
    merged: Option<&str>,
) -> Result<(), Fault> {
    let mut args = vec![Text(repository), Int(number), Text(head), Text(base)];
    args.extend(merged.map(Text));
    guarded(tx.run(if merged.is_some() { MERGE } else { END }, &args).await?)
}

/// Opens one again that was closed; [`Fault::Taken`] when another open one has its head.
pub async fn reopen(tx: &mut Tx, repository: &str, number: i64, head: &str) -> Result<(), Fault> {
    guarded(tx.run(REOPEN, &[Text(repository), Int(number), Text(head)]).await?)
}
