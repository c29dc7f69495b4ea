//! The way back: what merged by itself and went wrong closes its gate, and is taken back by a pull request that a person merges.

use domain::agent::Right;
use domain::gate::{BUDGET_SPAN, Demotion, demotion};
use domain::level::{self, Level};
use domain::notice::Level as Tone;
use domain::outcome::{Answer, Outcome, TakingBack};
use domain::pull::{Pull, State};
use domain::refusal::{Code, Refusal};
use domain::time::{Span, Time};
use forge::broker::{Broker, Pushed};
use forge::git::{Branch, Commit, Hand, Person};
use forge::{AccountKind, NewPull, Pull as There, PullState};
use futures::FutureExt;
use serde_json::json;
use store::automerge::Revert;
use store::outcome::Found;
use store::pull::Stored;
use store::seeded::bug;

use super::disarm;
use crate::desk::Desk;
use crate::mirror::{Failed, Home};
use crate::outcome::{broker, merged};
use crate::pull::{branch, meant, name, tell_once, trouble};
use crate::tend::own;
use crate::{Call, No, Plane};

/// How many are taken back in one pass.
const AT_ONCE: i64 = 10;

/// How often one is tried before a person is to do it.
const TRIES_MAX: i64 = 20;

/// How long after it was sent one is sent once more that is not there.
const SETTLE: Span = Span::mins(2);

/// How long the checks may take on the base before people are told that nobody can tell.
const CHECKED_WITHIN: Span = Span::hours(2);

/// How the branches begin, behind the prefix of all, that take something back. No agent hands one in.
pub(crate) const REVERT: &str = "revert.";

/// Whether what went wrong is taken back already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Back {
    /// Somebody did.
    Done,
    /// It is to be.
    Wanted,
}

/// Remembers that something went wrong, with what follows where it merged by itself: its gate is closed, or all are.
pub(crate) async fn went_wrong(desk: &mut Desk<'_>, pull: &Pull, why: &str, back: Back) -> Result<(), No> {
    if back == Back::Wanted {
        let name = format!("{}{REVERT}{}", desk.rules.branch_prefix, pull.id);
        store::automerge::revert(desk.tx, &pull.id, &name, why).await?;
    }
    if !store::automerge::spoil(desk.tx, &pull.id, why).await? {
        return Ok(());
    }
    crate::outcome::spoiled(desk, pull, why).await?;
    let demoted = demotion(store::automerge::bad_since(desk.tx, &pull.repo, desk.now - BUDGET_SPAN).await?);
    let strata = match demoted {
        Demotion::Everything => store::gate::armed(desk.tx).await?,
        Demotion::Stratum => {
            store::automerge::of(desk.tx, &pull.id).await?.map(|auto| auto.stratum).into_iter().collect()
        }
    };
    let reason = format!("{} went wrong: {why}", name(pull));
    if !bug("armed-for-ever") {
        disarm(desk, &strata, &reason).await?;
    }
    let (level, _) = store::level::current(desk.tx).await?;
    let lowered = demoted == Demotion::Everything && level == Level::Automerge;
    if lowered {
        crate::level::lower(desk, Some(Level::Pipeline), reason.chars().take(level::REASON_CHARS.1).collect()).await?;
    }
    let what = if lowered { "every gate is closed, and the level is pipeline again" } else { "its gate is closed" };
    let text = format!("{reason}; {what}");
    tell_once(desk, &format!("pull:{}", pull.id), "went_wrong", Tone::Error, text, None).await
}

impl Plane {
    /// Has a merge taken back, by a pull request that a person merges.
    pub async fn revert_pull(&self, call: &Call, pull: &str, reason: &str) -> Result<Revert, No> {
        let (pull, reason) = (pull.to_owned(), level::reason(reason)?);
        let done = self.write(call, Right::Operate, move |desk| {
            let (pull, reason) = (pull.clone(), reason.clone());
            async move { revert(desk, &pull, &reason).await }.boxed()
        });
        let done = done.await?;
        self.wake.outcomes.notify_one();
        Ok(done)
    }

