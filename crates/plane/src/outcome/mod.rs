//! What became of pull requests: found out once they have ended, looked at again until their soak is over, and written down as
//! evidence. Nothing here is ever changed: a correction is a row of its own.

mod list;
mod read;

use domain::gap::Event as GapEvent;
use domain::gate::{APART_MAX, Stratum};
use domain::notice::Level;
use domain::outcome::{Again, Evidence, Hand, Looked, Outcome, Weight, classify, weigh};
use domain::pull::history::History;
use domain::pull::{Pull, State};
use domain::time::{Span, TIME_MAX, Time};
use forge::broker::Undone;
use futures::FutureExt;
use serde_json::json;
use store::outcome::Found;
use store::pull::Stored;
use store::seeded::bug;

use crate::desk::Desk;
use crate::gate::Back;
use crate::mirror::{Failed, Home};
use crate::pull::{name, tell_once};
use crate::tend::own;
use crate::{No, Plane};

pub(crate) use list::counts;
pub use list::{Counts, Missed};
pub(crate) use read::{broker, checks, merged};

/// How many are looked at in one pass.
const AT_ONCE: i64 = 10;

/// How long whoever looks at one keeps others away.
const LEASE: Span = Span::mins(5);

/// How often one is looked at again that nothing presses for.
const AGAIN: Span = Span::hours(1);

/// How soon one is tried again of which not everything could be read, and after how long it is unknown.
const RETRY: Span = Span::mins(1);
const GIVEN_UP: Span = Span::hours(1);

/// For how long after a base had a merge one that has it not may be one that lags behind.
const LAGS: Span = Span::mins(10);

/// What was found of one that ended.
pub(crate) struct Ended {
    pub(crate) evidence: Evidence,
    /// Whether everything was read that the forge and git could tell.
    pub(crate) whole: bool,
}

/// What one more look at a merge tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// How it stands.
    Told,
    /// That nobody can tell.
    Untold,
    /// Nothing yet.
    Early,
}

impl Plane {
    /// One pass over the pull requests that ended.
    pub async fn tend_outcomes(&self) -> Result<(), No> {
        let Some(home) = self.settings.home.clone().filter(|home| home.broker.is_some()) else { return Ok(()) };
        match self.settle_all(&home).await {
            Ok(()) | Err(Failed::Rests(_)) => Ok(()),
            Err(Failed::No(no)) => Err(no),
            Err(Failed::Forge(fault)) => {
                tracing::warn!(%fault, repo = home.repo, "outcomes could not be read; they are tried again");
                Ok(())
            }
        }
    }

    async fn settle_all(&self, home: &Home) -> Result<(), Failed> {
        if !self.may_reach_out(home).await? {
            return Ok(());
        }
        // What presses most comes first.
        self.settle_sending(home).await?;
        self.take_back(home).await?;
        let (repo, until) = (home.repo.clone(), self.moment().await? + LEASE);
        let taken = self.act.act(move |tx| {
            let repo = repo.clone();
            async move { Ok(store::pull::to_settle(tx, &repo, until, AT_ONCE).await?) }.boxed()
        });
        for id in taken.await? {
            let (at, seen) = match self.settle_one(home, &id).await {
                Ok(looked) => looked,
                Err(Failed::No(no @ No::Fault(_))) => return Err(no.into()),
                Err(failed) => {
                    tracing::warn!(pull = id, %failed, "what became of a pull request could not be read");
                    (self.moment().await? + RETRY, None)
                }
            };
            let done = self.act.act(move |tx| {
                let id = id.clone();
                async move { Ok(store::pull::settled_until(tx, &id, (until, at), seen).await?) }.boxed()
            });
            done.await?;
        }
        self.take_back(home).await
    }

    /// Finds out what became of one; gives when it is looked at again, and the moment at which it is known how it stands.
    async fn settle_one(&self, home: &Home, id: &str) -> Result<(Time, Option<Time>), Failed> {
        let mut tx = self.store.read().await?;
        let now = tx.now();
        let stored = store::pull::find(&mut tx, id).await?;
        let latest = store::outcome::latest(&mut tx, id).await?;
        let auto = store::automerge::of(&mut tx, id).await?;
        let back = store::automerge::revert_of(&mut tx, id).await?;
        drop(tx);
        let Some(stored) = stored else { return Ok((TIME_MAX, None)) };
        let ended = stored.pull.changed_at;
        let known = latest.filter(|found| is_of_end(found, &stored.pull));
        let found = if let Some(found) = known {
            found
        } else {
            let read = self.read_end(home, &stored).await?;
            if !read.whole && now.since(ended) < GIVEN_UP {
                return Ok((now + RETRY, None));
            }
            let found = self.write_outcome(&stored, read.evidence).await?;
            tracing::info!(
                pull = id,
                outcome = found.outcome,
                why = found.why,
                "what became of a pull request is known"
            );
            found
        };
        // One that is written down late may have been taken back long ago.
        let sight = self.see_again(home, &stored, &found).await?;
        if sight == Sight::Early {
            return Ok((now + RETRY, None));
        }
        if let Some(back) = &back {
            self.see_revert(home, &stored.pull, back).await?;
        }
        let seen = (sight == Sight::Told && self.in_step(home).await?).then_some(now);
        let looked = Looked {
            stands: stored.pull.state == State::Merged && found.outcome != Outcome::Reverted.name(),
            merged: stored.pull.state == State::Merged,
            auto: auto.filter(|auto| auto.state == "merged").map(|_| now.since(ended)),
            back: back.map(|back| (back.taking_back(Some(&found)), now.since(Time(back.at)))),
            counts: sight == Sight::Untold || seen.is_some(),
            age: now.since(Time(found.ended_at)),
        };
        let again = match looked.again(self.settings.rules.gate.soak) {
            Again::Soon => now + home.poll,
            Again::Later => now + AGAIN,
            Again::Never => TIME_MAX,
        };
        Ok((again, seen))
    }

