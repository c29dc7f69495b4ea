//! What became of pull requests, with the evidence: appended, never changed. A correction is a row of its own, and the last
//! one of a pull request holds.

use domain::gate::Past;
use domain::outcome::{Evidence, Outcome, Weight};
use domain::time::Time;
use serde::Serialize;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "id, pull, seq, outcome, weight, stratum, repo, gap_kind, ended_at, at, by, why, evidence"
    };
}

/// Only the last row of each pull request.
macro_rules! holds {
    () => {
        "NOT EXISTS (SELECT 1 FROM outcome AS later WHERE later.pull = o.pull AND later.seq > o.seq)"
    };
}

statements! {
    APPEND = concat!("INSERT INTO outcome (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
              ON CONFLICT DO NOTHING");
    LATEST = concat!("SELECT ", columns!(), " FROM outcome WHERE pull = $1 ORDER BY seq DESC LIMIT 1");
    OF_PULL = concat!("SELECT ", columns!(), " FROM outcome WHERE pull = $1 ORDER BY seq DESC LIMIT $2");
    PAST = concat!("SELECT pull, ended_at, weight, COALESCE((SELECT p.settled_at FROM pull AS p WHERE p.id = o.pull), at) AS seen
              FROM outcome AS o WHERE stratum = $1 AND weight IN ('good', 'bad', 'unknown') AND ", holds!(),
            " ORDER BY ended_at DESC, id LIMIT $2");
    LIST = concat!("SELECT ", columns!(), ", (SELECT p.number FROM pull AS p WHERE p.id = o.pull) AS number
              FROM outcome AS o WHERE ", holds!(),
            " AND ended_at <= $1 AND (ended_at < $1 OR (ended_at = $1 AND id > $2)) ORDER BY ended_at DESC, id LIMIT $3");
    BY_KIND = concat!("SELECT gap_kind, outcome, COUNT(*) FROM outcome AS o WHERE ended_at >= $1 AND ", holds!(),
               " GROUP BY gap_kind, outcome ORDER BY gap_kind, outcome");
}

/// An outcome as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// The pull request.
    pub pull: String,
    /// Which of its pull request it is, from 1.
    pub seq: i64,
    /// What became of it.
    pub outcome: String,
    /// What that is to the gate.
    pub weight: String,
    /// The id of the stratum that it is evidence for; empty where none is known.
    pub stratum: String,
    /// The repository.
    pub repo: String,
    /// The kind of the gap.
    pub gap_kind: String,
    /// When the pull request ended.
    pub ended_at: i64,
    /// When this was written down.
    pub at: i64,
    /// Who ended it, where that is known.
    pub by: String,
    /// Why it is this.
    pub why: String,
    /// What was read, as JSON.
    pub evidence: String,
}

/// An outcome in a list of those of many pull requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Listed {
    /// The outcome.
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub found: Found,
    /// The number of its pull request on the forge.
    pub number: Option<i64>,
}

impl Found {
    /// What it is to the gate.
    pub fn weight(&self) -> Result<Weight, Fault> {
        Weight::parse(&self.weight).ok_or_else(|| corrupt("weight", &self.id))
    }

    /// What was read of it.
    pub fn evidence(&self) -> Result<Evidence, Fault> {
        serde_json::from_str(&self.evidence).map_err(|_| corrupt("evidence", &self.id))
    }

    /// What became of it.
    pub fn outcome(&self) -> Result<Outcome, Fault> {
        Outcome::parse(&self.outcome).ok_or_else(|| corrupt("outcome", &self.id))
    }
}

/// Appends an outcome; another that was appended meanwhile is a conflict.
pub async fn append(tx: &mut Tx, found: &Found) -> Result<(), Fault> {
    let args = [
        Text(&found.id),
        Text(&found.pull),
        Int(found.seq),
        Text(&found.outcome),
        Text(&found.weight),
        Text(&found.stratum),
        Text(&found.repo),
        Text(&found.gap_kind),
        Int(found.ended_at),
        Int(found.at),
        Text(&found.by),
        Text(&found.why),
        Text(&found.evidence),
    ];
    crate::guarded(tx.run(APPEND, &args).await?)
}

/// The outcome of a pull request that holds.
pub async fn latest(tx: &mut Tx, pull: &str) -> Result<Option<Found>, Fault> {
    tx.one(LATEST, &[Text(pull)]).await
}

/// Every outcome of a pull request, the latest first.
pub async fn of(tx: &mut Tx, pull: &str, limit: i64) -> Result<Vec<Found>, Fault> {
    tx.all(OF_PULL, &[Text(pull), Int(limit)]).await
}

/// The outcomes of a stratum that hold and say something, the oldest first: of so many at most the last. One whose pull request is
/// no longer kept was last looked at when it was written down, as far as anybody can tell.
pub async fn past(tx: &mut Tx, stratum: &str, limit: i64) -> Result<Vec<Past>, Fault> {
    type Row = (String, i64, String, i64);
    let rows: Vec<Row> = tx.all(PAST, &[Text(stratum), Int(limit)]).await?;
    let past = |(pull, at, word, seen): Row| {
        let weight = Weight::parse(&word).ok_or_else(|| corrupt("weight", &pull))?;
        Ok(Past { pull, at: Time(at), weight, seen: Time(seen) })
    };
    rows.into_iter().rev().map(past).collect()
}

/// The outcomes that hold, the latest first.
pub async fn list(tx: &mut Tx, (before, id): (i64, &str), limit: i64) -> Result<Vec<Listed>, Fault> {
    tx.all(LIST, &[Int(before), Text(id), Int(limit)]).await
}

/// How many of each outcome each kind of gap has, of those that ended since a moment.
pub async fn by_kind(tx: &mut Tx, since: Time) -> Result<Vec<(String, Outcome, i64)>, Fault> {
    let rows: Vec<(String, String, i64)> = tx.all(BY_KIND, &[Int(since.0)]).await?;
    let read = |(kind, word, count): (String, String, i64)| {
        let outcome = Outcome::parse(&word).ok_or_else(|| corrupt("outcome", &kind))?;
        Ok((kind, outcome, count))
    };
    rows.into_iter().map(read).collect()
}

fn corrupt(column: &'static str, id: &str) -> Fault {
    Fault::Corrupt { table: "outcome", column, id: id.to_owned() }
}
