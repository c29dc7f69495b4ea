//! `config`: the settings as they are, and the manual of what they may be.

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::config::{Config, MANUAL};
use crate::show::{self, Answer};

/// The settings.
#[derive(Debug, Subcommand)]
pub(crate) enum Settings {
    /// Show every setting that has a value; secrets are left out
    Show {
        /// Show where each came from as well
        #[arg(long)]
        origin: bool,
    },
    /// Print the defaults, which are the manual of every key
    Default,
}

/// The manual, as a file to start from; it needs no settings.
pub(crate) fn manual() -> Answer {
    Answer::new(json!({"manual": MANUAL}), MANUAL.trim_end())
}

impl Settings {
    pub(crate) fn run(self, config: &Config) -> Answer {
        match self {
            Self::Default => manual(),
            Self::Show { origin: false } => plain(config),
            Self::Show { origin: true } => with_origins(config),
        }
    }
}

/// Lines that could stand in a configuration file.
fn plain(config: &Config) -> Answer {
    let mut document = Map::new();
    let mut lines = Vec::new();
    for leaf in &config.leaves {
        document.insert(leaf.key(), leaf.shown());
        lines.push(format!("{} = {}", leaf.key(), show::clean(&leaf.shown().to_string())));
    }
    Answer::new(Value::Object(document), lines.join("\n"))
}

fn with_origins(config: &Config) -> Answer {
    let row = |leaf: &crate::config::Leaf| vec![leaf.key(), leaf.shown().to_string(), leaf.origin.to_string()];
    let text = show::table(&["key", "value", "origin"], config.leaves.iter().map(row));
    let document = config
        .leaves
        .iter()
        .map(|leaf| (leaf.key(), json!({"value": leaf.shown(), "origin": leaf.origin.to_string()})))
        .collect();
    Answer::new(Value::Object(document), text)
}
