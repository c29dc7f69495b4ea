//! What a look at the forge shows happens here, in one transaction.

use domain::label::{Names, Role, same};
use domain::notice::Level;
use domain::pull::reconcile::{Act, Deed, Known, Seen as Sight, Stand, Write, reconcile};
use domain::pull::{Change, Event, Hand, Hold, Pull, State};
use domain::refusal::Refusal;
use domain::time::Time;
use forge::{AccountKind, LabelChange, PullState, ReviewState};
use futures::FutureExt;
use serde_json::json;
use store::pull::{Seen, Stored};
use store::seeded::bug;

use super::Look;
use crate::desk::Desk;
use crate::mirror::{Failed, Home};
use crate::pull::{audited, name, object, say, step, tell_once};
use crate::{No, Plane};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// What is to be written.
    pub(super) writes: Vec<Write>,
    /// Whether something happened, and it is to be looked at again before anything is written.
    pub(super) again: bool,
}

impl Plane {
    /// Takes a look in.
    pub(super) async fn take_in(&self, home: &Home, stored: &Stored, look: &Look) -> Result<Found, Failed> {
        // Another head is read before anything is decided on it.
        let pushed = match &stored.pull.change {
            Some(known) if is_another(known, look) && stored.pull.state.is_live() => {
                Some(self.read_head(home, stored, look).await?)
            }
            Some(_) | None => None,
        };
        let (looked, repo, look) = (stored.pull.clone(), home.repo.clone(), look.clone());
        let found = self.at_desk(crate::tend::own("watch-pulls"), move |desk| {
            take_in(desk, looked.clone(), repo.clone(), look.clone(), pushed.clone()).boxed()
        });
        let found = found.await?;
        self.wake.outbox.notify_one();
        Ok(found)
    }

    /// Reads what somebody pushed. What is not fit is a person's to look at.
    async fn read_head(&self, home: &Home, stored: &Stored, look: &Look) -> Result<Change, Failed> {
        let Some(was) = &stored.pull.change else { return Err(store::Fault::Conflict.into()) };
        let remote = home.forge.remote().await?;
        let broker = home.broker.as_ref().ok_or(store::Fault::Conflict)?;
        let default = home.forge.repository().await?.default_branch;
        let read = self.read_branch(home, broker, &remote, &was.branch, (&look.there.base.branch, &default)).await;
        match read {
            Ok((read, _)) => Ok(Change { title: was.title.clone(), body: was.body.clone(), ..read }),
            // Of this one only: the others are looked at all the same.
            Err(No::Refusal(Refusal { code: domain::refusal::Code::Unavailable, message, .. })) => {
                Err(Failed::Forge(forge::Fault::Refused {
                    why: message,
                    next: "it is read again in a while".to_owned(),
                }))
            }
            Err(No::Refusal(refusal)) => Ok(Change {
                head: look.there.head.commit.clone(),
                onto: look.there.base.branch.clone(),
                visual: Some(refusal.message.clone()),
                protected: Some(refusal.message),
                ..was.clone()
            }),
            Err(no @ No::Fault(_)) => Err(no.into()),
        }
    }
}

/// Whether somebody holds its turn.
async fn is_at_work(desk: &mut Desk<'_>, pull: &Pull) -> Result<bool, No> {
    Ok(store::job::of_pull(desk.tx, &pull.id).await?.iter().any(|job| {
        matches!(&job.state, domain::job::State::Held(claim) if desk.now < claim.expires_at)
            && pull.job().as_deref() == Some(job.name.as_str())
    }))
}

/// Whether it makes a difference that a person wants changes of it as well.
fn may_be_asked(pull: &Pull) -> bool {
    pull.state != State::ChangesRequested && pull.state.step(Event::ChangesRequested, pull.reviewers).is_ok()
}

/// Whether what is to be merged is another commit than the known one, or is to go into another branch.
fn is_another(known: &Change, look: &Look) -> bool {
    (known.head != look.there.head.commit || known.onto != look.there.base.branch) && !bug("push-unseen")
}

/// In which way it is another.
fn other_change(known: &Pull, look: &Look) -> String {
    if known.head() == Some(look.there.head.commit.as_str()) {
        format!("it is to be merged into {} now", look.there.base.branch)
    } else {
        format!("somebody pushed {}", look.there.head.commit)
    }
}

