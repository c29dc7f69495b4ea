//! Issues of the local home, and what pull requests have in common with them.

use crate::Arg::{Int, MaybeText, Text};
use crate::local::Who;
use crate::{Fault, Tx, guarded};

macro_rules! columns {
    () => {
        "number, kind, title, body, state, reason, author, author_kind, comments, created_at, updated_at, revision"
    };
}

statements! {
    ADD = "INSERT INTO local_issue (repository, number, kind, title, body, state, reason, author, author_kind, comments,
             created_at, updated_at, revision)
           VALUES ($1, $2, $3, $4, $5, 'open', NULL, $6, $7, 0, $8, $8, 1)";
    LOAD = concat!("SELECT ", columns!(), " FROM local_issue WHERE repository = $1 AND number = $2 FOR UPDATE");
    FIND = concat!("SELECT ", columns!(), " FROM local_issue WHERE repository = $1 AND number = $2");
    LIST = concat!("SELECT ", columns!(), " FROM local_issue
            WHERE repository = $1 AND kind = 'issue' AND number > $2 ORDER BY number LIMIT $3");
    OPEN_PULLS = concat!("SELECT ", columns!(), " FROM local_issue
            WHERE repository = $1 AND kind = 'pull' AND state = 'open' ORDER BY number");
    BY_AUTHOR = concat!("SELECT ", columns!(), " FROM local_issue
            WHERE repository = $1 AND kind = 'issue' AND author_kind = $2 AND author = $3 ORDER BY number");
    WRITE = "UPDATE local_issue
                SET title = $4, body = $5, state = $6, reason = $7, comments = $8, updated_at = $9, revision = revision + 1
              WHERE repository = $1 AND number = $2 AND revision = $3";
    REMOVE = "DELETE FROM local_issue WHERE repository = $1 AND number = $2 AND revision = $3";
    REMOVE_COMMENTS = "DELETE FROM local_comment WHERE repository = $1 AND number = $2";
    REMOVE_LABELS = "DELETE FROM local_labelled WHERE repository = $1 AND number = $2";
}

/// An issue or pull request as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// Its number.
    pub number: i64,
    /// `issue` or `pull`.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Its body.
    pub body: String,
    /// `open`, `closed` or `merged`.
    pub state: String,
    /// Why it was closed: `completed`, `not_planned`, `duplicate`; none when nobody said.
    pub reason: Option<String>,
    /// Who opened it.
    pub author: String,
    /// What the author is.
    pub author_kind: String,
    /// How many comments it has.
    pub comments: i64,
    /// When it was opened.
    pub created_at: i64,
    /// When anything about it last changed.
    pub updated_at: i64,
    /// Grows with each write.
    pub revision: i64,
}

/// What a new one says.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// `issue` or `pull`.
    pub kind: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Its body.
    pub body: &'a str,
    /// Who opens it.
    pub author: Who<'a>,
}

/// Adds an open one.
pub async fn add(tx: &mut Tx, repository: &str, number: i64, new: New<'_>) -> Result<(), Fault> {
    let now = tx.now();
    let args = [
        Text(repository),
        Int(number),
        Text(new.kind),
        Text(new.title),
        Text(new.body),
        Text(new.author.login),
        Text(new.author.kind),
        Int(now.0),
    ];
    tx.run(ADD, &args).await.map(drop)
}

/// The one of this number, held still until the transaction ends.
pub async fn load(tx: &mut Tx, repository: &str, number: i64) -> Result<Option<Row>, Fault> {
    tx.one(LOAD, &[Text(repository), Int(number)]).await
}

/// The one of this number.
pub async fn find(tx: &mut Tx, repository: &str, number: i64) -> Result<Option<Row>, Fault> {
    tx.one(FIND, &[Text(repository), Int(number)]).await
}

/// Issues beyond a number, pull requests left out.
pub async fn list(tx: &mut Tx, repository: &str, after: i64, limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all(LIST, &[Text(repository), Int(after), Int(limit)]).await
}

/// The open pull requests, by number.
pub async fn open_pulls(tx: &mut Tx, repository: &str) -> Result<Vec<Row>, Fault> {
    tx.all(OPEN_PULLS, &[Text(repository)]).await
}

/// Every issue that somebody opened, by number.
pub async fn by_author(tx: &mut Tx, repository: &str, author: Who<'_>) -> Result<Vec<Row>, Fault> {
    tx.all(BY_AUTHOR, &[Text(repository), Text(author.kind), Text(author.login)]).await
}

/// Writes what may change over the revision that it was decided on, as changed now.
pub async fn write(tx: &mut Tx, repository: &str, row: &Row) -> Result<(), Fault> {
    let now = tx.now();
    let args = [
        Text(repository),
        Int(row.number),
        Int(row.revision),
        Text(&row.title),
        Text(&row.body),
        Text(&row.state),
        MaybeText(row.reason.as_deref()),
        Int(row.comments),
        Int(now.0),
    ];
    guarded(tx.run(WRITE, &args).await?)
}

/// Removes an issue with its comments and labels.
pub async fn remove(tx: &mut Tx, repository: &str, row: &Row) -> Result<(), Fault> {
    guarded(tx.run(REMOVE, &[Text(repository), Int(row.number), Int(row.revision)]).await?)?;
    tx.run(REMOVE_COMMENTS, &[Text(repository), Int(row.number)]).await?;
    tx.run(REMOVE_LABELS, &[Text(repository), Int(row.number)]).await.map(drop)
}
