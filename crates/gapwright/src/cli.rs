//! The command line as it is written; what each command does is in `command`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::command::{
    audit, budget, calibrate, completions, config, dead_letters, decisions, demo, gaps, gate, issues, jobs, kinds,
    level, locks, man, mcp, migrate, notify, outcomes, pulls, routines, runs, schedules, serve, switch, token, work,
};
use crate::config::Flags;

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed
  2    the command line or a setting makes no sense
  3    what was named does not exist
  4    not known, or not allowed
  5    held by somebody else, it exists already, or it stands in a state in which that cannot be
  75   try later
  130  stopped before it could end in order

Settings come from flags, then GAPWRIGHT__SECTION__KEY, then one file (./gapwright.toml,
/etc/gapwright/config.toml or ~/.config/gapwright/config.toml), then the defaults, which
`gapwright config default` prints with an explanation of each.";

/// A build with bugs on purpose says so.
const VERSION: &str = if cfg!(feature = "seeded-bugs") {
    concat!(env!("CARGO_PKG_VERSION"), "+seeded-bugs")
} else {
    env!("CARGO_PKG_VERSION")
};

/// Over the flags that every command has.
const EVERYWHERE: &str = "Options of every command";

/// A coordination plane for coding agents: locks, jobs, gaps and notices over MCP.
#[derive(Debug, Parser)]
#[command(name = "gapwright", version = VERSION, after_help = EXIT_CODES, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Read settings from this file, and no other
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FILE", env = "GAPWRIGHT_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// The database: a path of SQLite's, sqlite:PATH, or an address of Postgres without a password
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "PATH|URL")]
    database: Option<String>,
    /// Answer with one JSON document on standard output, also on failure
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) json: bool,
}

impl Global {
    /// What the command line says about the settings.
    pub(crate) fn flags(&self) -> Flags {
        Flags { file: self.config.clone(), database: self.database.clone(), ..Flags::default() }
    }
}

/// Which part of a list is asked for.
#[derive(Debug, Default, Args)]
pub(crate) struct ListArgs {
    /// How many, 1 to 200
    #[arg(long, value_name = "N", value_parser = limit)]
    limit: Option<i64>,
    /// Go on where the list before ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

fn limit(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "write a whole number from 1 to 200".to_owned())
}

impl ListArgs {
    /// The same, checked.
    pub(crate) fn ask(&self) -> Result<plane::page::Ask, domain::refusal::Refusal> {
        plane::page::Ask::new(self.limit, self.cursor.as_deref())
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole of it on this machine: a routine fails, agents close the gap, you merge, it works
    #[command(after_help = demo::AFTER_HELP)]
    Demo(demo::Demo),
    /// Play an agent of the demonstration
    #[command(hide = true)]
    DemoAgent(demo::DemoAgent),
    /// Serve MCP over HTTP, and do what is due
    Serve(serve::Serve),
    /// Check settings, database, server, catalogue, jobs and audit, and say what is wrong
    Doctor,
    /// Bring the database's schema up to date
    Migrate(migrate::Migrate),
    /// Make, list and revoke the tokens by which callers are known
    #[command(subcommand)]
    Token(token::Token),
    /// Routine jobs: work that agents claim
    #[command(subcommand)]
    Jobs(jobs::Jobs),
    /// Locks that agents hold
    #[command(subcommand)]
    Locks(locks::Locks),
    /// How claims of routine jobs ended
    #[command(subcommand)]
    Runs(runs::Runs),
    /// What agents lack, by rank
    #[command(subcommand)]
    Gaps(gaps::Gaps),
    /// What this installation does by itself, and the gate to the level above
    Level(level::Level),
    /// Merging by itself: what has been shown, what is missing, and why a pull request does or does not
    #[command(subcommand)]
    Gate(gate::Gate),
    /// Reviewers: try one on changes whose defects are known, and tell what is known of each
    #[command(subcommand)]
    Calibrate(calibrate::Calibrate),
    /// What became of pull requests, by kind of gap, and what the implementer misses
    Outcomes(outcomes::Outcomes),
    /// The shapes of payloads, by kind of job
    Kinds(kinds::Kinds),
    /// Issues of the local forge
    #[command(subcommand)]
    Issues(issues::Issues),
    /// Pull requests by which agents close gaps
    #[command(subcommand)]
    Pulls(pulls::Pulls),
    /// What agents ask people
    #[command(subcommand)]
    Decisions(decisions::Decisions),
    /// Kill switches: everything, a kind of job, or a repository
    #[command(subcommand)]
    Switch(switch::Switch),
    /// Claim jobs of the pipeline and let an agent's command line work on them
    #[command(after_help = work::AFTER_HELP)]
    Work(work::Work),
    /// Show what is booked today, by stage and by pull request, and what is left
    Budget(budget::Budget),
    /// Scheduled jobs: work of the server's own
    #[command(subcommand)]
    Schedules(schedules::Schedules),
    /// Routines that check in
    #[command(subcommand)]
    Routines(routines::Routines),
    /// List what gave up: messages, routine jobs, scheduled runs and what was to be made on the forge
    DeadLetters(dead_letters::DeadLetters),
    /// Messages to channels
    #[command(subcommand)]
    Notify(notify::Notify),
    /// The journal of every write
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Serve MCP to one client over standard input and output
    #[command(after_help = mcp::AFTER_HELP)]
    Mcp,
    /// The settings, and where they come from
    #[command(subcommand)]
    Config(config::Settings),
    /// Print completions for a shell
    Completions(completions::Completions),
    /// Print a manual page
    Man(man::Man),
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::CommandFactory as _;

    use super::*;

    /// What stands for something in a command that is shown, and something that may stand there.
    const PLACES: [(&str, &str); 6] = [
        ("NAME", "name"),
        ("KIND", "kind"),
        ("STRATUM", "5f3a"),
        ("TEXT", "there-is-a-reason"),
        ("NUMBER", "1"),
        ("{}", "1"),
    ];

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        files.into_iter().chain(folders.iter().flat_map(|folder| sources(folder))).collect()
    }

    #[test]
    fn every_command_that_a_page_shows_can_be_typed() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/src/web");
        let mut seen = 0;
        for file in sources(&pages).iter().filter(|file| file.extension().is_some_and(|end| end == "rs")) {
            let text = std::fs::read_to_string(file).expect("a source");
            for shown in text.split('"').filter_map(|part| part.split_once("gapwright ")).map(|(_, rest)| rest) {
                let first = shown.split(' ').next().unwrap_or_default();
                // A word of a sentence is no command.
                if !Cli::command().get_subcommands().any(|known| known.get_name() == first) {
                    continue;
                }
                let words = shown
                    .split_whitespace()
                    .map(|word| PLACES.iter().find(|(place, _)| *place == word).map_or(word, |(_, instead)| instead));
                let read = Cli::try_parse_from(std::iter::once("gapwright").chain(words));
                assert!(
                    read.is_ok(),
                    "{}: gapwright {shown}: {}",
                    file.display(),
                    read.err().map_or_else(String::new, |no| no.to_string())
                );
                seen += 1;
            }
        }
        assert!(seen > 20, "only {seen} commands are shown");
    }
}
