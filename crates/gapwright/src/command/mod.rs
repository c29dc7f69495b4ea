//! The commands, a file per noun. Each gives its answer as data; it is printed in one place.

mod asked;
pub(crate) mod audit;
pub(crate) mod budget;
pub(crate) mod calibrate;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod dead_letters;
pub(crate) mod decisions;
pub(crate) mod demo;
pub(crate) mod doctor;
mod gap_shown;
pub(crate) mod gaps;
pub(crate) mod gate;
mod gate_shown;
mod hired;
mod house;
mod installation;
pub(crate) mod issues;
pub(crate) mod jobs;
pub(crate) mod kinds;
pub(crate) mod level;
pub(crate) mod locks;
pub(crate) mod man;
pub(crate) mod mcp;
pub(crate) mod migrate;
pub(crate) mod notify;
pub(crate) mod outcomes;
pub(crate) mod pull_acts;
mod pull_shown;
pub(crate) mod pulls;
pub(crate) mod routines;
pub(crate) mod runs;
pub(crate) mod schedules;
pub(crate) mod serve;
mod signals;
pub(crate) mod switch;
pub(crate) mod token;
pub(crate) mod work;

use crate::cli::{Cli, Command};
use crate::config::{Config, Flags, load};
use crate::failure::{Exit, Failure};
use crate::logs::{self, Talk};
use crate::show::{self, Answer, Format};

/// Runs a command to its end.
pub(crate) async fn run(cli: Cli, format: Format) -> Result<Exit, Failure> {
    let flags = cli.global.flags();
    let say = |answer: Answer| Ok(say(&answer, format));
    match cli.command {
        Command::Completions(command) => Ok(command.run()),
        Command::Man(command) => command.run(),
        Command::Config(config::Settings::Default) => say(config::manual()),
        Command::Serve(command) => serve::run(&start(&command.add_to(flags), Talk::Server)?, format).await,
        Command::Work(command) => Box::pin(command.run(&start(&flags, Talk::Command)?, format)).await,
        Command::Calibrate(command) => {
            let config = start(&flags, command.talk())?;
            say(Box::pin(command.run(&config)).await?)
        }
        Command::Demo(command) => Box::pin(command.run(format)).await,
        Command::DemoAgent(command) => Box::pin(command.run()).await,
        Command::Mcp => Box::pin(mcp::run(&start(&flags, Talk::Server)?)).await,
        Command::Audit(audit::Audit::Export) => audit::export(&start(&flags, Talk::Command)?).await,
        Command::Doctor => match start(&flags, Talk::Command) {
            Ok(config) => say(doctor::run(&config).await),
            Err(failure) => say(doctor::without_settings(&failure)),
        },
        Command::Migrate(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Token(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Jobs(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Locks(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Runs(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Gaps(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Level(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Gate(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Outcomes(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Kinds(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Issues(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Pulls(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Decisions(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Switch(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Budget(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Schedules(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Routines(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::DeadLetters(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Notify(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Audit(command) => say(command.run(&start(&flags, Talk::Command)?).await?),
        Command::Config(command) => say(command.run(&start(&flags, Talk::Command)?)),
    }
}

/// Reads the settings and starts the log by them.
fn start(flags: &Flags, talk: Talk) -> Result<Config, Failure> {
    let config = load(flags)?;
    logs::start(&config, talk);
    Ok(config)
}

fn say(answer: &Answer, format: Format) -> Exit {
    show::answer(answer, format);
    answer.exit
}
