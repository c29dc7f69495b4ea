//! Scheduled jobs: work of our own that rings by a cadence and runs in this process.
//!
//! Each due time gets one run. A run that was killed is taken up again for the same due time; due times that passed
//! while nobody was there are rung by one run together.

use serde::{Deserialize, Serialize};

use crate::schedule::{Cadence, Ring};
use crate::time::{Span, Time};

/// A scheduled job as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// Its name, which is also its handler's.
    pub name: String,
    /// When it rings, as configured; empty when it is off.
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
    /// When others may take it up again: [`HOLD_GRACE`] after its deadline.
    pub expires_at: Time,
    /// Which try at this due time it is, from 1.
    pub attempt: i64,
    /// How many due times before this one it also stands for.
    pub missed: u32,
}

/// Tries at one due time before it is given up, so that a run that kills its process does not do so for ever.
pub const ATTEMPTS_MAX: i64 = 3;

/// How much longer than its deadline a run is held, so that whoever runs it has certainly been stopped before another
/// takes it up.
pub const HOLD_GRACE: Span = Span::secs(30);

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

/// What came of a wish to let a job ring now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Triggered {
    /// It rings now.
    Now,
    /// It is off: nobody would ring it.
    Off,
    /// There is no such job.
    NotFound,
}

impl Triggered {
    /// Why it does not ring, in a word; none when it does.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Now => None,
            Self::Off => Some("off"),
            Self::NotFound => Some("not_found"),
        }
    }
}

impl Scheduled {
    /// Whether it is off: no live replica rings it.
    pub fn is_off(&self) -> bool {
        self.cadence.is_empty()
    }

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
            expires_at: now + deadline + HOLD_GRACE,
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

    /// The job where the clock went back: it rings no later than a job of its cadence would that rang just now, and for
    /// none of `rung`, the due times after `now` that had their run before the clock went back.
    pub fn set_back(self, cadence: &Cadence, rung: &[Time], now: Time) -> Self {
        let has_run = |due: &Time| rung.contains(due) || self.hold.as_ref().is_some_and(|hold| hold.due_at == *due);
        let mut ticks = std::iter::successors(cadence.next_after(now), |tick| cadence.next_after(*tick));
        let first = ticks.find(|tick| !has_run(tick));
        let next_run_at = self.next_run_at.map(|next| first.map_or(next, |first| first.min(next)));
        Self { next_run_at, ..self }
    }

    /// The job without a next run that had its run already, before the clock went back: the first after it that has not.
    pub fn skip(self, cadence: &Cadence, rung: &[Time]) -> Self {
        let mut ticks = std::iter::successors(self.next_run_at, |tick| cadence.next_after(*tick));
        let next_run_at = ticks.find(|tick| !rung.contains(tick));
        Self { next_run_at, ..self }
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

    #[test]
    fn a_run_is_held_until_it_has_certainly_been_stopped() {
        let (idle, cadence) = job(None);
        let held = run(idle, &cadence, 10_000).expect("due");
        let deadline = 10_000 + Span::secs(60).0;
        assert_eq!(held.hold.as_ref().expect("held").expires_at, Time(deadline) + HOLD_GRACE);
        assert_eq!(run(held, &cadence, deadline), Err(NotNow::Held));
    }

    #[test]
    fn where_the_clock_went_back_a_job_rings_within_its_cadence_and_for_nothing_twice() {
        let next = |cadence: &str, next: i64, rung: &[Time]| {
            let (job, _) = job(None);
            let parsed = Cadence::parse(cadence).expect("a cadence");
            Scheduled { next_run_at: Some(Time(next)), ..job }.set_back(&parsed, rung, Time(5_000)).next_run_at
        };
        let hour = Span::hours(1).0;
        assert_eq!(next("every 10s", hour, &[]), Some(Time(15_000)));
        for at in [5_000, 14_999, 15_000] {
            assert_eq!(next("every 10s", at, &[]), Some(Time(at)), "it is in time, or was triggered");
        }
        assert_eq!(next("every 10s", hour, &[Time(15_000), Time(25_000)]), Some(Time(35_000)));
        assert_eq!(next("* * * * *", hour, &[]), Some(Time(60_000)));
        assert_eq!(next("* * * * *", hour, &[Time(60_000)]), Some(Time(120_000)));
        assert_eq!(next("* * * * *", 60_000, &[]), Some(Time(60_000)));
    }

    #[test]
    fn where_the_clock_went_back_the_due_time_of_a_run_under_way_is_not_rung_again() {
        let (idle, cadence) = job(None);
        let held = run(idle, &cadence, 10_000).expect("due");
        let ahead = Scheduled { next_run_at: Some(Time(3_600_000)), ..held };
        assert_eq!(ahead.set_back(&cadence, &[], Time(0)).next_run_at, Some(Time(20_000)));
    }

    #[test]
    fn a_due_time_that_had_its_run_is_skipped_and_no_other() {
        let (idle, cadence) = job(None);
        assert_eq!(idle.clone().skip(&cadence, &[]), idle);
        let rung = [Time(10_000), Time(20_000), Time(40_000)];
        assert_eq!(idle.skip(&cadence, &rung).next_run_at, Some(Time(30_000)));
    }
}
