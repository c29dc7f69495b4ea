//! The JSON of labels, issues, comments and events, in the real one's shapes.

use serde_json::{Value, json};

use super::request::encoded;
use super::state::{Author, Comment, Event, Issue, Label, Repo, stamp};
use super::view::{View, WEB, merge, node};

impl View<'_> {
    /// A label.
    pub(super) fn label(&self, repo: &Repo, label: &Label) -> Value {
        json!({
            "id": label.id,
            "node_id": node("LA", label.id),
            "url": format!("{}/labels/{}", self.at(repo), encoded(&label.name)),
            "name": label.name,
            "color": label.color,
            "default": false,
            "description": label.description,
        })
    }

    /// The labels of an issue.
    pub(super) fn labels(&self, repo: &Repo, issue: &Issue) -> Value {
        repo.labels_of(issue).into_iter().map(|label| self.label(repo, label)).collect()
    }

    /// An issue, or a pull request as a list of issues shows it.
    pub(super) fn issue(&self, repo: &Repo, issue: &Issue) -> Value {
        let url = format!("{}/issues/{}", self.at(repo), issue.number);
        let kind = if issue.pull.is_some() { "pull" } else { "issues" };
        let web = format!("{WEB}/{}/{kind}/{}", repo.full_name(), issue.number);
        let mut shown = json!({
            "url": url,
            "repository_url": self.at(repo),
            "labels_url": format!("{url}/labels{{/name}}"),
            "comments_url": format!("{url}/comments"),
            "events_url": format!("{url}/events"),
            "timeline_url": format!("{url}/timeline"),
            "html_url": web,
            "id": issue.id,
            "node_id": node(if issue.pull.is_some() { "PR" } else { "I" }, issue.id),
            "number": issue.number,
            "title": issue.title,
            "user": self.login(&issue.author.login),
            "labels": self.labels(repo, issue),
            "state": state(issue),
            "state_reason": issue.reason,
            "locked": false,
            "active_lock_reason": null,
            "assignee": null,
            "assignees": [],
            "milestone": null,
            "comments": issue.comments.len(),
            "created_at": stamp(issue.created_at),
            "updated_at": stamp(issue.updated_at),
            "closed_at": issue.closed_at.map(stamp),
            "author_association": self.association(repo, &issue.author),
            "body": issue.body,
            "reactions": reactions(&url),
            "performed_via_github_app": self.via(&issue.author),
        });
        if let Some(pull) = &issue.pull {
            shown["draft"] = pull.draft.into();
            shown["pull_request"] = json!({
                "url": format!("{}/pulls/{}", self.at(repo), issue.number),
                "html_url": web,
                "diff_url": format!("{web}.diff"),
                "patch_url": format!("{web}.patch"),
                "merged_at": pull.merged.as_ref().map(|merged| stamp(merged.at)),
            });
        }
        shown
    }

    /// An issue with what only its own page shows.
    pub(super) fn whole_issue(&self, repo: &Repo, issue: &Issue) -> Value {
        let mut shown = self.issue(repo, issue);
        shown["closed_by"] = issue.closed_by.as_ref().map_or(Value::Null, |login| self.login(login));
        shown
    }

    /// A comment.
    pub(super) fn comment(&self, repo: &Repo, issue: &Issue, comment: &Comment) -> Value {
        let url = format!("{}/issues/comments/{}", self.at(repo), comment.id);
        let kind = if issue.pull.is_some() { "pull" } else { "issues" };
        let web = format!("{WEB}/{}/{kind}/{}#issuecomment-{}", repo.full_name(), issue.number, comment.id);
        json!({
            "url": url,
            "html_url": web,
            "issue_url": format!("{}/issues/{}", self.at(repo), issue.number),
            "id": comment.id,
            "node_id": node("IC", comment.id),
            "user": self.login(&comment.author.login),
            "created_at": stamp(comment.created_at),
            "updated_at": stamp(comment.updated_at),
            "author_association": self.association(repo, &comment.author),
            "body": comment.body,
            "reactions": reactions(&url),
            "performed_via_github_app": self.via(&comment.author),
        })
    }

    /// An event of an issue's timeline.
    pub(super) fn event(&self, repo: &Repo, event: &Event) -> Value {
        let mut shown = json!({
            "id": event.id,
            "node_id": node("E", event.id),
            "url": format!("{}/issues/events/{}", self.at(repo), event.id),
            "actor": self.login(&event.actor.login),
            "event": event.event,
            "commit_id": null,
            "commit_url": null,
            "created_at": stamp(event.at),
            "performed_via_github_app": self.via(&event.actor),
        });
        merge(&mut shown, event.extra.clone());
        shown
    }

    /// A comment as a timeline shows it.
    pub(super) fn commented(&self, repo: &Repo, issue: &Issue, comment: &Comment) -> Value {
        let mut shown = self.comment(repo, issue, comment);
        merge(&mut shown, json!({"event": "commented", "actor": self.login(&comment.author.login)}));
        shown
    }

    /// What somebody is to a repository.
    pub(super) fn association(&self, repo: &Repo, author: &Author) -> &'static str {
        let may = self.state.grants.contains_key(&(author.login.to_lowercase(), repo.id));
        match () {
            () if author.login.eq_ignore_ascii_case(&repo.owner) => "OWNER",
            () if may => "COLLABORATOR",
            () => "NONE",
        }
    }
}

fn reactions(url: &str) -> Value {
    json!({
        "url": format!("{url}/reactions"), "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0, "confused": 0,
        "heart": 0, "rocket": 0, "eyes": 0,
    })
}

/// `open` or `closed`.
pub(super) fn state(issue: &Issue) -> &'static str {
    if issue.open { "open" } else { "closed" }
}
