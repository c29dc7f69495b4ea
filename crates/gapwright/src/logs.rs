//! The log: on standard error, as JSON for programs or as text for people.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Config, Origin};

/// What a command logs unless the level is set: what needs attention, and messages to the channel `log`.
const QUIET: &str = "warn,notify::log=info";

/// What is logged of a server that is thrown away again: failures, and not that a caller of its own hung up while it ended.
const FAILURES: &str = "error,rmcp=off";

/// The crates of this program.
const OURS: [&str; 9] = ["alerts", "domain", "forge", "gapwright", "notify", "plane", "runner", "server", "store"];

/// How much is logged when nobody says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    /// As configured: a server's log.
    Server,
    /// As little as a command line wants.
    Command,
    /// Nothing but failures: what a server says that is thrown away again, and whom it tells, is nobody's news.
    Failures,
}

/// Starts logging.
pub(crate) fn start(config: &Config, talk: Talk) {
    let level = match talk {
        Talk::Command if config.origin(&["log", "level"]) == Origin::Default => QUIET,
        Talk::Failures if config.origin(&["log", "level"]) == Origin::Default => FAILURES,
        Talk::Server | Talk::Command | Talk::Failures => &config.sections.log.level,
    };
    let filter = EnvFilter::new(directives(level));
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

/// What a level means crate by crate: ours log at it; the others, whose news is not ours and who may write whole
/// requests into the log, say at most what needs attention. Whoever names one of them gets what he asks for.
fn directives(level: &str) -> String {
    let told = |directive: &str| match directive.trim().parse::<LevelFilter>() {
        Ok(level) => {
            let own = OURS.map(|name| format!(",{name}={level}")).concat();
            format!("{}{own}", level.min(LevelFilter::WARN))
        }
        Err(_) => directive.to_owned(),
    };
    level.split(',').map(told).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_crates_warn_at_most_and_never_say_more_than_ours() {
        for (level, other) in [("trace", "warn"), ("info", "warn"), ("error", "error"), ("off", "off")] {
            let told = directives(level);
            assert!(told.starts_with(&format!("{other},")), "{level}: {told}");
            assert!(told.contains(&format!(",server={level}")), "{level}: {told}");
        }
        assert_eq!(directives("rmcp=debug"), "rmcp=debug");
        assert!(directives("info,store=debug").ends_with(",store=debug"));
        assert!(directives(FAILURES).starts_with("error,") && directives(FAILURES).ends_with(",rmcp=off"));
        for level in [QUIET, FAILURES, "info,store=debug", "WARN"] {
            assert!(EnvFilter::try_new(directives(level)).is_ok(), "{level}");
        }
    }

    #[test]
    fn every_crate_of_ours_is_known_as_such() {
        let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut folders: Vec<_> = std::fs::read_dir(crates)
            .expect("the crates")
            .map(|folder| folder.expect("a folder").file_name().into_string().expect("a name"))
            .filter(|name| name != "harness")
            .collect();
        folders.sort();
        assert_eq!(folders, OURS);
    }
}
