//! What is done to labels, issues and comments, by whoever: over the interface, or by a person in a browser.
//!
//! Each deed leaves the trace that the real one leaves: times, timeline events, and a webhook unless it is kept quiet.

use serde_json::{Value, json};

use super::answer::Answer;
use super::state::{Author, Comment, Event, Fate, Issue, Label, Pull, Repo, State, same};
use super::view::{View, object};

/// The longest name of a label, in characters.
pub(super) const LABEL_CHARS_MAX: usize = 50;

/// The longest description of a label, in characters.
pub(super) const DESCRIPTION_CHARS_MAX: usize = 100;

/// The most labels of an issue.
pub(super) const LABELS_MAX: usize = 100;

/// The longest title, in characters.
pub(super) const TITLE_CHARS_MAX: usize = 256;

/// The longest body, in characters.
pub(super) const BODY_CHARS_MAX: usize = 65_536;

/// The colour of a label that was made by being put on an issue.
const COLOR: &str = "ededed";

/// Somebody who does something now.
#[derive(Debug)]
pub(super) struct Act<'a> {
    pub(super) state: &'a mut State,
    pub(super) by: Author,
    pub(super) now: i64,
    pub(super) base: &'a str,
    /// Whether webhooks tell of it.
    pub(super) loud: bool,
}

/// An issue to open, or what to change of one.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    pub(super) title: Option<String>,
    /// A body, where an empty one takes it away.
    pub(super) body: Option<String>,
    pub(super) labels: Option<Vec<String>>,
    /// Whether it is to be open.
    pub(super) open: Option<bool>,
    pub(super) reason: Option<String>,
}

