//! What an act of the page is: what it is called, what will happen, and what must be said for it.

/// How a field is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It comes with the way to the act, and is shown; where it does not, it is a line.
    Given,
    /// A line.
    Line,
    /// A text.
    Long,
    /// One of a few.
    Choice,
}

/// Something that is said with an act.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    pub(super) kind: Kind,
    pub(super) may_be_empty: bool,
    pub(super) chars_max: usize,
}

/// What an act does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Do {
    Work(Work),
    Gap(OfGap),
    Leave(Leave),
    Pull(OfPull),
}

/// With jobs, locks, questions, messages, tokens and starts of Routines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    TriggerJob,
    TriggerScheduled,
    BreakLock,
    Answer,
    Requeue,
    Revoke,
    ReleaseStart,
}

/// With gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfGap {
    Wontfix,
    Close,
    Reopen,
    Prioritize,
    Merge,
    TellApart,
}

/// With what people allow: levels, switches, and the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    Raise,
    Lower,
    Off,
    On,
    Arm,
    Disarm,
}

/// With pull requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfPull {
    Merge,
    RequestChanges,
    Close,
    Reopen,
    Resume,
    Stop,
    ReleaseWrite,
}

/// An act.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) does: Do,
    /// As it stands in its address.
    pub(super) name: &'static str,
    /// As it stands in the audit.
    pub(super) tool: &'static str,
    pub(super) title: &'static str,
    /// What will happen.
    pub(super) about: &'static str,
    /// What its button says.
    pub(super) verb: &'static str,
    /// Whether it ends or stops something.
    pub(super) is_grave: bool,
    pub(super) fields: &'static [Field],
}
