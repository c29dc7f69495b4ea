//! The log: on standard error, as JSON for programs or as text for people.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Config, Origin};

/// What a command logs unless the level is set: what needs attention, and messages to the channel `log`.
const QUIET: &str = "warn,notify::log=info";

/// How much is logged when nobody says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    /// As configured: a server's log.
    Server,
    /// As little as a command line wants.
    Command,
}

/// Starts logging.
pub(crate) fn start(config: &Config, talk: Talk) {
    let level = match talk {
        Talk::Command if config.origin(&["log", "level"]) == Origin::Default => QUIET,
        Talk::Server | Talk::Command => &config.sections.log.level,
    };
    // Postgres notes at every start that the table of migrations exists, and the MCP library each call's beginning and
    // end; neither is news.
    let filter = EnvFilter::new(format!("sqlx::postgres::notice=warn,rmcp=warn,{level}"));
    let terminal = io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match config.sections.log.format.as_str() {
        "json" => builder.json().flatten_event(true).with_span_list(false).finish().try_init(),
        "auto" if !terminal => builder.json().flatten_event(true).with_span_list(false).finish().try_init(),
        _ => builder.with_ansi(terminal && crate::config::variable("NO_COLOR").is_none()).finish().try_init(),
    };
    // Fails only when a subscriber is there already, which then does the work.
    drop(started);
}
