//! Pull requests of the local home: read, opened, closed and opened again.

use std::collections::HashMap;

use domain::time::Time;
use store::Tx;
use store::local::{event, issue, pull};

use crate::git::{Branch, Commit};
use crate::local::act::{No, act, read};
use crate::local::branches::of_git;
use crate::local::settle::{GIT, Sight};
use crate::local::{Local, account, bounds, gone, refused};
use crate::{Account, Fault, Files, Issue, IssueState, NewPull, Pull, PullState, Side};

/// How often news from git are written down before a pull request is told as it was last seen. They come by pushes.
const SETTLE_MAX: usize = 3;

/// How many pull requests of one branch are told: what is read of GitHub at most.
const PULLS_OF_HEAD_MAX: usize = 1_000;

/// Which pull requests.
#[derive(Debug, Clone, Copy)]
enum Which<'a> {
    /// Those that are open.
    Open,
    /// Those from this branch, open or not.
    Head(&'a str),
}

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
        self.several(Which::Open).await
    }

    pub(super) async fn pulls_of_head(&self, branch: &str) -> Result<Vec<Pull>, Fault> {
        self.several(Which::Head(branch)).await
    }

    /// Pull requests by number, after git was asked for news.
    async fn several(&self, which: Which<'_>) -> Result<Vec<Pull>, Fault> {
        let mut left = SETTLE_MAX;
        loop {
            left -= 1;
            let found = read!(self, |tx| self.rows(tx, which))?;
            if found.is_empty() {
                return Ok(Vec::new());
            }
            if found.len() > PULLS_OF_HEAD_MAX && matches!(which, Which::Head(_)) {
                let why = format!("the branch has had more than {PULLS_OF_HEAD_MAX} pull requests");
                return Err(refused(why, "use another branch for the next"));
            }
            let bare = self.bare().await?;
            let sight = self.sight(bare, &found.iter().map(|(_, row)| row).collect::<Vec<_>>()).await?;
            let mut news = false;
            for (_, row) in &found {
                news |= self.settle(bare, row, &sight).await?;
            }
            if news && left > 0 {
                continue;
            }
            let mut pulls = Vec::new();
            for (issue, row) in found {
                pulls.push(self.shown_pull(issue, row, &sight).await?);
            }
            return Ok(pulls);
        }
    }

    /// Both halves of pull requests, by number.
    async fn rows(&self, tx: &mut Tx, which: Which<'_>) -> Result<Vec<(Issue, pull::Row)>, store::Fault> {
        let (issues, rows) = match which {
            Which::Open => {
                let issues = issue::open_pulls(tx, self.name()).await?;
                (self.dressed(tx, issues).await?, pull::open(tx, self.name()).await?)
            }
            Which::Head(branch) => {
                let most = i64::try_from(PULLS_OF_HEAD_MAX).unwrap_or(i64::MAX);
                let rows = pull::of_head(tx, self.name(), branch, most.saturating_add(1)).await?;
                let mut issues = Vec::new();
                for row in &rows {
                    let issue = issue::find(tx, self.name(), row.number).await?;
                    issues.extend(self.dressed(tx, issue.into_iter().collect()).await?);
                }
                (issues, rows)
            }
        };
        let mut rows: HashMap<_, _> = rows.into_iter().map(|row| (row.number, row)).collect();
        let halves = issues.into_iter().filter_map(|issue| rows.remove(&issue.number).map(|row| (issue, row)));
        Ok(halves.collect())
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
        let (ended_by, ended_at) = if open { (None, None) } else { self.ending(row.number).await? };
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
            ended_by,
            ended_at,
            title: issue.title,
            body: issue.body,
            labels: issue.labels,
            author: issue.author,
            updated_at: issue.updated_at,
        })
    }

    /// Who ended it and when. Of what only git knew it is told when that was first seen, and not who it was: git does not
    /// say who moved a branch.
    async fn ending(&self, number: i64) -> Result<(Option<Account>, Option<Time>), Fault> {
        let Some(row) = read!(self, |tx| event::ending(tx, self.name(), number))? else { return Ok((None, None)) };
        let known = (row.actor.as_str(), row.actor_kind.as_str()) != (GIT.login, GIT.kind);
        Ok((known.then(|| account(&row.actor, &row.actor_kind)), Some(Time(row.at))))
    }

    async fn goes_together(&self, base: &str, head: &str) -> Result<bool, Fault> {
        let commit = |id: &str| Commit::parse(id).map_err(of_git);
        let tree = self.bare().await?.merged_tree(&commit(base)?, &commit(head)?).await.map_err(of_git)?;
        Ok(tree.is_some())
    }
}
