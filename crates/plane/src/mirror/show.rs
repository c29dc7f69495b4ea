//! An issue or a pull request of the local forge as people read it: that forge has no site of its own. What is on GitHub is read there.

use domain::refusal::{Code, Refusal};
use forge::{Closed, Comment, Fault, Forge as _, Issue, IssueState};

use crate::pull::unread;
use crate::{Call, No, Plane};

/// How many comments are shown, the latest.
pub const COMMENTS_MAX: i64 = 20;

/// An issue or a pull request, with what was said on it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The issue.
    pub issue: Issue,
    /// Its comments, the latest first, [`COMMENTS_MAX`] at most.
    pub comments: Vec<Comment>,
    /// The key of the gap that it is the issue of.
    pub gap: Option<String>,
    /// The id of the pull request, where it is one of the pipeline.
    pub pull: Option<String>,
}

impl Shown {
    /// How it stands, in words.
    pub const fn stands(&self) -> &'static str {
        match self.issue.state {
            IssueState::Open => "open",
            IssueState::Closed(Closed::Completed) => "closed as completed",
            IssueState::Closed(Closed::NotPlanned) => "closed as not planned",
            IssueState::Closed(Closed::Duplicate) => "closed as a duplicate",
            IssueState::Closed(Closed::Unsaid) => "closed",
        }
    }
}

impl Plane {
    /// An issue or a pull request of the local forge, by its number.
    pub async fn show_issue(&self, call: &Call, number: i64) -> Result<Shown, No> {
        let mut tx = self.read(call).await?;
        let Some(local) = self.settings.local.as_ref() else {
            return Err(Refusal::new(Code::NotFound, "issues of this server are not here")
                .hint("open them where they are: the page of a gap links there")
                .into());
        };
        let repo = self.rules().repo.clone().unwrap_or_default();
        let gap = store::issue::by_number(&mut tx, &repo, number).await?.map(|issue| issue.gap.to_string());
        let pull = store::pull::numbered(&mut tx, &repo, number).await?.map(|stored| stored.pull.id);
        drop(tx);
        let issue = local.issue(number).await.map_err(|fault| match fault {
            Fault::Gone { what } => Refusal::new(Code::NotFound, format!("there is no {what} here"))
                .hint("it may have been deleted; see the page of its gap")
                .into(),
            Fault::Later { .. }
            | Fault::Paced { .. }
            | Fault::Refused { .. }
            | Fault::Unknown { .. }
            | Fault::Stale { .. }
            | Fault::Moved { .. } => unread(&fault),
        })?;
        let comments = local.last_comments(number, COMMENTS_MAX).await.map_err(|fault| unread(&fault))?;
        Ok(Shown { issue, comments, gap, pull })
    }
}
