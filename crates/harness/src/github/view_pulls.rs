//! The JSON of pull requests, in the real one's shapes.

use serde_json::{Value, json};

use super::state::{Issue, Pull, Repo, Review, stamp};
use super::view::{View, WEB, merge, node};
use super::view_issues::state;

impl View<'_> {
    /// A pull request as its own page and its webhooks show it.
    pub(super) fn pull(&self, repo: &Repo, issue: &Issue, pull: &Pull, mergeable: Option<Mergeable>) -> Value {
        let mut shown = self.simple_pull(repo, issue, pull);
        merge(&mut shown, self.whole(repo, issue, pull, mergeable));
        shown
    }

    /// A pull request as a list shows it.
    pub(super) fn simple_pull(&self, repo: &Repo, issue: &Issue, pull: &Pull) -> Value {
        let url = format!("{}/pulls/{}", self.at(repo), issue.number);
        let issue_url = format!("{}/issues/{}", self.at(repo), issue.number);
        let web = format!("{WEB}/{}/pull/{}", repo.full_name(), issue.number);
        let statuses = format!("{}/statuses/{}", self.at(repo), pull.head_sha);
        let mut shown = json!({
            "url": url,
            "id": pull.id,
            "node_id": node("PR", pull.id),
            "html_url": web,
            "diff_url": format!("{web}.diff"),
            "patch_url": format!("{web}.patch"),
            "issue_url": issue_url,
            "commits_url": format!("{url}/commits"),
            "review_comments_url": format!("{url}/comments"),
            "review_comment_url": format!("{}/pulls/comments{{/number}}", self.at(repo)),
            "comments_url": format!("{issue_url}/comments"),
            "statuses_url": statuses,
            "number": issue.number,
            "state": state(issue),
            "locked": false,
            "active_lock_reason": null,
            "title": issue.title,
            "user": self.login(&issue.author.login),
            "body": issue.body,
            "labels": self.labels(repo, issue),
            "milestone": null,
        });
        let links = json!({
            "created_at": stamp(issue.created_at),
            "updated_at": stamp(issue.updated_at),
            "closed_at": issue.closed_at.map(stamp),
            "merged_at": pull.merged.as_ref().map(|merged| stamp(merged.at)),
            "merge_commit_sha": pull.merged.as_ref().map(|merged| merged.sha.clone()),
            "assignee": null,
            "assignees": [],
            "requested_reviewers": [],
            "requested_teams": [],
            "draft": pull.draft,
            "head": self.side(repo, &pull.head, &pull.head_sha),
            "base": self.side(repo, &pull.base, &pull.base_sha),
            "author_association": self.association(repo, &issue.author),
            "auto_merge": null,
            "_links": {
                "self": {"href": url},
                "html": {"href": web},
                "issue": {"href": issue_url},
                "comments": {"href": format!("{issue_url}/comments")},
                "review_comments": {"href": format!("{url}/comments")},
                "review_comment": {"href": format!("{}/pulls/comments{{/number}}", self.at(repo))},
                "commits": {"href": format!("{url}/commits")},
                "statuses": {"href": statuses},
            },
        });
        merge(&mut shown, links);
        shown
    }

    /// What only a pull request's own page and its webhooks show.
    fn whole(&self, repo: &Repo, issue: &Issue, pull: &Pull, mergeable: Option<Mergeable>) -> Value {
        let size = repo.git.size(&pull.base_tip, &pull.head_sha);
        let (known, word) = match mergeable {
            Some(Mergeable { known, word }) => (known, word),
            None => (None, "unknown".to_owned()),
        };
        let merged = pull.merged.as_ref();
        json!({
            "merged": merged.is_some(),
            "mergeable": known,
            "rebaseable": known,
            "mergeable_state": word,
            "merged_by": merged.map_or(Value::Null, |merged| self.login(&merged.by)),
            "comments": issue.comments.len(),
            "review_comments": pull.reviews.iter().map(|review| review.remarks.len()).sum::<usize>(),
            "maintainer_can_modify": false,
            "commits": size.commits,
            "additions": size.additions,
            "deletions": size.deletions,
            "changed_files": size.files,
        })
    }

    fn side(&self, repo: &Repo, branch: &str, commit: &str) -> Value {
        json!({
            "label": format!("{}:{branch}", repo.owner),
            "ref": branch,
            "sha": commit,
            "user": self.login(&repo.owner),
            "repo": self.repo(repo, &Value::Null),
        })
    }

    /// A review.
    pub(super) fn review(&self, repo: &Repo, issue: &Issue, review: &Review) -> Value {
        let web = format!("{WEB}/{}/pull/{}#pullrequestreview-{}", repo.full_name(), issue.number, review.id);
        let pull = format!("{}/pulls/{}", self.at(repo), issue.number);
        let mut shown = json!({
            "id": review.id,
            "node_id": node("PRR", review.id),
            "user": self.login(&review.author.login),
            "body": review.body,
            "state": review.state,
            "html_url": web,
            "pull_request_url": pull,
            "author_association": self.association(repo, &review.author),
            "_links": {"html": {"href": web}, "pull_request": {"href": pull}},
            "commit_id": review.commit,
        });
        if review.state != "PENDING" {
            shown["submitted_at"] = stamp(review.at).into();
        }
        shown
    }
}

/// Whether a pull request can be merged, and the word for it.
#[derive(Debug, Clone)]
pub(super) struct Mergeable {
    pub(super) known: Option<bool>,
    pub(super) word: String,
}