async fn take_in(
    desk: &mut Desk<'_>,
    looked: Pull,
    repo: String,
    look: Look,
    pushed: Option<Change>,
) -> Result<Found, No> {
    let nothing = Found { writes: Vec::new(), again: false };
    let Some(was) = store::pull::load(desk.tx, &looked.id).await? else { return Ok(nothing) };
    // Somebody moved it since it was looked at: what was seen there may be older than that.
    if was.pull != looked {
        return Ok(Found { again: true, ..nothing });
    }
    let names: Names = crate::mirror::names(desk.tx, &repo, &desk.rules.labels).await?;
    let (revising, iterations) = (is_at_work(desk, &was.pull).await?, desk.rules.caps.iterations);
    let known = Known { dressed: was.seen.dressed, closed: was.seen.shut, revising, iterations };
    let sight = sight(&was, &look, &names);
    let (acts, writes) = reconcile(&was.pull, known, &sight, &names);
    let mut seen = seen(&was, &look, &names);
    let mut pull = was.pull.clone();
    pull.there.labels.clone_from(&look.there.labels);
    pull.there.url.clone_from(&look.there.url);
    let mut happens = None;
    let mut asked = None;
    let mut gap = None;
    for act in acts {
        match act {
            // Of what happens at once the first counts, and that changes are wanted besides.
            Act::Event(Event::ChangesRequested, why) if happens.is_some() => asked = Some(why),
            Act::Event(event, why) => happens = happens.or(Some((event, why))),
            Act::WontFix(why) => gap = Some(why),
            Act::Head(_) => {
                let Some(change) = pushed.clone().filter(|change| change.head == look.there.head.commit) else {
                    return Ok(Found { again: true, ..nothing });
                };
                pull = pull.with(change, Hand::Somebody);
                happens = happens.or_else(|| Some((Event::Pushed, other_change(&was.pull, &look))));
            }
            Act::Hold(hold) => pull.hold = hold,
            Act::Spoof(deed) => spoofed(desk, &pull, &deed, &names).await?,
        }
    }
    if bug("labels-are-the-state") && names.has(&look.there.labels, Role::NeedsHuman) {
        pull.state = State::NeedsHuman;
    }
    let held = pull.hold != was.pull.hold;
    if held {
        hold_told(desk, &was.pull, &pull).await?;
    }
    if let Some((event, why)) = happens {
        if event == Event::Reopened && !make_way(desk, &pull).await? {
            store::pull::write(desk.tx, &was, &pull, &seen).await?;
            return Ok(nothing);
        }
        seen.shut &= event != Event::Reopened;
        let now = store::pull::write(desk.tx, &was, &pull, &seen).await?;
        let now = step(desk, &now, now.pull.clone(), event, &why).await?;
        if let Some(why) = asked.filter(|_| may_be_asked(&now.pull)) {
            step(desk, &now, now.pull.clone(), Event::ChangesRequested, &why).await?;
        }
        return Ok(Found { again: true, ..nothing });
    }
    if pull != was.pull || seen != was.seen {
        let changed = pull.hold != was.pull.hold || pull.there.labels != was.pull.there.labels;
        store::pull::write(desk.tx, &was, &pull, &seen).await?;
        if changed {
            desk.record(object(&pull), &audited(&was.pull), &audited(&pull)).await?;
        }
    }
    if let Some(why) = gap {
        crate::gap::taken_in(desk, &pull.gap, domain::gap::Event::WontFix, &why).await?;
        return Ok(Found { again: true, ..nothing });
    }
    Ok(Found { writes, again: held })
}

/// Lets one that people opened again be the one of its gap: another that nobody sees yet ends. False where the other is on
/// the forge too: then a person is to say which it is, and this one has ended as before.
async fn make_way(desk: &mut Desk<'_>, pull: &Pull) -> Result<bool, No> {
    let Some(other) = store::pull::live_of(desk.tx, &pull.gap).await? else { return Ok(true) };
    if other.pull.there.number.is_none() {
        let why = format!("{} was opened again", name(pull));
        step(desk, &other, other.pull.clone(), Event::Closed, &why).await?;
        return Ok(true);
    }
    let text =
        format!("{} was opened again, and so was {} by an agent: close one of them", name(pull), name(&other.pull));
    let subject = format!("pull:{}", pull.id);
    tell_once(desk, &subject, &format!("two.{}", other.pull.id), Level::Warn, text, None).await?;
    Ok(false)
}

