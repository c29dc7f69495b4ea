//! Reviews and checks of the local home: what was said of a commit.

use crate::Arg::{Int, Text};
use crate::local::Who;
use crate::{Fault, Tx};

statements! {
    ADD = "INSERT INTO local_review (repository, id, number, commit_id, body, author, author_kind, created_at, state)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    REMARK = "INSERT INTO local_remark (repository, review, place, path, line, body) VALUES ($1, $2, $3, $4, $5, $6)";
    LIST = "SELECT id, number, commit_id, body, author, author_kind, created_at, state FROM local_review
             WHERE repository = $1 AND number = $2 ORDER BY id LIMIT $3";
    OF_PEOPLE = "SELECT id, number, commit_id, body, author, author_kind, created_at, state FROM local_review
                  WHERE repository = $1 AND number = $2 AND author_kind = 'person' ORDER BY id DESC LIMIT $3";
    REMARKS = "SELECT path, line, body FROM local_remark WHERE repository = $1 AND review = $2 ORDER BY place";
    PUT_CHECK = "INSERT INTO local_check (repository, id, commit_id, name, external_id, state, title, summary, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 ON CONFLICT (repository, commit_id, name, external_id)
                 DO UPDATE SET state = $6, title = $7, summary = $8, updated_at = $9
                 RETURNING id, commit_id, name, external_id, state, title, summary, updated_at";
    CHECKS = "SELECT id, commit_id, name, external_id, state, title, summary, updated_at FROM local_check
               WHERE repository = $1 AND commit_id = $2 ORDER BY id";
}

/// A review as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// Its id.
    pub id: i64,
    /// The pull request.
    pub number: i64,
    /// The commit that was read.
    pub commit_id: String,
    /// What it says.
    pub body: String,
    /// Who wrote it.
    pub author: String,
    /// What the author is.
    pub author_kind: String,
    /// When it was written.
    pub created_at: i64,
    /// `commented`, `approved`, `changes_requested` or `dismissed`.
    pub state: String,
}

/// What a new review says.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// Who writes it.
    pub author: Who<'a>,
    /// The commit that was read.
    pub commit: &'a str,
    /// What it says.
    pub body: &'a str,
    /// What it decides: `commented`, `approved` or `changes_requested`.
    pub state: &'a str,
}

/// A check as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CheckRow {
    /// Its id.
    pub id: i64,
    /// The commit.
    pub commit_id: String,
    /// Its name.
    pub name: String,
    /// What its maker calls it.
    pub external_id: String,
    /// `running`, `pass`, `fail` or `neutral`.
    pub state: String,
    /// What it says, in a line.
    pub title: String,
    /// What it says at length.
    pub summary: String,
    /// When it was last put.
    pub updated_at: i64,
}

/// Adds a review at this moment.
pub async fn add(tx: &mut Tx, repository: &str, (id, number): (i64, i64), new: New<'_>) -> Result<(), Fault> {
    let now = tx.now();
    let args = [
        Text(repository),
        Int(id),
        Int(number),
        Text(new.commit),
        Text(new.body),
        Text(new.author.login),
        Text(new.author.kind),
        Int(now.0),
        Text(new.state),
    ];
    tx.run(ADD, &args).await.map(drop)
}

/// Adds what a review says of a line, at its place among the remarks of this review.
pub async fn remark(
    tx: &mut Tx,
    repository: &str,
    (review, place): (i64, i64),
    (path, line): (&str, i64),
    body: &str,
) -> Result<(), Fault> {
    tx.run(REMARK, &[Text(repository), Int(review), Int(place), Text(path), Int(line), Text(body)]).await.map(drop)
}

/// The reviews of a pull request, oldest first.
pub async fn list(tx: &mut Tx, repository: &str, number: i64, limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all(LIST, &[Text(repository), Int(number), Int(limit)]).await
}

/// The reviews of a pull request by people, the latest first.
pub async fn of_people(tx: &mut Tx, repository: &str, number: i64, limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all(OF_PEOPLE, &[Text(repository), Int(number), Int(limit)]).await
}

/// What a review says of single lines: file, line, words.
pub async fn remarks(tx: &mut Tx, repository: &str, review: i64) -> Result<Vec<(String, i64, String)>, Fault> {
    tx.all(REMARKS, &[Text(repository), Int(review)]).await
}

/// Puts a check; one of the same commit, name and external id is changed and keeps its id.
pub async fn put_check(tx: &mut Tx, repository: &str, row: &CheckRow) -> Result<CheckRow, Fault> {
    let now = tx.now();
    let args = [
        Text(repository),
        Int(row.id),
        Text(&row.commit_id),
        Text(&row.name),
        Text(&row.external_id),
        Text(&row.state),
        Text(&row.title),
        Text(&row.summary),
        Int(now.0),
    ];
    let put: Option<CheckRow> = tx.one(PUT_CHECK, &args).await?;
    put.ok_or_else(|| Fault::Corrupt { table: "local_check", column: "external_id", id: row.external_id.clone() })
}

/// The checks of a commit, by id.
pub async fn checks(tx: &mut Tx, repository: &str, commit: &str) -> Result<Vec<CheckRow>, Fault> {
    tx.all(CHECKS, &[Text(repository), Text(commit)]).await
}
