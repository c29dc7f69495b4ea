//! The real bare repository behind a fake one: commits, differences and merges are git's own.
//!
//! The program is run in an environment of its own, so that no setting of this machine changes what a test sees.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use tempfile::TempDir;

use super::state::stamp;

/// Where the program is looked for.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The program: by its whole path it is started without a fork of this process.
static GIT: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut places = std::env::split_paths(PATH).map(|place| place.join("git"));
    places.find(|path| path.is_file()).expect("git is installed")
});

/// What git calls the commit before the first.
const NOTHING: &str = "0000000000000000000000000000000000000000";

/// A bare repository in a temporary folder, made when it is first needed and gone with the last who holds it.
#[derive(Debug)]
pub(super) struct Bare {
    folder: OnceLock<TempDir>,
    /// How much lies between two commits, which stays as it is.
    sizes: Mutex<BTreeMap<(String, String), Size>>,
}

fn program(folder: &Path) -> Command {
    let mut git = Command::new(GIT.as_path());
    git.current_dir(folder).env_clear().env("PATH", PATH).env("HOME", folder).env("LC_ALL", "C");
    git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
    git.env("GIT_DIR", folder);
    git
}

/// Who makes a commit, and when.
#[derive(Debug, Clone)]
pub(super) struct Hand {
    pub(super) name: String,
    pub(super) at: i64,
}

