//! `man`: a manual page in roff, of the program or of one of its commands.

use clap::{Args, CommandFactory as _};

use crate::cli::Cli;
use crate::failure::{Exit, Failure};
use crate::show;

/// Print a manual page.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The command whose page it is, such as jobs add; the whole program's without
    command: Vec<String>,
}

impl Man {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let mut page = Cli::command();
        page.build();
        for word in &self.command {
            let found = page.find_subcommand(word).cloned();
            page = found.ok_or_else(|| {
                Failure::not_found(format!("there is no command {word}")).hint("gapwright --help lists them")
            })?;
        }
        let name = page.get_bin_name().unwrap_or("gapwright").replace(' ', "-");
        let mut text = Vec::new();
        clap_mangen::Man::new(page)
            .title(name)
            .render(&mut text)
            .map_err(|error| Failure::new("cannot write the page").why(error.to_string()))?;
        // The generator's own name for what stands below the options is no section that a reader of manuals knows.
        show::raw(&String::from_utf8_lossy(&text).replace(".SH EXTRA", ".SH NOTES"));
        Ok(Exit::Ok)
    }
}
