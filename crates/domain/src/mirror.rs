//! A gap and its issue, kept alike both ways: who changed what since both last agreed, and what follows.
//!
//! Three things are compared, word by word: what we wish, what the forge shows, and what both last agreed on. Where only
//! the forge differs from the agreement, a person acted there. Where only we differ, the issue is to follow. What we
//! sent and have not yet seen is nobody's act. The same three always give the same answer, so that what was lost, came
//! twice or came late changes nothing.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::gap::{Event, Gap, Key, Priority, State};
use crate::id;
use crate::label::{Names, Role};
use crate::time::{Span, Time};

/// How long something sent may take to be seen, before it counts as not having happened; so long may a forge answer from
/// a copy that is behind.
pub const SETTLE: Span = Span::mins(1);

/// How often a whole list, each begun so much later than the try, must lack an issue before it counts as never opened.
pub const ABSENT_MIN: i64 = 2;

/// What an issue says of its gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Face {
    /// How it stands.
    pub stand: Stand,
    /// Whether it carries the label that people will live without it.
    pub wontfix: bool,
    /// Whether it carries the label that a person is to look at it.
    pub requires_human: bool,
    /// The priority that its labels say.
    pub priority: Option<Priority>,
}

/// How an issue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stand {
    /// It is open.
    Open,
    /// It was closed as done.
    Done,
    /// It was closed for any other reason, or for none that was said.
    NotPlanned,
}

/// What a person did on the forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It happens to the gap.
    Event(Event),
    /// The gap gets this priority.
    Priority(Option<Priority>),
}

/// What is to be written to the forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// Let it stand so.
    Stand(Stand),
    /// Put a label on it.
    Add(Role),
    /// Take a label off it.
    Remove(Role),
}

/// What both last agreed on, and what was sent since and not yet seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// What both showed.
    pub face: Face,
    /// When the look began that first showed it.
    pub at: Time,
    /// What was sent since.
    pub sent: Option<Sent>,
}

/// What was sent to the forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// What the issue was to show.
    pub face: Face,
    /// When.
    pub at: Time,
    /// Whether the forge said that all of it was done.
    pub answered: bool,
}

/// What was known of an issue before a look at it.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What both last agreed on, and what was sent since.
    pub base: Base,
    /// Its labels, as last seen.
    pub labels: &'a [String],
    /// Our labels that the repository has. Of one that is not there, no issue says anything by lacking it.
    pub there: &'a [Role],
}

/// What an issue shows when it was just opened.
pub const fn opened() -> Face {
    Face { stand: Stand::Open, wontfix: false, requires_human: false, priority: None }
}

/// What an issue is to show of a gap.
pub fn wish(gap: &Gap) -> Face {
    let stand = match gap.state {
        State::Open | State::Planned | State::InProgress | State::InReview | State::RequiresHuman => Stand::Open,
        State::Merged | State::Proven => Stand::Done,
        State::WontFix | State::Duplicate => Stand::NotPlanned,
    };
    let (wontfix, requires_human) = (gap.state == State::WontFix, gap.state == State::RequiresHuman);
    Face { stand, wontfix, requires_human, priority: gap.priority }
}

/// What an issue shows: how it stands, and its labels. Of several priorities one that is new and not ours counts first,
/// then what was sent, then what was agreed on; and the highest of several new ones.
pub fn seen(stand: Stand, labels: &[String], names: &Names, known: Known<'_>) -> Face {
    let agreed = known.base.face;
    let shows = |role: Role, agreed: bool| names.has(labels, role) || (agreed && !known.there.contains(&role));
    let new: Vec<_> =
        Priority::ALL.into_iter().map(Role::Priority).filter(|role| !names.has(known.labels, *role)).collect();
    let sent = known.base.sent.and_then(|sent| sent.face.priority);
    let theirs = |priority: &Priority| new.contains(&Role::Priority(*priority)) && Some(*priority) != sent;
    let shown = || Priority::ALL.into_iter().rev().filter(|priority| names.has(labels, Role::Priority(*priority)));
    let ours = |priority: &Priority| shows(Role::Priority(*priority), agreed.priority == Some(*priority));
    let ours = sent.filter(ours).or_else(|| agreed.priority.filter(ours));
    Face {
        stand,
        wontfix: shows(Role::WontFix, agreed.wontfix),
        requires_human: shows(Role::RequiresHuman, agreed.requires_human),
        priority: shown().find(theirs).or(ours).or_else(|| names.priority(labels)),
    }
}

