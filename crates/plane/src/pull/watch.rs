//! Pull requests held against the forge: what people did there happens here, what is to be made there is made, and its
//! labels show how each stands. A webhook only makes it sooner.
//!
//! Every look reads the live state and decides anew, so that it may come twice, late, or after a crash between any two
//! writes.

mod make;
mod open;
mod take_in;

use std::collections::BTreeMap;

use domain::label::{self, Role};
use domain::pace;
use domain::pull::reconcile::{Actor, Write};
use domain::pull::{Hold, State};
use domain::time::{Span, Time};
use forge::{Account, AccountKind, Fault, LabelEvents, Pull as There, Review};
use futures::FutureExt;
use store::pull::Stored;

use crate::mirror::{Failed, Home, fault_line};
use crate::{No, Plane};

/// How long whoever looks at a pull request keeps others away.
const LEASE: Span = Span::mins(5);

/// How many pull requests one tick looks at.
const AT_ONCE: i64 = 10;

/// How often one is looked at in a row: as it is, after what was found, and after our writes.
const LOOKS_MAX: usize = 6;

/// How soon one is looked at again on which something is still to be made.
const SOON: Span = Span::secs(30);

/// How long one that ended without a merge is still looked at, for people may open it again.
const ENDED_KEPT: Span = Span::days(14);

/// How long one is left at most that the forge will not deal with.
const REST_MAX: Span = Span::mins(15);

/// One look at a pull request on the forge.
#[derive(Debug, Clone)]
struct Look {
    there: There,
    deeds: LabelEvents,
    reviews: Vec<Review>,
    /// Whether another open pull request has the same head.
    shared: bool,
    /// Whether each of those who did something may write there.
    may: BTreeMap<String, Option<bool>>,
}

impl Look {
    fn actor(&self, account: &Account) -> Actor {
        let may_write = self.may.get(&account.id).copied().flatten();
        Actor { login: account.login.clone(), us: account.kind == AccountKind::Us, may_write }
    }
}

impl Plane {
    /// One pass over the pull requests that are to be looked at.
    pub async fn watch_pulls(&self) -> Result<(), No> {
        let Some(home) = self.settings.home.clone().filter(|home| home.broker.is_some()) else { return Ok(()) };
        match self.watch(&home).await {
            Ok(()) | Err(Failed::Rests(_)) => Ok(()),
            Err(Failed::No(no)) => Err(no),
            Err(Failed::Forge(fault)) => {
                tracing::warn!(%fault, repo = home.repo, "the forge failed; it is left in peace for a while");
                self.leave_in_peace(&home, &fault).await
            }
        }
    }

    async fn watch(&self, home: &Home) -> Result<(), Failed> {
        let mut tx = self.store.read().await?;
        let waits = store::pull::waits(&mut tx, &home.repo).await?;
        drop(tx);
        if !waits || !self.may_reach_out(home).await? {
            return Ok(());
        }
        self.recognise(home).await?;
        let (repo, until) = (home.repo.clone(), self.moment().await? + LEASE);
        let taken = self.act.act(move |tx| {
            let repo = repo.clone();
            async move { Ok(store::pull::take(tx, &repo, until, AT_ONCE).await?) }.boxed()
        });
        let mut taken = taken.await?.into_iter();
        for id in taken.by_ref() {
            let done = self.look_at_pull(home, &id).await;
            if let Err(failed) = self.settle_look(home, (&id, until), done).await {
                // The others are looked at as soon as anybody may.
                for id in taken {
                    self.free_pull((&id, until), Time(0), "", 0).await?;
                }
                return Err(failed);
            }
        }
        Ok(())
    }

    /// Lets others look at one again: at its time, or later where the forge would not deal with it.
    async fn settle_look(
        &self,
        home: &Home,
        (id, lease): (&str, Time),
        done: Result<Option<Time>, Failed>,
    ) -> Result<(), Failed> {
        let mut tx = self.store.read().await?;
        let (now, stored) = (tx.now(), store::pull::find(&mut tx, id).await?);
        drop(tx);
        let Some(stored) = stored else { return Ok(()) };
        match done {
            Ok(at) => {
                Ok(self.free_pull((id, lease), at.unwrap_or_else(|| next_look(home, &stored, now)), "", 0).await?)
            }
            Err(Failed::Forge(Fault::Paced { after })) => Ok(self.free_pull((id, lease), now + after, "", 0).await?),
            Err(
                failed @ (Failed::No(_) | Failed::Rests(_) | Failed::Forge(Fault::Later { .. } | Fault::Moved { .. })),
            ) => {
                self.free_pull((id, lease), now, "", 0).await?;
                Err(failed)
            }
            Err(Failed::Forge(fault)) => {
                tracing::warn!(pull = id, %fault, "a pull request is set aside");
                let failures = stored.seen.failures + 1;
                let at = now + pace::rest(failures, REST_MAX);
                Ok(self.free_pull((id, lease), at, &fault_line(&fault), failures).await?)
            }
        }
    }

    async fn free_pull(&self, (id, lease): (&str, Time), look_at: Time, error: &str, failures: i64) -> Result<(), No> {
        let (id, error) = (id.to_owned(), error.to_owned());
        self.act
            .act(move |tx| {
                let (id, error) = (id.clone(), error.clone());
                async move { Ok(store::pull::free(tx, &id, (lease, look_at), (&error, failures)).await?) }.boxed()
            })
            .await
    }

