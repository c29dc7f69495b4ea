//! A gap as it stands in the registry: what was reported of it, what became of it, and where it ranks.
//!
//! Its identity is its kind and name, written as one key. Every change goes through the table of states and keeps the rank
//! true; whoever loads it has counted the jobs that it blocks.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::rank::{Priority, Standing};
use super::state::{Event, State};
use super::{Severity, Sighting};
use crate::refusal::{Code, Refusal};
use crate::time::Time;

/// How many failed attempts a gap gets before a person is to look at it, unless configured otherwise.
pub const FAILURES_MAX: i64 = 3;

/// How many lines one pull request may change, unless configured otherwise: what a person reads in one go.
pub const LINES_MAX: i64 = 400;

/// A gap's identity: `KIND/NAME`. Neither has a slash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// What sort of capability.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Its identity.
    pub key: Key,
    /// How it stands.
    pub state: State,
    /// The gap that stands for it, when it is a duplicate.
    pub duplicate_of: Option<Key>,
    /// The worst that was said of it since it was last open.
    pub severity: Severity,
    /// What a person said of it.
    pub priority: Option<Priority>,
    /// How often it was reported, as itself or as a duplicate.
    pub sightings: i64,
    /// How many distinct registered jobs it blocks.
    pub jobs: i64,
    /// What those weigh.
    pub weight: i64,
    /// How often somebody began to work on it.
    pub attempts: i64,
    /// How many of those attempts failed.
    pub failures: i64,
    /// How many hops below a gap that a job reported for its own sake.
    pub depth: i64,
    /// Whether a job reported it for its own sake, and not only while another gap was worked on.
    pub top: bool,
    /// The folder that it is about, as last said.
    pub area: Option<String>,
    /// How many lines it will change, as last said.
    pub lines: Option<i64>,
    /// When it was first reported.
    pub first_at: Time,
    /// When it was last reported.
    pub last_at: Time,
    /// When its change went in, while it is merged or proven.
    pub merged_at: Option<Time>,
    /// How often it was opened again.
    pub reopened: i64,
    /// When it last changed its state.
    pub changed_at: Time,
    /// The claim under which somebody works on it, while it is in progress: how that one ends is how the attempt ended.
    pub claim_id: Option<String>,
}

/// Why nobody may begin to work on a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unworkable {
    /// Its state is not one to begin from.
    State(State),
    /// It is too deep below what blocks a job.
    TooDeep,
    /// It was said to depend on another, which is still to be closed.
    Waits {
        /// The other.
        on: Key,
        /// Whether that one goes on only when a person says so.
        person: bool,
    },
}

impl Key {
    /// Reads a key, or a name alone, whose kind is then not known.
    pub fn parse(field: &'static str, text: &str) -> Result<(Option<String>, String), Refusal> {
        match text.split_once('/') {
            Some((kind, name)) => Ok((Some(super::name(field, kind)?), super::name(field, name)?)),
            None => Ok((None, super::name(field, text)?)),
        }
    }

    /// The key of what a sighting names; none when it could not be read.
    pub fn of(seen: &Sighting) -> Option<Self> {
        let name = seen.name.clone()?;
        Some(Self { kind: seen.kind.clone(), name })
    }

