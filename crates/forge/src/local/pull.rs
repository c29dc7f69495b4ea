//! Pull requests of the local home: read, opened, closed and opened again.

use std::collections::HashMap;

use store::Tx;
use store::local::{event, issue, pull};

use crate::git::{Branch, Commit};
use crate::local::act::{No, act, read};
use crate::local::branches::of_git;
use crate::local::settle::Sight;
use crate::local::{Local, bounds, gone, refused};
use crate::{Fault, Files, Issue, IssueState, NewPull, Pull, PullState, Side};

/// How often news from git are written down before a pull request is told as it was last seen. They come by pushes.
const SETTLE_MAX: usize = 3;

/// How the state of a pull request turns.
pub(super) enum Turn {
    /// It ends without a merge, with head and base there.
    End(String, String),
    /// It begins anew, with its head branch there.
    Reopen(String, String),
}

impl Local {
    /// Says that a draft is ready to be merged.
    pub async fn mark_ready(&self, number: i64) -> Result<(), Fault> {
        let pull = self.one_pull(number).await?;
        if pull.state != PullState::Open {
            return Err(Fault::Stale { why: format!("{number} is not open") });
        }
        act!(self, |tx| async {
            let was = crate::local::issue::held(tx, self.name(), number).await?;
            pull::stage(tx, self.name(), number, "ready").await?;
            issue::write(tx, self.name(), &was).await?;
            Ok::<_, No>(event::add(tx, self.name(), Some(number), self.who(), "marked ready", "").await?)
        })
    }

    pub(super) async fn one_pull(&self, number: i64) -> Result<Pull, Fault> {
        let (issue, row, sight) = self.found(number).await?;
        self.shown_pull(issue, row, &sight).await
    }

    pub(super) async fn open_pulls(&self) -> Result<Vec<Pull>, Fault> {
        let mut left = SETTLE_MAX;
        loop {
            left -= 1;
            let (issues, rows) = read!(self, |tx| async {
                let issues = issue::open_pulls(tx, self.name()).await?;
                Ok((self.dressed(tx, issues).await?, pull::open(tx, self.name()).await?))
            })?;
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            let bare = self.bare().await?;
            let sight = self.sight(bare, &rows.iter().collect::<Vec<_>>()).await?;
            let mut news = false;
            for row in &rows {
                news |= self.settle(bare, row, &sight).await?;
            }
            if news && left > 0 {
                continue;
            }
            let mut pulls = Vec::new();
            let mut rows: HashMap<_, _> = rows.into_iter().map(|row| (row.number, row)).collect();
            for issue in issues {
                if let Some(row) = rows.remove(&issue.number) {
                    pulls.push(self.shown_pull(issue, row, &sight).await?);
                }
            }
            return Ok(pulls);
        }
    }

    pub(super) async fn opened_pull(&self, new: &NewPull) -> Result<Pull, Fault> {
        bounds::title(&new.title)?;
        bounds::body(&new.body)?;
        let (head, base) = self.fit_to_open(new).await?;
        if let Some(other) = read!(self, |tx| pull::by_head(tx, self.name(), &new.head))? {
            // It may have ended, which only git knows.
            self.one_pull(other).await?;
        }
        self.known().await?;
        let stage = if new.draft { "draft" } else { "ready" };
        let number = act!(self, |tx| async {
            self.free(tx, &new.head).await?;
            let number = store::local::next_number(tx, self.name()).await?;
            let row = issue::New { kind: "pull", title: &new.title, body: &new.body, author: self.who() };
            issue::add(tx, self.name(), number, row).await?;
            let row = pull::Row {
                number,
                state: "open".to_owned(),
                stage: stage.to_owned(),
                head_branch: new.head.clone(),
                head_commit: head.as_str().to_owned(),
                base_branch: new.base.clone(),
                base_commit: base.as_str().to_owned(),
                merge_commit: None,
            };
            pull::add(tx, self.name(), &row).await?;
            event::add(tx, self.name(), Some(number), self.who(), "opened", &new.head).await?;
            Ok::<_, No>(number)
        })?;
        let told = async {
            drop(self.bare().await?.begin(&self.record(number).await?, &head).await);
            self.one_pull(number).await
        };
        // It is open by now, whatever comes of telling how it is.
        told.await.map_err(|fault| Fault::Unknown { why: format!("{number} is open and cannot be read: {fault}") })
    }

    pub(super) async fn changed_files(&self, number: i64) -> Result<Files, Fault> {
        let pull = self.one_pull(number).await?;
        let commit = |id: &str| Commit::parse(id).map_err(of_git);
        self.bare().await?.files(&commit(&pull.base.commit)?, &commit(&pull.head.commit)?).await.map_err(of_git)
    }

