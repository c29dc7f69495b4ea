//! From the forge into refs of our own, never into names that an agent's work has.

use crate::broker::{Broker, Remote, Trouble};
use crate::git::{self, Branch, Call, Commit, RECORDS, lines};

/// How the other side says that it has no such commit, or gives none by its id.
const ABSENT: [&str; 2] = ["not our ref", "unadvertised object"];

/// What can be had of a forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The tip of a branch.
    Branch(Branch),
    /// The head of a pull request, though its branch be in another repository or gone.
    Pull(i64),
}

impl Source {
    /// Its name there; none where that is not known.
    fn there(&self, remote: &Remote) -> Option<String> {
        match self {
            Self::Branch(branch) => Some(branch.as_ref_name()),
            Self::Pull(number) => Some(format!("{}/{number}/head", remote.pulls.as_ref()?)),
        }
    }

    /// Its name here. A branch is one part of it: another may be called as a folder of this one.
    fn here(&self) -> String {
        match self {
            Self::Branch(branch) => {
                let name = branch.as_str().replace('%', "%25").replace('/', "%2F");
                format!("{RECORDS}/home/branch/{name}")
            }
            Self::Pull(number) => format!("{RECORDS}/home/pull/{number}"),
        }
    }
}

impl Broker {
    /// Brings these here, with their history; gives the commit of each, in this order, or none where the forge has none.
    pub async fn fetch(&self, remote: &Remote, sources: &[Source]) -> Result<Vec<Option<Commit>>, Trouble> {
        let there = self.tips(remote, sources).await?;
        let (found, gone): (Vec<_>, Vec<_>) = sources.iter().zip(&there).partition(|(_, tip)| tip.is_some());
        let gone: Vec<_> = gone.iter().map(|(source, _)| format!("delete {}\n", source.here())).collect();
        self.bare.moved(&gone.concat()).await?;
        if found.is_empty() {
            return Ok(there);
        }
        let mut call = self.fetching(remote);
        for there in found.iter().filter_map(|(source, _)| Some((source.there(remote)?, source.here()))) {
            call = call.arg(format!("+{}:{}", there.0, there.1));
        }
        let told = self.carried(remote, call).await?;
        if told.code != 0 {
            return Err(remote.failed(&told));
        }
        // They may have moved since they were asked for.
        let mut commits = Vec::new();
        for (source, tip) in sources.iter().zip(&there) {
            commits.push(if tip.is_some() { self.bare.commit_at(&source.here()).await? } else { None });
        }
        Ok(commits)
    }

    /// Brings one commit here by its id, with its history, where no name leads to it any more; whether it is here now. No ref
    /// is made for it, as nothing that is here is ever thrown away.
    pub(super) async fn brought(&self, remote: &Remote, commit: &Commit) -> Result<bool, Trouble> {
        if self.has_whole(commit).await? {
            return Ok(true);
        }
        let told = self.carried(remote, self.fetching(remote).arg(commit.as_str())).await?;
        let gone = |said: String| ABSENT.iter().any(|words| said.contains(words));
        match told.code {
            0 => self.has_whole(commit).await,
            _ if told.complaint().is_some_and(gone) => Ok(false),
            _ => Err(remote.failed(&told)),
        }
    }

    /// Whether a commit is here with everything in it: whoever was killed while they brought it may have left it alone.
    async fn has_whole(&self, commit: &Commit) -> Result<bool, Trouble> {
        if !self.has(commit).await? {
            return Ok(false);
        }
        // What a ref leads to is whole.
        let call = self.call("rev-list").args(["--quiet", "--objects", "--not", "--all", "--not", "--end-of-options"]);
        Ok(call.arg(commit.as_str()).told().await?.code == 0)
    }

    fn fetching(&self, remote: &Remote) -> Call {
        let call = self.bare.call("fetch").args(["--quiet", "--no-tags", "--no-write-fetch-head", "--no-prune"]);
        let call = call.args(["--no-recurse-submodules", "--no-auto-maintenance", "--no-show-forced-updates"]);
        call.args(["--end-of-options", &remote.url])
    }

    /// The commit at the tip of a branch of the forge. Nothing is brought here.
    pub async fn tip(&self, remote: &Remote, branch: &Branch) -> Result<Option<Commit>, Trouble> {
        let tips = self.tips(remote, &[Source::Branch(branch.clone())]).await?;
        Ok(tips.into_iter().next().flatten())
    }

    async fn tips(&self, remote: &Remote, sources: &[Source]) -> Result<Vec<Option<Commit>>, Trouble> {
        let names: Vec<_> = sources.iter().filter_map(|source| source.there(remote)).collect();
        if names.is_empty() {
            // Git would tell all of them.
            return Ok(vec![None; sources.len()]);
        }
        let call = self.bare.call("ls-remote").args(["--quiet", "--end-of-options", &remote.url]);
        let call = names.iter().fold(call, Call::arg);
        let told = self.carried(remote, call).await?;
        if told.code != 0 {
            return Err(remote.failed(&told));
        }
        let text = told.text()?;
        let tips: Vec<_> = lines(&text).filter_map(|line| line.split_once('\t')).collect();
        let tip = |source: &Source| {
            let there = source.there(remote);
            // What is asked for is taken for the end of a name.
            let found = tips.iter().find(|(_, name)| there.as_deref() == Some(*name));
            found.map(|(commit, _)| Commit::parse(commit)).transpose()
        };
        Ok(sources.iter().map(tip).collect::<Result<_, git::Trouble>>()?)
    }
}