/// Reads a look at the forge, begun at `at`, against what both last agreed on: what people did, in the order in which it
/// is to be taken in, and what both agree on now.
///
/// While something was sent and not yet seen, a word that shows either what was before or what was sent is nobody's act.
/// What was sent and is not seen in time did not happen; or, where the forge had said that it did, a person took it back.
pub fn look(base: Base, seen: Face, at: Time) -> (Vec<Act>, Base) {
    let fresh = base.sent.filter(|sent| at.since(sent.at) < SETTLE);
    let taken_back = fresh.is_none() && base.sent.is_some_and(|sent| sent.answered);
    let sent = base.sent.map(|sent| sent.face);
    let priority = word(base.face.priority, sent.map(|face| face.priority), seen.priority, taken_back);
    let stand = word(base.face.stand, sent.map(|face| face.stand), seen.stand, taken_back);
    let wontfix = word(base.face.wontfix, sent.map(|face| face.wontfix), seen.wontfix, taken_back);
    let human = word(base.face.requires_human, sent.map(|face| face.requires_human), seen.requires_human, taken_back);
    let mut acts = Vec::new();
    if priority == Word::Theirs {
        acts.push(Act::Priority(seen.priority));
    }
    acts.extend(events(seen, stand, wontfix, human).into_iter().map(Act::Event));
    let waits = [priority, stand, wontfix, human].contains(&Word::OnItsWay);
    let base = match fresh.filter(|_| waits) {
        None => Base { face: seen, at, sent: None },
        Some(sent) => {
            // What a person did is agreed on; what is on its way stays open.
            let keep = |face: Face| Face {
                stand: if stand == Word::Theirs { seen.stand } else { face.stand },
                wontfix: if wontfix == Word::Theirs { seen.wontfix } else { face.wontfix },
                requires_human: if human == Word::Theirs { seen.requires_human } else { face.requires_human },
                priority: if priority == Word::Theirs { seen.priority } else { face.priority },
            };
            Base { face: keep(base.face), at, sent: Some(Sent { face: keep(sent.face), ..sent }) }
        }
    };
    (acts, base)
}

/// Whose a word of a face is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Both agree, or it shows what was sent.
    Agreed,
    /// It shows what was before, and something else was sent.
    OnItsWay,
    /// A person wrote it.
    Theirs,
}

fn word<T: PartialEq + Copy>(base: T, sent: Option<T>, seen: T, taken_back: bool) -> Word {
    match sent {
        Some(sent) if seen == sent => Word::Agreed,
        Some(_) if seen == base && !taken_back => Word::OnItsWay,
        None if seen == base => Word::Agreed,
        Some(_) | None => Word::Theirs,
    }
}

/// What a person's changes of state and labels mean; of several, the most restrictive. One that is opened again and left to
/// a person is both.
fn events(seen: Face, stand: Word, wontfix: Word, human: Word) -> Vec<Event> {
    let stood = |as_what| stand == Word::Theirs && seen.stand == as_what;
    let (wontfix, human) = (wontfix == Word::Theirs, human == Word::Theirs);
    if (wontfix && seen.wontfix) || stood(Stand::NotPlanned) {
        vec![Event::WontFix]
    } else if stood(Stand::Done) {
        vec![Event::Merged]
    } else if human && seen.requires_human {
        let opened = (stood(Stand::Open) || wontfix).then_some(Event::Reopened);
        opened.into_iter().chain([Event::NeedsHuman]).collect()
    } else if stood(Stand::Open) || wontfix || human {
        vec![Event::Reopened]
    } else {
        Vec::new()
    }
}

/// What is to be written so that an issue with these labels, which stands so, shows what we wish; what restricts first,
/// and a new label before the old one is taken away. Nothing where people said hands off.
pub fn writes(stand: Stand, labels: &[String], wish: Face, names: &Names) -> Vec<Write> {
    if names.has(labels, Role::OptOut) {
        return Vec::new();
    }
    let wished = |role: Role| match role {
        Role::Gap => Some(true),
        Role::WontFix => Some(wish.wontfix),
        Role::RequiresHuman => Some(wish.requires_human),
        Role::Priority(priority) => Some(wish.priority == Some(priority)),
        // Theirs alone, and those of pull requests.
        Role::OptIn
        | Role::OptOut
        | Role::NeedsReview
        | Role::ChangesRequested
        | Role::NeedsHuman
        | Role::NeedsVisual
        | Role::ClosedByBot
        | Role::MaxIterations
        | Role::Iteration(_)
        | Role::Attempted => None,
    };
    let (mut add, mut remove) = (Vec::new(), Vec::new());
    for role in Role::ALL {
        match (wished(role), names.has(labels, role)) {
            (Some(true), false) => add.push(Write::Add(role)),
            (Some(false), true) => remove.push(Write::Remove(role)),
            (Some(true), true) | (Some(false), false) | (None, _) => {}
        }
    }
    let moved = (wish.stand != stand).then_some(Write::Stand(wish.stand));
    add.into_iter().chain(moved).chain(remove).collect()
}

