//! Reading everything: the repository, its labels and every issue of ours. What a webhook would have said is found here
//! too, and so is what no webhook says.

use std::collections::BTreeMap;

use domain::effect::Notify;
use domain::gap::Key;
use domain::label::{self, Role};
use domain::mirror::marked;
use domain::notice::Level;
use domain::time::Span;
use forge::{AccountKind, Closed, Edit, Fault, Issue, IssueState};
use futures::FutureExt;
use store::issue::{Mirrored, State};
use store::repository::Label;

use super::{Failed, Home};
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
    /// Reads everything there is on the forge and takes it in.
    pub(crate) async fn poll_forge(&self, home: &Home) -> Result<Polled, Failed> {
        let began = self.moment().await?;
        if !self.recognise(home).await? {
            return Ok(Polled::default());
        }
        self.learn_labels(home).await?;
        let found = home.forge.our_issues().await?;
        let mut polled = Polled { issues: found.len(), looked_at: 0 };
        let mut rows = self.rows(home).await?;
        self.adopt_found(home, &found, &mut rows).await?;
        let by_number: BTreeMap<i64, &Issue> = found.iter().map(|issue| (issue.number, issue)).collect();
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
                        self.set_aside(&row.gap, done).await?;
                    }
                    Some(_) => {}
                    // Not ours to list any more: deleted, moved away, or only hidden from the list.
                    None => {
                        polled.looked_at += 1;
                        let done = self.look_at(home, &row.gap, number).await;
                        self.set_aside(&row.gap, done).await?;
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

    /// Makes sure that the repository is the one that we know; false when it is not, and nothing is to be done.
    async fn recognise(&self, home: &Home) -> Result<bool, Failed> {
        let seen = home.forge.repository().await?;
        let (repo, id, login) = (home.repo.clone(), seen.id, seen.me.login);
        let done = self.as_mirror(move |desk| recognised(desk, repo.clone(), id.clone(), login.clone()).boxed());
        Ok(done.await?)
    }

    /// Looks whether another bot acts on the label by which people opt in, and tells people when one newly does. True when
    /// that could not be read, for want of a right.
    pub(crate) async fn look_for_other_bots(&self, home: &Home) -> Result<bool, Failed> {
        if !self.may_reach_out(home).await? {
            return Ok(false);
        }
        let opt_in = self.settings.rules.labels.of(Role::OptIn).to_owned();
        let files = match home.forge.workflows().await {
            Ok(files) => files,
            Err(Fault::Refused { .. } | Fault::Gone { .. }) => return Ok(true),
            Err(fault) => return Err(fault.into()),
        };
        let also = label::also_starts(&opt_in, files.iter().map(|file| (file.path.as_str(), file.text.as_str())));
        let (repo, channel) = (home.repo.clone(), self.settings.default_channel.clone());
        let done =
            self.as_mirror(move |desk| warn(desk, repo.clone(), opt_in.clone(), channel.clone(), also.clone()).boxed());
        done.await?;
        self.wake.outbox.notify_one();
        Ok(false)
    }

    /// Learns how our labels are called there: people may have renamed or deleted them.
    async fn learn_labels(&self, home: &Home) -> Result<(), Failed> {
        let there = home.forge.labels().await?;
        let (repo, configured) = (home.repo.clone(), self.settings.rules.labels.clone());
        let done = self.as_mirror(move |desk| learn(desk, repo.clone(), configured.clone(), there.clone()).boxed());
        Ok(done.await?)
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
        for issue in found.iter().filter(|issue| issue.author.kind == AccountKind::Us) {
            let Some(key) = marked(&issue.body) else { continue };
            let row = rows.get(&key);
            let theirs = row.and_then(|row| row.number);
            if theirs == Some(issue.number) {
                continue;
            }
            match row.map(|row| row.state) {
                // A second one, which came late: the first stays.
                Some(State::Known) if issue.state == IssueState::Open => {
                    tracing::warn!(gap = %key, number = issue.number, "a second issue of one gap is closed");
                    let state = Some(IssueState::Closed(Closed::Duplicate));
                    home.forge.edit_issue(issue.number, &Edit { state, ..Edit::default() }).await?;
                }
                Some(State::Opening | State::Refused) => {
                    self.adopt(home, key.clone(), issue.clone()).await?;
                }
                // An old one that the gap had before, or one of a store that was restored.
                Some(State::Gone) | None if issue.state == IssueState::Open => {
                    if self.has_gap(&key).await? {
                        self.adopt(home, key.clone(), issue.clone()).await?;
                    }
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

    async fn has_gap(&self, key: &Key) -> Result<bool, No> {
        let mut tx = self.store.read().await?;
        Ok(store::gap::find(&mut tx, key).await?.is_some())
    }
}

/// Whether an issue shows something that was not taken in, or waits to be written to.
fn is_news(row: &Mirrored, issue: &Issue) -> bool {
    row.dirty
        || issue.updated_at > row.changed_at
        || row.stand != Some(super::sync::stand(issue.state))
        || row.labels != issue.labels
        || row.comments != issue.comments
}

async fn recognised(desk: &mut Desk<'_>, repo: String, id: String, login: String) -> Result<bool, No> {
    let known = store::repository::held(desk.tx, &repo).await?;
    if !known.id.is_empty() && known.id != id {
        let why = format!("another repository stands under the name {repo} by now, and nothing is written to it");
        store::repository::moved(desk.tx, &repo, "elsewhere", &why).await?;
        return Ok(false);
    }
    if known.id.is_empty()
        && let Some(before) = store::repository::elsewhere(desk.tx, &id, &repo).await?
    {
        store::repository::follow(desk.tx, &before.name, &repo).await?;
        desk.record(format!("repository:{repo}"), &before.name, &repo).await?;
    }
    store::repository::seen(desk.tx, &repo, &id, &login).await?;
    Ok(true)
}

/// Remembers where another bot acts on our label, and tells people once.
async fn warn(desk: &mut Desk<'_>, repo: String, label: String, channel: String, also: Vec<String>) -> Result<(), No> {
    let known = store::repository::held(desk.tx, &repo).await?;
    let now = serde_json::json!(also).to_string();
    if known.also == now {
        return Ok(());
    }
    store::repository::also(desk.tx, &repo, &now).await?;
    if also.is_empty() {
        return Ok(());
    }
    let text = format!(
        "another bot acts on the label {label} in {repo}: {}. Give it another label_trigger, or set forge.labels.opt_in",
        also.join(", ")
    );
    let notice = Notify { channel, level: Level::Warn, text, link: None };
    desk.tell(&notice).await.map(drop)
}

async fn learn(
    desk: &mut Desk<'_>,
    repo: String,
    configured: label::Names,
    there: Vec<forge::Label>,
) -> Result<(), No> {
    let known = store::repository::labels(desk.tx, &repo).await?;
    for role in Role::ALL {
        let before = known.iter().find(|label| label.role == role);
        let renamed = before.and_then(|before| there.iter().find(|label| label.id == before.id));
        let named = || there.iter().find(|label| label::same(&label.name, configured.of(role)));
        match (before, renamed.or_else(named)) {
            (Some(before), Some(now)) if before.id == now.id && before.name == now.name => {}
            (_, Some(now)) => {
                let label = Label { role, id: now.id.clone(), name: now.name.clone() };
                store::repository::put_label(desk.tx, &repo, &label).await?;
                if let Some(before) = before {
                    desk.record(format!("label:{}", role.key()), &before.name, &label.name).await?;
                }
            }
            (Some(_), None) => store::repository::forget_label(desk.tx, &repo, role).await?,
            (None, None) => {}
        }
    }
    Ok(())
}
