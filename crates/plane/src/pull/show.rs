//! What is read of pull requests: lists, and one with its history, what was said of it, and what it cost.

use domain::pull::{Pull, State};
use domain::refusal::{Code, Refusal};
use store::pull::event::{self, Happened};
use store::pull::word::{self, Word};
use store::pull::{Stored, hand, say};
use store::spend;

use super::{meant, waits};
use crate::page::{Ask, Page};
use crate::{Call, No, Plane};

/// How much of each thing around a pull request is shown with it.
const AROUND_MAX: i64 = 50;

/// A pull request with everything around it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The pull request.
    pub stored: Stored,
    /// What became of it, the latest first.
    pub events: Vec<Happened>,
    /// What was handed in, the latest first.
    pub words: Vec<Word>,
    /// Who stood in which stage, in order.
    pub hands: Vec<(domain::pull::Stage, domain::pull::Instance)>,
    /// What its runs spent, in order.
    pub spent: Vec<Spent>,
    /// What is still to be made on the forge.
    pub open: Vec<say::Say>,
    /// What it waits for, where it is an agent's turn.
    pub waits: Option<String>,
}

/// What one run spent.
pub type Spent = spend::Row;

/// What a pull request would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The pull request.
    pub pull: Pull,
    /// As `git diff` shows it.
    pub text: String,
    /// False when it was cut at its bound.
    pub complete: bool,
}

/// How much of a difference is shown to people, in bytes: more than anybody reads.
const SHOWN_BYTES_MAX: usize = 1 << 20;

/// How many things of which nobody can tell whether they were made are shown.
pub const UNKNOWN_MAX: i64 = 200;

impl Plane {
    /// Pull requests, those that changed last first.
    pub async fn list_pulls(&self, call: &Call, state: Option<State>, ask: &Ask) -> Result<Page<Stored>, No> {
        let (before, id) = ask.place((i64::MAX, ""))?;
        let mut tx = self.read(call).await?;
        let pulls = store::pull::list(&mut tx, state, (before, &id), ask.rows()).await?;
        Ok(ask.page(pulls, |stored| (stored.pull.changed_at.0, stored.pull.id.clone())))
    }

    /// Those of which anything is still to become, in the same order.
    pub async fn list_live_pulls(&self, call: &Call, ask: &Ask) -> Result<Page<Stored>, No> {
        let (before, id) = ask.place((i64::MAX, ""))?;
        let mut tx = self.read(call).await?;
        let mut live = Vec::new();
        for state in State::ALL.into_iter().filter(|state| state.is_live()) {
            live.extend(store::pull::list(&mut tx, Some(state), (before, &id), ask.rows()).await?);
        }
        live.sort_by(|a, b| (b.pull.changed_at, &a.pull.id).cmp(&(a.pull.changed_at, &b.pull.id)));
        live.truncate(usize::try_from(ask.rows()).unwrap_or(usize::MAX));
        Ok(ask.page(live, |stored| (stored.pull.changed_at.0, stored.pull.id.clone())))
    }

    /// What a pull request would change.
    pub async fn show_difference(&self, call: &Call, text: &str) -> Result<Difference, No> {
        let mut tx = self.read(call).await?;
        let pull = meant(&mut tx, self.rules().repo.as_deref(), text).await?.pull;
        drop(tx);
        if pull.change.is_none() {
            return Err(Refusal::new(Code::WrongState, "nothing was handed in for it yet")
                .hint("see how it stands: gapwright pulls show")
                .into());
        }
        let (text, complete) = self.difference(&pull, SHOWN_BYTES_MAX).await?;
        Ok(Difference { pull, text, complete })
    }

    /// What was to be made on the forge, and nobody can tell whether it was: the latest first.
    pub async fn list_unknown(&self, call: &Call) -> Result<Vec<say::Say>, No> {
        let mut tx = self.read(call).await?;
        Ok(say::unknown(&mut tx, (i64::MAX, ""), UNKNOWN_MAX).await?)
    }

    /// One pull request, by its id or its number.
    pub async fn show_pull(&self, call: &Call, text: &str) -> Result<Shown, No> {
        let mut tx = self.read(call).await?;
        let stored = meant(&mut tx, self.rules().repo.as_deref(), text).await?;
        let id = stored.pull.id.clone();
        Ok(Shown {
            events: event::of(&mut tx, &id, AROUND_MAX).await?,
            words: word::of(&mut tx, &id, AROUND_MAX).await?,
            hands: hand::of(&mut tx, &id).await?,
            spent: spend::of(&mut tx, &id, AROUND_MAX).await?,
            open: say::open(&mut tx, &id, AROUND_MAX).await?,
            waits: waits::of(&mut tx, &self.rules(), &stored).await?,
            stored,
        })
    }
}
