//! When what goes out at a pace went out in the last hour, whichever replica sent it.

use domain::pace::{Pace, Turn};
use domain::time::{Span, Time};

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

statements! {
    BEFORE = "SELECT at FROM lane_turn WHERE lane = $1 ORDER BY at DESC LIMIT $2";
    ADD = "INSERT INTO lane_turn (lane, at) VALUES ($1, $2)";
    FORGET = "DELETE FROM lane_turn WHERE lane = $1 AND (at <= $2 OR at > $3)";
}

/// Takes the next place in a lane that its pace allows, if that is within `patience`; and the store's moment. Nobody else
/// is given the same place.
pub async fn take(tx: &mut Tx, lane: &str, pace: &Pace, patience: Span) -> Result<(Turn, Time), Fault> {
    // One at a time, so that no two see the same places taken.
    crate::fence::load(tx, lane).await?;
    let now = tx.now();
    // Nor does a place count that a clock gave which was far ahead.
    let (past, ahead) = (Pace::forgotten(now), now + Span::hours(1));
    tx.run(FORGET, &[Text(lane), Int(past.0), Int(ahead.0)]).await?;
    let most = i64::try_from(pace.per_hour.max(pace.per_minute).max(1)).unwrap_or(i64::MAX);
    let rows: Vec<(i64,)> = tx.all(BEFORE, &[Text(lane), Int(most)]).await?;
    let before: Vec<_> = rows.into_iter().rev().map(|(at,)| Time(at)).collect();
    let turn = pace.turn(&before, now, patience);
    if let Turn::At(at) = turn {
        tx.run(ADD, &[Text(lane), Int(at.0)]).await?;
    }
    Ok((turn, now))
}