    /// Reads a key as it is stored.
    pub fn stored(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('/')?;
        Some(Self { kind: kind.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl Gap {
    /// A gap that nobody reported before.
    pub fn new(key: Key, now: Time) -> Self {
        Self {
            key,
            state: State::Open,
            duplicate_of: None,
            severity: Severity::Minor,
            priority: None,
            sightings: 0,
            jobs: 0,
            weight: 0,
            attempts: 0,
            failures: 0,
            depth: 0,
            top: false,
            area: None,
            lines: None,
            first_at: now,
            last_at: now,
            merged_at: None,
            reopened: 0,
            changed_at: now,
            claim_id: None,
        }
    }

    /// Takes in a report. `since` is when the run that reports began: one that began before a merge tells nothing of what
    /// came after it.
    pub fn sighted(self, seen: &Sighting, since: Time, now: Time) -> Self {
        let late = self.merged_at.is_some_and(|merged| since < merged);
        let fresh = !late && matches!(self.state, State::Merged | State::Proven);
        let mut gap = if fresh { self.step(Event::Sighted, now).unwrap_or_else(|(gap, _)| gap) } else { self };
        if fresh {
            gap.severity = Severity::Minor;
        }
        if !late {
            gap.severity = gap.severity.max(seen.severity);
        }
        gap.sightings += 1;
        gap.last_at = gap.last_at.max(now);
        gap.area = seen.area.clone().or(gap.area);
        gap.lines = seen.lines.or(gap.lines);
        gap
    }

    /// What an event makes of it, or the gap as it was and why not.
    #[expect(clippy::result_large_err, reason = "who is refused goes on with the gap as it was")]
    pub fn step(mut self, event: Event, now: Time) -> Result<Self, (Self, Refusal)> {
        let next = match self.state.step(event) {
            Ok(next) => next,
            Err(refusal) => return Err((self, refusal)),
        };
        match event {
            Event::PickedUp => self.attempts += 1,
            Event::PutBack => self.attempts = (self.attempts - 1).max(0),
            Event::Failed | Event::FailedForGood => self.failures += 1,
            // A person who opens it again gives it a fresh start.
            Event::Reopened => self.failures = 0,
            Event::Sighted
            | Event::Planned
            | Event::Drafted
            | Event::Merged
            | Event::Proved
            | Event::WontFix
            | Event::NeedsHuman
            | Event::MergedInto => {}
        }
        if next == self.state {
            return Ok(self);
        }
        if next == State::Open && !self.state.is_work() {
            self.reopened += 1;
        }
        self.merged_at = match next {
            State::Merged => Some(now),
            State::Proven => self.merged_at,
            State::Open
            | State::Planned
            | State::InProgress
            | State::InReview
            | State::WontFix
            | State::RequiresHuman
            | State::Duplicate => None,
        };
        if next != State::Duplicate {
            self.duplicate_of = None;
        }
        if next != State::InProgress {
            self.claim_id = None;
        }
        self.state = next;
        self.changed_at = now;
        Ok(self)
    }

    /// Lets somebody begin to work on it under a claim.
    #[expect(clippy::result_large_err, reason = "who is refused goes on with the gap as it was")]
    pub fn pick_up(self, claim_id: &str, now: Time) -> Result<Self, (Self, Refusal)> {
        let claim_id = Some(claim_id.to_owned());
        self.step(Event::PickedUp, now).map(|gap| Self { claim_id, ..gap })
    }

    /// The event that a failed attempt is, given how many failures a gap gets.
    pub fn failure(&self, failures_max: i64) -> Event {
        if self.failures + 1 >= failures_max { Event::FailedForGood } else { Event::Failed }
    }

    /// What keeps a gap waiting that was said to depend on this one; none when it is closed.
    pub fn keeps_waiting(&self, depth_max: i64) -> Option<Unworkable> {
        let person = self.state == State::RequiresHuman || self.is_too_deep(depth_max);
        let waits = self.state.is_work() || self.state == State::RequiresHuman;
        waits.then(|| Unworkable::Waits { on: self.key.clone(), person })
    }

    /// What its rank is made of.
    pub fn standing(&self) -> Standing {
        let Self { severity, priority, jobs, weight, failures, .. } = *self;
        Standing { severity, priority, jobs, weight, failures }
    }

    /// Whether it is too deep to be worked on.
    pub fn is_too_deep(&self, depth_max: i64) -> bool {
        self.depth > depth_max
    }

    /// Why nobody may begin to work on it now; none when somebody may.
    pub fn unworkable(&self, depth_max: i64) -> Option<Unworkable> {
        if !self.state.is_free() {
            Some(Unworkable::State(self.state))
        } else if self.is_too_deep(depth_max) {
            Some(Unworkable::TooDeep)
        } else {
            None
        }
    }
}

impl State {
    /// Whether work on it is under way or may begin.
    pub const fn is_work(self) -> bool {
        matches!(self, Self::Open | Self::Planned | Self::InProgress | Self::InReview)
    }
}

impl Unworkable {
    /// The refusal of somebody who would begin all the same.
    pub fn refusal(self, key: &Key) -> Refusal {
        let (why, hint) = match self {
            Self::Waits { on, person } => {
                let hint =
                    if person { format!("{on} is left to a person, who decides") } else { format!("close {on} first") };
                return Refusal::new(Code::WrongState, format!("the gap {key} waits for {on}")).field("gap").hint(hint);
            }
            Self::State(State::InProgress | State::InReview) => {
                ("is being worked on", "take another: list-gaps with state open shows those that are free")
            }
            Self::State(State::Merged | State::Proven) => ("is closed already", "take another"),
            Self::State(State::WontFix | State::RequiresHuman | State::Duplicate) => {
                ("is in people's hands", "take another: list-gaps with state open shows those that are free")
            }
            Self::State(State::Open | State::Planned) => ("cannot be worked on", "take another"),
            Self::TooDeep => ("is too deep below what blocks a job", "close what it is reported for in another way"),
        };
        Refusal::new(Code::WrongState, format!("the gap {key} {why}")).field("gap").hint(hint)
    }
}

/// The key that a name alone means, given the gaps that bear it: the only one, or the one of the kind that is meant.
pub fn resolve(field: &'static str, name: &str, kind: Option<&str>, bearers: &[Key]) -> Result<Option<Key>, Refusal> {
    if let Some(kind) = kind {
        return Ok(bearers.iter().find(|key| key.kind == kind).cloned());
    }
    match bearers {
        [] => Ok(None),
        [only] => Ok(Some(only.clone())),
        [_, ..] => {
            let all: Vec<_> = bearers.iter().map(Key::to_string).collect();
            Err(Refusal::invalid(field, format!("several gaps are called {name}"))
                .hint(format!("name one of {}", all.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(state: State) -> Gap {
        let key = Key { kind: "adr".into(), name: "a".into() };
        let merged_at = matches!(state, State::Merged | State::Proven).then_some(Time(50));
        Gap { state, merged_at, ..Gap::new(key, Time(10)) }
    }

    fn seen(severity: Severity) -> Sighting {
        Sighting { severity, ..Sighting::named("adr", "a") }
    }

    #[test]
    fn a_sighting_opens_what_seemed_closed_and_never_what_people_closed() {
        for state in State::ALL {
            let after = gap(state).sighted(&seen(Severity::Blocking), Time(60), Time(70));
            let opens = matches!(state, State::Merged | State::Proven);
            assert_eq!(after.state, if opens { State::Open } else { state }, "{state}");
            assert_eq!((after.sightings, after.last_at), (1, Time(70)), "{state}");
            assert_eq!((after.reopened, after.merged_at), (i64::from(opens), None), "{state}");
        }
    }

    #[test]
    fn a_run_that_began_before_the_merge_opens_nothing() {
        let after = gap(State::Merged).sighted(&seen(Severity::Critical), Time(40), Time(70));
        assert_eq!((after.state, after.sightings, after.severity), (State::Merged, 1, Severity::Minor));
    }

    #[test]
    fn attempts_are_counted_and_the_last_failure_leaves_it_to_a_person() {
        let mut at = gap(State::Open);
        for failed in 1..=FAILURES_MAX {
            at = at.step(Event::PickedUp, Time(20)).expect("picked up");
            assert_eq!(at.attempts, failed);
            let event = at.failure(FAILURES_MAX);
            at = at.step(event, Time(30)).expect("failed");
        }
        assert_eq!((at.state, at.attempts, at.failures), (State::RequiresHuman, 3, 3));
        let again = at.step(Event::Reopened, Time(40)).expect("reopened");
        assert_eq!((again.state, again.attempts, again.failures), (State::Open, 3, 0));
    }

    #[test]
    fn a_gap_carries_a_claim_only_while_it_is_in_progress() {
        for event in Event::ALL {
            let held = gap(State::Open).pick_up("claim-1", Time(20)).expect("picked up");
            assert_eq!((held.state, held.claim_id.as_deref()), (State::InProgress, Some("claim-1")));
            let after = held.step(event, Time(30)).unwrap_or_else(|(gap, _)| gap);
            assert_eq!(after.claim_id.is_some(), after.state == State::InProgress, "{event}");
        }
    }

    #[test]
    fn a_name_that_several_bear_is_never_guessed() {
        let key = |kind: &str| Key { kind: kind.into(), name: "a".into() };
        assert_eq!(resolve("name", "a", None, &[key("adr")]), Ok(Some(key("adr"))));
        assert_eq!(resolve("name", "a", Some("x"), &[key("adr"), key("x")]), Ok(Some(key("x"))));
        assert_eq!(resolve("name", "a", None, &[]), Ok(None));
        let hint = resolve("name", "a", None, &[key("adr"), key("x")]).expect_err("two").hint;
        assert_eq!(hint, "name one of adr/a, x/a");
    }

    #[test]
    fn what_is_still_to_be_closed_keeps_waiting_what_depends_on_it() {
        let waits = |gap: Gap| match gap.keeps_waiting(2) {
            Some(Unworkable::Waits { person, .. }) => Some(person),
            Some(Unworkable::State(_) | Unworkable::TooDeep) | None => None,
        };
        for state in State::ALL {
            let person = (state.is_work() || state == State::RequiresHuman).then_some(state == State::RequiresHuman);
            assert_eq!(waits(gap(state)), person, "{state}");
        }
        assert_eq!(waits(Gap { depth: 3, ..gap(State::Open) }), Some(true), "what is too deep is left to a person");
    }

    #[test]
    fn what_is_too_deep_or_not_free_is_not_worked_on() {
        let deep = Gap { depth: 3, ..gap(State::Open) };
        assert_eq!(deep.unworkable(2), Some(Unworkable::TooDeep));
        assert_eq!(deep.unworkable(3), None);
        let free = State::ALL.into_iter().filter(|state| gap(*state).unworkable(2).is_none());
        assert_eq!(free.collect::<Vec<_>>(), [State::Open, State::Planned]);
    }
}
