//! Reviews of a pull request: read, whoever wrote them, and written, where ours decide nothing.
//!
//! GitHub takes no remark on a line that its own difference does not show, such as one of a file that is gone or has another
//! name, and then nothing of the review. What it has to say is said all the same, in the review's own words.

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use super::Inner;
use super::answer::{Moment, User, account, shape};
use super::ask::Reach;
use super::call::About;
use super::route;
use crate::{Account, Fault, NewReview, Remark, Review, ReviewState};

/// Some thousand reviews. A page has so few that one of the longest is still read whole.
const REACH: Reach = Reach { page: 30, pages_max: 34 };

/// The longest text of a review or a remark, in characters: GitHub takes 65,536.
const BODY_CHARS_MAX: usize = 65_000;

#[derive(Deserialize)]
struct Found {
    id: i64,
    user: Option<User>,
    #[serde(default)]
    body: Option<String>,
    state: String,
    #[serde(default)]
    commit_id: Option<String>,
    /// Not there while it is not handed in.
    #[serde(default)]
    submitted_at: Option<Moment>,
}

#[derive(Deserialize)]
struct Written {
    id: i64,
}

#[derive(Serialize)]
struct New<'a> {
    commit_id: &'a str,
    body: &'a str,
    event: &'static str,
    comments: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    line: i64,
    side: &'static str,
    body: &'a str,
}

impl Found {
    /// None while it is not handed in.
    fn review(self, me: &Account) -> Option<Review> {
        let state = match self.state.as_str() {
            "PENDING" => return None,
            "COMMENTED" => ReviewState::Commented,
            "APPROVED" => ReviewState::Approved,
            "CHANGES_REQUESTED" => ReviewState::ChangesRequested,
            "DISMISSED" => ReviewState::Dismissed,
            _ => ReviewState::Other,
        };
        Some(Review {
            id: self.id,
            commit: self.commit_id,
            state,
            body: self.body.unwrap_or_default(),
            author: account(self.user, me),
            at: self.submitted_at?.0,
        })
    }
}

impl Inner {
    pub(super) async fn reviews(&self, number: i64) -> Result<Vec<Review>, Fault> {
        let me = self.me().await?;
        let call = self.call(&route::REVIEWS, &[&number.to_string()], About::Pull(number))?;
        let found = self.pages(call, REACH, |page: Vec<Found>| page).await?.whole("reviews of one pull request")?;
        let mut reviews: Vec<_> = found.into_iter().filter_map(|found| found.review(&me)).collect();
        reviews.sort_by_key(|review| (review.at, review.id));
        reviews.dedup_by_key(|review| review.id);
        Ok(reviews)
    }

    /// Writes a review. One that GitHub refuses for its remarks was certainly not written, and is sent once more without them.
    pub(super) async fn review(&self, number: i64, new: &NewReview) -> Result<i64, Fault> {
        // A remark does not say of which side it is, and nearly all are of the new one.
        let remarks = new.remarks.iter();
        let lines =
            remarks.map(|Remark { path, line, body }| Line { path, line: *line, side: "RIGHT", body: cut(body) });
        let review = New { commit_id: &new.commit, body: cut(&new.body), event: "COMMENT", comments: lines.collect() };
        let call = self.call(&route::REVIEW, &[&number.to_string()], About::Pull(number))?.body(&review)?;
        let answer = self.exchange(&call).await?;
        if answer.status == StatusCode::UNPROCESSABLE_ENTITY && !new.remarks.is_empty() {
            let body = in_words(new);
            let review = New { commit_id: &new.commit, body: cut(&body), event: "COMMENT", comments: Vec::new() };
            let call = self.call(&route::REVIEW, &[&number.to_string()], About::Pull(number))?.body(&review)?;
            let answer = self.ask(&call).await?;
            return Ok(shape::<Written>(&call, &answer)?.id);
        }
        if !answer.status.is_success() {
            return Err(self.refusal(&call, &answer).await);
        }
        Ok(shape::<Written>(&call, &answer)?.id)
    }
}

/// The review with its remarks in its own words.
fn in_words(new: &NewReview) -> String {
    let remarks = new.remarks.iter().map(|Remark { path, line, body }| format!("{path}:{line}: {body}"));
    let all: Vec<_> = [new.body.clone()].into_iter().filter(|body| !body.is_empty()).chain(remarks).collect();
    all.join("\n\n")
}

/// As much of a text as GitHub takes.
fn cut(text: &str) -> &str {
    text.char_indices().nth(BODY_CHARS_MAX).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AccountKind;

    #[test]
    fn a_review_in_words_says_every_remark_with_its_place_and_is_cut_between_characters() {
        let remark = |line, body: &str| Remark { path: "src/a.rs".to_owned(), line, body: body.to_owned() };
        let remarks = vec![remark(2, "it panics"), remark(7, "so does this")];
        let new = NewReview { commit: "c".to_owned(), body: "read it".to_owned(), remarks };
        assert_eq!(in_words(&new), "read it\n\nsrc/a.rs:2: it panics\n\nsrc/a.rs:7: so does this");
        let long = "é".repeat(BODY_CHARS_MAX + 1);
        assert_eq!(cut(&long).chars().count(), BODY_CHARS_MAX);
        assert_eq!(cut("short"), "short");
    }

    #[test]
    fn what_is_not_handed_in_is_no_review_and_a_word_that_is_not_known_approves_nothing() {
        let me = Account { id: "1".to_owned(), login: "us".to_owned(), kind: AccountKind::Us };
        let at = r#", "submitted_at": "2026-11-22T08:00:00Z""#;
        for (word, at, state) in [
            ("COMMENTED", at, Some(ReviewState::Commented)),
            ("APPROVED", at, Some(ReviewState::Approved)),
            ("CHANGES_REQUESTED", at, Some(ReviewState::ChangesRequested)),
            ("DISMISSED", at, Some(ReviewState::Dismissed)),
            ("APPROVED_BY_MAGIC", at, Some(ReviewState::Other)),
            ("approved", at, Some(ReviewState::Other)),
            ("PENDING", at, None),
            ("PENDING", "", None),
            ("APPROVED", "", None),
        ] {
            let json = format!(r#"{{"id": 7, "user": null, "body": null, "state": "{word}", "commit_id": null{at}}}"#);
            let review = serde_json::from_str::<Found>(&json).expect("a review").review(&me);
            assert_eq!(review.as_ref().map(|review| review.state), state, "{json}");
            assert!(review.is_none_or(|review| review.commit.is_none() && review.author.login == "ghost"), "{json}");
        }
    }
}
