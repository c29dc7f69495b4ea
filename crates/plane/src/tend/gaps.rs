//! Keeps the registry in order: compares the names of new gaps with all others, and counts anew what gaps block, for jobs
//! come, go and change their priority.

use domain::gap::Key;
use domain::gap::near::{PROPOSALS_MAX, likeness};
use domain::time::Span;
use futures::FutureExt;
use store::gap::likeness::propose;

use crate::desk::Desk;
use crate::tend::own;
use crate::{No, Plane};

/// How many names are read at once.
const NAMES_AT_ONCE: i64 = 5_000;

/// How many new gaps one pass compares, so that a flood of them keeps nothing else waiting.
const COMPARED_AT_ONCE: i64 = 20;

/// How many gaps one pass counts anew.
const COUNTED_AT_ONCE: i64 = 50;

/// How long a count is taken for true.
const COUNT_KEPT: Span = Span::mins(15);

impl Plane {
    /// One pass; gives how many proposals are new.
    pub async fn tend_gaps(&self) -> Result<i64, No> {
        let mut tx = self.store.read().await?;
        let (now, new) = (tx.now(), store::gap::uncompared(&mut tx, COMPARED_AT_ONCE).await?);
        let stale = store::gap::uncounted(&mut tx, now - COUNT_KEPT, COUNTED_AT_ONCE).await?;
        drop(tx);
        for key in stale {
            self.count_anew(key).await?;
        }
        if new.is_empty() {
            return Ok(0);
        }
        let all = self.names().await?;
        let mut proposed = 0;
        for key in new {
            let mut alike: Vec<_> = all
                .iter()
                .filter_map(|other| {
                    Some((likeness((&key.kind, &key.name), (&other.kind, &other.name))?, other.clone()))
                })
                .collect();
            alike.sort_by_key(|(likeness, other)| (-likeness.score, other.clone()));
            alike.truncate(PROPOSALS_MAX);
            let done = self.act.act(move |tx| {
                let (key, alike) = (key.clone(), alike.clone());
                async move {
                    let mut new = 0;
                    for (likeness, other) in &alike {
                        new += i64::from(propose(tx, &key, other, likeness).await?);
                    }
                    store::gap::compared(tx, &key).await?;
                    Ok(new)
                }
                .boxed()
            });
            proposed += done.await?;
        }
        Ok(proposed)
    }

    /// The names of every gap that stands for itself.
    async fn names(&self) -> Result<Vec<Key>, No> {
        let mut all = Vec::new();
        loop {
            let after = all.last().map(Key::to_string).unwrap_or_default();
            let mut tx = self.store.read().await?;
            let page = store::gap::names(&mut tx, &after, NAMES_AT_ONCE).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    async fn count_anew(&self, key: Key) -> Result<(), No> {
        let (chance, rules) = (self.chance.clone(), self.rules());
        self.act
            .act(move |tx| {
                let (key, chance, rules) = (key.clone(), chance.clone(), std::sync::Arc::clone(&rules));
                async move {
                    let now = tx.now();
                    let mut desk = Desk { tx, now, call: own("count-gaps"), chance, rules };
                    let Some(was) = store::gap::load(desk.tx, &key).await? else { return Ok(()) };
                    let mut gap = was.gap.clone();
                    crate::gap::count(&mut desk, &mut gap).await?;
                    // Also where the rank was written by another program, whose rule was another.
                    if gap != was.gap || !was.ranks_by_the_rule() {
                        store::gap::write(desk.tx, &was, &gap).await?;
                    }
                    Ok(store::gap::counted(desk.tx, &key).await?)
                }
                .boxed()
            })
            .await
    }
}
