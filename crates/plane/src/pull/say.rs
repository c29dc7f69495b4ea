//! What is to be made on the forge for a pull request: written down here with what implies it, made by `watch`.
//!
//! Agents' words are quoted as blocks, in which no mention, link or markup comes to life.

use domain::mirror::{block, code};
use domain::pull::{Event, Pull, Review, State};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::pull::say;

use crate::No;
use crate::desk::Desk;

/// The name of the check by which the reviewers' word is shown.
pub(super) const CHECK: &str = "gapwright/review";

/// What is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Made {
    /// The pull request itself.
    Open { title: String, body: String },
    /// A check on its head.
    Check { state: Shows, title: String, summary: String },
    /// A review that approves nothing.
    Review { body: String, remarks: Vec<Remark> },
    /// A comment.
    Comment { body: String },
    /// The plan in the body of the gap's issue.
    Plan { plan: String },
}

/// What a check shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shows {
    Pass,
    Fail,
    Neutral,
}

/// A remark on a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remark {
    pub(super) path: String,
    pub(super) line: i64,
    pub(super) body: String,
}

impl Made {
    const fn what(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Check { .. } => "check",
            Self::Review { .. } => "review",
            Self::Comment { .. } => "comment",
            Self::Plan { .. } => "plan",
        }
    }
}

/// Leaves something to be made.
async fn leave(desk: &mut Desk<'_>, pull: &Pull, made: &Made) -> Result<(), No> {
    let id = desk.mint();
    let head = pull.head().unwrap_or_default();
    say::add(desk.tx, &id, &pull.id, made.what(), (head, &json!(made).to_string())).await?;
    Ok(store::pull::nudge(desk.tx, &pull.id).await?)
}

/// Leaves the pull request to be opened.
pub(super) async fn open(desk: &mut Desk<'_>, pull: &Pull, issue: Option<i64>) -> Result<(), No> {
    let Some(change) = &pull.change else { return Ok(()) };
    let closes = issue.map(|number| format!("For #{number}. ")).unwrap_or_default();
    let body = format!(
        "{}\n{closes}It is to close the capability gap {}.\n\n{}\n\n---\nAgents planned and made this, and a person merges it, or not. \
         Take the label off by which you let agents act on it, or put the one on that keeps them away, and nothing more is done here.\n",
        marker(&pull.id),
        code(&pull.gap.to_string()),
        block(&change.body),
    );
    leave(desk, pull, &Made::Open { title: change.title.clone(), body }).await
}

/// Leaves a plan to be written into the issue of the gap.
pub(super) async fn plan(desk: &mut Desk<'_>, pull: &Pull, plan: &str) -> Result<(), No> {
    leave(desk, pull, &Made::Plan { plan: plan.to_owned() }).await
}

/// Leaves a review to be shown: as a check of the head, and as a review that approves nothing.
pub(super) async fn review(desk: &mut Desk<'_>, pull: &Pull, review: &Review, by: &str) -> Result<(), No> {
    let remarks = review.findings.iter().filter_map(|finding| {
        let body = format!("{} ({}):\n\n{}", finding.severity.name(), finding.category.name(), block(&finding.text));
        Some(Remark { path: finding.path.clone(), line: finding.line?, body })
    });
    let loose = review.findings.iter().filter(|finding| finding.line.is_none());
    let loose: Vec<_> = loose
        .map(|finding| format!("{} on {}:\n\n{}", finding.severity.name(), code(&finding.path), block(&finding.text)))
        .collect();
    let body = format!(
        "**{}** by {}, of {}\n\n{}\n\n{}",
        review.verdict,
        code(by),
        pull.head().unwrap_or_default(),
        block(&review.summary),
        loose.join("\n\n")
    );
    // What a reviewer approves is not yet a merger's to pass.
    let state = match review.verdict {
        domain::pull::Verdict::Approve => Shows::Neutral,
        domain::pull::Verdict::RequestChanges | domain::pull::Verdict::Close => Shows::Fail,
    };
    let title = format!("{}: {} findings", review.verdict, review.findings.len());
    leave(desk, pull, &Made::Check { state, title, summary: block(&review.summary) }).await?;
    leave(desk, pull, &Made::Review { body, remarks: remarks.collect() }).await
}

