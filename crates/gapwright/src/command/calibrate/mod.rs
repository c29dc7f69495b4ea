//! `calibrate`: reviewers are tried on changes of which it is known whether they are right, and what is known of each is told.
//! Trials never come near the installation's own repository: they happen in a house that is thrown away again.

mod ground;
mod reviews;
mod shown;
mod staged;

use std::io::{self, IsTerminal as _};

use clap::{Args, Subcommand};
use domain::agent::Role;
use domain::budget::Amount;
use domain::calibration::{corpus, seed};
use domain::pull::Stage;
use domain::time::Span;
use plane::page::Ask;
use rand::RngExt as _;
use runner::Agent;
use tokio_util::sync::CancellationToken;

use self::ground::Ground;
use self::reviews::Ran;
use super::hired::{CONCURRENCY_MAX, Hired, agent, model};
use super::house::{House, halted};
use super::{asked, signals};
use crate::config::{Config, machine_time};
use crate::failure::{Exit, Failure};
use crate::logs::Talk;
use crate::session::{self, Missing, Session};
use crate::show::{self, Answer, count};

/// How many pages of tokens are looked through for the reviewer's.
const PAGES_MAX: usize = 100;

/// What is to be known of `calibrate run` beside its flags.
const RUN_HELP: &str = "\
Each review is a real one: the agent gets a claim, a workspace and a prompt as with gapwright work,
of a repository that is made for it and thrown away again, and it is not told that it is tried.
40 defects make 90 reviews, which is a full set: with fewer a reviewer is not calibrated. Each is
kept as soon as it is answered, so that what was answered before an interruption counts.

The changes are public, so a model may know them by heart: what it catches is an upper bound.";

/// Reviewers, tried and held against what people did.
#[derive(Debug, Subcommand)]
pub(crate) enum Calibrate {
    /// Let a reviewer judge changes whose defects are known, away from the real repository
    #[command(after_help = RUN_HELP)]
    Run(Run),
    /// Tell what is known of each reviewer: by trials, by what people did, and by its findings
    Report(Report),
}

/// A run of shadow reviews.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The agent: claude, codex, a path to either, or a command line
    #[arg(long, value_name = "AGENT", value_parser = agent)]
    agent: Agent,
    /// The name of the reviewer's token here: what is shown is shown of this name, its model and its prompt
    #[arg(long, value_name = "NAME")]
    reviewer: String,
    /// The agent's model, where it lets one choose
    #[arg(long, value_name = "MODEL", value_parser = model)]
    model: Option<String>,
    /// How many defects are shown, 1 to 48; clean changes, other words and retests come on top
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=48))]
    count: u16,
    /// How many reviews run at once, 1 to 32
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(CONCURRENCY_MAX)))]
    concurrency: u16,
    /// A variable of the environment that the agent gets to see, beside those of its model's provider
    #[arg(long, value_name = "NAME")]
    pass: Vec<String>,
    /// Begin without a question
    #[arg(long)]
    yes: bool,
    /// Keep the folder, and say where it is
    #[arg(long)]
    keep: bool,
}

/// What is known of reviewers.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Count what was answered, said or ended in the last so many days
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(i64).range(1..=3650))]
    days: i64,
}

impl Calibrate {
    /// How much is logged: of a house that is thrown away again, failures only.
    pub(crate) const fn talk(&self) -> Talk {
        match self {
            Self::Run(_) => Talk::Failures,
            Self::Report(_) => Talk::Command,
        }
    }

    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        match self {
            Self::Run(run) => Box::pin(run.run(config)).await,
            Self::Report(Report { days }) => {
                let session = Session::open(config, "cli calibrate report", Missing::Refuse).await?;
                let since = machine_time() - Span::days(days);
                let reviewers = session.plane.report_calibration(&session.call, since).await?;
                Ok(shown::report(days, &reviewers))
            }
        }
    }
}

