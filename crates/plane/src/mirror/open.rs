//! Opening issues: each at most once. What nobody knows the end of is settled by reading the forge, never by repeating.

use domain::gap::Key;
use domain::label::{Names, Role};
use domain::mirror::{self, ABSENT_MIN, SETTLE};
use domain::time::Time;
use forge::{Fault, Issue, NewIssue};
use futures::FutureExt;
use store::issue::{Mirrored, State};
use store::seeded::bug;

use super::{Failed, Home, LEASE, fault_line};
use crate::desk::Desk;
use crate::{No, Plane};

/// How many issues in a row the forge may refuse to open before it counts as failing as a whole.
const REFUSED_MAX: usize = 3;

/// How many sightings are read for what an issue quotes.
const SIGHTINGS_READ: i64 = 20;

/// What came of a sweep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    /// Issues opened.
    pub(crate) opened: i64,
    /// Gaps that wait for another sweep, for the bounds on issues.
    pub(crate) waiting: i64,
    /// Why the forge would not open one of them.
    pub(crate) refused: Option<String>,
}

impl Plane {
    /// Opens issues for the gaps that have none, by rank, within the bounds.
    pub(crate) async fn open_issues(&self, home: &Home) -> Result<Swept, Failed> {
        let mut swept = Swept::default();
        if !self.may_reach_out(home).await? {
            return Ok(swept);
        }
        // What is there is known before anything is added to it, whatever became of the store meanwhile.
        self.recognise(home).await?;
        self.poll_forge(home).await?;
        let (repo, depth_max) = (home.repo.clone(), self.settings.rules.depth_max);
        let mut tx = self.store.read().await?;
        let room = (home.open_max - store::issue::count_open(&mut tx, &repo).await?).max(0);
        let gaps = store::issue::unmirrored(&mut tx, depth_max, home.sweep_max + 1).await?;
        drop(tx);
        let (mut refused, mut last) = (0, None);
        for key in gaps {
            if swept.opened >= room.min(home.sweep_max) {
                swept.waiting += 1;
                continue;
            }
            match self.open_issue(home, key).await {
                Ok(opened) => {
                    swept.opened += i64::from(opened);
                    refused = 0;
                }
                Err(Failed::Forge(Fault::Paced { .. })) => swept.waiting += 1,
                // Of this issue only, as long as it is not so of one after the other.
                Err(Failed::Forge(fault @ (Fault::Refused { .. } | Fault::Stale { .. }))) => {
                    refused += 1;
                    if refused == REFUSED_MAX {
                        return Err(fault.into());
                    }
                    last = Some(fault);
                }
                Err(failed) => return Err(failed),
            }
        }
        match last {
            Some(fault) if swept.opened == 0 => Err(fault.into()),
            last => Ok(Swept { refused: last.as_ref().map(fault_line), ..swept }),
        }
    }

    /// Opens the issue of one gap; false when somebody else did, or the level forbids it by now.
    async fn open_issue(&self, home: &Home, key: Key) -> Result<bool, Failed> {
        // Made before the issue, so that a forge does not make it without its colour.
        let label = self.label_name(home, Role::Gap).await?;
        let (repo, gap) = (home.repo.clone(), key.clone());
        let Some((title, body)) = self.as_mirror(move |desk| begin(desk, repo.clone(), gap.clone()).boxed()).await?
        else {
            return Ok(false);
        };
        let new = NewIssue { title, body, labels: vec![label] };
        let mut opened = home.forge.open_issue(&new).await;
        if bug("repeat-on-unknown") && matches!(opened, Err(Fault::Unknown { .. })) {
            opened = home.forge.open_issue(&new).await;
        }
        match opened {
            Ok(issue) => {
                self.adopt(home, key, issue).await?;
                Ok(true)
            }
            Err(fault) => {
                let told = fault.clone();
                self.as_mirror(move |desk| not_opened(desk, key.clone(), told.clone()).boxed()).await?;
                Err(fault.into())
            }
        }
    }

    /// Takes an issue as that of a gap.
    pub(super) async fn adopt(&self, home: &Home, key: Key, issue: Issue) -> Result<(), No> {
        let repo = home.repo.clone();
        self.as_mirror(move |desk| known(desk, repo.clone(), key.clone(), issue.clone()).boxed()).await
    }
}

