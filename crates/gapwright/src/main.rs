//! The program: reads the command line and the settings, runs one command, prints its answer once.
//!
//! Everything that is done is done by the crates below; here it is started, asked and shown.

mod cli;
mod command;
mod config;
mod failure;
mod logs;
mod misread;
mod session;
mod show;
mod span;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use cli::Cli;
use failure::{Exit, Failure};
use show::Format;

fn main() -> ExitCode {
    ::notify::install_tls();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(misread::tell(&error).number()),
    };
    let format = if cli.global.json { Format::Json } else { Format::Text };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            show::failure(&Failure::new("cannot start").why(error.to_string()), format);
            return ExitCode::from(Exit::Failure.number());
        }
    };
    let ended = runtime.block_on(command::run(cli, format));
    // What still runs was told to end and had its time; a read of standard input would never end.
    runtime.shutdown_timeout(Duration::ZERO);
    let exit = match ended {
        Ok(exit) => exit,
        Err(failure) => {
            show::failure(&failure, format);
            failure.exit
        }
    };
    ExitCode::from(exit.number())
}
