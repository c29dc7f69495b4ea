//! A command line that asks for help or makes no sense: for people as clap words it, for programs as one document.

use clap::error::ErrorKind;

use crate::failure::{Exit, Failure};
use crate::show::{self, Format};

/// Prints help, the version, or what is wrong with the command line.
pub(crate) fn tell(error: &clap::Error) -> Exit {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    // Where the line cannot be read, the flag is looked for by hand: a program that asked for JSON gets JSON.
    if !asked && std::env::args_os().any(|arg| arg == "--json") {
        show::failure(&failure(error.kind(), &error.to_string()), Format::Json);
    } else {
        // Nobody reads it: nothing is lost.
        let _ = error.print();
    }
    if asked { Exit::Ok } else { Exit::Usage }
}

/// What clap says in several lines: what is wrong in the first paragraph, then a tip perhaps, and the usage.
fn failure(kind: ErrorKind, text: &str) -> Failure {
    let what = if kind == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        "a command is missing".to_owned()
    } else {
        first_paragraph(text)
    };
    let line = |start: &str| text.lines().find_map(|line| line.trim_start().strip_prefix(start));
    let hint = match (line("tip: "), line("Usage: ")) {
        (Some(tip), _) => tip.to_owned(),
        (None, Some(usage)) => format!("write {usage}"),
        (None, None) => "see gapwright --help".to_owned(),
    };
    Failure::usage(what).hint(hint)
}

/// The first paragraph as one line: what it announces stands in lines of its own.
fn first_paragraph(text: &str) -> String {
    let mut lines = text.trim_start_matches("error: ").lines().take_while(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default().to_owned();
    let named: Vec<_> = lines.map(str::trim).collect();
    if named.is_empty() { first } else { format!("{first} {}", named.join(", ")) }
}
