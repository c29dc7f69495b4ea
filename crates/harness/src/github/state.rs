//! Everything that the fake GitHub knows, as plain data: cheap to copy, so that a read can be served from before a write.
//!
//! No rule and no JSON is here. Names are looked up without regard to case, as the real one does.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::time::Time;
use serde_json::Value;

use super::app::App;
use super::git::Bare;
use super::hook::{Delivery, Hook};

/// The whole of it.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// The last id that was given away; everything shares one sequence.
    pub(super) last_id: i64,
    /// By login in lower case.
    pub(super) users: BTreeMap<String, User>,
    /// By id.
    pub(super) repos: BTreeMap<i64, Repo>,
    /// Where a full name in lower case led before the repository was renamed.
    pub(super) moved: BTreeMap<String, i64>,
    /// Personal tokens.
    pub(super) tokens: BTreeMap<String, Personal>,
    /// What somebody may do in one repository, when that is not what their token says.
    pub(super) grants: BTreeMap<(String, i64), Access>,
    /// The GitHub App, its installations and their tokens.
    pub(super) app: Option<App>,
    /// Where webhooks go.
    pub(super) hook: Option<Hook>,
    /// Webhooks that wait to be delivered.
    pub(super) waiting: Vec<Delivery>,
    /// Every attempt that was made, the oldest first.
    pub(super) attempts: Vec<Delivery>,
    /// Requests used in the hour, by caller.
    pub(super) used: BTreeMap<String, u64>,
    /// Requests that each caller has in an hour.
    pub(super) limit: u64,
    /// How often a pull request's `mergeable` is null after its head or base moved.
    pub(super) lazy_reads: u32,
}

/// What a personal token may do, or somebody in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Nothing but what is public.
    None,
    /// It may read, open issues and comment.
    Read,
    /// It may also put labels on and take them off, and close and open again; neither make a label nor push nor merge.
    Triage,
    /// It may write everything that a collaborator may.
    Write,
}

/// Somebody's token.
#[derive(Debug, Clone)]
pub(super) struct Personal {
    pub(super) login: String,
    pub(super) access: Access,
}

/// An account.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) id: i64,
    pub(super) login: String,
    /// `User`, `Bot` or `Organization`.
    pub(super) kind: &'static str,
}

/// A repository.
#[derive(Debug, Clone)]
pub(super) struct Repo {
    pub(super) id: i64,
    pub(super) owner: String,
    pub(super) name: String,
    pub(super) private: bool,
    pub(super) archived: bool,
    pub(super) has_issues: bool,
    pub(super) default_branch: String,
    pub(super) created_at: i64,
    pub(super) pushed_at: i64,
    pub(super) last_number: i64,
    pub(super) labels: Vec<Label>,
    pub(super) issues: BTreeMap<i64, Issue>,
    pub(super) checks: Vec<Check>,
    pub(super) statuses: Vec<Status>,
    /// The commit at the tip of each branch.
    pub(super) heads: BTreeMap<String, String>,
    pub(super) git: Arc<Bare>,
}

/// A label.
#[derive(Debug, Clone)]
pub(super) struct Label {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) color: String,
    pub(super) description: Option<String>,
}

/// An issue, or the issue's half of a pull request.
#[derive(Debug, Clone)]
pub(super) struct Issue {
    pub(super) id: i64,
    pub(super) number: i64,
    pub(super) title: String,
    pub(super) body: Option<String>,
    pub(super) open: bool,
    pub(super) reason: Option<String>,
    /// Ids of labels.
    pub(super) labels: Vec<i64>,
    pub(super) author: Author,
    pub(super) comments: Vec<Comment>,
    pub(super) events: Vec<Event>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) closed_at: Option<i64>,
    pub(super) closed_by: Option<String>,
    pub(super) fate: Fate,
    pub(super) pull: Option<Pull>,
}

/// Whether an issue is still where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Here,
    Deleted,
    /// It is this issue of that repository now.
    Transferred {
        repo: i64,
        number: i64,
    },
}

/// Who did something, and whether it was done by way of the App.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Author {
    pub(super) login: String,
    pub(super) by_app: bool,
}

