//! Fires: a cloud Routine is started for a job that is due, by its API trigger, with the name of the job alone; the rest
//! it asks for over MCP.
//!
//! A start costs money and cannot be taken back, and there is no key under which it could be repeated. So it is written
//! down before it is asked for and asked for once. Of one whose end nobody knows, the job tells: where it is taken, the
//! question is settled; where it is not, an operator says.

use serde::{Deserialize, Serialize};

use crate::job::{Job, State as JobState};
use crate::refusal::{Code, Refusal};
use crate::time::{Span, Time};

/// How long a Routine that was started may take to claim its job before people are told.
pub const CLAIM_WITHIN: Span = Span::mins(30);

/// How long a start whose end is not known may take to show itself by a claim before people are asked.
pub const SHOW_WITHIN: Span = Span::mins(15);

/// The longest rest after a refusal, whatever its receiver asks for.
pub const REST_MAX: Span = Span::hours(24);

/// How long a Routine rests that was refused for a reason that does not pass by itself: its token, its address, a limit.
const REST: Span = Span::hours(1);

/// The longest pause between two tries at a receiver that was not reached.
const PAUSE_MAX: Span = Span::hours(1);

/// The largest answer that is read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The longest id or address of a session that is kept, in characters.
const SESSION_CHARS_MAX: usize = 500;

/// How often a Routine may be started in a day.
pub const PER_DAY_MAX: i64 = 1_000;

/// How a fire stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Asked for; nobody has heard how it ended.
    Sending,
    /// The Routine runs, and has not claimed the job.
    Started,
    /// It was not started, and is tried again after a rest.
    Refused,
    /// Nobody can tell whether it was started.
    Unknown,
    /// The job is not waiting any more: it was claimed, or is not due.
    Over,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Sending, Self::Started, Self::Refused, Self::Unknown, Self::Over];

    /// The state's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Started => "started",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Over => "over",
        }
    }

    /// Reads a state by its word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == text)
    }
}

/// One start of a Routine for one job at one due time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fire {
    /// Its id.
    pub id: String,
    /// The Routine, by the name it is configured with.
    pub routine: String,
    /// The job, which is all that the Routine is told.
    pub job: String,
    /// Since when the job is due.
    pub due_at: Time,
    /// The job's fencing token, which grows with each claim.
    pub fence: i64,
    /// How it stands.
    pub state: State,
    /// How often it was asked for.
    pub tries: i64,
    /// When it was last asked for.
    pub tried_at: Time,
    /// Before when its Routine is not to be asked again.
    pub rests_until: Time,
    /// The session that runs, by its receiver's own id and address; empty where it is not known.
    pub session: String,
    /// Where people look at the session.
    pub url: String,
    /// What last went wrong.
    pub error: String,
}

/// What a Routine's trigger answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It runs.
    Started {
        /// The session's id.
        session: String,
        /// Where people look at it.
        url: String,
    },
    /// Nothing was started.
    Refused {
        /// Why.
        why: String,
        /// When to come back, as its receiver says.
        after: Option<Span>,
        /// Whether it passes by itself, as a network's trouble does.
        passing: bool,
    },
    /// Nobody can tell.
    Unknown {
        /// Why.
        why: String,
    },
}

#[derive(Deserialize)]
struct Started {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "claude_code_session_id")]
    session: String,
    #[serde(rename = "claude_code_session_url", default)]
    url: String,
}

/// Reads what the trigger answered. Only a start that says so is one; what is neither that nor a refusal is not known.
pub fn read(status: u16, after: Option<Span>, body: &[u8]) -> Answer {
    match status {
        200..=299 => match serde_json::from_slice::<Started>(body) {
            Ok(started) if started.kind == "routine_fire" && is_line(&started.session) => {
                let url = Some(started.url).filter(|url| url.starts_with("https://") && is_line(url));
                Answer::Started { session: started.session, url: url.unwrap_or_default() }
            }
            Ok(_) | Err(_) => Answer::Unknown { why: format!("status {status} with an answer that is not a start") },
        },
        // Only a refusal that its receiver decided says that nothing was started.
        429 => Answer::Refused { why: "status 429: too many starts".to_owned(), after, passing: false },
        408 => Answer::Unknown { why: "status 408".to_owned() },
        300..=499 => Answer::Refused { why: format!("status {status}"), after, passing: false },
        other => Answer::Unknown { why: format!("status {other}") },
    }
}

fn is_line(text: &str) -> bool {
    (1..=SESSION_CHARS_MAX).contains(&text.chars().count())
        && !text.chars().any(|char| char.is_whitespace() || crate::id::is_unprintable(char))
}

/// What people are to be told of a fire, once each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// It was started and has not claimed its job.
    Silent,
    /// Nobody can tell whether it was started.
    Unknown,
}

impl Tell {
    /// The word under which it is told once.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a Routine is not started now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotNow {
    /// It was started as often as it may be today.
    Day,
    /// It rests until then.
    Rests(Time),
}

