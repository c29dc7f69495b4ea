//! Gaps that may be the same, for a person to say.

use domain::gap::Key;
use domain::gap::near::Likeness;
use serde::Serialize;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "gap, other, score, why, at"
    };
}

macro_rules! single {
    () => {
        " AND NOT EXISTS (SELECT 1 FROM gap AS twin
             WHERE twin.key IN (gap_likeness.gap, gap_likeness.other) AND twin.state = 'duplicate')"
    };
}

statements! {
    ADD = "INSERT INTO gap_likeness (gap, other, score, why, at) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (gap, other) DO NOTHING";
    // What a duplicate is like is of no more interest.
    LIST = concat!("SELECT ", columns!(), " FROM gap_likeness WHERE verdict IS NULL AND (-score, gap, other) > ($1, $2, $3)",
            single!(), " ORDER BY score DESC, gap, other LIMIT $4");
    OF_GAP = concat!("SELECT ", columns!(), " FROM gap_likeness WHERE verdict IS NULL AND gap = $1", single!(), "
            UNION ALL SELECT ", columns!(), " FROM gap_likeness WHERE verdict IS NULL AND other = $1", single!(), "
            ORDER BY score DESC, gap, other LIMIT $2");
    PART = "UPDATE gap_likeness SET verdict = 'different' WHERE gap = $1 AND other = $2";
    JUDGE = "UPDATE gap_likeness SET verdict = $3 WHERE verdict IS NULL AND gap = $1 AND other = $2";
}

/// Two gaps that may be the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Proposal {
    /// The one whose key comes first.
    pub gap: String,
    /// The other.
    pub other: String,
    /// How alike, in hundredths.
    pub score: i64,
    /// Why one would think so.
    pub why: String,
    /// When it was proposed.
    pub at: i64,
}

/// Proposes that two gaps are the same; what was judged before is not asked again.
pub async fn propose(tx: &mut Tx, a: &Key, b: &Key, likeness: &Likeness) -> Result<bool, Fault> {
    let now = tx.now();
    let (gap, other) = pair(a, b);
    let args = [Text(&gap), Text(&other), Int(likeness.score), Text(likeness.why), Int(now.0)];
    Ok(tx.run(ADD, &args).await? == 1)
}

/// A place in the order of proposals.
pub type Place = (i64, String, String);

impl Proposal {
    /// Where it stands.
    pub fn place(&self) -> Place {
        (-self.score, self.gap.clone(), self.other.clone())
    }
}

/// What waits for a person, the most alike first, after a place.
pub async fn list(tx: &mut Tx, after: &Place, limit: i64) -> Result<Vec<Proposal>, Fault> {
    tx.all(LIST, &[Int(after.0), Text(&after.1), Text(&after.2), Int(limit)]).await
}

/// What waits for a person about one gap.
pub async fn of_gap(tx: &mut Tx, key: &Key, limit: i64) -> Result<Vec<Proposal>, Fault> {
    tx.all(OF_GAP, &[Text(&key.to_string()), Int(limit)]).await
}

/// A person's verdict on a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They are the same.
    Same,
    /// They are not.
    Different,
}

/// Writes down what a person said; false when nothing was proposed, or it was said before.
pub async fn judge(tx: &mut Tx, a: &Key, b: &Key, verdict: Verdict) -> Result<bool, Fault> {
    let (gap, other) = pair(a, b);
    let verdict = match verdict {
        Verdict::Same => "same",
        Verdict::Different => "different",
    };
    Ok(tx.run(JUDGE, &[Text(&gap), Text(&other), Text(verdict)]).await? == 1)
}

/// Remembers that two gaps, of which one stood for the other, are two.
pub async fn part(tx: &mut Tx, a: &Key, b: &Key) -> Result<(), Fault> {
    let (gap, other) = pair(a, b);
    tx.run(PART, &[Text(&gap), Text(&other)]).await.map(drop)
}

/// Two keys in their order.
fn pair(a: &Key, b: &Key) -> (String, String) {
    let (a, b) = (a.to_string(), b.to_string());
    if a <= b { (a, b) } else { (b, a) }
}