impl Bare {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self { folder: OnceLock::new(), sizes: Mutex::default() }
    }

    /// Its folder.
    pub(super) fn path(&self) -> &Path {
        let made = self.folder.get_or_init(|| {
            let folder = tempfile::tempdir().expect("a folder");
            let output =
                program(folder.path()).args(["init", "--quiet", "--bare", "--initial-branch=main", "."]).output();
            assert!(output.is_ok_and(|output| output.status.success()), "git init failed");
            folder
        });
        made.path()
    }

    /// A git that knows nothing of this machine.
    pub(super) fn program(&self) -> Command {
        let mut git = program(self.path());
        git.env("GIT_AUTHOR_EMAIL", "author@example.com");
        git.env("GIT_AUTHOR_NAME", "author").env("GIT_COMMITTER_NAME", "GitHub");
        git.env("GIT_COMMITTER_EMAIL", "noreply@github.com");
        git
    }

    /// Runs git and gives what it printed; panics when it fails.
    pub(super) fn run(&self, words: &[&str], input: Option<&[u8]>) -> String {
        let output = feed(self.program().args(words), input);
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {} failed: {why}", words.join(" "));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs git and gives what it printed, or nothing when it says no.
    pub(super) fn ask(&self, words: &[&str]) -> Option<String> {
        let output = feed(self.program().args(words), None);
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// The bytes of an object.
    pub(super) fn blob(&self, id: &str) -> Vec<u8> {
        feed(self.program().args(["cat-file", "blob", id]), None).stdout
    }

    /// The commit that a word names, if it is one.
    pub(super) fn commit(&self, word: &str) -> Option<String> {
        let plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| self.ask(&["rev-parse", "--verify", "--quiet", &format!("{word}^{{commit}}")])).flatten()
    }

    /// A commit on a branch that writes these files, or takes those away that have no text; gives its id.
    pub(super) fn write(&self, branch: &str, from: Option<&str>, files: &[(&str, Option<&str>)], by: &Hand) -> String {
        let (name, secs) = (&by.name, by.at.div_euclid(1_000));
        let message = format!("Change {} files", files.len());
        let mut script = format!(
            "commit refs/heads/{branch}\nauthor {name} <{name}@example.com> {secs} +0000\n\
             committer {name} <{name}@example.com> {secs} +0000\ndata {}\n{message}\n",
            message.len()
        );
        if let Some(from) = from {
            writeln!(script, "from {from}").expect("a text takes more");
        }
        for (path, text) in files {
            match text {
                Some(text) => writeln!(script, "M 100644 inline {path}\ndata {}\n{text}", text.len()),
                None => writeln!(script, "D {path}"),
            }
            .expect("a text takes more");
        }
        self.run(&["fast-import", "--quiet", "--force", "--date-format=raw"], Some(script.as_bytes()));
        self.run(&["rev-parse", &format!("refs/heads/{branch}")], None).trim_end().to_owned()
    }

    /// The tree of merging two commits, or none when they are in conflict.
    pub(super) fn merged_tree(&self, base: &str, head: &str) -> Option<String> {
        let said = self.ask(&["merge-tree", "--write-tree", "--allow-unrelated-histories", base, head])?;
        said.lines().next().map(str::to_owned)
    }

    /// A commit of a tree.
    pub(super) fn commit_tree(&self, tree: &str, parents: &[&str], message: &str, by: &Hand) -> String {
        let mut words = vec!["commit-tree", tree];
        words.extend(parents.iter().flat_map(|parent| ["-p", parent]));
        let date = stamp(by.at);
        let mut git = self.program();
        git.args(words).env("GIT_AUTHOR_NAME", &by.name);
        git.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        let output = feed(&mut git, Some(message.as_bytes()));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// A commit made anew on another: its author, its date and its words stay.
    pub(super) fn commit_anew(&self, commit: &str, tree: &str, parent: &str, by: &Hand) -> String {
        let said = self.run(&["log", "-1", "--format=%an%n%ae%n%ad%n%B", "--date=raw", commit], None);
        let mut parts = said.splitn(4, '\n');
        let mut next = || parts.next().unwrap_or_default().to_owned();
        let (name, email, date, message) = (next(), next(), next(), next());
        let mut git = self.program();
        git.args(["commit-tree", tree, "-p", parent]).env("GIT_COMMITTER_DATE", stamp(by.at));
        git.env("GIT_AUTHOR_NAME", name).env("GIT_AUTHOR_EMAIL", email).env("GIT_AUTHOR_DATE", format!("@{date}"));
        let output = feed(&mut git, Some(message.trim_end().as_bytes()));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Puts a branch at a commit, or takes it away.
    pub(super) fn set(&self, branch: &str, commit: Option<&str>) {
        let name = format!("refs/heads/{branch}");
        match commit {
            Some(commit) => self.run(&["update-ref", &name, commit], None),
            None => self.run(&["update-ref", "-d", &name], None),
        };
    }

    /// Keeps the head of a pull request, as the real one does even when its branch is gone.
    pub(super) fn keep(&self, number: i64, commit: &str) {
        if commit != NOTHING {
            self.run(&["update-ref", &format!("refs/pull/{number}/head"), commit], None);
        }
    }

    /// Every branch with its commit.
    pub(super) fn branches(&self) -> Vec<(String, String)> {
        let said = self.run(&["for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads"], None);
        let pairs = said.lines().filter_map(|line| line.split_once(' '));
        pairs.map(|(commit, branch)| (branch.to_owned(), commit.to_owned())).collect()
    }
}

/// Runs a program with an input and gives what came of it.
fn feed(command: &mut Command, input: Option<&[u8]>) -> Output {
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("git is installed");
    if let Some((input, mut pipe)) = input.zip(child.stdin.take()) {
        pipe.write_all(input).expect("git reads its input");
    }
    child.wait_with_output().expect("git ends")
}

/// How much a change changes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    pub(super) commits: usize,
    pub(super) files: usize,
    pub(super) additions: i64,
    pub(super) deletions: i64,
}

impl Bare {
    /// How much lies between where two commits parted and the second.
    pub(super) fn size(&self, base: &str, head: &str) -> Size {
        let key = (base.to_owned(), head.to_owned());
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        *sizes.entry(key).or_insert_with(|| self.measured(base, head))
    }

    fn measured(&self, base: &str, head: &str) -> Size {
        let Some(from) = self.ask(&["merge-base", base, head]) else { return Size::default() };
        let commits = self.run(&["rev-list", "--count", &format!("{from}..{head}")], None);
        let numbers = self.run(&["diff", "--numstat", "-M", &from, head], None);
        let mut size = Size { commits: commits.trim().parse().unwrap_or_default(), ..Size::default() };
        for line in numbers.lines() {
            let mut words = line.split('\t').map(|word| word.parse().unwrap_or(0));
            size.files += 1;
            size.additions += words.next().unwrap_or(0);
            size.deletions += words.next().unwrap_or(0);
        }
        size
    }
}
