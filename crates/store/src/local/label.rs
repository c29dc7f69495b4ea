//! Labels of the local home, and which issues and pull requests wear them. An id survives a rename.

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

statements! {
    ADD = "INSERT INTO local_label (repository, id, name, folded, color, description) VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (repository, folded) DO NOTHING";
    BY_NAME = "SELECT id, name, color, description FROM local_label WHERE repository = $1 AND folded = $2";
    LIST = "SELECT id, name, color, description FROM local_label WHERE repository = $1 ORDER BY folded";
    RENAME = "UPDATE local_label SET name = $3, folded = $4 WHERE repository = $1 AND id = $2";
    PUT_ON = "INSERT INTO local_labelled (repository, number, label) VALUES ($1, $2, $3)
              ON CONFLICT (repository, number, label) DO NOTHING";
    TAKE_OFF = "DELETE FROM local_labelled WHERE repository = $1 AND number = $2 AND label = $3";
    COUNT_ON = "SELECT COUNT(*) FROM local_labelled WHERE repository = $1 AND number = $2";
    WORN = "SELECT local_labelled.number, local_label.name FROM local_labelled
              JOIN local_label ON local_label.repository = local_labelled.repository
                AND local_label.id = local_labelled.label
             WHERE local_labelled.repository = $1 AND local_labelled.number >= $2 AND local_labelled.number <= $3
             ORDER BY local_labelled.number, local_label.name";
}

/// A label as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Six hexadecimal digits.
    pub color: String,
    /// What it is for.
    pub description: String,
}

/// One name as it is looked for: names that differ in case only are one.
fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// Adds a label; false when there is one of this name.
pub async fn add(tx: &mut Tx, repository: &str, row: &Row) -> Result<bool, Fault> {
    let folded = folded(&row.name);
    let args =
        [Text(repository), Text(&row.id), Text(&row.name), Text(&folded), Text(&row.color), Text(&row.description)];
    Ok(tx.run(ADD, &args).await? == 1)
}

/// The label of this name, however its case.
pub async fn by_name(tx: &mut Tx, repository: &str, name: &str) -> Result<Option<Row>, Fault> {
    tx.one(BY_NAME, &[Text(repository), Text(&folded(name))]).await
}

/// Every label, by name.
pub async fn list(tx: &mut Tx, repository: &str) -> Result<Vec<Row>, Fault> {
    tx.all(LIST, &[Text(repository)]).await
}

/// Gives a label another name: [`Fault::Taken`] when another has it, false when the label is gone.
pub async fn rename(tx: &mut Tx, repository: &str, id: &str, name: &str) -> Result<bool, Fault> {
    let folded = folded(name);
    Ok(tx.run(RENAME, &[Text(repository), Text(id), Text(name), Text(&folded)]).await? == 1)
}

/// Puts a label on a number; false when it was on it.
pub async fn put_on(tx: &mut Tx, repository: &str, number: i64, id: &str) -> Result<bool, Fault> {
    Ok(tx.run(PUT_ON, &[Text(repository), Int(number), Text(id)]).await? == 1)
}

/// Takes a label off a number; false when it was not on it.
pub async fn take_off(tx: &mut Tx, repository: &str, number: i64, id: &str) -> Result<bool, Fault> {
    Ok(tx.run(TAKE_OFF, &[Text(repository), Int(number), Text(id)]).await? == 1)
}

/// How many labels a number wears.
pub async fn count_on(tx: &mut Tx, repository: &str, number: i64) -> Result<i64, Fault> {
    let row: Option<(i64,)> = tx.one(COUNT_ON, &[Text(repository), Int(number)]).await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// The numbers from `first` to `last` and the names of the labels that each wears.
pub async fn worn(tx: &mut Tx, repository: &str, first: i64, last: i64) -> Result<Vec<(i64, String)>, Fault> {
    tx.all(WORN, &[Text(repository), Int(first), Int(last)]).await
}
