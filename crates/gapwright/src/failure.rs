//! Why a command could not do what it was asked: what, why, what next, and the exit code that says so to a script.

use domain::refusal::{Code, Refusal};
use domain::time::Span;
use plane::No;
use serde_json::{Value, json};
use store::Fault;

/// How the program ends. Scripts and agents branch on it, so a number once published keeps its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It was done.
    Ok,
    /// It failed.
    Failure,
    /// The command line or a setting makes no sense.
    Usage,
    /// What was named does not exist.
    NotFound,
    /// The caller is not known, or may not.
    Forbidden,
    /// Somebody holds it, or it exists already.
    Conflict,
    /// It may work later.
    TryLater,
    /// Stopped before it could end in order.
    Interrupted,
}

impl Exit {
    /// The number that the system sees.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Forbidden => 4,
            Self::Conflict => 5,
            Self::TryLater => 75,
            Self::Interrupted => 130,
        }
    }
}

/// A failed command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) exit: Exit,
    /// A word for programs.
    pub(crate) code: &'static str,
    /// What failed, as a fragment.
    pub(crate) what: String,
    /// Why; empty when `what` says it all.
    pub(crate) why: String,
    /// What to do next.
    pub(crate) hint: String,
}

impl Failure {
    /// A failure of the world.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { exit: Exit::Failure, code: "failed", what: what.into(), why: String::new(), hint: String::new() }
    }

    /// A command line or a setting that makes no sense.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, code: "invalid_argument", ..Self::new(what) }
    }

    /// Something that is not there.
    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self { exit: Exit::NotFound, code: "not_found", ..Self::new(what) }
    }

    /// Something that may work later.
    pub(crate) fn later(what: impl Into<String>) -> Self {
        Self { exit: Exit::TryLater, code: "unavailable", ..Self::new(what) }
    }

    /// Adds why.
    #[must_use]
    pub(crate) fn why(self, why: impl Into<String>) -> Self {
        Self { why: why.into(), ..self }
    }

    /// Adds what to do next.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// The failure as one JSON document.
    pub(crate) fn document(&self) -> Value {
        let message = if self.why.is_empty() { self.what.clone() } else { format!("{}: {}", self.what, self.why) };
        json!({"error": {"code": self.code, "message": message, "hint": self.hint}})
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let exit = match refusal.code {
            Code::InvalidArgument | Code::UnknownArgument => Exit::Usage,
            Code::Unauthenticated | Code::Forbidden | Code::ChannelNotAllowed | Code::SameInstance => Exit::Forbidden,
            Code::NotFound => Exit::NotFound,
            Code::AlreadyExists
            | Code::Held
            | Code::StaleClaim
            | Code::WrongState
            | Code::WrongJob
            | Code::StaleHead
            | Code::NoCitedLine
            | Code::UnfitChange
            | Code::IdempotencyMismatch => Exit::Conflict,
            Code::TooManyCalls | Code::Unavailable | Code::OverBudget | Code::SwitchedOff => Exit::TryLater,
        };
        // To the second above: people read it.
        let soon = |span: Span| format!("it may work in {}", Span::secs(span.0.saturating_add(999) / 1_000));
        let why = refusal.retry_after.map(soon).unwrap_or_default();
        Self { exit, code: refusal.code.name(), what: refusal.message, why, hint: refusal.hint }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let (exit, code, hint) = match &fault {
            Fault::Unknown(_) => (Exit::TryLater, "unknown", "look whether it happened before you repeat it"),
            Fault::Conflict | Fault::Busy(_) => (Exit::TryLater, "unavailable", "try again in a moment"),
            Fault::Gone(_) => (
                Exit::Failure,
                "unavailable",
                "check the path or the address, and that the database runs; gapwright config show --origin says \
                 where it was set",
            ),
            Fault::Damaged(_) => {
                (Exit::Failure, "unavailable", "restore it from a backup; keep the damaged file for a look")
            }
            Fault::Full(_) => {
                (Exit::Failure, "unavailable", "make room where the database lies, then start again; nothing is lost")
            }
            Fault::ReadOnly(_) => (
                Exit::Failure,
                "unavailable",
                "let the user who runs this write to the database and to the folder it lies in",
            ),
            Fault::NewerSchema(_) => (
                Exit::Failure,
                "newer_schema",
                "run the gapwright that migrated it, or a newer one; or restore a backup from before",
            ),
            Fault::Schema(_) => {
                (Exit::Failure, "foreign_schema", "point database.url at a database of gapwright's own")
            }
            Fault::OldLibrary(_) => (Exit::Failure, "old_library", "use the program as it is released"),
            Fault::Address => {
                (Exit::Usage, "invalid_argument", "write database.url as sqlite:PATH or postgres://USER@HOST/NAME")
            }
            Fault::Corrupt { .. } => (
                Exit::Failure,
                "corrupt",
                "somebody changed the database by hand, or its disk fails: run gapwright audit verify, and restore a \
                 backup",
            ),
            Fault::Taken(_) => (Exit::Conflict, "already_exists", "choose another name"),
            Fault::Other(_) => (Exit::Failure, "failed", "run gapwright doctor"),
        };
        let why = if let Fault::NewerSchema(version) = &fault {
            format!("it has schema version {version}, and this program knows those up to {}", store::schema_version())
        } else {
            fault.to_string()
        };
        Self { exit, code, what: "cannot use the database".to_owned(), why, hint: hint.to_owned() }
    }
}

impl From<No> for Failure {
    fn from(no: No) -> Self {
        match no {
            No::Refusal(refusal) => refusal.into(),
            No::Fault(fault) => fault.into(),
        }
    }
}

impl From<server::Error> for Failure {
    fn from(error: server::Error) -> Self {
        let hint = match &error {
            server::Error::Bind { address, .. } => format!(
                "another server may have {address} already: stop it, or choose another with --listen ADDRESS:PORT"
            ),
            server::Error::Exposed(_) => {
                "listen on 127.0.0.1, or leave --insecure-no-auth out and give each caller a token".to_owned()
            }
            server::Error::Catalogue(_) => "this is a bug: report it with this message".to_owned(),
            server::Error::Io(_) => "run gapwright doctor".to_owned(),
        };
        let exit = match &error {
            server::Error::Exposed(_) => Exit::Usage,
            server::Error::Bind { .. } | server::Error::Catalogue(_) | server::Error::Io(_) => Exit::Failure,
        };
        Self { exit, ..Self::new("cannot serve") }.why(error.to_string()).hint(hint)
    }
}
