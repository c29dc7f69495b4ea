//! Pull requests: found, opened, read and merged.

use serde::{Deserialize, Serialize};

use super::Inner;
use super::answer::{Moment, Named, User, account, names, shape};
use super::ask::Reach;
use super::call::About;
use super::route;
use crate::{Account, Fault, FileChange, Files, Merged, Method, NewPull, Pull, PullState, Side, Status};

/// Some thousand open pull requests. A page has so few that one of the longest is still read whole.
const REACH: Reach = Reach { page: 30, pages_max: 34 };

/// How many changed files GitHub tells of.
const FILES_MAX: usize = 3_000;

/// All of those.
const FILE_REACH: Reach = Reach { page: 100, pages_max: 30 };

#[derive(Deserialize)]
struct Found {
    number: i64,
    #[serde(default)]
    html_url: String,
    title: String,
    body: Option<String>,
    state: String,
    #[serde(default)]
    draft: bool,
    head: Tip,
    base: Tip,
    #[serde(default)]
    labels: Vec<Named>,
    user: Option<User>,
    #[serde(default)]
    mergeable: Option<bool>,
    updated_at: Moment,
    #[serde(default)]
    merged_at: Option<Moment>,
    #[serde(default)]
    closed_at: Option<Moment>,
    /// Lists do not say.
    #[serde(default)]
    merged_by: Option<User>,
    /// While it is open this is no commit of the base.
    #[serde(default)]
    merge_commit_sha: Option<String>,
}

/// What only its issue says.
#[derive(Deserialize)]
struct Ended {
    #[serde(default)]
    closed_by: Option<User>,
}

#[derive(Deserialize)]
struct Tip {
    #[serde(rename = "ref")]
    branch: String,
    sha: String,
    /// `OWNER:BRANCH`.
    #[serde(default)]
    label: Option<String>,
    repo: Option<Home>,
}

#[derive(PartialEq, Deserialize)]
struct Home {
    id: i64,
}

#[derive(Deserialize)]
struct Changed {
    filename: String,
    #[serde(default)]
    previous_filename: Option<String>,
    status: String,
    #[serde(default)]
    additions: i64,
    #[serde(default)]
    deletions: i64,
}

#[derive(Deserialize)]
struct Landed {
    sha: String,
}

#[derive(Serialize)]
struct New<'a> {
    title: &'a str,
    body: &'a str,
    head: &'a str,
    base: &'a str,
    draft: bool,
}

#[derive(Serialize)]
struct Land<'a> {
    sha: &'a str,
    merge_method: &'static str,
    /// The commits of a rebase keep their own titles.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit_title: Option<&'a str>,
}

impl Found {
    fn pull(self, me: &Account) -> Pull {
        let state = match (self.merged_at, self.state.as_str()) {
            (Some(_), _) => PullState::Merged { commit: self.merge_commit_sha },
            (None, "closed") => PullState::Closed,
            (None, _) => PullState::Open,
        };
        let ended_by = match &state {
            PullState::Merged { .. } => self.merged_by.map(|user| account(Some(user), me)),
            PullState::Open | PullState::Closed => None,
        };
        let ended_at = match &state {
            PullState::Merged { .. } => self.merged_at,
            PullState::Closed => self.closed_at,
            PullState::Open => None,
        };
        let fork = self.head.repo != self.base.repo;
        Pull {
            number: self.number,
            url: self.html_url,
            title: self.title,
            body: self.body.unwrap_or_default(),
            state,
            draft: self.draft,
            head: self.head.side(fork),
            base: self.base.side(false),
            labels: names(self.labels),
            author: account(self.user, me),
            mergeable: self.mergeable,
            ended_by,
            ended_at: ended_at.map(|Moment(at)| at),
            updated_at: self.updated_at.0,
        }
    }
}

impl Tip {
    /// A branch of a fork is named with its owner: it is not ours, however it is called.
    fn side(self, fork: bool) -> Side {
        let Self { branch, sha, label, repo: _ } = self;
        let branch = if fork { label.unwrap_or_else(|| format!("unknown:{branch}")) } else { branch };
        Side { branch, commit: sha }
    }
}

impl From<Changed> for FileChange {
    fn from(changed: Changed) -> Self {
        let status = match changed.status.as_str() {
            "added" => Status::Added,
            "removed" => Status::Removed,
            "modified" => Status::Modified,
            "renamed" => Status::Renamed,
            "copied" => Status::Copied,
            _ => Status::Other,
        };
        let Changed { filename: path, previous_filename: previous, status: _, additions, deletions } = changed;
        Self { path, previous, status, additions, deletions }
    }
}

impl Inner {
    pub(super) async fn pulls(&self) -> Result<Vec<Pull>, Fault> {
        let me = self.me().await?;
        let query = [("state", "open"), ("sort", "created"), ("direction", "asc")];
        let call = self.call(&route::PULLS_OF, &[], About::Repository)?.query(&query);
        let found = self.pages(call, REACH, |page: Vec<Found>| page).await?.whole("open pull requests")?;
        Ok(by_number(found, &me))
    }

