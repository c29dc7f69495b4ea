//! Which changes people must look at: those that may show, and those that touch what agents are governed by.
//!
//! A path shows unless it is on the list of those that do not; on any doubt it shows. What a change does to a page is never
//! judged here, and no content is read: only paths and modes, which are the author's text.

mod listing;
mod lists;
mod path;
mod pattern;
mod policy;

use std::collections::BTreeSet;
use std::fmt;

pub use listing::{FILES_MAX, File, Listing, Mode, Touched, gone};
pub use lists::{Group, NON_VISUAL, PROTECTED, SHOWN, table};
pub use path::{PATH_BYTES_MAX, SEGMENTS_MAX};
pub use pattern::{PATTERN_CHARS_MAX, Pattern};
pub use policy::{PATTERNS_MAX, POLICY_BYTES_MAX, POLICY_PATH, Policy};

use crate::notice::fit_bytes;
use path::Spelled;

/// The most reasons that are kept; of more, how many there are. Who has seen that many need not see more.
pub const REASONS_MAX: usize = 20;

/// What is to be looked at, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Classified {
    /// Why a person is to look at what the change shows.
    pub visual: Reasons,
    /// Why a person is to merge it: it touches what agents are governed by.
    pub protected: Reasons,
}

/// Reasons, sorted by path: the first [`REASONS_MAX`], and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasons {
    /// The first of them.
    pub first: Vec<Because>,
    /// How many there are.
    pub count: usize,
}

/// A path, and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Because {
    /// The path as the change spells it, cut at [`PATH_BYTES_MAX`]; empty where it is about the whole list. Other people's
    /// text: its [`fmt::Display`] escapes it.
    pub path: String,
    /// What is to be said of it.
    pub why: Why,
}

/// Why a path is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The list of files was cut, is empty or cannot be read.
    NotWhole,
    /// The path may name another file than it seems to.
    Odd(&'static str),
    /// A symbolic link: what is behind it is not in the change.
    Link,
    /// Another repository: what is in it is not in the change.
    Submodule,
    /// A mode that is not known, or was not told.
    UnknownMode,
    /// It may look like another path.
    NotAscii,
    /// It is where things are kept that show.
    Shown,
    /// It is not on the list of what does not show.
    NotListed,
    /// It is what agents are governed by.
    Protected(&'static str),
}

/// What of a change is to be looked at. More in the list is never less to look at.
pub fn classify(listing: &Listing, policy: &Policy) -> Classified {
    let (mut visual, mut protected) = (BTreeSet::new(), BTreeSet::new());
    if !listing.complete {
        let why = Because { path: String::new(), why: Why::NotWhole };
        visual.insert(why.clone());
        protected.insert(why);
    }
    for touched in &listing.touched {
        let spelled = Spelled::of(&touched.path);
        let because = |why| Because { path: fit_bytes(&touched.path, PATH_BYTES_MAX, None), why };
        visual.extend(shows(touched.mode, &spelled, policy).map(because));
        protected.extend(is_guarded(touched.mode, &spelled, policy).map(because));
    }
    Classified { visual: Reasons::of(visual), protected: Reasons::of(protected) }
}

impl Classified {
    /// Whether a person is to look at what the change shows.
    pub fn is_visual(&self) -> bool {
        self.visual.count > 0
    }

    /// Whether a person is to merge it.
    pub fn is_protected(&self) -> bool {
        self.protected.count > 0
    }
}

impl Reasons {
    fn of(all: BTreeSet<Because>) -> Self {
        Self { count: all.len(), first: all.into_iter().take(REASONS_MAX).collect() }
    }
}

/// Why this may show; none where it is known not to.
fn shows(mode: Mode, spelled: &Spelled, policy: &Policy) -> Option<Why> {
    if let Some(odd) = spelled.odd {
        return Some(Why::Odd(odd));
    }
    match mode {
        Mode::Link => Some(Why::Link),
        Mode::Submodule => Some(Why::Submodule),
        Mode::Unknown => Some(Why::UnknownMode),
        Mode::File | Mode::Executable | Mode::Absent if !spelled.ascii => Some(Why::NotAscii),
        Mode::File | Mode::Executable | Mode::Absent => policy.shows(spelled),
    }
}

/// Why no agent's change may touch this by itself; none where it may.
fn is_guarded(mode: Mode, spelled: &Spelled, policy: &Policy) -> Option<Why> {
    if let Some(odd) = spelled.odd {
        return Some(Why::Odd(odd));
    }
    match mode {
        Mode::Link => Some(Why::Link),
        Mode::Submodule => Some(Why::Submodule),
        Mode::File | Mode::Executable | Mode::Absent | Mode::Unknown => policy.protects(spelled).map(Why::Protected),
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { write!(f, "{}", self.why) } else { write!(f, "{:?}: {}", self.path, self.why) }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotWhole => "the list of files was cut, is empty or cannot be read",
            Self::Odd(odd) => odd,
            Self::Link => "a symbolic link: what is behind it is not in the change",
            Self::Submodule => "a submodule: what is in it is not in the change",
            Self::UnknownMode => "its mode is not known",
            Self::NotAscii => "its path has letters that may look like others",
            Self::Shown => "it is where things are kept that show",
            Self::NotListed => "it is not on the list of what does not show",
            Self::Protected(why) => why,
        })
    }
}

#[cfg(test)]
mod tests;