/// Whether a Routine may be started: it was `today` times, may be `per_day` times, and rests until `rests_until`.
pub fn may(today: i64, per_day: i64, rests_until: Time, now: Time) -> Result<(), NotNow> {
    if now < rests_until {
        return Err(NotNow::Rests(rests_until));
    }
    if today < per_day { Ok(()) } else { Err(NotNow::Day) }
}

impl Fire {
    /// A fire for a job that waits, asked for now for the first time; none where it does not wait.
    pub fn begin(id: String, routine: &str, job: &Job, now: Time) -> Option<Self> {
        let due_at = job.next_run_at.filter(|due| *due <= now && job.state == JobState::Ready)?;
        Some(Self {
            id,
            routine: routine.to_owned(),
            job: job.name.clone(),
            due_at,
            fence: job.fencing_token,
            state: State::Sending,
            tries: 1,
            tried_at: now,
            rests_until: Time(0),
            session: String::new(),
            url: String::new(),
            error: String::new(),
        })
    }

    /// The same asked for once more, by whichever Routine; none unless it is known that it was not started.
    pub fn again(self, routine: &str, now: Time) -> Option<Self> {
        match self.state {
            State::Refused => Some(Self {
                routine: routine.to_owned(),
                state: State::Sending,
                tries: self.tries.saturating_add(1),
                tried_at: now,
                ..self
            }),
            State::Sending | State::Started | State::Unknown | State::Over => None,
        }
    }

    /// The same with what its receiver answered.
    pub fn answered(self, answer: Answer, now: Time) -> Self {
        match answer {
            Answer::Started { session, url } => {
                Self { state: State::Started, session, url, error: String::new(), ..self }
            }
            Answer::Refused { why, after, passing } => {
                let doubled = Span::mins(1 << (self.tries - 1).clamp(0, 6)).min(PAUSE_MAX);
                let rest = after.unwrap_or(if passing { doubled } else { REST }).min(REST_MAX);
                Self { state: State::Refused, rests_until: now + rest, error: why, ..self }
            }
            Answer::Unknown { why } => Self { state: State::Unknown, error: why, ..self },
        }
    }

    /// The same whose asker is gone: nobody heard how it ended.
    pub fn orphaned(self) -> Self {
        match self.state {
            State::Sending => {
                Self { state: State::Unknown, error: "the server stopped before it was answered".to_owned(), ..self }
            }
            State::Started | State::Refused | State::Unknown | State::Over => self,
        }
    }

    /// Looks at the job: where it does not wait any more as it did, the fire is over; where it waits too long, people are
    /// told.
    pub fn look(self, job: Option<&Job>, now: Time) -> (Self, Option<Tell>) {
        let waits = job.is_some_and(|job| {
            matches!(job.state, JobState::Ready | JobState::Waiting)
                && job.next_run_at == Some(self.due_at)
                && job.fencing_token == self.fence
        });
        if !waits {
            return (Self { state: State::Over, ..self }, None);
        }
        let tell = match self.state {
            State::Started => (now >= self.tried_at + CLAIM_WITHIN).then_some(Tell::Silent),
            State::Unknown => (now >= self.tried_at + SHOW_WITHIN).then_some(Tell::Unknown),
            State::Sending | State::Refused | State::Over => None,
        };
        (self, tell)
    }

