//! Comments of the local home.

use domain::time::Time;

use crate::Arg::{Int, Text};
use crate::local::Who;
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "id, number, body, author, author_kind, created_at, updated_at"
    };
}

statements! {
    ADD = "INSERT INTO local_comment (repository, id, number, body, author, author_kind, created_at, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";
    LIST = concat!("SELECT ", columns!(), " FROM local_comment
            WHERE repository = $1 AND number = $2 AND updated_at >= $3 ORDER BY id");
    LAST = concat!("SELECT ", columns!(), " FROM local_comment
            WHERE repository = $1 AND number = $2 ORDER BY id DESC LIMIT $3");
    FIND = concat!("SELECT ", columns!(), " FROM local_comment WHERE repository = $1 AND id = $2");
    EDIT = "UPDATE local_comment SET body = $3, updated_at = $4 WHERE repository = $1 AND id = $2";
}

/// A comment as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// Its id.
    pub id: i64,
    /// What it is on.
    pub number: i64,
    /// What it says.
    pub body: String,
    /// Who wrote it.
    pub author: String,
    /// What the author is.
    pub author_kind: String,
    /// When it was written.
    pub created_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
}

/// Adds a comment.
pub async fn add(
    tx: &mut Tx,
    repository: &str,
    id: i64,
    number: i64,
    author: Who<'_>,
    body: &str,
) -> Result<(), Fault> {
    let now = tx.now();
    let args = [Text(repository), Int(id), Int(number), Text(body), Text(author.login), Text(author.kind), Int(now.0)];
    tx.run(ADD, &args).await.map(drop)
}

/// The comments on a number that were written or changed at `since` or later, oldest first.
pub async fn list(tx: &mut Tx, repository: &str, number: i64, since: Time) -> Result<Vec<Row>, Fault> {
    tx.all(LIST, &[Text(repository), Int(number), Int(since.0)]).await
}

/// The last comments on a number, the latest first.
pub async fn last(tx: &mut Tx, repository: &str, number: i64, limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all(LAST, &[Text(repository), Int(number), Int(limit)]).await
}

/// The comment with this id.
pub async fn find(tx: &mut Tx, repository: &str, id: i64) -> Result<Option<Row>, Fault> {
    tx.one(FIND, &[Text(repository), Int(id)]).await
}

/// Changes what a comment says; false when it is gone.
pub async fn edit(tx: &mut Tx, repository: &str, id: i64, body: &str) -> Result<bool, Fault> {
    let now = tx.now();
    Ok(tx.run(EDIT, &[Text(repository), Int(id), Text(body), Int(now.0)]).await? == 1)
}
