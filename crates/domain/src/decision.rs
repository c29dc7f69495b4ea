//! Decisions: a question of an agent to people, with a few answers to choose from.
//!
//! Whoever asks gives its job back and waits for nothing; the answer reaches the next attempt. What nobody answers in time
//! expires, and the next attempt is told so.

use serde::{Deserialize, Serialize};

use crate::id;
use crate::refusal::{Code, Refusal};
use crate::time::{Span, Time};

/// How long a question stands.
pub const LIFE: Span = Span::hours(24);

/// How many answers there are to choose from.
pub const OPTIONS: (usize, usize) = (2, 4);

/// The longest question, in characters.
pub const QUESTION_CHARS_MAX: usize = 1_000;

/// The longest answer to choose, in characters.
pub const OPTION_CHARS_MAX: usize = 200;

/// How a question stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has answered yet.
    Open,
    /// Somebody answered.
    Answered {
        /// Which answer, from 1.
        option: i64,
        /// Who.
        by: String,
        /// When.
        at: Time,
    },
    /// Nobody answered in time.
    Expired,
}

/// A question to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Its id.
    pub id: String,
    /// The job that asks.
    pub job: String,
    /// The pull request that it is about.
    pub pull: Option<String>,
    /// Who asks.
    pub principal: String,
    /// The question.
    pub question: String,
    /// The answers to choose from; the first is recommended.
    pub options: Vec<String>,
    /// When it was asked.
    pub asked_at: Time,
    /// Until when it can be answered.
    pub expires_at: Time,
    /// How it stands.
    pub state: State,
}

/// The link by which whoever has it may answer a question. What opens it stands behind the `#`, which a browser keeps to
/// itself: it is in no request, no log and no preview of the link.
pub fn link(public_url: &str, id: &str, key: &str) -> String {
    format!("{}/decisions/{id}#{key}", public_url.trim_end_matches('/'))
}

/// Checks a question and its answers.
pub fn check(question: &str, options: &[String]) -> Result<(), Refusal> {
    line("question", question, QUESTION_CHARS_MAX)?;
    let (min, max) = OPTIONS;
    if !(min..=max).contains(&options.len()) {
        return Err(Refusal::invalid("options", format!("there are {} options", options.len()))
            .hint(format!("give {min} to {max}, the one that you recommend first")));
    }
    for (at, option) in options.iter().enumerate() {
        line("options", option, OPTION_CHARS_MAX)?;
        if options[..at].contains(option) {
            return Err(Refusal::invalid("options", "two options are the same").hint("let each say something else"));
        }
    }
    Ok(())
}

fn line(field: &'static str, text: &str, chars_max: usize) -> Result<(), Refusal> {
    let chars = text.chars().count();
    if text.trim().is_empty() || chars > chars_max || text.chars().any(id::is_unprintable) {
        return Err(Refusal::invalid(field, format!("{field} is no line of 1 to {chars_max} characters"))
            .hint("write one line of plain text"));
    }
    if let Some(found) = crate::secret::find(text).first() {
        return Err(Refusal::invalid(field, format!("{field} has what looks like {}", found.what))
            .hint("take it out: what you ask is sent to people by message"));
    }
    Ok(())
}

impl Decision {
    /// The same with an answer. The same answer twice is one answer; another one is refused.
    pub fn answer(self, option: i64, by: &str, now: Time) -> Result<Self, Refusal> {
        let count = i64::try_from(self.options.len()).unwrap_or(0);
        if !(1..=count).contains(&option) {
            return Err(
                Refusal::invalid("option", format!("there is no option {option}")).hint(format!("give 1 to {count}"))
            );
        }
        match &self.state {
            State::Answered { option: given, .. } if *given == option => Ok(self),
            State::Answered { option: given, by, .. } => {
                Err(Refusal::new(Code::WrongState, format!("{by} answered before, with option {given}"))
                    .hint("the first answer stands"))
            }
            State::Open if now < self.expires_at => {
                Ok(Self { state: State::Answered { option, by: by.to_owned(), at: now }, ..self })
            }
            State::Open | State::Expired => {
                Err(Refusal::new(Code::WrongState, format!("the question expired at {}", self.expires_at))
                    .hint("if it still matters, the agent asks again"))
            }
        }
    }

    /// The same when its time is up.
    pub fn expire(self, now: Time) -> Self {
        match self.state {
            State::Open if now >= self.expires_at => Self { state: State::Expired, ..self },
            State::Open | State::Answered { .. } | State::Expired => self,
        }
    }

    /// The answer that was chosen.
    pub fn chosen(&self) -> Option<&str> {
        match &self.state {
            State::Answered { option, .. } => self.options.get(usize::try_from(option - 1).ok()?).map(String::as_str),
            State::Open | State::Expired => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Decision {
        Decision {
            id: "d".into(),
            job: "j".into(),
            pull: None,
            principal: "p".into(),
            question: "which?".into(),
            options: vec!["a".into(), "b".into()],
            asked_at: Time(0),
            expires_at: Time(0) + LIFE,
            state: State::Open,
        }
    }

    #[test]
    fn a_question_has_two_to_four_different_answers_of_a_line() {
        let options = |options: &[&str]| options.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        for (question, answers, good) in [
            ("which?", options(&["a", "b"]), true),
            ("which?", options(&["a", "b", "c", "d"]), true),
            ("which?", options(&["a"]), false),
            ("which?", options(&["a", "b", "c", "d", "e"]), false),
            ("which?", options(&["a", "a"]), false),
            ("which?", options(&["a", " "]), false),
            ("", options(&["a", "b"]), false),
            ("two\nlines", options(&["a", "b"]), false),
            ("hid\u{202e}den", options(&["a", "b"]), false),
        ] {
            assert_eq!(check(question, &answers).is_ok(), good, "{question:?} {answers:?}");
        }
    }

    #[test]
    fn what_opens_a_link_is_no_part_of_its_address() {
        let link = link("https://gapwright.example.com/x/", "d", "0a1b");
        assert_eq!(link, "https://gapwright.example.com/x/decisions/d#0a1b");
    }

    #[test]
    fn the_first_answer_stands_and_twice_is_once() {
        let answered = asked().answer(2, "joan", Time(5)).expect("answered");
        assert_eq!(answered.chosen(), Some("b"));
        assert_eq!(answered.clone().answer(2, "mary", Time(6)), Ok(answered.clone()));
        assert_eq!(answered.answer(1, "mary", Time(6)).map_err(|no| no.code), Err(Code::WrongState));
        for option in [0, 3, -1, i64::MAX] {
            assert_eq!(asked().answer(option, "joan", Time(5)).map_err(|no| no.code), Err(Code::InvalidArgument));
        }
    }

    #[test]
    fn what_nobody_answers_in_time_expires() {
        let late = Time(0) + LIFE;
        assert_eq!(asked().expire(late - Span(1)).state, State::Open);
        assert_eq!(asked().expire(late).state, State::Expired);
        assert!(asked().answer(1, "joan", late).is_err());
        let answered = asked().answer(1, "joan", Time(5)).expect("answered");
        assert_eq!(answered.clone().expire(late), answered);
    }
}
