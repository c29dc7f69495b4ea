//! The pipeline as agents meet it: through MCP over HTTP with a token for each, over a real git repository on the local
//! forge and a real broker.
//!
//! Chores are held by calling the plane, as its own clock would. What people do, they do on the forge.

mod blind;
mod bound;
mod hostile;
mod refusals;
mod served;
mod spoken;
mod whole;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use domain::pull::Stage;
use domain::time::Span;
use forge::local::Local;
use forge::{Forge as _, Method};
use harness::World;
use harness::mcp::Client;
use plane::{Plane, Settings};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::asked::{Asked, ok, options};
use crate::scenarios::operator;

pub(crate) use served::answers;

const REPO: &str = "ann/website";

/// The name of the gap of most cases. A reviewer must not read it before it has judged.
const GAP: &str = "list-recent-deploys";

/// How often everything is read on the forge.
const POLL: Span = Span::mins(5);

/// A served plane at the level pipeline, over a local forge.
pub(crate) struct Yard<'w> {
    world: &'w World,
    pub(crate) asked: Asked,
    pub(crate) plane: Plane,
    local: Local,
    folder: TempDir,
}

impl<'w> Yard<'w> {
    pub(crate) async fn new(world: &'w World) -> Self {
        Self::with(world, |_| {}).await
    }

    async fn with(world: &'w World, set: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let local = harness::local::forge(world, folder.path(), REPO).await;
        let home = harness::local::home(Arc::new(local.clone()), folder.path(), (REPO, POLL)).await;
        let settings = harness::plane::settings(|settings| {
            settings.home = Some(home);
            set(settings);
        });
        let plane = Plane::new(world.store().clone(), settings, StdRng::seed_from_u64(99));
        for _ in 0..2 {
            plane.raise_level(&operator(), Some("a trial of the whole pipeline")).await.expect("raised");
        }
        let asked = Asked::serve(plane.clone(), options()).await;
        let yard = Self { world, asked, plane, local, folder };
        yard.commit("main", &[("src/lib.rs", "//! A library.\n")]);
        yard
    }

    /// A yard with one pull request whose planner's turn it is.
    async fn planning(world: &'w World) -> Self {
        let yard = Self::new(world).await;
        yard.takes_up(GAP, "nobody could see what was deployed").await;
        yard
    }

    /// Lets a gap be reported, opted in by a person, and taken up.
    async fn takes_up(&self, name: &str, reason: &str) {
        let routine = self.asked.client(domain::agent::Role::Routine, "reporter").await;
        ok(&routine, "report-gap", json!({"kind": "mcp-tool", "name": name, "reason": reason})).await;
        self.plane.sweep().await.expect("swept");
        self.pass(Span::secs(1)).await;
        let issues = self.local.issues(0).await.expect("issues");
        let issue = issues.iter().find(|issue| issue.title.contains(name)).expect("an issue");
        self.labels(issue.number, "claude").await;
        self.pass(POLL).await;
        assert_eq!(self.plane.tend_pulls().await.expect("a pass"), 1, "{name} is taken up");
    }

    /// A person puts a label on.
    async fn labels(&self, number: i64, name: &str) {
        harness::local::label(&self.local, "mona", number, name).await;
    }

    /// A person writes on the only issue.
    async fn comments(&self, text: &str) {
        let issues = self.local.issues(0).await.expect("issues");
        self.person().comment(issues[0].number, text).await.expect("a comment");
    }

    fn person(&self) -> Local {
        self.local.acting("mona").expect("a person")
    }

    /// Time passes, and the forge is looked at.
    async fn pass(&self, span: Span) {
        self.world.hand.advance(span);
        self.plane.tend_mirror().await.expect("a tick of the mirror");
        self.plane.watch_pulls().await.expect("a tick of the pull requests");
    }

    /// An agent of a stage, with a token of its own.
    async fn agent(&self, stage: Stage) -> Client {
        self.asked.client(stage.role(), &format!("{stage}-one")).await
    }

    /// A turn of a stage, taken by an agent of its own.
    async fn turn(&self, stage: Stage) -> Turn {
        Turn::take(self.agent(stage).await).await
    }

    /// The planner does its part.
    async fn planned(&self) {
        let planner = self.turn(Stage::Planner).await;
        planner.does("submit-plan", plan()).await;
    }

    /// The planner and the implementer do their parts, and the pull request is opened.
    async fn opened(&self) -> String {
        self.planned().await;
        let implementer = self.turn(Stage::Implementer).await;
        implementer.does("submit-change", change(FIRST)).await;
        self.pass(Span::secs(1)).await;
        self.status().await["head"].as_str().expect("a head").to_owned()
    }

    /// How the one pull request stands, as an operator is told.
    async fn status(&self) -> Value {
        let eve = self.asked.client(domain::agent::Role::Viewer, "eve").await;
        let listed = ok(&eve, "pipeline-status", json!({})).await;
        let id = listed["pulls"][0]["id"].as_str().unwrap_or("1").to_owned();
        ok(&eve, "pipeline-status", json!({"pull": id})).await["pull"].take()
    }

