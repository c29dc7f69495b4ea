//! To the forge: one commit onto one branch of ours, if that is where it was seen.

use crate::broker::{Broker, Remote, Trouble};
use crate::git::{self, Branch, Commit, Told};

/// What came of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The branch is at the commit.
    Done,
    /// The branch is not where it was expected to be, and was not moved.
    Stale {
        /// Where it is; none when it is not there.
        at: Option<Commit>,
    },
    /// The forge will not have it, or it is no branch of ours.
    Refused {
        /// Why.
        why: String,
    },
}

impl Broker {
    /// Moves a branch of the forge from `expected`, or from not being there, onto a commit that is here. May be repeated:
    /// a branch that is there already is there. A push of which nothing is known is [`git::Trouble::Late`].
    pub async fn push(
        &self,
        remote: &Remote,
        branch: &Branch,
        expected: Option<&Commit>,
        commit: &Commit,
    ) -> Result<Pushed, Trouble> {
        let prefix = &self.settings.prefix;
        if branch.as_str().strip_prefix(prefix.as_str()).is_none_or(str::is_empty) {
            let why = format!("only branches below {prefix} are pushed, and {} is none", branch.as_str());
            return Ok(Pushed::Refused { why });
        }
        self.must_have(commit).await?;
        // What fails here certainly moved nothing.
        let at = self.tip(remote, branch).await?;
        if at.as_ref() == Some(commit) {
            return Ok(Pushed::Done);
        }
        if at.as_ref() != expected {
            return Ok(Pushed::Stale { at });
        }
        let name = branch.as_ref_name();
        let lease = format!("--force-with-lease={name}:{}", expected.map_or("", Commit::as_str));
        let call = self.bare.call("push").args(["--porcelain", "--no-verify", "--no-follow-tags", "--no-signed"]);
        let call = call.args(["--recurse-submodules=no", &lease, "--end-of-options", &remote.url]);
        let told = self.carried(remote, call.arg(format!("{}:{name}", commit.as_str()))).await?;
        if told.code == 0 {
            return Ok(Pushed::Done);
        }
        let Some(why) = refusal(&told, &name) else {
            return Err(git::Trouble::Late("push".to_owned()).into());
        };
        let at = self.tip(remote, branch).await.map_err(|_| git::Trouble::Late("push".to_owned()))?;
        Ok(match at {
            Some(at) if at == *commit => Pushed::Done,
            at if at.as_ref() != expected => Pushed::Stale { at },
            _ => Pushed::Refused { why: remote.reason(&why) },
        })
    }
}

/// Why the branch was not moved, where that was said for certain. A line is `!<tab>FROM:TO<tab>[WHO] (WHY)`.
fn refusal(told: &Told, name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(&told.out);
    let of_it = |line: &str| {
        let (pair, why) = line.strip_prefix("!\t")?.split_once('\t')?;
        pair.ends_with(&format!(":{name}")).then(|| why.to_owned())
    };
    let said = text.lines().find_map(of_it)?;
    (said.starts_with("[rejected]") || said.starts_with("[remote rejected]")).then_some(said)
}
