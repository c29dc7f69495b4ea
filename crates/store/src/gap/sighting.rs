//! Sightings of gaps as rows: appended, never changed.

use domain::gap::{Key, Sighting};
use domain::time::{Span, Time};
use serde::Serialize;

use crate::Arg::{Int, MaybeInt, MaybeText, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "id, at, kind, name, reason, job, claim_id, depends_on, severity, source, principal, area, lines, parent"
    };
}

statements! {
    APPEND = concat!("INSERT INTO sighting (", columns!(), ")
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)");
    OF_GAP = concat!("SELECT ", columns!(), " FROM sighting WHERE kind = $1 AND name = $2 AND (at, id) < ($3, $4)
            ORDER BY at DESC, id DESC LIMIT $5");
    UNREADABLE = concat!("SELECT ", columns!(), " FROM sighting WHERE name IS NULL AND (at, id) < ($1, $2)
            ORDER BY at DESC, id DESC LIMIT $3");
    // As far as a gate asks: counting stops there.
    NAMED = "SELECT COUNT(*) FROM (SELECT id FROM sighting WHERE name IS NOT NULL ORDER BY at DESC, id LIMIT $1) AS named";
    // Of a gap and of the duplicates that it stands for. How bad it is counts anew whenever a sighting opened it again.
    SUM = "SELECT COUNT(*) AS sightings, COALESCE(MIN(sighting.at), 0) AS first_at, COALESCE(MAX(sighting.at), 0) AS last_at,
                  CAST(COALESCE(MAX(CASE
                    WHEN sighting.at < COALESCE((SELECT MAX(own.at) FROM gap_event AS own
                                                  WHERE own.gap = gap.key AND own.event = 'sighted'), 0) THEN 0
                    WHEN sighting.at < COALESCE((SELECT MAX(stands.at) FROM gap_event AS stands
                                                  WHERE stands.gap = $1 AND stands.event = 'sighted'), 0) THEN 0
                    WHEN sighting.severity = 'critical' THEN 2 WHEN sighting.severity = 'blocking' THEN 1 ELSE 0 END), 0)
                    AS BIGINT) AS worst,
                  CAST(COALESCE(MAX(CASE WHEN sighting.parent IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT) AS top
             FROM gap JOIN sighting ON sighting.kind = gap.kind AND sighting.name = gap.name
            WHERE gap.key IN (SELECT key FROM gap WHERE key = $1 UNION SELECT key FROM gap WHERE duplicate_of = $1)";
    BY_DAY = "SELECT at / 86400000 AS day, kind, COUNT(*) AS sightings FROM sighting
               WHERE at / 86400000 >= $1 AND name IS NOT NULL GROUP BY at / 86400000, kind ORDER BY day, kind";
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
    /// The folder that it is about.
    pub area: Option<String>,
    /// How many lines its closing will change.
    pub lines: Option<i64>,
    /// The gap that was worked on when this one was met.
    pub parent: Option<String>,
}

/// Under what a sighting was reported.
#[derive(Debug, Clone, Copy, Default)]
pub struct Under<'a> {
    /// The claim.
    pub claim_id: Option<&'a str>,
    /// The gap that was worked on.
    pub parent: Option<&'a str>,
}

/// Appends a sighting.
pub async fn append(tx: &mut Tx, id: &str, seen: &Sighting, under: Under<'_>, principal: &str) -> Result<(), Fault> {
    let now = tx.now();
    let args = [
        Text(id),
        Int(now.0),
        Text(&seen.kind),
        MaybeText(seen.name.as_deref()),
        Text(&seen.reason),
        MaybeText(seen.job.as_deref()),
        MaybeText(under.claim_id),
        MaybeText(seen.depends_on.as_deref()),
        Text(seen.severity.name()),
        Text(seen.source.name()),
        Text(principal),
        MaybeText(seen.area.as_deref()),
        MaybeInt(seen.lines),
        MaybeText(under.parent),
    ];
    tx.run(APPEND, &args).await.map(drop)
}

/// The sightings of one gap, latest first, before (`at`, `id`).
pub async fn of_gap(tx: &mut Tx, key: &Key, before: (i64, &str), limit: i64) -> Result<Vec<Seen>, Fault> {
    tx.all(OF_GAP, &[Text(&key.kind), Text(&key.name), Int(before.0), Text(before.1), Int(limit)]).await
}

/// The sightings whose markers could not be read, latest first, before (`at`, `id`).
pub async fn unreadable(tx: &mut Tx, before: (i64, &str), limit: i64) -> Result<Vec<Seen>, Fault> {
    tx.all(UNREADABLE, &[Int(before.0), Text(before.1), Int(limit)]).await
}

/// How many sightings name a gap, counted up to `most`.
pub async fn named(tx: &mut Tx, most: i64) -> Result<i64, Fault> {
    let count: Option<(i64,)> = tx.one(NAMED, &[Int(most)]).await?;
    Ok(count.map_or(0, |(count,)| count))
}

/// What sightings say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Sum {
    /// How many.
    pub sightings: i64,
    /// The first; 0 for none.
    pub first_at: i64,
    /// The last; 0 for none.
    pub last_at: i64,
    /// The worst severity, from 0 for minor to 2 for critical.
    pub worst: i64,
    /// 1 when one of them was not met while another gap was worked on.
    pub top: i64,
}

/// What the sightings of a gap, and of the duplicates that it stands for, say together.
pub async fn sum(tx: &mut Tx, key: &Key) -> Result<Sum, Fault> {
    let none = Sum { sightings: 0, first_at: 0, last_at: 0, worst: 0, top: 0 };
    Ok(tx.one(SUM, &[Text(&key.to_string())]).await?.unwrap_or(none))
}

/// How many sightings of a kind there were on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct OfDay {
    /// The day, in days since 1970-01-01 UTC.
    pub day: i64,
    /// The kind.
    pub kind: String,
    /// How many.
    pub sightings: i64,
}

/// Sightings by day and kind since the beginning of the day of a moment.
pub async fn by_day(tx: &mut Tx, since: Time) -> Result<Vec<OfDay>, Fault> {
    tx.all(BY_DAY, &[Int(since.0.div_euclid(Span::days(1).0))]).await
}
