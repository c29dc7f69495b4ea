//! Reviews and checks: what is said of a commit.

use domain::time::Time;
use store::local::{event, issue, pull, review};

use crate::git::Commit;
use crate::local::act::{No, act, read};
use crate::local::branches::of_git;
use crate::local::issue::held;
use crate::local::{Local, account, bounds, gone, refused};
use crate::{AccountKind, Check, CheckState, Fault, NewCheck, NewReview, Remark, Review, ReviewState};

/// The most remarks of one review: more is not read by anybody.
const REMARKS_MAX: usize = 300;

/// The longest name, title or external id of a check, in characters: as long as those of files.
const CHECK_CHARS_MAX: usize = 255;

/// How many reviews of one pull request are told: what is read of GitHub at most.
const REVIEWS_MAX: usize = 1_000;

/// What a person decides by a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Comment,
    /// It may be merged.
    Approve,
    /// It must be changed first.
    RequestChanges,
}

impl Local {
    /// Writes a review that decides something, which only people do, and only of what others opened; gives its id. Who
    /// approves need not say more.
    pub async fn decide(&self, number: i64, new: &NewReview, decision: Decision) -> Result<i64, Fault> {
        self.reviewed(number, new, decision).await
    }

    /// What a review says of single lines.
    pub async fn remarks(&self, review: i64) -> Result<Vec<Remark>, Fault> {
        let remarks = read!(self, |tx| review::remarks(tx, self.name(), review))?;
        Ok(remarks.into_iter().map(|(path, line, body)| Remark { path, line, body }).collect())
    }

    /// What people said of a pull request by reviews, the latest first, so many at most.
    pub async fn reviews_of_people(&self, number: i64, most: i64) -> Result<Vec<Review>, Fault> {
        let rows = read!(self, |tx| review::of_people(tx, self.name(), number, most))?;
        Ok(rows.into_iter().map(handed_in).collect())
    }

    pub(super) async fn all_reviews(&self, number: i64) -> Result<Vec<Review>, Fault> {
        let most = i64::try_from(REVIEWS_MAX).unwrap_or(i64::MAX);
        let found = read!(self, |tx| async {
            let pull = pull::find(tx, self.name(), number).await?;
            let rows = review::list(tx, self.name(), number, most.saturating_add(1)).await?;
            Ok(pull.map(|_| rows))
        })?;
        let rows = found.ok_or_else(|| gone(format!("the pull request {number}")))?;
        if rows.len() > REVIEWS_MAX {
            let why = format!("{number} has more reviews than the {REVIEWS_MAX} that are read");
            return Err(refused(why, "open another pull request"));
        }
        Ok(rows.into_iter().map(handed_in).collect())
    }

    pub(super) async fn reviewed(&self, number: i64, new: &NewReview, decision: Decision) -> Result<i64, Fault> {
        match decision {
            Decision::Approve if new.body.trim().is_empty() => {}
            Decision::Comment | Decision::Approve | Decision::RequestChanges => bounds::said(&new.body)?,
        }
        if new.remarks.len() > REMARKS_MAX {
            let why = format!("the review has {} remarks, and {REMARKS_MAX} are the most", new.remarks.len());
            return Err(refused(why, "keep those that matter"));
        }
        new.remarks.iter().try_for_each(|remark| bounds::said(&remark.body))?;
        self.fit_to_review(number, new, decision).await?;
        let (state, what) = words(decision);
        act!(self, |tx| async {
            let was = held(tx, self.name(), number).await?;
            let id = store::local::next_id(tx, self.name()).await?;
            let row = review::New { author: self.who(), commit: &new.commit, body: &new.body, state };
            review::add(tx, self.name(), (id, number), row).await?;
            for (place, remark) in (0..).zip(&new.remarks) {
                review::remark(tx, self.name(), (id, place), (&remark.path, remark.line), &remark.body).await?;
            }
            issue::write(tx, self.name(), &was).await?;
            event::add(tx, self.name(), Some(number), self.who(), what, &new.commit).await?;
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

    /// Refuses a review of what is not in the pull request, and a decision of who has none there.
    async fn fit_to_review(&self, number: i64, new: &NewReview, decision: Decision) -> Result<(), Fault> {
        let pull = self.one_pull(number).await?;
        if decision != Decision::Comment && (self.me.kind != AccountKind::Person || self.me == pull.author) {
            let why = format!("{} decides nothing about {number}", self.me.login);
            return Err(refused(why, "let a person decide who did not open it, or comment on it"));
        }
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

fn handed_in(row: review::Row) -> Review {
    let state = match row.state.as_str() {
        "commented" => ReviewState::Commented,
        "approved" => ReviewState::Approved,
        "changes_requested" => ReviewState::ChangesRequested,
        "dismissed" => ReviewState::Dismissed,
        _ => ReviewState::Other,
    };
    Review {
        id: row.id,
        commit: Some(row.commit_id),
        state,
        body: row.body,
        author: account(&row.author, &row.author_kind),
        at: Time(row.created_at),
    }
}

/// How a decision is remembered, and what is told of it.
fn words(decision: Decision) -> (&'static str, &'static str) {
    match decision {
        Decision::Comment => ("commented", "reviewed"),
        Decision::Approve => ("approved", "approved"),
        Decision::RequestChanges => ("changes_requested", "changes requested"),
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
