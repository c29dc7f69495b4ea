//! What must happen in the world, as rows: written with the state that implies it, taken by whoever delivers.

use domain::effect::Notify;
use domain::notice::Level;
use domain::time::Time;

use crate::Arg::{Int, MaybeText, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "id, channel, level, text, link, created_at, state, attempts, next_at, ended_at, last_error"
    };
}

statements! {
    ADD = "INSERT INTO outbox (id, channel, level, text, link, created_at, state, attempts, next_at)
           VALUES ($1, $2, $3, $4, $5, $6, 'pending', 0, $6)";
    // A channel with a failed try behind it and the next one ahead is in peace: what was written since waits too.
    TAKE = concat!("UPDATE outbox SET attempts = attempts + 1, next_at = $2 WHERE state = 'pending' AND id IN (
              SELECT id FROM outbox WHERE state = 'pending' AND next_at <= $1
                 AND NOT EXISTS (SELECT 1 FROM outbox AS ahead
                                  WHERE ahead.channel = outbox.channel AND ahead.state = 'pending'
                                    AND ahead.next_at > $1 AND ahead.last_error IS NOT NULL)
               ORDER BY next_at, id LIMIT 20 FOR UPDATE SKIP LOCKED) RETURNING ", columns!());
    SENT = "UPDATE outbox SET state = 'sent', ended_at = $2, last_error = NULL WHERE id = $1 AND state = 'pending'";
    LATER = "UPDATE outbox SET next_at = $2, last_error = $3 WHERE id = $1 AND state = 'pending'";
    UNTRIED = "UPDATE outbox SET next_at = $2, attempts = attempts - 1 WHERE id = $1 AND state = 'pending'";
    PAUSE = "UPDATE outbox SET next_at = $2 WHERE channel = $1 AND state = 'pending' AND next_at < $2";
    DEAD = "UPDATE outbox SET state = 'dead', ended_at = $2, last_error = $3 WHERE id = $1 AND state = 'pending'";
    LIST_DEAD = concat!("SELECT ", columns!(), " FROM outbox WHERE state = 'dead' AND (ended_at, id) < ($1, $2)
            ORDER BY ended_at DESC, id DESC LIMIT $3");
    FIND = concat!("SELECT ", columns!(), " FROM outbox WHERE id = $1");
    LAG = "SELECT COUNT(*), MIN(created_at) FROM outbox WHERE state = 'pending'";
    FORGET = "DELETE FROM outbox WHERE id IN (
                SELECT id FROM outbox WHERE state <> 'pending' AND ended_at < $1 ORDER BY ended_at LIMIT 500)";
}

/// An effect as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// Its id, the same at every try.
    pub id: String,
    /// The configured name of the channel.
    pub channel: String,
    /// How loud.
    pub level: String,
    /// What to say.
    pub text: String,
    /// Where to read on.
    pub link: Option<String>,
    /// When it was written.
    pub created_at: i64,
    /// `pending`, `sent` or `dead`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it may be tried next.
    pub next_at: i64,
    /// When it was sent or given up.
    pub ended_at: Option<i64>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

impl Row {
    /// How loud it is.
    pub fn level(&self) -> Result<Level, Fault> {
        Level::parse(&self.level).map_err(|_| Fault::Corrupt { table: "outbox", column: "level", id: self.id.clone() })
    }
}

/// Adds an effect.
pub async fn add(tx: &mut Tx, id: &str, effect: &Notify) -> Result<(), Fault> {
    let now = tx.now();
    let args = [
        Text(id),
        Text(&effect.channel),
        Text(effect.level.name()),
        Text(&effect.text),
        MaybeText(effect.link.as_deref()),
        Int(now.0),
    ];
    tx.run(ADD, &args).await.map(drop)
}

/// Takes up to 20 effects that may be tried now; nobody else takes them until `until`.
pub async fn take(tx: &mut Tx, until: Time) -> Result<Vec<Row>, Fault> {
    let now = tx.now();
    let mut rows: Vec<Row> = tx.all(TAKE, &[Int(now.0), Int(until.0)]).await?;
    rows.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(rows)
}

/// Says that an effect happened.
pub async fn sent(tx: &mut Tx, id: &str) -> Result<(), Fault> {
    let now = tx.now();
    tx.run(SENT, &[Text(id), Int(now.0)]).await.map(drop)
}

/// Says that an effect must be tried again.
pub async fn later(tx: &mut Tx, id: &str, at: Time, why: &str) -> Result<(), Fault> {
    tx.run(LATER, &[Text(id), Int(at.0), Text(why)]).await.map(drop)
}

/// Gives back an effect that was taken and not tried: the try does not count.
pub async fn untried(tx: &mut Tx, id: &str, at: Time) -> Result<(), Fault> {
    tx.run(UNTRIED, &[Text(id), Int(at.0)]).await.map(drop)
}

/// Leaves a channel in peace until `at`, because it said so.
pub async fn pause(tx: &mut Tx, channel: &str, at: Time) -> Result<(), Fault> {
    tx.run(PAUSE, &[Text(channel), Int(at.0)]).await.map(drop)
}

/// Gives an effect up.
pub async fn dead(tx: &mut Tx, id: &str, why: &str) -> Result<(), Fault> {
    let now = tx.now();
    tx.run(DEAD, &[Text(id), Int(now.0), Text(why)]).await.map(drop)
}

/// Effects given up, latest first, before (`ended_at`, `id`).
pub async fn list_dead(tx: &mut Tx, before: (i64, &str), limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all(LIST_DEAD, &[Int(before.0), Text(before.1), Int(limit)]).await
}

/// The effect with this id.
pub async fn find(tx: &mut Tx, id: &str) -> Result<Option<Row>, Fault> {
    tx.one(FIND, &[Text(id)]).await
}

/// How many effects wait, and since when the oldest does.
pub async fn lag(tx: &mut Tx) -> Result<(i64, Option<Time>), Fault> {
    let row: Option<(i64, Option<i64>)> = tx.one(LAG, &[]).await?;
    Ok(row.map_or((0, None), |(count, oldest)| (count, oldest.map(Time))))
}

/// Forgets up to 500 effects that ended before `then`; returns how many.
pub async fn forget(tx: &mut Tx, then: Time) -> Result<u64, Fault> {
    tx.run(FORGET, &[Int(then.0)]).await
}
