//! Statuses of a commit: what stands for our check where we have a token, and how many programs tell of their tests.
//! GitHub keeps no id of ours for them, and knows no word for a check that says neither.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::Inner;
use super::answer::shape;
use super::ask::Reach;
use super::call::About;
use super::route;
use crate::{Check, CheckState, Fault, NewCheck};

/// A thousand of one commit, those that were said before the latest among them.
const REACH: Reach = Reach { page: 100, pages_max: 10 };

/// The longest description that GitHub takes, in characters.
const DESCRIPTION_CHARS_MAX: usize = 140;

/// A character that takes more bytes than these is none that GitHub takes in a description.
const CHAR_BYTES_MAX: usize = 3;

#[derive(Deserialize)]
struct Found {
    id: i64,
    state: String,
    context: String,
    #[serde(default)]
    description: Option<String>,
}

#[derive(Serialize)]
struct New<'a> {
    state: &'static str,
    context: &'a str,
    description: String,
}

impl Found {
    fn check(self, commit: &str) -> Check {
        Check {
            id: self.id,
            name: self.context,
            commit: commit.to_owned(),
            state: state(&self.state),
            external_id: String::new(),
            title: self.description.unwrap_or_default(),
        }
    }
}

impl Inner {
    pub(super) async fn put_status(&self, new: &NewCheck) -> Result<Check, Fault> {
        let body = New { state: word(new.state), context: &new.name, description: description(&new.title) };
        let about = About::Commit(new.commit.clone());
        let call = self.call(&route::PUT_STATUS, &[&new.commit], about)?.body(&body)?;
        let answer = self.ask(&call).await?;
        Ok(shape::<Found>(&call, &answer)?.check(&new.commit))
    }

    /// The latest status of each context.
    pub(super) async fn statuses(&self, commit: &str) -> Result<Vec<Check>, Fault> {
        let call = self.call(&route::STATUSES_OF, &[commit], About::Commit(commit.to_owned()))?;
        let found = self.pages(call, REACH, |page: Vec<Found>| page).await?.whole("statuses of one commit")?;
        // The latest is the first of its context, and two contexts that differ in case only are one. What is put while
        // the pages are read moves the others back, where they are met once more and not missed.
        let mut met = HashSet::new();
        let latest = found.into_iter().filter(|found| met.insert(found.context.to_lowercase()));
        Ok(latest.map(|found| found.check(commit)).collect())
    }
}

/// A title as GitHub takes it.
fn description(title: &str) -> String {
    let taken = |sign: char| if sign.len_utf8() > CHAR_BYTES_MAX { char::REPLACEMENT_CHARACTER } else { sign };
    title.chars().take(DESCRIPTION_CHARS_MAX).map(taken).collect()
}

/// How a check stands, in GitHub's words. What is pending never passes where the status is required.
fn word(state: CheckState) -> &'static str {
    match state {
        CheckState::Running | CheckState::Neutral => "pending",
        CheckState::Pass => "success",
        CheckState::Fail => "failure",
    }
}

fn state(word: &str) -> CheckState {
    match word {
        "success" => CheckState::Pass,
        "failure" | "error" => CheckState::Fail,
        "pending" => CheckState::Running,
        _ => CheckState::Neutral,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_pass_is_a_success_and_words_that_are_not_known_pass_nothing() {
        for (stands, said, shown) in [
            (CheckState::Running, "pending", CheckState::Running),
            (CheckState::Pass, "success", CheckState::Pass),
            (CheckState::Fail, "failure", CheckState::Fail),
            (CheckState::Neutral, "pending", CheckState::Running),
        ] {
            assert_eq!((word(stands), state(word(stands))), (said, shown));
        }
        assert_eq!(state("error"), CheckState::Fail);
        for unknown in ["", "splendid", "SUCCESS", "success "] {
            assert_eq!(state(unknown), CheckState::Neutral, "{unknown}");
        }
    }

    #[test]
    fn a_description_is_the_beginning_of_the_title_in_signs_that_github_takes() {
        for (title, written) in [
            (String::new(), String::new()),
            ("é".repeat(140), "é".repeat(140)),
            ("é".repeat(141), "é".repeat(140)),
            (format!("{}é\u{1f980}!", "€".repeat(138)), format!("{}é\u{fffd}", "€".repeat(138))),
        ] {
            assert_eq!(description(&title), written, "{title}");
        }
    }
}
