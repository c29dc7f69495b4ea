//! Keeps a figure of how things stand, once a minute: what small curves are drawn from.

use domain::budget;
use domain::time::{Span, Time};
use futures::FutureExt;
use store::figure;

use crate::{No, Plane};

/// How long a slot is, in milliseconds.
pub(crate) const SLOT_MS: i64 = 60_000;

impl Plane {
    /// Keeps the figure of the slot that ended last, where nobody has yet.
    pub async fn tend_figures(&self) -> Result<(), No> {
        let mut tx = self.store.read().await?;
        let now = tx.now();
        let end = Time(now.0 / SLOT_MS * SLOT_MS);
        if figure::latest(&mut tx).await?.is_some_and(|latest| latest.at >= end.0) {
            return Ok(());
        }
        let measured = figure::measure(&mut tx, now - Span(SLOT_MS)).await?;
        let booked = store::spend::booked_so_far(&mut tx, budget::day(now)).await?;
        drop(tx);
        let figure = figure::Figure { at: end.0, micro_usd: booked.micro_usd, ..measured };
        self.act.act(move |tx| async move { Ok(figure::add(tx, &figure).await?) }.boxed()).await
    }
}