    pub(super) async fn pulls_by_head(&self, branch: &str) -> Result<Vec<Pull>, Fault> {
        let me = self.me().await?;
        // A branch without its owner would be passed over, and every pull request told.
        let head = format!("{}:{branch}", self.repository.owner);
        let query = [("head", head.as_str()), ("state", "all"), ("sort", "created"), ("direction", "asc")];
        let call = self.call(&route::PULLS_OF, &[], About::Repository)?.query(&query);
        let found = self.pages(call, REACH, |page: Vec<Found>| page).await?.whole("pull requests of one branch")?;
        let mut pulls = by_number(found, &me);
        // Another fork of the same owner may have such a branch, and GitHub has been seen to tell of others besides.
        pulls.retain(|pull| pull.head.branch == branch);
        Ok(pulls)
    }

    pub(super) async fn pull(&self, number: i64) -> Result<Pull, Fault> {
        let me = self.me().await?;
        let call = self.call(&route::PULL, &[&number.to_string()], About::Pull(number))?;
        let mut pull = self.get::<Found>(&call).await?.pull(&me);
        if pull.state == PullState::Closed {
            // Its issue tells in one answer what is else found by reading all of its events.
            let call = self.call(&route::ISSUE, &[&number.to_string()], About::Pull(number))?;
            pull.ended_by = self.get::<Ended>(&call).await?.closed_by.map(|user| account(Some(user), &me));
        }
        Ok(pull)
    }

    pub(super) async fn open_pull(&self, new: &NewPull) -> Result<Pull, Fault> {
        let me = self.me().await?;
        let body = New { title: &new.title, body: &new.body, head: &new.head, base: &new.base, draft: new.draft };
        let call = self.call(&route::OPEN_PULL, &[], About::Repository)?.body(&body)?;
        let answer = self.ask(&call).await?;
        Ok(shape::<Found>(&call, &answer)?.pull(&me))
    }

    pub(super) async fn files(&self, number: i64) -> Result<Files, Fault> {
        let call = self.call(&route::FILES, &[&number.to_string()], About::Pull(number))?;
        let found = self.pages(call, FILE_REACH, |page: Vec<Changed>| page).await?;
        let complete = found.complete && found.items.len() < FILES_MAX;
        let mut files: Vec<_> = found.items.into_iter().map(FileChange::from).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Files { files, complete })
    }

    pub(super) async fn merge(&self, number: i64, head: &str, how: Method, title: &str) -> Result<Merged, Fault> {
        let (merge_method, commit_title) = match how {
            Method::Merge => ("merge", Some(title)),
            Method::Squash => ("squash", Some(title)),
            Method::Rebase => ("rebase", None),
        };
        let land = Land { sha: head, merge_method, commit_title };
        let call = self.call(&route::MERGE, &[&number.to_string()], About::Pull(number))?.body(&land)?;
        let answer = self.ask(&call).await?;
        Ok(Merged { commit: shape::<Landed>(&call, &answer)?.sha })
    }
}

/// In order, each once: a list moves while it is read.
fn by_number(found: Vec<Found>, me: &Account) -> Vec<Pull> {
    let mut pulls: Vec<_> = found.into_iter().map(|found| found.pull(me)).collect();
    pulls.sort_by_key(|pull| pull.number);
    pulls.dedup_by_key(|pull| pull.number);
    pulls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AccountKind;

    fn pull(more: &str) -> Pull {
        let json = format!(
            r#"{{"number": 3, "title": "t", "body": null, "user": null, "updated_at": "2026-11-22T08:00:00Z",
            "base": {{"ref": "main", "sha": "b", "label": "us:main", "repo": {{"id": 1}}}}, {more}}}"#
        );
        let me = Account { id: "1".to_owned(), login: "us".to_owned(), kind: AccountKind::Us };
        serde_json::from_str::<Found>(&json).expect("a pull request").pull(&me)
    }

    #[test]
    fn a_branch_of_a_fork_is_never_taken_for_ours() {
        for (head, branch) in [
            (r#"{"ref": "fix", "sha": "a", "label": "us:fix", "repo": {"id": 1}}"#, "fix"),
            (r#"{"ref": "fix", "sha": "a", "label": "them:fix", "repo": {"id": 2}}"#, "them:fix"),
            (r#"{"ref": "fix", "sha": "a", "label": "them:fix", "repo": null}"#, "them:fix"),
            (r#"{"ref": "fix", "sha": "a", "label": null, "repo": null}"#, "unknown:fix"),
        ] {
            assert_eq!(pull(&format!(r#""state": "open", "head": {head}"#)).head.branch, branch);
        }
    }

    #[test]
    fn the_commit_that_github_only_tried_is_no_merge() {
        let head = r#""head": {"ref": "fix", "sha": "a", "repo": {"id": 1}}, "merge_commit_sha": "m""#;
        for (state, stands) in [
            (r#""state": "open""#, PullState::Open),
            (r#""state": "closed", "merged_at": null"#, PullState::Closed),
            (r#""state": "a new word""#, PullState::Open),
            (
                r#""state": "closed", "merged_at": "2026-11-22T08:00:00Z""#,
                PullState::Merged { commit: Some("m".to_owned()) },
            ),
        ] {
            assert_eq!(pull(&format!("{state}, {head}")).state, stands);
        }
    }
}
