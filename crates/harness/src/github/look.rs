//! What a test reads back: the world as it is, and every request that came.

use serde_json::Value;

use super::GitHub;
use super::description::Description;
use super::desk::Arrived;
use super::smart::Visit;
use super::state::{self, Fate, Repo};

/// How long a test waits for a request before it is a failure.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// An issue or pull request as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// Its body, or an empty one.
    pub body: String,
    /// Whether it is open.
    pub open: bool,
    /// Why it is in that state, when it says.
    pub reason: Option<String>,
    /// The names of its labels, sorted.
    pub labels: Vec<String>,
    /// The login of who opened it.
    pub author: String,
    /// Its comments, the oldest first.
    pub comments: Vec<Comment>,
    /// Whether it is a pull request.
    pub pull: bool,
}

/// A comment as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: i64,
    /// What it says.
    pub body: String,
    /// The login of who wrote it.
    pub author: String,
}

/// A pull request as it is, beside what it is as an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// The branch that is to be merged.
    pub head: String,
    /// The commit at its tip, or where it was when the pull request ended.
    pub commit: String,
    /// The branch to merge into.
    pub base: String,
    /// Whether it is a draft.
    pub draft: bool,
    /// The commit on the base, when it was merged.
    pub merged: Option<String>,
    /// Its reviews, the oldest first.
    pub reviews: Vec<Review>,
}

/// A review as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The login of who wrote it.
    pub author: String,
    /// What it decides, such as `COMMENTED`.
    pub state: String,
    /// What it says.
    pub body: String,
    /// The commit that was read.
    pub commit: String,
    /// Its remarks: file, line, words.
    pub remarks: Vec<(String, i64, String)>,
}

/// A check as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// The commit.
    pub commit: String,
    /// What its maker calls it, or an empty text.
    pub external_id: String,
    /// How it ended; none while it goes on.
    pub conclusion: Option<String>,
    /// What it says, in a line, or an empty text.
    pub title: String,
}

/// A status of a commit as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The commit.
    pub commit: String,
    /// What it is about.
    pub context: String,
    /// How that stands.
    pub state: String,
    /// What it says, or an empty text.
    pub description: String,
    /// The login of who put it.
    pub author: String,
}

/// A label as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its colour.
    pub color: String,
    /// What it is for, or an empty text.
    pub description: String,
}

impl Issue {
    /// Every issue and pull request of a repository, by number.
    pub(super) fn all(repo: &Repo) -> Vec<Self> {
        let here = repo.issues.values().filter(|issue| issue.fate == Fate::Here);
        here.map(|issue| Self {
            number: issue.number,
            title: issue.title.clone(),
            body: issue.body.clone().unwrap_or_default(),
            open: issue.open,
            reason: issue.reason.clone(),
            labels: repo.labels_of(issue).into_iter().map(|label| label.name.clone()).collect(),
            author: issue.author.login.clone(),
            comments: issue.comments.iter().map(Comment::of).collect(),
            pull: issue.pull.is_some(),
        })
        .collect()
    }
}

impl Review {
    fn of(review: &state::Review) -> Self {
        let text = |remark: &Value, field: &str| remark[field].as_str().unwrap_or_default().to_owned();
        let remark = |one: &Value| (text(one, "path"), one["line"].as_i64().unwrap_or_default(), text(one, "body"));
        Self {
            author: review.author.login.clone(),
            state: review.state.to_owned(),
            body: review.body.clone(),
            commit: review.commit.clone(),
            remarks: review.remarks.iter().map(remark).collect(),
        }
    }
}

impl GitHub {
    /// One issue or pull request; panics when there is none, and for one that was deleted or went elsewhere.
    pub fn issue(&self, repo: &str, number: i64) -> Issue {
        let issues = self.issues(repo);
        issues.into_iter().find(|issue| issue.number == number).unwrap_or_else(|| panic!("no issue {number} in {repo}"))
    }

    /// Every issue and pull request, by number.
    pub fn issues(&self, repo: &str) -> Vec<Issue> {
        self.read(repo, Issue::all)
    }

    /// One pull request; panics when there is none.
    pub fn pull(&self, repo: &str, number: i64) -> Pull {
        self.read(repo, |repo| {
            let pull = repo.issues.get(&number).and_then(|issue| issue.pull.as_ref()).expect("a pull request");
            let reviews = pull.reviews.iter().map(Review::of);
            Pull {
                head: pull.head.clone(),
                commit: pull.head_sha.clone(),
                base: pull.base.clone(),
                draft: pull.draft,
                merged: pull.merged.as_ref().map(|merged| merged.sha.clone()),
                reviews: reviews.collect(),
            }
        })
    }

