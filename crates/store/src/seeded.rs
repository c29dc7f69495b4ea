//! Bugs on purpose, for tests that must catch them: a check that never failed proves nothing.
//!
//! They exist only in builds with the feature `seeded-bugs`, which no release build takes, and sleep until the
//! environment names one.

#[cfg(all(feature = "seeded-bugs", not(debug_assertions)))]
compile_error!("seeded bugs are for tests, never for a release build");

/// Whether this bug is awake.
#[cfg(feature = "seeded-bugs")]
#[expect(clippy::disallowed_methods, reason = "only in test builds, and only to wake a bug")]
pub fn bug(name: &str) -> bool {
    static AWAKE: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("GAPWRIGHT_SEEDED_BUG").ok());
    AWAKE.as_deref() == Some(name)
}

/// Whether this bug is awake: never, in this build.
#[cfg(not(feature = "seeded-bugs"))]
pub const fn bug(_: &str) -> bool {
    false
}

static NEXT_COMMAND: tokio::sync::Notify = tokio::sync::Notify::const_new();

/// Tells whoever is late on purpose that another command has come.
pub fn command_came() {
    NEXT_COMMAND.notify_waiters();
}

/// Ends when another command comes, counted from this call: as late as a bug can be without holding anybody up.
pub fn next_command() -> impl Future<Output = ()> + Send {
    NEXT_COMMAND.notified()
}
