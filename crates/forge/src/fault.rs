//! How something asked of a forge failed, told by what the caller may do next.

use domain::time::Span;

/// How it failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It certainly did not happen and may be tried again.
    #[error("{why}")]
    Later {
        /// What was in the way: a limit, an overload, nobody there.
        why: String,
        /// How long the forge asks to be left alone; none when it did not say.
        after: Option<Span>,
    },
    /// It was not sent: so fast we do not write. Reading goes on.
    #[error("our own pace allows the next write in {after}")]
    Paced {
        /// How long until the pace allows one.
        after: Span,
    },
    /// A write that may or may not have happened: read before anything is repeated.
    #[error("whether it happened is not known: {why}")]
    Unknown {
        /// What broke, and when.
        why: String,
    },
    /// The forge will not do this as it was asked, however often: rights, bounds, a rule.
    #[error("{why}")]
    Refused {
        /// What it said.
        why: String,
        /// What a person does about it.
        next: String,
    },
    /// There is no such issue, pull request, label or branch, or not any more.
    #[error("{what} is not there")]
    Gone {
        /// What.
        what: String,
    },
    /// The head is not the one that was named, or what was asked does not go with the state it is in.
    #[error("{why}")]
    Stale {
        /// How it is instead.
        why: String,
    },
    /// The repository has another name by now. Nothing was done.
    #[error("the repository moved to {to}")]
    Moved {
        /// Its name now, or its address where the name is not known.
        to: String,
    },
}
