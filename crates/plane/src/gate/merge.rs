//! Merging by itself: judged, written down, everything read anew and judged again, and then asked of the forge once, with the
//! commit that was approved. How it ended is settled by reading.

use domain::fence;
use domain::gap::Key;
use domain::gate::{Candidate, Judgement, Record, Word};
use domain::notice::Level as Tone;
use domain::outcome::Answer;
use domain::pace;
use domain::pull::State;
use domain::time::{Span, Time};
use forge::{AccountKind, Fault, PullState};
use futures::FutureExt;
use serde_json::json;
use store::Tx;
use store::automerge::Automerge;
use store::gate::Judged;
use store::pull::Stored;
use store::seeded::bug;

use super::tell::{base_told, closed_told};
use crate::desk::Desk;
use crate::lock::{Acquired, acquire, release};
use crate::mirror::{Failed, Home, Let};
use crate::outcome::stratum_of;
use crate::pull::{name, tell_once};
use crate::settings::Rules;
use crate::tend::own;
use crate::{No, Plane};

/// How long a judgement stands that nothing new has come to: many hints at once are one.
const STANDS: Span = Span::mins(1);

/// For how long the lock of a pull request is taken.
const LOCK: Span = Span::mins(10);

/// How long after it was sent one is settled by reading, where nobody heard how it ended.
const SETTLE: Span = Span::mins(2);

/// How long what was not merged though it was to be is left at most.
const REST_MAX: Span = Span::mins(15);

/// How many that were sent are settled in one pass.
const SENDING_MAX: i64 = 20;

/// After how many times it is told that the forge does not do it.
const TOLD_AFTER: i64 = 5;

/// A judgement, and what it stands on.
#[derive(Debug, Clone)]
struct Weighed {
    id: String,
    record: Record,
    judgement: Judgement,
}

impl Plane {
    /// Brings a pull request that waits for a person to the gate, and merges it if that lets it by. True when it was merged.
    pub(crate) async fn consider(&self, home: &Home, stored: &Stored) -> Result<bool, Failed> {
        if stored.pull.state != State::NeedsHuman
            || !self.settle_sent(home, stored).await?
            || !self.is_due(stored).await?
        {
            return Ok(false);
        }
        let weighed = self.weigh(home, stored).await?;
        if weighed.judgement.word != Word::Merge {
            return Ok(false);
        }
        let Some((merge, lock)) = self.begin_merge(stored, &weighed).await? else { return Ok(false) };
        let done = self.merge_once(home, stored, (&merge, &lock)).await;
        let id = lock.clone();
        let freed = self.at_desk(own("gate"), move |desk| {
            let id = id.clone();
            async move { release(desk, id).await.map(drop) }.boxed()
        });
        freed.await?;
        done
    }

    /// Whether it is to be judged anew: at another head, after a word of an operator, or after a while.
    async fn is_due(&self, stored: &Stored) -> Result<bool, No> {
        let mut tx = self.store.read().await?;
        let (level, change) = store::level::current(&mut tx).await?;
        if !super::judges(level) {
            return Ok(false);
        }
        // What the forge would not do it is not asked for again and again.
        let (times, at) =
            store::automerge::dropped(&mut tx, &stored.pull.id, stored.pull.head().unwrap_or_default()).await?;
        if at.is_some_and(|at| is_within(at, tx.now(), pace::rest(times, REST_MAX))) {
            return Ok(false);
        }
        let Some(last) = store::gate::latest(&mut tx, &stored.pull.id).await? else { return Ok(true) };
        let said = store::gate::said(&mut tx, &last.stratum).await?.map_or(0, |said| said.at);
        let news = said.max(change.map_or(0, |change| change.at)).max(stored.pull.changed_at.0);
        let stands = is_within(Time(last.at), tx.now(), STANDS);
        Ok(Some(last.head.as_str()) != stored.pull.head() || news > last.at || !stands)
    }

    /// Reads everything anew and judges it. The judgement is kept where it is another than before.
    async fn weigh(&self, home: &Home, stored: &Stored) -> Result<Weighed, Failed> {
        let pull = stored.pull.id.clone();
        let draw = self.at_desk(own("gate"), move |desk| {
            let pull = pull.clone();
            async move { super::draw(desk, &pull).await }.boxed()
        });
        let candidate = self.candidate(home, stored, draw.await?).await?;
        let id = stored.pull.id.clone();
        let weighed = self.at_desk(own("gate"), move |desk| {
            let (id, candidate) = (id.clone(), candidate.clone());
            async move { judged(desk, &id, candidate).await }.boxed()
        });
        Ok(weighed.await?)
    }

