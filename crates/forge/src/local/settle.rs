//! Settling: what git has of a pull request that the store does not know yet is written down before it is told.
//!
//! A branch moves by a push, and a merge may have landed when whoever made it was killed. The repository is right.

use std::collections::HashMap;

use store::local::{Who, event, issue, pull};

use crate::Fault;
use crate::git::{Bare, Commit};
use crate::local::Local;
use crate::local::act::{No, act};
use crate::local::branches::of_git;
use crate::local::issue::held;

/// Who it was, when only git knows.
const GIT: Who<'static> = Who { login: "git", kind: "bot" };

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
        Ok(format!("refs/gapwright/{}/{number}", self.known().await?))
    }

    /// The branches and records of these pull requests.
    pub(super) async fn sight(&self, bare: &Bare, rows: &[&pull::Row]) -> Result<Sight, Fault> {
        let mut names = Vec::new();
        for row in rows {
            names.extend([format!("refs/heads/{}", row.head_branch), format!("refs/heads/{}", row.base_branch)]);
            names.push(self.record(row.number).await?);
        }
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        if names.is_empty() {
            return Ok(Sight(HashMap::new()));
        }
        bare.refs(&names).await.map(Sight).map_err(of_git)
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
        let record = self.record(row.number).await?;
        if row.state == "merged" {
            return Ok(None);
        }
        if let Some(commit) = sight.0.get(&format!("{record}/merged")) {
            let base = sight.0.get(&format!("{record}/base")).unwrap_or(&row.base_commit);
            return Ok(Some(News::Merged(Some(commit.clone()), base.clone())));
        }
        if row.state != "open" {
            return Ok(None);
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
}
