//! The history of a pull request, as rules read it.

use domain::gate::Fingerprint;
use domain::pull::history::{History, Said, Step};
use domain::pull::{Event, Stage, State};
use domain::time::Time;

use super::event::{self, Happened};
use super::word::{self, Pass, Word};
use crate::{Fault, Tx};

/// How much of a pull request's history is read: of each, the last.
const ROWS_MAX: i64 = 200;

/// What agents handed in that counts, and what became of a pull request. `server` is the name under which a server writes down what
/// it found by looking.
pub async fn of(tx: &mut Tx, pull: &str, server: &str) -> Result<History, Fault> {
    let words = word::of(tx, pull, ROWS_MAX).await?;
    let events = event::of(tx, pull, ROWS_MAX).await?;
    let said = words.into_iter().filter(|word| word.pass == Pass::Final.name()).map(said).collect::<Result<_, _>>()?;
    let steps = events.iter().map(|happened| step(happened, server)).collect::<Result<_, _>>()?;
    Ok(History { said, steps })
}

fn said(word: Word) -> Result<Said, Fault> {
    let corrupt = Fault::Corrupt { table: "pull_word", column: "stage", id: word.id };
    let by = Fingerprint { principal: word.principal, model: word.model, prompt: word.prompt };
    let stage = Stage::parse(&word.stage).ok_or(corrupt)?;
    Ok(Said { stage, by, head: word.head, verdict: word.verdict, at: Time(word.at) })
}

fn step(happened: &Happened, server: &str) -> Result<Step, Fault> {
    let corrupt = |column| Fault::Corrupt { table: "pull_event", column, id: happened.id.clone() };
    let event = Event::ALL.into_iter().find(|event| event.name() == happened.event).ok_or_else(|| corrupt("event"))?;
    Ok(Step {
        event,
        was: State::parse(&happened.was).map_err(|_| corrupt("was"))?,
        now: State::parse(&happened.now).map_err(|_| corrupt("now"))?,
        found: happened.by == server,
        at: Time(happened.at),
    })
}
