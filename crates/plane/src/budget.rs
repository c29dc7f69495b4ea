//! Budgets, asked for and reported on by whoever works: what may still be spent, and what was.

use std::collections::BTreeSet;

use domain::agent::Right;
use domain::budget::{self, Amount, Caps};
use domain::id;
use domain::pull::{Pull, Stage};
use domain::refusal::{Code, Refusal};
use domain::time::{Span, Time};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::pull::Stored;
use store::spend;

use crate::desk::Desk;
use crate::pull::{barred, book, exceeded, is_turn, of_claim, within_budget};
use crate::{Call, No, Plane};

/// What may still be spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// What is booked on the present day, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Today {
    /// The day: its first moment, midnight UTC.
    pub since: Time,
    /// What may be spent.
    pub caps: Caps,
    /// What is booked, by everybody.
    pub booked: Amount,
    /// How many runs each stage had, and what is booked for them.
    pub stages: Vec<(Stage, i64, Amount)>,
    /// The pull requests that had runs, with how many and what is booked for them today.
    pub pulls: Vec<(Pull, i64, Amount)>,
    /// False when there were more runs than are read, which are in neither list.
    pub complete: bool,
}

/// How many runs of a day are read: far more than a budget lets begin.
const RUNS_MAX: i64 = 2_000;

/// For how long after a claim ended it may still be said what its run spent.
const LATE_MAX: Span = Span::hours(1);

impl Plane {
    /// What is booked today, by stage and by pull request.
    pub async fn show_budget(&self, call: &Call) -> Result<Today, No> {
        let mut tx = self.read(call).await?;
        let day = budget::day(tx.now());
        let booked = spend::booked_so_far(&mut tx, day).await?;
        let mut runs = spend::on(&mut tx, day, RUNS_MAX + 1).await?;
        let most = usize::try_from(RUNS_MAX).unwrap_or(usize::MAX);
        let complete = runs.len() <= most;
        runs.truncate(most);
        let sum = |of: &dyn Fn(&&spend::Row) -> bool| {
            let mine = runs.iter().filter(of);
            mine.fold((0, Amount::ZERO), |(count, sum), row| (count + 1, sum.plus(row.spend.booked())))
        };
        let stages = Stage::ALL.into_iter().map(|stage| {
            let (count, amount) = sum(&|row| row.stage == stage);
            (stage, count, amount)
        });
        let stages = stages.collect();
        let ids: BTreeSet<_> = runs.iter().map(|row| row.pull.as_str()).collect();
        let mut pulls = Vec::new();
        for id in ids {
            let (count, amount) = sum(&|row| row.pull == id);
            if let Some(stored) = store::pull::find(&mut tx, id).await? {
                pulls.push((stored.pull, count, amount));
            }
        }
        pulls.sort_by(|a, b| (b.2.micro_usd, b.2.tokens, &a.0.id).cmp(&(a.2.micro_usd, a.2.tokens, &b.0.id)));
        let since = Time(day.saturating_mul(Span::days(1).0));
        Ok(Today { since, caps: self.rules().caps.clone(), booked, stages, pulls, complete })
    }

    /// What a claim may still spend.
    pub async fn my_budget(&self, call: &Call, claim_id: &str) -> Result<Budget, No> {
        call.by.require(Right::Work, call.tool)?;
        let claim_id = id::opaque("claim_id", claim_id)?;
        self.at_desk(call.clone(), move |desk| left(desk, claim_id.clone()).boxed()).await
    }

    /// Takes in what a run has spent in all so far, as whoever meters it says. It never becomes less. For an hour after the
    /// claim ended, whoever held it may still say: an agent that hands in ends its claim before anybody knows all of it.
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
        self.write(call, Right::Work, move |desk| report(desk, claim_id.clone(), tokens, micro_usd).boxed()).await
    }
}

/// What a run may still spend: refused where it is not its turn any more, nothing is left, or nothing of it may be pushed.
async fn left(desk: &mut Desk<'_>, claim_id: String) -> Result<Budget, No> {
    let (job, stored) = of_claim(desk, &claim_id).await?;
    is_turn(&job, &stored)?;
    within_budget(desk, &claim_id).await?;
    if let Some(stage) = stored.pull.state.stage().filter(|stage| *stage == Stage::Implementer)
        && let Some(refusal) = barred(desk, &stored.pull, stage).await?
    {
        return Err(refusal.into());
    }
    let row = spend::find(desk.tx, &claim_id).await?.ok_or(store::Fault::Conflict)?;
    let day = spend::booked_so_far(desk.tx, row.day).await?;
    Ok(told(&desk.rules.caps, &stored.pull, row.spend, day))
}

fn told(caps: &Caps, pull: &Pull, spend: budget::Spend, day: Amount) -> Budget {
    let own = spend.left();
    Budget {
        run: own,
        pull: caps.of_pull(pull.epoch).less(pull.booked).plus(own),
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
) -> Result<Budget, No> {
    let (stored, is_late) = match of_claim(desk, &claim_id).await {
        Ok((_, stored)) => (stored, false),
        Err(No::Refusal(refusal)) if refusal.code == Code::StaleClaim => (late(desk, &claim_id, refusal).await?, true),
        Err(no) => return Err(no),
    };
    let row = spend::load(desk.tx, &claim_id).await?.ok_or(store::Fault::Conflict)?;
    let now = row.spend.reported(tokens, micro_usd);
    spend::write(desk.tx, &claim_id, now).await?;
    let more = now.booked().minus(row.spend.booked());
    let mut stored = book(desk, &stored, row.day, more).await?;
    if is_late && now.is_excess() && !row.spend.is_excess() {
        stored = exceeded(desk, stored).await?;
    }
    let shown = |spend: budget::Spend| json!({"tokens": spend.tokens, "micro_usd": spend.micro_usd});
    desk.record(format!("spend:{claim_id}"), &shown(row.spend), &shown(now)).await?;
    let day = spend::booked_so_far(desk.tx, row.day).await?;
    Ok(told(&desk.rules.caps, &stored.pull, now, day))
}

/// The pull request of a claim that ended not long ago and was the caller's.
async fn late(desk: &mut Desk<'_>, claim_id: &str, refusal: Refusal) -> Result<Stored, No> {
    let run = store::run::find(desk.tx, claim_id).await?;
    let row = spend::find(desk.tx, claim_id).await?;
    match (run, row) {
        (Some(run), Some(row)) if run.principal == desk.call.by.name && desk.now.since(run.ended_at) < LATE_MAX => {
            Ok(store::pull::load(desk.tx, &row.pull).await?.ok_or(store::Fault::Conflict)?)
        }
        (Some(_) | None, _) => Err(refusal.into()),
    }
}
