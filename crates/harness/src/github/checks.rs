//! The routes of commits: check runs, which only an App may put, statuses, and the commits themselves.

use serde_json::{Value, json};

use super::act::Act;
use super::answer::{Answer, Outcome};
use super::caller::{Caller, Right};
use super::route::Turn;
use super::state::{Check, Repo, Status, stamp};
use super::view::{View, WEB, node};

/// The longest summary of a check, in characters.
const SUMMARY_CHARS_MAX: usize = 65_535;

/// The longest description of a status, in characters.
const DESCRIPTION_CHARS_MAX: usize = 140;

/// What a check is while it goes on, and at its end.
const STATES: [&str; 6] = ["queued", "in_progress", "completed", "waiting", "requested", "pending"];

/// How a check may end.
const CONCLUSIONS: [&str; 8] =
    ["success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required", "stale"];

impl Turn<'_> {
    /// Answers what is below `/check-runs`, `/statuses` and `/commits`.
    pub(super) fn check_route(&mut self, rest: &[&str]) -> Outcome {
        let method = self.request.method.clone();
        match (method.as_str(), rest) {
            ("POST", ["check-runs"]) => self.put_check(),
            (_, ["check-runs", id]) => self.one_check(&method, id),
            ("POST", ["statuses", sha]) => self.put_status(sha),
            ("GET", ["commits", word @ .., "check-runs"]) => self.list_checks(&word.join("/"), rest),
            ("GET", ["commits", word @ .., "statuses"]) => self.list_statuses(&word.join("/"), rest),
            ("GET", ["commits", word @ .., "status"]) => self.combined(&word.join("/")),
            ("GET", ["commits", word @ ..]) if !word.is_empty() => {
                self.may(&["contents"], Right::Read)?;
                let sha = self.commit(&word.join("/"))?;
                Ok(Answer::ok(self.view().whole_commit(self.repo(), &sha)))
            }
            _ => Err(Answer::not_found()),
        }
    }

    fn commit(&self, word: &str) -> Result<String, Answer> {
        let unknown = || Answer::refusal(422, &format!("No commit found for SHA: {word}"));
        self.repo().commit(word).ok_or_else(unknown)
    }

    fn only_app(&self) -> Result<(), Answer> {
        match self.caller {
            Caller::Installation { .. } => self.may(&["checks"], Right::Write),
            Caller::Nobody | Caller::Person { .. } | Caller::App => {
                Err(Answer::refusal(403, "You must authenticate via a GitHub App."))
            }
        }
    }

    fn put_check(&mut self) -> Outcome {
        self.only_app()?;
        let missing = |field| Answer::invalid("CheckRun", field, "missing_field");
        let name = self.request.text("name").ok_or_else(|| missing("name"))?.to_owned();
        let commit = self.commit(self.request.text("head_sha").ok_or_else(|| missing("head_sha"))?)?;
        let (id, now) = (self.state.id(), self.now);
        let mut check = Check {
            id,
            name,
            commit,
            status: "queued".to_owned(),
            conclusion: None,
            external_id: None,
            details_url: None,
            title: None,
            summary: None,
            text: None,
            started_at: now,
            completed_at: None,
        };
        self.fill(&mut check)?;
        let repo = self.repo;
        self.state.repo(repo).checks.push(check.clone());
        self.tell_check(&check, if check.completed_at.is_some() { "completed" } else { "created" });
        Ok(Answer::made(self.view().check(self.repo(), &check)))
    }

    fn one_check(&mut self, method: &str, word: &str) -> Outcome {
        let known = self.repo().checks.iter().find(|check| check.id.to_string() == word);
        let mut check = known.cloned().ok_or_else(Answer::not_found)?;
        match method {
            "GET" => self.may(&["checks"], Right::Read)?,
            "PATCH" => {
                self.only_app()?;
                let ended = check.completed_at.is_some();
                self.fill(&mut check)?;
                let repo = self.repo;
                let checks = &mut self.state.repo(repo).checks;
                checks.iter_mut().filter(|known| known.id == check.id).for_each(|known| known.clone_from(&check));
                if check.completed_at.is_some() && !ended {
                    self.tell_check(&check, "completed");
                }
            }
            _ => return Err(Answer::not_found()),
        }
        Ok(Answer::ok(self.view().check(self.repo(), &check)))
    }

    /// Writes what the body says into a check.
    fn fill(&self, check: &mut Check) -> Result<(), Answer> {
        let (body, invalid) = (&self.request.body, |field| Answer::invalid("CheckRun", field, "invalid"));
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        check.name = text("name").unwrap_or_else(|| check.name.clone());
        check.external_id = text("external_id").or_else(|| check.external_id.take());
        check.details_url = text("details_url").or_else(|| check.details_url.take());
        check.status = text("status").unwrap_or_else(|| check.status.clone());
        if let Some(conclusion) = text("conclusion") {
            "completed".clone_into(&mut check.status);
            check.conclusion = Some(conclusion);
            check.completed_at = Some(check.completed_at.unwrap_or(self.now));
        }
        if !STATES.contains(&check.status.as_str()) {
            return Err(invalid("status"));
        }
        if check.conclusion.as_ref().is_some_and(|word| !CONCLUSIONS.contains(&word.as_str())) {
            return Err(invalid("conclusion"));
        }
        if check.status == "completed" && check.conclusion.is_none() {
            return Err(Answer::invalid("CheckRun", "conclusion", "missing_field"));
        }
        if let Some(output) = body.get("output") {
            let field = |name: &str| output[name].as_str().map(str::to_owned);
            let summary = field("summary").ok_or_else(|| Answer::invalid("CheckRun", "summary", "missing_field"))?;
            if summary.chars().count() > SUMMARY_CHARS_MAX {
                return Err(Answer::custom("CheckRun", "summary", "exceeds a maximum bytesize of 65535"));
            }
            check.title = Some(field("title").ok_or_else(|| Answer::invalid("CheckRun", "title", "missing_field"))?);
            (check.summary, check.text) = (Some(summary), field("text"));
        }
        Ok(())
    }

    fn tell_check(&mut self, check: &Check, action: &str) {
        let shown = self.view().check(self.repo(), check);
        let repo = self.repo;
        self.act().tell("check_run", Some(action), repo, json!({"check_run": shown}));
    }

    fn list_checks(&self, word: &str, rest: &[&str]) -> Outcome {
        self.may(&["checks"], Right::Read)?;
        let (commit, repo) = (self.commit(word)?, self.repo());
        let asked = |name| self.request.asked(name);
        let (name, status, all) = (asked("check_name"), asked("status"), asked("filter").as_deref() == Some("all"));
        let newest = |check: &Check| {
            !repo.checks.iter().any(|one| one.commit == check.commit && one.name == check.name && one.id > check.id)
        };
        let fits = |check: &&Check| {
            check.commit == commit
                && name.as_ref().is_none_or(|name| *name == check.name)
                && status.as_ref().is_none_or(|status| *status == check.status)
                && (all || newest(check))
        };
        let checks: Vec<_> = repo.checks.iter().rev().filter(fits).collect();
        let view = self.view();
        let wrap = |part: &[&Check]| {
            let shown: Value = part.iter().map(|check| view.check(repo, check)).collect();
            json!({"total_count": checks.len(), "check_runs": shown})
        };
        Ok(self.request.paged_as(&checks, &self.here(rest), wrap))
    }

    fn put_status(&mut self, word: &str) -> Outcome {
        self.may(&["statuses"], Right::Write)?;
        let commit = self.commit(word)?;
        let text = |name: &str| self.request.text(name).map(str::to_owned);
        let state = text("state").filter(|state| ["error", "failure", "pending", "success"].contains(&state.as_str()));
        let state = state.ok_or_else(|| Answer::invalid("Status", "state", "invalid"))?;
        let (context, description) = (text("context").unwrap_or_else(|| "default".to_owned()), text("description"));
        check_description(description.as_deref().unwrap_or_default())?;
        let (repo, target_url) = (self.repo, text("target_url"));
        let status =
            self.act().put_status(repo, Status { state, description, target_url, ..Status::of(commit, context) });
        Ok(Answer::made(self.view().status(self.repo(), &status)))
    }

    fn list_statuses(&self, word: &str, rest: &[&str]) -> Outcome {
        self.may(&["statuses"], Right::Read)?;
        let (commit, repo) = (self.commit(word)?, self.repo());
        let statuses: Vec<_> = repo.statuses.iter().rev().filter(|status| status.commit == commit).collect();
        let view = self.view();
        Ok(self.request.paged(&statuses, &self.here(rest), |status| view.status(repo, status)))
    }

    fn combined(&self, word: &str) -> Outcome {
        self.may(&["statuses"], Right::Read)?;
        let (commit, repo, view) = (self.commit(word)?, self.repo(), self.view());
        let of_commit = || repo.statuses.iter().filter(|status| status.commit == commit);
        let newest = |status: &&Status| !of_commit().any(|one| one.context == status.context && one.id > status.id);
        let latest: Vec<_> = of_commit().filter(newest).collect();
        let any = |words: &[&str]| latest.iter().any(|status| words.contains(&status.state.as_str()));
        let state = if any(&["failure", "error"]) {
            "failure"
        } else if latest.is_empty() || any(&["pending"]) {
            "pending"
        } else {
            "success"
        };
        let mut statuses: Vec<_> = latest.iter().map(|status| view.status(repo, status)).collect();
        statuses.iter_mut().filter_map(Value::as_object_mut).for_each(|one| drop(one.remove("creator")));
        let at = view.at(repo);
        Ok(Answer::ok(json!({
            "state": state, "statuses": statuses, "sha": commit, "total_count": latest.len(),
            "repository": view.repo(repo, &Value::Null),
            "commit_url": format!("{at}/commits/{commit}"), "url": format!("{at}/commits/{commit}/status"),
        })))
    }
}

