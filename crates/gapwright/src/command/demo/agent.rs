//! The scripted agents of the demonstration. A runner starts one for a turn; it speaks MCP with the token of that turn, and
//! what it judges by is what `show-work` and the workspace tell. What it says to have used is made up.

use std::path::PathBuf;

use clap::Args;
use domain::pull::Stage;
use runner::{Client, Trouble};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::project::{ALIAS, TOOL, git};
use crate::config::variable;
use crate::failure::{Exit, Failure};
use crate::session;

/// What an agent calls its model.
const MODEL: &str = "scripted";

/// The tool's line as it is drafted: it lists every commit.
const DRAFT: &str = "\trecent-deploys = log --max-count=3 --format=%s";

/// What is lacking in it.
const PATH: &str = " -- deploys.txt";

/// Play an agent of the demonstration.
#[derive(Debug, Args)]
pub(crate) struct DemoAgent {
    /// Its stage
    #[arg(value_parser = crate::command::work::stage)]
    stage: Stage,
}

impl DemoAgent {
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        let turn = Turn::take()?;
        let work = turn.ask("show-work", json!({})).await?;
        match self.stage {
            Stage::Planner => turn.plan().await?,
            Stage::Implementer => turn.implement(&work).await?,
            Stage::Reviewer => turn.review(&work).await?,
            Stage::Merger => turn.judge(&work).await?,
        }
        Ok(Exit::Ok)
    }
}

/// A turn: the server, and the claim.
struct Turn {
    client: Client,
    claim: String,
    workspace: PathBuf,
}

impl Turn {
    /// As the runner says by the environment.
    fn take() -> Result<Self, Failure> {
        let told = |name: &str| {
            variable(name)
                .ok_or_else(|| Failure::usage(format!("{name} is not set")).hint("this is run by gapwright demo alone"))
        };
        let file = told("GAPWRIGHT_TOKEN_FILE")?;
        let token = std::fs::read_to_string(&file)
            .map_err(|error| Failure::usage("cannot read the token").why(format!("{file}: {error}")))?;
        let token = SecretString::from(token.trim().to_owned());
        let client = Client::new(&told("GAPWRIGHT_MCP_URL")?, token, session::chance()).map_err(refused)?;
        Ok(Self { client, claim: told("GAPWRIGHT_CLAIM")?, workspace: told("GAPWRIGHT_WORKSPACE")?.into() })
    }

    async fn ask(&self, tool: &str, mut arguments: Value) -> Result<Value, Failure> {
        arguments["claim_id"] = json!(self.claim);
        self.client.read(tool, arguments).await.map_err(refused)
    }

    /// Says what it used, before it hands anything in: the claim ends by that.
    async fn used(&self, tokens: i64, micro_usd: i64) -> Result<(), Failure> {
        self.ask("report-usage", json!({"tokens": tokens, "micro_usd": micro_usd})).await.map(drop)
    }

    async fn plan(&self) -> Result<(), Failure> {
        self.used(41_200, 210_000).await?;
        let plan = json!({
            "approaches": [
                {"name": "an alias of git", "about": "A file in tools/ that git reads. Nothing to build.", "lines": 4},
                {"name": "a program", "about": "It would be built, installed and kept up to date.", "lines": 80},
            ],
            "chosen": "an alias of git",
            "steps": format!("1. write {TOOL}\n2. name it in tools/README.md\n3. run it in a clone"),
            "model": MODEL,
        });
        self.ask("submit-plan", plan).await.map(drop)
    }

    /// Drafts, or mends the line that was cited. Its commits are taken by the runner, which hands them in.
    async fn implement(&self, work: &Value) -> Result<(), Failure> {
        let asked = work["untrusted"]["earlier"].as_array().into_iter().flatten();
        let mut findings = asked.filter_map(|said| said["findings"].as_array()).flatten();
        let message = if let Some(finding) = findings.next() {
            self.used(38_400, 240_000).await?;
            self.mend(finding)?
        } else {
            self.used(96_300, 620_000).await?;
            let head = "# The last deploys, the latest first. In a clone:";
            let how = format!("#   git -c include.path=\"$PWD/{TOOL}\" {ALIAS}");
            self.write(TOOL, &format!("{head}\n{how}\n[alias]\n{DRAFT}\n"))?;
            self.write(
                "tools/README.md",
                &format!("# Tools\n\nWhat routines may use.\n\n- `{TOOL}`: the last deploys\n"),
            )?;
            "feat: a tool that lists recent deploys\n\nThe digest of a night must say what was deployed last."
                .to_owned()
        };
        git(&self.workspace, &["add", "--all"]).await?;
        git(&self.workspace, &["commit", "--quiet", "--message", &message]).await.map(drop)
    }

