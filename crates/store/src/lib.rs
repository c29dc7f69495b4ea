//! What is remembered; the only crate that knows SQL.
//!
//! A file per noun, each statement a constant beside the row it reads. Statements are written once and run on both
//! engines. Nothing is decided here: a write repeats, in its WHERE clause, the state on which it was decided.

/// Names a file's statements, and lists them for the test that prepares each on both engines.
macro_rules! statements {
    ($($name:ident = $sql:expr;)*) => {
        $(const $name: &str = $sql;)*
        /// Every statement of this file, by name.
        pub const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

pub mod agent;
pub mod automerge;
pub mod check_in;
mod clock;
pub mod decision;
pub mod digest;
mod engine;
mod fault;
pub mod fence;
pub mod figure;
pub mod fire;
pub mod gap;
pub mod gate;
pub mod idempotency;
pub mod issue;
pub mod job;
pub mod journal;
pub mod judged;
pub mod kind;
pub mod lane;
pub mod level;
pub mod local;
pub mod lock;
mod migration;
pub mod outbox;
pub mod outcome;
pub mod pull;
pub mod replica;
pub mod repository;
pub mod rest;
pub mod run;
pub mod scheduled;
pub mod seeded;
pub mod session;
pub mod spend;
pub mod switch;
pub mod told;
pub mod trial;
pub mod webhook;

pub use clock::{Clock, Hand};
pub use engine::{Arg, Engine, Record, Store, Tx};
pub use fault::Fault;
pub use migration::schema_version;

/// Every statement of this crate: file, name, text.
pub fn statements() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let files: [(&str, &[(&str, &str)]); 55] = [
        ("agent", agent::STATEMENTS),
        ("automerge", automerge::STATEMENTS),
        ("check_in", check_in::STATEMENTS),
        ("decision", decision::STATEMENTS),
        ("digest", digest::STATEMENTS),
        ("fence", fence::STATEMENTS),
        ("figure", figure::STATEMENTS),
        ("fire", fire::STATEMENTS),
        ("gap", gap::STATEMENTS),
        ("gap/blocked", gap::blocked::STATEMENTS),
        ("gap/edge", gap::edge::STATEMENTS),
        ("gap/event", gap::event::STATEMENTS),
        ("gap/likeness", gap::likeness::STATEMENTS),
        ("gap/priority", gap::priority::STATEMENTS),
        ("gap/sighting", gap::sighting::STATEMENTS),
        ("gate", gate::STATEMENTS),
        ("idempotency", idempotency::STATEMENTS),
        ("issue", issue::STATEMENTS),
        ("issue/note", issue::note::STATEMENTS),
        ("job", job::STATEMENTS),
        ("job/list", job::list::STATEMENTS),
        ("job/look", job::look::STATEMENTS),
        ("job/turn", job::turn::STATEMENTS),
        ("journal", journal::STATEMENTS),
        ("judged", judged::STATEMENTS),
        ("kind", kind::STATEMENTS),
        ("lane", lane::STATEMENTS),
        ("level", level::STATEMENTS),
        ("local", local::STATEMENTS),
        ("local/comment", local::comment::STATEMENTS),
        ("local/event", local::event::STATEMENTS),
        ("local/issue", local::issue::STATEMENTS),
        ("local/label", local::label::STATEMENTS),
        ("local/pull", local::pull::STATEMENTS),
        ("local/review", local::review::STATEMENTS),
        ("lock", lock::STATEMENTS),
        ("outbox", outbox::STATEMENTS),
        ("outcome", outcome::STATEMENTS),
        ("pull", pull::STATEMENTS),
        ("pull/board", pull::board::STATEMENTS),
        ("pull/event", pull::event::STATEMENTS),
        ("pull/hand", pull::hand::STATEMENTS),
        ("pull/say", pull::say::STATEMENTS),
        ("pull/word", pull::word::STATEMENTS),
        ("replica", replica::STATEMENTS),
        ("repository", repository::STATEMENTS),
        ("rest", rest::STATEMENTS),
        ("run", run::STATEMENTS),
        ("scheduled", scheduled::STATEMENTS),
        ("session", session::STATEMENTS),
        ("spend", spend::STATEMENTS),
        ("switch", switch::STATEMENTS),
        ("told", told::STATEMENTS),
        ("trial", trial::STATEMENTS),
        ("webhook", webhook::STATEMENTS),
    ];
    files.into_iter().flat_map(|(file, all)| all.iter().map(move |(name, sql)| (file, *name, *sql)))
}

/// Turns "nothing was changed" into "decide again": a guarded write met another state than the one decided on.
fn guarded(changed: u64) -> Result<(), Fault> {
    if changed == 1 { Ok(()) } else { Err(Fault::Conflict) }
}
