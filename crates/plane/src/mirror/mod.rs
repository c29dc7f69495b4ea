//! Gaps and their issues, kept alike both ways, whatever is lost, comes twice or comes late.
//!
//! `poll` reads everything there is, which alone would do; a webhook or a change of ours only makes it sooner. `place`
//! knows the repository; `sync` holds one issue against its gap and writes what follows; `open` opens issues, each at
//! most once; `note` says things.
//! Nothing is asked of the forge at a level at which nothing leaves the house.

mod fault;
mod note;
mod open;
mod place;
mod poll;
mod show;
mod sync;

use std::sync::Arc;

use domain::gap::Key;
use domain::label::{self, Names, Role};
use domain::pace;
use domain::time::{Span, Time};
use forge::broker::Broker;
use forge::{Fault, Forge};
use futures::FutureExt;
use secrecy::SecretString;
use store::Tx;
use store::repository::Repository;
use store::seeded::bug;

use crate::desk::Desk;
use crate::settings::Rules;
use crate::tend::own;
use crate::{No, Plane};

pub(crate) use fault::{Failed, known, passes};
pub(crate) use place::names;
pub use poll::Polled;
pub use show::{COMMENTS_MAX, Shown};

/// How long whoever works on an issue keeps others away: longer than its requests may take together.
const LEASE: Span = Span::mins(5);

/// How long the forge is left in peace at most when it failed and did not say for how long.
const REST_MAX: Span = Span::mins(5);

/// How long an issue is left that the forge would not deal with.
const LEFT: Span = Span::mins(1);

/// How long until it is looked again whether what is switched off was switched on.
const OFF_FOR: Span = Span::mins(1);

/// How many issues in a row the forge may fail to show before it counts as failing as a whole.
pub(crate) const AILING_MAX: usize = 3;

/// How many issues that changed are looked at in one tick.
const DIRTY_MAX: i64 = 20;

/// Where issues are mirrored to.
#[derive(Debug, Clone)]
pub struct Home {
    /// The forge.
    pub forge: Arc<dyn Forge>,
    /// The repository, `OWNER/NAME`.
    pub repo: String,
    /// How often everything is read, 5 minutes at most.
    pub poll: Span,
    /// How many issues may be open at once.
    pub open_max: i64,
    /// How many issues one sweep may open.
    pub sweep_max: i64,
    /// Through which changes reach the forge; none where no pull request is made.
    pub broker: Option<Broker>,
    /// What webhooks are proven by; none while none are taken.
    pub webhook_secret: Option<SecretString>,
}

/// Lets the issue of a gap be looked at soon.
pub(crate) async fn nudge(desk: &mut Desk<'_>, key: &Key) -> Result<(), No> {
    Ok(store::issue::nudge(desk.tx, key).await?)
}

/// Leaves something to be said on the issue of a gap, if it has one.
pub(crate) async fn say(desk: &mut Desk<'_>, key: &Key, text: &str) -> Result<(), No> {
    if store::issue::find(desk.tx, key).await?.is_some() {
        let id = desk.mint();
        store::issue::note::say(desk.tx, &id, key, text).await?;
    }
    Ok(())
}

/// Whether people let agents act on a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Let {
    /// They do, by the labels of its issue as they were last seen.
    Act,
    /// They do not.
    Not,
    /// There is no issue on which they could say so.
    NoIssue,
    /// There is no forge.
    NoForge,
}

/// Whether people let agents act on a gap.
pub(crate) async fn lets_agents_act(tx: &mut Tx, rules: &Rules, key: &Key) -> Result<Let, No> {
    let Some(repo) = &rules.repo else { return Ok(Let::NoForge) };
    // What was last seen in another repository than the one that is looked at says nothing of now.
    let issue = store::issue::find(tx, key).await?;
    let known = |issue: &store::issue::Mirrored| issue.state == store::issue::State::Known && issue.repo == *repo;
    let Some(issue) = issue.filter(known) else { return Ok(Let::NoIssue) };
    let names = names(tx, repo, &rules.labels).await?;
    Ok(if label::lets_agents_act(&names, &issue.labels) { Let::Act } else { Let::Not })
}

/// Lets a gap that a person opens again get a new issue, where the old one is gone or was refused; false where there is
/// nothing to let go of.
pub(crate) async fn let_go(desk: &mut Desk<'_>, key: &Key) -> Result<bool, No> {
    match store::issue::load(desk.tx, key).await? {
        Some(issue) if matches!(issue.state, store::issue::State::Gone | store::issue::State::Refused) => {
            store::issue::remove(desk.tx, &issue).await?;
            let before = serde_json::json!({"repo": issue.repo, "number": issue.number, "state": issue.state});
            desk.record(format!("issue:{key}"), &before, &()).await?;
            Ok(true)
        }
        Some(_) | None => Ok(false),
    }
}