/// Writes down that an issue is about to be opened, and gives its words; none where it is not to be.
async fn begin(desk: &mut Desk<'_>, repo: String, key: Key) -> Result<Option<(String, String)>, No> {
    let (level, _) = store::level::current(desk.tx).await?;
    let Some(stored) = store::gap::load(desk.tx, &key).await? else { return Ok(None) };
    let gap = stored.gap;
    let wanted = gap.state.is_work() || gap.state == domain::gap::State::RequiresHuman;
    if !level.reaches_out() || !wanted || gap.is_too_deep(desk.rules.depth_max) {
        return Ok(None);
    }
    let opening = Mirrored::opening(key.clone(), &repo, desk.now, desk.now + LEASE);
    if !bug("open-without-writing-down") && !store::issue::add(desk.tx, &opening).await? {
        return Ok(None);
    }
    let names: Names = super::names(desk.tx, &repo, &desk.rules.labels).await?;
    let seen = store::gap::sighting::of_gap(desk.tx, &key, (i64::MAX, ""), SIGHTINGS_READ).await?;
    let reasons: Vec<_> = seen.into_iter().map(|seen| (seen.principal, seen.reason)).collect();
    desk.record(format!("issue:{key}"), &(), &serde_json::json!({"repo": repo, "state": "opening"})).await?;
    Ok(Some((mirror::title(&gap), mirror::body(&gap, &reasons, &names))))
}

/// Writes down that an issue was not opened, where that is certain; where it is not, reading will tell.
async fn not_opened(desk: &mut Desk<'_>, key: Key, fault: Fault) -> Result<(), No> {
    let Some(mut issue) = store::issue::load(desk.tx, &key).await? else { return Ok(()) };
    if issue.state != State::Opening {
        return Ok(());
    }
    issue.last_error = fault_line(&fault);
    match fault {
        // It may be there.
        Fault::Unknown { .. } => store::issue::write(desk.tx, &issue).await?,
        Fault::Later { .. } | Fault::Paced { .. } | Fault::Moved { .. } => {
            store::issue::remove(desk.tx, &issue).await?;
        }
        Fault::Refused { .. } | Fault::Gone { .. } | Fault::Stale { .. } => {
            issue.state = State::Refused;
            store::issue::write(desk.tx, &issue).await?;
        }
    }
    let after = serde_json::json!({"state": issue.state, "why": issue.last_error});
    desk.record(format!("issue:{key}"), &(), &after).await
}

/// Writes down which issue a gap has. One that it had before, and that is open too, is nobody's and told of.
async fn known(desk: &mut Desk<'_>, repo: String, key: Key, seen: Issue) -> Result<(), No> {
    let fresh = Mirrored::opening(key.clone(), &repo, desk.now, Time(0));
    store::issue::add(desk.tx, &fresh).await?;
    let Some(mut issue) = store::issue::load(desk.tx, &key).await? else { return Err(store::Fault::Conflict.into()) };
    if issue.state == State::Known {
        return Ok(());
    }
    issue.repo = repo;
    issue.state = State::Known;
    issue.number = Some(seen.number);
    issue.url = seen.url;
    issue.title = seen.title;
    issue.stand = Some(super::sync::stand(seen.state));
    issue.labels = seen.labels;
    // What it shows is what it was opened with; what people did since is seen by the next look.
    issue.base = Some(mirror::Base { face: mirror::opened(), at: desk.now, sent: None });
    issue.changed_at = Time(0);
    issue.comments = 0;
    issue.dirty = true;
    issue.lease_until = Time(0);
    issue.last_error = String::new();
    issue.failures = 0;
    store::issue::write(desk.tx, &issue).await?;
    let after = serde_json::json!({"repo": issue.repo, "number": issue.number, "state": issue.state});
    desk.record(format!("issue:{key}"), &(), &after).await
}

/// Counts a whole list, begun at `began`, that lacked an issue which may have been opened; lets it be opened anew once
/// enough of them did.
pub(super) async fn absent(desk: &mut Desk<'_>, key: Key, began: Time) -> Result<(), No> {
    let Some(mut issue) = store::issue::load(desk.tx, &key).await? else { return Ok(()) };
    let early = began.since(issue.tried_at) < SETTLE && !bug("believe-a-list-at-once");
    if issue.state != State::Opening || early {
        return Ok(());
    }
    issue.absent += 1;
    if issue.absent < ABSENT_MIN && !bug("believe-a-list-at-once") {
        return Ok(store::issue::write(desk.tx, &issue).await?);
    }
    store::issue::remove(desk.tx, &issue).await?;
    desk.record(format!("issue:{key}"), &(), &serde_json::json!({"state": "never opened"})).await
}

/// Lets an issue be opened anew that the forge would not open.
pub(super) async fn again(desk: &mut Desk<'_>, key: Key) -> Result<(), No> {
    match store::issue::load(desk.tx, &key).await? {
        Some(issue) if issue.state == State::Refused => Ok(store::issue::remove(desk.tx, &issue).await?),
        Some(_) | None => Ok(()),
    }
}
