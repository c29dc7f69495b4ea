//! The runner's own broker at work for one job: a fresh workspace out of it, what the agent made back into it, judged, and
//! onto the forge.
//!
//! The server judges again. What is judged here keeps what is unfit from being pushed at all.

use std::path::Path;

use domain::budget::Caps;
use domain::pull::Stage;
use domain::pull::fit::{DIFF_BYTES_MAX, Facts};
use domain::time::Time;
use domain::visual::{Listing, POLICY_BYTES_MAX, POLICY_PATH, Policy};
use forge::Fault;
use forge::broker::{Broker, Inspection, Pushed, Run, Source, Trouble, View, Whose, Workspace};
use forge::git::{self, Branch, Commit, Hand, Person};

use crate::ask::{Pull, Work};
use crate::origin::Origin;

/// The branch of a workspace whose job has none.
const NO_BRANCH: &str = "gapwright/work";

/// The broker of one repository.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    pub(crate) broker: Broker,
    pub(crate) origin: Origin,
}

/// What a job is about, found on the forge and brought here.
#[derive(Debug, Clone)]
pub(crate) struct Sight {
    /// The tip of the branch to merge into.
    pub(crate) onto: Commit,
    /// Where the change begins.
    pub(crate) base: Commit,
    /// The recorded head, if there is a change.
    pub(crate) head: Option<Commit>,
    /// The branch of the change.
    pub(crate) branch: Branch,
    /// Where that is on the forge. Before anything was handed in it is there only where an earlier run was broken off after
    /// its push, or somebody else put it there: see [`Bench::is_free`].
    pub(crate) tip: Option<Commit>,
}

/// Why a job does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Halt {
    /// What the agent did, or did not, is why.
    Failed(String),
    /// The world is why: it may work later, and the attempt does not count.
    Later(String),
    /// This runner is why: it works for no job.
    Broken(String),
    /// The server is why: it does not let this job go on.
    Barred(String),
    /// The claim is over.
    Over,
}

impl Bench {
    /// Brings what a job is about here.
    pub(crate) async fn look(&self, work: &Work) -> Result<Sight, Halt> {
        let Pull { head, base, onto, branch, .. } = &work.pull;
        let remote = self.origin.remote().await?;
        let onto = match onto {
            Some(onto) => onto.clone(),
            None => self.origin.default_branch().await?,
        };
        let named = |id: &Option<String>| id.as_deref().map(Commit::parse).transpose().map_err(|why| later(&why));
        let (head, base) = (named(head)?, named(base)?);
        let branch = match (branch, &head) {
            (Some(branch), _) => branch.clone(),
            (None, Some(head)) => self.origin.branch_at(head).await?.ok_or_else(moved)?,
            (None, None) => NO_BRANCH.to_owned(),
        };
        let branch = Branch::parse(&branch).map_err(|why| later(&why))?;
        let mut sources = vec![Source::Branch(Branch::parse(&onto).map_err(|why| later(&why))?)];
        sources.extend(head.iter().map(|_| Source::Branch(branch.clone())));
        let mut tips = self.broker.fetch(&remote, &sources).await?.into_iter();
        let onto =
            tips.next().flatten().ok_or_else(|| Halt::Later(format!("there is no branch {onto} on the forge")))?;
        let Some(head) = head else {
            let tip = self.broker.tip(&remote, &branch).await?;
            return Ok(Sight { base: onto.clone(), onto, head: None, branch, tip });
        };
        if tips.next().flatten().as_ref() != Some(&head) {
            return Err(moved());
        }
        let base = match base {
            Some(base) if self.broker.has(&base).await? => Some(base),
            Some(_) | None => self.broker.parted(&onto, &head).await?,
        };
        let base =
            base.ok_or_else(|| Halt::Later("the change has nothing in common with the default branch".to_owned()))?;
        Ok(Sight { onto, base, tip: Some(head.clone()), head: Some(head), branch })
    }

