//! What is read of pull requests: lists, and one with its history, what was said of it, and what it cost.

use domain::pull::State;
use store::pull::event::{self, Happened};
use store::pull::word::{self, Word};
use store::pull::{Stored, hand, say};
use store::spend;

use super::meant;
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
}

/// What one run spent.
pub type Spent = spend::Row;

impl Plane {
    /// Pull requests, those that changed last first.
    pub async fn list_pulls(&self, call: &Call, state: Option<State>, ask: &Ask) -> Result<Page<Stored>, No> {
        let (before, id) = ask.place((i64::MAX, ""))?;
        let mut tx = self.read(call).await?;
        let pulls = store::pull::list(&mut tx, state, (before, &id), ask.rows()).await?;
        Ok(ask.page(pulls, |stored| (stored.pull.changed_at.0, stored.pull.id.clone())))
    }

    /// Those of which something is still to become, those that changed last first.
    pub async fn list_live_pulls(&self, call: &Call, ask: &Ask) -> Result<Page<Stored>, No> {
        let (before, id) = ask.place((i64::MAX, ""))?;
        let mut tx = self.read(call).await?;
        let mut pulls = Vec::new();
        for state in State::ALL.into_iter().filter(|state| state.is_live()) {
            pulls.extend(store::pull::list(&mut tx, Some(state), (before, &id), ask.rows()).await?);
        }
        pulls.sort_by(|a, b| (b.pull.changed_at, &a.pull.id).cmp(&(a.pull.changed_at, &b.pull.id)));
        Ok(ask.page(pulls, |stored| (stored.pull.changed_at.0, stored.pull.id.clone())))
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
            stored,
        })
    }
}