/// A comment.
#[derive(Debug, Clone)]
pub(super) struct Comment {
    pub(super) id: i64,
    pub(super) body: String,
    pub(super) author: Author,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// An event of an issue's timeline.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) id: i64,
    pub(super) event: &'static str,
    pub(super) actor: Author,
    pub(super) at: i64,
    /// What belongs to this kind of event: `label`, `rename`, `state_reason`.
    pub(super) extra: Value,
}

/// What a pull request has beyond an issue.
#[derive(Debug, Clone)]
pub(super) struct Pull {
    pub(super) id: i64,
    pub(super) head: String,
    pub(super) head_sha: String,
    pub(super) base: String,
    /// Where the base was when the head last moved: what is told of the base.
    pub(super) base_sha: String,
    /// Where the base is, or was when the pull request was merged: what it is merged into.
    pub(super) base_tip: String,
    pub(super) draft: bool,
    pub(super) merged: Option<Merged>,
    pub(super) reviews: Vec<Review>,
    /// How many more reads say that `mergeable` is not known.
    pub(super) unknown_reads: u32,
    /// Says in the place of the word that would be right.
    pub(super) says: Option<String>,
    /// Why it may not be merged, by a rule of the base.
    pub(super) barred: Option<String>,
}

/// A merge that was made.
#[derive(Debug, Clone)]
pub(super) struct Merged {
    pub(super) sha: String,
    pub(super) at: i64,
    pub(super) by: String,
}

/// A review.
#[derive(Debug, Clone)]
pub(super) struct Review {
    pub(super) id: i64,
    pub(super) author: Author,
    pub(super) body: String,
    pub(super) state: &'static str,
    pub(super) commit: String,
    pub(super) at: i64,
    /// Remarks on lines, as they were asked for.
    pub(super) remarks: Vec<Value>,
}

/// A check run.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) commit: String,
    pub(super) status: String,
    pub(super) conclusion: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) details_url: Option<String>,
    pub(super) title: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) text: Option<String>,
    pub(super) started_at: i64,
    pub(super) completed_at: Option<i64>,
}

/// A commit status.
#[derive(Debug, Clone)]
pub(super) struct Status {
    pub(super) id: i64,
    pub(super) commit: String,
    pub(super) state: String,
    pub(super) context: String,
    pub(super) description: Option<String>,
    pub(super) target_url: Option<String>,
    pub(super) author: String,
    pub(super) at: i64,
}

impl State {
    /// A new id.
    pub(super) fn id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    /// The account of this login, made when nobody has it.
    pub(super) fn user(&mut self, login: &str) -> &User {
        let key = login.to_lowercase();
        if !self.users.contains_key(&key) {
            let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
            let id = self.id();
            self.users.insert(key.clone(), User { id, login: login.to_owned(), kind });
        }
        &self.users[&key]
    }

    /// The repository of this full name now.
    pub(super) fn named(&self, full_name: &str) -> Option<&Repo> {
        self.repos.values().find(|repo| repo.full_name().eq_ignore_ascii_case(full_name))
    }

    /// A repository that is known to exist.
    pub(super) fn repo(&mut self, id: i64) -> &mut Repo {
        self.repos.get_mut(&id).expect("a repository is never taken away")
    }
}

impl Repo {
    /// `OWNER/NAME`.
    pub(super) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The label of this name, whatever its case.
    pub(super) fn label(&self, name: &str) -> Option<&Label> {
        self.labels.iter().find(|label| same(&label.name, name))
    }

    /// The labels of an issue, in the order in which the real one gives them: by name.
    pub(super) fn labels_of(&self, issue: &Issue) -> Vec<&Label> {
        let mut labels: Vec<_> = self.labels.iter().filter(|label| issue.labels.contains(&label.id)).collect();
        labels.sort_by_key(|label| label.name.to_lowercase());
        labels
    }

    /// The commit that a word names: a branch, or a commit by its whole id or its beginning.
    pub(super) fn commit(&self, word: &str) -> Option<String> {
        let branch = word.strip_prefix("refs/heads/").or_else(|| word.strip_prefix("heads/")).unwrap_or(word);
        self.heads.get(branch).cloned().or_else(|| self.git.commit(word))
    }
}

/// Whether two names are one to the real one.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// A moment as the real one writes it: in whole seconds.
pub(super) fn stamp(millis: i64) -> String {
    Time(millis - millis.rem_euclid(1_000)).iso().replace(".000Z", "Z")
}
