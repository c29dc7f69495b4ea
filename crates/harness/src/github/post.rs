//! The line of webhooks, in the hands of a test: carried, lost, doubled, turned round, forged, or carried by itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use reqwest::Client;
use serde_json::json;

use super::GitHub;
use super::desk::Desk;
use super::hook::{Delivery, Hook};

/// What the real one writes when nobody answered.
pub(super) const NOBODY: &str = "failed to connect to host";

impl GitHub {
    /// Sends webhooks of every change from now on to `url`, signed with `secret`. They wait until they are delivered.
    pub fn hook(&self, url: &str, secret: &str) {
        self.desk.set(|state| {
            let id = state.id();
            state.hook = Some(Hook { id, url: url.to_owned(), secret: secret.to_owned() });
        });
    }

    /// Lets every webhook go out by itself as soon as it is made, or not any more.
    pub fn automatic(&self, automatic: Automatic) {
        self.desk.automatic.store(automatic == Automatic::On, Ordering::Relaxed);
        self.desk.bell.notify_one();
    }

    /// What waits, in the order in which it will be delivered.
    pub fn waiting(&self) -> Vec<Delivery> {
        self.desk.look(|view| view.state.waiting.clone())
    }

    /// Every attempt so far, the oldest first.
    pub fn attempts(&self) -> Vec<Delivery> {
        self.desk.look(|view| view.state.attempts.clone())
    }

    /// Delivers everything that waits, one after the other; gives what was answered.
    pub async fn deliver_all(&self) -> Vec<Option<u16>> {
        let mut answered = Vec::new();
        while let Some(status) = self.deliver().await {
            answered.push(status);
        }
        answered
    }

    /// Delivers the first that waits; none when nothing does.
    pub async fn deliver(&self) -> Option<Option<u16>> {
        carry_one(&self.desk, &self.client).await
    }

    /// Loses everything that waits, as an attempt that nobody answered: it can be asked for again.
    pub fn lose_all(&self) {
        let now = self.desk.now();
        self.desk.set(|state| {
            for mut lost in std::mem::take(&mut state.waiting) {
                (lost.at, lost.status) = (now, None);
                state.attempts.push(lost);
            }
        });
    }

    /// Forgets everything that waits, as if it had never been: there is no trace of it.
    pub fn forget_all(&self) {
        self.rearrange(Vec::clear);
    }

    /// Lets the one at this place of the line be delivered twice, with the same name.
    pub fn duplicate(&self, place: usize) {
        self.rearrange(|waiting| waiting.insert(place + 1, waiting[place].clone()));
    }

    /// Puts the one at this place behind all others.
    pub fn delay(&self, place: usize) {
        self.rearrange(|waiting| {
            let late = waiting.remove(place);
            waiting.push(late);
        });
    }

    /// Turns the line round: what happened last is told first.
    pub fn reverse(&self) {
        self.rearrange(|waiting| waiting.reverse());
    }

    /// Signs the one at this place with a secret that is not the right one.
    pub fn forge(&self, place: usize) {
        self.rearrange(|waiting| waiting[place].forged = true);
    }

    /// Empties the labels in everything that waits, as the real one has been seen to do.
    pub fn empty_labels(&self) {
        self.rearrange(|waiting| {
            for delivery in waiting {
                for noun in ["issue", "pull_request"] {
                    if delivery.payload[noun].is_object() {
                        delivery.payload[noun]["labels"] = json!([]);
                    }
                }
            }
        });
    }

    /// Does with the line whatever a test wants.
    pub fn rearrange(&self, change: impl FnOnce(&mut Vec<Delivery>)) {
        self.desk.set(|state| change(&mut state.waiting));
    }
}

/// Whether webhooks go out by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Automatic {
    /// As soon as they are made.
    On,
    /// Only when a test says so.
    Off,
}

/// Carries what waits for as long as it is to be carried by itself.
pub(super) async fn carry(desk: Arc<Desk>, client: Client) {
    loop {
        desk.bell.notified().await;
        while desk.automatic.load(Ordering::Relaxed) {
            if carry_one(&desk, &client).await.is_none() {
                break;
            }
        }
    }
}

/// Carries the first that waits; gives what was answered to it.
async fn carry_one(desk: &Desk, client: &Client) -> Option<Option<u16>> {
    let (hook, mut delivery, app) = desk.set(|state| {
        let hook = state.hook.clone().filter(|_| !state.waiting.is_empty())?;
        Some((hook, state.waiting.remove(0), state.app.as_ref().map(|app| app.id)))
    })?;
    let body = delivery.body();
    let signature = delivery.signature(&hook.secret, &body);
    let (kind, target) = app.map_or(("repository", 0), |app| ("integration", app));
    let request = client
        .post(&hook.url)
        .header("content-type", "application/json")
        .header("accept", "*/*")
        .header("user-agent", "GitHub-Hookshot/fake000")
        .header("x-github-event", delivery.event)
        .header("x-github-delivery", &delivery.guid)
        .header("x-github-hook-id", hook.id)
        .header("x-github-hook-installation-target-type", kind)
        .header("x-github-hook-installation-target-id", target)
        .header("x-hub-signature-256", signature);
    let answered = request.body(body).send().await.ok().map(|response| response.status().as_u16());
    (delivery.at, delivery.status) = (desk.now(), answered);
    desk.set(|state| state.attempts.push(delivery));
    Some(answered)
}

impl Hook {
    /// A redelivery of an attempt: the same name, another id.
    pub(super) fn again(attempt: &Delivery, id: i64) -> Delivery {
        Delivery { id, redelivery: true, status: None, ..attempt.clone() }
    }
}
