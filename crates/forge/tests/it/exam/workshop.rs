//! Where a person works on branches: a clone of their own, pushed to the home by the real git.

use std::io::Write as _;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// What a commit changes.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// A file says this.
    Write(&'static str, Vec<u8>),
    /// A file may be run.
    Runnable(&'static str),
    /// A file is gone.
    Remove(&'static str),
    /// A file has another path.
    Move(&'static str, &'static str),
    /// A link leads there.
    Link(&'static str, &'static str),
}

impl Change {
    /// A file says this text.
    pub(crate) fn text(path: &'static str, text: &str) -> Self {
        Self::Write(path, text.as_bytes().to_vec())
    }
}

/// A clone.
#[derive(Debug)]
pub(crate) struct Workshop {
    clone: TempDir,
    origin: String,
}

impl Workshop {
    /// A clone of the repository in this folder, or at this address.
    pub(crate) fn at(origin: &str) -> Self {
        let clone = tempfile::tempdir().expect("a folder");
        let workshop = Self { clone, origin: origin.to_owned() };
        workshop.git(&["clone", "--quiet", origin, "."]);
        workshop
    }

    /// Commits to a branch and pushes it; gives the commit.
    pub(crate) fn commit(&self, branch: &str, changes: &[Change]) -> String {
        self.commit_by("ann", branch, changes)
    }

    /// As [`Self::commit`], by this author.
    pub(crate) fn commit_by(&self, author: &str, branch: &str, changes: &[Change]) -> String {
        self.git(&["fetch", "--quiet", "--prune", "origin"]);
        let from = if self.tip(branch).is_some() { format!("origin/{branch}") } else { "origin/main".to_owned() };
        self.git(&["checkout", "--quiet", "-B", branch, &from]);
        for change in changes {
            self.apply(change);
        }
        self.git(&["add", "--all"]);
        let by = format!("--author={author} <{author}@example.com>");
        self.git(&["commit", "--quiet", "--allow-empty", &by, "--message", &format!("work on {branch}")]);
        self.git(&["push", "--quiet", "--force", "origin", branch]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Merges a branch into another and pushes that.
    pub(crate) fn merge(&self, from: &str, into: &str) -> String {
        self.git(&["fetch", "--quiet", "--prune", "origin"]);
        self.git(&["checkout", "--quiet", "-B", into, &format!("origin/{into}")]);
        self.git(&["merge", "--quiet", "--no-ff", "--message", "by hand", &format!("origin/{from}")]);
        self.git(&["push", "--quiet", "origin", into]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Pushes a commit to a branch, whatever the branch was.
    pub(crate) fn push(&self, commit: &str, branch: &str) {
        self.git(&["push", "--quiet", "--force", "origin", &format!("{commit}:refs/heads/{branch}")]);
    }

    /// Whether the home takes a commit as this ref.
    pub(crate) fn may_push(&self, commit: &str, to: &str) -> bool {
        let mut git = Command::new("git");
        git.args(["push", "--quiet", "origin", &format!("{commit}:{to}")]).current_dir(self.clone.path());
        git.output().expect("git runs").status.success()
    }

    /// Deletes a branch.
    pub(crate) fn delete(&self, branch: &str) {
        self.git(&["push", "--quiet", "origin", "--delete", branch]);
    }

    /// The commit at the tip of a branch of the home.
    pub(crate) fn tip(&self, branch: &str) -> Option<String> {
        let told = self.git(&["ls-remote", "origin", &format!("refs/heads/{branch}")]);
        told.split('\t').next().filter(|commit| !commit.is_empty()).map(str::to_owned)
    }

    /// Asks the home's repository itself, where it is a folder.
    pub(crate) fn ask(&self, args: &[&str]) -> String {
        self.ask_with(args, "")
    }

    /// As [`Self::ask`], with something to read.
    pub(crate) fn ask_with(&self, args: &[&str], input: &str) -> String {
        let mut all = vec!["--git-dir", &self.origin];
        all.extend(args);
        self.git_with(&all, input)
    }

    fn apply(&self, change: &Change) {
        let at = |path: &str| {
            let path = self.clone.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            path
        };
        match change {
            Change::Write(path, bytes) => std::fs::write(at(path), bytes).expect("a file"),
            Change::Runnable(path) => drop(self.git(&["update-index", "--add", "--chmod=+x", path])),
            Change::Remove(path) => std::fs::remove_file(at(path)).expect("a file"),
            Change::Move(from, to) => std::fs::rename(at(from), at(to)).expect("a file"),
            Change::Link(path, to) => std::os::unix::fs::symlink(to, at(path)).expect("a link"),
        }
        if let Change::Runnable(path) = change {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(at(path), std::fs::Permissions::from_mode(0o755)).expect("a mode");
        }
    }

    /// Runs git in the clone.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_with(args, "")
    }

    /// As [`Self::git`], with something to read.
    pub(crate) fn git_with(&self, args: &[&str], input: &str) -> String {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=ann", "-c", "user.email=ann@example.com"]).args(args);
        git.current_dir(self.clone.path()).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut git = git.spawn().expect("git runs");
        git.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads");
        let told = git.wait_with_output().expect("git ends");
        assert!(told.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8(told.stdout).expect("a text").trim().to_owned()
    }
}
