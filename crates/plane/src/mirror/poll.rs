//! Reading everything: the labels of the repository and every issue of ours. What a webhook would have said is found here
//! too, and so is what no webhook says.

use std::collections::{BTreeMap, BTreeSet};

use domain::gap::Key;
use domain::label::Role;
use domain::mirror::marked;
use domain::time::Span;
use forge::{AccountKind, Closed, Edit, Fault, Issue, IssueState};
use futures::FutureExt;
use store::issue::{Mirrored, State};

use super::{AILING_MAX, Failed, Home};
use crate::desk::Desk;
use crate::{No, Plane};

/// How many issues are read from the store at once.
const ROWS_AT_ONCE: i64 = 200;

/// How long an issue that the forge would not open is left, before it is tried once more.
const REFUSED_KEPT: Span = Span::hours(1);

/// What a poll found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Polled {
    /// Issues of ours on the forge.
    pub issues: usize,
    /// Those that were held against their gaps.
    pub looked_at: usize,
}

impl Plane {
    /// Reads everything there is in a repository that was recognised, and takes it in.
    pub(crate) async fn poll_forge(&self, home: &Home) -> Result<Polled, Failed> {
        let began = self.moment().await?;
        self.learn_labels(home).await?;
        let found = home.forge.our_issues().await?;
        let mut polled = Polled { issues: found.len(), looked_at: 0 };
        let mut rows = self.rows(home).await?;
        self.adopt_found(home, &found, &mut rows).await?;
        let by_number: BTreeMap<i64, &Issue> = found.iter().map(|issue| (issue.number, issue)).collect();
        let mut ailing = 0;
        for row in rows.values() {
            match (row.state, row.number) {
                (State::Opening, _) => {
                    let key = row.gap.clone();
                    self.as_mirror(move |desk| super::open::absent(desk, key.clone(), began).boxed()).await?;
                }
                (State::Known, Some(number)) => match by_number.get(&number) {
                    Some(issue) if is_news(row, issue) => {
                        polled.looked_at += 1;
                        let done = self.sync(home, &row.gap, (*issue).clone(), began).await;
                        self.pass_over(&row.gap, done, &mut ailing).await?;
                    }
                    Some(_) => {}
                    // Not ours to list any more: deleted, moved away, or only hidden from the list.
                    None => {
                        polled.looked_at += 1;
                        let done = self.look_at(home, &row.gap, number).await;
                        self.pass_over(&row.gap, done, &mut ailing).await?;
                    }
                },
                (State::Refused, _) if began.since(row.tried_at) >= REFUSED_KEPT => {
                    let key = row.gap.clone();
                    self.as_mirror(move |desk| super::open::again(desk, key.clone()).boxed()).await?;
                }
                (State::Known, None) | (State::Gone | State::Refused, _) => {}
            }
        }
        let repo = home.repo.clone();
        let done = self.act.act(move |tx| {
            let repo = repo.clone();
            async move { Ok(store::repository::polled(tx, &repo, began).await?) }.boxed()
        });
        done.await?;
        Ok(polled)
    }

    /// Goes on after an issue that the forge fails to show while it shows others, so that it keeps none from being read;
    /// `ailing` is how many of them there were in a row.
    pub(crate) async fn pass_over(
        &self,
        key: &Key,
        done: Result<(), Failed>,
        ailing: &mut usize,
    ) -> Result<(), Failed> {
        match done {
            Err(Failed::Forge(fault @ Fault::Later { after: None, .. })) if *ailing < AILING_MAX => {
                *ailing += 1;
                Ok(self.leave_issue(key, &fault).await?)
            }
            done => {
                *ailing = 0;
                self.set_aside(key, done).await
            }
        }
    }

    /// Every issue that we remember of this repository.
    async fn rows(&self, home: &Home) -> Result<BTreeMap<Key, Mirrored>, No> {
        let mut rows = BTreeMap::new();
        let mut after = String::new();
        loop {
            let mut tx = self.store.read().await?;
            let page = store::issue::list(&mut tx, &home.repo, &after, ROWS_AT_ONCE).await?;
            let Some(last) = page.last() else { return Ok(rows) };
            after = last.gap.to_string();
            rows.extend(page.into_iter().map(|row| (row.gap.clone(), row)));
        }
    }