    /// Looks at the checks that must pass where something merged by itself.
    pub(crate) async fn check_base(&self, home: &Home, stored: &Stored, found: &Found) -> Result<(), Failed> {
        let mut tx = self.store.read().await?;
        let auto = store::automerge::of(&mut tx, &stored.pull.id).await?;
        drop(tx);
        if auto.is_none_or(|auto| auto.state != "merged" || auto.bad != 0) {
            return Ok(());
        }
        let pull = stored.pull.clone();
        let why = match self.read_base(home, &pull, found).await? {
            None | Some(Answer::Pass) => return Ok(()),
            Some(Answer::Fail(why)) => why,
            Some(Answer::Unknown(why)) => return self.unchecked(&pull, &why).await,
        };
        let done = self.at_desk(own("gate"), move |desk| {
            let (pull, why) = (pull.clone(), format!("on the base, {why}"));
            async move { went_wrong(desk, &pull, &why, Back::Wanted).await }.boxed()
        });
        Ok(done.await?)
    }

    /// Tells the operator, once, that nobody can tell whether what merged by itself passes on the base.
    async fn unchecked(&self, pull: &Pull, why: &str) -> Result<(), Failed> {
        let (pull, why) = (pull.clone(), why.to_owned());
        let done = self.at_desk(own("gate"), move |desk| {
            let (pull, why) = (pull.clone(), why.clone());
            async move {
                if desk.now.since(pull.changed_at) < CHECKED_WITHIN {
                    return Ok(());
                }
                let text = format!(
                    "nobody can tell whether {} passes on the base since it merged by itself: {why}",
                    name(&pull)
                );
                tell_once(desk, &format!("pull:{}", pull.id), "unchecked", Tone::Warn, text, None).await
            }
            .boxed()
        });
        Ok(done.await?)
    }

    /// Takes back what is to be.
    pub(crate) async fn take_back(&self, home: &Home) -> Result<(), Failed> {
        let mut tx = self.store.read().await?;
        let wanted = store::automerge::reverting(&mut tx, &home.repo, AT_ONCE).await?;
        drop(tx);
        if wanted.is_empty() || self.is_off(home).await? {
            return Ok(());
        }
        for revert in wanted {
            if let Err(failed) = self.take_back_one(home, &revert).await {
                let Failed::No(No::Fault(_)) = failed else {
                    tracing::warn!(pull = revert.pull, %failed, "a merge could not be taken back yet");
                    continue;
                };
                return Err(failed);
            }
        }
        Ok(())
    }

    async fn take_back_one(&self, home: &Home, revert: &Revert) -> Result<(), Failed> {
        let mut tx = self.store.read().await?;
        let now = tx.now();
        let stored = store::pull::find(&mut tx, &revert.pull).await?;
        let found = store::outcome::latest(&mut tx, &revert.pull).await?;
        drop(tx);
        let (Some(stored), Some(found)) = (stored, found) else { return Ok(()) };
        if stored.pull.repo != home.repo {
            return Ok(());
        }
        if let Some(there) = self.find_revert(home, revert).await? {
            return Ok(self.moved_revert(&stored.pull, revert, opened(revert, &there)).await?);
        }
        if revert.state == "sending" && now.since(Time(revert.tried_at)) < SETTLE {
            return Ok(());
        }
        let Some((base, merge, parent)) = merged(&stored.pull, &found)? else {
            return self.given_up(&stored.pull, revert, "nobody can tell as what it was merged").await;
        };
        if revert.tries >= TRIES_MAX {
            return self.given_up(&stored.pull, revert, "it was tried too often").await;
        }
        let sending =
            Revert { state: "sending".to_owned(), tried_at: now.0, tries: revert.tries + 1, ..revert.clone() };
        if !self.move_revert(revert, &sending).await? {
            return Ok(());
        }
        let on = branch(&revert.branch).map_err(No::from)?;
        let head = match self.made_revert(home, &stored.pull, (&base, &merge, &parent), &on).await {
            Ok(Some(head)) => head,
            Ok(None) => return self.given_up(&stored.pull, &sending, "it conflicts with what came since").await,
            Err(Failed::Forge(forge::Fault::Refused { why, .. })) => {
                return self.given_up(&stored.pull, &sending, &why).await;
            }
            Err(failed) => return Err(failed),
        };
        tracing::info!(pull = revert.pull, head = head.as_str(), "a merge is being taken back");
        let new = NewPull {
            title: title(&stored.pull),
            body: body(&stored.pull, &merge, revert),
            head: revert.branch.clone(),
            base: base.as_str().to_owned(),
            draft: false,
        };
        let there = home.forge.open_pull(&new).await?;
        Ok(self.moved_revert(&stored.pull, &sending, opened(&sending, &there)).await?)
    }

