//! The project of the demonstration: a folder with a git repository, its history, and the settings of a server over it. What
//! its tool does is done by git itself, so that nothing else has to be installed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::config::variables;
use crate::failure::Failure;

/// The repository, as the local forge calls it.
pub(super) const REPO: &str = "demo/shop";

/// The tool that the project lacks at first: an alias of git in a file of its own.
pub(super) const TOOL: &str = "tools/recent-deploys.gitconfig";

/// What the tool is called by.
pub(super) const ALIAS: &str = "recent-deploys";

/// Who wrote the project.
const AUTHOR: &str = "sam";

const README: &str = "# shop\n\nA small shop. What was deployed is written down in `deploys.txt`, a line each.\n";
const TOOLS: &str = "# Tools\n\nWhat routines may use. There is nothing here yet.\n";
const POLICY: &str = "# Nobody sees what is in tools/, so that nobody has to look at how it shows.\n\
                      [visual]\nnon_visual = [\"tools/**\", \"**/*.md\", \"**/*.rs\"]\n";

/// The commits after the first: what each says, which file it adds to, and what.
const HISTORY: [(&str, &str, &str); 6] = [
    ("deploy: 1.0 to staging", "deploys.txt", "1.0 staging\n"),
    ("deploy: 1.0 to production", "deploys.txt", "1.0 production\n"),
    ("feat: prices in cents", "src/price.rs", "/// Cents, for floats lose some.\npub struct Price(pub u64);\n"),
    ("deploy: 1.1 to staging", "deploys.txt", "1.1 staging\n"),
    ("deploy: 1.1 to production", "deploys.txt", "1.1 production\n"),
    ("docs: say what a price is", "README.md", "\nPrices are in cents.\n"),
];

/// The folder of a demonstration; gone with this value, unless it is to be kept.
#[derive(Debug)]
pub(super) struct Project {
    folder: TempDir,
}

impl Project {
    /// An empty one, which nobody else may enter.
    pub(super) fn new(keep: Keep) -> Result<Self, Failure> {
        let mut builder = tempfile::Builder::new();
        let made = builder
            .prefix("gapwright-demo-")
            .permissions(std::fs::Permissions::from_mode(0o700))
            .disable_cleanup(keep == Keep::Yes)
            .tempdir();
        let folder = made.map_err(|error| unmade(&error).hint("set TMPDIR to a folder in which you may write"))?;
        let project = Self { folder };
        std::fs::create_dir(project.rooms()).map_err(|error| unmade(&error))?;
        std::fs::write(project.settings(), project.toml()).map_err(|error| unmade(&error))?;
        Ok(project)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The settings of its server.
    pub(super) fn settings(&self) -> PathBuf {
        self.folder().join("gapwright.toml")
    }

    /// The repository of the forge.
    pub(super) fn home(&self) -> PathBuf {
        self.folder().join("shop.git")
    }

    /// Where the workspaces of agents are made.
    pub(super) fn rooms(&self) -> PathBuf {
        self.folder().join("rooms")
    }

    /// The folder of a runner's own broker.
    pub(super) fn broker(&self, name: &str) -> PathBuf {
        self.folder().join(format!("{name}.git"))
    }

    fn toml(&self) -> String {
        let path = |name: &str| json!(self.folder().join(name).display().to_string());
        let database = json!(format!("sqlite:{}", self.folder().join("gapwright.db").display()));
        format!(
            "[database]\nurl = {database}\n\n[server]\nlisten = \"127.0.0.1:0\"\n\n[forge]\nkind = \"local\"\nrepository = \"{REPO}\"\n\
             git = {}\nbroker = {}\npoll = \"10s\"\n\n[log]\nlevel = \"warn\"\n",
            path("shop.git"),
            path("broker.git"),
        )
    }

    /// Writes the history, and pushes it to the repository of the forge, which is there already.
    pub(super) async fn begin(&self) -> Result<usize, Failure> {
        let clone = self.clone("sam").await?;
        for (path, text) in [
            ("README.md", README),
            ("src/lib.rs", "//! A shop.\n"),
            ("src/price.rs", ""),
            ("tools/README.md", TOOLS),
            (".gapwright/policy.toml", POLICY),
        ] {
            add(&clone, path, text)?;
        }
        commit(&clone, "feat: a shop").await?;
        for (message, path, text) in HISTORY {
            add(&clone, path, text)?;
            commit(&clone, message).await?;
        }
        git(&clone, &["push", "--quiet", "origin", "HEAD:main"]).await?;
        Ok(HISTORY.len() + 1)
    }

    /// A fresh clone, as a person or a routine has one.
    pub(super) async fn clone(&self, name: &str) -> Result<PathBuf, Failure> {
        let clone = self.folder().join(name);
        let home = self.home().display().to_string();
        git(self.folder(), &["clone", "--quiet", &home, &clone.display().to_string()]).await?;
        Ok(clone)
    }
}

/// Whether the folder stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Yes,
    No,
}

/// Lets the routine do its work in a clone: it runs the tool, which must be there. Gives what the tool says, or what is
/// lacking.
pub(super) async fn list_deploys(clone: &Path) -> Result<Result<String, String>, Failure> {
    let tool = clone.join(TOOL);
    if !tool.exists() {
        return Ok(Err(format!("there is no {TOOL}")));
    }
    let include = format!("include.path={}", tool.display());
    git(clone, &["-c", &include, ALIAS]).await.map(Ok)
}

fn add(clone: &Path, path: &str, text: &str) -> Result<(), Failure> {
    let at = clone.join(path);
    let was = std::fs::read_to_string(&at).unwrap_or_default();
    at.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(|error| unmade(&error))?;
    std::fs::write(&at, was + text).map_err(|error| unmade(&error))
}

async fn commit(clone: &Path, message: &str) -> Result<(), Failure> {
    git(clone, &["add", "--all"]).await?;
    git(clone, &["commit", "--quiet", "--message", message]).await.map(drop)
}

/// Runs git in a folder, with no settings but the folder's, and nothing of the environment but the way to programs: a
/// `GIT_DIR` of whoever runs the demonstration would lead it into their own repository. Gives what it says.
pub(in crate::command) async fn git(folder: &Path, words: &[&str]) -> Result<String, Failure> {
    let mut git = Command::new("git");
    git.current_dir(folder).args(words).stdin(Stdio::null()).kill_on_drop(true);
    git.env_clear().envs(variables().filter(|(name, _)| name == "PATH")).env("HOME", folder);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
    for role in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{role}_NAME"), AUTHOR).env(format!("GIT_{role}_EMAIL"), format!("{AUTHOR}@shop.invalid"));
    }
    let done = git
        .output()
        .await
        .map_err(|error| Failure::new("git cannot be run").why(error.to_string()).hint("install git 2.43 or later"))?;
    if !done.status.success() {
        let first = words.iter().find(|word| !word.starts_with('-')).copied().unwrap_or_default();
        return Err(Failure::new(format!("git {first} failed")).why(String::from_utf8_lossy(&done.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

fn unmade(error: &std::io::Error) -> Failure {
    Failure::new("the folder of the demonstration cannot be made").why(error.to_string())
}
