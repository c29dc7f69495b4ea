//! `locks`: who holds what. A lock's handle is a secret of its holder and is not shown.

use clap::{Args, Subcommand};
use domain::lock::Lock;
use plane::page::{Ask, LIMIT_MAX};
use serde_json::{Value, json};

use crate::cli::ListArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::{Answer, moment};

/// Locks.
#[derive(Debug, Subcommand)]
pub(crate) enum Locks {
    /// List live locks by expiry
    #[command(visible_alias = "ls")]
    List(List),
    /// Show one lock
    Show {
        /// What is locked
        key: String,
    },
    /// Take a lock away from its holder
    Break {
        /// What is locked
        key: String,
    },
}

/// List live locks.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only keys that begin so, letter for letter
    #[arg(long)]
    prefix: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

impl Locks {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        match self {
            Self::List(List { prefix, list }) => {
                let Session { plane, call } = Session::open(config, "cli locks list", Missing::Refuse).await?;
                let page = plane.list_locks(&call, prefix.as_deref(), &list.ask()?).await?;
                let columns = ["key", "holder", "principal", "token", "acquired", "expires"];
                Ok(Answer::page("locks", &columns, &page, document, row))
            }
            Self::Show { key } => {
                let session = Session::open(config, "cli locks show", Missing::Refuse).await?;
                Ok(shown(&find(&session, &key).await?))
            }
            Self::Break { key } => {
                let Session { plane, call } = Session::open(config, "cli locks break", Missing::Refuse).await?;
                let lock = plane.break_lock(&call, &key).await?;
                let text = format!("took {} away from {} ({})", lock.key, lock.holder, lock.principal);
                Ok(Answer::new(json!({"broken": document(&lock)}), text))
            }
        }
    }
}

/// The live lock of a key: keys that begin with it are looked through, because the plane lists by prefix only.
async fn find(session: &Session, key: &str) -> Result<Lock, Failure> {
    let mut ask = Ask::new(Some(LIMIT_MAX), None)?;
    loop {
        let page = session.plane.list_locks(&session.call, Some(key), &ask).await?;
        if let Some(lock) = page.items.into_iter().find(|lock| lock.key == key) {
            return Ok(lock);
        }
        let Some(cursor) = page.cursor else {
            return Err(Failure::not_found(format!("nobody holds {key}")).hint("see gapwright locks list"));
        };
        ask = Ask::new(Some(LIMIT_MAX), Some(&cursor))?;
    }
}

fn shown(lock: &Lock) -> Answer {
    let fields = [
        ("key", lock.key.clone()),
        ("holder", lock.holder.clone()),
        ("principal", lock.principal.clone()),
        ("fencing token", lock.fencing_token.to_string()),
        ("acquired", lock.acquired_at.iso()),
        ("expires", lock.expires_at.iso()),
    ];
    Answer::thing(document(lock), &fields)
}

fn document(lock: &Lock) -> Value {
    json!({
        "key": lock.key,
        "holder": lock.holder,
        "principal": lock.principal,
        "fencing_token": lock.fencing_token,
        "acquired_at": lock.acquired_at.iso(),
        "expires_at": lock.expires_at.iso(),
    })
}

fn row(lock: &Lock) -> Vec<String> {
    vec![
        lock.key.clone(),
        lock.holder.clone(),
        lock.principal.clone(),
        lock.fencing_token.to_string(),
        moment(Some(lock.acquired_at)),
        moment(Some(lock.expires_at)),
    ]
}