    /// The pull request that takes it back, where it is there.
    async fn find_revert(&self, home: &Home, revert: &Revert) -> Result<Option<There>, Failed> {
        let found = home.forge.pulls_by_head(&revert.branch).await?;
        let on = branch(&revert.branch).map_err(No::from)?;
        // Only what we pushed there is ours.
        let Some(ours) = broker(home)?.pushed(&on).await.map_err(trouble)? else { return Ok(None) };
        let is_ours = |there: &There| there.author.kind == AccountKind::Us && there.head.commit == ours.as_str();
        Ok(found.into_iter().rfind(|there| is_ours(there) && there.state != PullState::Closed))
    }

    /// Makes the commit that takes it back, and its branch on the forge; none where that conflicts.
    async fn made_revert(
        &self,
        home: &Home,
        pull: &Pull,
        (base, merge, parent): (&Branch, &Commit, &Commit),
        on: &Branch,
    ) -> Result<Option<Commit>, Failed> {
        let broker: &Broker = broker(home)?;
        let remote = home.forge.remote().await?;
        let [tip, there] = crate::pull::tips(broker, &remote, [base.as_str(), on.as_str()]).await?;
        if let Some(there) = there {
            if broker.pushed(on).await.map_err(trouble)?.as_ref() == Some(&there) {
                return Ok(Some(there));
            }
            let why = format!("somebody else has put a branch {} there", on.as_str());
            return Err(forge::Fault::Refused { why, next: "a person deletes it".to_owned() }.into());
        }
        let Some(tip) = tip else { return Ok(None) };
        let me = home.forge.repository().await?.me.login;
        let person = Person { email: format!("{me}{}", forge::broker::OUR_DOMAIN), name: me };
        let at = pull.changed_at;
        let hand = Hand { author: person.clone(), committer: person, at };
        let message = format!("{}\n\nThis reverts commit {}.\n", title(pull), merge.as_str());
        let Some(head) = broker.revert(merge, parent, &tip, &hand, &message).await.map_err(trouble)? else {
            return Ok(None);
        };
        match broker.push(&remote, on, None, &head).await.map_err(trouble)? {
            Pushed::Done => Ok(Some(head)),
            Pushed::Stale { .. } => Err(forge::Fault::Stale { why: format!("{} moves", on.as_str()) }.into()),
            Pushed::Refused { why } => {
                Err(forge::Fault::Refused { why, next: "look at the rules of its branches".into() }.into())
            }
        }
    }

    /// Whether what takes a merge back is still open: a person who closes it does not want it, or does it by hand.
    pub(crate) async fn see_revert(&self, home: &Home, pull: &Pull, revert: &Revert) -> Result<(), Failed> {
        let Some(number) = revert.number.filter(|_| revert.state == "open") else { return Ok(()) };
        if home.forge.pull(number).await?.state != PullState::Closed {
            return Ok(());
        }
        // That is what a person wanted, and nothing that went wrong.
        self.given_up(pull, revert, "").await
    }

    async fn given_up(&self, pull: &Pull, revert: &Revert, why: &str) -> Result<(), Failed> {
        let (state, error) = ("dropped".to_owned(), why.to_owned());
        let now = Revert { state, error, number: None, url: String::new(), ..revert.clone() };
        Ok(self.moved_revert(pull, revert, now).await?)
    }

    async fn move_revert(&self, was: &Revert, now: &Revert) -> Result<bool, No> {
        let (was, now) = (was.clone(), now.clone());
        self.act
            .act(move |tx| {
                let (was, now) = (was.clone(), now.clone());
                async move { Ok(store::automerge::move_revert(tx, &was, &now).await?) }.boxed()
            })
            .await
    }

