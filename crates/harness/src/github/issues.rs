//! The routes of issues, their labels, comments and timelines; pull requests have them too.

use serde_json::Value;

use domain::time::Time;

use super::act::Wish;
use super::answer::{Answer, Outcome};
use super::caller::{Caller, Right};
use super::route::Turn;
use super::state::{Comment, Fate, Issue, same};

/// What issues and pull requests ask for.
const NOUNS: [&str; 2] = ["issues", "pull_requests"];

/// The reasons for a state that the real one takes.
const REASONS: [&str; 4] = ["completed", "not_planned", "duplicate", "reopened"];

impl Turn<'_> {
    /// Answers what is below `/issues`.
    pub(super) fn issue_route(&mut self, rest: &[&str]) -> Outcome {
        let method = self.request.method.clone();
        match (method.as_str(), &rest[1..]) {
            ("GET", []) => self.list_issues(rest),
            ("POST", []) => self.open_issue(),
            ("GET", ["comments"]) => self.list_all_comments(rest),
            (_, ["comments", id]) => self.one_comment(&method, id),
            ("GET", [number]) => self.get_issue(number),
            ("PATCH", [number]) => self.edit_issue(number),
            (_, [number, "labels"]) => self.issue_labels(&method, number, rest),
            ("DELETE", [number, "labels", name]) => self.remove_issue_label(number, name),
            ("GET", [number, "comments"]) => self.list_comments(number, rest),
            ("POST", [number, "comments"]) => self.write_comment(number),
            ("GET", [number, "events"]) => self.list_events(number, rest),
            ("GET", [number, "timeline"]) => self.list_timeline(number, rest),
            _ => Err(Answer::not_found()),
        }
    }

    fn get_issue(&self, word: &str) -> Outcome {
        self.may(&NOUNS, Right::Read)?;
        let number = self.numbered(word)?;
        let issue = &self.repo().issues[&number];
        if !self.repo().has_issues && issue.pull.is_none() {
            return Err(disabled());
        }
        Ok(Answer::ok(self.view().whole_issue(self.repo(), issue)))
    }

    fn list_issues(&self, rest: &[&str]) -> Outcome {
        self.may(&NOUNS, Right::Read)?;
        let asked = |name| self.request.asked(name);
        let since = self.since()?;
        let state = asked("state").unwrap_or_else(|| "open".to_owned());
        if !["open", "closed", "all"].contains(&state.as_str()) {
            return Err(Answer::invalid("Issue", "state", "invalid"));
        }
        let (labels, creator) = (asked("labels").unwrap_or_default(), asked("creator"));
        let wanted: Vec<_> = labels.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let repo = self.repo();
        let fits = |issue: &&Issue| {
            let on = repo.labels_of(issue);
            issue.fate == Fate::Here
                && (state == "all" || (state == "open") == issue.open)
                && (repo.has_issues || issue.pull.is_some())
                && since.is_none_or(|since| issue.updated_at >= since)
                && creator.as_ref().is_none_or(|login| is_by(login, &issue.author.login))
                && wanted.iter().all(|wanted| on.iter().any(|label| same(&label.name, wanted)))
        };
        let mut issues: Vec<_> = repo.issues.values().filter(fits).collect();
        match asked("sort").as_deref() {
            Some("updated") => issues.sort_by_key(|issue| (issue.updated_at, issue.number)),
            Some("comments") => issues.sort_by_key(|issue| (issue.comments.len(), issue.number)),
            _ => issues.sort_by_key(|issue| (issue.created_at, issue.number)),
        }
        if asked("direction").as_deref() != Some("asc") {
            issues.reverse();
        }
        let view = self.view();
        Ok(self.request.paged(&issues, &self.here(rest), |issue| view.issue(repo, issue)))
    }

    fn open_issue(&mut self) -> Outcome {
        let may_write = self.may(&["issues"], Right::Write);
        // Anybody who may read may open an issue; labels of theirs are dropped without a word.
        let only_opens = matches!(self.caller, Caller::Person { .. }) && may_write.is_err();
        if !only_opens || self.repo().archived {
            may_write?;
        }
        if !self.repo().has_issues {
            return Err(disabled());
        }
        let mut wish = self.wish()?;
        if only_opens {
            wish.labels = None;
        }
        let repo = self.repo;
        let number = self.act().open(repo, wish)?;
        let shown = self.view().whole_issue(self.repo(), &self.repo().issues[&number]);
        let url = shown["url"].as_str().unwrap_or_default().to_owned();
        Ok(Answer::made(shown).with("location", url))
    }

    fn edit_issue(&mut self, word: &str) -> Outcome {
        let number = self.numbered(word)?;
        let is_pull = self.repo().issues[&number].pull.is_some();
        let wish = self.wish()?;
        let only_state = wish.title.is_none() && wish.body.is_none() && wish.labels.is_none();
        let right = if only_state { Right::Triage } else { Right::Write };
        self.may(if is_pull { &NOUNS } else { &["issues"] }, right)?;
        let repo = self.repo;
        self.act().edit(repo, number, wish)?;
        Ok(Answer::ok(self.view().whole_issue(self.repo(), &self.repo().issues[&number])))
    }

    /// What the body asks to be.
    pub(super) fn wish(&self) -> Result<Wish, Answer> {
        let request = self.request;
        let open = match request.text("state") {
            None => None,
            Some("open") => Some(true),
            Some("closed") => Some(false),
            Some(_) => return Err(Answer::invalid("Issue", "state", "invalid")),
        };
        let reason = request.text("state_reason").map(str::to_owned);
        if reason.as_ref().is_some_and(|reason| !REASONS.contains(&reason.as_str())) {
            return Err(Answer::invalid("Issue", "state_reason", "invalid"));
        }
        let body = request.body.get("body").map(|body| body.as_str().unwrap_or_default().to_owned());
        let title = request.body.get("title").map(title_of);
        Ok(Wish { title, body, labels: self.list("labels"), open, reason })
    }

    fn issue_labels(&mut self, method: &str, word: &str, rest: &[&str]) -> Outcome {
        let number = self.numbered(word)?;
        self.may(&NOUNS, if method == "GET" { Right::Read } else { Right::Triage })?;
        let (repo, names) = (self.repo, self.list("labels"));
        let makes = names.iter().flatten().any(|name| self.repo().label(name).is_none());
        if makes && method != "GET" && self.may(&NOUNS, Right::Write).is_err() {
            return Err(Answer::refusal(403, "You do not have permission to create labels on this repository."));
        }
        match method {
            "GET" => {
                let (view, repo) = (self.view(), self.repo());
                let labels = repo.labels_of(&repo.issues[&number]);
                return Ok(self.request.paged(&labels, &self.here(rest), |label| view.label(repo, label)));
            }
            "POST" => {
                let names = names.ok_or_else(|| Answer::invalid("Issue", "labels", "missing_field"))?;
                self.act().add_labels(repo, number, &names)?;
            }
            "PUT" => self.act().set_labels(repo, number, &names.unwrap_or_default())?,
            "DELETE" => {
                self.act().set_labels(repo, number, &[])?;
                return Ok(Answer::empty());
            }
            _ => return Err(Answer::not_found()),
        }
        Ok(Answer::ok(self.view().labels(self.repo(), &self.repo().issues[&number])))
    }

    fn remove_issue_label(&mut self, word: &str, name: &str) -> Outcome {
        let number = self.numbered(word)?;
        self.may(&NOUNS, Right::Triage)?;
        let repo = self.repo;
        if !self.act().remove_label(repo, number, name) {
            return Err(Answer::refusal(404, "Label does not exist"));
        }
        Ok(Answer::ok(self.view().labels(self.repo(), &self.repo().issues[&number])))
    }

    fn list_comments(&self, word: &str, rest: &[&str]) -> Outcome {
        self.may(&NOUNS, Right::Read)?;
        let number = self.numbered(word)?;
        let since = self.since()?;
        let (view, repo) = (self.view(), self.repo());
        let issue = &repo.issues[&number];
        let fits = |comment: &&Comment| since.is_none_or(|since| comment.updated_at >= since);
        let comments: Vec<_> = issue.comments.iter().filter(fits).collect();
        Ok(self.request.paged(&comments, &self.here(rest), |comment| view.comment(repo, issue, comment)))
    }

    fn list_all_comments(&self, rest: &[&str]) -> Outcome {
        self.may(&NOUNS, Right::Read)?;
        let since = self.since()?;
        let (view, repo) = (self.view(), self.repo());
        let issues = repo.issues.values().filter(|issue| issue.fate == Fate::Here);
        let all = issues.flat_map(|issue| issue.comments.iter().map(move |comment| (issue, comment)));
        let mut all: Vec<_> = all.filter(|(_, one)| since.is_none_or(|since| one.updated_at >= since)).collect();
        match self.request.asked("sort").as_deref() {
            Some("updated") => all.sort_by_key(|(_, comment)| (comment.updated_at, comment.id)),
            _ => all.sort_by_key(|(_, comment)| comment.id),
        }
        if self.request.asked("direction").as_deref() == Some("desc") {
            all.reverse();
        }
        Ok(self.request.paged(&all, &self.here(rest), |(issue, comment)| view.comment(repo, issue, comment)))
    }

    fn write_comment(&mut self, word: &str) -> Outcome {
        let number = self.numbered(word)?;
        if !matches!(self.caller, Caller::Person { .. }) || self.repo().archived {
            self.may(&NOUNS, Right::Write)?;
        }
        let body = self.request.text("body").ok_or_else(|| Answer::invalid("IssueComment", "body", "missing_field"))?;
        let repo = self.repo;
        let id = self.act().comment(repo, number, body)?;
        self.show_comment(number, id).map(|shown| {
            let url = shown["url"].as_str().unwrap_or_default().to_owned();
            Answer::made(shown).with("location", url)
        })
    }

    fn one_comment(&mut self, method: &str, word: &str) -> Outcome {
        let id: i64 = word.parse().map_err(|_| Answer::not_found())?;
        let issues = self.repo().issues.values().filter(|issue| issue.fate == Fate::Here);
        let found = issues.flat_map(|issue| issue.comments.iter().map(move |comment| (issue.number, comment)));
        let found = found.into_iter().find(|(_, comment)| comment.id == id);
        let (number, mine) = found
            .map(|(number, comment)| (number, comment.author == self.caller.author()))
            .ok_or_else(Answer::not_found)?;
        let repo = self.repo;
        match method {
            "GET" => self.may(&NOUNS, Right::Read)?,
            "PATCH" | "DELETE" if mine && matches!(self.caller, Caller::Person { .. }) => {}
            "PATCH" | "DELETE" => self.may(&NOUNS, Right::Write)?,
            _ => return Err(Answer::not_found()),
        }
        if method == "DELETE" {
            self.act().delete_comment(repo, number, id);
            return Ok(Answer::empty());
        }
        if method == "PATCH" {
            let body = self.request.text("body");
            let body = body.ok_or_else(|| Answer::invalid("IssueComment", "body", "missing_field"))?;
            self.act().edit_comment(repo, number, id, body)?;
        }
        self.show_comment(number, id).map(Answer::ok)
    }

    fn show_comment(&self, number: i64, id: i64) -> Result<Value, Answer> {
        let issue = &self.repo().issues[&number];
        let comment = issue.comments.iter().find(|comment| comment.id == id).ok_or_else(Answer::not_found)?;
        Ok(self.view().comment(self.repo(), issue, comment))
    }

    fn list_events(&self, word: &str, rest: &[&str]) -> Outcome {
        self.may(&NOUNS, Right::Read)?;
        let number = self.numbered(word)?;
        let (view, repo) = (self.view(), self.repo());
        let events = &repo.issues[&number].events;
        Ok(self.request.paged(events, &self.here(rest), |event| view.event(repo, event)))
    }

    fn list_timeline(&self, word: &str, rest: &[&str]) -> Outcome {
        self.may(&NOUNS, Right::Read)?;
        let number = self.numbered(word)?;
        let (view, repo) = (self.view(), self.repo());
        let issue = &repo.issues[&number];
        let events = issue.events.iter().map(|event| (event.at, event.id, view.event(repo, event)));
        let said =
            issue.comments.iter().map(|comment| (comment.created_at, comment.id, view.commented(repo, issue, comment)));
        let mut all: Vec<_> = events.chain(said).collect();
        all.sort_by_key(|(at, id, _)| (*at, *id));
        Ok(self.request.paged(&all, &self.here(rest), |(_, _, shown)| shown.clone()))
    }

    /// From when on; whole seconds, as the real one compares.
    pub(super) fn since(&self) -> Result<Option<i64>, Answer> {
        let Some(said) = self.request.asked("since") else { return Ok(None) };
        let moment = Time::parse(&said, "since").map_err(|_| Answer::invalid("Issue", "since", "invalid"))?;
        Ok(Some(moment.0 - moment.0.rem_euclid(1_000)))
    }
}

/// A title, which the real one also takes as a number.
fn title_of(title: &Value) -> String {
    title.as_str().map_or_else(|| if title.is_null() { String::new() } else { title.to_string() }, str::to_owned)
}

/// Whether an author is the one that was asked for: an App has two names.
fn is_by(asked: &str, author: &str) -> bool {
    let app = asked.strip_prefix("app/").is_some_and(|slug| same(&format!("{slug}[bot]"), author));
    app || same(asked, author)
}

fn disabled() -> Answer {
    Answer::refusal(410, "Issues has been disabled in this repository.")
}
