//! Reading how a pull request ended: who did it, how long they had it before them, what git finds of the merge, and how its
//! checks stood. What cannot be read is left out, and is unknown then.

use domain::gate;
use domain::label::{Role, same};
use domain::outcome::{Answer, End, Evidence, Hand, Landed, looked};
use domain::pull::{Pull, State};
use domain::time::Time;
use forge::broker::{Broker, Expected, Landing, Trouble, Undone};
use forge::git::{Branch, Commit};
use forge::{AccountKind, Check, CheckState, LabelChange, Pull as There, PullState};
use store::outcome::Found;
use store::pull::Stored;
use store::seeded::bug;

use super::Ended;
use crate::mirror::{Failed, Home, known, passes};
use crate::{No, Plane};

impl Plane {
    /// Reads how one ended.
    pub(super) async fn read_end(&self, home: &Home, stored: &Stored) -> Result<Ended, Failed> {
        let pull = &stored.pull;
        let mut tx = self.store.read().await?;
        let history = super::history(&mut tx, &pull.id).await?;
        let auto = store::automerge::of(&mut tx, &pull.id).await?;
        drop(tx);
        let judged = history.judged();
        let mut whole = true;
        let there = match pull.there.number {
            None => None,
            Some(number) => known(home.forge.pull(number).await)?,
        };
        let end = match (&there, pull.state) {
            (Some(there), State::Merged) => {
                let (end, read) = self.read_merge(home, there, judged.handed_in.as_deref()).await?;
                whole &= read;
                end
            }
            (None, State::Merged) => End::Merged { head: None, commit: None, git: None },
            (Some(_) | None, _) => End::Closed,
        };
        let ended_by = there.as_ref().and_then(|there| there.ended_by.clone());
        let by = match &ended_by {
            None => Hand::Unknown,
            Some(account) => match account.kind {
                // Another who uses our account is not us.
                AccountKind::Us => {
                    match auto.filter(|auto| there.as_ref().is_some_and(|there| there.head.commit == auto.head)) {
                        Some(auto) => {
                            self.settle_merge(stored, &auto, "merged", "").await?;
                            Hand::Us
                        }
                        None => Hand::Unknown,
                    }
                }
                AccountKind::Bot => Hand::Bot,
                AccountKind::Person => match known(home.forge.may_write(account).await)? {
                    Some(true) => Hand::Person,
                    Some(false) => Hand::Bot,
                    None => Hand::Unknown,
                },
            },
        };
        let by = if bug("anybody-is-a-person") { Hand::Person } else { by };
        let evidence = Evidence {
            approved: judged.is_approved() && history.stood(),
            others: history.has_others()
                || pull.change.as_ref().is_some_and(|change| change.risk.several != Some(false)),
            sent_back: history.is_sent_back(),
            by,
            login: ended_by.map(|account| account.login),
            found_at: Some(pull.changed_at),
            ended_at: there.as_ref().and_then(|there| there.ended_at),
            looked_ms: self.read_look(home, pull, there.as_ref()).await?,
            lines: pull.change.as_ref().map_or(0, |change| change.lines),
            checks: self.read_checks(home, judged.handed_in.as_deref()).await?,
            judged: judged.handed_in,
            end,
        };
        Ok(Ended { evidence, whole })
    }

    /// What git finds of a merge, and whether everything could be read.
    async fn read_merge(&self, home: &Home, there: &There, judged: Option<&str>) -> Result<(End, bool), Failed> {
        let commit = match &there.state {
            PullState::Merged { commit } => commit.clone(),
            PullState::Open | PullState::Closed => None,
        };
        let head = Some(there.head.commit.clone());
        let (Some(judged), Some(merge)) = (judged, &commit) else {
            // A forge may tell the merge a moment later.
            let whole = judged.is_none();
            return Ok((End::Merged { head, commit, git: None }, whole));
        };
        let (git, whole) = match self.landed(home, there, (judged, merge)).await {
            // What is read may lag behind.
            Ok(git) => {
                let whole = git.as_ref().is_some_and(|git| git.on_base);
                (git, whole)
            }
            Err(Failed::Forge(fault)) if passes(&fault) => return Err(fault.into()),
            Err(Failed::Forge(_)) => (None, true),
            Err(failed @ (Failed::No(No::Fault(_)) | Failed::Rests(_))) => return Err(failed),
            Err(Failed::No(No::Refusal(refusal))) => {
                tracing::warn!(number = there.number, why = refusal.message, "a merge could not be read");
                (None, false)
            }
        };
        Ok((End::Merged { head, commit, git }, whole))
    }

    async fn landed(
        &self,
        home: &Home,
        there: &There,
        (judged, merge): (&str, &str),
    ) -> Result<Option<Landed>, Failed> {
        let broker = broker(home)?;
        let remote = home.forge.remote().await?;
        let landing = Landing {
            number: there.number,
            base: &branch(&there.base.branch)?,
            merge: &commit(merge)?,
            approved: &commit(judged)?,
            head: &commit(&there.head.commit)?,
        };
        let found = broker.landed(&remote, landing).await.map_err(crate::pull::trouble)?;
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Ok(found.map(|found| Landed {
            tree: found.tree,
            parent: found.parent.as_str().to_owned(),
            expected: match found.expected {
                Expected::Tree(tree) => Some(tree),
                Expected::Conflict => None,
            },
            on_base: found.on_base,
            descends: found.descends,
            own: count(found.own),
            merges: count(found.merges),
            same_content: found.same_content,
        }))
    }

