//! `dead-letters`: what gave up, whatever it was; and what was to be made on the forge of which nobody can tell whether it
//! was.

use clap::Args;
use domain::time::Time;
use plane::checks::DeadLetter;
use plane::pull::UNKNOWN_MAX;
use serde_json::{Value, json};

use super::gaps::section;
use super::pull_shown::said;
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
        let ask = self.list.ask()?;
        let page = plane.dead_letters(&call, &ask).await?;
        let columns = ["at", "source", "id", "attempts", "error"];
        let mut answer = Answer::page("dead_letters", &columns, &page, document, row);
        let unknown = plane.list_unknown(&call).await?;
        answer.document["unknown"] = unknown.iter().map(said).collect::<Vec<_>>().into();
        let rows = unknown.iter().map(|say| {
            vec![moment(Some(Time(say.at))), say.what.clone(), say.pull.clone(), say.id.clone(), say.tries.to_string()]
        });
        let rows: Vec<_> = rows.collect();
        let more = if i64::try_from(rows.len()).unwrap_or(i64::MAX) < UNKNOWN_MAX { "" } else { "\nthere may be more" };
        if !rows.is_empty() {
            let heading =
                "Not known whether it was made: look there, then gapwright pulls release ID --made or --not-made";
            let unknown = section(heading, &["at", "what", "pull", "id", "attempts"], rows);
            answer.text = format!("{}{unknown}{more}", answer.text);
        }
        Ok(answer)
    }
}

fn document(letter: &DeadLetter) -> Value {
    json!({
        "source": letter.source, "id": letter.id, "attempts": letter.attempts, "at": Time(letter.at).iso(),
        "error": letter.error,
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
