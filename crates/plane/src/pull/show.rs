//! What is read of pull requests: lists, and one with its history, what was said of it, and what it cost.

use domain::budget::Amount;
use domain::gap::Key;
use domain::pull::State;
use domain::refusal::{Code, Refusal};
use store::automerge::Revert;
use store::pull::event::{self, Happened};
use store::pull::word::{self, Word};
use store::pull::{Stored, hand, say};
use store::spend;

use super::{meant, read, waits};
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

/// Pull requests as a board shows them.
#[derive(Debug, Clone)]
pub struct Board {
    /// Those under way, those that changed last first, and then those that were merged last.
    pub pulls: Vec<Stored>,
    /// How many of those under way stand how: there may be more than are shown.
    pub counts: Vec<(State, i64)>,
    /// What each may cost.
    pub cap: Amount,
}

/// How many of each state under way a board has: one more than a column shows.
const OF_STATE_MAX: i64 = 7;

/// How many that were merged it has.
const MERGED_SHOWN: i64 = 6;

/// What one run spent.
pub type Spent = spend::Row;

/// What a pull request would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The id of the pull request; none where it only takes another back.
    pub id: Option<String>,
    /// The repository that it is of.
    pub repo: String,
    /// The id of the pull request that it takes back, where it does that.
    pub takes_back: Option<String>,
    /// Its number on the forge.
    pub number: Option<i64>,
    /// The commit that it is held against.
    pub base: String,
    /// The commit at its head.
    pub head: String,
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

    /// Of each state under way those that changed last, and those that were merged last.
    pub async fn list_board(&self, call: &Call) -> Result<Board, No> {
        let mut tx = self.read(call).await?;
        let mut pulls = store::pull::board::newest(&mut tx, OF_STATE_MAX).await?;
        let counts = store::pull::board::count(&mut tx).await?;
        pulls.extend(store::pull::list(&mut tx, Some(State::Merged), (i64::MAX, ""), MERGED_SHOWN).await?);
        Ok(Board { pulls, counts, cap: self.rules().caps.pull })
    }

    /// Those of one gap, the last first.
    pub async fn list_pulls_of_gap(&self, call: &Call, gap: &Key, limit: i64) -> Result<Vec<Stored>, No> {
        let mut tx = self.read(call).await?;
        Ok(store::pull::of_gap(&mut tx, gap, limit).await?)
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
        let repo = self.rules().repo.clone();
        let pull = match (meant(&mut tx, repo.as_deref(), text).await, revert(&mut tx, repo.as_deref(), text).await?) {
            (Ok(stored), _) => stored.pull,
            (Err(_), Some(revert)) => return self.difference_of_revert(&revert, repo.unwrap_or_default()).await,
            (Err(no), None) => return Err(no),
        };
        drop(tx);
        let Some(change) = &pull.change else {
            return Err(Refusal::new(Code::WrongState, "nothing was handed in for it yet")
                .hint("see how it stands: gapwright pulls show")
                .into());
        };
        let (text, complete) = self.difference(&pull, SHOWN_BYTES_MAX).await?;
        let (base, head) = (change.base.clone(), change.head.clone());
        let (id, number) = (Some(pull.id), pull.there.number);
        Ok(Difference { id, repo: pull.repo, takes_back: None, number, base, head, text, complete })
    }

    /// What a pull request of ours would change that takes another back: our own git has its commit.
    async fn difference_of_revert(&self, revert: &Revert, repo: String) -> Result<Difference, No> {
        let (_, broker) = self.broker()?;
        let gone = || Refusal::new(Code::WrongState, "nobody can tell any more what it takes back");
        let head = broker.pushed(&read::branch(&revert.branch)?).await.map_err(read::trouble)?.ok_or_else(gone)?;
        let base = broker.reverted_on(&head).await.map_err(read::trouble)?.ok_or_else(gone)?;
        let diff = broker.diff(&base, &head, SHOWN_BYTES_MAX).await.map_err(read::trouble)?;
        let (base, head) = (base.as_str().to_owned(), head.as_str().to_owned());
        let takes_back = Some(revert.pull.clone());
        Ok(Difference {
            id: None,
            repo,
            takes_back,
            number: revert.number,
            base,
            head,
            text: diff.text,
            complete: diff.complete,
        })
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

/// What takes a merge back, where this is the number of its pull request.
async fn revert(tx: &mut store::Tx, repo: Option<&str>, text: &str) -> Result<Option<Revert>, No> {
    match (text.trim_start_matches('#').parse(), repo) {
        (Ok(number), Some(repo)) => Ok(store::automerge::revert_numbered(tx, repo, number).await?),
        (Ok(_), None) | (Err(_), _) => Ok(None),
    }
}