/// What a look shows, in the words of the rule.
fn sight(was: &Stored, look: &Look, names: &Names) -> Sight {
    let by = look.there.ended_by.as_ref().map(|account| account.login.clone());
    let stand = match look.there.state {
        PullState::Open => Stand::Open,
        PullState::Closed => Stand::Closed { by },
        PullState::Merged { .. } => Stand::Merged { by },
    };
    let role = |label: &str| Role::ALL.into_iter().find(|role| same(names.of(*role), label));
    let new_deeds = look.deeds.events.iter().filter(|event| event.id > was.seen.deeds);
    let deed = |event: &forge::LabelEvent| {
        let added = event.what == LabelChange::Added;
        Some(Deed { role: role(&event.label)?, added, by: look.actor(&event.actor) })
    };
    let stands = |deed: &Deed| matches!(deed.role, Role::OptOut | Role::OptIn | Role::WontFix);
    let new = look.reviews.iter().filter(|review| is_new(&was.seen, review));
    let wants =
        new.filter(|review| review.state == ReviewState::ChangesRequested && review.author.kind == AccountKind::Person);
    Sight {
        stand,
        head: match was.pull.head() {
            Some(head) if bug("push-unseen") => head.to_owned(),
            Some(_) | None => look.there.head.commit.clone(),
        },
        onto: look.there.base.branch.clone(),
        labels: look.there.labels.clone(),
        deeds: new_deeds.filter_map(deed).collect(),
        standing: look.deeds.events.iter().filter_map(deed).filter(stands).collect(),
        wants_changes: wants.map(|review| look.actor(&review.author)).collect(),
        shared_head: look.shared && !bug("one-verdict-for-two"),
    }
}

/// Whether a review was not taken in yet. One that was begun before another, and so has the smaller id, may be handed in
/// after it.
pub(super) fn is_new(seen: &Seen, review: &forge::Review) -> bool {
    review.id > seen.reviews || (seen.reviews_at > Time(0) && review.at > seen.reviews_at)
}

/// How far it was taken in.
fn seen(was: &Stored, look: &Look, names: &Names) -> Seen {
    let labels = &look.there.labels;
    let dressed = [Role::Gap, Role::OptIn, Role::Attempted].iter().all(|role| names.has(labels, *role));
    Seen {
        dressed: was.seen.dressed || dressed,
        shut: was.seen.shut || look.there.state != PullState::Open,
        deeds: look.deeds.events.iter().map(|event| event.id).fold(was.seen.deeds, i64::max),
        reviews: look.reviews.iter().map(|review| review.id).fold(was.seen.reviews, i64::max),
        reviews_at: look.reviews.iter().map(|review| review.at).fold(was.seen.reviews_at, Time::max),
        ..was.seen.clone()
    }
}

/// Remembers that somebody changed a label that is not theirs to change.
async fn spoofed(desk: &mut Desk<'_>, pull: &Pull, deed: &Deed, names: &Names) -> Result<(), No> {
    let what = if deed.added { "put on" } else { "taken off" };
    let after = json!({
        "spoofed": names.of(deed.role),
        "what": what,
        "by": deed.by.login,
        "may_write": deed.by.may_write,
    });
    desk.record(object(pull), &(), &after).await
}

/// Lets it be shown that two pull requests share a head, or no longer do: a check goes with a commit, and would speak for both.
async fn hold_told(desk: &mut Desk<'_>, was: &Pull, now: &Pull) -> Result<(), No> {
    match (was.hold, now.hold) {
        (_, Some(Hold::SharedHead)) => say::shared(desk, now).await,
        (Some(Hold::SharedHead), None) => say::stands(desk, now).await,
        (_, None | Some(Hold::OptedOut | Hold::NotOptedIn)) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use forge::{Account, Review};

    use super::*;

    #[test]
    fn a_review_that_was_begun_before_another_and_handed_in_after_it_is_taken_in() {
        let review = |id, at| Review {
            id,
            commit: None,
            state: ReviewState::ChangesRequested,
            body: String::new(),
            author: Account { id: "1".into(), login: "ann".into(), kind: AccountKind::Person },
            at: Time(at),
        };
        let seen = Seen { reviews: 11, reviews_at: Time(100), ..Seen::default() };
        for (review, new) in
            [(review(10, 90), false), (review(11, 100), false), (review(10, 101), true), (review(12, 100), true)]
        {
            assert_eq!(is_new(&seen, &review), new, "{review:?}");
        }
        let before = Seen { reviews: 11, ..Seen::default() };
        assert!(!is_new(&before, &review(10, 101)), "what was taken in before moments were kept is not new");
    }
}
