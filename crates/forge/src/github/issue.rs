//! Issues: found, opened and changed.

use serde::{Deserialize, Serialize};

use super::Inner;
use super::answer::{Moment, Named, User, account, names, shape};
use super::ask::Reach;
use super::call::About;
use super::route;
use crate::{Account, AccountKind, Closed, Edit, Fault, Issue, IssueState, NewIssue};

/// Some ten thousand: more reported gaps are beyond what anybody reads. A page has so few that one of the longest is still
/// read whole.
const REACH: Reach = Reach { page: 30, pages_max: 300 };

#[derive(Deserialize)]
struct Found {
    number: i64,
    #[serde(default)]
    html_url: String,
    title: String,
    body: Option<String>,
    state: String,
    #[serde(default)]
    state_reason: Option<String>,
    #[serde(default)]
    labels: Vec<Named>,
    user: Option<User>,
    created_at: Moment,
    updated_at: Moment,
    #[serde(default)]
    comments: i64,
    /// There, whatever is in it, when it is a pull request.
    #[serde(default)]
    pull_request: Option<serde::de::IgnoredAny>,
}

#[derive(Serialize)]
struct New<'a> {
    title: &'a str,
    body: &'a str,
    labels: &'a [String],
}

#[derive(Serialize)]
struct Change<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_reason: Option<&'static str>,
}

impl Found {
    fn issue(self, me: &Account) -> Issue {
        Issue {
            number: self.number,
            url: self.html_url,
            title: self.title,
            body: self.body.unwrap_or_default(),
            state: state(&self.state, self.state_reason.as_deref()),
            labels: names(self.labels),
            author: account(self.user, me),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
            comments: self.comments,
        }
    }
}

impl Inner {
    /// A list that is read page by page while it changes: in the order of opening, nothing that is opened meanwhile moves
    /// what was there. Only a deletion does, and can hide an issue from one reading: whoever misses one asks for it.
    pub(super) async fn our_issues(&self) -> Result<Vec<Issue>, Fault> {
        let me = self.me().await?;
        let query = [("creator", me.login.as_str()), ("state", "all"), ("sort", "created"), ("direction", "asc")];
        let call = self.call(&route::ISSUES_OF, &[], About::Repository)?.query(&query);
        let found = self.pages(call, REACH, |page: Vec<Found>| page).await?.whole("issues of ours")?;
        let issues = found.into_iter().filter(|found| found.pull_request.is_none()).map(|found| found.issue(&me));
        let mut issues: Vec<_> = issues.filter(|issue| issue.author.kind == AccountKind::Us).collect();
        issues.sort_by_key(|issue| issue.number);
        issues.dedup_by_key(|issue| issue.number);
        Ok(issues)
    }

    pub(super) async fn issue(&self, number: i64) -> Result<Issue, Fault> {
        let me = self.me().await?;
        let call = self.call(&route::ISSUE, &[&number.to_string()], About::Issue(number))?;
        Ok(self.get::<Found>(&call).await?.issue(&me))
    }

    pub(super) async fn exists(&self, number: i64) -> Result<(), Fault> {
        let call = self.call(&route::ISSUE, &[&number.to_string()], About::Issue(number))?;
        self.ask(&call).await.map(drop)
    }

    pub(super) async fn open_issue(&self, new: &NewIssue) -> Result<Issue, Fault> {
        let me = self.me().await?;
        let body = New { title: &new.title, body: &new.body, labels: &new.labels };
        let call = self.call(&route::OPEN_ISSUE, &[], About::Repository)?.body(&body)?;
        let answer = self.ask(&call).await?;
        Ok(shape::<Found>(&call, &answer)?.issue(&me))
    }

    pub(super) async fn edit_issue(&self, number: i64, edit: &Edit) -> Result<(), Fault> {
        let (state, state_reason) = edit.state.map_or((None, None), |state| {
            let (state, reason) = words(state);
            (Some(state), reason)
        });
        let change = Change { title: edit.title.as_deref(), body: edit.body.as_deref(), state, state_reason };
        let call = self.call(&route::EDIT_ISSUE, &[&number.to_string()], About::Issue(number))?.body(&change)?;
        self.ask(&call).await.map(drop)
    }
}

/// How an issue stands, in GitHub's words.
fn words(state: IssueState) -> (&'static str, Option<&'static str>) {
    match state {
        IssueState::Open => ("open", None),
        IssueState::Closed(Closed::Completed) => ("closed", Some("completed")),
        IssueState::Closed(Closed::NotPlanned) => ("closed", Some("not_planned")),
        IssueState::Closed(Closed::Duplicate) => ("closed", Some("duplicate")),
        IssueState::Closed(Closed::Unsaid) => ("closed", None),
    }
}

fn state(state: &str, reason: Option<&str>) -> IssueState {
    match (state, reason) {
        ("closed", Some("completed")) => IssueState::Closed(Closed::Completed),
        ("closed", Some("not_planned")) => IssueState::Closed(Closed::NotPlanned),
        ("closed", Some("duplicate")) => IssueState::Closed(Closed::Duplicate),
        ("closed", _) => IssueState::Closed(Closed::Unsaid),
        _ => IssueState::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_stands_as_it_was_put_and_words_that_are_not_known_say_nothing() {
        for stands in [
            IssueState::Open,
            IssueState::Closed(Closed::Completed),
            IssueState::Closed(Closed::NotPlanned),
            IssueState::Closed(Closed::Duplicate),
            IssueState::Closed(Closed::Unsaid),
        ] {
            let (word, reason) = words(stands);
            assert_eq!(state(word, reason), stands);
        }
        assert_eq!(state("closed", Some("superseded")), IssueState::Closed(Closed::Unsaid));
        assert_eq!(state("open", Some("reopened")), IssueState::Open);
    }

    #[test]
    fn an_issue_is_read_with_nothing_in_it_but_what_is_needed() {
        let json = r#"{"number": 7, "title": "t", "body": null, "state": "closed", "user": null,
            "created_at": "2026-11-22T08:00:00Z", "updated_at": "2026-11-22T09:00:00Z"}"#;
        let me = Account { id: "1".to_owned(), login: "us".to_owned(), kind: AccountKind::Us };
        let issue = serde_json::from_str::<Found>(json).expect("an issue").issue(&me);
        assert_eq!((issue.number, issue.body.as_str(), issue.author.login.as_str()), (7, "", "ghost"));
        assert_eq!(issue.state, IssueState::Closed(Closed::Unsaid));
    }
}