/// What the real one says of a description that it does not take.
fn check_description(description: &str) -> Result<(), Answer> {
    let bad = |message: &str| Err(Answer::custom("Status", "description", message));
    if description.chars().count() > DESCRIPTION_CHARS_MAX {
        return bad("description is too long (maximum is 140 characters)");
    }
    if description.chars().any(|sign| sign.len_utf8() > 3) {
        return bad("description doesn't accept 4-byte Unicode");
    }
    Ok(())
}

impl Status {
    /// One of a commit that succeeded.
    pub(super) fn of(commit: String, context: String) -> Self {
        let (state, author) = ("success".to_owned(), String::new());
        Self { id: 0, commit, state, context, description: None, target_url: None, author, at: 0 }
    }
}

impl Act<'_> {
    /// Puts a status by whoever does it, now.
    pub(super) fn put_status(&mut self, repo: i64, status: Status) -> Status {
        let status = Status { id: self.state.id(), author: self.by.login.clone(), at: self.now, ..status };
        self.state.user(&self.by.login);
        self.state.repo(repo).statuses.push(status.clone());
        status
    }
}

impl View<'_> {
    /// A check run.
    fn check(&self, repo: &Repo, check: &Check) -> Value {
        let url = format!("{}/check-runs/{}", self.at(repo), check.id);
        let pulls = repo.issues.values().filter(|issue| issue.open);
        let pulls = pulls.filter_map(|issue| issue.pull.as_ref().map(|pull| (issue.number, pull)));
        let pulls = pulls.filter(|(_, pull)| pull.head_sha == check.commit).map(|(number, pull)| {
            let at = json!({"id": repo.id, "url": self.at(repo), "name": repo.name});
            json!({
                "id": pull.id, "number": number, "url": format!("{}/pulls/{number}", self.at(repo)),
                "head": {"ref": pull.head, "sha": pull.head_sha, "repo": at},
                "base": {"ref": pull.base, "sha": pull.base_sha, "repo": at},
            })
        });
        json!({
            "id": check.id,
            "node_id": node("CR", check.id),
            "name": check.name,
            "head_sha": check.commit,
            "external_id": check.external_id.clone().unwrap_or_default(),
            "url": url,
            "html_url": format!("{WEB}/{}/runs/{}", repo.full_name(), check.id),
            "details_url": check.details_url.clone().unwrap_or_else(|| "https://example.com".to_owned()),
            "status": check.status,
            "conclusion": check.conclusion,
            "started_at": stamp(check.started_at),
            "completed_at": check.completed_at.map(stamp),
            "output": {
                "title": check.title, "summary": check.summary, "text": check.text,
                "annotations_count": 0, "annotations_url": format!("{url}/annotations"),
            },
            "check_suite": {"id": check.id},
            "app": self.state.app.as_ref().map(|app| self.app(app)),
            "pull_requests": pulls.collect::<Value>(),
        })
    }

    fn status(&self, repo: &Repo, status: &Status) -> Value {
        json!({
            "url": format!("{}/statuses/{}", self.at(repo), status.commit),
            "avatar_url": "https://avatars.githubusercontent.com/u/1?v=4",
            "id": status.id,
            "node_id": node("SC", status.id),
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": stamp(status.at),
            "updated_at": stamp(status.at),
            "creator": self.login(&status.author),
        })
    }
}
