//! To the forge: one commit onto one branch of ours, if that is where it was seen.

use crate::broker::{Broker, Remote, Source, Trouble};
use crate::git::{self, Branch, Commit, RECORDS, Told, lines};

/// How much is read of the addresses of those who committed, in bytes.
const ADDRESSES_BYTES_MAX: usize = 256 << 10;

/// How the address of everybody ends by whose name runners and servers commit.
pub const OUR_DOMAIN: &str = "@gapwright.invalid";

/// How many commits of a branch that is there already are looked at.
const COMMITTERS_MAX: usize = 200;

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
        // Written down first: whoever is broken off after it knows its own work again.
        self.bare.moved(&format!("update {} {}\n", record(branch), commit.as_str())).await?;
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

/// Whose a branch is that stands on the forge though nobody handed anything of it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Ours: what was pushed and could not be handed in.
    Ours,
    /// Somebody else's.
    Others,
    /// It moves, and cannot be told.
    Moves,
}

impl Broker {
    /// Whose the branch is that is at `tip`: by what this broker has written down, or else by the name of every commit on it
    /// that `onto` has not.
    pub async fn whose(&self, remote: &Remote, branch: &Branch, tip: &Commit, onto: &Commit) -> Result<Whose, Trouble> {
        if self.pushed(branch).await?.as_ref() == Some(tip) {
            return Ok(Whose::Ours);
        }
        let there = self.fetch(remote, &[Source::Branch(branch.clone())]).await?.into_iter().next().flatten();
        if there.as_ref() != Some(tip) {
            return Ok(Whose::Moves);
        }
        let by = self.committers(onto, tip, COMMITTERS_MAX + 1).await?;
        let ours = !by.is_empty() && by.len() <= COMMITTERS_MAX;
        Ok(if ours && by.iter().all(|address| address.ends_with(OUR_DOMAIN)) { Whose::Ours } else { Whose::Others })
    }

    /// What this broker last pushed onto a branch, or set out to push.
    pub async fn pushed(&self, branch: &Branch) -> Result<Option<Commit>, Trouble> {
        Ok(self.bare.commit_at(&record(branch)).await?)
    }

    /// The addresses of those who committed what `head` has and `base` has not, of at most so many commits, the latest first.
    pub async fn committers(&self, base: &Commit, head: &Commit, commits_max: usize) -> Result<Vec<String>, Trouble> {
        self.must_have(base).await?;
        self.must_have(head).await?;
        let most = format!("--max-count={commits_max}");
        let call = self.call("log").args(["--no-color", "--no-mailmap", "--no-decorate", "--format=<%ce>", &most]);
        let call = call.args(["--end-of-options", head.as_str()]).arg(format!("^{}", base.as_str()));
        let told = call.at_most(ADDRESSES_BYTES_MAX).out().await?;
        let told = String::from_utf8_lossy(&told);
        let bare = |line: &str| line.trim_start_matches('<').trim_end_matches('>').to_owned();
        Ok(lines(&told).map(bare).collect())
    }
}

/// Where it is written down what was pushed onto a branch. It is one part of a name: another branch may be called as a folder
/// of this one.
fn record(branch: &Branch) -> String {
    let name = branch.as_str().replace('%', "%25").replace('/', "%2F");
    format!("{RECORDS}/pushed/{name}")
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
