//! The shapes of payloads by kind, and the payloads that they are learnt from.

use domain::payload::Shape;
use serde::Serialize;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "kind, shape, examples, state, at, by"
    };
}

statements! {
    PAYLOADS = "SELECT payload FROM job WHERE kind = $1 AND payload IS NOT NULL ORDER BY created_at DESC LIMIT $2";
    KINDS = "WITH RECURSIVE each_kind (kind) AS (
               SELECT (SELECT MIN(kind) FROM job WHERE kind > $1)
               UNION ALL
               SELECT (SELECT MIN(job.kind) FROM job WHERE job.kind > each_kind.kind) FROM each_kind WHERE each_kind.kind IS NOT NULL)
             SELECT kind FROM each_kind WHERE kind IS NOT NULL LIMIT $2";
    ACCEPTED = "SELECT shape FROM kind_shape WHERE kind = $1 AND state = 'accepted'";
    FIND = concat!("SELECT ", columns!(), " FROM kind_shape WHERE kind = $1");
    LIST = concat!("SELECT ", columns!(), " FROM kind_shape WHERE kind > $1 ORDER BY kind LIMIT $2");
    // What a person said stands until a person says otherwise.
    PROPOSE = "INSERT INTO kind_shape (kind, shape, examples, state, at, by) VALUES ($1, $2, $3, 'proposed', $4, $5)
               ON CONFLICT (kind) DO UPDATE SET shape = $2, examples = $3, at = $4, by = $5
                WHERE kind_shape.state = 'proposed' AND kind_shape.shape <> $2";
    JUDGE = "UPDATE kind_shape SET state = $2, at = $3, by = $4 WHERE kind = $1 AND state <> $2";
    FORGET = "DELETE FROM kind_shape WHERE kind = $1";
}

/// A shape and what was said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Row {
    /// The kind of job.
    pub kind: String,
    /// The shape, as JSON.
    pub shape: String,
    /// How many distinct payloads agreed on it.
    pub examples: i64,
    /// `proposed`, `accepted` or `refused`.
    pub state: String,
    /// Since when.
    pub at: i64,
    /// Who said so.
    pub by: String,
}

impl Row {
    /// The shape.
    pub fn shape(&self) -> Result<Shape, Fault> {
        read(&self.shape, &self.kind)
    }
}

fn read(text: &str, kind: &str) -> Result<Shape, Fault> {
    serde_json::from_str(text).map_err(|_| Fault::Corrupt { table: "kind_shape", column: "shape", id: kind.to_owned() })
}

/// The latest payloads of a kind.
pub async fn payloads(tx: &mut Tx, kind: &str, limit: i64) -> Result<Vec<String>, Fault> {
    let rows: Vec<(String,)> = tx.all(PAYLOADS, &[Text(kind), Int(limit)]).await?;
    Ok(rows.into_iter().map(|(payload,)| payload).collect())
}

/// The kinds that jobs have, in order, after one.
pub async fn kinds(tx: &mut Tx, after: &str, limit: i64) -> Result<Vec<String>, Fault> {
    let rows: Vec<(String,)> = tx.all(KINDS, &[Text(after), Int(limit)]).await?;
    Ok(rows.into_iter().map(|(kind,)| kind).collect())
}

/// The shape that payloads of a kind are held to, if a person accepted one.
pub async fn accepted(tx: &mut Tx, kind: &str) -> Result<Option<Shape>, Fault> {
    let row: Option<(String,)> = tx.one(ACCEPTED, &[Text(kind)]).await?;
    row.map(|(shape,)| read(&shape, kind)).transpose()
}

/// What is known of one kind.
pub async fn find(tx: &mut Tx, kind: &str) -> Result<Option<Row>, Fault> {
    tx.one(FIND, &[Text(kind)]).await
}

/// Every shape, by kind, after one.
pub async fn list(tx: &mut Tx, after: &str, limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all(LIST, &[Text(after), Int(limit)]).await
}

/// Proposes a shape; true when it says something new. One that a person judged stays.
pub async fn propose(tx: &mut Tx, kind: &str, shape: &str, examples: i64, by: &str) -> Result<bool, Fault> {
    let now = tx.now();
    let args = [Text(kind), Text(shape), Int(examples), Int(now.0), Text(by)];
    Ok(tx.run(PROPOSE, &args).await? == 1)
}

/// Writes down what a person said of a shape: `accepted` or `refused`; false when it was said before.
pub async fn judge(tx: &mut Tx, kind: &str, state: &str, by: &str) -> Result<bool, Fault> {
    let now = tx.now();
    Ok(tx.run(JUDGE, &[Text(kind), Text(state), Int(now.0), Text(by)]).await? == 1)
}

/// Forgets a shape, so that the next sweep may propose one anew.
pub async fn forget(tx: &mut Tx, kind: &str) -> Result<bool, Fault> {
    Ok(tx.run(FORGET, &[Text(kind)]).await? == 1)
}
