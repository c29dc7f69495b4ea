//! What reviewers said of pull requests, beside what became of these: read across the tables of both.

use domain::time::Time;

use crate::Arg::Int;
use crate::{Fault, Tx};

statements! {
    SETTLED = "SELECT o.pull, o.outcome, o.weight, o.gap_kind, w.principal, w.model, w.prompt, w.verdict
                 FROM outcome AS o JOIN pull_word AS w ON w.pull = o.pull
                WHERE o.ended_at >= $1 AND w.stage = 'reviewer' AND w.pass = 'final'
                  AND NOT EXISTS (SELECT 1 FROM outcome AS later WHERE later.pull = o.pull AND later.seq > o.seq)
                  AND NOT EXISTS (SELECT 1 FROM pull_word AS later WHERE later.pull = w.pull AND later.seq > w.seq
                                     AND later.stage = 'reviewer' AND later.pass = 'final')
                ORDER BY o.ended_at DESC, o.id LIMIT $2";
    SAID = "SELECT w.id, w.pull, w.seq, w.principal, w.model, w.prompt, w.head, w.body, p.state, p.head AS tip
              FROM pull_word AS w JOIN pull AS p ON p.id = w.pull
             WHERE w.stage = 'reviewer' AND w.pass = 'final' AND w.at >= $1 ORDER BY w.at DESC, w.id LIMIT $2";
}

/// A pull request that ended, with the outcome that holds, and what a reviewer said of it at last.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Settled {
    /// The pull request.
    pub pull: String,
    /// What became of it.
    pub outcome: String,
    /// What that is to the gate.
    pub weight: String,
    /// The kind of the gap.
    pub gap_kind: String,
    /// In whose name it was reviewed.
    pub principal: String,
    /// The model, as it says itself.
    pub model: String,
    /// The hash of its prompt.
    pub prompt: String,
    /// What it said in a word.
    pub verdict: String,
}

/// A review that counts, with how its pull request stands by now.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Said {
    /// Its id.
    pub id: String,
    /// The pull request.
    pub pull: String,
    /// Which of its pull request it is among all words.
    pub seq: i64,
    /// In whose name.
    pub principal: String,
    /// The model, as it says itself.
    pub model: String,
    /// The hash of its prompt.
    pub prompt: String,
    /// The commit that it is about.
    pub head: String,
    /// All of it, as JSON.
    pub body: String,
    /// How the pull request stands.
    pub state: String,
    /// The commit at its head.
    pub tip: String,
}

/// The pull requests that ended since a moment and that a reviewer judged, the latest first.
pub async fn settled(tx: &mut Tx, since: Time, limit: i64) -> Result<Vec<Settled>, Fault> {
    tx.all(SETTLED, &[Int(since.0), Int(limit)]).await
}

/// What reviewers said since a moment, the latest first.
pub async fn said(tx: &mut Tx, since: Time, limit: i64) -> Result<Vec<Said>, Fault> {
    tx.all(SAID, &[Int(since.0), Int(limit)]).await
}