    /// Writes down that it is about to be merged, under its lock; none where somebody has that, or another is in flight.
    async fn begin_merge(&self, stored: &Stored, weighed: &Weighed) -> Result<Option<(Automerge, String)>, No> {
        let (pull, weighed) = (stored.pull.clone(), weighed.clone());
        self.at_desk(own("gate"), move |desk| {
            let (pull, weighed) = (pull.clone(), weighed.clone());
            async move {
                let judged = weighed.record.candidate.as_ref();
                let judged = judged.and_then(|judged| Some((judged.onto.clone()?, judged.ours.clone()?)));
                let (Some(number), Some((onto, head))) = (pull.there.number, judged) else { return Ok(None) };
                let merge = Automerge {
                    id: desk.mint(),
                    pull: pull.id.clone(),
                    repo: pull.repo.clone(),
                    onto,
                    head,
                    stratum: stratum_id(&weighed.record),
                    record: weighed.id.clone(),
                    state: "sending".to_owned(),
                    at: desk.now.0,
                    bad: 0,
                    why: String::new(),
                };
                let ttl = fence::bounded(LOCK)?;
                let lock = match acquire(desk, format!("pr-fix-{number}"), "the gate".to_owned(), ttl).await? {
                    Acquired::Granted(lock) => lock.lock_id,
                    Acquired::Held { .. } => {
                        let text = format!("{} is to merge by itself, and somebody holds pr-fix-{number}", name(&pull));
                        let kind = format!("held.{}", merge.head);
                        tell_once(desk, &format!("pull:{}", pull.id), &kind, Tone::Warn, text, None).await?;
                        return Ok(None);
                    }
                };
                if !store::automerge::begin(desk.tx, &merge).await? {
                    release(desk, lock).await.map(drop)?;
                    return Ok(None);
                }
                let after = json!({"automerge": merge.id, "head": merge.head, "record": merge.record});
                desk.record(format!("pull:{}", pull.id), &(), &after).await?;
                Ok(Some((merge, lock)))
            }
            .boxed()
        })
        .await
    }

    /// Reads and judges everything once more, and asks the forge once.
    async fn merge_once(
        &self,
        home: &Home,
        stored: &Stored,
        (merge, lock): (&Automerge, &str),
    ) -> Result<bool, Failed> {
        let weighed = match self.weigh(home, stored).await {
            Ok(weighed) => weighed,
            Err(failed) => {
                self.settle_merge(stored, merge, "dropped", "it could not be read once more").await?;
                return Err(failed);
            }
        };
        if weighed.judgement.word != Word::Merge {
            self.settle_merge(stored, merge, "dropped", &weighed.judgement.why()).await?;
            return Ok(false);
        }
        if !is_of(&weighed.record, merge) {
            self.settle_merge(stored, merge, "dropped", "it is another than it was when it was judged").await?;
            return Ok(false);
        }
        let (Some(number), Some(change)) = (stored.pull.there.number, &stored.pull.change) else { return Ok(false) };
        let head = if bug("merge-any-head") { home.forge.pull(number).await?.head.commit } else { merge.head.clone() };
        if !self.is_ours(merge, lock).await? {
            return Ok(false);
        }
        let method = self.settings.rules.merge_method;
        match home.forge.merge(number, &head, method, &change.title).await {
            Ok(merged) => {
                tracing::info!(number, commit = merged.commit, "merged on evidence");
                self.settle_merge(stored, merge, "merged", "").await?;
                Ok(true)
            }
            // It stays as it is until reading tells.
            Err(fault @ Fault::Unknown { .. }) => Err(fault.into()),
            Err(
                fault @ (Fault::Stale { .. }
                | Fault::Refused { .. }
                | Fault::Gone { .. }
                | Fault::Moved { .. }
                | Fault::Later { .. }
                | Fault::Paced { .. }),
            ) => {
                self.settle_merge(stored, merge, "dropped", &fault.to_string()).await?;
                Ok(false)
            }
        }
    }

