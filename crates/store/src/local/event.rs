//! Who did what when in the local home. Rows are only ever appended.

use crate::Arg::{Int, MaybeInt, Text};
use crate::local::Who;
use crate::{Fault, Tx};

statements! {
    ADD = "INSERT INTO local_event (repository, id, number, at, actor, actor_kind, what, detail)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    OF_NUMBER = "SELECT id, number, at, actor, actor_kind, what, detail FROM local_event
                  WHERE repository = $1 AND number = $2 AND id > $3 ORDER BY id LIMIT $4";
    LIST = "SELECT id, number, at, actor, actor_kind, what, detail FROM local_event
             WHERE repository = $1 AND id > $2 ORDER BY id LIMIT $3";
    LABELLING = "SELECT id, number, at, actor, actor_kind, what, detail FROM local_event
                  WHERE repository = $1 AND number = $2 AND what IN ('labeled', 'unlabeled') ORDER BY id DESC LIMIT $3";
    ENDING = "SELECT id, number, at, actor, actor_kind, what, detail FROM local_event
               WHERE repository = $1 AND number = $2 AND what IN ('closed', 'merged') ORDER BY id DESC LIMIT 1";
}

/// An event as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// Its id; a later event has a larger one.
    pub id: i64,
    /// The issue or pull request; none when it is about the repository.
    pub number: Option<i64>,
    /// When.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What they are.
    pub actor_kind: String,
    /// What they did, in a word such as `labeled`.
    pub what: String,
    /// To what, such as the name of the label.
    pub detail: String,
}

/// Appends an event.
pub async fn add(
    tx: &mut Tx,
    repository: &str,
    number: Option<i64>,
    actor: Who<'_>,
    what: &str,
    detail: &str,
) -> Result<(), Fault> {
    let id = super::next_id(tx, repository).await?;
    let now = tx.now();
    let args = [
        Text(repository),
        Int(id),
        MaybeInt(number),
        Int(now.0),
        Text(actor.login),
        Text(actor.kind),
        Text(what),
        Text(detail),
    ];
    tx.run(ADD, &args).await.map(drop)
}

/// The events of a number after the one with this id, oldest first.
pub async fn of_number(tx: &mut Tx, repository: &str, number: i64, after: i64, limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all(OF_NUMBER, &[Text(repository), Int(number), Int(after), Int(limit)]).await
}

/// The latest events by which a number got or lost a label, the latest first.
pub async fn labelling(tx: &mut Tx, repository: &str, number: i64, limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all(LABELLING, &[Text(repository), Int(number), Int(limit)]).await
}

/// The event by which a number was last closed or merged.
pub async fn ending(tx: &mut Tx, repository: &str, number: i64) -> Result<Option<Row>, Fault> {
    tx.one(ENDING, &[Text(repository), Int(number)]).await
}

/// The events of a repository after the one with this id, oldest first.
pub async fn list(tx: &mut Tx, repository: &str, after: i64, limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all(LIST, &[Text(repository), Int(after), Int(limit)]).await
}
