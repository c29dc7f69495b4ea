//! Settling: what git has of a pull request that the store does not know yet is written down before it is told.
//!
//! A branch moves by a push, and a merge may have landed when whoever made it was killed. The repository is right.

use std::collections::HashMap;

use store::local::{Who, event, issue, pull};

use crate::Fault;
use crate::git::{Bare, Branch, Commit, RECORDS};
use crate::local::Local;
use crate::local::act::{No, act};
use crate::local::branches::{here, of_git};
use crate::local::issue::held;

/// Who it was, when only git knows.
pub(super) const GIT: Who<'static> = Who { login: "git", kind: "bot" };

/// The refs of the repository as they were seen at once.
pub(super) struct Sight(pub(super) HashMap<String, String>);

/// What git has that the store does not.
#[derive(Debug, Clone, PartialEq, Eq)]
enum News {
    /// The head is at another commit.
    Moved(String),
    /// It was merged, as this commit where that is known, onto this one.
    Merged(Option<String>, String),
    /// A branch is gone, or its head has nothing any more that the base has not.
    Over,
}

impl Sight {
    pub(super) fn tip(&self, branch: &str) -> Option<&String> {
        self.0.get(&format!("refs/heads/{branch}"))
    }
}

impl Local {
    /// Where the repository keeps what is known of a pull request. The id keeps apart those who used the same
    /// repository with another store.
    pub(super) async fn record(&self, number: i64) -> Result<String, Fault> {
        Ok(format!("{RECORDS}/{}/{number}", self.known().await?))
    }

    /// The branches and records of these pull requests.
    pub(super) async fn sight(&self, bare: &Bare, rows: &[&pull::Row]) -> Result<Sight, Fault> {
        let here = here(self.known().await?);
        let mut names = vec![here.clone()];
        for row in rows {
            names.extend([format!("refs/heads/{}", row.head_branch), format!("refs/heads/{}", row.base_branch)]);
            names.push(self.record(row.number).await?);
        }
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let seen = bare.refs(&names).await.map_err(of_git)?;
        // Another may have been put into its place since it was opened, and what is not in that is not gone.
        if seen.contains_key(&here) { Ok(Sight(seen)) } else { Err(self.strange(bare.folder())) }
    }

    /// Writes down what git has of a pull request that the store does not know; whether there was any.
    pub(super) async fn settle(&self, bare: &Bare, row: &pull::Row, sight: &Sight) -> Result<bool, Fault> {
        let Some(news) = self.news(bare, row, sight).await? else { return Ok(false) };
        let head = if let News::Moved(head) = &news { head } else { &row.head_commit };
        // Though everybody else forgets it. What is forgotten already cannot be kept, and is over all the same.
        drop(bare.keep(&self.record(row.number).await?, &Commit::parse(head).map_err(of_git)?).await);
        act!(self, |tx| async {
            let was = held(tx, self.name(), row.number).await?;
            if pull::find(tx, self.name(), row.number).await?.as_ref() != Some(row) {
                // Somebody else has written since, and the next look tells what.
                return Ok::<_, No>(());
            }
            let (state, what, detail) = match &news {
                News::Moved(head) => {
                    pull::seen(tx, self.name(), row, head).await?;
                    ("open", "pushed", head.as_str())
                }
                News::Merged(commit, base) => {
                    pull::end(tx, self.name(), row.number, (&row.head_commit, base), commit.as_deref()).await?;
                    ("merged", "merged", commit.as_deref().unwrap_or_default())
                }
                News::Over => {
                    pull::end(tx, self.name(), row.number, (&row.head_commit, &row.base_commit), None).await?;
                    ("closed", "closed", "a branch is gone or has nothing new")
                }
            };
            issue::write(tx, self.name(), &issue::Row { state: state.to_owned(), ..was }).await?;
            Ok(event::add(tx, self.name(), Some(row.number), GIT, what, detail).await?)
        })?;
        Ok(true)
    }

    async fn news(&self, bare: &Bare, row: &pull::Row, sight: &Sight) -> Result<Option<News>, Fault> {
        if row.state == "merged" {
            return Ok(None);
        }
        let landed = self.landing(bare, row, sight).await?;
        if landed.is_some() || row.state != "open" {
            return Ok(landed);
        }
        let (Some(head), Some(base)) = (sight.tip(&row.head_branch), sight.tip(&row.base_branch)) else {
            return Ok(Some(News::Over));
        };
        let commit = |id: &str| Commit::parse(id).map_err(of_git);
        let (tip, base) = (commit(head)?, commit(base)?);
        let moved = *head != row.head_commit;
        if bare.is_ancestor(&tip, &base).await.map_err(of_git)? {
            // Somebody merged it by hand, or took everything back from it.
            let was = bare.find(&commit(&row.head_commit)?).await.map_err(of_git)?;
            let whole = match was {
                Some(was) => bare.is_ancestor(&was, &tip).await.map_err(of_git)?,
                None => false,
            };
            return Ok(Some(if whole { News::Merged(None, row.base_commit.clone()) } else { News::Over }));
        }
        Ok(moved.then(|| News::Moved(head.clone())))
    }

    /// What the repository says of a landing. It was broken off when the base has not got what it says: then it is
    /// finished, if the base is still where it was, and else forgotten. And it was another's who had this number, in a
    /// later store that this one was restored over, when the base had it before the pull request began.
    async fn landing(&self, bare: &Bare, row: &pull::Row, sight: &Sight) -> Result<Option<News>, Fault> {
        let record = self.record(row.number).await?;
        let Some(onto) = sight.0.get(&format!("{record}/merged")) else { return Ok(None) };
        let base = sight.0.get(&format!("{record}/base")).unwrap_or(&row.base_commit);
        let landed = News::Merged(Some(onto.clone()), base.clone());
        let onto = Commit::parse(onto).map_err(of_git)?;
        let whole = bare.find(&onto).await.map_err(of_git)?.is_some();
        if let Some(tip) = sight.tip(&row.base_branch).filter(|_| whole)
            && !has(bare, &row.base_commit, &onto).await?
        {
            if has(bare, tip, &onto).await? {
                return Ok(Some(landed));
            }
            if tip == base {
                let branch = Branch::parse(&row.base_branch).map_err(of_git)?;
                let base = Commit::parse(base).map_err(of_git)?;
                // If it has moved just now, the next look tells.
                let finished = bare.finish(&branch, &base, &onto).await.map_err(of_git)?;
                return Ok(finished.then_some(landed));
            }
        }
        bare.forget(&record, &onto).await.map_err(of_git)?;
        Ok(None)
    }
}

/// Whether a commit of the repository is this one or comes after it.
async fn has(bare: &Bare, id: &str, commit: &Commit) -> Result<bool, Fault> {
    let id = Commit::parse(id).map_err(of_git)?;
    match bare.find(&id).await.map_err(of_git)? {
        Some(id) => bare.is_ancestor(commit, &id).await.map_err(of_git),
        None => Ok(false),
    }
}