    /// Looks whether what was merged was taken back, or went wrong on the base.
    async fn see_again(&self, home: &Home, stored: &Stored, found: &Found) -> Result<Sight, Failed> {
        let over = found.outcome == Outcome::Reverted.name() || bug("revert-unseen");
        if stored.pull.state != State::Merged || over {
            return Ok(Sight::Told);
        }
        match self.undone(home, stored, found).await? {
            Undone::Standing => self.check_base(home, stored, found).await?,
            Undone::Unknown => {
                self.check_base(home, stored, found).await?;
                if self.may_lag(&stored.pull).await? {
                    return Ok(Sight::Early);
                }
                self.not_known(stored).await?;
                return Ok(Sight::Untold);
            }
            Undone::By(commit) => {
                let why = format!("{} took it back", commit.as_str());
                self.reverted(stored, &why).await?;
            }
            Undone::Gone => self.reverted(stored, "nothing of it is left on the base").await?,
        }
        Ok(Sight::Told)
    }

    /// Whether the forge's clock shows the same as ours: else nobody can tell how old anything is.
    async fn in_step(&self, home: &Home) -> Result<bool, No> {
        if bug("seen-by-any-clock") {
            return Ok(true);
        }
        let is = async || Ok::<_, No>(home.forge.apart(self.moment().await?).is_some_and(|apart| apart <= APART_MAX));
        if is().await? {
            return Ok(true);
        }
        // What it last said may be long ago.
        Ok(home.forge.repository().await.is_ok() && is().await?)
    }

    /// Whether a base that does not have a merge may be one that lags behind: it had it a moment ago.
    async fn may_lag(&self, pull: &Pull) -> Result<bool, No> {
        let mut tx = self.store.read().await?;
        let (now, seen) = (tx.now(), store::pull::settled_at(&mut tx, &pull.id).await?);
        Ok(now.since(seen.max(pull.changed_at)) < LAGS && !bug("lag-counts"))
    }

    /// Nobody can tell any more whether it still stands: it is no evidence then.
    async fn not_known(&self, stored: &Stored) -> Result<(), Failed> {
        let pull = stored.pull.clone();
        let done = self.at_desk(own("outcomes"), move |desk| {
            let pull = pull.clone();
            async move {
                // What was found meanwhile may have corrected it.
                let latest = store::outcome::latest(desk.tx, &pull.id).await?;
                let Some(found) = latest.filter(|found| found.outcome != Outcome::Unknown.name()) else {
                    return Ok(());
                };
                let row = Found {
                    id: desk.mint(),
                    seq: found.seq + 1,
                    outcome: Outcome::Unknown.name().to_owned(),
                    weight: if bug("bad-is-lost") { Weight::Unknown } else { found.weight()?.lost() }.name().to_owned(),
                    at: desk.now.0,
                    why:
                        "nobody can tell any more whether it stands: the base does not have it, or too much came since"
                            .to_owned(),
                    ..found
                };
                written(desk, &pull, &row).await?;
                // What we merged and nobody can find counts against it.
                crate::gate::went_wrong(desk, &pull, &row.why, Back::Done).await
            }
            .boxed()
        });
        Ok(done.await?)
    }

    async fn reverted(&self, stored: &Stored, why: &str) -> Result<(), Failed> {
        let (pull, why) = (stored.pull.clone(), why.to_owned());
        let done = self.at_desk(own("outcomes"), move |desk| {
            let (pull, why) = (pull.clone(), why.clone());
            async move {
                let latest = store::outcome::latest(desk.tx, &pull.id).await?;
                let Some(found) = latest.filter(|found| found.outcome != Outcome::Reverted.name()) else {
                    return Ok(());
                };
                let now = desk.now.0;
                let (seq, id) = (found.seq + 1, desk.mint());
                let row = Found {
                    id,
                    seq,
                    outcome: Outcome::Reverted.name().to_owned(),
                    weight: Weight::Bad.name().to_owned(),
                    // From now on, so that no row that was begun since then goes on over it.
                    ended_at: now,
                    at: now,
                    why: why.clone(),
                    ..found
                };
                written(desk, &pull, &row).await?;
                // What closed the gap is gone.
                let reason = format!("what closed it was taken back: {why}");
                crate::gap::taken_in(desk, &pull.gap, GapEvent::Reopened, &reason).await?;
                crate::gate::went_wrong(desk, &pull, &why, Back::Done).await
            }
            .boxed()
        });
        Ok(done.await?)
    }

