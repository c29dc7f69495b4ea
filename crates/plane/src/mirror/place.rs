//! The repository itself: whether it is the one that we know, how our labels are called there, and who else acts on them.

use domain::effect::Notify;
use domain::label::{self, Names, Role};
use domain::notice::Level;
use forge::Fault;
use futures::FutureExt;
use store::repository::Label;
use store::seeded::bug;

use super::{Failed, Home};
use crate::desk::Desk;
use crate::{No, Plane};

/// How many issues of another repository are forgotten at once.
const PARTED_AT_ONCE: i64 = 200;

/// The names that our labels have in a repository: as configured, unless people renamed them there.
pub(crate) async fn names(tx: &mut store::Tx, repo: &str, configured: &Names) -> Result<Names, No> {
    let known = store::repository::labels(tx, repo, configured).await?;
    Ok(known.into_iter().fold(configured.clone(), |names, label| names.with(label.role, &label.name)))
}

/// The roles whose labels a repository has, as far as we know.
pub(super) async fn there(tx: &mut store::Tx, repo: &str, configured: &Names) -> Result<Vec<Role>, No> {
    Ok(store::repository::labels(tx, repo, configured).await?.into_iter().map(|label| label.role).collect())
}

impl Plane {
    /// Makes sure that the repository is the one that we know, before anything is read or written there.
    pub(crate) async fn recognise(&self, home: &Home) -> Result<(), Failed> {
        let seen = home.forge.repository().await?;
        let (repo, id, login) = (home.repo.clone(), seen.id, seen.me.login);
        let done = self.as_mirror(move |desk| recognised(desk, repo.clone(), id.clone(), login.clone()).boxed());
        if done.await? {
            return Ok(());
        }
        Err(Failed::Forge(Fault::Refused {
            why: format!("another repository stands under the name {} by now, and nothing is written to it", home.repo),
            next: "set forge.repository to the name that ours has now".to_owned(),
        }))
    }

    /// Looks whether another bot acts on the label by which people opt in, and tells people when one newly does. True when
    /// that could not be read, for want of a right.
    pub(crate) async fn look_for_other_bots(&self, home: &Home) -> Result<bool, Failed> {
        if !self.may_reach_out(home).await? {
            return Ok(false);
        }
        let mut tx = self.store.read().await?;
        let opt_in = names(&mut tx, &home.repo, &self.settings.rules.labels).await?.of(Role::OptIn).to_owned();
        drop(tx);
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
    pub(crate) async fn learn_labels(&self, home: &Home) -> Result<(), Failed> {
        let there = home.forge.labels().await?;
        let repo = home.repo.clone();
        let done = self.as_mirror(move |desk| learn(desk, repo.clone(), there.clone()).boxed());
        Ok(done.await?)
    }

    /// The name that a label of ours has there; made there where it is missing.
    pub(crate) async fn label_name(&self, home: &Home, role: Role) -> Result<String, Failed> {
        let mut tx = self.store.read().await?;
        let known = store::repository::labels(&mut tx, &home.repo, &self.settings.rules.labels).await?;
        drop(tx);
        if let Some(label) = known.into_iter().find(|label| label.role == role) {
            return Ok(label.name);
        }
        let name = self.settings.rules.labels.of(role).to_owned();
        let new = forge::Label {
            id: String::new(),
            name,
            color: role.color().to_owned(),
            description: role.about().to_owned(),
        };
        let made = home.forge.make_label(&new).await?;
        let label = store::repository::Label { role, id: made.id, name: made.name };
        let (repo, kept) = (home.repo.clone(), label.clone());
        self.as_mirror(move |desk| made_label(desk, repo.clone(), kept.clone()).boxed()).await?;
        Ok(label.name)
    }
}

/// Remembers a label that we made.
async fn made_label(desk: &mut Desk<'_>, repo: String, label: Label) -> Result<(), No> {
    store::repository::put_label(desk.tx, &repo, &label, &desk.rules.labels).await?;
    desk.record(format!("label:{}", label.role.key()), &(), &label.name).await
}

/// Takes in which repository it is; false when it is another than the one that had this name.
async fn recognised(desk: &mut Desk<'_>, repo: String, id: String, login: String) -> Result<bool, No> {
    let known = store::repository::held(desk.tx, &repo).await?;
    if !known.id.is_empty() && known.id != id && !bug("follow-a-name") {
        store::repository::moved(desk.tx, &repo, "elsewhere", "another repository stands under this name").await?;
        return Ok(false);
    }
    if known.id.is_empty()
        && let Some(before) = store::repository::elsewhere(desk.tx, &id, &repo).await?
    {
        store::repository::follow(desk.tx, &before.name, &repo).await?;
        desk.record(format!("repository:{repo}"), &before.name, &repo).await?;
    }
    part_from_others(desk, &repo).await?;
    if known.id != id || known.login != login || !known.moved_to.is_empty() {
        store::repository::seen(desk.tx, &repo, &id, &login).await?;
    }
    Ok(true)
}

/// Forgets the issues of any other repository: gaps are mirrored to this one now, and get theirs here. Where one is found
/// by its marker, because this was the repository before, it is taken again.
async fn part_from_others(desk: &mut Desk<'_>, repo: &str) -> Result<(), No> {
    for gap in store::issue::elsewhere(desk.tx, repo, PARTED_AT_ONCE).await? {
        let Some(issue) = store::issue::load(desk.tx, &gap).await? else { continue };
        // One that somebody is about to open there is left until that has ended.
        let opening = issue.state == store::issue::State::Opening && issue.lease_until > desk.now;
        if issue.repo == repo || opening {
            continue;
        }
        store::issue::remove(desk.tx, &issue).await?;
        store::issue::note::give_up(desk.tx, &gap).await?;
        let before = serde_json::json!({"repo": issue.repo, "number": issue.number, "state": issue.state});
        desk.record(format!("issue:{gap}"), &before, &()).await?;
    }
    Ok(())
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
    let id = desk.tell(&notice).await?;
    let after = serde_json::json!({"outbox": id, "level": notice.level.name(), "bytes": notice.text.len()});
    desk.record(format!("channel:{}", notice.channel), &(), &after).await
}

async fn learn(desk: &mut Desk<'_>, repo: String, there: Vec<forge::Label>) -> Result<(), No> {
    let configured = desk.rules.labels.clone();
    let known = store::repository::labels(desk.tx, &repo, &configured).await?;
    for role in Role::ALL {
        let before = known.iter().find(|label| label.role == role);
        let renamed = before.and_then(|before| there.iter().find(|label| label.id == before.id));
        let named = || there.iter().find(|label| label::same(&label.name, configured.of(role)));
        match (before, renamed.or_else(named)) {
            (Some(before), Some(now)) if before.id == now.id && before.name == now.name => {}
            (_, Some(now)) => {
                let label = Label { role, id: now.id.clone(), name: now.name.clone() };
                store::repository::put_label(desk.tx, &repo, &label, &configured).await?;
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
