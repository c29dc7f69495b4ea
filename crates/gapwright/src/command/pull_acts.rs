//! What a person does with a pull request of the local forge. Those of GitHub are reviewed and merged on GitHub.

use clap::{Args, ValueEnum};
use forge::local::Local;
use forge::{CheckState, Fault, Forge as _, Method, NewCheck, PullState};
use plane::pull::{ByHand, Hand, Handled};
use serde_json::json;

use super::issues::{self, By};
use crate::config::{Config, ForgeKind};
use crate::failure::{Exit, Failure};
use crate::session::{self, Missing, Session};
use crate::show::{self, Answer};

/// On which pull request.
#[derive(Debug, Args)]
pub(crate) struct On {
    /// Its number
    number: i64,
    #[command(flatten)]
    by: By,
}

/// Merge one.
#[derive(Debug, Args)]
pub(crate) struct Merge {
    #[command(flatten)]
    on: On,
    /// How
    #[arg(long, value_enum, default_value_t = How::Merge)]
    method: How,
    #[command(flatten)]
    at: At,
}

/// Which commit was looked at.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// Only if its head is this commit, the one that you looked at; if not said, the one that was handed in and judged
    #[arg(long, value_name = "COMMIT")]
    head: Option<String>,
}

/// How it is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum How {
    /// A commit with two parents
    Merge,
    /// One commit of everything
    Squash,
    /// Its commits anew on the base
    Rebase,
}

impl How {
    const fn method(self) -> Method {
        match self {
            Self::Merge => Method::Merge,
            Self::Squash => Method::Squash,
            Self::Rebase => Method::Rebase,
        }
    }
}

/// Something to say.
#[derive(Debug, Args)]
pub(crate) struct Said {
    #[command(flatten)]
    on: On,
    /// What to say
    #[arg(long, value_name = "TEXT")]
    message: String,
}

/// Ask for changes of one.
#[derive(Debug, Args)]
pub(crate) struct Requested {
    #[command(flatten)]
    said: Said,
    #[command(flatten)]
    at: At,
}

/// Approve one.
#[derive(Debug, Args)]
pub(crate) struct Approved {
    #[command(flatten)]
    on: On,
    #[command(flatten)]
    at: At,
    /// What to say with it
    #[arg(long, value_name = "TEXT", default_value = "")]
    message: String,
}

/// What a check says.
#[derive(Debug, Args)]
pub(crate) struct Checked {
    /// The pull request at whose head it is, or, once it is merged, at whose merge
    #[arg(required_unless_present = "commit")]
    number: Option<i64>,
    /// Any commit instead, such as the tip of the branch that changes go into
    #[arg(long, value_name = "COMMIT", conflicts_with_all = ["number", "head"])]
    commit: Option<String>,
    #[command(flatten)]
    by: By,
    /// The name of the check
    #[arg(long, value_name = "NAME", value_parser = named)]
    name: String,
    #[command(flatten)]
    says: Says,
    /// How many tests were executed: one that passed with none shows nothing to the gate
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..=1_000_000_000))]
    tests: i64,
    /// Only if that commit is this one
    #[arg(long, value_name = "COMMIT")]
    head: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Says {
    /// It passed
    #[arg(long)]
    passed: bool,
    /// It failed
    #[arg(long)]
    failed: bool,
}

/// A label.
#[derive(Debug, Args)]
pub(crate) struct Labelled {
    #[command(flatten)]
    on: On,
    /// The label, such as manual
    label: String,
}

/// What is done.
#[derive(Debug)]
pub(super) enum Act {
    Merge(Merge),
    Close(On),
    Reopen(On),
    RequestChanges(Requested),
    Approve(Approved),
    Comment(Said),
    Label(Labelled),
    Unlabel(Labelled),
}

impl Act {
    /// The commit that was looked at, where it makes a difference.
    const fn at(&self) -> Option<&At> {
        match self {
            Self::Merge(Merge { at, .. })
            | Self::RequestChanges(Requested { at, .. })
            | Self::Approve(Approved { at, .. }) => Some(at),
            Self::Close(_) | Self::Reopen(_) | Self::Comment(_) | Self::Label(_) | Self::Unlabel(_) => None,
        }
    }

    const fn on(&self) -> &On {
        match self {
            Self::Merge(Merge { on, .. })
            | Self::Close(on)
            | Self::Reopen(on)
            | Self::RequestChanges(Requested { said: Said { on, .. }, .. })
            | Self::Approve(Approved { on, .. })
            | Self::Comment(Said { on, .. })
            | Self::Label(Labelled { on, .. })
            | Self::Unlabel(Labelled { on, .. }) => on,
        }
    }
}

fn named(text: &str) -> Result<String, String> {
    domain::id::name("name", text).map_err(|refusal| refusal.message)
}

