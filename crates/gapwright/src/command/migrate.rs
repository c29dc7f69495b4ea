//! `migrate`: the schema, brought up to date or looked at.

use clap::Args;
use serde_json::json;

use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::session::{self, Missing};
use crate::show::Answer;

/// Bring the database's schema up to date.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Only say how it stands: exits 1 while something is to be done
    #[arg(long)]
    status: bool,
}

impl Migrate {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        let missing = if self.status { Missing::Refuse } else { Missing::Make };
        let store = session::open(config, missing).await?;
        let before = store.schema().await?.last().copied().unwrap_or(0);
        let newest = store::schema_version();
        if before > newest {
            return Err(store::Fault::NewerSchema(before).into());
        }
        if !self.status {
            store.migrate().await?;
        }
        let document =
            json!({"before": before, "version": if self.status { before } else { newest }, "newest": newest});
        let (text, exit) = match (before == newest, self.status) {
            (true, _) => (format!("the schema is up to date, at version {newest}"), Exit::Ok),
            (false, true) => (format!("the schema has version {before}; {newest} is to come"), Exit::Failure),
            (false, false) => (format!("migrated from version {before} to {newest}"), Exit::Ok),
        };
        Ok(Answer { exit, ..Answer::new(document, text) })
    }
}
