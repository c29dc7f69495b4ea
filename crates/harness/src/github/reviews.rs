//! Reviews: what is said of a pull request, and what nobody may say of their own.

use serde_json::{Value, json};

use super::act::{Act, check_body};
use super::answer::{Answer, Outcome};
use super::caller::Right;
use super::changes::Side;
use super::pulls::NOUN;
use super::route::Turn;
use super::state::Review;

/// How a review stands that is not handed in.
const PENDING: &str = "PENDING";

impl Turn<'_> {
    /// The reviews of a pull request, the oldest first. What is not handed in only its author sees.
    pub(super) fn list_reviews(&self, word: &str, rest: &[&str]) -> Outcome {
        let number = self.pull_number(word)?;
        let (view, repo) = (self.view(), self.repo());
        let issue = &repo.issues[&number];
        let me = self.caller.author();
        let reviews = self.pull(number).reviews.iter();
        let reviews: Vec<_> = reviews.filter(|review| review.state != PENDING || review.author == me).collect();
        Ok(self.request.paged(&reviews, &self.here(rest), |review| view.review(repo, issue, review)))
    }

    /// Writes a review.
    pub(super) fn write_review(&mut self, word: &str) -> Outcome {
        let number = self.pull_number(word)?;
        self.may(&NOUN, Right::Write)?;
        let commit = self.request.text("commit_id").unwrap_or(&self.pull(number).head_sha).to_owned();
        let event = self.request.text("event").unwrap_or(PENDING).to_owned();
        let body = self.request.text("body").unwrap_or_default().to_owned();
        let remarks = self.request.body["comments"].as_array().cloned().unwrap_or_default();
        let repo = self.repo;
        let id = self.act().review(repo, number, &event, Words { commit, body, remarks })?;
        let (view, repo) = (self.view(), self.repo());
        let reviews = &self.pull(number).reviews;
        let review = reviews.iter().find(|review| review.id == id).ok_or_else(Answer::not_found)?;
        Ok(Answer::ok(view.review(repo, &repo.issues[&number], review)))
    }
}

/// What a review says, and of which commit.
#[derive(Debug, Clone)]
pub(super) struct Words {
    pub(super) commit: String,
    pub(super) body: String,
    pub(super) remarks: Vec<Value>,
}

impl Act<'_> {
    /// Writes a review; gives its id.
    pub(super) fn review(&mut self, repo: i64, number: i64, event: &str, words: Words) -> Result<i64, Answer> {
        check_body("PullRequestReview", &words.body)?;
        let author = self.issue(repo, number).author.login.clone();
        let own = author == self.by.login;
        let state = match event {
            "COMMENT" => "COMMENTED",
            "APPROVE" if own => return Err(Answer::unprocessable("Can not approve your own pull request")),
            "APPROVE" => "APPROVED",
            "REQUEST_CHANGES" if own => {
                return Err(Answer::unprocessable("Can not request changes on your own pull request"));
            }
            "REQUEST_CHANGES" => "CHANGES_REQUESTED",
            PENDING => PENDING,
            _ => return Err(Answer::invalid("PullRequestReview", "event", "invalid")),
        };
        let silent = words.body.trim().is_empty() && words.remarks.is_empty();
        if silent && matches!(event, "COMMENT" | "REQUEST_CHANGES") {
            return Err(Answer::unprocessable("Body can not be blank"));
        }
        self.check_remarks(repo, number, &words)?;
        let (id, author, at) = (self.state.id(), self.by.clone(), self.now);
        self.state.user(&author.login);
        let Words { commit, body, remarks } = words;
        let review = Review { id, author, body, state, commit, at, remarks };
        self.issue(repo, number).pull.as_mut().expect("it is a pull request").reviews.push(review.clone());
        self.touch(repo, number);
        if state != PENDING {
            self.tell_review("submitted", repo, number, &review);
        }
        Ok(id)
    }

    /// Takes what a review decided out of the count; panics when it decided nothing.
    pub(super) fn dismiss(&mut self, repo: i64, number: i64, id: i64, why: &str) {
        let reviews = &mut self.issue(repo, number).pull.as_mut().expect("it is a pull request").reviews;
        let review = reviews.iter_mut().find(|review| review.id == id).expect("a review with this id");
        assert!(["APPROVED", "CHANGES_REQUESTED"].contains(&review.state), "{id} decides nothing");
        let before = std::mem::replace(&mut review.state, "DISMISSED").to_lowercase();
        let review = review.clone();
        let dismissed = json!({"state": before, "review_id": id, "dismissal_message": why});
        self.happened(repo, number, "review_dismissed", json!({"dismissed_review": dismissed}));
        self.touch(repo, number);
        self.tell_review("dismissed", repo, number, &review);
    }

    fn tell_review(&mut self, action: &'static str, repo: i64, number: i64, review: &Review) {
        let view = self.view();
        let store = &view.state.repos[&repo];
        let issue = &store.issues[&number];
        let pull = issue.pull.as_ref().expect("it is a pull request");
        let mut shown = view.review(store, issue, review);
        // A webhook has the word in small letters.
        shown["state"] = review.state.to_lowercase().into();
        let payload = json!({"review": shown, "pull_request": view.simple_pull(store, issue, pull)});
        self.tell("pull_request_review", Some(action), repo, payload);
    }

    /// Whether the commit is there and every remark is on a line that the difference shows.
    fn check_remarks(&mut self, repo: i64, number: i64, words: &Words) -> Result<(), Answer> {
        let store = self.state.repo(repo);
        let pull = store.issues[&number].pull.as_ref().expect("it is a pull request");
        if store.git.commit(&words.commit).is_none() {
            let message = "The commit_id is not part of the pull request";
            return Err(Answer::unprocessable(message));
        }
        if words.remarks.is_empty() {
            return Ok(());
        }
        let changes = store.git.changes(&pull.base_tip, &words.commit);
        for remark in &words.remarks {
            let path = remark["path"].as_str().unwrap_or_default();
            let change = changes.iter().find(|change| change.path == path);
            let change = change.ok_or_else(|| Answer::unprocessable("Path could not be resolved"))?;
            let side = if remark["side"] == "LEFT" { Side::Left } else { Side::Right };
            let line = remark["line"].as_i64();
            if remark["position"].is_null() && !line.is_some_and(|line| change.shows(line, side)) {
                return Err(Answer::unprocessable("Line could not be resolved"));
            }
        }
        Ok(())
    }
}