impl Plane {
    /// The names that our labels have: as configured, unless people renamed them in the repository that issues are mirrored
    /// to. What cannot be read is as configured, and so is a name that is more than a few plain words: names given there are
    /// other people's text.
    pub async fn label_names(&self) -> Names {
        let configured = self.settings.rules.labels.clone();
        let Some(home) = &self.settings.home else { return configured };
        let read = async {
            let mut tx = self.store.glance().await?;
            names(&mut tx, &home.repo, &configured).await
        };
        let there = read.await.unwrap_or_else(|_| configured.clone());
        let plain =
            |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '/' | ' '));
        let few = |name: &str| name.split(' ').count() <= 3;
        Role::ALL
            .into_iter()
            .filter(|role| plain(there.of(*role)) && few(there.of(*role)))
            .fold(configured, |names, role| names.with(role, there.of(role)))
    }

    /// The repository that issues are mirrored to, as it was last seen.
    pub async fn show_repository(&self, call: &crate::Call) -> Result<Option<Repository>, No> {
        let Some(home) = &self.settings.home else { return Ok(None) };
        let mut tx = self.read(call).await?;
        Ok(store::repository::find(&mut tx, &home.repo).await?)
    }

    /// One tick of the mirror: what webhooks hinted at, what changed here, and everything when its time has come.
    pub async fn tend_mirror(&self) -> Result<(), No> {
        let Some(home) = self.settings.home.clone() else { return Ok(()) };
        match self.mirror(&home).await {
            Ok(()) | Err(Failed::Rests(_)) => Ok(()),
            Err(Failed::No(no)) => Err(no),
            Err(Failed::Forge(fault)) => {
                tracing::warn!(%fault, repo = home.repo, "the forge failed; it is left in peace for a while");
                self.leave_in_peace(&home, &fault).await
            }
        }
    }

    async fn mirror(&self, home: &Home) -> Result<(), Failed> {
        if !self.may_reach_out(home).await? || !self.has_work(home).await? {
            return Ok(());
        }
        self.recognise(home).await?;
        self.take_webhooks(home).await?;
        let (repo, until) = (home.repo.clone(), self.moment().await? + LEASE);
        let dirty = self.act.act(move |tx| {
            let repo = repo.clone();
            async move { Ok(store::issue::take(tx, &repo, until, DIRTY_MAX).await?) }.boxed()
        });
        let mut ailing = 0;
        for key in dirty.await? {
            let done = self.look_again(home, &key).await;
            self.pass_over(&key, done, &mut ailing).await?;
        }
        let (repo, every) = (home.repo.clone(), home.poll);
        let due = self.act.act(move |tx| {
            let repo = repo.clone();
            let next = tx.now() + every;
            async move { Ok(store::repository::due(tx, &repo, next).await?) }.boxed()
        });
        if due.await? {
            self.poll_forge(home).await?;
        }
        Ok(())
    }

    /// Whether there is anything to do: a webhook, an issue that changed here, or a poll.
    async fn has_work(&self, home: &Home) -> Result<bool, No> {
        let mut tx = self.store.read().await?;
        Ok(store::webhook::waits(&mut tx).await?
            || store::issue::waits(&mut tx, &home.repo).await?
            || store::repository::is_due(&mut tx, &home.repo).await?)
    }

    /// Sets an issue aside that the forge would not deal with, so that it keeps no other waiting; what goes for the whole
    /// forge is passed on.
    pub(crate) async fn set_aside(&self, key: &Key, done: Result<(), Failed>) -> Result<(), Failed> {
        let fault = match done {
            Ok(()) => return Ok(()),
            Err(
                failed @ (Failed::No(_) | Failed::Rests(_) | Failed::Forge(Fault::Later { .. } | Fault::Moved { .. })),
            ) => {
                return Err(failed);
            }
            Err(Failed::Forge(Fault::Paced { after })) => return Ok(self.put_off(key, after).await?),
            Err(Failed::Forge(fault)) => fault,
        };
        Ok(self.leave_issue(key, &fault).await?)
    }

    /// Remembers that the forge would not deal with an issue, and leaves it for a while.
    pub(crate) async fn leave_issue(&self, key: &Key, fault: &Fault) -> Result<(), No> {
        tracing::warn!(gap = %key, %fault, "an issue is set aside");
        let (key, why) = (key.clone(), fault_line(fault));
        self.as_mirror(move |desk| {
            let (key, why) = (key.clone(), why.clone());
            async move {
                let Some(mut issue) = store::issue::load(desk.tx, &key).await? else { return Ok(()) };
                issue.last_error = why;
                issue.lease_until = issue.rest_until.max(desk.now + LEFT);
                Ok(store::issue::write(desk.tx, &issue).await?)
            }
            .boxed()
        })
        .await
    }

    /// Leaves what is to be written to an issue until our own pace allows it; it is read all the same.
    async fn put_off(&self, key: &Key, after: Span) -> Result<(), No> {
        let key = key.clone();
        self.act
            .act(move |tx| {
                let key = key.clone();
                async move {
                    let at = tx.now() + after;
                    Ok(store::issue::release(tx, &key, at).await?)
                }
                .boxed()
            })
            .await
    }

    /// Whether anything may be asked of the forge now: by the level, and by what it said last.
    pub(crate) async fn may_reach_out(&self, home: &Home) -> Result<bool, No> {
        let repo = home.repo.clone();
        self.act
            .act(move |tx| {
                let repo = repo.clone();
                async move {
                    let (level, _) = store::level::current(tx).await?;
                    if !level.reaches_out() && !bug("act-at-observe") {
                        return Ok(false);
                    }
                    let now = tx.now();
                    let repository = store::repository::held(tx, &repo).await?;
                    Ok(repository.rest_until <= now.0)
                }
                .boxed()
            })
            .await
    }

    /// Remembers how the forge failed, and for how long it is left alone.
    pub(crate) async fn leave_in_peace(&self, home: &Home, fault: &Fault) -> Result<(), No> {
        let said = match fault {
            // Reading goes on.
            Fault::Paced { .. } => return Ok(()),
            Fault::Later { after, .. } => *after,
            Fault::Unknown { .. } | Fault::Refused { .. } | Fault::Gone { .. } | Fault::Stale { .. } => None,
            Fault::Moved { .. } => Some(REST_MAX),
        };
        let (repo, why) = (home.repo.clone(), fault_line(fault));
        let moved = match fault {
            Fault::Moved { to } => Some(to.clone()),
            Fault::Paced { .. }
            | Fault::Later { .. }
            | Fault::Unknown { .. }
            | Fault::Refused { .. }
            | Fault::Gone { .. }
            | Fault::Stale { .. } => None,
        };
        self.act
            .act(move |tx| {
                let (repo, why, moved) = (repo.clone(), why.clone(), moved.clone());
                async move {
                    let failures = store::repository::held(tx, &repo).await?.failures + 1;
                    let rest = tx.now() + said.unwrap_or(pace::rest(failures, REST_MAX));
                    store::repository::failed(tx, &repo, &why, rest, said.is_some()).await?;
                    if let Some(to) = moved {
                        store::repository::moved(tx, &repo, &to, &why).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// Lets the forge be asked at once, unless it said itself for how long it is to be left alone: what was wrong may have
    /// been mended while this process was down.
    pub async fn try_forge_again(&self) -> Result<(), No> {
        let Some(repo) = self.settings.home.as_ref().map(|home| home.repo.clone()) else { return Ok(()) };
        self.act
            .act(move |tx| {
                let repo = repo.clone();
                async move { Ok(store::repository::try_again(tx, &repo).await?) }.boxed()
            })
            .await
    }

    /// Why the forge is not asked now; none when it may be.
    pub(crate) async fn rests(&self, home: &Home) -> Result<Option<String>, No> {
        let mut tx = self.store.read().await?;
        let now = tx.now();
        let known = store::repository::find(&mut tx, &home.repo).await?;
        let known = known.filter(|known| known.rest_until > now.0);
        Ok(known.map(|known| {
            format!(
                "the forge failed: {}; it is left in peace until {}",
                known.last_error,
                Time(known.rest_until).iso()
            )
        }))
    }

    /// The store's moment.
    pub(crate) async fn moment(&self) -> Result<Time, No> {
        Ok(self.store.glance().await?.now())
    }

    /// Runs a command of the mirror's own.
    async fn as_mirror<T, F>(&self, decide: F) -> Result<T, No>
    where
        T: Send + 'static,
        F: for<'a, 't> Fn(&'a mut Desk<'t>) -> futures::future::BoxFuture<'a, Result<T, No>> + Send + Sync + 'static,
    {
        self.at_desk(own("mirror"), decide).await
    }
}

/// How a forge failed, in a line for people.
pub(crate) fn fault_line(fault: &Fault) -> String {
    let line = match fault {
        Fault::Refused { why, next } => format!("{why}; {next}"),
        Fault::Later { .. }
        | Fault::Paced { .. }
        | Fault::Unknown { .. }
        | Fault::Gone { .. }
        | Fault::Stale { .. }
        | Fault::Moved { .. } => fault.to_string(),
    };
    line.chars().take(500).collect()
}
