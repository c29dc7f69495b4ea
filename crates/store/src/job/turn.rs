//! Jobs looked for by what they are: those that run, those that work on a gap, the turns of a kind.

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

statements! {
    HELD = "SELECT name, kind, holder, principal, claimed_at, expires_at FROM job WHERE state = 'held' AND expires_at > $1
             ORDER BY expires_at, name LIMIT $2";
    WORKS_ON = "SELECT name FROM job WHERE gap = $1 AND state IN ('ready', 'waiting', 'held') LIMIT 1";
    TURNS = "SELECT name FROM job WHERE kind = $2 AND pull IS NOT NULL AND state = 'ready' AND next_run_at <= $1
              ORDER BY priority DESC, next_run_at, name LIMIT 64";
}

/// A job that runs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Held {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// What its worker calls itself.
    pub holder: String,
    /// Who holds it.
    pub principal: String,
    /// Since when.
    pub claimed_at: i64,
    /// Until when.
    pub expires_at: i64,
}

/// Jobs that run, the next to expire first.
pub async fn held(tx: &mut Tx, limit: i64) -> Result<Vec<Held>, Fault> {
    let now = tx.now();
    tx.all(HELD, &[Int(now.0), Int(limit)]).await
}

/// Whether a job waits, or is held, that works on a gap.
pub async fn works_on(tx: &mut Tx, gap: &domain::gap::Key) -> Result<bool, Fault> {
    Ok(tx.one::<(String,)>(WORKS_ON, &[Text(&gap.to_string())]).await?.is_some())
}

/// The names of up to 64 turns of a kind that are due, in line.
pub async fn of_kind(tx: &mut Tx, kind: &str) -> Result<Vec<String>, Fault> {
    let now = tx.now();
    let rows: Vec<(String,)> = tx.all(TURNS, &[Int(now.0), Text(kind)]).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}
