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

/// The names that our labels have in a repository: as configured, unless people renamed them there.
pub(crate) async fn names(tx: &mut store::Tx, repo: &str, configured: &Names) -> Result<Names, No> {
    let known = store::repository::labels(tx, repo).await?;
    Ok(known.into_iter().fold(configured.clone(), |names, label| names.with(label.role, &label.name)))
}

/// The roles whose labels a repository has, as far as we know.
pub(super) async fn there(tx: &mut store::Tx, repo: &str) -> Result<Vec<Role>, No> {
    Ok(store::repository::labels(tx, repo).await?.into_iter().map(|label| label.role).collect())
}

impl Plane {
    /// Makes sure that the repository is the one that we know, before anything is read or written there.
    pub(super) async fn recognise(&self, home: &Home) -> Result<(), Failed> {
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
    pub(super) async fn learn_labels(&self, home: &Home) -> Result<(), Failed> {
        let there = home.forge.labels().await?;
        let (repo, configured) = (home.repo.clone(), self.settings.rules.labels.clone());
        let done = self.as_mirror(move |desk| learn(desk, repo.clone(), configured.clone(), there.clone()).boxed());
        Ok(done.await?)
    }

    /// The name that a label of ours has there; made there where it is missing.
    pub(super) async fn label_name(&self, home: &Home, role: Role) -> Result<String, Failed> {
        let mut tx = self.store.read().await?;
        let known = store::repository::labels(&mut tx, &home.repo).await?;
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
        self.act
            .act(move |tx| {
                let (repo, label) = (repo.clone(), kept.clone());
                async move { Ok(store::repository::put_label(tx, &repo, &label).await?) }.boxed()
            })
            .await?;
        Ok(label.name)
    }
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
    if known.id != id || known.login != login || !known.moved_to.is_empty() {
        store::repository::seen(desk.tx, &repo, &id, &login).await?;
    }
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
    let id = desk.tell(&notice).await?;
    let after = serde_json::json!({"outbox": id, "level": notice.level.name(), "bytes": notice.text.len()});
    desk.record(format!("channel:{}", notice.channel), &(), &after).await
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
