//! Scheduled jobs: work of our own that rings by a cadence and runs in this process.
//!
//! Each due time gets one run. A run that was killed is taken up again for the same due time; due times that passed
//! while nobody was there are rung by one run together.

use crate::schedule::{Cadence, Ring};
use crate::time::{Span, Time};

/// A scheduled job as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// Its name, which is also its handler's.
    pub name: String,
    /// When it rings, as configured.
    pub cadence: String,
    /// When it rings next; none when it never does.
    pub next_run_at: Option<Time>,
    /// The run under way.
    pub hold: Option<Hold>,
}

/// A run under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The run's id.
    pub run_id: String,
    /// The due time it is for.
    pub due_at: Time,
    /// The replica that runs it.
    pub replica: String,
    /// Since when.
    pub since: Time,
    /// When others may take it up again.
    pub expires_at: Time,
    /// Which try at this due time it is, from 1.
    pub attempt: i64,
    /// How many due times before this one it also stands for.
    pub missed: u32,
}

/// Tries at one due time before it is given up, so that a run that kills its process does not do so for ever.
pub const ATTEMPTS_MAX: i64 = 3;

/// Why nothing is to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotNow {
    /// It is not due.
    NotDue,
    /// Somebody runs it.
    Held,
}

/// What came of a wish to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Run it.
    Run(Scheduled),
    /// Its last hold expired too often; record that run as lost and wait for the next due time.
    Lost(Scheduled, Hold),
}

impl Scheduled {
    /// Takes the job for one run.
    pub fn take(
        self,
        cadence: &Cadence,
        run_id: String,
        replica: &str,
        deadline: Span,
        now: Time,
    ) -> Result<Taken, NotNow> {
        let hold = |due_at, attempt, missed| Hold {
            run_id,
            due_at,
            replica: replica.to_owned(),
            since: now,
            expires_at: now + deadline,
            attempt,
            missed,
        };
        match (self.hold.clone(), self.next_run_at) {
            (Some(old), _) if now < old.expires_at => Err(NotNow::Held),
            (Some(old), _) if old.attempt >= ATTEMPTS_MAX => Ok(Taken::Lost(Self { hold: None, ..self }, old)),
            (Some(old), _) => {
                Ok(Taken::Run(Self { hold: Some(hold(old.due_at, old.attempt + 1, old.missed)), ..self }))
            }
            (None, Some(due)) if due <= now => {
                let Ring { missed, next } = cadence.step(due, now);
                Ok(Taken::Run(Self { hold: Some(hold(due, 1, missed)), next_run_at: Some(next), ..self }))
            }
            (None, _) => Err(NotNow::NotDue),
        }
    }

    /// Ends the run, if it is still the one under way; none when somebody else took it up meanwhile.
    pub fn finish(self, run_id: &str) -> Option<(Self, Hold)> {
        let hold = self.hold.clone().filter(|hold| hold.run_id == run_id)?;
        Some((Self { hold: None, ..self }, hold))
    }

    /// The job under a cadence that may have changed: a changed one starts afresh.
    pub fn retime(self, cadence: &str, parsed: &Cadence, now: Time) -> Self {
        if self.cadence == cadence {
            return self;
        }
        Self { cadence: cadence.to_owned(), next_run_at: parsed.next_after(now), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(hold: Option<Hold>) -> (Scheduled, Cadence) {
        let cadence = Cadence::parse("every 10s").expect("a cadence");
        (Scheduled { name: "n".into(), cadence: "every 10s".into(), next_run_at: Some(Time(10_000)), hold }, cadence)
    }

    fn run(job: Scheduled, cadence: &Cadence, at: i64) -> Result<Scheduled, NotNow> {
        match job.take(cadence, format!("r{at}"), "here", Span::secs(60), Time(at))? {
            Taken::Run(job) => Ok(job),
            Taken::Lost(..) => panic!("lost"),
        }
    }

    #[test]
    fn one_due_time_gets_one_run_and_missed_ones_ring_together() {
        let (idle, cadence) = job(None);
        assert_eq!(run(idle.clone(), &cadence, 9_999), Err(NotNow::NotDue));
        let running = run(idle, &cadence, 45_000).expect("due");
        let hold = running.hold.clone().expect("held");
        assert_eq!((hold.due_at, hold.missed, running.next_run_at), (Time(10_000), 3, Some(Time(50_000))));
        assert_eq!(run(running.clone(), &cadence, 50_000), Err(NotNow::Held));
        let (idle, _) = running.finish("r45000").expect("mine");
        assert_eq!(run(idle, &cadence, 50_000).expect("due").hold.expect("held").due_at, Time(50_000));
    }

    #[test]
    fn a_killed_run_is_taken_up_for_the_same_due_time_and_at_last_given_up() {
        let (idle, cadence) = job(None);
        let mut running = run(idle, &cadence, 10_000).expect("due");
        for attempt in 2..=ATTEMPTS_MAX {
            let again = running.hold.as_ref().expect("held").expires_at.0;
            assert_eq!(run(running.clone(), &cadence, again - 1), Err(NotNow::Held));
            running = run(running, &cadence, again).expect("expired");
            let hold = running.hold.as_ref().expect("held");
            assert_eq!((hold.due_at, hold.attempt), (Time(10_000), attempt));
            assert!(running.clone().finish("r10000").is_none(), "the killed run must not end the new one");
        }
        let last = running.hold.as_ref().expect("held").expires_at;
        let taken = running.take(&cadence, "r".into(), "here", Span::secs(60), last).expect("an answer");
        assert!(matches!(taken, Taken::Lost(Scheduled { hold: None, .. }, Hold { attempt: ATTEMPTS_MAX, .. })));
    }

    #[test]
    fn a_changed_cadence_starts_afresh_and_an_unchanged_one_keeps_its_place() {
        let (idle, cadence) = job(None);
        assert_eq!(idle.clone().retime("every 10s", &cadence, Time(7)), idle);
        let other = Cadence::parse("every 1h").expect("a cadence");
        assert_eq!(idle.retime("every 1h", &other, Time(7)).next_run_at, Some(Time(3_600_007)));
    }
}