    /// Writes down what became of one.
    async fn write_outcome(&self, stored: &Stored, evidence: Evidence) -> Result<Found, No> {
        let pull = stored.pull.clone();
        self.at_desk(own("outcomes"), move |desk| {
            let (pull, evidence) = (pull.clone(), evidence.clone());
            async move {
                let seq = store::outcome::latest(desk.tx, &pull.id).await?.map_or(1, |found| found.seq + 1);
                let stratum = stratum_of(desk.tx, &pull).await?;
                if let Some(stratum) = &stratum {
                    store::gate::keep_stratum(desk.tx, stratum).await?;
                }
                let (outcome, why) = classify(&evidence);
                let (weight, reason) = weigh(&evidence, outcome);
                let row = Found {
                    id: desk.mint(),
                    pull: pull.id.clone(),
                    seq,
                    outcome: outcome.name().to_owned(),
                    weight: weight.name().to_owned(),
                    stratum: stratum.as_ref().map(Stratum::id).unwrap_or_default(),
                    repo: pull.repo.clone(),
                    gap_kind: pull.gap.kind.clone(),
                    // One that the forge says came later is as old as that.
                    ended_at: evidence.ended_at.map_or(pull.changed_at, |ended| ended.max(pull.changed_at)).0,
                    at: desk.now.0,
                    by: evidence.login.clone().unwrap_or_default(),
                    why: format!("{why}; {reason}"),
                    evidence: json!(evidence).to_string(),
                };
                written(desk, &pull, &row).await?;
                if evidence.by == Hand::Us && outcome != Outcome::Unchanged {
                    // What we merged is not what was judged, or nobody can tell.
                    let back = if outcome == Outcome::Unknown { Back::Done } else { Back::Wanted };
                    crate::gate::went_wrong(desk, &pull, &row.why, back).await?;
                }
                Ok(row)
            }
            .boxed()
        })
        .await
    }
}

/// Appends an outcome, audited; that one was taken back is told.
async fn written(desk: &mut Desk<'_>, pull: &Pull, row: &Found) -> Result<(), No> {
    store::outcome::append(desk.tx, row).await?;
    let after = json!({"outcome": row.outcome, "weight": row.weight, "why": row.why, "stratum": row.stratum});
    desk.record(format!("outcome:{}", row.pull), &(), &after).await?;
    if row.outcome == Outcome::Reverted.name() {
        let text = format!("{} was taken back: {}", name(pull), row.why);
        let subject = format!("pull:{}", pull.id);
        tell_once(desk, &subject, &format!("reverted.{}", row.seq), Level::Warn, text, None).await?;
    }
    Ok(())
}

/// Corrects what one that merged by itself is to the gate: it may stand, and went wrong all the same.
pub(crate) async fn spoiled(desk: &mut Desk<'_>, pull: &Pull, why: &str) -> Result<(), No> {
    let Some(found) = store::outcome::latest(desk.tx, &pull.id).await? else { return Ok(()) };
    let (was, weight) = (found.weight()?, found.weight()?.spoiled());
    if was == weight || bug("wrong-stays-auto") {
        return Ok(());
    }
    let row = Found {
        id: desk.mint(),
        seq: found.seq + 1,
        weight: weight.name().to_owned(),
        at: desk.now.0,
        why: format!("it went wrong: {why}"),
        ..found
    };
    written(desk, pull, &row).await
}

/// Whether an outcome is of this end of its pull request, or of one that was taken back: that holds whatever comes.
fn is_of_end(found: &Found, pull: &Pull) -> bool {
    if found.outcome == Outcome::Reverted.name() {
        return true;
    }
    let written = Time(found.ended_at);
    let Ok(evidence) = found.evidence() else { return written >= pull.changed_at };
    evidence.is_of(pull.state == State::Merged, pull.changed_at, written)
}

/// The history of a pull request.
pub(crate) async fn history(tx: &mut store::Tx, pull: &str) -> Result<History, No> {
    Ok(store::pull::history::of(tx, pull, &own("outcomes").by.name).await?)
}

/// What a pull request is evidence for.
pub(crate) async fn stratum_of(tx: &mut store::Tx, pull: &Pull) -> Result<Option<Stratum>, No> {
    let Some(change) = &pull.change else { return Ok(None) };
    Ok(history(tx, &pull.id).await?.stratum(&pull.repo, &pull.gap, &change.risk))
}
