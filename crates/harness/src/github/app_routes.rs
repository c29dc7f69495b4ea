//! The routes of the App: itself, where it is installed, its tokens, and the deliveries of its webhooks.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::{Answer, Outcome};
use super::app::{App, Granted, Installation, TOKEN_MS};
use super::caller::Caller;
use super::hook::{Delivery, Hook};
use super::post::NOBODY;
use super::route::Turn;
use super::state::{Repo, same, stamp};

impl Turn<'_> {
    /// Answers what is below `/app` and `/installation`.
    pub(super) fn app_route(&mut self, segments: &[&str]) -> Outcome {
        let method = self.request.method.clone();
        if let ("GET", ["installation", "repositories"]) = (method.as_str(), segments) {
            return self.my_repositories();
        }
        self.as_app()?;
        match (method.as_str(), segments) {
            ("GET", ["app"]) => self.with_app(|turn, app| {
                let mut shown = turn.view().app(app);
                shown["installations_count"] = app.installations.len().into();
                Ok(Answer::ok(shown))
            }),
            ("GET", ["app", "installations"]) => self.with_app(|turn, app| {
                let (view, at) = (turn.view(), format!("{}/app/installations", turn.base));
                Ok(turn.request.paged(&app.installations, &at, |known| view.installation(app, known)))
            }),
            ("GET", ["app", "installations", id]) => {
                self.with_app(|turn, app| Ok(Answer::ok(turn.view().installation(app, installation(app, id)?))))
            }
            ("POST", ["app", "installations", id, "access_tokens"]) => self.grant(id),
            ("GET", ["app", "hook", "deliveries"]) => {
                let newest: Vec<_> = self.state.attempts.iter().rev().collect();
                let at = format!("{}/app/hook/deliveries", self.base);
                Ok(self.request.paged(&newest, &at, |attempt| show(attempt)))
            }
            ("POST", ["app", "hook", "deliveries", id, "attempts"]) => self.redeliver(id),
            _ => Err(Answer::not_found()),
        }
    }

    /// Where the App is installed that reaches the repository.
    pub(super) fn installation_of(&self) -> Outcome {
        self.as_app()?;
        self.with_app(|turn, app| {
            let id = app.installed(turn.repo()).ok_or_else(Answer::not_found)?;
            Ok(Answer::ok(turn.view().installation(app, installation(app, &id.to_string())?)))
        })
    }

    fn as_app(&self) -> Result<(), Answer> {
        match self.caller {
            Caller::App => Ok(()),
            Caller::Nobody | Caller::Person { .. } | Caller::Installation { .. } => {
                Err(Answer::refusal(401, "A JSON web token could not be decoded"))
            }
        }
    }

    fn with_app(&self, show: impl FnOnce(&Self, &App) -> Outcome) -> Outcome {
        show(self, self.state.app.as_ref().ok_or_else(Answer::not_found)?)
    }

    /// Gives a token, narrowed as the body says.
    fn grant(&mut self, id: &str) -> Outcome {
        let app = self.state.app.as_ref().ok_or_else(Answer::not_found)?;
        let at = installation(app, id)?.clone();
        if at.suspended {
            return Err(Answer::refusal(403, "This installation has been suspended"));
        }
        let repos = self.chosen(&at)?;
        let permissions = self.permitted(&at)?;
        let expires_at = self.now + TOKEN_MS;
        let token = format!("ghs_{:032}", self.state.id());
        let granted = Granted { installation: at.id, repos, permissions: permissions.clone(), expires_at };
        let mut shown = json!({
            "token": token,
            "expires_at": stamp(expires_at),
            "permissions": permissions,
            "repository_selection": if at.repos.is_some() || granted.repos.is_some() { "selected" } else { "all" },
        });
        if let Some(repos) = &granted.repos {
            let view = self.view();
            let may = json!({"admin": false, "maintain": false, "push": false, "triage": false, "pull": false});
            shown["repositories"] = repos.iter().map(|id| view.repo(&self.state.repos[id], &may)).collect();
        }
        let app = self.state.app.as_mut().ok_or_else(Answer::not_found)?;
        app.tokens.insert(token, granted);
        Ok(Answer::made(shown))
    }

    /// The repositories that the body names, by name or id.
    fn chosen(&self, at: &Installation) -> Result<Option<Vec<i64>>, Answer> {
        let unknown = || {
            let message = "There is at least one repository that does not exist or is not accessible to the parent \
                           installation.";
            Answer::refusal(422, message)
        };
        let reachable: Vec<_> = self.state.repos.values().filter(|repo| at.reaches(repo)).collect();
        let find = |fits: &dyn Fn(&Repo) -> bool| {
            reachable.iter().find(|repo| fits(repo)).map(|repo| repo.id).ok_or_else(unknown)
        };
        let body = &self.request.body;
        if let Some(names) = body["repositories"].as_array() {
            let names = names.iter().filter_map(Value::as_str);
            return names.map(|name| find(&|repo| same(&repo.name, name))).collect::<Result<_, _>>().map(Some);
        }
        if let Some(ids) = body["repository_ids"].as_array() {
            let ids = ids.iter().filter_map(Value::as_i64);
            return ids.map(|id| find(&|repo| repo.id == id)).collect::<Result<_, _>>().map(Some);
        }
        Ok(None)
    }

    /// The permissions that the body asks for, which are among those that were given.
    fn permitted(&self, at: &Installation) -> Result<BTreeMap<String, String>, Answer> {
        let Some(asked) = self.request.body["permissions"].as_object() else { return Ok(at.permissions.clone()) };
        let mut permissions = BTreeMap::new();
        for (noun, word) in asked {
            let word = word.as_str().unwrap_or_default();
            let given = at.permissions.get(noun).map(String::as_str);
            if given != Some(word) && !(given == Some("write") && word == "read") {
                return Err(Answer::refusal(422, "The permissions requested are not granted to this installation."));
            }
            permissions.insert(noun.clone(), word.to_owned());
        }
        permissions.insert("metadata".to_owned(), "read".to_owned());
        Ok(permissions)
    }

    fn my_repositories(&self) -> Outcome {
        if !matches!(self.caller, Caller::Installation { .. }) {
            return Err(Answer::refusal(
                403,
                "You must authenticate with an installation access token in order to list \
                                             repositories for an installation.",
            ));
        }
        let inside = |repo: &&Repo| self.caller.sees(self.state, &Repo { private: true, ..(*repo).clone() });
        let repos: Vec<_> = self.state.repos.values().filter(inside).collect();
        let (view, at) = (self.view(), format!("{}/installation/repositories", self.base));
        let wrap = |part: &[&Repo]| {
            let shown = part.iter().map(|repo| view.repo(repo, &self.caller.permissions(self.state, repo)));
            let selection = "all";
            json!({"total_count": repos.len(), "repository_selection": selection, "repositories": shown.collect::<Value>()})
        };
        Ok(self.request.paged_as(&repos, &at, wrap))
    }

    /// Puts an attempt in the line once more, under the same name.
    fn redeliver(&mut self, id: &str) -> Outcome {
        let known = self.state.attempts.iter().find(|attempt| attempt.id.to_string() == id);
        let attempt = known.cloned().ok_or_else(Answer::not_found)?;
        let again = Hook::again(&attempt, self.state.id());
        self.state.waiting.push(again);
        Ok(Answer::new(202, json!({})))
    }
}

fn installation<'a>(app: &'a App, id: &str) -> Result<&'a Installation, Answer> {
    app.installations.iter().find(|known| known.id.to_string() == id).ok_or_else(Answer::not_found)
}

/// An attempt as the list shows it.
fn show(attempt: &Delivery) -> Value {
    let status = match attempt.status {
        Some(code) if code < 300 => "OK".to_owned(),
        Some(code) => format!("Invalid HTTP Response: {code}"),
        None => NOBODY.to_owned(),
    };
    json!({
        "id": attempt.id,
        "guid": attempt.guid,
        "delivered_at": stamp(attempt.at),
        "redelivery": attempt.redelivery,
        "duration": 0.03,
        "status": status,
        "status_code": attempt.status.unwrap_or(502),
        "event": attempt.event,
        "action": attempt.action,
        "installation_id": attempt.payload["installation"]["id"],
        "repository_id": attempt.payload["repository"]["id"],
        "throttled_at": null,
    })
}
