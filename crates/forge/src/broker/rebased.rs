//! Which commits of the base are those of a pull request made anew, as a rebase makes them: by their authors and their words,
//! which stay. What changed nothing on the base is left out of them.

use crate::broker::{Broker, Trouble};
use crate::git::{Call, Commit};

/// How much is read of what commits say, in bytes.
const MESSAGES_BYTES_MAX: usize = 1 << 20;

/// What stays of a commit that is made anew.
struct Old {
    parents: String,
    /// Author and message.
    words: String,
}

impl Broker {
    /// Where the base was before `merge`, if that is the last of several commits that a rebase made of those of `head`.
    pub(super) async fn rebased(
        &self,
        merge: &Commit,
        head: &Commit,
        commits_max: usize,
    ) -> Result<Option<Commit>, Trouble> {
        let own = self.old(&["--no-merges", "--topo-order"], head, Some(merge), commits_max).await?;
        if own.len() < 2 {
            return Ok(None);
        }
        let made = self.old(&["--first-parent"], merge, None, own.len()).await?;
        let (mut left, mut parents) = (own.iter(), Vec::new());
        for commit in &made {
            // One parent, and behind those that were found already.
            let Ok(parent) = Commit::parse(&commit.parents) else { break };
            if !left.any(|own| own.words == commit.words) {
                break;
            }
            parents.push(parent);
        }
        Ok(if parents.len() < 2 { None } else { parents.pop() })
    }

    /// So many commits from one on, without what another has, the latest first.
    async fn old(
        &self,
        says: &[&str],
        from: &Commit,
        without: Option<&Commit>,
        commits_max: usize,
    ) -> Result<Vec<Old>, Trouble> {
        let most = format!("--max-count={commits_max}");
        let call = self.call("log").args(["-z", "--no-color", "--no-notes", "--no-mailmap", "--no-decorate"]);
        let call = says.iter().fold(call.args(["--encoding=UTF-8", "--format=%P%n%an <%ae>%n%B", &most]), Call::arg);
        let call = call.args(["--end-of-options", from.as_str()]);
        let call = without.iter().fold(call, |call, without| call.arg(format!("^{}", without.as_str())));
        let (told, more) = call.beginning(MESSAGES_BYTES_MAX).await?;
        let mut records: Vec<_> = told.split(|byte| *byte == 0).filter(|record| !record.is_empty()).collect();
        if more {
            // What is cut says something else.
            records.pop();
        }
        Ok(records.into_iter().filter_map(old).collect())
    }
}

fn old(record: &[u8]) -> Option<Old> {
    let told = String::from_utf8_lossy(record);
    let (parents, words) = told.split_once('\n')?;
    Some(Old { parents: parents.to_owned(), words: words.trim_end().to_owned() })
}
