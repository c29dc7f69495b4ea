//! Checks of a commit: runs, which only an App may put, and whatever a status says.

use serde::{Deserialize, Serialize};

use super::Inner;
use super::answer::shape;
use super::ask::Reach;
use super::call::About;
use super::gate::Gate;
use super::route;
use crate::{Check, CheckState, Fault, NewCheck};

/// GitHub tells of a thousand checks.
const REACH: Reach = Reach { page: 100, pages_max: 10 };

#[derive(Deserialize)]
struct Page {
    check_runs: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    id: i64,
    name: String,
    head_sha: String,
    status: String,
    conclusion: Option<String>,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    output: Option<Output>,
}

#[derive(Deserialize)]
struct Output {
    title: Option<String>,
}

#[derive(Serialize)]
struct New<'a> {
    name: &'a str,
    head_sha: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    conclusion: Option<&'static str>,
    external_id: &'a str,
    output: Says<'a>,
}

#[derive(Serialize)]
struct Says<'a> {
    title: &'a str,
    summary: &'a str,
}

impl From<Found> for Check {
    fn from(found: Found) -> Self {
        Self {
            id: found.id,
            name: found.name,
            commit: found.head_sha,
            state: state(&found.status, found.conclusion.as_deref()),
            external_id: found.external_id.unwrap_or_default(),
            title: found.output.and_then(|output| output.title).unwrap_or_default(),
        }
    }
}

impl Inner {
    pub(super) async fn put_check(&self, new: &NewCheck) -> Result<Check, Fault> {
        match self.gate {
            Gate::App(_) => self.put_run(new).await,
            Gate::Token(_) => self.put_status(new).await,
        }
    }

    pub(super) async fn checks(&self, commit: &str) -> Result<Vec<Check>, Fault> {
        let mut checks = self.runs(commit).await?;
        checks.extend(self.statuses(commit).await?);
        Ok(checks)
    }

    async fn put_run(&self, new: &NewCheck) -> Result<Check, Fault> {
        let (status, conclusion) = words(new.state);
        let body = New {
            name: &new.name,
            head_sha: &new.commit,
            status,
            conclusion,
            external_id: &new.external_id,
            output: Says { title: &new.title, summary: &new.summary },
        };
        let call = self.call(&route::PUT_CHECK, &[], About::Commit(new.commit.clone()))?.body(&body)?;
        let answer = self.ask(&call).await?;
        shape::<Found>(&call, &answer).map(Check::from)
    }

    async fn runs(&self, commit: &str) -> Result<Vec<Check>, Fault> {
        let call = self.call(&route::CHECKS_OF, &[commit], About::Commit(commit.to_owned()))?;
        let found = self.pages(call, REACH, |page: Page| page.check_runs).await?;
        Ok(found.whole("checks of one commit")?.into_iter().map(Check::from).collect())
    }
}

/// How a check stands, in GitHub's words.
fn words(state: CheckState) -> (&'static str, Option<&'static str>) {
    match state {
        CheckState::Running => ("in_progress", None),
        CheckState::Pass => ("completed", Some("success")),
        CheckState::Fail => ("completed", Some("failure")),
        CheckState::Neutral => ("completed", Some("neutral")),
    }
}

fn state(status: &str, conclusion: Option<&str>) -> CheckState {
    match (status, conclusion) {
        ("queued" | "in_progress" | "waiting" | "requested" | "pending", _) => CheckState::Running,
        ("completed", Some("success")) => CheckState::Pass,
        ("completed", Some("failure" | "timed_out" | "action_required" | "startup_failure")) => CheckState::Fail,
        _ => CheckState::Neutral,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_stands_as_it_was_put_and_words_that_are_not_known_pass_nothing() {
        for stands in [CheckState::Running, CheckState::Pass, CheckState::Fail, CheckState::Neutral] {
            let (status, conclusion) = words(stands);
            assert_eq!(state(status, conclusion), stands);
        }
        for (status, conclusion) in
            [("completed", Some("splendid")), ("completed", None), ("splendid", Some("success")), ("", None)]
        {
            assert_eq!(state(status, conclusion), CheckState::Neutral);
        }
    }
}