impl Act<'_> {
    /// How it looks.
    pub(super) fn view(&self) -> View<'_> {
        View { state: self.state, base: self.base }
    }

    /// An issue that is known to exist.
    pub(super) fn issue(&mut self, repo: i64, number: i64) -> &mut Issue {
        self.state.repo(repo).issues.get_mut(&number).expect("the issue was found before")
    }

    /// Opens an issue; labels that do not exist are made.
    pub(super) fn open(&mut self, repo: i64, wish: Wish) -> Result<i64, Answer> {
        self.open_as(repo, wish, None)
    }

    /// Opens an issue, or a pull request.
    pub(super) fn open_as(&mut self, repo: i64, wish: Wish, pull: Option<Pull>) -> Result<i64, Answer> {
        check_texts(&wish)?;
        let title = wish.title.ok_or_else(|| Answer::invalid("Issue", "title", "missing_field"))?;
        let names = wish.labels.unwrap_or_default();
        check_labels(&names)?;
        let labels: Vec<_> = names.iter().map(|name| self.label_named(repo, name)).collect();
        let (id, by, now) = (self.state.id(), self.by.clone(), self.now);
        self.state.user(&by.login);
        let body = wish.body.filter(|body| !body.is_empty());
        let store = self.state.repo(repo);
        store.last_number += 1;
        let number = store.last_number;
        let issue = Issue { pull, ..Issue::new(id, number, title, body, by, now) };
        store.issues.insert(number, issue);
        let on: Vec<_> = labels.into_iter().filter_map(|label| self.put(repo, number, label)).collect();
        self.tell_issue("opened", repo, number, []);
        for label in on {
            self.tell_labeled(repo, number, &label);
        }
        Ok(number)
    }

    /// Changes what is wished of an issue or pull request.
    pub(super) fn edit(&mut self, repo: i64, number: i64, wish: Wish) -> Result<(), Answer> {
        check_texts(&wish)?;
        if let Some(names) = &wish.labels {
            check_labels(names)?;
        }
        let issue = self.issue(repo, number).clone();
        let mut changes = Vec::new();
        if let Some(title) = wish.title.filter(|title| *title != issue.title) {
            changes.push(("title", json!({"from": issue.title})));
            self.happened(repo, number, "renamed", json!({"rename": {"from": issue.title, "to": title}}));
            self.issue(repo, number).title = title;
        }
        let before = issue.body.unwrap_or_default();
        if let Some(body) = wish.body.filter(|body| *body != before) {
            changes.push(("body", json!({"from": before})));
            self.issue(repo, number).body = Some(body).filter(|body| !body.is_empty());
        }
        if !changes.is_empty() {
            self.touch(repo, number);
            self.tell_issue("edited", repo, number, [("changes", object(changes))]);
        }
        if let Some(names) = wish.labels {
            self.set_labels(repo, number, &names)?;
        }
        if let Some(open) = wish.open {
            self.set_state(repo, number, open, wish.reason.as_deref())?;
        }
        Ok(())
    }

    /// Opens or closes it; closing what is closed only changes the reason.
    pub(super) fn set_state(&mut self, repo: i64, number: i64, open: bool, reason: Option<&str>) -> Result<(), Answer> {
        let issue = self.issue(repo, number).clone();
        if issue.pull.as_ref().is_some_and(|pull| pull.merged.is_some()) && open {
            return Err(Answer::custom(
                "PullRequest",
                "state",
                "state cannot be changed. The pull request was merged.",
            ));
        }
        let is_pull = issue.pull.is_some();
        let default = if open { "reopened" } else { "completed" };
        let reason = (!is_pull).then(|| reason.unwrap_or(default).to_owned());
        if issue.open == open {
            if !open && reason.is_some() && issue.reason != reason {
                self.issue(repo, number).reason = reason;
                self.touch(repo, number);
            }
            return Ok(());
        }
        let (now, by) = (self.now, self.by.login.clone());
        let changed = self.issue(repo, number);
        (changed.open, changed.reason) = (open, reason.clone());
        changed.closed_at = (!open).then_some(now);
        changed.closed_by = (!open).then_some(by);
        let (event, extra) = if open { ("reopened", json!({})) } else { ("closed", json!({"state_reason": reason})) };
        self.happened(repo, number, event, extra);
        self.touch(repo, number);
        self.tell_issue(event, repo, number, []);
        Ok(())
    }

    /// Puts labels on it; those that do not exist are made.
    pub(super) fn add_labels(&mut self, repo: i64, number: i64, names: &[String]) -> Result<(), Answer> {
        check_labels(names)?;
        let labels: Vec<_> = names.iter().map(|name| self.label_named(repo, name)).collect();
        let on = self.issue(repo, number).labels.clone();
        if on.iter().chain(labels.iter().filter(|label| !on.contains(label))).count() > LABELS_MAX {
            return Err(Answer::custom("Issue", "labels", "labels cannot be more than 100"));
        }
        for label in labels {
            if let Some(label) = self.put(repo, number, label) {
                self.tell_labeled(repo, number, &label);
            }
        }
        Ok(())
    }

    /// Takes one label off it; whether it was there.
    pub(super) fn remove_label(&mut self, repo: i64, number: i64, name: &str) -> bool {
        let Some(label) = self.state.repo(repo).label(name).cloned() else { return false };
        let issue = self.issue(repo, number);
        if !issue.labels.contains(&label.id) {
            return false;
        }
        issue.labels.retain(|id| *id != label.id);
        self.happened(repo, number, "unlabeled", json!({"label": {"name": label.name, "color": label.color}}));
        self.touch(repo, number);
        let shown = self.view().label(&self.state.repos[&repo], &label);
        self.tell_issue("unlabeled", repo, number, [("label", shown)]);
        true
    }

    /// Gives it these labels and no other.
    pub(super) fn set_labels(&mut self, repo: i64, number: i64, names: &[String]) -> Result<(), Answer> {
        check_labels(names)?;
        let store = self.state.repo(repo);
        let issue = &store.issues[&number];
        let gone = store.labels_of(issue).into_iter().map(|label| label.name.clone());
        let gone: Vec<_> = gone.filter(|name| !names.iter().any(|kept| same(kept, name))).collect();
        for name in gone {
            self.remove_label(repo, number, &name);
        }
        self.add_labels(repo, number, names)
    }

    /// Writes a comment; gives its id.
    pub(super) fn comment(&mut self, repo: i64, number: i64, body: &str) -> Result<i64, Answer> {
        check_body("IssueComment", body)?;
        if body.trim().is_empty() {
            return Err(Answer::invalid("IssueComment", "body", "missing_field"));
        }
        let (id, author, now) = (self.state.id(), self.by.clone(), self.now);
        self.state.user(&author.login);
        let comment = Comment { id, body: body.to_owned(), author, created_at: now, updated_at: now };
        self.issue(repo, number).comments.push(comment);
        self.touch(repo, number);
        self.tell_comment("created", repo, number, id, []);
        Ok(id)
    }

    /// Changes a comment.
    pub(super) fn edit_comment(&mut self, repo: i64, number: i64, id: i64, body: &str) -> Result<(), Answer> {
        check_body("IssueComment", body)?;
        let now = self.now;
        let comments = &mut self.issue(repo, number).comments;
        let comment = comments.iter_mut().find(|comment| comment.id == id).expect("the comment was found before");
        let before = std::mem::replace(&mut comment.body, body.to_owned());
        comment.updated_at = now;
        self.touch(repo, number);
        self.tell_comment("edited", repo, number, id, [("changes", json!({"body": {"from": before}}))]);
        Ok(())
    }

    /// Takes a comment away.
    pub(super) fn delete_comment(&mut self, repo: i64, number: i64, id: i64) {
        self.tell_comment("deleted", repo, number, id, []);
        self.issue(repo, number).comments.retain(|comment| comment.id != id);
        self.touch(repo, number);
    }

    /// Takes the issue away: it is told of with 410 from now on.
    pub(super) fn delete_issue(&mut self, repo: i64, number: i64) {
        self.tell_issue("deleted", repo, number, []);
        self.issue(repo, number).fate = Fate::Deleted;
    }

    /// Says that something about the issue changed now.
    pub(super) fn touch(&mut self, repo: i64, number: i64) {
        let now = self.now;
        self.issue(repo, number).updated_at = now;
    }

    /// Writes an event into the timeline.
    pub(super) fn happened(&mut self, repo: i64, number: i64, event: &'static str, extra: Value) {
        let (id, actor, at) = (self.state.id(), self.by.clone(), self.now);
        self.state.user(&actor.login);
        self.issue(repo, number).events.push(Event { id, event, actor, at, extra });
    }

    /// Puts a label on; gives it when it was not on before.
    fn put(&mut self, repo: i64, number: i64, label: i64) -> Option<Label> {
        if self.issue(repo, number).labels.contains(&label) {
            return None;
        }
        self.issue(repo, number).labels.push(label);
        let store = self.state.repo(repo);
        let label = store.labels.iter().find(|known| known.id == label).cloned().expect("the label was found before");
        self.happened(repo, number, "labeled", json!({"label": {"name": label.name, "color": label.color}}));
        self.touch(repo, number);
        Some(label)
    }

    fn tell_labeled(&mut self, repo: i64, number: i64, label: &Label) {
        let shown = self.view().label(&self.state.repos[&repo], label);
        self.tell_issue("labeled", repo, number, [("label", shown)]);
    }

    /// The label of this name, made when there is none.
    fn label_named(&mut self, repo: i64, name: &str) -> i64 {
        if let Some(label) = self.state.repo(repo).label(name) {
            return label.id;
        }
        self.insert_label(repo, name, COLOR, None)
    }

    /// Makes a label.
    pub(super) fn insert_label(&mut self, repo: i64, name: &str, color: &str, description: Option<String>) -> i64 {
        let id = self.state.id();
        let label = Label { id, name: name.to_owned(), color: color.to_owned(), description };
        self.state.repo(repo).labels.push(label);
        self.tell_label("created", repo, id, []);
        id
    }

    /// Gives a label another name, colour or description. Issues are not touched by it.
    pub(super) fn edit_label(&mut self, repo: i64, id: i64, edit: impl FnOnce(&mut Label)) {
        let store: &mut Repo = self.state.repo(repo);
        let label = store.labels.iter_mut().find(|label| label.id == id).expect("the label was found before");
        let before = label.clone();
        edit(label);
        let mut changes = Vec::new();
        if before.name != label.name {
            changes.push(("name", json!({"from": before.name})));
        }
        if before.color != label.color {
            changes.push(("color", json!({"from": before.color})));
        }
        self.tell_label("edited", repo, id, [("changes", object(changes))]);
    }

    /// Takes a label away, from every issue too; no issue tells of it.
    pub(super) fn delete_label(&mut self, repo: i64, id: i64) {
        self.tell_label("deleted", repo, id, []);
        let store = self.state.repo(repo);
        store.labels.retain(|label| label.id != id);
        for issue in store.issues.values_mut() {
            issue.labels.retain(|label| *label != id);
        }
    }
}