    /// Moves one to its end, and tells people what they are to do.
    async fn moved_revert(&self, pull: &Pull, was: &Revert, now: Revert) -> Result<(), No> {
        let (pull, was) = (pull.clone(), was.clone());
        self.at_desk(own("gate"), move |desk| {
            let (pull, was, now) = (pull.clone(), was.clone(), now.clone());
            async move {
                if !store::automerge::move_revert(desk.tx, &was, &now).await? {
                    return Ok(());
                }
                let after = json!({"revert": now.branch, "state": now.state, "number": now.number, "error": now.error});
                desk.record(format!("pull:{}", pull.id), &json!({"state": was.state}), &after).await?;
                let text = match now.taking_back(None) {
                    TakingBack::Unwanted => {
                        format!("what would have taken {} back was closed without a merge", name(&pull))
                    }
                    TakingBack::ByHand => format!("{} is to be taken back by hand: {}", name(&pull), now.error),
                    TakingBack::InTheMaking | TakingBack::ToMerge | TakingBack::Done => {
                        let number = now.number.map_or_else(|| now.branch.clone(), |number| format!("#{number}"));
                        format!("{number} takes {} back, because {}: merge it", name(&pull), now.why)
                    }
                };
                let url = Some(now.url.clone()).filter(|url| !url.is_empty());
                let kind = format!("revert.{}.{}", now.state, now.number.unwrap_or_default());
                tell_once(desk, &format!("pull:{}", pull.id), &kind, Tone::Error, text, url).await
            }
            .boxed()
        })
        .await
    }
}

async fn revert(desk: &mut Desk<'_>, pull: &str, reason: &str) -> Result<Revert, No> {
    let repo = desk.rules.repo.clone();
    let stored = meant(desk.tx, repo.as_deref(), pull).await?;
    let pull = &stored.pull;
    if pull.state != State::Merged {
        let message = format!("it is {}, and only what was merged is taken back", pull.state);
        return Err(Refusal::new(Code::WrongState, message).field("pull").into());
    }
    let found = store::outcome::latest(desk.tx, &pull.id).await?;
    if found.as_ref().is_some_and(|found| found.outcome == Outcome::Reverted.name()) {
        return Err(Refusal::new(Code::WrongState, "it was taken back already").field("pull").into());
    }
    let known = match &found {
        Some(found) => merged(pull, found).map_err(unread)?.is_some(),
        None => false,
    };
    if !known {
        return Err(Refusal::new(Code::WrongState, "nobody can tell yet as what it was merged")
            .hint("try again in a minute, or take it back by git")
            .into());
    }
    went_wrong(desk, pull, reason, Back::Wanted).await?;
    // What became of it is looked at again as soon as it may be taken back.
    store::pull::settle(desk.tx, &pull.id, desk.now).await?;
    Ok(store::automerge::revert_of(desk.tx, &pull.id).await?.ok_or(store::Fault::Conflict)?)
}

fn unread(failed: Failed) -> No {
    match failed {
        Failed::No(no) => no,
        Failed::Forge(_) | Failed::Rests(_) => store::Fault::Conflict.into(),
    }
}

fn opened(revert: &Revert, there: &There) -> Revert {
    let (number, url) = (Some(there.number), there.url.clone());
    Revert { state: "open".to_owned(), number, url, error: String::new(), ..revert.clone() }
}

fn title(pull: &Pull) -> String {
    let title = pull.change.as_ref().map_or("a change", |change| change.title.as_str());
    let whole = format!("Revert \"{title}\"");
    whole.chars().take(domain::pull::TITLE_CHARS_MAX).collect()
}

fn body(pull: &Pull, merge: &Commit, revert: &Revert) -> String {
    let number = pull.there.number.map_or_else(String::new, |number| format!(" (#{number})"));
    format!(
        "It takes {}{number} back, which was merged as {}:\n\n{}\n\nA person merges it, or not.\n",
        domain::mirror::code(&pull.gap.to_string()),
        merge.as_str(),
        domain::mirror::block(&revert.why),
    )
}
