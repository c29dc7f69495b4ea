//! Check-ins: a Routine says that it began and that it ended, so that silence can be noticed.
//!
//! A run that went green may still have done nothing; only the Routine itself can say that it got to its end.

use serde::{Deserialize, Serialize};

use crate::agent::{Principal, Role};
use crate::refusal::{Code, Refusal};
use crate::time::{Span, Time};

/// The name under which our own heartbeat checks in. Anybody else's word for it would hide that it is silent.
pub const HEARTBEAT: &str = "agent-mcp-heartbeat";

/// Refuses to let anybody but ourselves and operators check in as the heartbeat.
pub fn reserve(routine: &str, by: &Principal) -> Result<(), Refusal> {
    if routine != HEARTBEAT || by.role == Role::Operator {
        return Ok(());
    }
    Err(Refusal::new(Code::Forbidden, format!("{HEARTBEAT} is the service's own"))
        .field("routine")
        .hint("check in under the name of your own Routine"))
}

/// Which end of its run a Routine is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It has begun.
    Start,
    /// It got to its end.
    End,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 2] = [Self::Start, Self::End];

    /// The phase as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
        }
    }

    /// Reads a phase by its name.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::ALL.into_iter().find(|phase| phase.name() == text).ok_or_else(|| {
            Refusal::invalid("phase", format!("there is no phase {text:?}"))
                .hint("check in with start first and with end last")
        })
    }
}

/// What is known of a Routine that checks in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routine {
    /// Its name.
    pub name: String,
    /// How often it is to end; none when nobody expects it.
    pub every: Option<Span>,
    /// How much later is still in time.
    pub grace: Span,
    /// Since when it is expected, or first seen.
    pub since: Time,
    /// When it last began.
    pub started_at: Option<Time>,
    /// When it last ended.
    pub ended_at: Option<Time>,
    /// When its silence was told.
    pub told_at: Option<Time>,
}

/// What is to be done about a Routine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// In time, or told already.
    Quiet,
    /// Silent too long: tell it, once.
    TellLate,
    /// It was told to be silent and is back: tell it, once.
    TellBack,
}

impl Routine {
    /// The moment after which its silence counts.
    pub fn late_after(&self) -> Option<Time> {
        self.every.map(|every| self.ended_at.unwrap_or(self.since).max(self.since) + every + self.grace)
    }

    /// Whether it is late at `now`.
    pub fn late(&self, now: Time) -> bool {
        self.late_after().is_some_and(|moment| now > moment)
    }

    /// What is to be told at `now`.
    pub fn judge(&self, now: Time) -> Verdict {
        match (self.late(now), self.told_at) {
            (true, None) => Verdict::TellLate,
            (false, Some(_)) => Verdict::TellBack,
            (true, Some(_)) | (false, None) => Verdict::Quiet,
        }
    }

    /// The Routine after it checked in.
    pub fn check_in(self, phase: Phase, now: Time) -> Self {
        match phase {
            Phase::Start => Self { started_at: Some(now), ..self },
            Phase::End => Self { ended_at: Some(now), ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_once_and_so_is_the_return() {
        let mut routine = Routine {
            name: "digest".into(),
            every: Some(Span(100)),
            grace: Span(10),
            since: Time(0),
            started_at: None,
            ended_at: None,
            told_at: None,
        };
        assert_eq!((routine.judge(Time(110)), routine.judge(Time(111))), (Verdict::Quiet, Verdict::TellLate));
        routine.told_at = Some(Time(111));
        assert_eq!(routine.judge(Time(112)), Verdict::Quiet);
        routine = routine.check_in(Phase::Start, Time(113));
        assert_eq!(routine.judge(Time(114)), Verdict::Quiet, "begun is not ended");
        routine = routine.check_in(Phase::End, Time(115));
        assert_eq!(routine.judge(Time(116)), Verdict::TellBack);
        routine.told_at = None;
        assert_eq!((routine.judge(Time(225)), routine.judge(Time(226))), (Verdict::Quiet, Verdict::TellLate));
        routine.every = None;
        assert_eq!(routine.judge(Time(1_000_000)), Verdict::Quiet);
    }
}
