//! What a person does with a pull request of the local forge: those of GitHub are reviewed and merged there. It is done in
//! that person's name, of the commit that they looked at. That it was asked for is in the audit before it is done, and what came of it after.

use domain::agent::Right;
use domain::refusal::{Code, Refusal};
use forge::local::{Decision, Local};
use forge::{Closed, Edit, Fault, Forge as _, IssueState, Method, NewReview, Pull, PullState};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::desk::Desk;
use crate::{Call, No, Plane};

/// How many characters of a title stand in the message of a merge.
const TITLE_CHARS_MAX: usize = 200;

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByHand {
    /// It is merged.
    Merge(Method),
    /// It is closed, and nothing becomes of it.
    Close,
    /// It is opened again.
    Reopen,
    /// Changes are wanted, and why.
    RequestChanges(String),
    /// It is approved, and nothing more.
    Approve(String),
    /// Something is said of it.
    Comment(String),
}

impl ByHand {
    /// What was done, in a word or two.
    pub const fn done(&self) -> &'static str {
        match self {
            Self::Merge(_) => "merged",
            Self::Close => "closed",
            Self::Reopen => "open",
            Self::RequestChanges(_) => "changes requested",
            Self::Approve(_) => "approved",
            Self::Comment(_) => "commented",
        }
    }

    /// Whether it says something of one commit and of no other.
    const fn is_of_a_commit(&self) -> bool {
        match self {
            Self::Merge(_) | Self::RequestChanges(_) | Self::Approve(_) => true,
            Self::Close | Self::Reopen | Self::Comment(_) => false,
        }
    }
}

/// In whose name, and of which commit.
#[derive(Debug, Clone, Copy)]
pub struct Hand<'a> {
    /// The local forge.
    pub local: &'a Local,
    /// The login of the person.
    pub login: &'a str,
    /// The commit that they looked at; none for the one that was handed in and judged.
    pub head: Option<&'a str>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handled {
    /// The number of the pull request.
    pub number: i64,
    /// The branch that it goes into.
    pub onto: String,
    /// The commit on that branch, where it was merged.
    pub commit: Option<String>,
}