    /// Refuses a branch that is there though nothing was handed in, unless it is what we pushed and could not hand in: by what
    /// this broker has written down, or else by the name of every commit on it.
    pub(crate) async fn is_free(&self, sight: &Sight) -> Result<(), Halt> {
        let (None, Some(tip)) = (&sight.head, &sight.tip) else { return Ok(()) };
        let branch = &sight.branch;
        match self.broker.whose(&self.origin.remote().await?, branch, tip, &sight.onto).await? {
            Whose::Ours => return Ok(()),
            Whose::Moves => return Err(Halt::Later(format!("the branch {} moves", branch.as_str()))),
            Whose::Others => {}
        }
        Err(Halt::Failed(format!(
            "the branch {} is on the forge already, at {}, and not by us: it is not overwritten; delete it or give it \
             another name",
            branch.as_str(),
            tip.as_str()
        )))
    }

    /// Makes a fresh workspace of what a stage may see.
    pub(crate) async fn lay_out(
        &self,
        folder: &Path,
        stage: Stage,
        sight: &Sight,
        by: &Person,
    ) -> Result<Workspace, Halt> {
        let Sight { base, head, branch, .. } = sight;
        let view = match (stage, head) {
            (Stage::Reviewer, Some(head)) => View::Review { base, head },
            (Stage::Reviewer, None) => return Err(Halt::Later("there is no change to review".to_owned())),
            (Stage::Planner | Stage::Implementer | Stage::Merger, head) => {
                View::Work { commit: head.as_ref().unwrap_or(base), branch, base }
            }
        };
        Ok(self.broker.workspace(folder, view, by).await?)
    }

    /// Takes what the agent made: its commits, or else what stands in its folder.
    pub(crate) async fn take(
        &self,
        workspace: &Workspace,
        run: &Run,
        (by, at, title): (&Person, Time, &str),
    ) -> Result<Option<Commit>, Halt> {
        let head = self.broker.take(workspace, run).await.map_err(of_agent)?;
        if head != *workspace.start() {
            return Ok(Some(head));
        }
        let hand = Hand { author: by.clone(), committer: by.clone(), at };
        self.broker.snapshot(workspace, run, workspace.start(), &hand, title).await.map_err(of_agent)
    }

    /// Judges a change by what our own git reads of it; gives what its last commit says.
    pub(crate) async fn judge(&self, sight: &Sight, head: &Commit, caps: &Caps) -> Result<String, Halt> {
        let base = self.broker.parted(&sight.onto, head).await.map_err(of_agent)?;
        let base =
            base.ok_or_else(|| Halt::Failed("the change has nothing in common with the default branch".to_owned()))?;
        let seen = self.broker.inspect(&base, head).await.map_err(of_agent)?;
        let said = seen.messages.first().map(|message| message.text.clone()).unwrap_or_default();
        let policy = self.broker.file(&sight.onto, POLICY_PATH, POLICY_BYTES_MAX as u64 + 1).await?;
        let policy = match policy {
            None => Policy::default(),
            // One that cannot be read lets nothing through.
            Some(text) => {
                String::from_utf8(text).ok().and_then(|text| Policy::parse(&text).ok()).unwrap_or_else(Policy::closed)
            }
        };
        // A revision keeps what was there: only what comes after the head is a revision of it.
        let descends = match &sight.head {
            Some(was) => self.broker.parted(was, head).await.map_err(of_agent)?.as_ref() == Some(was),
            None => true,
        };
        // Every commit of it is published.
        let every = if seen.commits > 1 { "; every one of its commits counts" } else { "" };
        let judged = facts(seen, descends).judge(caps, &policy);
        judged.map_err(|no| Halt::Failed(format!("the change is not fit: {}{every}", no.message)))?;
        // The server takes nothing that it cannot show whole to whoever judges it.
        if !self.broker.diff(&base, head, DIFF_BYTES_MAX).await.map_err(of_agent)?.complete {
            let why = format!("the change is not fit: its difference has more than {DIFF_BYTES_MAX} bytes");
            return Err(Halt::Failed(why));
        }
        Ok(said)
    }

