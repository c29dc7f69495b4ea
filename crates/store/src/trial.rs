//! Shadow reviews of changes of which it is known whether they are right: appended, never changed.

use domain::time::Time;
use serde::Serialize;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "id, at, run, principal, model, prompt, subject, defect, framing, repeat, approved, cited, verdict, findings"
    };
}

statements! {
    APPEND = concat!("INSERT INTO trial (", columns!(), ")
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)");
    OF_REVIEWER = concat!("SELECT ", columns!(), " FROM trial WHERE principal = $1 AND model = $2 AND prompt = $3
                   ORDER BY at DESC, id DESC LIMIT $4");
    SINCE = concat!("SELECT ", columns!(), " FROM trial WHERE at >= $1 ORDER BY at DESC, id LIMIT $2");
}

/// A shadow review as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Trial {
    /// Its id.
    pub id: String,
    /// When, by the store's clock.
    pub at: i64,
    /// The run of which it is a part.
    pub run: String,
    /// The reviewer's name.
    pub principal: String,
    /// Its model, as it says itself.
    pub model: String,
    /// The hash of its prompt.
    pub prompt: String,
    /// Which case.
    pub subject: String,
    /// The defect that is in it; empty where none is.
    pub defect: String,
    /// How it was described.
    pub framing: String,
    /// Which time the same was shown, from 0.
    pub repeat: i64,
    /// 1 where it approved.
    pub approved: i64,
    /// 1 where it cited a line near the defect.
    pub cited: i64,
    /// What it said in a word.
    pub verdict: String,
    /// What it found, as JSON.
    pub findings: String,
}

/// Appends a shadow review.
pub async fn append(tx: &mut Tx, trial: &Trial) -> Result<(), Fault> {
    let args = [
        Text(&trial.id),
        Int(trial.at),
        Text(&trial.run),
        Text(&trial.principal),
        Text(&trial.model),
        Text(&trial.prompt),
        Text(&trial.subject),
        Text(&trial.defect),
        Text(&trial.framing),
        Int(trial.repeat),
        Int(trial.approved),
        Int(trial.cited),
        Text(&trial.verdict),
        Text(&trial.findings),
    ];
    tx.run(APPEND, &args).await.map(drop)
}

/// The shadow reviews of a reviewer: of so many at most the last, the oldest first.
pub async fn of_reviewer(
    tx: &mut Tx,
    (principal, model, prompt): (&str, &str, &str),
    limit: i64,
) -> Result<Vec<Trial>, Fault> {
    let args = [Text(principal), Text(model), Text(prompt), Int(limit)];
    let mut trials: Vec<Trial> = tx.all(OF_REVIEWER, &args).await?;
    trials.reverse();
    Ok(trials)
}

/// The shadow reviews of anybody since a moment, the latest first.
pub async fn since(tx: &mut Tx, since: Time, limit: i64) -> Result<Vec<Trial>, Fault> {
    tx.all(SINCE, &[Int(since.0), Int(limit)]).await
}
