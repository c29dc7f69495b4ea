//! The processes that serve this store, as rows that each refreshes.

use domain::time::Time;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

statements! {
    PUT = "INSERT INTO replica (id, handlers, watches, started_at, seen_at) VALUES ($1, $2, $3, $4, $4)
           ON CONFLICT (id) DO UPDATE
              SET handlers = excluded.handlers, watches = excluded.watches, seen_at = excluded.seen_at";
    LIVE = "SELECT id, handlers, watches, started_at, seen_at FROM replica
             WHERE seen_at >= $1 ORDER BY started_at, id LIMIT 1000";
    REMOVE = "DELETE FROM replica WHERE id = $1";
    FORGET = "DELETE FROM replica WHERE seen_at < $1";
}

/// A process as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Replica {
    /// Its id.
    pub id: String,
    /// The scheduled jobs that it rings, comma-separated.
    pub handlers: String,
    /// The Routines that it expects to check in: a JSON list of names.
    pub watches: String,
    /// When it began.
    pub started_at: i64,
    /// When it was last seen.
    pub seen_at: i64,
}

impl Replica {
    /// Whether it rings the scheduled job of this name.
    pub fn rings(&self, job: &str) -> bool {
        self.handlers.split(',').any(|handler| handler == job)
    }

    /// Whether it expects the Routine of this name to check in.
    pub fn watches(&self, routine: &str) -> bool {
        serde_json::from_str::<Vec<String>>(&self.watches).is_ok_and(|names| names.iter().any(|name| name == routine))
    }
}

/// Says that a process is alive, which scheduled jobs it rings and which Routines it expects.
pub async fn put(tx: &mut Tx, id: &str, rings: &[&str], watches: &[&str]) -> Result<(), Fault> {
    let now = tx.now();
    let watches = serde_json::json!(watches).to_string();
    tx.run(PUT, &[Text(id), Text(&rings.join(",")), Text(&watches), Int(now.0)]).await.map(drop)
}

/// The processes seen since `then`.
pub async fn live(tx: &mut Tx, then: Time) -> Result<Vec<Replica>, Fault> {
    tx.all(LIVE, &[Int(then.0)]).await
}

/// Takes a process off the list, because it ends.
pub async fn remove(tx: &mut Tx, id: &str) -> Result<(), Fault> {
    tx.run(REMOVE, &[Text(id)]).await.map(drop)
}

/// Forgets processes not seen since `then`; returns how many.
pub async fn forget(tx: &mut Tx, then: Time) -> Result<u64, Fault> {
    tx.run(FORGET, &[Int(then.0)]).await
}