/// Leaves a merger's verdict to be shown as a check of the head.
pub(super) async fn verdict(desk: &mut Desk<'_>, pull: &Pull, event: Event, summary: &str, by: &str) -> Result<(), No> {
    let (state, title) = match event {
        Event::Passed => (Shows::Pass, "approved: a person merges it, or not"),
        Event::NeedsLooking => (Shows::Neutral, "a person is to look at what it shows"),
        Event::Rejected => (Shows::Fail, "it is not worth another round"),
        Event::Planned
        | Event::Drafted
        | Event::Opened
        | Event::Pushed
        | Event::Approved
        | Event::ChangesRequested
        | Event::Capped
        | Event::Stopped
        | Event::Resumed
        | Event::Restarted
        | Event::Merged
        | Event::Closed
        | Event::Reopened => (Shows::Neutral, "judged"),
    };
    let summary = format!("{} judged the whole:\n\n{}", code(by), block(summary));
    leave(desk, pull, &Made::Check { state, title: title.to_owned(), summary }).await
}

/// Leaves it to be shown that another open pull request has the same head: the check would speak for both.
pub(super) async fn shared(desk: &mut Desk<'_>, pull: &Pull) -> Result<(), No> {
    let title = "another open pull request has the same head".to_owned();
    let summary = "No verdict is shown here while two pull requests share one commit.".to_owned();
    leave(desk, pull, &Made::Check { state: Shows::Neutral, title, summary }).await
}

/// Leaves it to be shown anew how it stands.
pub(super) async fn stands(desk: &mut Desk<'_>, pull: &Pull) -> Result<(), No> {
    let (state, title) = match pull.state {
        State::NeedsHuman => (Shows::Pass, "approved: a person merges it, or not"),
        State::NeedsVisual => (Shows::Neutral, "a person is to look at what it shows"),
        State::ChangesRequested | State::Capped | State::WontFix => (Shows::Fail, "it is to be changed"),
        State::Planning
        | State::Implementing
        | State::Opening
        | State::Proposed
        | State::NeedsReview
        | State::Approved
        | State::RequiresHuman
        | State::Closed
        | State::Merged => return Ok(()),
    };
    let summary = format!("It stands so since {}: {}", pull.changed_at, code(&pull.why));
    leave(desk, pull, &Made::Check { state, title: title.to_owned(), summary }).await
}

/// Leaves it to be shown that what was approved is not any more, though its head is the same.
pub(super) async fn withdrawn(desk: &mut Desk<'_>, pull: &Pull, why: &str) -> Result<(), No> {
    let title = format!("it is {} now", pull.state);
    leave(desk, pull, &Made::Check { state: Shows::Neutral, title, summary: code(why) }).await
}

/// Leaves what an implementer answers to the findings to be said.
pub(super) async fn answer(desk: &mut Desk<'_>, pull: &Pull, text: &str, by: &str) -> Result<(), No> {
    let body = format!("Round {} by {}:\n\n{}", pull.iteration, code(by), block(text));
    leave(desk, pull, &Made::Comment { body }).await
}

/// Leaves it to be said how it ended, where a bot ended it.
pub(super) async fn ended(desk: &mut Desk<'_>, pull: &Pull) -> Result<(), No> {
    if pull.state != State::WontFix || pull.there.number.is_none() {
        return Ok(());
    }
    let body = format!("Closed: {}. A person may open it again.", code(&pull.why));
    leave(desk, pull, &Made::Comment { body }).await
}

/// The hidden marker by which a pull request of ours is found again.
pub(super) fn marker(id: &str) -> String {
    format!("<!-- gapwright-pull: {id} -->")
}

/// The hidden marker by which something that was said is found again.
pub(super) fn said(id: &str) -> String {
    format!("<!-- gapwright-said: {id} -->")
}
