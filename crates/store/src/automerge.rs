//! What is merged by itself, and what is to be taken back of it: written down first, sent once, settled by reading.

use domain::gate::Auto;
use domain::outcome::{Outcome, TakingBack};
use domain::time::Time;
use serde::{Deserialize, Serialize};

use crate::Arg::{Int, MaybeInt, Text};
use crate::outcome::Found;
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "id, pull, repo, onto, head, stratum, record, state, at, bad, why"
    };
}

macro_rules! reverts {
    () => {
        "pull, at, why, branch, state, tried_at, tries, number, url, error"
    };
}

statements! {
    BEGIN = concat!("INSERT INTO automerge (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, 'sending', $8, 0, '')
             ON CONFLICT DO NOTHING");
    // What was thought not to be made and was is made all the same.
    SETTLE = "UPDATE automerge SET state = $2, why = $3
               WHERE id = $1 AND (state = 'sending' OR (state = 'dropped' AND $2 = 'merged'))";
    SENDING = concat!("SELECT ", columns!(), " FROM automerge WHERE repo = $1 AND state = 'sending' ORDER BY onto LIMIT $2");
    COUNT_SENDING = "SELECT COUNT(*) FROM automerge WHERE repo = $1 AND state = 'sending' AND pull <> $2";
    COUNT_DROPPED = "SELECT COUNT(*), MAX(at) FROM automerge WHERE pull = $1 AND state = 'dropped' AND head = $2";
    IN_FLIGHT = concat!("SELECT ", columns!(), " FROM automerge WHERE repo = $1 AND onto = $2 AND state = 'sending'");
    OF_PULL = concat!("SELECT ", columns!(), " FROM automerge WHERE pull = $1 ORDER BY at DESC, id DESC LIMIT 1");
    SINCE = "SELECT pull, stratum, at, bad FROM automerge WHERE repo = $1 AND state = 'merged' AND at >= $2
              ORDER BY at DESC, id LIMIT $3";
    OF_STRATUM = "SELECT pull, stratum, at, bad FROM automerge WHERE stratum = $1 AND state = 'merged' AND at >= $2
                   ORDER BY at DESC, id LIMIT $3";
    SPOIL = "UPDATE automerge SET bad = $3, why = $2 WHERE pull = $1 AND state = 'merged' AND bad = 0";
    COUNT_BAD = "SELECT COUNT(*) FROM automerge WHERE repo = $1 AND state = 'merged' AND bad >= $2 AND bad > 0";
    REVERT = concat!("INSERT INTO revert (", reverts!(), ") VALUES ($1, $2, $3, $4, 'waiting', 0, 0, NULL, '', '')
              ON CONFLICT (pull) DO UPDATE SET state = 'waiting', tries = 0, error = '', why = $3 WHERE revert.state = 'dropped'");
    REVERTING = concat!("SELECT ", reverts!(), " FROM revert WHERE state IN ('waiting', 'sending')
                AND EXISTS (SELECT 1 FROM pull AS p WHERE p.id = revert.pull AND p.repo = $1) ORDER BY at, pull LIMIT $2");
    REVERT_OF = concat!("SELECT ", reverts!(), " FROM revert WHERE pull = $1");
    TAKING_BACK = concat!("SELECT ", reverts!(), " FROM revert
              WHERE state IN ('open', 'dropped') AND (state = 'open' OR (error <> '' AND at > $2))
                AND NOT EXISTS (SELECT 1 FROM outcome AS o WHERE o.pull = revert.pull AND o.outcome = 'reverted')
              ORDER BY at, pull LIMIT $1");
    REVERT_NUMBERED = concat!("SELECT ", reverts!(), " FROM revert WHERE number = $1
                AND EXISTS (SELECT 1 FROM pull AS p WHERE p.id = revert.pull AND p.repo = $2)");
    MOVE_REVERT = "UPDATE revert SET state = $3, tried_at = $4, tries = $5, number = $6, url = $7, error = $8
                    WHERE pull = $1 AND state = $2 AND tries = $9";
}

/// A merge that is made by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Automerge {
    /// Its id.
    pub id: String,
    /// The pull request.
    pub pull: String,
    /// The repository.
    pub repo: String,
    /// Into which branch.
    pub onto: String,
    /// The commit that is merged, and no other.
    pub head: String,
    /// The id of its stratum.
    pub stratum: String,
    /// The id of the record on which it stands.
    pub record: String,
    /// `sending` while nobody knows whether it was made, `merged`, or `dropped`.
    pub state: String,
    /// When it was written down.
    pub at: i64,
    /// When it went wrong since; 0 where it did not.
    pub bad: i64,
    /// Why it was dropped, or went wrong.
    pub why: String,
}

/// What is to be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Revert {
    /// The pull request that was merged.
    pub pull: String,
    /// Since when.
    pub at: i64,
    /// Why.
    pub why: String,
    /// The branch that takes it back.
    pub branch: String,
    /// `waiting`, `sending`, `open` or `dropped`.
    pub state: String,
    /// When it was last tried.
    pub tried_at: i64,
    /// How often.
    pub tries: i64,
    /// The number of the pull request that takes it back.
    pub number: Option<i64>,
    /// Where a person reads it.
    pub url: String,
    /// What last went wrong; empty where a person closed what would have taken it back.
    pub error: String,
}

impl Revert {
    /// How far it is, by what was found last of the merge.
    pub fn taking_back(&self, last: Option<&Found>) -> TakingBack {
        TakingBack::of(&self.state, &self.error, last.and_then(|found| Outcome::parse(&found.outcome)))
    }
}

/// Writes a merge down that is about to be made; false where another is being made into the same branch.
pub async fn begin(tx: &mut Tx, merge: &Automerge) -> Result<bool, Fault> {
    let args = [
        Text(&merge.id),
        Text(&merge.pull),
        Text(&merge.repo),
        Text(&merge.onto),
        Text(&merge.head),
        Text(&merge.stratum),
        Text(&merge.record),
        Int(merge.at),
    ];
    Ok(tx.run(BEGIN, &args).await? == 1)
}

/// Writes down how one ended: `merged`, or `dropped` with why. False where that was known.
pub async fn settle(tx: &mut Tx, id: &str, state: &str, why: &str) -> Result<bool, Fault> {
    Ok(tx.run(SETTLE, &[Text(id), Text(state), Text(why)]).await? == 1)
}

/// What is being merged in a repository, whatever has become of it meanwhile.
pub async fn sending(tx: &mut Tx, repo: &str, limit: i64) -> Result<Vec<Automerge>, Fault> {
    tx.all(SENDING, &[Text(repo), Int(limit)]).await
}

/// How many are being merged in a repository besides a pull request.
pub async fn count_sending(tx: &mut Tx, repo: &str, besides: &str) -> Result<i64, Fault> {
    let row: Option<(i64,)> = tx.one(COUNT_SENDING, &[Text(repo), Text(besides)]).await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// How often a commit of a pull request was not merged though it was to be, and when that was last begun.
pub async fn dropped(tx: &mut Tx, pull: &str, head: &str) -> Result<(i64, Option<Time>), Fault> {
    let row: Option<(i64, Option<i64>)> = tx.one(COUNT_DROPPED, &[Text(pull), Text(head)]).await?;
    Ok(row.map_or((0, None), |(count, at)| (count, at.map(Time))))
}

/// What is being merged into a branch.
pub async fn in_flight(tx: &mut Tx, repo: &str, onto: &str) -> Result<Option<Automerge>, Fault> {
    tx.one(IN_FLIGHT, &[Text(repo), Text(onto)]).await
}

/// The last merge of a pull request.
pub async fn of(tx: &mut Tx, pull: &str) -> Result<Option<Automerge>, Fault> {
    tx.one(OF_PULL, &[Text(pull)]).await
}

/// What was merged by itself in a repository since a moment, the oldest first.
pub async fn since(tx: &mut Tx, repo: &str, since: Time, limit: i64) -> Result<Vec<Auto>, Fault> {
    autos(tx, SINCE, repo, since, limit).await
}

/// The same of a stratum.
pub async fn of_stratum(tx: &mut Tx, stratum: &str, since: Time, limit: i64) -> Result<Vec<Auto>, Fault> {
    autos(tx, OF_STRATUM, stratum, since, limit).await
}

async fn autos(tx: &mut Tx, sql: &'static str, of: &str, since: Time, limit: i64) -> Result<Vec<Auto>, Fault> {
    let rows: Vec<(String, String, i64, i64)> = tx.all(sql, &[Text(of), Int(since.0), Int(limit)]).await?;
    let auto = |(pull, stratum, at, bad)| Auto { pull, stratum, at: Time(at), bad: bad != 0 };
    Ok(rows.into_iter().rev().map(auto).collect())
}

/// Remembers that what was merged by itself went wrong; false where that was known, or nothing was.
pub async fn spoil(tx: &mut Tx, pull: &str, why: &str) -> Result<bool, Fault> {
    let now = tx.now();
    Ok(tx.run(SPOIL, &[Text(pull), Text(why), Int(now.0)]).await? == 1)
}

/// How many of a repository went wrong since a moment, whenever they were merged.
pub async fn bad_since(tx: &mut Tx, repo: &str, since: Time) -> Result<i64, Fault> {
    let row: Option<(i64,)> = tx.one(COUNT_BAD, &[Text(repo), Int(since.0)]).await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// Leaves a merge to be taken back, once more where that was given up; false where it is already.
pub async fn revert(tx: &mut Tx, pull: &str, branch: &str, why: &str) -> Result<bool, Fault> {
    let now = tx.now();
    Ok(tx.run(REVERT, &[Text(pull), Int(now.0), Text(why), Text(branch)]).await? == 1)
}

/// What is to be taken back in a repository, the oldest first.
pub async fn reverting(tx: &mut Tx, repo: &str, limit: i64) -> Result<Vec<Revert>, Fault> {
    tx.all(REVERTING, &[Text(repo), Int(limit)]).await
}

/// What people are to merge so that something is taken back, and what they are to take back by hand, as far as that was begun after
/// a moment: the oldest first.
pub async fn taking_back(tx: &mut Tx, since: Time, limit: i64) -> Result<Vec<Revert>, Fault> {
    tx.all(TAKING_BACK, &[Int(limit), Int(since.0)]).await
}

/// What is being done to take a merge back.
pub async fn revert_of(tx: &mut Tx, pull: &str) -> Result<Option<Revert>, Fault> {
    tx.one(REVERT_OF, &[Text(pull)]).await
}

/// What takes a merge back by the pull request of this number.
pub async fn revert_numbered(tx: &mut Tx, repo: &str, number: i64) -> Result<Option<Revert>, Fault> {
    tx.one(REVERT_NUMBERED, &[Int(number), Text(repo)]).await
}

/// Moves one on, if it stands as it was decided on; gives whether it did.
pub async fn move_revert(tx: &mut Tx, was: &Revert, now: &Revert) -> Result<bool, Fault> {
    let args = [
        Text(&was.pull),
        Text(&was.state),
        Text(&now.state),
        Int(now.tried_at),
        Int(now.tries),
        MaybeInt(now.number),
        Text(&now.url),
        Text(&now.error),
        Int(was.tries),
    ];
    Ok(tx.run(MOVE_REVERT, &args).await? == 1)
}
