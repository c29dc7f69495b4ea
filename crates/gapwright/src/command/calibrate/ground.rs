//! The folder in which reviewers are tried: a git repository with everything as it was before the changes, and the settings of
//! a server over it. Nothing in it says what it is for.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use domain::budget::AMOUNT_MAX;
use domain::calibration::corpus::{self, Case};
use serde_json::json;
use tempfile::TempDir;

use crate::command::demo::git;
use crate::config::Config;
use crate::failure::Failure;

/// The repository, as the local forge calls it. It is no name of the installation's: whoever reviews must not be led there.
pub(super) const REPO: &str = "northwind/services";

/// How many pull requests are under way beside those that are reviewed, so that nobody waits for the next.
const AHEAD: u16 = 4;

/// How many lines a change may have at least, however few the installation allows: the largest case has fewer.
const LINES_MIN: i64 = 400;

/// The most dollars that a setting may say.
const USD_MAX: i64 = 1_000_000;

const README: &str = "# services\n\nServices, their tools and their migrations. Each folder has one concern.\n";

/// The folder; gone with this value, unless it is to be kept.
#[derive(Debug)]
pub(super) struct Ground {
    folder: TempDir,
}

/// A change as it is committed.
pub(super) struct Commit<'a> {
    pub(super) branch: &'a str,
    pub(super) path: &'a str,
    pub(super) text: &'a str,
    pub(super) title: &'a str,
    pub(super) body: &'a str,
    /// Seconds since 1970.
    pub(super) at: i64,
}

impl Ground {
    /// An empty one, which nobody else may enter.
    pub(super) fn new(config: &Config, concurrency: u16, keep: bool) -> Result<Self, Failure> {
        let private = std::fs::Permissions::from_mode(0o700);
        let made = tempfile::Builder::new().prefix("gapwright-").permissions(private).disable_cleanup(keep).tempdir();
        let folder = made.map_err(|error| unmade(&error).hint("set TMPDIR to a folder in which you may write"))?;
        let ground = Self { folder };
        std::fs::create_dir(ground.rooms()).map_err(|error| unmade(&error))?;
        std::fs::write(ground.settings(), ground.toml(config, concurrency)).map_err(|error| unmade(&error))?;
        Ok(ground)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The settings of the server.
    pub(super) fn settings(&self) -> PathBuf {
        self.folder().join("gapwright.toml")
    }

    /// The repository of the forge.
    pub(super) fn home(&self) -> PathBuf {
        self.folder().join("services.git")
    }

    /// Where the workspaces of agents are made.
    pub(super) fn rooms(&self) -> PathBuf {
        self.folder().join("rooms")
    }

    /// The runner's own broker.
    pub(super) fn broker(&self) -> PathBuf {
        self.folder().join("work.git")
    }

    fn clone(&self) -> PathBuf {
        self.folder().join("clone")
    }

    /// What a reviewer is told and may spend is as it is configured: another prompt would be another reviewer.
    fn toml(&self, config: &Config, concurrency: u16) -> String {
        let path = |name: &str| json!(self.folder().join(name).display().to_string());
        let database = json!(format!("sqlite:{}", self.folder().join("gapwright.db").display()));
        let (written, sections) = (&config.sections.pipeline, &config.sections);
        let (prefix, tools) = (json!(written.branch_prefix), json!(sections.mcp.tool_prefix));
        let quiet =
            ["agent-mcp-heartbeat", "daily-digest", "dead-mans-switch", "fire-routines", "register-jobs", "retention"];
        let schedule = quiet.map(|name| format!("{name} = \"\"\n")).concat();
        format!(
            "[database]\nurl = {database}\n\n[server]\nlisten = \"127.0.0.1:0\"\ncalls_per_principal = 64\n\n\
             [mcp]\ntool_prefix = {tools}\n\n[log]\nlevel = \"error\"\n\n[schedule]\n{schedule}\n\
             [forge]\nkind = \"local\"\nrepository = \"{REPO}\"\ngit = {}\nbroker = {}\npoll = \"5m\"\n\
             issues_open_max = 1000\nissues_per_sweep = 1000\n\n[gaps]\nlines_max = {}\n\n\
             [pipeline]\npulls_max = {}\nbranch_prefix = {prefix}\nrun_minutes = {}\n\
             reviewer_tokens_max = {}\nreviewer_usd_max = {}\n\
             pull_tokens_max = {AMOUNT_MAX}\npull_usd_max = {USD_MAX}\nday_tokens_max = {AMOUNT_MAX}\nday_usd_max = {USD_MAX}\n",
            path("services.git"),
            path("broker.git"),
            sections.gaps.lines_max.max(LINES_MIN),
            concurrency + AHEAD,
            written.run_minutes,
            written.reviewer_tokens_max,
            written.reviewer_usd_max,
        )
    }

    /// Writes what was there before the changes, and pushes it to the repository of the forge, which is there already.
    pub(super) async fn begin(&self) -> Result<(), Failure> {
        let (home, clone) = (self.home().display().to_string(), self.clone());
        git(self.folder(), &["clone", "--quiet", &home, &clone.display().to_string()]).await?;
        write(&clone, "README.md", README)?;
        for Case { path, before, .. } in corpus::cases() {
            if let Some(before) = before {
                write(&clone, path, before)?;
            }
        }
        git(&clone, &["add", "--all"]).await?;
        git(&clone, &["commit", "--quiet", "--message", "chore: bring services and tools together"]).await?;
        git(&clone, &["branch", "--force", "base"]).await?;
        git(&clone, &["push", "--quiet", "origin", "HEAD:main"]).await.map(drop)
    }

    /// Commits a change on a branch of its own, and pushes that; gives the commit.
    pub(super) async fn commit(&self, change: &Commit<'_>) -> Result<String, Failure> {
        let clone = self.clone();
        git(&clone, &["checkout", "--quiet", "--force", "-B", change.branch, "base"]).await?;
        write(&clone, change.path, change.text)?;
        git(&clone, &["add", "--all"]).await?;
        let (date, message) = (format!("--date={} +0000", change.at), format!("{}\n\n{}", change.title, change.body));
        git(&clone, &["commit", "--quiet", &date, "--message", &message]).await?;
        git(&clone, &["push", "--quiet", "origin", &format!("HEAD:refs/heads/{}", change.branch)]).await?;
        git(&clone, &["rev-parse", "HEAD"]).await
    }
}

fn write(clone: &Path, path: &str, text: &str) -> Result<(), Failure> {
    let at = clone.join(path);
    at.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(|error| unmade(&error))?;
    std::fs::write(&at, text).map_err(|error| unmade(&error))
}

fn unmade(error: &std::io::Error) -> Failure {
    Failure::new("the folder of the trials cannot be made").why(error.to_string())
}