    /// Takes issues of ours, known by their markers, whose gaps wait for one; and closes one that is one too many.
    async fn adopt_found(
        &self,
        home: &Home,
        found: &[Issue],
        rows: &mut BTreeMap<Key, Mirrored>,
    ) -> Result<(), Failed> {
        // Whatever people make of the marker of an issue that we know, it is the issue of its gap.
        let known: BTreeSet<i64> =
            rows.values().filter(|row| row.state == State::Known).filter_map(|row| row.number).collect();
        let ours = |issue: &&Issue| issue.author.kind == AccountKind::Us && !known.contains(&issue.number);
        for issue in found.iter().filter(ours) {
            let Some(key) = marked(&issue.body) else { continue };
            match rows.get(&key).map(|row| row.state) {
                // A second one, which came late: the first stays.
                Some(State::Known) if issue.state == IssueState::Open => {
                    self.close_second(home, &key, issue).await?;
                }
                Some(State::Opening | State::Refused) => {
                    self.adopt(home, key.clone(), issue.clone()).await?;
                }
                // An old one that the gap had before, or one of a store that was restored.
                Some(State::Gone) if issue.state == IssueState::Open => {
                    self.adopt(home, key.clone(), issue.clone()).await?;
                }
                None if issue.state != IssueState::Closed(Closed::Duplicate) && self.has_gap(&key).await? => {
                    self.adopt(home, key.clone(), issue.clone()).await?;
                }
                Some(State::Known | State::Gone) | None => {}
            }
            let mut tx = self.store.read().await?;
            if let Some(row) = store::issue::find(&mut tx, &key).await? {
                rows.insert(key, row);
            }
        }
        Ok(())
    }

    /// Closes a second issue of one gap, unless people said hands off. One that the forge will not close stays open, and
    /// does not keep the others from being read.
    async fn close_second(&self, home: &Home, key: &Key, issue: &Issue) -> Result<(), Failed> {
        let mut tx = self.store.read().await?;
        let names = super::names(&mut tx, &home.repo, &self.settings.rules.labels).await?;
        drop(tx);
        if names.has(&issue.labels, Role::OptOut) || self.is_off(home).await? {
            return Ok(());
        }
        tracing::warn!(gap = %key, number = issue.number, "a second issue of one gap is closed");
        let state = Some(IssueState::Closed(Closed::Duplicate));
        match home.forge.edit_issue(issue.number, &Edit { state, ..Edit::default() }).await {
            Ok(()) => {
                let (key, number) = (key.clone(), issue.number);
                Ok(self.as_mirror(move |desk| closed_second(desk, key.clone(), number).boxed()).await?)
            }
            Err(fault @ (Fault::Later { .. } | Fault::Moved { .. })) => Err(Failed::Forge(fault)),
            Err(fault) => {
                tracing::warn!(gap = %key, number = issue.number, %fault, "a second issue of one gap stays open");
                Ok(())
            }
        }
    }

    async fn has_gap(&self, key: &Key) -> Result<bool, No> {
        let mut tx = self.store.read().await?;
        Ok(store::gap::find(&mut tx, key).await?.is_some())
    }
}

async fn closed_second(desk: &mut Desk<'_>, key: Key, number: i64) -> Result<(), No> {
    let after = serde_json::json!({"number": number, "state": "a second issue, closed"});
    desk.record(format!("issue:{key}"), &(), &after).await
}

/// Whether an issue shows something that was not taken in, or waits to be written to.
fn is_news(row: &Mirrored, issue: &Issue) -> bool {
    row.dirty
        || issue.updated_at > row.changed_at
        || row.stand != Some(super::sync::stand(issue.state))
        || row.labels != issue.labels
        || row.comments != issue.comments
}
