//! `audit`: the journal of every write, and the proof that nobody changed it.

use clap::Subcommand;
use domain::time::Time;
use plane::page::{Ask, LIMIT_MAX};
use serde_json::{Value, json};
use store::journal::Row;

use crate::cli::ListArgs;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::session::{Missing, Session};
use crate::show::{self, Answer, GREEN, RED, moment};

/// The journal.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// List entries, the latest first
    Tail(ListArgs),
    /// Recompute every hash from the first block on; exits 1 when one does not hold
    Verify {
        /// A head that an earlier run printed and that you kept elsewhere: it must still be in the chain
        #[arg(long, value_name = "HEAD")]
        kept: Option<String>,
    },
    /// Print every entry as a line of JSON, the oldest first
    Export,
}

impl Audit {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        match self {
            Self::Tail(list) => {
                let Session { plane, call } = Session::open(config, "cli audit tail", Missing::Refuse).await?;
                let page = plane.tail_journal(&call, &list.ask()?).await?;
                let columns = ["at", "principal", "role", "tool", "object", "after"];
                Ok(Answer::page("entries", &columns, &page, document, row))
            }
            Self::Verify { kept } => verify(config, kept.as_deref()).await,
            Self::Export => Err(Failure::new("an export is printed as it is read")),
        }
    }
}

async fn verify(config: &Config, kept: Option<&str>) -> Result<Answer, Failure> {
    let Session { plane, call } = Session::open(config, "cli audit verify", Missing::Refuse).await?;
    let found = plane.verify_journal(&call, kept).await?;
    let counted = format!(
        "{} in {}, {} not sealed yet\nhead {}",
        show::count(found.entries, "entry"),
        show::count(found.blocks, "block"),
        found.unsealed,
        found.head
    );
    let document = json!({
        "ok": found.faults.is_empty(), "blocks": found.blocks, "entries": found.entries, "unsealed": found.unsealed,
        "head": found.head, "faults": found.faults,
    });
    if found.faults.is_empty() {
        return Ok(Answer::new(document, format!("{GREEN}the journal holds{GREEN:#}: {counted}")));
    }
    let faults: Vec<_> = found.faults.iter().map(|fault| format!("  {}", show::clean(fault))).collect();
    let text = format!("{RED}the journal does not hold{RED:#}:\n{}\n{counted}", faults.join("\n"));
    Ok(Answer { exit: Exit::Failure, ..Answer::new(document, text) })
}

/// Prints the whole journal, page by page, so that its size does not matter.
pub(crate) async fn export(config: &Config) -> Result<Exit, Failure> {
    let Session { plane, call } = Session::open(config, "cli audit export", Missing::Refuse).await?;
    let mut ask = Ask::new(Some(LIMIT_MAX), None)?;
    loop {
        let page = plane.export_journal(&call, &ask).await?;
        let lines: String = page.items.iter().flat_map(|row| [exported(row).to_string(), "\n".to_owned()]).collect();
        if !show::raw(&lines) {
            return Ok(Exit::Ok);
        }
        let Some(cursor) = page.cursor else { return Ok(Exit::Ok) };
        ask = Ask::new(Some(LIMIT_MAX), Some(&cursor))?;
    }
}

/// An entry with its hash and block, so that the chain can be checked without us.
fn exported(row: &Row) -> Value {
    let mut entry = document(row);
    entry["at_ms"] = json!(row.at);
    entry["before"] = json!(row.before);
    entry["after"] = json!(row.after);
    entry
}

/// What an entry keeps as JSON is shown as JSON.
fn document(row: &Row) -> Value {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    json!({
        "id": row.id,
        "at": Time(row.at).iso(),
        "principal": row.principal,
        "role": row.role,
        "tool": row.tool,
        "object": row.object,
        "before": read(&row.before),
        "after": read(&row.after),
        "request_id": row.request_id,
        "hash": row.hash,
        "block": row.block,
    })
}

fn row(row: &Row) -> Vec<String> {
    vec![
        moment(Some(Time(row.at))),
        row.principal.clone(),
        row.role.clone(),
        row.tool.clone(),
        row.object.clone(),
        row.after.clone(),
    ]
}
