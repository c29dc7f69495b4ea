//! Reviews and checks: what is said of a commit.

use domain::time::Time;
use store::local::{event, issue, review};

use crate::git::Commit;
use crate::local::act::{No, act, read};
use crate::local::branches::of_git;
use crate::local::issue::held;
use crate::local::{Local, account, bounds, refused};
use crate::{Account, Check, CheckState, Fault, NewCheck, NewReview, Remark};

/// The most remarks of one review: more is not read by anybody.
const REMARKS_MAX: usize = 300;

/// The longest name, title or external id of a check, in characters: as long as those of files.
const CHECK_CHARS_MAX: usize = 255;

/// A review as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Its id.
    pub id: i64,
    /// The commit that was read.
    pub commit: String,
    /// What it says.
    pub body: String,
    /// What it says of single lines.
    pub remarks: Vec<Remark>,
    /// Who wrote it.
    pub author: Account,
    /// When.
    pub created_at: Time,
}

impl Local {
    /// The reviews of a pull request, oldest first.
    pub async fn reviews(&self, number: i64) -> Result<Vec<Review>, Fault> {
        read!(self, |tx| async {
            let mut reviews = Vec::new();
            for row in review::list(tx, self.name(), number).await? {
                let remarks = review::remarks(tx, self.name(), row.id).await?.into_iter();
                reviews.push(Review {
                    id: row.id,
                    author: account(&row.author, &row.author_kind),
                    commit: row.commit_id,
                    body: row.body,
                    remarks: remarks.map(|(path, line, body)| Remark { path, line, body }).collect(),
                    created_at: Time(row.created_at),
                });
            }
            Ok(reviews)
        })
    }

    pub(super) async fn reviewed(&self, number: i64, new: &NewReview) -> Result<i64, Fault> {
        bounds::said(&new.body)?;
        if new.remarks.len() > REMARKS_MAX {
            let why = format!("the review has {} remarks, and {REMARKS_MAX} are the most", new.remarks.len());
            return Err(refused(why, "keep those that matter"));
        }
        new.remarks.iter().try_for_each(|remark| bounds::said(&remark.body))?;
        self.fit_to_review(number, new).await?;
        act!(self, |tx| async {
            let was = held(tx, self.name(), number).await?;
            let id = store::local::next_id(tx, self.name()).await?;
            review::add(tx, self.name(), (id, number), self.who(), &new.commit, &new.body).await?;
            for (place, remark) in (0..).zip(&new.remarks) {
                review::remark(tx, self.name(), (id, place), (&remark.path, remark.line), &remark.body).await?;
            }
            issue::write(tx, self.name(), &was).await?;
            event::add(tx, self.name(), Some(number), self.who(), "reviewed", &new.commit).await?;
            Ok::<_, No>(id)
        })
    }

    pub(super) async fn checked(&self, new: &NewCheck) -> Result<Check, Fault> {
        bounds::within("the check's name", &new.name, CHECK_CHARS_MAX)?;
        bounds::within("the check's title", &new.title, CHECK_CHARS_MAX)?;
        bounds::within("the check's external id", &new.external_id, CHECK_CHARS_MAX)?;
        bounds::within("the check's summary", &new.summary, bounds::SUMMARY_CHARS_MAX)?;
        if new.name.trim().is_empty() {
            return Err(refused("the check has no name", "give it one"));
        }
        let commit = Commit::parse(&new.commit).map_err(of_git)?;
        if self.bare().await?.find(&commit).await.map_err(of_git)?.is_none() {
            return Err(refused(format!("there is no commit {}", new.commit), "push it first"));
        }
        self.known().await?;
        let row = act!(self, |tx| async {
            let row = review::CheckRow {
                id: store::local::next_id(tx, self.name()).await?,
                commit_id: new.commit.clone(),
                name: new.name.clone(),
                external_id: new.external_id.clone(),
                state: state_name(new.state).to_owned(),
                title: new.title.clone(),
                summary: new.summary.clone(),
                updated_at: tx.now().0,
            };
            Ok::<_, No>(review::put_check(tx, self.name(), &row).await?)
        })?;
        Ok(shown(row))
    }

    pub(super) async fn all_checks(&self, commit: &str) -> Result<Vec<Check>, Fault> {
        let rows = read!(self, |tx| review::checks(tx, self.name(), commit))?;
        Ok(rows.into_iter().map(shown).collect())
    }

    /// Refuses a review of what is not in the pull request.
    async fn fit_to_review(&self, number: i64, new: &NewReview) -> Result<(), Fault> {
        let pull = self.one_pull(number).await?;
        let (read, head) = (Commit::parse(&new.commit), Commit::parse(&pull.head.commit));
        let (read, head) = (read.map_err(of_git)?, head.map_err(of_git)?);
        let bare = self.bare().await?;
        let known = bare.find(&read).await.map_err(of_git)?.is_some();
        if !known || !bare.is_ancestor(&read, &head).await.map_err(of_git)? {
            return Err(Fault::Stale { why: format!("{} is not in the head of {number}", new.commit) });
        }
        if new.remarks.is_empty() {
            return Ok(());
        }
        let files = self.changed_files(number).await?;
        let foreign = |remark: &&Remark| remark.line < 1 || !files.files.iter().any(|file| file.path == remark.path);
        match new.remarks.iter().find(foreign) {
            Some(remark) if files.complete => {
                let why = format!("{number} does not change line {} of {}", remark.line, remark.path);
                Err(refused(why, "say it in the review's body"))
            }
            _ => Ok(()),
        }
    }
}

fn shown(row: review::CheckRow) -> Check {
    let state = match row.state.as_str() {
        "running" => CheckState::Running,
        "pass" => CheckState::Pass,
        "fail" => CheckState::Fail,
        _ => CheckState::Neutral,
    };
    Check { id: row.id, name: row.name, commit: row.commit_id, state, external_id: row.external_id, title: row.title }
}

fn state_name(state: CheckState) -> &'static str {
    match state {
        CheckState::Running => "running",
        CheckState::Pass => "pass",
        CheckState::Fail => "fail",
        CheckState::Neutral => "neutral",
    }
}
