//! What only the program knows of itself: the values that it runs with and where each came from, and what the doctor finds.

use std::fmt::Debug;

use futures::future::BoxFuture;

/// A setting as it holds now. A secret is not among its values: it says only that there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its key, such as `server.listen`.
    pub key: String,
    /// Its value, as it would be written.
    pub value: String,
    /// Where it came from.
    pub origin: String,
    /// Whether it is as it is unless somebody says otherwise.
    pub is_default: bool,
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be.
    Pass,
    /// It is not.
    Fail,
    /// It could not be looked at.
    Unknown,
}

/// One thing that the doctor looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub name: String,
    /// What it came to.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub hint: String,
}

/// The program around this server.
pub trait Installation: Debug + Send + Sync {
    /// Its settings, in the order of the manual.
    fn settings(&self) -> Vec<Setting>;
    /// Looks at everything, as `gapwright doctor` does. It may take seconds.
    fn doctor(&self) -> BoxFuture<'_, Vec<Check>>;
}

/// A program that says nothing of itself.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Installation for Silent {
    fn settings(&self) -> Vec<Setting> {
        Vec::new()
    }

    fn doctor(&self) -> BoxFuture<'_, Vec<Check>> {
        Box::pin(async { Vec::new() })
    }
}