/// What is said on the issue of a gap when this happened to it; none where its state says enough.
pub fn note(event: Event, states: (State, State), why: &str) -> Option<String> {
    let why = code(why);
    match event {
        Event::Proved => Some(format!("Proven: {why}.")),
        Event::Sighted if states.0 != states.1 => Some(format!("Open again: {why}.")),
        Event::FailedForGood => Some(format!("Left to a person after the last attempt that it gets: {why}.")),
        Event::MergedInto => Some(format!("A duplicate: {why}.")),
        Event::Sighted
        | Event::Planned
        | Event::PickedUp
        | Event::PutBack
        | Event::Failed
        | Event::Drafted
        | Event::Merged
        | Event::WontFix
        | Event::NeedsHuman
        | Event::Reopened => None,
    }
}

/// The most characters of other people's text that a note quotes in a line.
const QUOTE_CHARS_MAX: usize = 300;

/// The most reasons that an issue quotes.
pub const REASONS_MAX: usize = 5;

/// Other people's text in a line of Markdown, as it stands: no mention, no link and no HTML comes out of it.
pub fn code(text: &str) -> String {
    let plain = text.chars().map(|c| if c == '`' { '\'' } else { c });
    let line: String =
        plain.map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !id::is_unprintable(*c)).collect();
    format!("`{}`", line.trim().replace("<!--", "< !--").chars().take(QUOTE_CHARS_MAX).collect::<String>())
}

/// Other people's text as a block of Markdown, as it stands.
pub fn block(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !id::is_unprintable(*c) || *c == '\n').collect();
    let lines: Vec<_> = plain.lines().map(|line| format!("    {}", line.replace("<!--", "< !--"))).collect();
    lines.join("\n")
}

/// The title of a gap's issue.
pub fn title(gap: &Gap) -> String {
    format!("Capability gap: {} ({})", gap.key.name, gap.key.kind)
}

/// The body of a gap's issue, beginning with its marker. The reasons are what reporters said, each with who said it.
pub fn body(gap: &Gap, reasons: &[(String, String)], labels: &Names) -> String {
    let count = |number: i64, noun: &str| if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") };
    let (times, jobs) = (count(gap.sightings, "time"), count(gap.jobs, "registered job"));
    let quoted: Vec<_> = reasons
        .iter()
        .filter(|(_, reason)| !reason.trim().is_empty())
        .take(REASONS_MAX)
        .map(|(who, reason)| format!("{} said:\n\n{}", code(who), block(reason)))
        .collect();
    let said = if quoted.is_empty() { "No reporter gave a reason.".to_owned() } else { quoted.join("\n\n") };
    format!(
        "{}\nAgents lack a capability: **{}**, of the kind **{}**. When this was written it had been reported {times} and blocked \
         {jobs}.\n\n{said}\n\n---\nWhat people do here comes back: closing it as completed says that it is merged, closing it as not \
         planned or the label `{}` that it will not be worked on, reopening it or taking the label away that it is open again. Its \
         priority is set by `{}` and its like. Agents act on it only under the label `{}`, and never under `{}`.\n",
        marker(&gap.key),
        gap.key.name,
        gap.key.kind,
        labels.of(Role::WontFix),
        labels.of(Role::Priority(Priority::High)),
        labels.of(Role::OptIn),
        labels.of(Role::OptOut),
    )
}

/// The hidden marker by which a note is found again.
pub fn note_marker(id: &str) -> String {
    format!("{NOTE} {id} -->")
}

/// Whether a comment, which our account wrote, is a note: a person may use the same account.
pub fn is_note(body: &str) -> bool {
    body.starts_with(NOTE)
}

const NOTE: &str = "<!-- gapwright-note:";

/// The hidden marker by which the issue of a gap is found again. It is the same for ever; an issue that somebody else
/// opened is not ours for having it.
pub fn marker(key: &Key) -> String {
    format!("<!-- gapwright-gap: {key} -->")
}

/// The gap whose marker a body carries.
pub fn marked(body: &str) -> Option<Key> {
    let (_, rest) = body.split_once("<!-- gapwright-gap: ")?;
    let (key, _) = rest.split_once(" -->")?;
    Key::stored(key.trim())
}