impl Run {
    async fn run(self, config: &Config) -> Result<Answer, Failure> {
        session::hide();
        let hired = Hired { agent: self.agent.clone(), model: self.model.clone(), pass: self.pass.clone() };
        hired.can_start()?;
        let session = Session::open(config, "cli calibrate run", Missing::Refuse).await?;
        is_known(&session, &self.reviewer).await?;
        let mut rng = session::chance();
        let trials = seed::plan(usize::from(self.count), |below| rng.random_range(0..below.max(1)));
        let (stop, now) = signals::watch()?;
        self.may_begin(config, trials.len(), &stop).await?;
        let ground = Ground::new(config, self.concurrency, self.keep)?;
        let trying = Box::pin(self.try_all(&session, &ground, hired, &trials, stop));
        let tried = tokio::select! {
            tried = trying => tried,
            () = now.cancelled() => Err(halted()),
        };
        if self.keep {
            show::note(&format!("the folder is kept: {}", ground.folder().display()));
        }
        let Ran { since, reviewers, planned, answered, missed, micro_usd, stopped } = tried?;
        let known = match since {
            Some(since) => session.plane.report_calibration(&session.call, since).await?,
            None => Vec::new(),
        };
        let known: Vec<_> = known.into_iter().filter(|one| reviewers.contains(&one.by)).collect();
        let answer = shown::ran((planned, answered, missed), micro_usd, &known);
        Ok(Answer { exit: if stopped { Exit::Interrupted } else { Exit::Ok }, ..answer })
    }

    /// Says what it may cost, and asks whether to begin.
    async fn may_begin(&self, config: &Config, trials: usize, stop: &CancellationToken) -> Result<(), Failure> {
        let each = config.caps().of_run(Stage::Reviewer);
        let many = i64::try_from(trials).unwrap_or(i64::MAX);
        let all = Amount { tokens: each.tokens.saturating_mul(many), micro_usd: each.micro_usd.saturating_mul(many) };
        show::note(&format!(
            "{} by {} ({}), of {} cases: each may spend {} and {} tokens, all together {} and {} tokens at most",
            count(trials, "shadow review"),
            self.reviewer,
            self.agent.name(),
            corpus::cases().len(),
            each.dollars(),
            each.tokens,
            all.dollars(),
            all.tokens,
        ));
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Err(Failure::usage("nobody is here to ask whether to begin")
                .why("shadow reviews cost what reviews cost")
                .hint("begin without a question: --yes"));
        }
        if asked::yes("begin?", stop).await? {
            return Ok(());
        }
        Err(Failure { exit: Exit::Interrupted, code: "interrupted", ..Failure::new("nothing was begun") })
    }

    /// Opens the house, tries, and closes it, however it went.
    async fn try_all(
        &self,
        session: &Session,
        ground: &Ground,
        hired: Hired,
        trials: &[seed::Trial],
        stop: CancellationToken,
    ) -> Result<Ran, Failure> {
        let house = House::open(&ground.settings(), "calibrate", stop).await?;
        let tried = Box::pin(async {
            ground.begin().await?;
            let staged = staged::prepare(&house, trials).await?;
            let worker = reviews::worker(&house, ground, &hired, &self.reviewer).await?;
            let who = (self.reviewer.as_str(), self.model.as_deref());
            reviews::run(&house, ground, session, (&worker, self.concurrency), who, &staged).await
        })
        .await;
        let ended = house.end().await;
        let ran = tried?;
        ended?;
        Ok(ran)
    }
}

/// Refuses a name that no reviewer's token has here: what was tried under it would be known of nobody.
async fn is_known(session: &Session, name: &str) -> Result<(), Failure> {
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let ask = Ask::new(Some(200), cursor.as_deref())?;
        let page = session.plane.list_tokens_in_force(&session.call, &ask).await?;
        let is = |token: &store::agent::Token| token.principal == name && token.role == Role::Reviewer.name();
        if page.items.iter().any(is) {
            return Ok(());
        }
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    Err(Failure::not_found(format!("there is no reviewer {name:?} here"))
        .why("no token in force has this name and the role reviewer")
        .hint(format!("see gapwright token list; gapwright token create --role reviewer --name {name} makes one")))
}
