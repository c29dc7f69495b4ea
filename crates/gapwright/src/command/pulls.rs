//! `pulls`: pull requests of the pipeline, what operators say of them, and, on the local forge, what a person does there.

use clap::{Args, Subcommand};
use domain::pull::{Hold, Pull, State};
use plane::pull::HandedIn;
use serde_json::{Value, json};
use store::pull::Stored;

use super::pull_acts::{self, Act};
use super::pull_shown;
use crate::cli::ListArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::{Answer, moment};

/// Pull requests.
#[derive(Debug, Subcommand)]
pub(crate) enum Pulls {
    /// List pull requests, those that changed last first; those that ended are left out
    #[command(visible_alias = "ls")]
    List(List),
    /// Show one: why it is where it is, whose turn it is, what was said of it and what it cost
    Show {
        /// Its number, or its id
        pull: String,
    },
    /// Show what it would change
    Diff {
        /// Its number, or its id
        pull: String,
    },
    /// Let one go on that stopped, or that was revised as often as it may be
    Resume(Why),
    /// Stop one that agents work on: it goes on only when a person says so
    Stop(Why),
    /// Say how something ended on the forge of which nobody could tell
    Release(Release),
    /// On the local forge: merge one
    Merge(pull_acts::Merge),
    /// On the local forge: close one without a merge
    Close(pull_acts::On),
    /// On the local forge: open one again
    Reopen(pull_acts::On),
    /// On the local forge: ask for changes, of which an agent makes the next revision
    RequestChanges(pull_acts::Requested),
    /// On the local forge: approve one; it is not merged by that
    Approve(pull_acts::Approved),
    /// On the local forge: put what CI found on the commit that it tried
    Check(pull_acts::Checked),
    /// On the local forge: write a comment
    Comment(pull_acts::Said),
    /// On the local forge: put a label on one
    Label(pull_acts::Labelled),
    /// On the local forge: take a label off one
    Unlabel(pull_acts::Labelled),
}

/// List pull requests.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those that are: planning, implementing, opening, proposed, needs_review, changes_requested, approved,
    /// needs_human, needs_visual, capped, requires_human, wontfix, closed or merged
    #[arg(long, conflicts_with = "all")]
    state: Option<String>,
    /// Also those that ended
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    list: ListArgs,
}

/// A pull request, and why.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Its number, or its id
    pull: String,
    /// Why, in 10 to 1000 characters, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// How something ended.
#[derive(Debug, Args)]
pub(crate) struct Release {
    /// Its id, as dead-letters and pulls show tell it
    id: String,
    #[command(flatten)]
    end: End,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct End {
    /// It is there
    #[arg(long)]
    made: bool,
    /// It is not there, and is made again
    #[arg(long)]
    not_made: bool,
}

impl Pulls {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        match self {
            Self::List(asked) => asked.run(config).await,
            Self::Show { pull } => {
                let Session { plane, call } = Session::open(config, "cli pulls show", Missing::Refuse).await?;
                pull_shown::answer(&plane, &call, &pull).await
            }
            Self::Diff { pull } => {
                let Session { plane, call } = Session::open_with_home(config, "cli pulls diff").await?;
                let shown = plane.show_difference(&call, &pull).await?;
                Ok(pull_shown::difference(&shown))
            }
            Self::Resume(Why { pull, reason }) => {
                let Session { plane, call } = Session::open(config, "cli pulls resume", Missing::Refuse).await?;
                Ok(stands(&plane.resume_pull(&call, &pull, &reason).await?))
            }
            Self::Stop(Why { pull, reason }) => {
                let Session { plane, call } = Session::open(config, "cli pulls stop", Missing::Refuse).await?;
                Ok(stands(&plane.stop_pull(&call, &pull, &reason).await?))
            }
            Self::Release(Release { id, end }) => {
                let Session { plane, call } = Session::open(config, "cli pulls release", Missing::Refuse).await?;
                plane.release(&call, &id, end.made).await?;
                let next = if end.made { "counts as made" } else { "is made again" };
                Ok(Answer::new(json!({"released": id, "made": end.made}), format!("{id} {next}")))
            }
            Self::Merge(act) => pull_acts::run(config, Act::Merge(act)).await,
            Self::Close(on) => pull_acts::run(config, Act::Close(on)).await,
            Self::Reopen(on) => pull_acts::run(config, Act::Reopen(on)).await,
            Self::RequestChanges(said) => pull_acts::run(config, Act::RequestChanges(said)).await,
            Self::Approve(approved) => pull_acts::run(config, Act::Approve(approved)).await,
            Self::Check(checked) => pull_acts::check(config, checked).await,
            Self::Comment(said) => pull_acts::run(config, Act::Comment(said)).await,
            Self::Label(labelled) => pull_acts::run(config, Act::Label(labelled)).await,
            Self::Unlabel(labelled) => pull_acts::run(config, Act::Unlabel(labelled)).await,
        }
    }
}

impl List {
    async fn run(self, config: &Config) -> Result<Answer, Failure> {
        let state = self.state.map(|text| State::parse(&text)).transpose()?;
        let Session { plane, call } = Session::open(config, "cli pulls list", Missing::Refuse).await?;
        let ask = self.list.ask()?;
        let page = if self.all || state.is_some() {
            plane.list_pulls(&call, state, &ask).await?
        } else {
            plane.list_live_pulls(&call, &ask).await?
        };
        let columns = ["pull", "gap", "state", "turn", "round", "tokens", "cost", "changed", "why"];
        Ok(Answer::page("pulls", &columns, &page, |stored| document(&stored.pull), row))
    }
}

fn stands(now: &HandedIn) -> Answer {
    let name = now.number.map_or_else(|| now.pull.clone(), |number| format!("#{number}"));
    Answer::new(json!(now), format!("{name} is {}", now.state))
}

/// A pull request as a program reads it.
pub(super) fn document(pull: &Pull) -> Value {
    json!({
        "id": pull.id,
        "number": pull.there.number,
        "url": pull.there.url,
        "repository": pull.repo,
        "gap": pull.gap.to_string(),
        "nth": pull.nth,
        "state": pull.state.name(),
        "turn": pull.turn_of(),
        "hold": pull.hold.map(Hold::name),
        "reviewers": pull.reviewers.name(),
        "iteration": pull.iteration,
        "epoch": pull.epoch,
        "tokens": pull.booked.tokens,
        "micro_usd": pull.booked.micro_usd,
        "excesses": pull.excesses,
        "labels": pull.there.labels,
        "why": pull.why,
        "created_at": pull.created_at.iso(),
        "changed_at": pull.changed_at.iso(),
    })
}

fn row(stored: &Stored) -> Vec<String> {
    let pull = &stored.pull;
    vec![
        name(pull),
        pull.gap.to_string(),
        pull.state.to_string(),
        pull.turn_of().to_owned(),
        pull.iteration.to_string(),
        pull.booked.tokens.to_string(),
        pull.booked.dollars(),
        moment(Some(pull.changed_at)),
        pull.why.clone(),
    ]
}

/// What a person calls it: its number, or its id while it has none.
pub(super) fn name(pull: &Pull) -> String {
    pull.there.number.map_or_else(|| pull.id.clone(), |number| format!("#{number}"))
}
