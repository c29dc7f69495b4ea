//! Whether a merge was taken back since: by what is in the base, and by the words of the commits that came after it.
//!
//! Words alone prove nothing, as anybody may write them. Where everything of the merge is in the base, it stands.

use crate::broker::{Broker, Remote, Source, Trouble};
use crate::git::{Branch, Commit};

/// How many commits since the merge are looked at.
const COMMITS_MAX: usize = 1_000;

/// How much is read of what they say, in bytes.
const MESSAGES_BYTES_MAX: usize = 4 << 20;

/// Git's own words.
const GITS_WORDS: &str = "This reverts commit ";

/// The words of GitHub's button.
const GITHUBS_WORDS: &str = "Reverts ";

/// What became of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undone {
    /// It was not taken back.
    Standing,
    /// This commit says that it takes it back, and not everything of it is there any more.
    By(Commit),
    /// Nothing of it is there any more, and nobody says why.
    Gone,
    /// The base has no such merge, or more has come since than is looked at.
    Unknown,
}

/// A commit since the merge.
struct Later {
    commit: Commit,
    message: String,
}

impl Broker {
    /// Whether the merge of a pull request of this repository, which is named `OWNER/NAME` there, was taken back on its base.
    pub async fn undone(
        &self,
        remote: &Remote,
        base: &Branch,
        merge: &Commit,
        parent: &Commit,
        (repository, number): (&str, i64),
    ) -> Result<Undone, Trouble> {
        let there = self.fetch(remote, &[Source::Branch(base.clone())]).await?;
        let Some(tip) = there.into_iter().next().flatten() else { return Ok(Undone::Unknown) };
        if !self.has(merge).await? || !self.has(parent).await? || !self.bare.is_ancestor(merge, &tip).await? {
            return Ok(Undone::Unknown);
        }
        let now = self.bare.tree(&tip).await?;
        if self.carried_over(&tip, parent, merge).await?.as_ref() == Some(&now) {
            return Ok(Undone::Standing);
        }
        let (later, whole) = self.later(merge, &tip).await?;
        if let Some(by) = taken_back(&later, merge, (repository, number)) {
            return Ok(Undone::By(by.clone()));
        }
        if self.carried_over(&tip, merge, parent).await?.as_ref() == Some(&now) {
            return Ok(Undone::Gone);
        }
        Ok(if whole { Undone::Standing } else { Undone::Unknown })
    }

    /// What came since the merge, the latest first, and whether that is all.
    async fn later(&self, merge: &Commit, tip: &Commit) -> Result<(Vec<Later>, bool), Trouble> {
        let most = format!("--max-count={}", COMMITS_MAX + 1);
        let call = self.call("log").args(["-z", "--no-color", "--no-notes", "--no-mailmap", "--no-decorate"]);
        let call = call.args(["--encoding=UTF-8", "--format=%H%n%B", &most, "--end-of-options", tip.as_str()]);
        let (told, more) = call.arg(format!("^{}", merge.as_str())).beginning(MESSAGES_BYTES_MAX).await?;
        let records = told.split(|byte| *byte == 0).filter(|record| !record.is_empty());
        let mut later: Vec<_> = records.filter_map(later).collect();
        let whole = !more && later.len() <= COMMITS_MAX;
        later.truncate(COMMITS_MAX);
        Ok((later, whole))
    }
}

fn later(record: &[u8]) -> Option<Later> {
    let told = String::from_utf8_lossy(record);
    let (commit, message) = told.split_once('\n')?;
    Some(Later { commit: Commit::parse(commit).ok()?, message: message.to_owned() })
}

/// The latest commit that says it takes the merge back, unless another says that it takes back that one.
fn taken_back<'a>(later: &'a [Later], merge: &Commit, pull: (&str, i64)) -> Option<&'a Commit> {
    let takes = |one: &&Later| reverts(&one.message, merge) || reverts_pull(&one.message, pull);
    let stands = |one: &&Later| !later.iter().any(|other| reverts(&other.message, &one.commit));
    later.iter().filter(takes).find(stands).map(|one| &one.commit)
}

/// Whether a message has git's own words for taking back a commit.
fn reverts(message: &str, commit: &Commit) -> bool {
    let of_it = |line: &str| {
        let rest = line.trim().strip_prefix(GITS_WORDS)?.strip_prefix(commit.as_str())?;
        // Of a merge it is told as well to which parent.
        (rest.is_empty() || rest.starts_with(['.', ','])).then_some(())
    };
    message.lines().any(|line| of_it(line).is_some())
}

/// Whether a message has the words of GitHub's button for taking back a pull request.
fn reverts_pull(message: &str, (repository, number): (&str, i64)) -> bool {
    let of_it = |line: &str| {
        let (place, told) = line.trim().strip_prefix(GITHUBS_WORDS)?.split_once('#')?;
        let here = place.is_empty() || place.eq_ignore_ascii_case(repository);
        (here && told.trim_end_matches('.') == number.to_string()).then_some(())
    };
    message.lines().any(|line| of_it(line).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn a_revert_is_known_by_a_line_of_its_own_and_nothing_else() {
        let merge = Commit::parse(ID).expect("a commit");
        for (message, taken) in [
            (format!("Revert \"x\"\n\nThis reverts commit {ID}.\n"), true),
            (format!("Revert \"x\"\n\nThis reverts commit {ID}, reversing\nchanges made to 0123.\n"), true),
            (format!("x\n\n  This reverts commit {ID}\r\n"), true),
            (format!("This partially reverts commit {ID}."), false),
            (format!("Before this: This reverts commit {ID}."), false),
            (format!("This reverts commit {ID}0."), false),
            (format!("This reverts commit {}.", &ID[..10]), false),
            (String::new(), false),
        ] {
            assert_eq!(reverts(&message, &merge), taken, "{message}");
        }
        for (message, taken) in [
            ("Revert \"x\"\n\nReverts ann/website#7", true),
            ("Revert \"x\" (#8)\n\nReverts Ann/Website#7.", true),
            ("Reverts #7", true),
            ("Reverts ann/website#70", false),
            ("Reverts bea/website#7", false),
            ("Reverts #7 and more", false),
            ("It Reverts #7", false),
            ("Reverts 7", false),
        ] {
            assert_eq!(reverts_pull(message, ("ann/website", 7)), taken, "{message}");
        }
    }
}