    /// Whether it is still ours to merge: whoever was held up may have been given up by others.
    async fn is_ours(&self, merge: &Automerge, lock: &str) -> Result<bool, No> {
        let mut tx = self.store.read().await?;
        let now = tx.now();
        let standing = store::automerge::of(&mut tx, &merge.pull).await?;
        let lock = store::lock::by_id(&mut tx, lock).await?;
        let sending = standing.is_some_and(|standing| standing.id == merge.id && standing.state == "sending");
        Ok(sending && now.since(Time(merge.at)) < SETTLE && lock.is_some_and(|lock| now < lock.expires_at))
    }

    /// Settles everything that was sent and not heard of, whatever has become of it meanwhile.
    pub(crate) async fn settle_sending(&self, home: &Home) -> Result<(), Failed> {
        let mut tx = self.store.read().await?;
        let sending = store::automerge::sending(&mut tx, &home.repo, SENDING_MAX).await?;
        drop(tx);
        for sent in sending {
            let mut tx = self.store.read().await?;
            let stored = store::pull::find(&mut tx, &sent.pull).await?;
            drop(tx);
            let Some(stored) = stored else { continue };
            match self.settle_sent(home, &stored).await {
                Ok(_) => {}
                Err(failed @ (Failed::No(No::Fault(_)) | Failed::Rests(_))) => return Err(failed),
                // One that cannot be read keeps no other waiting.
                Err(failed) => tracing::warn!(pull = sent.pull, %failed, "how a merge ended could not be read"),
            }
        }
        Ok(())
    }