    /// Every check of a repository, the oldest first.
    pub fn checks(&self, repo: &str) -> Vec<Check> {
        self.read(repo, |repo| {
            let checks = repo.checks.iter().map(|check| Check {
                name: check.name.clone(),
                commit: check.commit.clone(),
                external_id: check.external_id.clone().unwrap_or_default(),
                conclusion: check.conclusion.clone(),
                title: check.title.clone().unwrap_or_default(),
            });
            checks.collect()
        })
    }

    /// Every status of a repository, the oldest first.
    pub fn statuses(&self, repo: &str) -> Vec<Status> {
        self.read(repo, |repo| {
            let statuses = repo.statuses.iter().map(|status| Status {
                commit: status.commit.clone(),
                context: status.context.clone(),
                state: status.state.clone(),
                description: status.description.clone().unwrap_or_default(),
                author: status.author.clone(),
            });
            statuses.collect()
        })
    }

    /// The labels of a repository, in the order in which they were made.
    pub fn labels(&self, repo: &str) -> Vec<Label> {
        self.read(repo, |repo| {
            let labels = repo.labels.iter();
            labels
                .map(|label| Label {
                    id: label.id,
                    name: label.name.clone(),
                    color: label.color.clone(),
                    description: label.description.clone().unwrap_or_default(),
                })
                .collect()
        })
    }

    /// The commit at the tip of a branch, if it is there.
    pub fn head(&self, repo: &str, branch: &str) -> Option<String> {
        self.read(repo, |repo| repo.heads.get(branch).cloned())
    }

    /// The names of all branches, sorted.
    pub fn branches(&self, repo: &str) -> Vec<String> {
        self.read(repo, |repo| {
            repo.heads.keys().cloned().collect::<std::collections::BTreeSet<_>>().into_iter().collect()
        })
    }

    /// The reviews of a pull request, the oldest first; panics when there is no such one.
    pub fn reviews(&self, repo: &str, number: i64) -> Vec<Review> {
        self.pull(repo, number).reviews
    }

    /// Every request that came, in order.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.desk.arrived.borrow().clone()
    }

    /// Every request of git's, which is not among those that arrived, in order.
    pub fn visits(&self) -> Vec<Visit> {
        self.desk.visits.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// What was wrong with the requests that came, by GitHub's own description; see [`Description::load`].
    pub fn violations(&self) -> Vec<String> {
        let description = Description::load();
        let wrong = self.arrived().into_iter().filter_map(|one| {
            let path = if one.query.is_empty() { one.path.clone() } else { format!("{}?{}", one.path, one.query) };
            description.check_request(&one.method, &path, &one.body).err()
        });
        wrong.collect()
    }

    /// What was wrong with the answers that were given, by GitHub's own description. Bent ones are wrong, of course.
    pub fn misanswers(&self) -> Vec<String> {
        let description = Description::load();
        let answered = self.arrived().into_iter().filter_map(|one| one.status.map(|status| (one, status)));
        let wrong = answered
            .filter_map(|(one, status)| description.check_response(&one.method, &one.path, status, &one.said).err());
        wrong.collect()
    }

    /// Forgets the requests that came so far.
    pub fn forget_arrived(&self) {
        self.desk.arrived.send_modify(Vec::clear);
    }

    /// How many requests of this method came whose path ends so.
    pub fn count(&self, method: &str, ending: &str) -> usize {
        let arrived = self.desk.arrived.borrow();
        arrived.iter().filter(|one| one.method == method && one.path.ends_with(ending)).count()
    }

    /// Waits until so many requests came that `fits`, answered or not.
    pub async fn await_arrived(&self, count: usize, fits: impl Fn(&Arrived) -> bool + Send) {
        let mut arrived = self.desk.arrived.subscribe();
        let enough = arrived.wait_for(|all| all.iter().filter(|one| fits(one)).count() >= count);
        let came = tokio::time::timeout(PATIENCE, enough).await.is_ok();
        assert!(came, "fewer than {count} such requests arrived within {} s", PATIENCE.as_secs());
    }

    /// The id of a repository, which stays when it is renamed.
    pub fn id_of(&self, repo: &str) -> i64 {
        self.read(repo, |repo| repo.id)
    }

    pub(super) fn read<T>(&self, repo: &str, read: impl FnOnce(&Repo) -> T) -> T {
        self.desk.look(|view| read(view.state.named(repo).unwrap_or_else(|| panic!("no repository {repo}"))))
    }
}

impl Comment {
    fn of(comment: &super::state::Comment) -> Self {
        Self { id: comment.id, body: comment.body.clone(), author: comment.author.login.clone() }
    }
}
