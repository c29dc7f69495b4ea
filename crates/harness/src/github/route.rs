//! Which path leads where. Everything that is not here is 404, as a path is that the real one does not have.

use serde_json::{Value, json};

use super::act::Act;
use super::answer::{Answer, Outcome};
use super::caller::{Caller, Right};
use super::desk::reset;
use super::request::{Request, encoded};
use super::state::{Access, Fate, Repo, State, same};
use super::view::View;

/// One request before the state.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) state: &'a mut State,
    pub(super) caller: Caller,
    pub(super) request: &'a Request,
    pub(super) now: i64,
    pub(super) base: &'a str,
    /// The repository that it is about.
    pub(super) repo: i64,
    /// What of the limit was used before it.
    pub(super) used: u64,
    /// The limit.
    pub(super) limit: u64,
}

/// Answers.
pub(super) fn route(turn: &mut Turn<'_>) -> Outcome {
    let segments = turn.request.segments();
    let segments: Vec<_> = segments.iter().map(String::as_str).collect();
    match (turn.request.method.as_str(), segments.as_slice()) {
        (_, ["repos", owner, name, rest @ ..]) => {
            let full = format!("{owner}/{name}");
            turn.find(&full, rest)?;
            in_repo(turn, rest)
        }
        (_, ["repositories", id, rest @ ..]) => {
            let repo = id.parse().ok().and_then(|id| turn.state.repos.get(&id));
            let repo = repo.filter(|repo| turn.caller.sees(turn.state, repo));
            turn.repo = repo.ok_or_else(Answer::not_found)?.id;
            in_repo(turn, rest)
        }
        ("GET", ["rate_limit"]) => Ok(turn.rate()),
        ("GET", ["user"]) => turn.me(),
        ("GET", ["users", login]) => {
            let known = turn.state.users.get(&login.to_lowercase());
            known.map(|user| Answer::ok(turn.view().profile(user))).ok_or_else(Answer::not_found)
        }
        (_, ["app" | "installation", ..]) => turn.app_route(&segments),
        _ => Err(Answer::not_found()),
    }
}

/// Answers what is about one repository.
fn in_repo(turn: &mut Turn<'_>, rest: &[&str]) -> Outcome {
    match rest {
        [] if turn.request.method == "GET" => {
            let repo = turn.repo();
            Ok(Answer::ok(turn.view().whole_repo(repo, &turn.caller.permissions(turn.state, repo))))
        }
        ["installation"] if turn.request.method == "GET" => turn.installation_of(),
        ["collaborators", login, "permission"] if turn.request.method == "GET" => turn.permission(login),
        ["labels", ..] => turn.label_route(rest),
        ["issues", ..] => turn.issue_route(rest),
        ["pulls", ..] => turn.pull_route(rest),
        ["check-runs" | "statuses" | "commits", ..] => turn.check_route(rest),
        ["contents" | "branches" | "git", ..] => turn.content_route(rest),
        _ => Err(Answer::not_found()),
    }
}

