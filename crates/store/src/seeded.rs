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

/// How long a bug takes that is late on purpose: long enough that a kill amid work finds it so.
pub async fn dawdle() {
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
}