impl Plane {
    /// Does it, once under one idempotency key, and lets the server see it soon.
    pub async fn handle_pull(&self, call: &Call, hand: Hand<'_>, number: i64, act: &ByHand) -> Result<Handled, No> {
        call.by.require(Right::Operate, call.tool)?;
        if let Some(done) = self.answered::<Handled>(call).await? {
            return Ok(done);
        }
        let local = hand.local.acting(hand.login).map_err(refused)?;
        let pull = local.pull(number).await.map_err(refused)?;
        if act.is_of_a_commit() {
            self.is_at(&pull, hand.head).await?;
        }
        let noted = |said: &'static str, why: String| Noted {
            number,
            said,
            why,
            what: act.done(),
            login: hand.login.to_owned(),
            head: pull.head.commit.clone(),
        };
        // What is asked of the forge is in the audit before it is, and what came of it after.
        let asked = noted("asked", String::new());
        self.at_desk(call.clone(), move |desk| note(desk, asked.clone()).boxed()).await?;
        let commit = match done(&local, &pull, act).await {
            Ok(commit) => commit,
            Err(fault) => {
                let failed = noted("not done", fault.to_string());
                self.at_desk(call.clone(), move |desk| note(desk, failed.clone()).boxed()).await?;
                return Err(refused(fault));
            }
        };
        let handled = Handled { number, onto: pull.base.branch.clone(), commit };
        let (kept, said) = (handled.clone(), noted("done", String::new()));
        let keep = self.write(call, Right::Operate, move |desk| {
            let (kept, said) = (kept.clone(), said.clone());
            async move { note(desk, said).await.map(|()| kept) }.boxed()
        });
        if let Err(error) = keep.await {
            tracing::warn!(%error, number, "what was done by hand is done, and its end is not in the audit");
        }
        self.hurry(call, number).await;
        Ok(handled)
    }

    /// Refuses what would be said of another commit than the one that was looked at, or, where nobody says which, than the
    /// one that was handed in and judged. One that is not of the pipeline is at what it is.
    async fn is_at(&self, pull: &Pull, looked_at: Option<&str>) -> Result<(), No> {
        let (number, now) = (pull.number, &pull.head.commit);
        if let Some(head) = looked_at {
            if head == now {
                return Ok(());
            }
            return Err(Refusal::new(Code::StaleHead, format!("the head of {number} is {now}, not {head}"))
                .field("head")
                .hint(format!("look at it again: gapwright pulls show {number}"))
                .into());
        }
        let Some(repo) = self.rules().repo.clone() else { return Ok(()) };
        let stored = store::pull::numbered(&mut self.store.read().await?, &repo, number).await?;
        match stored.as_ref().and_then(|stored| stored.pull.head()) {
            Some(judged) if judged != now => {
                let why = format!("the head of {number} is {now} by now, and {judged} is the one that was judged");
                let hint = format!("look at it by git and say --head {now}, or wait until the server has looked at it");
                Err(Refusal::new(Code::StaleHead, why).field("head").hint(hint).into())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether a repository is the one of the local forge: what has a number there is handled here, and the same number of another is
    /// somebody else's.
    pub fn is_here(&self, repo: &str) -> bool {
        self.settings.local.is_some() && self.rules().repo.as_deref() == Some(repo)
    }

    /// Lets what was done on the local forge be taken in with the next tick, and not only with the next poll. Where the store
    /// is busy it is done all the same, and the next look finds it.
    pub async fn hurry(&self, call: &Call, number: i64) {
        let Some(repo) = self.rules().repo.clone() else { return };
        let hurried = self.at_desk(call.clone(), move |desk| {
            let repo = repo.clone();
            async move {
                store::repository::hurry(desk.tx, &repo).await?;
                store::pull::nudge_number(desk.tx, &repo, number).await?;
                Ok(())
            }
            .boxed()
        });
        if let Err(error) = hurried.await {
            tracing::warn!(%error, number, "what was done by hand is taken in with the next look only");
        }
        self.wake.pulls.notify_one();
        self.wake.mirror.notify_one();
    }
}

/// What the audit is told of it.
#[derive(Debug, Clone)]
struct Noted {
    number: i64,
    what: &'static str,
    said: &'static str,
    why: String,
    login: String,
    head: String,
}

async fn note(desk: &mut Desk<'_>, noted: Noted) -> Result<(), No> {
    let Noted { number, what, said, why, login, head } = noted;
    let repo = desk.rules.repo.clone().unwrap_or_default();
    let known = store::pull::numbered(desk.tx, &repo, number).await?;
    // One that is not of the pipeline has no id of ours.
    let object = known.map_or_else(|| format!("pull:{repo}#{number}"), |stored| format!("pull:{}", stored.pull.id));
    let after = json!({"by_hand": what, "is": said, "why": why, "as": login, "number": number, "head": head});
    desk.record(object, &(), &after).await
}

async fn done(local: &Local, pull: &Pull, act: &ByHand) -> Result<Option<String>, Fault> {
    let number = pull.number;
    match act {
        ByHand::Merge(method) => {
            let title: String = pull.title.chars().take(TITLE_CHARS_MAX).collect();
            let title = format!("{title} (#{number})");
            local.merge(number, &pull.head.commit, *method, &title).await.map(|merged| Some(merged.commit))
        }
        ByHand::Close => stand(local, pull, IssueState::Closed(Closed::NotPlanned)).await,
        ByHand::Reopen => stand(local, pull, IssueState::Open).await,
        ByHand::RequestChanges(body) => decide(local, pull, body, Decision::RequestChanges).await,
        ByHand::Approve(body) => decide(local, pull, body, Decision::Approve).await,
        ByHand::Comment(body) => local.comment(number, body).await.map(|_| None),
    }
}

/// Closes one, or opens it again. What is merged stays merged.
async fn stand(local: &Local, pull: &Pull, to: IssueState) -> Result<Option<String>, Fault> {
    if let PullState::Merged { .. } = pull.state {
        return Err(Fault::Stale { why: format!("{} is merged already", pull.number) });
    }
    local.edit_issue(pull.number, &Edit { state: Some(to), ..Edit::default() }).await.map(|()| None)
}

async fn decide(local: &Local, pull: &Pull, body: &str, decision: Decision) -> Result<Option<String>, Fault> {
    let new = NewReview { commit: pull.head.commit.clone(), body: body.to_owned(), remarks: Vec::new() };
    local.decide(pull.number, &new, decision).await.map(|_| None)
}

/// How the forge failed, to whoever asked for it.
fn refused(fault: Fault) -> No {
    let text = fault.to_string();
    let refusal = match fault {
        Fault::Gone { .. } => Refusal::new(Code::NotFound, text).hint("see gapwright pulls list"),
        Fault::Stale { .. } => Refusal::new(Code::WrongState, text).hint("see how it stands: gapwright pulls show"),
        Fault::Refused { next, .. } => Refusal::new(Code::InvalidArgument, text).hint(next),
        Fault::Later { .. } | Fault::Paced { .. } => Refusal::new(Code::Unavailable, text).hint("try again later"),
        Fault::Unknown { .. } => {
            Refusal::new(Code::Unavailable, text).hint("look whether it happened before you repeat it")
        }
        Fault::Moved { .. } => Refusal::new(Code::WrongState, text),
    };
    refusal.into()
}
