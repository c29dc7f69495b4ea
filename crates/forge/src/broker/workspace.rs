//! To the agent: a fresh clone that leads nowhere. It has objects of its own, no remote, no credential and no hook, and
//! does not say where it came from.
//!
//! Files stand in it byte by byte as they were committed: no attribute changes them on their way.

use std::fs::File;
use std::path::{Path, PathBuf};

use domain::time::Time;
use tokio::fs;

use crate::broker::{Broker, Trouble, unfit};
use crate::git::{self, Branch, Call, Commit, Hand, Person, RECORDS, commit_tree};

/// What the branch of a review is called.
const REVIEW: &str = "review";

/// What is said of a change that is reviewed: nothing.
const NEUTRAL: &str = "The change under review\n";

/// What a workspace shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View<'a> {
    /// A branch at a commit, with its history.
    Work {
        /// What is checked out.
        commit: &'a Commit,
        /// What the branch is called there.
        branch: &'a Branch,
        /// What the change is to be based on; there as `gapwright/base`.
        base: &'a Commit,
    },
    /// A commit, and above it one with the files of another, and nothing of who made them or why.
    Review {
        /// Where their ways parted; there as `gapwright/base`, with its history.
        base: &'a Commit,
        /// Whose files are shown.
        head: &'a Commit,
    },
}

/// A clone that was made for an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    folder: PathBuf,
    start: Commit,
    base: Commit,
}

impl Workspace {
    /// Where it is. Everything in it is the agent's to write.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The commit that was checked out at first.
    pub fn start(&self) -> &Commit {
        &self.start
    }

    /// What the change is based on.
    pub fn base(&self) -> &Commit {
        &self.base
    }

    /// The pack with which it began: all of it is in the broker.
    pub(super) fn given(&self) -> String {
        format!("pack-{}.pack", self.start.as_str())
    }
}

impl Broker {
    /// Makes a clone in a folder that is not there yet; the folder above must be there, and nobody else may write it. Who
    /// commits in it does so by this name.
    pub async fn workspace(&self, folder: &Path, view: View<'_>, by: &Person) -> Result<Workspace, Trouble> {
        if !folder.is_absolute() {
            return Err(git::Trouble::Folder(format!("{} does not begin at the root", folder.display())).into());
        }
        let (start, base, branch) = match view {
            View::Work { commit, branch, base } => (commit.clone(), base.clone(), branch.clone()),
            View::Review { base, head } => (self.neutral(base, head).await?, base.clone(), Branch::parse(REVIEW)?),
        };
        self.must_have(&start).await?;
        self.must_have(&base).await?;
        let mut made = fs::DirBuilder::new();
        made.mode(0o700).create(folder).await.map_err(|error| unmade(folder, &error))?;
        let workspace = Workspace { folder: folder.to_owned(), start, base };
        let filled = self.fill(&workspace, &branch, by).await;
        if filled.is_err() {
            drop(fs::remove_dir_all(folder).await);
        }
        filled.map(|()| workspace)
    }

    async fn fill(&self, workspace: &Workspace, branch: &Branch, by: &Person) -> Result<(), Trouble> {
        let Workspace { folder, start, base } = workspace;
        let own = folder.join(".git");
        let call = |verb| Call::new(&own, verb);
        let first = format!("--initial-branch={}", branch.as_str());
        call("init").args(["--quiet", "--template=", "--object-format=sha1", &first]).done().await?;
        for (key, value) in [
            ("user.name", by.name.as_str()),
            ("user.email", &by.email),
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
        ] {
            call("config").args(["--local", key, value]).done().await?;
        }
        let pack = own.join("objects/pack").join(workspace.given());
        let file = File::create_new(&pack).map_err(|error| unmade(&pack, &error))?;
        let wanted = format!("{}\n{}\n", start.as_str(), base.as_str());
        let packed = self.bare.call("pack-objects").args(["--quiet", "--revs", "--stdout", "--delta-base-offset"]);
        packed.input(wanted.into_bytes()).into_file(file).fills_a_folder().done().await?;
        call("index-pack").arg(&pack).fills_a_folder().done().await?;
        let (branch, start) = (branch.as_ref_name(), start.as_str());
        let refs = format!("create {branch} {start}\ncreate {RECORDS}/base {}\n", base.as_str());
        // What is written into a log says who we are.
        let silent = [("core.logAllRefUpdates".to_owned(), "false".to_owned())];
        call("update-ref").arg("--stdin").set(&silent).input(refs.into_bytes()).done().await?;
        let files = call("read-tree").args(["--reset", "-u", start]).env("GIT_WORK_TREE", folder);
        Ok(files.fills_a_folder().done().await?)
    }

    /// The commit above `base` with the files of `head`; the same for the same two.
    async fn neutral(&self, base: &Commit, head: &Commit) -> Result<Commit, Trouble> {
        self.must_have(base).await?;
        self.must_have(head).await?;
        let tree = self.bare.tree(head).await?;
        let call = self.bare.call("log").args(["--max-count=1", "--format=%ct", "--end-of-options", base.as_str()]);
        let secs: i64 = call.text().await?.trim().parse().map_err(|_| unfit("the base has no date"))?;
        let nobody = Person { name: "gapwright".to_owned(), email: "review@gapwright.invalid".to_owned() };
        let hand = Hand { author: nobody.clone(), committer: nobody, at: Time(secs.saturating_mul(1_000)) };
        Ok(commit_tree(self.bare.call("commit-tree"), &tree, &[base], &hand, NEUTRAL.as_bytes()).await?)
    }
}

fn unmade(path: &Path, error: &std::io::Error) -> Trouble {
    git::Trouble::Folder(format!("{} cannot be made: {error}", path.display())).into()
}