impl Turn<'_> {
    /// How it looks.
    pub(super) fn view(&self) -> View<'_> {
        View { state: self.state, base: self.base }
    }

    /// The repository that it is about.
    pub(super) fn repo(&self) -> &Repo {
        &self.state.repos[&self.repo]
    }

    /// Something that whoever asks does.
    pub(super) fn act(&mut self) -> Act<'_> {
        Act { by: self.caller.author(), state: self.state, now: self.now, base: self.base, loud: true }
    }

    /// Lets it pass when whoever asks may.
    pub(super) fn may(&self, nouns: &[&str], right: Right) -> Result<(), Answer> {
        self.caller.may(self.state, self.repo(), nouns, right)
    }

    /// Where the interface has what it is about, for links.
    pub(super) fn here(&self, rest: &[&str]) -> String {
        let parts: Vec<_> = rest.iter().map(|part| encoded_part(part)).collect();
        format!("{}/{}", self.view().by_id(self.repo), parts.join("/"))
    }

    /// Finds the repository of a name; one that was renamed is told where to be found.
    fn find(&mut self, full: &str, rest: &[&str]) -> Result<(), Answer> {
        if let Some(repo) = self.state.named(full).filter(|repo| self.caller.sees(self.state, repo)) {
            self.repo = repo.id;
            return Ok(());
        }
        let moved = self.state.moved.get(&full.to_lowercase()).filter(|_| self.state.named(full).is_none());
        let moved = moved.and_then(|id| self.state.repos.get(id));
        let moved = moved.filter(|repo| self.caller.sees(self.state, repo)).ok_or_else(Answer::not_found)?;
        let parts = [self.view().by_id(moved.id)].into_iter().chain(rest.iter().map(|part| encoded_part(part)));
        let mut to = parts.collect::<Vec<_>>().join("/");
        if !self.request.query.is_empty() {
            to = format!("{to}?{}", self.request.query);
        }
        Err(Answer::moved(&self.request.method, to))
    }

    /// The number of an issue that is still where it was, whether it is a pull request or not.
    pub(super) fn numbered(&self, word: &str) -> Result<i64, Answer> {
        let number = word.parse().map_err(|_| Answer::not_found())?;
        let issue = self.repo().issues.get(&number).ok_or_else(Answer::not_found)?;
        match issue.fate {
            Fate::Here => Ok(number),
            Fate::Deleted => Err(Answer::refusal(410, "This issue was deleted")),
            Fate::Transferred { repo, number } => {
                let to = format!("{}/issues/{number}", self.view().by_id(repo));
                Err(Answer::moved(&self.request.method, to))
            }
        }
    }

    fn me(&self) -> Outcome {
        match &self.caller {
            Caller::Person { login, .. } => {
                let user = self.state.users.get(&login.to_lowercase()).ok_or_else(Answer::not_found)?;
                Ok(Answer::ok(self.view().profile(user)))
            }
            Caller::Installation { .. } | Caller::App => {
                Err(Answer::refusal(403, "Resource not accessible by integration"))
            }
            Caller::Nobody => Err(Answer::refusal(401, "Requires authentication")),
        }
    }

    /// What somebody may do in the repository. An App is nobody who could.
    fn permission(&self, login: &str) -> Outcome {
        self.may(&["metadata"], Right::Read)?;
        let user = self.state.users.get(&login.to_lowercase()).filter(|user| user.kind != "Bot");
        let user = user.ok_or_else(|| Answer::refusal(404, &format!("{login} is not a user")))?;
        let role = self.role(login);
        let base = if role == "triage" { "read" } else { role };
        let (admin, push) = (role == "admin", ["admin", "write"].contains(&role));
        let mut shown = self.view().user(user);
        shown["role_name"] = role.into();
        let triage = push || role == "triage";
        shown["permissions"] =
            json!({"admin": admin, "maintain": admin, "push": push, "triage": triage, "pull": role != "none"});
        Ok(Answer::ok(json!({"permission": base, "role_name": role, "user": shown})))
    }

    /// What somebody is in the repository: what was granted to them, or else what their tokens are good for.
    fn role(&self, login: &str) -> &'static str {
        let repo = self.repo();
        let granted = self.state.grants.get(&(login.to_lowercase(), repo.id)).copied();
        let tokens = self.state.tokens.values().filter(|token| same(&token.login, login));
        match granted {
            None if same(login, &repo.owner) => "admin",
            granted => match granted.or_else(|| tokens.map(|token| token.access).max()) {
                Some(Access::Write) => "write",
                Some(Access::Triage) => "triage",
                Some(Access::None) | None if repo.private => "none",
                Some(Access::Read | Access::None) | None => "read",
            },
        }
    }

    fn rate(&self) -> Answer {
        let remaining = self.limit.saturating_sub(self.used);
        let of = |limit: u64, used: u64, remaining: u64| json!({"limit": limit, "used": used, "remaining": remaining, "reset": reset(self.now), "resource": "core"});
        let core = of(self.limit, self.used, remaining);
        Answer::ok(json!({
            "resources": {"core": core, "search": of(30, 0, 30), "graphql": of(self.limit, 0, self.limit)},
            "rate": core,
        }))
    }

    /// A list in the body: by this name, or the body itself.
    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        let body = &self.request.body;
        let list = if body.is_array() { body } else { &body[name] };
        let word = |value: &Value| value.as_str().or_else(|| value["name"].as_str()).map(str::to_owned);
        list.as_array().map(|values| values.iter().filter_map(word).collect())
    }
}

/// A part of a path, with what may stand there as it is.
fn encoded_part(part: &str) -> String {
    if part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        part.to_owned()
    } else {
        encoded(part)
    }
}
