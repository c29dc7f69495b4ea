//! What must happen in the world, as rows: written with the state that implies it, taken by whoever delivers.

use domain::effect::Notify;
use domain::notice::Level;
use domain::time::Time;

use crate::Arg::{Int, MaybeText, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "id, channel, level, text, link, created_at, since, state, attempts, barred, next_at, ended_at, last_error"
    };
}

statements! {
    ADD = "INSERT INTO outbox (id, channel, level, text, link, created_at, since, state, attempts, barred, next_at)
           VALUES ($1, $2, $3, $4, $5, $6, $6, 'pending', 0, 0, $6)";
    // What was barred goes behind what was not, so that it costs the others nothing while its channel takes them.
    TAKE = concat!("UPDATE outbox SET next_at = $3 WHERE state = 'pending' AND id IN (
              SELECT id FROM outbox WHERE channel = $1 AND state = 'pending' AND next_at <= $2
                 AND NOT EXISTS (SELECT 1 FROM channel_rest WHERE channel = $1 AND until > $2)
               ORDER BY barred, since, id LIMIT 5 FOR UPDATE SKIP LOCKED) RETURNING ", columns!());
    // Whether its channel rests or not.
    TAKE_ONE = concat!("UPDATE outbox SET next_at = $3 WHERE id = $1 AND state = 'pending' AND next_at <= $2
           RETURNING ", columns!());
    TRY = "UPDATE outbox SET attempts = attempts + 1, next_at = $3
            WHERE id = $1 AND state = 'pending' AND attempts = $2";
    // Whichever try it was: what has arrived has arrived.
    SENT = "UPDATE outbox SET state = 'sent', ended_at = $2, last_error = NULL WHERE id = $1 AND state = 'pending'";
    LATER = "UPDATE outbox SET next_at = $3, last_error = $4 WHERE id = $1 AND state = 'pending' AND attempts = $2";
    BAR = "UPDATE outbox SET next_at = $3, last_error = $4, barred = barred + 1
            WHERE id = $1 AND state = 'pending' AND attempts = $2";
    UNTRIED = "UPDATE outbox SET next_at = $3 WHERE id = $1 AND state = 'pending' AND attempts = $2";
    RECALL = "UPDATE outbox SET next_at = $2 WHERE channel = $1 AND state = 'pending' AND next_at > $3";
    // That what was sent is not pending is said for the index.
    ARRIVED = "SELECT id FROM outbox
                WHERE channel = $1 AND state = 'sent' AND state <> 'pending' AND ended_at >= $2 LIMIT 1";
    DEAD = "UPDATE outbox SET state = 'dead', ended_at = $3, last_error = $4
             WHERE id = $1 AND state = 'pending' AND attempts = $2";
    // Not what somebody is just trying.
    STRAND = "UPDATE outbox SET state = 'dead', ended_at = $2, last_error = $4
               WHERE channel = $1 AND state = 'pending' AND next_at <= $2 AND since <= $3";
    REVIVE = "UPDATE outbox SET state = 'pending', attempts = 0, barred = 0, since = $2, next_at = $2, ended_at = NULL, last_error = NULL
               WHERE id = $1 AND state = 'dead'";
    LIST_DEAD = concat!("SELECT ", columns!(), " FROM outbox WHERE state = 'dead' AND (ended_at, id) < ($1, $2)
            ORDER BY ended_at DESC, id DESC LIMIT $3");
    FIND = concat!("SELECT ", columns!(), " FROM outbox WHERE id = $1");
    LAG = "SELECT COUNT(*), MIN(created_at) FROM outbox WHERE state = 'pending'";
    WAITING = "SELECT channel, COUNT(*) AS count, MIN(since) AS since FROM outbox
                WHERE state = 'pending' GROUP BY channel ORDER BY channel";
    FORGET = "DELETE FROM outbox WHERE id IN (
                SELECT id FROM outbox WHERE state <> 'pending' AND ended_at < $1
                   AND (state = 'sent' OR ended_at < $2) ORDER BY ended_at LIMIT 500)";
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
    /// Since when it is tried: when it was written, or queued again after it was given up.
    pub since: i64,
    /// `pending`, `sent` or `dead`.
    pub state: String,
    /// How often it was tried. It grows with each try, and so tells a try from those before it.
    pub attempts: i64,
    /// How often its receiver barred it: see `notify::Outcome::Barred`.
    pub barred: i64,
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

/// Takes up to 5 effects of a channel that may be tried now; nobody else takes them until `until`.
pub async fn take(tx: &mut Tx, channel: &str, until: Time) -> Result<Vec<Row>, Fault> {
    let now = tx.now();
    let mut rows: Vec<Row> = tx.all(TAKE, &[Text(channel), Int(now.0), Int(until.0)]).await?;
    rows.sort_by(|a, b| (a.barred, a.since, &a.id).cmp(&(b.barred, b.since, &b.id)));
    Ok(rows)
}

/// Takes one effect, though its channel rest; none when somebody has it, or it has ended.
pub async fn take_one(tx: &mut Tx, id: &str, until: Time) -> Result<Option<Row>, Fault> {
    let now = tx.now();
    tx.one(TAKE_ONE, &[Text(id), Int(now.0), Int(until.0)]).await
}

/// Begins a try of an effect that was taken, and keeps others away until `until`; none when it is another's by now.
/// The row that it gives stands for this try.
pub async fn begin_try(tx: &mut Tx, row: &Row, until: Time) -> Result<Option<Row>, Fault> {
    let begun = tx.run(TRY, &[Text(&row.id), Int(row.attempts), Int(until.0)]).await? == 1;
    Ok(begun.then(|| Row { attempts: row.attempts + 1, next_at: until.0, ..row.clone() }))
}

/// Says that an effect happened.
pub async fn sent(tx: &mut Tx, id: &str) -> Result<(), Fault> {
    let now = tx.now();
    tx.run(SENT, &[Text(id), Int(now.0)]).await.map(drop)
}

/// Says that an effect must be tried again, unless it has been since.
pub async fn later(tx: &mut Tx, tried: &Row, at: Time, why: &str) -> Result<(), Fault> {
    tx.run(LATER, &[Text(&tried.id), Int(tried.attempts), Int(at.0), Text(why)]).await.map(drop)
}

/// As [`later`], for an effect that its receiver barred: from now on it goes behind those that were not.
pub async fn bar(tx: &mut Tx, tried: &Row, at: Time, why: &str) -> Result<(), Fault> {
    tx.run(BAR, &[Text(&tried.id), Int(tried.attempts), Int(at.0), Text(why)]).await.map(drop)
}

/// Gives back an effect that was taken and not tried, for another time.
pub async fn untried(tx: &mut Tx, taken: &Row, at: Time) -> Result<(), Fault> {
    tx.run(UNTRIED, &[Text(&taken.id), Int(taken.attempts), Int(at.0)]).await.map(drop)
}

/// Lets what would wait beyond `then` for a channel be tried now.
pub async fn recall(tx: &mut Tx, channel: &str, then: Time) -> Result<(), Fault> {
    let now = tx.now();
    tx.run(RECALL, &[Text(channel), Int(now.0), Int(then.0)]).await.map(drop)
}

/// Whether anything has arrived on a channel at `then` or since.
pub async fn arrived(tx: &mut Tx, channel: &str, then: Time) -> Result<bool, Fault> {
    Ok(tx.one::<(String,)>(ARRIVED, &[Text(channel), Int(then.0)]).await?.is_some())
}

/// Gives an effect up, unless it has been tried again since.
pub async fn dead(tx: &mut Tx, tried: &Row, why: &str) -> Result<(), Fault> {
    let now = tx.now();
    tx.run(DEAD, &[Text(&tried.id), Int(tried.attempts), Int(now.0), Text(why)]).await.map(drop)
}

/// Gives up what waits for a channel since `then` or before, and is in nobody's hands; returns how many.
pub async fn strand(tx: &mut Tx, channel: &str, then: Time, why: &str) -> Result<u64, Fault> {
    let now = tx.now();
    tx.run(STRAND, &[Text(channel), Int(now.0), Int(then.0), Text(why)]).await
}

/// Queues an effect that was given up as if it were written now; false when there is no such one.
pub async fn revive(tx: &mut Tx, id: &str) -> Result<bool, Fault> {
    let now = tx.now();
    Ok(tx.run(REVIVE, &[Text(id), Int(now.0)]).await? == 1)
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

/// What waits for one channel.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Waiting {
    /// The channel.
    pub channel: String,
    /// How many effects.
    pub count: i64,
    /// Since when the oldest is tried.
    pub since: i64,
}

/// What waits, by channel.
pub async fn waiting(tx: &mut Tx) -> Result<Vec<Waiting>, Fault> {
    tx.all(WAITING, &[]).await
}

/// Forgets up to 500 effects that ended before `then`, and of those given up only what was before `given_up`; returns
/// how many.
pub async fn forget(tx: &mut Tx, then: Time, given_up: Time) -> Result<u64, Fault> {
    tx.run(FORGET, &[Int(then.0), Int(given_up.0)]).await
}
