//! Which channels are left in peace, as rows: one for each channel on which nothing has arrived since a try failed.

use domain::time::Time;

use crate::Arg::{Int, Text};
use crate::outbox::Row;
use crate::{Fault, Tx};

statements! {
    // Of two words on how long, the longer one holds.
    PUT = "INSERT INTO channel_rest (channel, until, tried, why) VALUES ($1, $2, $3, $4)
           ON CONFLICT (channel) DO UPDATE SET until = excluded.until, tried = excluded.tried, why = excluded.why
            WHERE channel_rest.until <= excluded.until";
    FIND = "SELECT until, tried, why FROM channel_rest WHERE channel = $1";
    OVER = "DELETE FROM channel_rest WHERE channel = $1 AND until <= $2";
    END = "DELETE FROM channel_rest WHERE channel = $1";
}

/// The rest of one channel.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Rest {
    /// Until when nothing is tried, in Unix milliseconds. One that is over says that nothing has arrived since.
    pub until: i64,
    /// The id of the message whose try failed.
    pub tried: String,
    /// Why the last try failed.
    pub why: String,
}

/// Leaves a message's channel in peace until `until`, or as long as it is left already, because a try has failed.
pub async fn put(tx: &mut Tx, tried: &Row, until: Time, why: &str) -> Result<(), Fault> {
    tx.run(PUT, &[Text(&tried.channel), Int(until.0), Text(&tried.id), Text(why)]).await.map(drop)
}

/// A channel's rest, be it over or not; none when the last thing that is known of it is that something arrived.
pub async fn find(tx: &mut Tx, channel: &str) -> Result<Option<Rest>, Fault> {
    tx.one(FIND, &[Text(channel)]).await
}

/// Says that something arrived. A rest that is not over stays: another try's answer may have asked for it.
pub async fn over(tx: &mut Tx, channel: &str) -> Result<(), Fault> {
    let now = tx.now();
    tx.run(OVER, &[Text(channel), Int(now.0)]).await.map(drop)
}

/// Ends a rest before its time.
pub async fn end(tx: &mut Tx, channel: &str) -> Result<(), Fault> {
    tx.run(END, &[Text(channel)]).await.map(drop)
}
