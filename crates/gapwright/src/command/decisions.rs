//! `decisions`: what agents ask people, and the answers.

use clap::{Args, Subcommand};
use domain::decision::{Decision, State};
use serde_json::{Value, json};

use crate::cli::ListArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::{Answer, moment};

/// Questions.
#[derive(Debug, Subcommand)]
pub(crate) enum Decisions {
    /// List questions that nobody answered yet, the next to expire first
    #[command(visible_alias = "ls")]
    List(List),
    /// Answer a question; the job that asked is due again at once
    Answer {
        /// Its id
        id: String,
        /// Which of its options, from 1; the first is the one that the agent recommends
        option: i64,
    },
}

/// List questions.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Also those that were answered or have expired, the latest first
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    list: ListArgs,
}

impl Decisions {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        match self {
            Self::List(List { all, list }) => {
                let Session { plane, call } = Session::open(config, "cli decisions list", Missing::Refuse).await?;
                let page = plane.list_decisions(&call, all, &list.ask()?).await?;
                let columns = ["id", "job", "by", "question", "options", "state", "asked", "expires"];
                Ok(Answer::page("decisions", &columns, &page, document, row))
            }
            Self::Answer { id, option } => {
                let Session { plane, call } = Session::open(config, "cli decisions answer", Missing::Refuse).await?;
                let answered = plane.answer_decision(&call, &id, option).await?;
                let chosen = answered.chosen().unwrap_or_default();
                let text = format!("{} gets the answer: {chosen}", answered.job);
                Ok(Answer::new(json!({"decision": document(&answered)}), text))
            }
        }
    }
}

const fn state(decision: &Decision) -> &'static str {
    match decision.state {
        State::Open => "open",
        State::Answered { .. } => "answered",
        State::Expired => "expired",
    }
}

fn document(decision: &Decision) -> Value {
    let (option, by, at) = match &decision.state {
        State::Answered { option, by, at } => (Some(*option), Some(by.clone()), Some(at.iso())),
        State::Open | State::Expired => (None, None, None),
    };
    json!({
        "id": decision.id, "job": decision.job, "pull": decision.pull, "principal": decision.principal,
        "question": decision.question, "options": decision.options, "state": state(decision),
        "asked_at": decision.asked_at.iso(), "expires_at": decision.expires_at.iso(),
        "option": option, "answer": decision.chosen(), "answered_by": by, "answered_at": at,
    })
}

fn row(decision: &Decision) -> Vec<String> {
    let options = (1..).zip(&decision.options).map(|(at, option): (i64, _)| format!("{at} {option}"));
    let state = match &decision.state {
        State::Answered { option, by, .. } => format!("{option} by {by}"),
        State::Open | State::Expired => state(decision).to_owned(),
    };
    vec![
        decision.id.clone(),
        decision.job.clone(),
        decision.principal.clone(),
        decision.question.clone(),
        options.collect::<Vec<_>>().join("; "),
        state,
        moment(Some(decision.asked_at)),
        moment(Some(decision.expires_at)),
    ]
}
