//! Merging a pull request: decided on what git has, landed by git, and then written down.
//!
//! When whoever merges is killed in between, the next one who looks finishes the landing and writes it down.

use store::local::{event, issue, pull};

use crate::git::{Bare, Branch, Commit, Land, Made, Trouble};
use crate::local::act::{No, act};
use crate::local::branches::of_git;
use crate::local::issue::held;
use crate::local::{Local, bounds, refused};
use crate::{Fault, Merged, Method, Pull, PullState};

/// How often a merge is decided anew because a branch had moved. Each time another merge has landed.
const TRIES_MAX: usize = 5;

impl Local {
    pub(super) async fn merged(&self, number: i64, head: &str, method: Method, title: &str) -> Result<Merged, Fault> {
        bounds::title(title)?;
        let head = Commit::parse(head).map_err(of_git)?;
        let bare = self.bare().await?;
        for _ in 0..TRIES_MAX {
            let pull = self.one_pull(number).await?;
            fit_to_merge(&pull, &head)?;
            let base = Commit::parse(&pull.base.commit).map_err(of_git)?;
            let hand = self.signed(if method == Method::Squash { &pull.author.login } else { &self.me.login }).await?;
            let onto = match bare.make_merge(method, &base, &head, &hand, title).await.map_err(of_git)? {
                Made::Commit(commit) => commit,
                Made::Conflict => return Err(stale(format!("{number} conflicts with {}", pull.base.branch))),
                Made::Nothing => return Err(stale(format!("{} has everything of {number}", pull.base.branch))),
                Made::Unfit(why) => return Err(refused(format!("{number} cannot be rebased: {why}"), "squash it")),
            };
            if self.landed(bare, &pull, &head, &base, &onto).await? {
                // Git has it. Should the store fail now, the next look writes it down.
                drop(self.write_down(number, &head, &base, &onto).await);
                return Ok(Merged { commit: onto.as_str().to_owned() });
            }
        }
        Err(Fault::Later { why: format!("the branches of {number} moved each time"), after: None })
    }

    async fn landed(
        &self,
        bare: &Bare,
        pull: &Pull,
        head: &Commit,
        base: &Commit,
        onto: &Commit,
    ) -> Result<bool, Fault> {
        let record = self.record(pull.number).await?;
        let branch = |name: &str| Branch::parse(name).map_err(of_git);
        let land = Land {
            record: &record,
            head: &branch(&pull.head.branch)?,
            head_commit: head,
            base: &branch(&pull.base.branch)?,
            base_commit: base,
            onto,
        };
        match bare.land(land).await {
            // Some of it may be done, and then whoever looks next finishes it.
            Err(trouble @ (Trouble::Late(_) | Trouble::Failed(_))) => Err(Fault::Unknown { why: trouble.to_string() }),
            landed => landed.map_err(of_git),
        }
    }

    async fn write_down(&self, number: i64, head: &Commit, base: &Commit, onto: &Commit) -> Result<(), Fault> {
        act!(self, |tx| async {
            let was = held(tx, self.name(), number).await?;
            if was.state == "merged" {
                return Ok::<_, No>(());
            }
            pull::end(tx, self.name(), number, (head.as_str(), base.as_str()), Some(onto.as_str())).await?;
            issue::write(tx, self.name(), &issue::Row { state: "merged".to_owned(), ..was }).await?;
            Ok(event::add(tx, self.name(), Some(number), self.who(), "merged", onto.as_str()).await?)
        })
    }
}

fn fit_to_merge(pull: &Pull, head: &Commit) -> Result<(), Fault> {
    let number = pull.number;
    match &pull.state {
        PullState::Open if pull.draft => Err(stale(format!("{number} is a draft"))),
        PullState::Open if pull.head.commit != head.as_str() => {
            Err(stale(format!("the head of {number} is {}", pull.head.commit)))
        }
        PullState::Open => Ok(()),
        PullState::Closed => Err(stale(format!("{number} is closed"))),
        PullState::Merged { .. } => Err(stale(format!("{number} is merged already"))),
    }
}

fn stale(why: String) -> Fault {
    Fault::Stale { why }
}
