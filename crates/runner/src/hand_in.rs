//! Handing in what an implementer made: it is taken, judged, pushed and told, each for as long as it is worth to try.

use domain::budget::Caps;
use domain::pull::Stage;
use forge::broker::{Run, Workspace};
use forge::git::{Commit, Person};

use crate::agent::Agent;
use crate::ask::{Change, Job, Work};
use crate::bench::{Halt, Sight};
use crate::client::Trouble;
use crate::lease::Lease;
use crate::run::Ended;
use crate::tell;
use crate::work::Worker;

/// What is left by an implementer.
pub(crate) struct Made<'a> {
    pub(crate) job: &'a Job,
    pub(crate) work: &'a Work,
    pub(crate) sight: &'a Sight,
    pub(crate) workspace: &'a Workspace,
    pub(crate) run: &'a Run,
    pub(crate) by: &'a Person,
    pub(crate) ended: &'a Ended,
}

impl Worker {
    /// Takes what an implementer made, judges it, pushes it and hands it in.
    pub(crate) async fn hand_in(&self, lease: &Lease, made: Made<'_>, prompt_hash: String) -> Result<(), Halt> {
        let Made { job, work, sight, workspace, run, by, ended } = made;
        let title = tell::title_of(job.gap());
        let taken =
            self.patiently(lease, async || self.bench.take(workspace, run, (by, (self.settings.now)(), &title)).await);
        let Some(head) = taken.await? else {
            return Err(Halt::Failed(tell::nothing(ended, Stage::Implementer.tool())));
        };
        let caps = self.patiently(lease, async || self.may_push(lease).await).await?;
        let message = self.patiently(lease, async || self.bench.judge(sight, &head, &caps).await).await?;
        let said = match self.settings.agent {
            Agent::Claude { .. } | Agent::Codex { .. } => ended.last_words.as_str(),
            // The end of a command's output is no description.
            Agent::Command { .. } => "",
        };
        let (title, body) = tell::words(&message, job.gap(), said);
        let answer = work.pull.head.as_ref().map(|_| tell::answer(&body));
        // What the change is for stays what it is: of a revision, the last commit answers.
        let (title, body) = work.described().filter(|_| answer.is_some()).unwrap_or((title, body));
        domain::pull::fit::words(&title, &body)
            .map_err(|no| Halt::Failed(format!("the change is not fit: {}", no.message)))?;
        self.patiently(lease, async || self.push(lease, sight, &head).await).await?;
        let change = Change {
            // One for the change, so that an answer that was lost is not taken for a refusal.
            key: self.client.key(),
            branch: sight.branch.as_str().to_owned(),
            head: head.as_str().to_owned(),
            answer,
            title,
            body,
            model: self.settings.model.clone(),
            prompt_hash,
        };
        self.patiently(lease, async || self.client.submit(&lease.claim, &change).await.map_err(handed)).await
    }

    /// Pushes a change, if the server still lets us: it is asked directly before each try.
    async fn push(&self, lease: &Lease, sight: &Sight, head: &Commit) -> Result<(), Halt> {
        self.may_push(lease).await?;
        self.bench.push(sight, head).await
    }

    /// How large a change may be, told by a server that lets it be pushed at all. What is not known to be allowed is not.
    async fn may_push(&self, lease: &Lease) -> Result<Caps, Halt> {
        let size = self.client.size(&lease.claim).await.map_err(barred)?;
        let known = &self.settings.caps;
        Ok(Caps { files: size.files.unwrap_or(known.files), lines: size.lines.unwrap_or(known.lines), ..known.clone() })
    }
}

/// What it means that the server does not say what may still be spent.
fn barred(trouble: Trouble) -> Halt {
    match trouble {
        Trouble::Refused { code, message, .. } if code != "stale_claim" => {
            Halt::Barred(format!("the server does not let it go on: {message}"))
        }
        Trouble::Refused { .. } | Trouble::Lost(_) | Trouble::Stranger | Trouble::Foreign(_) => trouble.into(),
    }
}

/// What a trouble means with what an agent made.
fn handed(trouble: Trouble) -> Halt {
    match trouble {
        Trouble::Refused { code, message, .. } if code != "stale_claim" => {
            Halt::Failed(format!("the change was not taken: {message}"))
        }
        Trouble::Refused { .. } | Trouble::Lost(_) | Trouble::Stranger | Trouble::Foreign(_) => trouble.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> Trouble {
        Trouble::Refused { code: code.to_owned(), message: "m".to_owned(), hint: String::new() }
    }

    #[test]
    fn nothing_is_pushed_where_the_server_refuses_or_is_not_heard() {
        for code in ["wrong_state", "switched_off", "forbidden", "stale_head"] {
            assert!(matches!(barred(refused(code)), Halt::Barred(why) if why.ends_with(": m")), "{code}");
        }
        assert_eq!(barred(refused("stale_claim")), Halt::Over);
        assert!(matches!(barred(Trouble::Lost("gone".to_owned())), Halt::Later(_)), "it is asked again");
        assert!(matches!(barred(Trouble::Stranger), Halt::Broken(_)));
    }

    #[test]
    fn what_the_server_does_not_take_is_the_agent_s_failure() {
        assert!(matches!(handed(refused("unfit_change")), Halt::Failed(_)));
        assert_eq!(handed(refused("stale_claim")), Halt::Over);
        assert!(matches!(handed(Trouble::Lost("gone".to_owned())), Halt::Later(_)));
    }
}
