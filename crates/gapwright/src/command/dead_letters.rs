//! `dead-letters`: what gave up, whatever it was; and what nobody can tell the end of.

use std::collections::BTreeSet;

use clap::Args;
use domain::time::Time;
use plane::checks::DeadLetter;
use serde_json::{Value, json};

use crate::cli::ListArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::{Answer, moment};

/// What gave up, the latest first, and what nobody can tell the end of.
#[derive(Debug, Args)]
pub(crate) struct DeadLetters {
    #[command(flatten)]
    list: ListArgs,
}

impl DeadLetters {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        let Session { plane, call } = Session::open(config, "cli dead-letters", Missing::Refuse).await?;
        let page = plane.dead_letters(&call, &self.list.ask()?).await?;
        let columns = ["at", "source", "id", "attempts", "error"];
        let mut answer = Answer::page("dead_letters", &columns, &page, document, row);
        let asked: BTreeSet<_> =
            page.items.iter().filter_map(|letter| Some((letter.source, letter.releases()?))).collect();
        for (source, command) in asked {
            let told = format!("\n{source}: nobody can tell whether it happened; look there, then {command}");
            answer.text.push_str(&told);
        }
        Ok(answer)
    }
}

fn document(letter: &DeadLetter) -> Value {
    json!({
        "source": letter.source, "id": letter.id, "attempts": letter.attempts, "at": Time(letter.at).iso(),
        "error": letter.error, "known": !letter.is_unknown(),
    })
}

fn row(letter: &DeadLetter) -> Vec<String> {
    vec![
        moment(Some(Time(letter.at))),
        letter.source.to_owned(),
        letter.id.clone(),
        letter.attempts.to_string(),
        letter.error.clone(),
    ]
}
