//! Jobs whose gap cannot be worked on: put off for a while, put to rest, and brought back.

use super::{Job, State};
use crate::time::{Span, Time};

/// How long a job is put off whose gap cannot be worked on just now: as often as an issue is read by default, so that
/// what people change there is soon taken up, and a line full of such jobs costs little.
pub const PUT_OFF: Span = Span::mins(5);

/// How long after a turn ended without its work it may be taken again.
pub const AGAIN: Span = Span::secs(30);

impl Job {
    /// Takes a job that waits for its time or for a worker out of the line, for its gap is settled: it is due again when
    /// that is opened again.
    pub fn put_aside(self, now: Time) -> Self {
        let (this, now) = self.at(now);
        match this.state {
            State::Waiting | State::Ready => Self { next_run_at: None, resting: true, ..this }.rest(now),
            State::Idle | State::Held(_) | State::Dead => this,
        }
    }

    /// Lets a job that is due wait a while, for its gap cannot be worked on just now.
    pub fn put_off(self, now: Time) -> Self {
        let (this, now) = self.at(now);
        match (&this.state, this.next_run_at) {
            (State::Waiting | State::Ready, Some(due)) if due <= now => {
                Self { next_run_at: Some(now + PUT_OFF), ..this }.rest(now)
            }
            (State::Idle | State::Waiting | State::Ready | State::Held(_) | State::Dead, _) => this,
        }
    }

    /// Lets a turn that ended without its work be taken again after a while; its attempts stay counted.
    pub fn again(self, now: Time) -> Self {
        let (this, now) = self.at(now);
        match this.state {
            State::Idle | State::Waiting | State::Ready => {
                Self { next_run_at: Some(now + AGAIN), resting: false, ..this }.rest(now)
            }
            State::Held(_) | State::Dead => this,
        }
    }

    /// Lets a job that waits for its time be due then.
    pub fn due_at(self, due: Time) -> Self {
        let (this, now) = self.at(due);
        match this.state {
            State::Waiting | State::Ready => Self { next_run_at: Some(due), ..this }.rest(now),
            State::Idle | State::Held(_) | State::Dead => this,
        }
    }

    /// Takes a job out of the line that nobody is to take any more, unless somebody holds it.
    pub fn drop_out(self, now: Time) -> Self {
        let (this, now) = self.at(now);
        match this.state {
            State::Idle | State::Waiting | State::Ready | State::Dead => {
                Self { state: State::Idle, next_run_at: None, resting: false, ..this }
            }
            State::Held(_) => Self { changed_at: now, ..this },
        }
    }

    /// Brings a job back that rested, for its gap was opened again.
    pub fn bring_back(self, now: Time) -> Self {
        let (this, now) = self.at(now);
        match (&this.state, this.resting) {
            (State::Idle, true) => Self { next_run_at: Some(now), resting: false, ..this }.rest(now),
            (State::Idle | State::Waiting | State::Ready | State::Held(_) | State::Dead, _) => this,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Register;
    use crate::job::tests::on_gap;

    const NOW: Time = Time(1_000);

    fn due(next_run_at: Option<Time>) -> Job {
        let new = Register { interval: Some(Span::hours(1)), next_run_at, ..on_gap(Some("adr/a")) };
        Job::register(new, 0, Time(0))
    }

    #[test]
    fn what_is_put_off_keeps_a_due_time_and_what_is_not_due_stays_as_it_is() {
        let off = due(Some(Time(0))).put_off(NOW);
        assert_eq!((off.state, off.next_run_at, off.resting), (State::Waiting, Some(NOW + PUT_OFF), false));
        for next in [None, Some(Time(2_000))] {
            let job = due(next).put_off(NOW);
            assert_eq!((job.next_run_at, job.resting), (next, false));
        }
    }

    #[test]
    fn what_rests_comes_back_and_what_never_was_in_line_does_not() {
        for next in [Time(0), Time(2_000)] {
            let rests = due(Some(next)).put_aside(NOW);
            assert_eq!((&rests.state, rests.next_run_at, rests.resting), (&State::Idle, None, true));
            let back = rests.bring_back(Time(3_000));
            assert_eq!((back.state, back.next_run_at, back.resting), (State::Ready, Some(Time(3_000)), false));
        }
        let idle = due(None).put_aside(NOW);
        assert!(!idle.resting);
        assert_eq!(idle.bring_back(NOW).state, State::Idle);
        assert!(!due(Some(Time(0))).put_aside(NOW).trigger(NOW).resting, "a trigger brings it back as well");
    }

    #[test]
    fn what_rests_for_a_gap_that_it_no_longer_works_on_is_due_again() {
        let again = on_gap;
        let rests = || due(Some(Time(0))).put_aside(NOW);
        let same = rests().redefine(again(Some("adr/a")), NOW).expect("redefined");
        assert_eq!((same.state, same.resting), (State::Idle, true));
        let other = rests().redefine(again(None), NOW).expect("redefined");
        assert_eq!((other.state, other.resting, other.gap), (State::Ready, false, None));
    }
}
