//! Sightings of gaps as rows: appended, never changed.

use domain::gap::Sighting;
use serde::Serialize;

use crate::Arg::{Int, MaybeText, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "id, at, kind, name, reason, job, claim_id, depends_on, severity, source, principal"
    };
}

statements! {
    APPEND = concat!("INSERT INTO sighting (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
    LIST = concat!("SELECT ", columns!(), " FROM sighting WHERE (at, id) < ($1, $2)
            ORDER BY at DESC, id DESC LIMIT $3");
    OF_NAME = concat!("SELECT ", columns!(), " FROM sighting WHERE name = $1 AND (at, id) < ($2, $3)
            ORDER BY at DESC, id DESC LIMIT $4");
    INVENTORY = "SELECT kind, name, sightings, jobs, first_at, last_at FROM (
                   SELECT kind, COALESCE(name, '') AS name, COUNT(*) AS sightings, COUNT(DISTINCT job) AS jobs,
                          MIN(at) AS first_at, MAX(at) AS last_at
                     FROM sighting GROUP BY kind, COALESCE(name, '')) AS line
                  WHERE (-jobs, -sightings, first_at, kind, name) > ($1, $2, $3, $4, $5)
                  ORDER BY -jobs, -sightings, first_at, kind, name LIMIT $6";
}

/// A sighting as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// When it was reported.
    pub at: i64,
    /// The kind of capability.
    pub kind: String,
    /// The gap's name; none when the marker could not be read.
    pub name: Option<String>,
    /// The reporter's words.
    pub reason: String,
    /// The job that it blocks.
    pub job: Option<String>,
    /// The claim under which it was reported.
    pub claim_id: Option<String>,
    /// A gap that must be closed first.
    pub depends_on: Option<String>,
    /// How much it hurts.
    pub severity: String,
    /// Where it came from.
    pub source: String,
    /// Who reported it.
    pub principal: String,
}

/// One line of the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Line {
    /// The kind of capability.
    pub kind: String,
    /// The gap's name; empty for markers that could not be read.
    pub name: String,
    /// How often it was reported.
    pub sightings: i64,
    /// How many distinct jobs it blocks.
    pub jobs: i64,
    /// When it was first reported.
    pub first_at: i64,
    /// When it was last reported.
    pub last_at: i64,
}

/// Appends a sighting.
pub async fn append(
    tx: &mut Tx,
    id: &str,
    seen: &Sighting,
    claim_id: Option<&str>,
    principal: &str,
) -> Result<(), Fault> {
    let now = tx.now();
    let args = [
        Text(id),
        Int(now.0),
        Text(&seen.kind),
        MaybeText(seen.name.as_deref()),
        Text(&seen.reason),
        MaybeText(seen.job.as_deref()),
        MaybeText(claim_id),
        MaybeText(seen.depends_on.as_deref()),
        Text(seen.severity.name()),
        Text(seen.source.name()),
        Text(principal),
    ];
    tx.run(APPEND, &args).await.map(drop)
}

/// Sightings, latest first, of one gap or of all, before (`at`, `id`).
pub async fn list(tx: &mut Tx, name: Option<&str>, before: (i64, &str), limit: i64) -> Result<Vec<Seen>, Fault> {
    match name {
        Some(name) => tx.all(OF_NAME, &[Text(name), Int(before.0), Text(before.1), Int(limit)]).await,
        None => tx.all(LIST, &[Int(before.0), Text(before.1), Int(limit)]).await,
    }
}

/// A gap's place in the inventory: its jobs and sightings, both negated, when it was first reported, kind and name.
pub type Place = (i64, i64, i64, String, String);

impl Line {
    /// Where it stands.
    pub fn place(&self) -> Place {
        (-self.jobs, -self.sightings, self.first_at, self.kind.clone(), self.name.clone())
    }
}

/// The gaps after a place: those that block most jobs first, then those most often reported, then the earliest.
pub async fn inventory(tx: &mut Tx, after: &Place, limit: i64) -> Result<Vec<Line>, Fault> {
    let (jobs, sightings, first_at, kind, name) = after;
    tx.all(INVENTORY, &[Int(*jobs), Int(*sightings), Int(*first_at), Text(kind), Text(name), Int(limit)]).await
}
