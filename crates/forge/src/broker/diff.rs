//! What a change looks like to whoever reviews it: never by the change's own attributes.

use crate::broker::{Broker, Trouble};
use crate::git::{Call, Commit};

/// What is said to every comparison, whatever is set.
pub(super) const PLAINLY: [&str; 7] = [
    "-r",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--ignore-submodules=none",
    "--diff-algorithm=myers",
];

/// A change as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// As `git diff` shows it, with the prefixes `a/` and `b/`; what is no UTF-8 is marked. A file with a NUL in it only
    /// says that it differs: [`crate::broker::Inspection`] names those.
    pub text: String,
    /// False when it was cut at its bound.
    pub complete: bool,
}

impl Broker {
    /// What `head` has otherwise than `base`, of at most so many bytes.
    pub async fn diff(&self, base: &Commit, head: &Commit, bytes_max: usize) -> Result<Diff, Trouble> {
        self.must_have(base).await?;
        self.must_have(head).await?;
        let call = self.compare(&["--patch", "--full-index", "--unified=3"], base, head);
        let (bytes, more) = call.beginning(bytes_max).await?;
        Ok(Diff { text: String::from_utf8_lossy(&bytes).into_owned(), complete: !more })
    }

    /// A comparison of two commits that says these things.
    pub(super) fn compare(&self, says: &[&str], base: &Commit, head: &Commit) -> Call {
        let call = self.call("diff-tree").args(PLAINLY).args(["--src-prefix=a/", "--dst-prefix=b/"]);
        let call = says.iter().fold(call, Call::arg);
        call.args(["--end-of-options", base.as_str(), head.as_str()])
    }
}
