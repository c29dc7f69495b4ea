//! What can go wrong with a store, classed once.

use sqlx::migrate::MigrateError;

/// A broken world, or a broken row. Not an answer to anybody's question.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// Somebody else wrote first: decide again.
    #[error("a concurrent write came first")]
    Conflict,
    /// The engine is busy: try again soon.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// There was no answer in time: whether the write happened is not known.
    #[error("no answer within {0} s; whether it happened is not known")]
    Unknown(u64),
    /// The database cannot be reached.
    #[error("the database cannot be reached: {0}")]
    Gone(String),
    /// The database file is not one, or is broken.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// There is no room left.
    #[error("the database is full: {0}")]
    Full(String),
    /// It may not be written.
    #[error("the database is read-only: {0}")]
    ReadOnly(String),
    /// It was migrated by a newer program.
    #[error("the database has schema version {0}, which is newer than this program knows")]
    NewerSchema(i64),
    /// A migration that was applied differs from the one this program has.
    #[error("the database's schema is not one that this program made: {0}")]
    Schema(String),
    /// The SQLite library is too old to be trusted.
    #[error("the SQLite library is {0}, and those before 3.51.3 can corrupt a database")]
    OldLibrary(String),
    /// The address names no engine.
    #[error("the database address begins neither with sqlite: nor with postgres://")]
    Address,
    /// A row that this program cannot have written.
    #[error("table {table} has an impossible {column} in row {id}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row.
        id: String,
    },
    /// A unique name is taken.
    #[error("a unique value is taken: {0}")]
    Taken(String),
    /// Anything else.
    #[error("the database failed: {0}")]
    Other(String),
}

impl Fault {
    /// Whether the same act may succeed if it is decided anew at once.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Conflict | Self::Busy(_) => true,
            Self::Unknown(_)
            | Self::Gone(_)
            | Self::Damaged(_)
            | Self::Full(_)
            | Self::ReadOnly(_)
            | Self::NewerSchema(_)
            | Self::Schema(_)
            | Self::OldLibrary(_)
            | Self::Address
            | Self::Corrupt { .. }
            | Self::Taken(_)
            | Self::Other(_) => false,
        }
    }
}

impl From<sqlx::Error> for Fault {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library may add errors of its own")]
    fn from(error: sqlx::Error) -> Self {
        let text = error.to_string();
        match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default();
                if database.is_unique_violation() {
                    return Self::Taken(text);
                }
                classify(&code, text)
            }
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Self::Gone(text)
            }
            sqlx::Error::PoolTimedOut => Self::Gone("no connection could be had within 2 s".to_owned()),
            _ => Self::Other(text),
        }
    }
}

/// Classes an engine's error code: SQLSTATE on Postgres, a result code on SQLite (the primary one is the low byte).
fn classify(code: &str, text: String) -> Fault {
    let primary = code.parse::<i64>().map_or(0, |code| code & 0xff);
    match code {
        "40001" | "40P01" | "55P03" | "57014" => return Fault::Busy(text),
        "53100" => return Fault::Full(text),
        "25006" => return Fault::ReadOnly(text),
        "57P01" | "57P02" | "57P03" | "3D000" | "28000" | "28P01" | "53300" => return Fault::Gone(text),
        _ => {}
    }
    match primary {
        5 | 6 if code.len() <= 4 => Fault::Busy(text),
        8 if code.len() <= 4 => Fault::ReadOnly(text),
        13 if code.len() <= 4 => Fault::Full(text),
        11 | 26 if code.len() <= 4 => Fault::Damaged(text),
        10 | 14 if code.len() <= 4 => Fault::Gone(text),
        _ => Fault::Other(text),
    }
}

impl From<MigrateError> for Fault {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library may add errors of its own")]
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::NewerSchema(version),
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            error => Self::Schema(error.to_string()),
        }
    }
}