/// Puts what CI found on this machine on the commit that it looked at.
pub(super) async fn check(config: &Config, checked: Checked) -> Result<Answer, Failure> {
    is_local(config)?;
    let store = session::open(config, Missing::Refuse).await?;
    session::check_schema(&store, Missing::Refuse).await?;
    let local = config.local(&store, session::chance())?.acting(&checked.by.login()).map_err(failure)?;
    let commit = match (checked.number, &checked.commit) {
        (Some(number), _) => looked_at(&local, number, checked.head.as_deref()).await?,
        (None, Some(commit)) => commit.clone(),
        (None, None) => return Err(Failure::usage("nothing is named that was looked at")),
    };
    let new = NewCheck {
        external_id: checked.name.clone(),
        name: checked.name,
        commit: commit.clone(),
        state: if checked.says.passed { CheckState::Pass } else { CheckState::Fail },
        title: format!("{} tests", checked.tests),
        summary: String::new(),
    };
    let check = local.put_check(&new).await.map_err(failure)?;
    if let Some(number) = checked.number
        && issues::hurry(&store, config, number).await.is_err()
    {
        show::warning("the server takes this in with its next look only: the store was busy");
    }
    let word = if checked.says.passed { "passed" } else { "failed" };
    let text = format!("{} {word} at {commit}, with {}", check.name, check.title);
    Ok(Answer::new(json!({"number": checked.number, "check": check.name, "commit": commit, "done": word}), text))
}

/// The commit of a pull request that there is to look at: its head, or, once it is merged, the merge.
async fn looked_at(local: &Local, number: i64, head: Option<&str>) -> Result<String, Failure> {
    let pull = local.pull(number).await.map_err(failure)?;
    let commit = match pull.state {
        PullState::Merged { commit: Some(commit) } => commit,
        PullState::Merged { commit: None } | PullState::Open | PullState::Closed => pull.head.commit,
    };
    if let Some(head) = head.filter(|head| *head != commit) {
        let why = format!("{number} is at {commit}, not {head}");
        return Err(Failure { exit: Exit::Conflict, code: "stale_head", ..Failure::new(why) }
            .hint("a check says something of the commit that was tried and of no other"));
    }
    Ok(commit)
}

fn is_local(config: &Config) -> Result<(), Failure> {
    if config.forge_kind()? == ForgeKind::Local {
        return Ok(());
    }
    Err(Failure::usage("there is no local forge here")
        .why(format!("forge.kind is {}", config.sections.forge.kind))
        .hint("pull requests of GitHub are reviewed and merged on GitHub; gapwright pulls show links to each"))
}

/// Does it, and lets a running server see it soon.
pub(super) async fn run(config: &Config, act: Act) -> Result<Answer, Failure> {
    is_local(config)?;
    let Session { plane, call } = Session::open(config, "cli pulls", Missing::Refuse).await?;
    let local = config.local(plane.store(), session::chance())?;
    let On { number, by } = act.on();
    let (number, login) = (*number, by.login());
    let head = act.at().and_then(|at| at.head.clone());
    let by_hand = match act {
        Act::Merge(Merge { method, .. }) => ByHand::Merge(method.method()),
        Act::Close(_) => ByHand::Close,
        Act::Reopen(_) => ByHand::Reopen,
        Act::RequestChanges(Requested { said: Said { message, .. }, .. }) => ByHand::RequestChanges(message),
        Act::Approve(Approved { message, .. }) => ByHand::Approve(message),
        Act::Comment(Said { message, .. }) => ByHand::Comment(message),
        Act::Label(Labelled { label, .. }) => {
            let answer = issues::label(&local.acting(&login).map_err(failure)?, number, label).await?;
            plane.hurry(&call, number).await;
            return Ok(answer);
        }
        Act::Unlabel(Labelled { label, .. }) => {
            let answer = issues::unlabel(&local.acting(&login).map_err(failure)?, number, label).await?;
            plane.hurry(&call, number).await;
            return Ok(answer);
        }
    };
    let hand = Hand { local: &local, login: &login, head: head.as_deref() };
    let done = plane.handle_pull(&call, hand, number, &by_hand).await?;
    Ok(told(&by_hand, &done))
}

/// What was done, as a document and in words.
fn told(act: &ByHand, done: &Handled) -> Answer {
    let number = done.number;
    let mut document = json!({"number": number, "done": act.done()});
    let text = match (act, &done.commit) {
        (ByHand::Merge(_), Some(commit)) => {
            document["commit"] = json!(commit);
            format!("merged {number} into {} as {commit}", done.onto)
        }
        (ByHand::Merge(_), None) => format!("merged {number} into {}", done.onto),
        (ByHand::Close | ByHand::Reopen, _) => format!("{number} is {}", act.done()),
        (ByHand::RequestChanges(_), _) => format!("asked for changes of {number}"),
        (ByHand::Approve(_), _) => format!("approved {number}; merge it by: gapwright pulls merge {number}"),
        (ByHand::Comment(_), _) => format!("said so on {number}"),
    };
    Answer::new(document, text)
}

/// How the forge failed, in our words.
fn failure(fault: Fault) -> Failure {
    match fault {
        Fault::Gone { what } => Failure::not_found(format!("{what} is not there")).hint("see gapwright pulls list"),
        Fault::Stale { why } => Failure { exit: Exit::Conflict, code: "wrong_state", ..Failure::new(why) }
            .hint("see how it stands: gapwright pulls show"),
        fault @ (Fault::Refused { .. }
        | Fault::Later { .. }
        | Fault::Paced { .. }
        | Fault::Unknown { .. }
        | Fault::Moved { .. }) => issues::failure(fault),
    }
}
