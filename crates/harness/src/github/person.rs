//! People in a browser: what they do is in the world at once, and a webhook tells of it, or nobody does.

use serde_json::json;

use super::GitHub;
use super::act::{Act, Wish};
use super::merge::Order;
use super::pulls::Proposal;
use super::reviews::Words;
use super::state::{Fate, Issue, Status};

/// Somebody, at one repository.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    github: &'a GitHub,
    login: &'a str,
    repo: &'a str,
    loud: bool,
}

/// Why an issue is closed by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is done.
    Completed,
    /// Nobody will do it.
    NotPlanned,
    /// Another says the same.
    Duplicate,
}

impl GitHub {
    /// Somebody with this login, at a repository, whose deeds webhooks tell of.
    pub fn as_person<'a>(&'a self, login: &'a str, repo: &'a str) -> Person<'a> {
        Person { github: self, login, repo, loud: true }
    }
}

impl<'a> Person<'a> {
    /// The same, without any webhook: what nobody tells must be found out.
    pub fn silently(self) -> Self {
        Self { loud: false, ..self }
    }

    /// The same at another repository.
    pub fn at(self, repo: &'a str) -> Self {
        Self { repo, ..self }
    }

    /// Opens an issue; gives its number.
    pub fn open(self, title: &str, body: &str, labels: &[&str]) -> i64 {
        let labels = labels.iter().map(|&name| name.to_owned()).collect();
        let body = Some(body.to_owned());
        let wish = Wish { title: Some(title.to_owned()), body, labels: Some(labels), ..Wish::default() };
        self.act(|act, repo| act.open(repo, wish).expect("an issue that may be opened"))
    }

    /// Puts labels on an issue or pull request; those that do not exist are made.
    pub fn label(self, number: i64, label: &str) {
        let names = [label.to_owned()];
        self.act(|act, repo| act.add_labels(repo, number, &names).expect("a label that may be put on"));
    }

    /// Takes a label off; panics when it was not on.
    pub fn unlabel(self, number: i64, label: &str) {
        assert!(self.act(|act, repo| act.remove_label(repo, number, label)), "{label} is not on {number}");
    }

    /// Writes a comment; gives its id.
    pub fn comment(self, number: i64, body: &str) -> i64 {
        self.act(|act, repo| act.comment(repo, number, body).expect("a comment that may be written"))
    }

    /// Changes a comment.
    pub fn edit_comment(self, number: i64, id: i64, body: &str) {
        self.act(|act, repo| act.edit_comment(repo, number, id, body).expect("a comment that may be changed"));
    }

    /// Takes a comment away.
    pub fn delete_comment(self, number: i64, id: i64) {
        self.act(|act, repo| act.delete_comment(repo, number, id));
    }

    /// Closes an issue; a pull request is closed without a reason.
    pub fn close(self, number: i64, reason: Reason) {
        self.act(|act, repo| act.set_state(repo, number, false, Some(reason.word())).expect("it can be closed"));
    }

    /// Opens it again.
    pub fn reopen(self, number: i64) {
        self.act(|act, repo| act.set_state(repo, number, true, None).expect("it can be opened again"));
    }

    /// Gives it another title.
    pub fn retitle(self, number: i64, title: &str) {
        let wish = Wish { title: Some(title.to_owned()), ..Wish::default() };
        self.act(|act, repo| act.edit(repo, number, wish).expect("a title that may be given"));
    }

    /// Gives it another body.
    pub fn rewrite(self, number: i64, body: &str) {
        let wish = Wish { body: Some(body.to_owned()), ..Wish::default() };
        self.act(|act, repo| act.edit(repo, number, wish).expect("a body that may be given"));
    }

    /// Takes an issue away: it is 410 from now on.
    pub fn delete_issue(self, number: i64) {
        self.act(|act, repo| act.delete_issue(repo, number));
    }

    /// Takes an issue to another repository; gives its number there. Here it is 301 from now on.
    pub fn transfer_issue(self, number: i64, to: &str) -> i64 {
        let to = self.github.id_of(to);
        self.act(|act, repo| act.transfer(repo, number, to))
    }

    /// Makes a label.
    pub fn make_label(self, name: &str, color: &str) {
        self.act(|act, repo| act.insert_label(repo, name, color, None));
    }

    /// Gives a label another name; panics when there is none.
    pub fn rename_label(self, name: &str, new: &str) {
        self.act(|act, repo| {
            let id = act.state.repo(repo).label(name).expect("a label of this name").id;
            act.edit_label(repo, id, |label| new.clone_into(&mut label.name));
        });
    }

    /// Takes a label away, and off every issue.
    pub fn delete_label(self, name: &str) {
        self.act(|act, repo| {
            let id = act.state.repo(repo).label(name).expect("a label of this name").id;
            act.delete_label(repo, id);
        });
    }

    /// Puts a status on a commit, as a person's own program does; nothing tells of it.
    pub fn status(self, commit: &str, context: &str, state: &str) {
        let status = Status { state: state.to_owned(), ..Status::of(commit.to_owned(), context.to_owned()) };
        self.act(|act, repo| act.put_status(repo, status));
    }

