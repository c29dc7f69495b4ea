//! Keeps a figure of how things stand, once a minute: what small curves are drawn from.

use domain::budget;
use domain::time::{Span, Time};
use futures::FutureExt;
use store::figure;

use crate::{No, Plane};

/// How long a slot is, in milliseconds.
pub(crate) const SLOT_MS: i64 = 60_000;

/// How late a figure may come and still have all that ended since the one before.
const LATE_MAX: Span = Span::mins(5);

impl Plane {
    /// Keeps the figure of the slot that ended last, where nobody has yet.
    pub async fn tend_figures(&self) -> Result<(), No> {
        let mut tx = self.store.read().await?;
        let now = tx.now();
        let end = Time(now.0 / SLOT_MS * SLOT_MS);
        let latest = figure::latest(&mut tx).await?.map_or(end - Span(SLOT_MS), |latest| Time(latest.at));
        if latest >= end {
            return Ok(());
        }
        // What ended while nobody kept figures is nobody's, unless that was not long.
        let since = latest.max(end - LATE_MAX);
        let measured = figure::measure(&mut tx, since, end).await?;
        let booked = store::spend::booked_so_far(&mut tx, budget::day(now)).await?;
        drop(tx);
        let figure = figure::Figure { micro_usd: booked.micro_usd, ..measured };
        self.act.act(move |tx| async move { Ok(figure::add(tx, &figure).await?) }.boxed()).await
    }
}
