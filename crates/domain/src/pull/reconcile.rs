//! One look at the forge, held against what we know: what people did there, and what is to be written so that it shows how
//! the pull request stands.
//!
//! The same look at the same pull request always gives the same answer, so that hints which are lost, doubled, late or
//! forged change nothing. Our labels are shown there, and never read from there: but for those by which people steer.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::{Event, Hold, Pull, State};
use crate::label::{Names, OF_PULLS, Role};

/// Somebody on the forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Its name there.
    pub login: String,
    /// Whether it is this installation.
    pub us: bool,
    /// Whether it may write to the repository; none when that is not known.
    pub may_write: Option<bool>,
}

/// How a pull request stands on the forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    /// It is open.
    Open,
    /// Somebody closed it.
    Closed {
        /// Who, where that is known.
        by: Option<String>,
    },
    /// Somebody merged it.
    Merged {
        /// Who, where that is known.
        by: Option<String>,
    },
}

/// That somebody put one of our labels on, or took it off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// The label.
    pub role: Role,
    /// Whether it was put on.
    pub added: bool,
    /// Who did it.
    pub by: Actor,
}

/// One look at the forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// How it stands.
    pub stand: Stand,
    /// The commit at its head.
    pub head: String,
    /// The branch that it is to be merged into.
    pub onto: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// What was done to our labels since the last look that was taken in, oldest first.
    pub deeds: Vec<Deed>,
    /// The last that was ever done to each label by which people steer as long as it stands there: opt-out, opt-in and
    /// wontfix.
    pub standing: Vec<Deed>,
    /// Who asked for changes in a review since then.
    pub wants_changes: Vec<Actor>,
    /// Whether another open pull request has the same head.
    pub shared_head: bool,
}

/// What is known besides the pull request itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Whether its first labels were ever seen on it.
    pub dressed: bool,
    /// Whether it was ever seen closed since it was last open.
    pub closed: bool,
    /// Whether an implementer holds a claim, and so is about to hand in the head that it pushes.
    pub revising: bool,
    /// How often it may be revised.
    pub iterations: i64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// It happens to the pull request.
    Event(Event, String),
    /// People will not have it.
    WontFix(String),
    /// Its head is another commit.
    Head(String),
    /// Our hands are off it, or on it again.
    Hold(Option<Hold>),
    /// Somebody changed a label who may not, or one that is ours alone.
    Spoof(Deed),
}

/// What is to be written to the forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// Put a label on.
    Add(Role),
    /// Take a label off.
    Remove(Role),
    /// Close it.
    Close,
}

/// Holds a look against a pull request. Where an event is found nothing is to be written yet: what it is to show is known
/// only after it.
pub fn reconcile(pull: &Pull, known: Known, seen: &Seen, names: &Names) -> (Vec<Act>, Vec<Write>) {
    let mut found = Found { pull, seen, names, acts: Vec::new(), writes: Vec::new() };
    if let Some(act) = found.stands(known) {
        let again = matches!(act, Act::Event(Event::Reopened, _));
        let asked = found.asks().filter(|_| again).map(|why| Act::Event(Event::ChangesRequested, why));
        return (std::iter::once(act).chain(asked).collect(), Vec::new());
    }
    let hold = found.hold(known);
    if hold != pull.hold {
        found.acts.push(Act::Hold(hold));
    }
    found.steered();
    found.requested(known);
    found.head(known);
    let moved = found.acts.iter().any(|act| !matches!(act, Act::Spoof(_)));
    if moved || hold.is_some_and(Hold::is_silent) {
        // What is put back is put back all the same.
        found.writes.retain(|write| matches!(write, Write::Add(Role::OptIn) | Write::Remove(Role::OptOut)));
        return (found.acts, found.writes);
    }
    found.shows(known);
    (found.acts, found.writes)
}

struct Found<'a> {
    pull: &'a Pull,
    seen: &'a Seen,
    names: &'a Names,
    acts: Vec<Act>,
    writes: Vec<Write>,
}

