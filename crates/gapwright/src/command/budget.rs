//! `budget`: what is booked today, by stage and by pull request, and what is left.

use clap::Args;
use domain::budget::Amount;
use plane::budget::Today;
use serde_json::{Value, json};

use super::gaps::section;
use super::pulls::name;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::Answer;

/// What is booked today, from midnight UTC on, and what is left.
#[derive(Debug, Args)]
pub(crate) struct Budget {}

impl Budget {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        let Session { plane, call } = Session::open(config, "cli budget", Missing::Refuse).await?;
        Ok(shown(&plane.show_budget(&call).await?))
    }
}

fn amount(amount: Amount) -> Value {
    json!({"tokens": amount.tokens, "micro_usd": amount.micro_usd})
}

fn line(amount: Amount) -> String {
    format!("{}, {} tokens", amount.dollars(), amount.tokens)
}

fn shown(today: &Today) -> Answer {
    let caps = &today.caps;
    let left = caps.day.less(today.booked);
    let stages: Vec<_> = today
        .stages
        .iter()
        .map(|(stage, runs, booked)| {
            json!({"stage": stage.name(), "runs": runs, "booked": amount(*booked), "run_max": amount(caps.of_run(*stage))})
        })
        .collect();
    let pulls: Vec<_> = today
        .pulls
        .iter()
        .map(|(pull, runs, booked)| {
            json!({
                "id": pull.id, "number": pull.there.number, "gap": pull.gap.to_string(), "state": pull.state.name(),
                "runs": runs, "booked_today": amount(*booked), "booked": amount(pull.booked),
                "left": amount(caps.pull.less(pull.booked)),
            })
        })
        .collect();
    let document = json!({
        "since": today.since.iso(),
        "day": {"max": amount(caps.day), "booked": amount(today.booked), "left": amount(left)},
        "pull_max": amount(caps.pull),
        "stages": stages,
        "pulls": pulls,
        "complete": today.complete,
    });
    Answer::new(document, text(today, left))
}

fn text(today: &Today, left: Amount) -> String {
    let caps = &today.caps;
    let fields = [
        ("since", today.since.iso()),
        ("booked", line(today.booked)),
        ("left today", line(left)),
        ("day at most", line(caps.day)),
        ("pull request", format!("at most {}", line(caps.pull))),
    ];
    let stages = today.stages.iter().map(|(stage, runs, booked)| {
        vec![
            stage.to_string(),
            runs.to_string(),
            booked.tokens.to_string(),
            booked.dollars(),
            line(caps.of_run(*stage)),
        ]
    });
    let pulls = today.pulls.iter().map(|(pull, runs, booked)| {
        let left = caps.pull.less(pull.booked);
        vec![
            name(pull),
            pull.gap.to_string(),
            pull.state.to_string(),
            runs.to_string(),
            booked.tokens.to_string(),
            booked.dollars(),
            line(left),
        ]
    });
    let more =
        if today.complete { "" } else { "\n\nthere were more runs than are read here: the sums of the day are whole" };
    format!(
        "{}{}{}{more}",
        Answer::thing(Value::Null, &fields).text,
        section("By stage", &["stage", "runs", "tokens", "cost", "each run at most"], stages.collect()),
        section(
            "By pull request",
            &["pull", "gap", "state", "runs", "tokens", "cost", "left of its own"],
            pulls.collect()
        ),
    )
}