    /// Pushes a change, if its branch is where it is recorded to be.
    pub(crate) async fn push(&self, sight: &Sight, head: &Commit) -> Result<(), Halt> {
        let remote = self.origin.remote().await?;
        match self.broker.push(&remote, &sight.branch, sight.tip.as_ref(), head).await? {
            Pushed::Done => Ok(()),
            Pushed::Stale { at } => {
                let at = at.map_or_else(|| "gone".to_owned(), |at| format!("at {}", at.as_str()));
                Err(Halt::Failed(format!("the branch {} moved meanwhile: it is {at}", sight.branch.as_str())))
            }
            Pushed::Refused { why } => Err(Halt::Failed(format!("the forge would not have the change: {why}"))),
        }
    }

    /// Forgets what a run made.
    pub(crate) async fn forget(&self, run: &Run) {
        if let Err(error) = self.broker.forget(run).await {
            tracing::warn!(%error, "what a run made is kept");
        }
    }
}

/// What the rule judges by.
fn facts(seen: Inspection, descends: bool) -> Facts {
    Facts {
        descends: descends && seen.descends,
        files: seen.files,
        lines: seen.lines,
        largest: seen.largest_blob,
        whole: seen.cut.is_empty(),
        listing: Listing::from_raw(&seen.raw),
        net: seen.net,
        added: seen.added.into_iter().map(|added| (added.path, added.text)).collect(),
        removed: seen.removed.into_iter().map(|removed| (removed.path, removed.text)).collect(),
        hands: seen.messages.iter().map(|message| message.by.clone()).collect(),
        messages: seen.messages.into_iter().map(|message| message.text).collect(),
        binary: seen.binary,
        gone: domain::visual::gone(&seen.raw),
    }
}

fn moved() -> Halt {
    Halt::Later("no branch of the forge is at the head that is recorded".to_owned())
}

fn later(why: &impl ToString) -> Halt {
    Halt::Later(why.to_string())
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Later { .. } | Fault::Paced { .. } | Fault::Unknown { .. } | Fault::Stale { .. } => {
                Self::Later(format!("the forge does not answer: {fault}"))
            }
            Fault::Refused { .. } | Fault::Gone { .. } | Fault::Moved { .. } => {
                Self::Broken(format!("the forge cannot be used: {fault}"))
            }
        }
    }
}

/// What a trouble means where no agent has a part in it.
impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Git(git::Trouble::Program(_) | git::Trouble::Folder(_) | git::Trouble::Foreign(_)) => {
                Self::Broken(trouble.to_string())
            }
            Trouble::Unfit(_)
            | Trouble::Git(
                git::Trouble::Name(_)
                | git::Trouble::Missing(_)
                | git::Trouble::Failed(_)
                | git::Trouble::Late(_)
                | git::Trouble::TooMuch(_),
            ) => Self::Later(format!("the forge or git fails: {trouble}")),
        }
    }
}

/// What a trouble means with what an agent made.
fn of_agent(trouble: Trouble) -> Halt {
    match trouble {
        Trouble::Unfit(why) => Halt::Failed(format!("what the agent left is not taken: {why}")),
        // It would be so every time.
        Trouble::Git(git @ (git::Trouble::Late(_) | git::Trouble::TooMuch(_))) => {
            Halt::Failed(format!("what the agent left is too much to be read: {git}"))
        }
        Trouble::Git(
            git @ (git::Trouble::Program(_)
            | git::Trouble::Folder(_)
            | git::Trouble::Foreign(_)
            | git::Trouble::Name(_)
            | git::Trouble::Missing(_)
            | git::Trouble::Failed(_)),
        ) => Trouble::Git(git).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_that_does_not_come_to_an_end_with_what_an_agent_left_is_the_agent_s_failure() {
        let late = || Trouble::Git(git::Trouble::Late("diff-tree".to_owned()));
        assert!(matches!(of_agent(late()), Halt::Failed(why) if why.contains("diff-tree")));
        assert!(matches!(Halt::from(late()), Halt::Later(_)), "where no agent has a part in it, it may work later");
        let full = || Trouble::Git(git::Trouble::Failed("No space left on device".to_owned()));
        assert!(matches!(of_agent(full()), Halt::Later(_)));
    }
}
