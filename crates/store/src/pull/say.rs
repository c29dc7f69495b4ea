//! What is to be made on the forge once: written with what implies it, sent once, settled by reading.

use serde::Serialize;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "id, pull, what, head, body, at, state, tried_at, tries, error"
    };
}

statements! {
    ADD = concat!("INSERT INTO pull_say (", columns!(), ", seq) VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 0, 0, '',
             (SELECT COALESCE(MAX(seq), 0) + 1 FROM pull_say WHERE pull = $2))");
    OPEN = concat!("SELECT ", columns!(), " FROM pull_say WHERE pull = $1 AND state IN ('waiting', 'sending')
              ORDER BY seq LIMIT $2");
    FIND = concat!("SELECT ", columns!(), " FROM pull_say WHERE id = $1 FOR UPDATE");
    SET = "UPDATE pull_say SET state = $4, tried_at = $5, tries = $6, error = $7
            WHERE id = $1 AND state = $2 AND tries = $3";
    DROP = "UPDATE pull_say SET state = 'dropped' WHERE id IN (
              SELECT id FROM pull_say WHERE pull = $1 AND state IN ('waiting', 'sending'))
               AND what IN ('check', 'review') AND state = 'waiting' AND head <> $2";
    UNKNOWN = concat!("SELECT ", columns!(), " FROM pull_say WHERE state = 'unknown' AND (at, id) < ($1, $2)
               ORDER BY at DESC, id DESC LIMIT $3");
}

/// Something to be made on the forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Say {
    /// Its id, by which it is found again there.
    pub id: String,
    /// The pull request.
    pub pull: String,
    /// `open`, `check`, `review`, `comment` or `plan`.
    pub what: String,
    /// The commit that it is about.
    pub head: String,
    /// What it is, as JSON.
    pub body: String,
    /// Since when it is to be made.
    pub at: i64,
    /// `waiting`; `sending` where it was sent and nobody knows whether it arrived; `sent`; `unknown` where reading does not
    /// tell either; `dropped`.
    pub state: String,
    /// When it was last sent.
    pub tried_at: i64,
    /// How often.
    pub tries: i64,
    /// What last went wrong.
    pub error: String,
}

/// Leaves something to be made.
pub async fn add(tx: &mut Tx, id: &str, pull: &str, what: &str, (head, body): (&str, &str)) -> Result<(), Fault> {
    let now = tx.now();
    tx.run(ADD, &[Text(id), Text(pull), Text(what), Text(head), Text(body), Int(now.0)]).await.map(drop)
}

/// What is to be made for a pull request, the oldest first.
pub async fn open(tx: &mut Tx, pull: &str, limit: i64) -> Result<Vec<Say>, Fault> {
    tx.all(OPEN, &[Text(pull), Int(limit)]).await
}

/// One of them, held still for this transaction.
pub async fn load(tx: &mut Tx, id: &str) -> Result<Option<Say>, Fault> {
    tx.one(FIND, &[Text(id)]).await
}

/// Moves one on, if it stands as it was decided on; gives it as it stands then.
pub async fn set(tx: &mut Tx, say: &Say, state: &str, error: &str) -> Result<Option<Say>, Fault> {
    let now = tx.now();
    let tries = say.tries + i64::from(state == "sending");
    let tried_at = if state == "sending" { now.0 } else { say.tried_at };
    let args = [Text(&say.id), Text(&say.state), Int(say.tries), Text(state), Int(tried_at), Int(tries), Text(error)];
    let moved = tx.run(SET, &args).await? == 1;
    Ok(moved.then(|| Say { state: state.to_owned(), tried_at, tries, error: error.to_owned(), ..say.clone() }))
}

/// Gives up what waits to be said of any other head than this.
pub async fn give_up(tx: &mut Tx, pull: &str, head: &str) -> Result<(), Fault> {
    tx.run(DROP, &[Text(pull), Text(head)]).await.map(drop)
}

/// Those of which nobody can tell whether they were made, latest first, before (`at`, `id`).
pub async fn unknown(tx: &mut Tx, before: (i64, &str), limit: i64) -> Result<Vec<Say>, Fault> {
    tx.all(UNKNOWN, &[Int(before.0), Text(before.1), Int(limit)]).await
}
