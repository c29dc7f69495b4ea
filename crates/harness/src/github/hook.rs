//! Webhooks: what is told of each change, and what waits to be delivered.
//!
//! Nothing goes out from here: [`super::post`] carries what waits, when a test says so.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::act::Act;
use super::state::{Label, Repo};
use super::view::{merge, node};

/// Where webhooks go, and what they are signed with.
#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) id: i64,
    pub(super) url: String,
    pub(super) secret: String,
}

/// One webhook: it waits, or was tried.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The id of this attempt.
    pub id: i64,
    /// What names it in `X-GitHub-Delivery`; a redelivery has the same.
    pub guid: String,
    /// Its kind, as in `X-GitHub-Event`.
    pub event: &'static str,
    /// What happened, for the kinds that say.
    pub action: Option<String>,
    /// What it tells.
    pub payload: Value,
    /// Whether it was asked for again.
    pub redelivery: bool,
    /// Whether it bears a wrong signature.
    pub forged: bool,
    /// When it was tried.
    pub at: i64,
    /// What the receiver answered; none while it waits, and when nobody answered.
    pub status: Option<u16>,
}

impl Delivery {
    /// The body as it is sent.
    pub(super) fn body(&self) -> Vec<u8> {
        self.payload.to_string().into_bytes()
    }

    /// The signature of a body.
    pub(super) fn signature(&self, secret: &str, body: &[u8]) -> String {
        let secret = if self.forged { "not the secret" } else { secret };
        sign(secret, body)
    }
}

/// The signature of a body as `X-Hub-Signature-256` has it.
pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length is fine");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

impl Act<'_> {
    /// Tells of something about an issue or pull request.
    pub(super) fn tell_issue<const N: usize>(
        &mut self,
        action: &str,
        repo: i64,
        number: i64,
        extra: [(&'static str, Value); N],
    ) {
        let view = self.view();
        let store = &view.state.repos[&repo];
        let issue = &store.issues[&number];
        let (event, mut payload) = match &issue.pull {
            Some(pull) => {
                let shown = view.pull(store, issue, pull, None);
                ("pull_request", json!({"number": number, "pull_request": shown}))
            }
            None => ("issues", json!({"issue": view.issue(store, issue)})),
        };
        for (key, value) in extra {
            payload[key] = value;
        }
        self.tell(event, Some(action), repo, payload);
    }

    /// Tells of something about a comment.
    pub(super) fn tell_comment<const N: usize>(
        &mut self,
        action: &str,
        repo: i64,
        number: i64,
        id: i64,
        extra: [(&'static str, Value); N],
    ) {
        let view = self.view();
        let store = &view.state.repos[&repo];
        let issue = &store.issues[&number];
        let comment = issue.comments.iter().find(|comment| comment.id == id).expect("the comment is there");
        let mut payload = json!({"issue": view.issue(store, issue), "comment": view.comment(store, issue, comment)});
        for (key, value) in extra {
            payload[key] = value;
        }
        self.tell("issue_comment", Some(action), repo, payload);
    }

    /// Tells of something about a label.
    pub(super) fn tell_label<const N: usize>(
        &mut self,
        action: &str,
        repo: i64,
        id: i64,
        extra: [(&'static str, Value); N],
    ) {
        let view = self.view();
        let store: &Repo = &view.state.repos[&repo];
        let label: &Label = store.labels.iter().find(|label| label.id == id).expect("the label is there");
        let mut payload = json!({"label": view.label(store, label)});
        for (key, value) in extra {
            payload[key] = value;
        }
        self.tell("label", Some(action), repo, payload);
    }

    /// Tells of something in a repository.
    pub(super) fn tell(&mut self, event: &'static str, action: Option<&str>, repo: i64, payload: Value) {
        if !self.loud || self.state.hook.is_none() {
            return;
        }
        let login = self.by.login.clone();
        self.state.user(&login);
        let view = self.view();
        let store = &view.state.repos[&repo];
        let mut whole = action.map_or_else(|| json!({}), |action| json!({"action": action}));
        merge(&mut whole, payload);
        whole["repository"] = view.repo(store, &Value::Null);
        whole["sender"] = view.login(&login);
        let installed = self.state.app.as_ref().and_then(|app| app.installed(store));
        if let Some(installation) = installed {
            whole["installation"] = json!({"id": installation, "node_id": node("MDIz", installation)});
        }
        self.post(event, action, whole);
    }

    /// Puts a payload in the line.
    pub(super) fn post(&mut self, event: &'static str, action: Option<&str>, payload: Value) {
        if !self.loud || self.state.hook.is_none() {
            return;
        }
        let id = self.state.id();
        let delivery = Delivery {
            id,
            guid: guid(id),
            event,
            action: action.map(str::to_owned),
            payload,
            redelivery: false,
            forged: false,
            at: self.now,
            status: None,
        };
        self.state.waiting.push(delivery);
    }
}

/// A UUID that is the same in every run.
fn guid(id: i64) -> String {
    let hash = hex::encode(Sha256::digest(format!("delivery {id}")));
    format!("{}-{}-4{}-8{}-{}", &hash[..8], &hash[8..12], &hash[13..16], &hash[17..20], &hash[20..32])
}

impl Act<'_> {
    /// Tells of something about the App's installation.
    pub(super) fn tell_installed(&mut self, action: &str) {
        let login = self.by.login.clone();
        let view = self.view();
        let Some(app) = &view.state.app else { return };
        let Some(installation) = app.installations.first() else { return };
        let repos = view.state.repos.values().filter(|repo| installation.reaches(repo));
        let repos = repos.map(|repo| {
            json!({
                "id": repo.id, "node_id": node("R", repo.id), "name": repo.name, "full_name": repo.full_name(),
                "private": repo.private,
            })
        });
        let payload = json!({
            "action": action,
            "installation": view.installation(app, installation),
            "repositories": repos.collect::<Value>(),
            "requester": null,
            "sender": view.login(&login),
        });
        self.post("installation", Some(action), payload);
    }
}