impl Found<'_> {
    /// What became of it as a whole.
    fn stands(&self, known: Known) -> Option<Act> {
        let who = |by: &Option<String>| by.clone().unwrap_or_else(|| "somebody".to_owned());
        let state = self.pull.state;
        match &self.seen.stand {
            Stand::Merged { by } if state != State::Merged => {
                Some(Act::Event(Event::Merged, format!("{} merged it on the forge", who(by))))
            }
            Stand::Closed { by } if state.is_live() => {
                Some(Act::Event(Event::Closed, format!("{} closed it on the forge", who(by))))
            }
            Stand::Open if known.closed && matches!(state, State::WontFix | State::Closed) => {
                Some(Act::Event(Event::Reopened, "it was opened again on the forge".to_owned()))
            }
            Stand::Open | Stand::Closed { .. } | Stand::Merged { .. } => None,
        }
    }

    /// What keeps our hands off it, by its labels. One who certainly may not write steers nothing.
    fn hold(&mut self, known: Known) -> Option<Hold> {
        let spoofed =
            |deed: Option<&Deed>| deed.filter(|deed| deed.by.may_write == Some(false) && !deed.by.us).cloned();
        if self.has(Role::OptOut) {
            match spoofed(self.stood(Role::OptOut, true)) {
                None => return Some(Hold::OptedOut),
                Some(deed) => self.put_back(deed, Write::Remove(Role::OptOut)),
            }
        }
        if !self.has(Role::OptIn) {
            let removed = self.stood(Role::OptIn, false).filter(|deed| !deed.by.us);
            match spoofed(removed) {
                Some(deed) => self.put_back(deed, Write::Add(Role::OptIn)),
                None if known.dressed || removed.is_some() => return Some(Hold::NotOptedIn),
                None => {}
            }
        }
        self.seen.shared_head.then_some(Hold::SharedHead)
    }

    /// What people with the right to write say by labels.
    fn steered(&mut self) {
        // What has ended is ended once.
        if self.has(Role::WontFix) && self.pull.state.is_live() {
            match self.stood(Role::WontFix, true).cloned() {
                Some(deed) if deed.by.may_write == Some(false) => self.put_back(deed, Write::Remove(Role::WontFix)),
                Some(deed) => {
                    self.acts.push(Act::WontFix(format!("{} put {} on it", deed.by.login, self.name(Role::WontFix))));
                }
                None => self.acts.push(Act::WontFix(format!("somebody put {} on it", self.name(Role::WontFix)))),
            }
        }
        for role in [Role::RequiresHuman, Role::MaxIterations] {
            let taken_off = self.last(role, false).filter(|deed| may_steer(deed)).cloned();
            if let Some(deed) = taken_off.filter(|_| self.pull.state.label() == Some(role)) {
                let why = format!("{} took {} off it", deed.by.login, self.name(role));
                self.acts.push(Act::Event(self.pull.resumed(), why));
            }
        }
        let put_on = self.last(Role::RequiresHuman, true).filter(|deed| may_steer(deed)).cloned();
        if let Some(deed) = put_on.filter(|_| self.pull.state.step(Event::Stopped, self.pull.reviewers).is_ok()) {
            let why = format!("{} put {} on it", deed.by.login, self.name(Role::RequiresHuman));
            self.acts.push(Act::Event(Event::Stopped, why));
        }
    }

    /// Who asked for changes, in words.
    fn asks(&self) -> Option<String> {
        let by = self.seen.wants_changes.iter().find(|by| by.may_write == Some(true) && !by.us)?;
        Some(format!("{} asked for changes", by.login))
    }

    /// Whether a person asked for changes.
    fn requested(&mut self, known: Known) {
        if let Some(why) = self.asks() {
            let stopped = self.pull.state.is_stopped();
            let event = if stopped { Event::ChangesRequested } else { self.pull.sent_back(known.iterations) };
            if self.pull.state == State::ChangesRequested || self.pull.state.step(event, self.pull.reviewers).is_err() {
                return;
            }
            self.acts.push(Act::Event(event, why.clone()));
            if event == Event::Capped {
                // Nobody revises it now: it is remembered for when it goes on.
                self.acts.push(Act::Event(Event::ChangesRequested, why));
            }
        }
    }

    /// Whether somebody pushed, or would have it merged into another branch: what was judged is another difference then. What
    /// an implementer pushes it hands in itself.
    fn head(&mut self, known: Known) {
        let same = |change: &super::Change| change.head == self.seen.head && change.onto == self.seen.onto;
        let ours = self.pull.change.as_ref().is_none_or(same);
        let revised = known.revising && self.pull.state == State::ChangesRequested;
        if !ours && !revised && self.pull.state.is_live() {
            self.acts.push(Act::Head(self.seen.head.clone()));
        }
    }

    /// What it is to show: what is missing is put on before what is wrong is taken off, and what restricts comes first.
    fn shows(&mut self, known: Known) {
        let ended = matches!(self.pull.state, State::WontFix | State::Closed) && !known.closed;
        if ended && self.seen.stand == Stand::Open {
            self.writes.push(Write::Close);
        }
        if !known.dressed {
            let first = [Role::Gap, Role::OptIn, Role::Attempted];
            let missing: Vec<_> = first.into_iter().filter(|role| !self.has(*role)).collect();
            self.writes.extend(missing.into_iter().map(Write::Add));
        }
        let wanted = self.pull.labels();
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        for role in OF_PULLS {
            let (has, wants) = (self.has(role), wanted.contains(&role));
            if has == wants {
                continue;
            }
            if let Some(deed) = self.last(role, has).filter(|deed| !deed.by.us).cloned() {
                self.acts.push(Act::Spoof(deed));
            }
            if wants { add.push(Write::Add(role)) } else { remove.push(Write::Remove(role)) }
        }
        self.writes.extend(add.into_iter().chain(remove));
    }

    fn put_back(&mut self, deed: Deed, write: Write) {
        self.acts.push(Act::Spoof(deed));
        self.writes.push(write);
    }

    fn has(&self, role: Role) -> bool {
        self.names.has(&self.seen.labels, role)
    }

    fn name(&self, role: Role) -> &str {
        self.names.of(role)
    }

    /// The last that was ever done to a label that steers as long as it stands, if that was to put it on, or to take it off.
    fn stood(&self, role: Role, added: bool) -> Option<&Deed> {
        self.seen.standing.iter().rfind(|deed| deed.role == role).filter(|deed| deed.added == added)
    }

    /// The last that was done to a label since the last look, if that was to put it on, or to take it off.
    fn last(&self, role: Role, added: bool) -> Option<&Deed> {
        self.seen.deeds.iter().rfind(|deed| deed.role == role).filter(|deed| deed.added == added)
    }
}

/// Whether somebody may say by a label what becomes of it: what is not known counts against.
fn may_steer(deed: &Deed) -> bool {
    !deed.by.us && deed.by.may_write == Some(true)
}
