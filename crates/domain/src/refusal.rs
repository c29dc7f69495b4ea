//! Every way to say no: a code to branch on, a sentence, a hint, and when to try again.
//!
//! A refusal is an answer to a well understood request. A broken world (a disk, a network) is a fault and lives
//! with whoever touches the world.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::time::Span;

/// What kind of no it is; agents branch on it, so a code once published keeps its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// An argument is missing, malformed or out of bounds.
    InvalidArgument,
    /// An argument nobody knows was given.
    UnknownArgument,
    /// The caller did not say who it is, or what it showed is not valid.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// What was named does not exist.
    NotFound,
    /// What was to be made exists already.
    AlreadyExists,
    /// Somebody else holds it.
    Held,
    /// The claim or lock this depends on is not the current one.
    StaleClaim,
    /// What was named does not stand so that this could happen to it.
    WrongState,
    /// The claim is of another job than the one that this is about.
    WrongJob,
    /// The commit named is not the head of the pull request any more.
    StaleHead,
    /// The same instance has another part in this pull request.
    SameInstance,
    /// No line of the change is cited, or one that it does not show.
    NoCitedLine,
    /// There is nothing left to be spent, or the change is larger than it may be.
    OverBudget,
    /// The change holds what may not be handed in.
    UnfitChange,
    /// An operator switched this off.
    SwitchedOff,
    /// The idempotency key was used before with other arguments.
    IdempotencyMismatch,
    /// The channel is neither the default nor on the allow-list.
    ChannelNotAllowed,
    /// The caller sends more than its share.
    TooManyCalls,
    /// The store cannot take it now: busy, full, read-only or gone.
    Unavailable,
}

/// A no with everything the other side needs to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of no.
    pub code: Code,
    /// One sentence without a full stop: what was refused and why.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// The argument at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<Cow<'static, str>>,
    /// How long to wait before the same request may succeed, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", rename = "retry_after_ms")]
    pub retry_after: Option<Span>,
}

impl Refusal {
    /// A refusal with its code and sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: String::new(), field: None, retry_after: None }
    }

    /// An argument out of its bounds.
    pub fn invalid(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message).field(field)
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Names the argument at fault.
    #[must_use]
    pub fn field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says when the same request may succeed.
    #[must_use]
    pub fn retry_after(mut self, span: Span) -> Self {
        self.retry_after = Some(span);
        self
    }
}

impl Code {
    /// Every code, in the order of the reference.
    pub const ALL: [Self; 20] = [
        Self::InvalidArgument,
        Self::UnknownArgument,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Held,
        Self::StaleClaim,
        Self::WrongState,
        Self::WrongJob,
        Self::StaleHead,
        Self::SameInstance,
        Self::NoCitedLine,
        Self::OverBudget,
        Self::UnfitChange,
        Self::SwitchedOff,
        Self::IdempotencyMismatch,
        Self::ChannelNotAllowed,
        Self::TooManyCalls,
        Self::Unavailable,
    ];

    /// The code as it travels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::UnknownArgument => "unknown_argument",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Held => "held",
            Self::StaleClaim => "stale_claim",
            Self::WrongState => "wrong_state",
            Self::WrongJob => "wrong_job",
            Self::StaleHead => "stale_head",
            Self::SameInstance => "same_instance",
            Self::NoCitedLine => "no_cited_line",
            Self::OverBudget => "over_budget",
            Self::UnfitChange => "unfit_change",
            Self::SwitchedOff => "switched_off",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::ChannelNotAllowed => "channel_not_allowed",
            Self::TooManyCalls => "too_many_calls",
            Self::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_travels_by_the_same_name_in_json_and_in_text() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).expect("a code"), code.to_string());
        }
    }
}