    /// The same, of which an operator says whether it was started.
    pub fn release(self, started: bool) -> Result<Self, Refusal> {
        match self.state {
            State::Unknown if started => Ok(Self { state: State::Started, ..self }),
            State::Unknown => Ok(Self { state: State::Refused, ..self }),
            State::Sending | State::Started | State::Refused | State::Over => {
                Err(Refusal::new(Code::WrongState, format!("that start is {}, and nobody asks", self.state.name()))
                    .hint("see gapwright routines fires"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Register;

    fn fire(state: State) -> Fire {
        Fire { state, ..Fire::begin("f".into(), "cloud", &job(), Time(10)).expect("it waits") }
    }

    fn job() -> Job {
        let new = Register {
            name: "j".into(),
            kind: "k".into(),
            interval: None,
            payload: None,
            next_run_at: Some(Time(5)),
            priority: 0,
            max_attempts: None,
            created_by: "t".into(),
            gap: None,
            pull: None,
        };
        Job { state: JobState::Ready, ..Job::register(new, 3, Time(0)) }
    }

    #[test]
    fn only_what_says_that_it_started_did_and_only_a_refusal_did_not() {
        let good = br#"{"type":"routine_fire","claude_code_session_id":"s_1","claude_code_session_url":"https://claude.ai/code/s_1"}"#;
        let started = |url: &str| Answer::Started { session: "s_1".into(), url: url.into() };
        assert_eq!(read(200, None, good), started("https://claude.ai/code/s_1"));
        assert_eq!(read(202, None, br#"{"type":"routine_fire","claude_code_session_id":"s_1"}"#), started(""));
        let sly = br#"{"type":"routine_fire","claude_code_session_id":"s_1","claude_code_session_url":"javascript:alert(1)"}"#;
        assert_eq!(read(200, None, sly), started(""));
        for body in [&b""[..], b"<html>log in</html>", b"{}", br#"{"type":"x","claude_code_session_id":"s"}"#] {
            assert!(matches!(read(200, None, body), Answer::Unknown { .. }), "{body:?}");
        }
        let two_lines = br#"{"type":"routine_fire","claude_code_session_id":"a\nb"}"#;
        assert!(matches!(read(200, None, two_lines), Answer::Unknown { .. }));
        for status in [301, 400, 401, 403, 404, 422, 429] {
            assert!(matches!(read(status, None, b""), Answer::Refused { passing: false, .. }), "{status}");
        }
        for status in [100, 408, 500, 502, 503, 504, 529, 600] {
            assert!(matches!(read(status, None, b""), Answer::Unknown { .. }), "{status}");
        }
    }

    #[test]
    fn a_refusal_rests_as_long_as_its_receiver_says_but_no_longer_than_a_day() {
        let rest = |after, passing, tries| {
            let asked = Fire { tries, ..fire(State::Sending) };
            asked.answered(Answer::Refused { why: "no".into(), after, passing }, Time(0)).rests_until
        };
        assert_eq!(rest(Some(Span::secs(90)), false, 1), Time(90_000));
        assert_eq!(rest(Some(Span::days(9)), false, 1), Time(0) + REST_MAX);
        assert_eq!(rest(None, false, 1), Time(0) + REST);
        assert_eq!([1, 2, 3, 99].map(|tries| rest(None, true, tries).0 / 60_000), [1, 2, 4, 60]);
    }

    #[test]
    fn nothing_is_asked_for_twice_unless_it_is_known_not_to_have_started() {
        for state in State::ALL {
            let again = fire(state).again("other", Time(20));
            assert_eq!(again.is_some(), state == State::Refused, "{state:?}");
            assert_eq!(State::parse(state.name()), Some(state));
        }
        let again = fire(State::Refused).again("other", Time(20)).expect("once more");
        assert_eq!((again.tries, again.tried_at, again.routine.as_str()), (2, Time(20), "other"));
        assert_eq!(fire(State::Sending).orphaned().state, State::Unknown);
        assert_eq!(fire(State::Refused).orphaned().state, State::Refused);
    }

    #[test]
    fn a_claim_settles_it_and_silence_is_told() {
        let late = Time(10) + CLAIM_WITHIN;
        let ask = Time(10) + SHOW_WITHIN;
        for (state, now, tell) in [
            (State::Started, late - Span(1), None),
            (State::Started, late, Some(Tell::Silent)),
            (State::Unknown, ask - Span(1), None),
            (State::Unknown, ask, Some(Tell::Unknown)),
            (State::Refused, late, None),
            (State::Sending, late, None),
        ] {
            let (seen, told) = fire(state).look(Some(&job()), now);
            assert_eq!((seen.state, told), (state, tell), "{state:?} at {now}");
        }
        let moved = Job { next_run_at: Some(Time(6)), ..job() };
        let idle = Job { state: JobState::Idle, ..job() };
        let claimed_since = Job { fencing_token: 4, ..job() };
        for other in [None, Some(&moved), Some(&idle), Some(&claimed_since)] {
            for state in State::ALL {
                assert_eq!(fire(state).look(other, late), (fire(State::Over), None), "{state:?}");
            }
        }
    }

    #[test]
    fn what_does_not_wait_starts_nothing() {
        let begin = |job: &Job, now| Fire::begin("f".into(), "cloud", job, now).is_some();
        assert!(begin(&job(), Time(5)));
        assert!(!begin(&job(), Time(4)), "it is not due");
        assert!(!begin(&Job { state: JobState::Dead, ..job() }, Time(5)));
        assert!(!begin(&Job { next_run_at: None, ..job() }, Time(5)));
    }

    #[test]
    fn an_operator_says_only_what_nobody_knows() {
        assert_eq!(fire(State::Unknown).release(true).map(|fire| fire.state), Ok(State::Started));
        assert_eq!(fire(State::Unknown).release(false).map(|fire| fire.state), Ok(State::Refused));
        for state in State::ALL.into_iter().filter(|state| *state != State::Unknown) {
            assert_eq!(fire(state).release(true).map_err(|no| no.code), Err(Code::WrongState));
        }
    }

    #[test]
    fn a_routine_is_started_so_often_a_day_and_not_while_it_rests() {
        assert_eq!(may(4, 5, Time(0), Time(9)), Ok(()));
        assert_eq!(may(5, 5, Time(0), Time(9)), Err(NotNow::Day));
        assert_eq!(may(0, 5, Time(10), Time(9)), Err(NotNow::Rests(Time(10))));
        assert_eq!(may(0, 5, Time(9), Time(9)), Ok(()));
    }
}
