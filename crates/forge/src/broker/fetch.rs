//! From the forge into refs of our own, never into names that an agent's work has.

use crate::broker::{Broker, Remote, Trouble};
use crate::git::{self, Branch, Commit, RECORDS, lines};

/// What can be had of a forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The tip of a branch.
    Branch(Branch),
    /// The head of a pull request of GitHub's, though its branch be in another repository.
    Pull(i64),
}

impl Source {
    /// Its name there.
    fn there(&self) -> String {
        match self {
            Self::Branch(branch) => branch.as_ref_name(),
            Self::Pull(number) => format!("refs/pull/{number}/head"),
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
        let call = self.bare.call("fetch").args(["--quiet", "--no-tags", "--no-write-fetch-head", "--no-prune"]);
        let call = call.args(["--no-recurse-submodules", "--no-auto-maintenance", "--no-show-forced-updates"]);
        let mut call = call.args(["--end-of-options", &remote.url]);
        for (source, _) in &found {
            call = call.arg(format!("+{}:{}", source.there(), source.here()));
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

    /// The commit at the tip of a branch of the forge. Nothing is brought here.
    pub async fn tip(&self, remote: &Remote, branch: &Branch) -> Result<Option<Commit>, Trouble> {
        let tips = self.tips(remote, &[Source::Branch(branch.clone())]).await?;
        Ok(tips.into_iter().next().flatten())
    }

    async fn tips(&self, remote: &Remote, sources: &[Source]) -> Result<Vec<Option<Commit>>, Trouble> {
        if sources.is_empty() {
            return Ok(Vec::new());
        }
        let mut call = self.bare.call("ls-remote").args(["--quiet", "--end-of-options", &remote.url]);
        for source in sources {
            call = call.arg(source.there());
        }
        let told = self.carried(remote, call).await?;
        if told.code != 0 {
            return Err(remote.failed(&told));
        }
        let text = told.text()?;
        let tips: Vec<_> = lines(&text).filter_map(|line| line.split_once('\t')).collect();
        let tip = |source: &Source| {
            let there = source.there();
            // What is asked for is taken for the end of a name.
            let found = tips.iter().find(|(_, name)| *name == there);
            found.map(|(commit, _)| Commit::parse(commit)).transpose()
        };
        Ok(sources.iter().map(tip).collect::<Result<_, git::Trouble>>()?)
    }
}
