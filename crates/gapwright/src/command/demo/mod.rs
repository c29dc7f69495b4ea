//! `demo`: the whole of it on this machine, with the real server, real runners and a real git repository in a folder of its
//! own. The agents are scripts, and what they say to have used is made up. Nothing is asked of any network, no setting of this
//! machine is read, and nothing is left behind.

mod agent;
mod people;
mod project;
mod routine;
mod tell;
mod turns;

use clap::Args;
use domain::gap::State;
use tokio_util::sync::CancellationToken;

use self::project::{Keep, Project};
use self::routine::{GAP, Routine};
use self::tell::{Step, Teller, Tone};
use super::house::{self, House, YOU};
use super::{asked, signals};
use crate::failure::{Exit, Failure};
use crate::show::Format;

pub(crate) use self::agent::DemoAgent;
pub(super) use self::project::git;

/// What is to be known of this command beside its flags.
pub(crate) const AFTER_HELP: &str = "\
A nightly routine fails, for the project has no tool that lists deploys. It says so, and an issue
is opened. You let agents act on it: a planner, an implementer, a reviewer and a merger close it by
a pull request, which the reviewer sends back once. You merge it, and the routine works.

Everything happens in a folder of its own and on a free port of this machine, without an account,
a network or any setting of this machine. The agents are scripts, and their tokens and dollars are
made up; the server, the runners, git and every call over MCP are real. It takes some ten seconds.

Without a terminal and without --yes it stops where a person merges, and exits 0. With --page it
says where the control room is, and you read and merge there.";

/// Show the whole of it on this machine.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Merge without a question, as the person
    #[arg(long, conflicts_with = "page")]
    yes: bool,
    /// Do the person's part in a browser: it says where, waits for you to merge, and stays until it is stopped
    #[arg(long)]
    page: bool,
    /// Keep the folder, and say where it is
    #[arg(long)]
    keep: bool,
}

/// Whether the change may be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consent {
    Given,
    Ask,
    /// By the page.
    Page,
}

impl Demo {
    /// Shows it, and puts everything away, however it went.
    pub(crate) async fn run(self, format: Format) -> Result<Exit, Failure> {
        let (stop, now) = signals::watch()?;
        let keep = if self.keep { Keep::Yes } else { Keep::No };
        let consent = match (self.yes, self.page) {
            (true, _) => Consent::Given,
            (false, true) => Consent::Page,
            (false, false) => Consent::Ask,
        };
        let project = Project::new(keep)?;
        let teller = Teller::new(format);
        let showing = Box::pin(show(&project, consent, teller, stop));
        let shown = tokio::select! {
            shown = showing => shown,
            () = now.cancelled() => Ok(Exit::Interrupted),
        };
        if keep == Keep::Yes {
            told_where(&project, teller);
        }
        shown
    }
}

fn told_where(project: &Project, teller: Teller) {
    let (folder, settings) = (project.folder().display(), project.settings());
    teller.tell(
        &Step::new("kept", "gapwright", format!("the folder is kept: {folder}"))
            .more(&format!("look around: gapwright --config {} pulls show 2", settings.display())),
    );
}

/// Opens the house, plays, and closes it.
async fn show(project: &Project, consent: Consent, teller: Teller, stop: CancellationToken) -> Result<Exit, Failure> {
    teller.note("The server, the runners, git and every call are real; the agents are scripts, and what they cost is made up.\n");
    let house = House::open(&project.settings(), "demo", stop).await?;
    let commits = project.begin().await?;
    let what = format!("a git project with {commits} commits, on the local forge over SQLite, and a server for it");
    teller.tell(&Step::new("began", "gapwright", what).more(&house.url));
    let played = Box::pin(play(&house, project, consent, teller)).await;
    let ended = house.end().await;
    let exit = played?;
    ended?;
    Ok(exit)
}

async fn play(house: &House, project: &Project, consent: Consent, teller: Teller) -> Result<Exit, Failure> {
    if consent == Consent::Page {
        people::opens_the_door(house, teller).await?;
    }
    let routine = Routine::new(house).await?;
    routine.fails(project, teller).await?;
    people::raise(house, teller).await?;
    people::opt_in(house, teller).await?;
    let shown = turns::work(house, project, teller).await?;
    people::look(house, &shown, teller).await?;
    match people::consents(house, consent, teller).await? {
        Some(true) => {}
        Some(false) => {
            teller.tell(&Step::new("left", YOU, "does not merge it: nothing is merged, and the gap stays as it is"));
            return Ok(Exit::Ok);
        }
        None => {
            let next = "go on: gapwright demo --yes merges it as you, and gapwright demo on a terminal asks you";
            teller.tell(
                &Step::new("left", "gapwright", "stops here: people merge, and nobody is here to ask").more(next),
            );
            return Ok(Exit::Ok);
        }
    }
    if consent == Consent::Page {
        people::was_merged(teller);
    } else {
        people::merge(house, &shown, teller).await?;
    }
    routine.succeeds(project, teller).await?;
    house.until("a proven gap", async || people::stands(house, State::Proven).await).await?;
    let step = Step::new("gap", "gapwright", format!("{GAP} is {}: what was blocked works", State::Proven));
    teller.tell(&step.tone(Tone::Good));
    if consent == Consent::Page {
        teller.tell(&Step::new("stays", "gapwright", "the page stays until you stop it: Ctrl-C"));
        house.halt.cancelled().await;
    }
    Ok(Exit::Ok)
}
