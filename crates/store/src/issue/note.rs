//! What is to be said on issues: written with what implies it, sent once, settled by reading.

use domain::gap::Key;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

statements! {
    ADD = "INSERT INTO issue_note (id, gap, text, at, state, tried_at) VALUES ($1, $2, $3, $4, 'waiting', 0)";
    LIST = "SELECT id, text, state, tried_at FROM issue_note WHERE gap = $1 AND state IN ('waiting', 'sending')
              ORDER BY at, id LIMIT $2";
    SET = "UPDATE issue_note SET state = $3, tried_at = $4 WHERE id = $1 AND state = $2 AND tried_at = $5";
    DROP = "UPDATE issue_note SET state = 'dropped' WHERE gap = $1 AND state IN ('waiting', 'sending')";
}

/// Something to be said on an issue.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Note {
    /// Its id, which its marker carries.
    pub id: String,
    /// What to say.
    pub text: String,
    /// `waiting`, or `sending` where it was sent and nobody knows whether it arrived.
    pub state: String,
    /// When it was last sent.
    pub tried_at: i64,
}

/// Leaves something to be said on the issue of a gap.
pub async fn say(tx: &mut Tx, id: &str, gap: &Key, text: &str) -> Result<(), Fault> {
    let now = tx.now();
    tx.run(ADD, &[Text(id), Text(&gap.to_string()), Text(text), Int(now.0)]).await.map(drop)
}

/// What is to be said on the issue of a gap, the oldest first.
pub async fn open(tx: &mut Tx, gap: &Key, limit: i64) -> Result<Vec<Note>, Fault> {
    tx.all(LIST, &[Text(&gap.to_string()), Int(limit)]).await
}

/// Moves a note on, if it stands as it was decided on; gives it as it stands then.
pub async fn set(tx: &mut Tx, note: &Note, state: &str) -> Result<Option<Note>, Fault> {
    let now = tx.now();
    let args = [Text(&note.id), Text(&note.state), Text(state), Int(now.0), Int(note.tried_at)];
    let moved = tx.run(SET, &args).await? == 1;
    Ok(moved.then(|| Note { state: state.to_owned(), tried_at: now.0, ..note.clone() }))
}

/// Gives up what was to be said on the issue of a gap.
pub async fn give_up(tx: &mut Tx, gap: &Key) -> Result<(), Fault> {
    tx.run(DROP, &[Text(&gap.to_string())]).await.map(drop)
}
