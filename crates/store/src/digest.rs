//! Counts for the daily digest.

use domain::time::Time;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

statements! {
    LAST = "SELECT MAX(at) FROM told WHERE subject = $1";
    BEGUN = "SELECT COUNT(*) FROM pull WHERE created_at >= $1";
    ENDED = "SELECT now, COUNT(*) FROM pull_event WHERE at >= $1 AND was <> now AND now IN ('merged', 'closed', 'wontfix')
              GROUP BY now";
    MET = "SELECT COUNT(*) FROM gap WHERE first_at >= $1";
    PROVEN = "SELECT COUNT(*) FROM gap_event WHERE at >= $1 AND was <> now AND now = 'proven'";
    QUESTIONS = "SELECT COUNT(*) FROM decision WHERE state = 'open'";
    SAYINGS = "SELECT COUNT(*) FROM pull_say WHERE state = 'unknown'";
    FIRES = "SELECT COUNT(*) FROM fire WHERE state = 'unknown'";
}

/// How much came about since a moment, and how much stands open now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pull requests begun.
    pub begun: i64,
    /// Pull requests merged.
    pub merged: i64,
    /// Pull requests closed without a merge.
    pub closed: i64,
    /// Gaps met for the first time.
    pub met: i64,
    /// Gaps proven.
    pub proven: i64,
    /// Questions that nobody answered yet.
    pub questions: i64,
    /// What was to be made on the forge, and starts of Routines, of which nobody can tell the end.
    pub unknown: i64,
}

/// When people were last told of a subject.
pub async fn last(tx: &mut Tx, subject: &str) -> Result<Option<Time>, Fault> {
    let row: Option<(Option<i64>,)> = tx.one(LAST, &[Text(subject)]).await?;
    Ok(row.and_then(|(at,)| at).map(Time))
}

/// Counts what came about since `then`.
pub async fn counts(tx: &mut Tx, then: Time) -> Result<Counts, Fault> {
    let ended: Vec<(String, i64)> = tx.all(ENDED, &[Int(then.0)]).await?;
    let merged = ended.iter().filter(|(state, _)| state == "merged").map(|(_, count)| count).sum();
    let all: i64 = ended.iter().map(|(_, count)| count).sum();
    Ok(Counts {
        begun: count(tx, BEGUN, &[Int(then.0)]).await?,
        merged,
        closed: all - merged,
        met: count(tx, MET, &[Int(then.0)]).await?,
        proven: count(tx, PROVEN, &[Int(then.0)]).await?,
        questions: count(tx, QUESTIONS, &[]).await?,
        unknown: count(tx, SAYINGS, &[]).await? + count(tx, FIRES, &[]).await?,
    })
}

async fn count(tx: &mut Tx, statement: &'static str, args: &[crate::Arg<'_>]) -> Result<i64, Fault> {
    let row: Option<(i64,)> = tx.one(statement, args).await?;
    Ok(row.map_or(0, |(count,)| count))
}