    /// Writes files on a branch, as a commit that is pushed; gives the commit. A file without a text is taken away.
    /// A branch that is not there is made from the default branch.
    pub fn commit(self, branch: &str, files: &[(&str, Option<&str>)]) -> String {
        self.act(|act, repo| act.commit(repo, branch, files))
    }

    /// Opens a pull request; gives its number.
    pub fn open_pull(self, title: &str, head: &str, base: &str) -> i64 {
        let (title, head, base) = (title.to_owned(), head.to_owned(), base.to_owned());
        let proposal = Proposal { title, head, base, ..Proposal::default() };
        self.act(|act, repo| act.propose(repo, proposal).expect("a pull request that may be opened"))
    }

    /// Makes a pull request a draft.
    pub fn draft(self, number: i64) {
        self.act(|act, repo| act.set_draft(repo, number, true));
    }

    /// Makes a draft ready.
    pub fn ready(self, number: i64) {
        self.act(|act, repo| act.set_draft(repo, number, false));
    }

    /// Merges a pull request by `merge`, `squash` or `rebase`; gives the commit.
    pub fn merge(self, number: i64, method: &str) -> String {
        let order = Order { method: method.to_owned(), ..Order::default() };
        self.act(|act, repo| act.merge(repo, number, &order).expect("a pull request that may be merged"))
    }

    /// Writes a review: `COMMENT`, `APPROVE` or `REQUEST_CHANGES`; gives its id.
    pub fn review(self, number: i64, event: &str, body: &str) -> i64 {
        let event = event.to_owned();
        self.act(|act, repo| {
            let pull = act.issue(repo, number).pull.as_ref().expect("a pull request");
            let words = Words { commit: pull.head_sha.clone(), body: body.to_owned(), remarks: Vec::new() };
            act.review(repo, number, &event, words).expect("a review that may be written")
        })
    }

    /// Takes what a review decided out of the count; panics when it decided nothing.
    pub fn dismiss(self, number: i64, review: i64, why: &str) {
        self.act(|act, repo| act.dismiss(repo, number, review, why));
    }

    /// Takes a branch away; its pull requests are closed.
    pub fn delete_branch(self, branch: &str) {
        self.act(|act, repo| {
            act.state.repo(repo).git.set(branch, None);
            act.moved(repo, branch, None);
        });
    }

    /// Renames the repository. Its old name leads to it until something else takes it.
    pub fn rename_repo(self, new: &str) {
        let name = new.rsplit('/').next().unwrap_or(new);
        let owner = new.rsplit_once('/').map(|(owner, _)| owner.to_owned());
        self.act(|act, repo| {
            let old = act.state.repos[&repo].full_name();
            let store = act.state.repo(repo);
            let before = std::mem::replace(&mut store.name, name.to_owned());
            let from = store.owner.clone();
            store.owner = owner.clone().unwrap_or_else(|| from.clone());
            act.state.moved.insert(old.to_lowercase(), repo);
            if let Some(owner) = owner.filter(|owner| *owner != from) {
                act.state.user(&owner);
                let from = act.view().login(&from);
                act.tell(
                    "repository",
                    Some("transferred"),
                    repo,
                    json!({"changes": {"owner": {"from": {"user": from}}}}),
                );
            } else {
                let changes = json!({"changes": {"repository": {"name": {"from": before}}}});
                act.tell("repository", Some("renamed"), repo, changes);
            }
        });
    }

    pub(super) fn act<T>(self, deed: impl FnOnce(&mut Act<'_>, i64) -> T) -> T {
        let repo = self.github.id_of(self.repo);
        self.github.desk.act(self.login, self.loud, |act| deed(act, repo))
    }
}

impl Act<'_> {
    /// Takes an issue to another repository, with its comments and the labels that are there too.
    fn transfer(&mut self, repo: i64, number: i64, to: i64) -> i64 {
        let issue = self.issue(repo, number).clone();
        let id = self.state.id();
        let names: Vec<_> = self.state.repo(repo).labels_of(&issue).into_iter().map(|one| one.name.clone()).collect();
        let there = self.state.repo(to);
        let labels = names.iter().filter_map(|name| there.label(name)).map(|label| label.id).collect();
        there.last_number += 1;
        let new = there.last_number;
        let moved = Issue { id, number: new, labels, updated_at: self.now, ..issue };
        there.issues.insert(new, moved);
        let view = self.view();
        let (store, new_store) = (&view.state.repos[&repo], &view.state.repos[&to]);
        let changes = json!({"changes": {
            "new_issue": view.issue(new_store, &new_store.issues[&new]),
            "new_repository": view.repo(new_store, &serde_json::Value::Null),
        }, "issue": view.issue(store, &store.issues[&number])});
        self.tell("issues", Some("transferred"), repo, changes);
        self.issue(repo, number).fate = Fate::Transferred { repo: to, number: new };
        new
    }
}

impl Reason {
    fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::NotPlanned => "not_planned",
            Self::Duplicate => "duplicate",
        }
    }
}