    /// Whether what was merged is still there.
    pub(super) async fn undone(&self, home: &Home, stored: &Stored, found: &Found) -> Result<Undone, Failed> {
        let Some((base, merge, parent)) = merged(&stored.pull, found)? else { return Ok(Undone::Unknown) };
        let remote = home.forge.remote().await?;
        let number = stored.pull.there.number.unwrap_or_default();
        let undone = broker(home)?.undone(&remote, &base, &merge, &parent, (&home.repo, number)).await;
        match undone {
            Ok(undone) => Ok(undone),
            Err(Trouble::Unfit(_)) => Ok(Undone::Unknown),
            Err(trouble) => Err(crate::pull::trouble(trouble).into()),
        }
    }

    /// How long people had it before them: from when its label said that it is theirs.
    async fn read_look(&self, home: &Home, pull: &Pull, there: Option<&There>) -> Result<Option<i64>, Failed> {
        let Some(there) = there else { return Ok(None) };
        let events = known(home.forge.label_events(there.number).await)?.filter(|events| events.complete);
        let Some(events) = events else { return Ok(None) };
        let mut tx = self.store.read().await?;
        let names = crate::mirror::names(&mut tx, &pull.repo, &self.settings.rules.labels).await?;
        drop(tx);
        let label = names.of(Role::NeedsHuman);
        let shown: Option<Time> = events
            .events
            .iter()
            .filter(|event| there.ended_at.is_none_or(|ended| event.at <= ended))
            .rfind(|event| same(label, &event.label))
            .filter(|event| event.what == LabelChange::Added && event.actor.kind == AccountKind::Us)
            .map(|event| event.at);
        Ok(looked(shown, there.ended_at).map(|span| span.0))
    }

    /// How the checks stood at a commit.
    async fn read_checks(&self, home: &Home, head: Option<&str>) -> Result<Answer, Failed> {
        let required = &self.settings.rules.gate.checks;
        let Some(head) = head else { return Ok(gate::passed(None, required, None)) };
        Ok(gate::passed(checks(home, head).await?.as_deref(), required, Some(head)))
    }

    /// How they stand at a merge on the base, where what failed before it as well is not its doing.
    pub(crate) async fn read_base(&self, home: &Home, pull: &Pull, found: &Found) -> Result<Option<Answer>, Failed> {
        let required = &self.settings.rules.gate.checks;
        let Some(merge) = merge_commit(found) else { return Ok(None) };
        let after = checks(home, &merge).await?;
        let is = gate::passed(after.as_deref(), required, Some(&merge));
        let (Answer::Fail(_), Some((.., parent))) = (&is, merged(pull, found)?) else { return Ok(Some(is)) };
        if bug("red-base-blamed") {
            return Ok(Some(is));
        }
        let before = checks(home, parent.as_str()).await?;
        let (before, after) = ((before.as_deref(), parent.as_str()), (after.as_deref(), merge.as_str()));
        Ok(Some(gate::passed_since(before, after, required)))
    }
}

/// The checks of a commit; none where the forge certainly will not tell.
pub(crate) async fn checks(home: &Home, commit: &str) -> Result<Option<Vec<gate::Check>>, Failed> {
    Ok(known(home.forge.checks(commit).await)?.map(|all| all.into_iter().map(check).collect()))
}

/// A check, as the gate reads it.
fn check(check: Check) -> gate::Check {
    let passed = match check.state {
        CheckState::Pass => Some(true),
        CheckState::Fail => Some(false),
        CheckState::Running | CheckState::Neutral => None,
    };
    gate::Check { name: check.name, commit: check.commit, passed, title: check.title }
}

/// The commit as which one was merged, where that is known.
pub(crate) fn merge_commit(found: &Found) -> Option<String> {
    match found.evidence().ok()?.end {
        End::Merged { commit, .. } => commit,
        End::Closed => None,
    }
}

/// As what it was merged into what: the base, the merge, and the base before it.
pub(crate) fn merged(pull: &Pull, found: &Found) -> Result<Option<(Branch, Commit, Commit)>, Failed> {
    let End::Merged { commit: Some(merge), git: Some(git), .. } = found.evidence()?.end else { return Ok(None) };
    let Some(change) = &pull.change else { return Ok(None) };
    Ok(Some((branch(&change.onto)?, commit(&merge)?, commit(&git.parent)?)))
}

pub(crate) fn broker(home: &Home) -> Result<&Broker, Failed> {
    Ok(home.broker.as_ref().ok_or(store::Fault::Conflict)?)
}

fn branch(name: &str) -> Result<Branch, Failed> {
    Ok(crate::pull::branch(name).map_err(No::from)?)
}

fn commit(id: &str) -> Result<Commit, Failed> {
    Ok(crate::pull::commit(id).map_err(No::from)?)
}
