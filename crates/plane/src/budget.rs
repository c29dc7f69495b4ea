//! Budgets, asked for and reported on by whoever works: what may still be spent, and what was.

use domain::agent::Right;
use domain::budget::{self, Amount, Caps};
use domain::id;
use domain::pull::Pull;
use futures::FutureExt;
use serde_json::json;
use store::spend;

use crate::desk::Desk;
use crate::pull::{book, of_claim};
use crate::{Call, No, Plane};

/// What may still be spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// By this run.
    pub run: Amount,
    /// On this pull request, this run's part included.
    pub pull: Amount,
    /// Today, by everybody, this run's part included.
    pub day: Amount,
    /// How many rounds of revision are left.
    pub iterations: i64,
    /// How many files a change may touch.
    pub files: i64,
    /// How many lines a change may add and take away.
    pub lines: i64,
}

impl Plane {
    /// What a claim may still spend.
    pub async fn my_budget(&self, call: &Call, claim_id: &str) -> Result<Budget, No> {
        call.by.require(Right::Work, call.tool)?;
        let claim_id = id::opaque("claim_id", claim_id)?;
        self.at_desk(call.clone(), move |desk| left(desk, claim_id.clone()).boxed()).await
    }

    /// Takes in what a run has spent in all so far, as whoever meters it says. It never becomes less.
    pub async fn report_usage(
        &self,
        call: &Call,
        claim_id: &str,
        tokens: Option<i64>,
        micro_usd: Option<i64>,
    ) -> Result<Budget, No> {
        let claim_id = id::opaque("claim_id", claim_id)?;
        let tokens = tokens.map(|amount| budget::spent("tokens", amount)).transpose()?;
        let micro_usd = micro_usd.map(|amount| budget::spent("micro_usd", amount)).transpose()?;
        let claim = claim_id.clone();
        self.write(call, Right::Work, move |desk| report(desk, claim.clone(), tokens, micro_usd).boxed()).await?;
        self.my_budget(call, &claim_id).await
    }
}

async fn left(desk: &mut Desk<'_>, claim_id: String) -> Result<Budget, No> {
    let (_, stored) = of_claim(desk, &claim_id).await?;
    let row = spend::find(desk.tx, &claim_id).await?.ok_or(store::Fault::Conflict)?;
    let day = spend::booked_so_far(desk.tx, row.day).await?;
    Ok(told(&desk.rules.caps, &stored.pull, row.spend, day))
}

fn told(caps: &Caps, pull: &Pull, spend: budget::Spend, day: Amount) -> Budget {
    let own = spend.left();
    Budget {
        run: own,
        pull: caps.pull.less(pull.booked).plus(own),
        day: caps.day.less(day).plus(own),
        iterations: (caps.iterations - pull.iteration).max(0),
        files: caps.files,
        lines: caps.lines,
    }
}

async fn report(
    desk: &mut Desk<'_>,
    claim_id: String,
    tokens: Option<i64>,
    micro_usd: Option<i64>,
) -> Result<(), No> {
    let (_, stored) = of_claim(desk, &claim_id).await?;
    let row = spend::load(desk.tx, &claim_id).await?.ok_or(store::Fault::Conflict)?;
    let now = row.spend.reported(tokens, micro_usd);
    spend::write(desk.tx, &claim_id, now).await?;
    let more = now.booked().minus(row.spend.booked());
    book(desk, &stored, row.day, more).await?;
    let shown = |spend: budget::Spend| json!({"tokens": spend.tokens, "micro_usd": spend.micro_usd});
    desk.record(format!("spend:{claim_id}"), &shown(row.spend), &shown(now)).await
}
