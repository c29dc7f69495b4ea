//! Pull requests as people look at them: what waits for a person, and how many stand how.

use domain::pull::State;

use super::{Row, Stored};
use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

statements! {
    // The index is read from its end: those that have waited longest first.
    WAITING = concat!("SELECT ", columns!(), " FROM pull WHERE state = $1 AND hold IS NULL ORDER BY changed_at, id DESC LIMIT $2");
    NEWEST = concat!("SELECT ", columns!(), " FROM pull WHERE id IN (
                SELECT id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY state ORDER BY changed_at DESC, id) AS nth
                                  FROM pull WHERE live = 1) AS placed
                 WHERE nth <= $1)
              ORDER BY changed_at DESC, id");
    COUNT = "SELECT state, COUNT(*) FROM pull WHERE live = 1 GROUP BY state";
}

/// Those in a state that nothing holds, the one that has stood so longest first.
pub async fn waiting(tx: &mut Tx, state: State, limit: i64) -> Result<Vec<Stored>, Fault> {
    read(tx.all(WAITING, &[Text(state.name()), Int(limit)]).await?)
}

/// Those under way that changed last, so many of each state, the last first.
pub async fn newest(tx: &mut Tx, limit: i64) -> Result<Vec<Stored>, Fault> {
    read(tx.all(NEWEST, &[Int(limit)]).await?)
}

/// How many of those under way stand how.
pub async fn count(tx: &mut Tx) -> Result<Vec<(State, i64)>, Fault> {
    let rows: Vec<(String, i64)> = tx.all(COUNT, &[]).await?;
    let read = |(name, count): (String, i64)| {
        let state = State::ALL.into_iter().find(|state| state.name() == name);
        let corrupt = || Fault::Corrupt { table: "pull", column: "state", id: name.clone() };
        Ok((state.ok_or_else(corrupt)?, count))
    };
    rows.into_iter().map(read).collect()
}

fn read(rows: Vec<Row>) -> Result<Vec<Stored>, Fault> {
    rows.into_iter().map(Stored::try_from).collect()
}