    /// Mends the cited line; gives what is said of it.
    fn mend(&self, finding: &Value) -> Result<String, Failure> {
        let (path, line) = (finding["path"].as_str().unwrap_or_default(), finding["line"].as_u64().unwrap_or_default());
        let at = self.workspace.join(path);
        let text = std::fs::read_to_string(&at).map_err(|error| Failure::new(error.to_string()))?;
        let mend = |(number, was): (u64, &str)| if number == line { format!("{was}{PATH}") } else { was.to_owned() };
        let lines: Vec<_> = (1..).zip(text.lines()).map(mend).collect();
        self.write(path, &format!("{}\n", lines.join("\n")))?;
        Ok(format!("fix: list deploys alone\n\n{path}:{line}: mended, it reads the history of deploys.txt alone."))
    }

    fn write(&self, path: &str, text: &str) -> Result<(), Failure> {
        std::fs::write(self.workspace.join(path), text)
            .map_err(|error| Failure::new("cannot write").why(format!("{path}: {error}")))
    }

    /// Judges the difference twice: before and after it is told what it is for.
    async fn review(&self, work: &Value) -> Result<(), Failure> {
        let diff = work["untrusted"]["diff"]["text"].as_str().unwrap_or_default();
        let (path, line, text) = added(diff).find(|(_, _, text)| text.contains("= log ")).unwrap_or_default();
        let mut review = json!({"head": work["pull"]["head"], "model": MODEL});
        if text.ends_with(PATH) {
            self.used(33_900, 190_000).await?;
            (review["verdict"], review["summary"]) = (json!("APPROVE"), json!("it lists deploys, and three at most"));
        } else {
            self.used(52_700, 350_000).await?;
            review["verdict"] = json!("REQUEST_CHANGES");
            review["summary"] = json!("it lists what is no deploy");
            review["findings"] = json!([{
                "path": path, "line": line, "severity": "major", "category": "correctness",
                "text": "the log of everything is listed: say that deploys.txt is meant",
            }]);
        }
        for _ in 0..2 {
            self.ask("submit-review", review.clone()).await?;
        }
        Ok(())
    }

    async fn judge(&self, work: &Value) -> Result<(), Failure> {
        self.used(29_500, 180_000).await?;
        let diff = &work["untrusted"]["diff"];
        let whole = diff["complete"] == json!(true) && added(diff["text"].as_str().unwrap_or_default()).count() < 20;
        let (verdict, summary) = if whole {
            ("APPROVE_FOR_HUMAN", "it is what was planned, and nothing else")
        } else {
            ("CLOSE", "it is more than was planned")
        };
        let judged = json!({"head": work["pull"]["head"], "verdict": verdict, "summary": summary, "model": MODEL});
        self.ask("submit-merge-verdict", judged).await.map(drop)
    }
}

/// The lines that a difference adds: the file, the number of the line there, and the line.
fn added(diff: &str) -> impl Iterator<Item = (&str, u64, &str)> {
    let (mut path, mut next) = ("", 0);
    diff.lines().filter_map(move |line| {
        if let Some(file) = line.strip_prefix("+++ b/") {
            path = file;
            return None;
        }
        if let Some(hunk) = line.strip_prefix("@@ ") {
            let start = hunk.split(" +").nth(1).and_then(|rest| rest.split([',', ' ']).next());
            next = start.and_then(|start| start.parse().ok()).unwrap_or_default();
            return None;
        }
        let at = next;
        if let Some(text) = line.strip_prefix('+') {
            next += 1;
            return Some((path, at, text));
        }
        next += u64::from(line.starts_with(' '));
        None
    })
}

fn refused(trouble: Trouble) -> Failure {
    super::house::unanswered(trouble)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_a_difference_adds_have_the_numbers_of_the_new_side() {
        let diff = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,3 @@\n one\n-two\n+2\n+3\ndiff --git a/b b/b\n--- /dev/null\n+++ \
                    b/b\n@@ -0,0 +7 @@\n+x\n";
        assert_eq!(added(diff).collect::<Vec<_>>(), [("a", 2, "2"), ("a", 3, "3"), ("b", 7, "x")]);
    }
}