    pub(crate) async fn settle_merge(
        &self,
        stored: &Stored,
        merge: &Automerge,
        state: &'static str,
        why: &str,
    ) -> Result<(), No> {
        let (pull, merge, why) = (stored.pull.clone(), merge.clone(), why.to_owned());
        self.at_desk(own("gate"), move |desk| {
            let (pull, merge, why) = (pull.clone(), merge.clone(), why.clone());
            async move {
                if !store::automerge::settle(desk.tx, &merge.id, state, &why).await? {
                    return Ok(());
                }
                let after = json!({"automerge": merge.id, "state": state, "why": why});
                desk.record(format!("pull:{}", pull.id), &json!({"state": "sending"}), &after).await?;
                store::pull::nudge(desk.tx, &pull.id).await?;
                let (times, _) = store::automerge::dropped(desk.tx, &pull.id, &merge.head).await?;
                if state == "dropped" && times == TOLD_AFTER {
                    let text = format!("{} is to merge by itself, and {times} times it did not: {why}", name(&pull));
                    let kind = format!("not_merged.{}", merge.head);
                    tell_once(desk, &format!("pull:{}", pull.id), &kind, Tone::Warn, text, None).await?;
                }
                if state == "merged" {
                    let text = format!("{} merged by itself, at {}: gapwright gate explain", name(&pull), merge.head);
                    let url = Some(pull.there.url.clone()).filter(|url| !url.is_empty());
                    tell_once(desk, &format!("pull:{}", pull.id), "automerged", Tone::Info, text, url).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Settles by reading what was sent and not heard of; false while it is too early to tell.
    pub(crate) async fn settle_sent(&self, home: &Home, stored: &Stored) -> Result<bool, Failed> {
        let mut tx = self.store.read().await?;
        let (now, last) = (tx.now(), store::automerge::of(&mut tx, &stored.pull.id).await?);
        drop(tx);
        let Some(sent) = last.filter(|last| last.state == "sending") else { return Ok(true) };
        let Some(number) = stored.pull.there.number else { return Ok(false) };
        let early = is_within(Time(sent.at), now, SETTLE);
        let there = match home.forge.pull(number).await {
            Ok(there) => there,
            Err(fault @ (Fault::Gone { .. } | Fault::Refused { .. })) if !early => {
                self.settle_merge(stored, &sent, "dropped", &fault.to_string()).await?;
                return Ok(true);
            }
            Err(fault) => return Err(fault.into()),
        };
        let ours =
            there.ended_by.as_ref().is_none_or(|by| by.kind == AccountKind::Us) && there.head.commit == sent.head;
        match there.state {
            PullState::Merged { .. } if ours => {
                self.settle_merge(stored, &sent, "merged", "").await?;
                Ok(true)
            }
            PullState::Merged { .. } => {
                self.settle_merge(stored, &sent, "dropped", "somebody else merged it").await?;
                Ok(true)
            }
            PullState::Open | PullState::Closed if !early => {
                self.settle_merge(stored, &sent, "dropped", "the forge did not do it").await?;
                Ok(true)
            }
            PullState::Open | PullState::Closed => Ok(false),
        }
    }
}

/// Whether a moment was, at most so long ago. One that is yet to come, by a clock that has jumped, was not.
fn is_within(at: Time, now: Time, span: Span) -> bool {
    at <= now && now.since(at) <= span
}

fn stratum_id(record: &Record) -> String {
    record.stratum.as_ref().map(domain::gate::Stratum::id).unwrap_or_default()
}

/// Whether a judgement is of what is about to be merged.
fn is_of(record: &Record, merge: &Automerge) -> bool {
    let of = |candidate: &Candidate| {
        candidate.ours.as_ref() == Some(&merge.head) && candidate.onto.as_ref() == Some(&merge.onto)
    };
    record.candidate.as_ref().is_some_and(of) && stratum_id(record) == merge.stratum
}

/// Judges a pull request as it stands, and keeps that where it says something new.
async fn judged(desk: &mut Desk<'_>, id: &str, candidate: Candidate) -> Result<Weighed, No> {
    let stored = store::pull::find(desk.tx, id).await?.ok_or(store::Fault::Conflict)?;
    let pull = &stored.pull;
    // What changed here since it was read there is as it is here.
    let onto = pull.change.as_ref().map(|change| change.onto.clone());
    let ours = pull.head().map(str::to_owned);
    let rules = desk.rules.clone();
    let gap = may_act(desk.tx, &rules, &pull.gap).await?;
    let candidate = Candidate { state: pull.state, hold: pull.hold, gap, ours, onto, ..candidate };
    let stratum = stratum_of(desk.tx, pull).await?;
    if let Some(stratum) = &stratum {
        store::gate::keep_stratum(desk.tx, stratum).await?;
    }
    let record = super::record(desk.tx, &rules, (&pull.repo, stratum.as_ref()), Some(candidate)).await?;
    let judgement = record.judge();
    let last = store::gate::latest(desk.tx, id).await?;
    let same = match &last {
        Some(last) => last.head == pull.head().unwrap_or_default() && last.judgement()? == judgement,
        None => false,
    };
    // What was merged, or was to be, stands on a record of its own.
    let stood_on = store::automerge::of(desk.tx, id).await?.map(|merge| merge.record);
    if let Some(last) = last.filter(|last| same && stood_on.as_ref() != Some(&last.id)) {
        base_told(desk, pull, &judgement, Time(last.at)).await?;
        return Ok(Weighed { id: last.id, record, judgement });
    }
    let row = Judged {
        id: desk.mint(),
        pull: id.to_owned(),
        at: desk.now.0,
        head: pull.head().unwrap_or_default().to_owned(),
        stratum: stratum.as_ref().map(domain::gate::Stratum::id).unwrap_or_default(),
        word: judgement.word.name().to_owned(),
        would: i64::from(judgement.would),
        record: json!(record).to_string(),
        judgement: json!(judgement).to_string(),
    };
    store::gate::append(desk.tx, &row).await?;
    closed_told(desk, &record, &judgement).await?;
    Ok(Weighed { id: row.id, record, judgement })
}

/// Whether people let agents act on a gap, as it stands here and by its issue.
async fn may_act(tx: &mut Tx, rules: &Rules, key: &Key) -> Result<Answer, No> {
    let Some(stored) = store::gap::load(tx, key).await? else {
        return Ok(Answer::Unknown("its gap is not there".to_owned()));
    };
    if !stored.gap.state.is_agents() {
        return Ok(Answer::Fail(format!("its gap is {}", stored.gap.state)));
    }
    Ok(match crate::mirror::lets_agents_act(tx, rules, key).await? {
        Let::Act => Answer::Pass,
        Let::Not => Answer::Fail("the labels of its issue do not let agents act".to_owned()),
        Let::NoIssue | Let::NoForge => Answer::Unknown("its issue is not known".to_owned()),
    })
}