    async fn merges(&self, number: i64, head: &str) {
        self.person().merge(number, head, Method::Merge, "merge by hand").await.expect("merged");
    }

    /// The commit at the tip of a branch of the forge; empty where there is no such branch.
    fn tip(&self, branch: &str) -> String {
        let refs = format!("refs/heads/{branch}");
        git(self.folder.path(), &["--git-dir", "home.git", "for-each-ref", "--format=%(objectname)", &refs])
    }

    /// A person deletes a branch of the forge.
    fn delete(&self, branch: &str) {
        git(self.folder.path(), &["--git-dir", "home.git", "update-ref", "-d", &format!("refs/heads/{branch}")]);
    }

    /// Commits files to a branch by hand, and pushes.
    fn commit(&self, branch: &str, files: &[(&str, &str)]) -> String {
        self.commit_by(MONA, branch, files)
    }

    /// The same by somebody with this address.
    fn commit_by(&self, address: &str, branch: &str, files: &[(&str, &str)]) -> String {
        let clone = tempfile::tempdir_in(self.folder.path()).expect("a folder");
        let git = |args: &[&str]| git_by(address, clone.path(), args);
        git(&["clone", "--quiet", "../home.git", "."]);
        let known = git(&["ls-remote", "origin", &format!("refs/heads/{branch}")]);
        let from = if known.is_empty() { "origin/main".to_owned() } else { format!("origin/{branch}") };
        git(&["checkout", "--quiet", "-B", branch, &from]);
        for (path, text) in files {
            let at = clone.path().join(path);
            std::fs::create_dir_all(at.parent().expect("a folder")).expect("a folder");
            match text.strip_prefix("link:") {
                Some(to) => std::os::unix::fs::symlink(to, at).expect("a link"),
                None => std::fs::write(at, text).expect("a file"),
            }
        }
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--message", "by hand"]);
        git(&["push", "--quiet", "origin", branch]);
        git(&["rev-parse", "HEAD"])
    }

    pub(crate) async fn end(self) {
        self.asked.end().await.expect("a clean end");
    }
}

/// The address of a person.
const MONA: &str = "mona@example.com";

/// Runs git as a person does; gives what it says.
fn git(folder: &Path, args: &[&str]) -> String {
    git_by(MONA, folder, args)
}

fn git_by(address: &str, folder: &Path, args: &[&str]) -> String {
    let mut git = Command::new("git");
    for key in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{key}_NAME"), "mona").env(format!("GIT_{key}_EMAIL"), address);
    }
    let done = git.args(args).current_dir(folder).stdin(Stdio::null()).output().expect("git runs");
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

/// A turn that somebody took.
struct Turn {
    client: Client,
    claim: Value,
}

impl Turn {
    async fn take(client: Client) -> Self {
        let claim = ok(&client, "claim-routine-job", json!({"holder": "w", "ttl_secs": 3_600})).await;
        assert_eq!(claim["claimed"], json!(true), "{claim}");
        Self { client, claim }
    }

    /// Arguments with the claim.
    fn with(&self, mut arguments: Value) -> Value {
        arguments["claim_id"] = self.claim["claim_id"].clone();
        arguments
    }

    async fn does(&self, tool: &str, arguments: Value) -> Value {
        ok(&self.client, tool, self.with(arguments)).await
    }

    async fn is_refused(&self, tool: &str, arguments: Value) -> String {
        crate::asked::refused(&self.client, tool, self.with(arguments)).await.0
    }

    async fn work(&self) -> Value {
        self.does("show-work", json!({})).await
    }
}

fn plan() -> Value {
    json!({
        "approaches": [
            {"name": "a new crate", "about": "it would be apart", "lines": 300},
            {"name": "one function", "about": "it is little", "lines": 6},
        ],
        "chosen": "one function",
        "steps": "1. write it\n2. test it",
        "model": "opus",
    })
}

/// A new file of three lines.
const FIRST: &str = "diff --git a/src/list.rs b/src/list.rs\nnew file mode 100644\n--- /dev/null\n+++ b/src/list.rs\n\
                     @@ -0,0 +1,3 @@\n+pub fn list() -> Vec<String> {\n+    later()\n+}\n";

/// Its second line mended.
const SECOND: &str = "diff --git a/src/list.rs b/src/list.rs\n--- a/src/list.rs\n+++ b/src/list.rs\n\
                      @@ -1,3 +1,3 @@\n pub fn list() -> Vec<String> {\n-    later()\n+    Vec::new()\n }\n";

/// What the description says, and nobody else.
const BODY: &str = "It lists the deploys of a day, because nobody could see them.";

fn change(patch: &str) -> Value {
    json!({"patch": patch, "title": "feat: list what was deployed", "body": BODY, "model": "sonnet"})
}

fn review(head: &str, verdict: &str, findings: Value) -> Value {
    let mut review = json!({"head": head, "verdict": verdict, "summary": "read it"});
    review["findings"] = findings;
    review
}

fn finding(line: i64, severity: &str) -> Value {
    json!([{"path": "src/list.rs", "line": line, "severity": severity, "category": "correctness", "text": "it panics"}])
}
