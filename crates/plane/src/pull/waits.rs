//! What a pull request waits for whose turn is an agent's: for people who look why nothing happens. Nothing is decided here.

use domain::budget::{self, Short};
use domain::decision::State as Question;
use domain::job::{Job, State};
use store::Tx;
use store::pull::Stored;

use super::turn::stands_still;
use crate::No;
use crate::settings::Rules;

/// How many of its latest questions are looked at: one that is open stops the job that asked it, so that the latest is the one.
const QUESTIONS_MAX: i64 = 5;

/// What it waits for, in words; none where it is not an agent's turn, or people hold it, which is told by itself.
pub(super) async fn of(tx: &mut Tx, rules: &Rules, stored: &Stored) -> Result<Option<String>, No> {
    let pull = &stored.pull;
    let (Some(stage), Some(name), None) = (pull.state.stage(), pull.job(), pull.hold) else { return Ok(None) };
    let Some(job) = store::job::find(tx, &name).await? else { return Ok(None) };
    if let State::Held(claim) = &job.state {
        return Ok(Some(format!("{}, who has it until {}", claim.principal, claim.expires_at)));
    }
    let questions = store::decision::of_pull(tx, &pull.id, QUESTIONS_MAX).await?;
    if let Some(open) = questions.iter().find(|question| question.state == Question::Open) {
        return Ok(Some(format!("an answer to the question {}, until {}", open.id, open.expires_at)));
    }
    if let Some(refusal) = stands_still(tx, rules, pull, stage).await? {
        return Ok(Some(refusal.message));
    }
    let day = store::spend::booked_so_far(tx, budget::day(tx.now())).await?;
    if let Err(short @ (Short::Pull | Short::Day)) = rules.caps.reserve(stage, (pull.booked, pull.epoch), day) {
        return Ok(Some(short.refusal(stage, tx.now()).message));
    }
    Ok(Some(due(&job, stage.name())))
}

fn due(job: &Job, stage: &str) -> String {
    match (&job.state, job.next_run_at) {
        (State::Waiting, Some(at)) => format!("{at}: it was put off, or rests after a failure"),
        (State::Ready, Some(at)) => format!("a {stage}, since {at}: gapwright work --kind {stage}"),
        (State::Idle | State::Waiting | State::Ready | State::Held(_) | State::Dead, _) => {
            format!("somebody who triggers it: gapwright jobs show {}", job.name)
        }
    }
}