    /// How a pull request turns when it is to stand so; none for an issue, or when no state is named.
    pub(super) async fn turn(&self, number: i64, to: Option<IssueState>) -> Result<Option<Turn>, Fault> {
        let Some(to) = to else { return Ok(None) };
        let row = read!(self, |tx| issue::find(tx, self.name(), number))?;
        if row.is_none_or(|row| row.kind != "pull") {
            return Ok(None);
        }
        let pull = self.one_pull(number).await?;
        let bare = self.bare().await?;
        match (pull.state, to) {
            (PullState::Open, IssueState::Closed(_)) => {
                let head = Commit::parse(&pull.head.commit).map_err(of_git)?;
                bare.keep(&self.record(number).await?, &head).await.map_err(of_git)?;
                Ok(Some(Turn::End(pull.head.commit, pull.base.commit)))
            }
            (PullState::Closed, IssueState::Open) => {
                let branch = Branch::parse(&pull.head.branch).map_err(of_git)?;
                let Some(tip) = bare.tip(&branch).await.map_err(of_git)? else {
                    let why = format!("the branch {} does not exist any more", pull.head.branch);
                    return Err(refused(why, "push it again, or open another pull request"));
                };
                Ok(Some(Turn::Reopen(pull.head.branch, tip.as_str().to_owned())))
            }
            (PullState::Merged { .. }, IssueState::Open) => {
                Err(Fault::Stale { why: format!("{number} is merged already") })
            }
            (PullState::Open, IssueState::Open)
            | (PullState::Closed | PullState::Merged { .. }, IssueState::Closed(_)) => Ok(None),
        }
    }

    pub(super) async fn turned(&self, tx: &mut Tx, number: i64, turn: &Turn) -> Result<(), No> {
        match turn {
            Turn::End(head, base) => Ok(pull::end(tx, self.name(), number, (head, base), None).await?),
            Turn::Reopen(branch, head) => {
                self.free(tx, branch).await?;
                Ok(pull::reopen(tx, self.name(), number, head).await?)
            }
        }
    }

    /// Refuses a branch that an open pull request has.
    async fn free(&self, tx: &mut Tx, head: &str) -> Result<(), No> {
        match pull::by_head(tx, self.name(), head).await? {
            None => Ok(()),
            Some(other) => {
                Err(refused(format!("pull request {other} is open for {head}"), "go on with that one").into())
            }
        }
    }

    /// The tips of two branches between which there is something to merge.
    async fn fit_to_open(&self, new: &NewPull) -> Result<(Commit, Commit), Fault> {
        let bare = self.bare().await?;
        let tip = async |name: &str| {
            let branch = Branch::parse(name).map_err(of_git)?;
            let missing = || refused(format!("the branch {name} does not exist"), "push it first");
            bare.tip(&branch).await.map_err(of_git)?.ok_or_else(missing)
        };
        let (head, base) = (tip(&new.head).await?, tip(&new.base).await?);
        if bare.merge_base(&base, &head).await.map_err(of_git)?.is_none() {
            let why = format!("{} and {} have no commit in common", new.head, new.base);
            return Err(refused(why, "begin the branch at the one it is to be merged into"));
        }
        if bare.is_ancestor(&head, &base).await.map_err(of_git)? {
            return Err(refused(format!("{} has nothing that {} has not", new.head, new.base), "commit first"));
        }
        Ok((head, base))
    }

    /// A pull request as the store has it, after git was asked for news.
    pub(super) async fn found(&self, number: i64) -> Result<(Issue, pull::Row, Sight), Fault> {
        let mut left = SETTLE_MAX;
        loop {
            left -= 1;
            let (issues, row) = read!(self, |tx| async {
                let row = issue::find(tx, self.name(), number).await?;
                Ok((self.dressed(tx, row.into_iter().collect()).await?, pull::find(tx, self.name(), number).await?))
            })?;
            let (Some(issue), Some(row)) = (issues.into_iter().next(), row) else {
                return Err(gone(format!("the pull request {number}")));
            };
            let bare = self.bare().await?;
            let sight = self.sight(bare, &[&row]).await?;
            if !self.settle(bare, &row, &sight).await? || left == 0 {
                return Ok((issue, row, sight));
            }
        }
    }

    async fn shown_pull(&self, issue: Issue, row: pull::Row, sight: &Sight) -> Result<Pull, Fault> {
        let open = row.state == "open";
        let base = sight.tip(&row.base_branch).filter(|_| open).cloned().unwrap_or(row.base_commit);
        let mergeable = if open { Some(self.goes_together(&base, &row.head_commit).await?) } else { None };
        Ok(Pull {
            number: issue.number,
            url: format!("local:{}/pull/{}", self.name(), issue.number),
            state: match row.state.as_str() {
                "open" => PullState::Open,
                "merged" => PullState::Merged { commit: row.merge_commit },
                _ => PullState::Closed,
            },
            draft: row.stage == "draft",
            head: Side { branch: row.head_branch, commit: row.head_commit },
            base: Side { branch: row.base_branch, commit: base },
            mergeable,
            title: issue.title,
            body: issue.body,
            labels: issue.labels,
            author: issue.author,
            updated_at: issue.updated_at,
        })
    }

    async fn goes_together(&self, base: &str, head: &str) -> Result<bool, Fault> {
        let commit = |id: &str| Commit::parse(id).map_err(of_git);
        let tree = self.bare().await?.merged_tree(&commit(base)?, &commit(head)?).await.map_err(of_git)?;
        Ok(tree.is_some())
    }
}