impl Issue {
    /// A new one.
    pub(super) fn new(id: i64, number: i64, title: String, body: Option<String>, author: Author, now: i64) -> Self {
        Self {
            id,
            number,
            title,
            body,
            open: true,
            reason: None,
            labels: Vec::new(),
            author,
            comments: Vec::new(),
            events: Vec::new(),
            created_at: now,
            updated_at: now,
            closed_at: None,
            closed_by: None,
            fate: Fate::Here,
            pull: None,
        }
    }
}

fn check_texts(wish: &Wish) -> Result<(), Answer> {
    if let Some(title) = &wish.title {
        if title.trim().is_empty() {
            return Err(Answer::invalid("Issue", "title", "missing_field"));
        }
        if title.chars().count() > TITLE_CHARS_MAX {
            return Err(Answer::custom("Issue", "title", "title is too long (maximum is 256 characters)"));
        }
    }
    wish.body.iter().try_for_each(|body| check_body("Issue", body))
}

/// Whether a body is short enough.
pub(super) fn check_body(resource: &str, body: &str) -> Result<(), Answer> {
    if body.chars().count() > BODY_CHARS_MAX {
        return Err(Answer::custom(resource, "body", "body is too long (maximum is 65536 characters)"));
    }
    Ok(())
}

/// Whether names of labels are good ones.
pub(super) fn check_labels(names: &[String]) -> Result<(), Answer> {
    let bad = names.iter().find(|name| name.trim().is_empty() || name.chars().count() > LABEL_CHARS_MAX);
    match bad {
        Some(name) if name.trim().is_empty() => Err(Answer::invalid("Label", "name", "missing_field")),
        Some(_) => Err(Answer::custom("Label", "name", "name is too long (maximum is 50 characters)")),
        None if names.len() > LABELS_MAX => Err(Answer::custom("Issue", "labels", "labels cannot be more than 100")),
        None => Ok(()),
    }
}