    /// Looks at one until nothing more follows; gives when it is to be looked at again, where that is not its usual time.
    async fn look_at_pull(&self, home: &Home, id: &str) -> Result<Option<Time>, Failed> {
        for _ in 0..LOOKS_MAX {
            let Some(stored) = self.stored_pull(id).await? else { return Ok(None) };
            let Some(number) = stored.pull.there.number else {
                let open = self.make_all(home, &stored).await?;
                if self.stored_pull(id).await?.is_some_and(|stored| stored.pull.there.number.is_some()) {
                    continue;
                }
                return Ok(if open { Some(self.moment().await? + SOON) } else { None });
            };
            // What people say there comes before anything that is written.
            let look = self.look(home, &stored, number).await?;
            let found = self.take_in(home, &stored, &look).await?;
            if found.again {
                continue;
            }
            let Some(stored) = self.stored_pull(id).await? else { return Ok(None) };
            let open = self.make_all(home, &stored).await?;
            if found.writes.is_empty() && self.consider(home, &stored).await? {
                continue;
            }
            if found.writes.is_empty() || self.is_off(home).await? {
                return Ok(if open { Some(self.moment().await? + SOON) } else { None });
            }
            self.write_pull(home, number, &found.writes).await?;
        }
        Ok(Some(self.moment().await? + SOON))
    }

    async fn stored_pull(&self, id: &str) -> Result<Option<Stored>, No> {
        let mut tx = self.store.read().await?;
        Ok(store::pull::find(&mut tx, id).await?)
    }

    /// Whether an operator switched off that anything is written there.
    pub(crate) async fn is_off(&self, home: &Home) -> Result<bool, No> {
        let mut tx = self.store.read().await?;
        Ok(store::switch::covering(&mut tx, "", Some(&home.repo)).await?.is_some())
    }

    /// Reads everything of a pull request that matters, live.
    async fn look(&self, home: &Home, stored: &Stored, number: i64) -> Result<Look, Failed> {
        let there = home.forge.pull(number).await?;
        let deeds = home.forge.label_events(number).await?;
        let reviews = home.forge.reviews(number).await?;
        let shares = |other: &There| other.number != number && other.head.commit == there.head.commit;
        let shared = home.forge.pulls().await?.iter().any(shares);
        let mut tx = self.store.read().await?;
        let names = crate::mirror::names(&mut tx, &home.repo, &self.settings.rules.labels).await?;
        drop(tx);
        let mut may = BTreeMap::new();
        let new_deeds = deeds.events.iter().filter(|event| event.id > stored.seen.deeds).map(|event| &event.actor);
        let new_reviews =
            reviews.iter().filter(|review| take_in::is_new(&stored.seen, review)).map(|review| &review.author);
        // What steers as long as it stands does so however long ago it was done.
        let steers = [(Role::OptOut, true), (Role::OptIn, false), (Role::WontFix, true)];
        let steering = steers.iter().filter(|(role, added)| names.has(&there.labels, *role) == *added);
        let last = |role| deeds.events.iter().rfind(|event| label::same(names.of(role), &event.label));
        let standing = steering.filter_map(|(role, _)| last(*role)).map(|event| &event.actor);
        let all = new_deeds.chain(new_reviews).chain(standing);
        for account in all.filter(|account| account.kind != AccountKind::Us) {
            if !may.contains_key(&account.id) {
                // What cannot be read is not known.
                let known = match home.forge.may_write(account).await {
                    Ok(may) => Some(may),
                    Err(fault @ (Fault::Later { .. } | Fault::Paced { .. } | Fault::Moved { .. })) => {
                        return Err(fault.into());
                    }
                    Err(Fault::Unknown { .. } | Fault::Refused { .. } | Fault::Gone { .. } | Fault::Stale { .. }) => {
                        None
                    }
                };
                may.insert(account.id.clone(), known);
            }
        }
        Ok(Look { there, deeds, reviews, shared, may })
    }

    /// Writes what it is to show.
    async fn write_pull(&self, home: &Home, number: i64, writes: &[Write]) -> Result<(), Failed> {
        if writes.iter().any(|write| matches!(write, Write::Add(_) | Write::Remove(_))) {
            self.learn_labels(home).await?;
        }
        for write in writes {
            match write {
                Write::Add(role) => {
                    let name = self.label_name(home, *role).await?;
                    home.forge.add_label(number, &name).await?;
                }
                Write::Remove(role) => {
                    let name = self.label_name(home, *role).await?;
                    home.forge.remove_label(number, &name).await?;
                }
                Write::Close => {
                    let closed = forge::IssueState::Closed(forge::Closed::NotPlanned);
                    let edit = forge::Edit { state: Some(closed), ..forge::Edit::default() };
                    home.forge.edit_issue(number, &edit).await?;
                }
            }
        }
        Ok(())
    }
}

/// When one is looked at next, where nothing presses.
fn next_look(home: &Home, stored: &Stored, now: Time) -> Time {
    let pull = &stored.pull;
    match pull.state {
        State::Merged => domain::time::TIME_MAX,
        State::WontFix | State::Closed if now.since(pull.changed_at) > ENDED_KEPT => domain::time::TIME_MAX,
        State::WontFix | State::Closed if pull.there.number.is_none() => domain::time::TIME_MAX,
        State::Planning
        | State::Implementing
        | State::Opening
        | State::Proposed
        | State::NeedsReview
        | State::ChangesRequested
        | State::Approved
        | State::NeedsHuman
        | State::NeedsVisual
        | State::Capped
        | State::RequiresHuman
        | State::WontFix
        | State::Closed => now + home.poll,
    }
}

/// Whether nothing may be written to it.
fn is_silent(stored: &Stored) -> bool {
    stored.pull.hold.is_some_and(Hold::is_silent)
}
