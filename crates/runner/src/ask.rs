//! What a runner asks of the server: its tools, by what they take and answer. What is not told is taken as not known, so that
//! a server that tells more or less is understood all the same.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::client::{Client, Trouble};
use domain::pull::Stage;
use secrecy::SecretString;

/// How many jobs a page has, and how many pages are read to find one: all of them, for those that are done come last.
const PAGE: i64 = 200;
const PAGES_MAX: usize = 1_000;

/// What came of asking for a job.
#[derive(Debug, Deserialize)]
pub(crate) struct Claimed {
    /// The job, if there is one.
    #[serde(default)]
    pub(crate) job: Option<Job>,
    /// The claim on it.
    #[serde(default)]
    pub(crate) claim_id: Option<String>,
    /// Why there is none.
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

/// A job.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Job {
    pub(crate) name: String,
    #[serde(default)]
    untrusted: Untrusted,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Untrusted {
    #[serde(default)]
    payload: Value,
}

impl Job {
    /// The gap that it is about.
    pub(crate) fn gap(&self) -> &str {
        self.untrusted.payload.get("gap").and_then(Value::as_str).unwrap_or_default()
    }
}

/// What a claim is about.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Work {
    pub(crate) pull: Pull,
    /// What may still be spent.
    #[serde(default)]
    pub(crate) left: Left,
    #[serde(default)]
    untrusted: Words,
}

/// What others said, as far as we need it.
#[derive(Debug, Clone, Default, Deserialize)]
struct Words {
    #[serde(default)]
    description: Option<Description>,
}

/// The title and the description of a change that is there already.
#[derive(Debug, Clone, Deserialize)]
struct Description {
    title: String,
    body: Body,
}

#[derive(Debug, Clone, Deserialize)]
struct Body {
    text: String,
}

impl Work {
    /// The title and the description that a revision keeps.
    pub(crate) fn described(&self) -> Option<(String, String)> {
        self.untrusted.description.as_ref().map(|told| (told.title.clone(), told.body.text.clone()))
    }
}

/// A pull request, as far as we need it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Pull {
    pub(crate) repo: String,
    #[serde(default)]
    pub(crate) number: Option<i64>,
    #[serde(default)]
    pub(crate) iteration: i64,
    /// The commit at its head, once there is a change.
    #[serde(default)]
    pub(crate) head: Option<String>,
    /// Where its way parted from the branch that it is to be merged into.
    #[serde(default)]
    pub(crate) base: Option<String>,
    /// The branch that it is to be merged into.
    #[serde(default)]
    pub(crate) onto: Option<String>,
    /// The branch of the change. A reviewer is not told: it says what the change is for.
    #[serde(default)]
    pub(crate) branch: Option<String>,
}

/// What may still be spent; not told means no limit of ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Left {
    #[serde(default)]
    pub(crate) tokens: Option<i64>,
    #[serde(default)]
    pub(crate) micro_usd: Option<i64>,
}

/// How large a change may be.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct Size {
    #[serde(default)]
    pub(crate) files: Option<i64>,
    #[serde(default)]
    pub(crate) lines: Option<i64>,
}

/// A page of jobs.
#[derive(Debug, Deserialize)]
struct Page {
    jobs: Vec<Listed>,
    #[serde(default)]
    cursor: Option<String>,
}

/// A job in a list.
#[derive(Debug, Deserialize)]
struct Listed {
    name: String,
    state: String,
    #[serde(default)]
    last_status: Option<String>,
}

/// How a job stands whose claim is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stands {
    /// Its last run went well.
    Done,
    /// Its last run failed.
    Failed,
    /// It was put off, such as to wait for an answer.
    PutOff,
    /// Somebody has it, or nobody ended its last run.
    Lost,
}

impl Listed {
    fn stands(&self) -> Stands {
        match self.last_status.as_deref() {
            _ if self.state == "held" => Stands::Lost,
            Some("ok") => Stands::Done,
            Some("error") => Stands::Failed,
            Some("deferred") => Stands::PutOff,
            Some(_) | None => Stands::Lost,
        }
    }
}

/// A token for one claim alone.
#[derive(Deserialize)]
struct Delegated {
    token: String,
}

/// Whether the claim is the current one.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Said {
    #[serde(default)]
    pub(crate) ok: bool,
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

/// A change that is handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Under which it is handed in, however often its answer is lost.
    pub(crate) key: String,
    pub(crate) branch: String,
    pub(crate) head: String,
    pub(crate) title: String,
    pub(crate) body: String,
    /// What is answered to the findings, of a revision.
    pub(crate) answer: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) prompt_hash: String,
}

impl Client {
    pub(crate) async fn claim(&self, holder: &str, ttl: Duration, stage: Stage) -> Result<Claimed, Trouble> {
        let wish = json!({"holder": holder, "ttl_secs": ttl.as_secs(), "kind": stage.name()});
        read(self.write("claim-routine-job", wish).await?)
    }

    pub(crate) async fn show_work(&self, claim_id: &str) -> Result<Work, Trouble> {
        read(self.read("show-work", json!({"claim_id": claim_id})).await?)
    }

    pub(crate) async fn size(&self, claim_id: &str) -> Result<Size, Trouble> {
        read(self.read("my-budget", json!({"claim_id": claim_id})).await?)
    }

    /// Asked without a key: a token is shown once, and one whose answer was lost is followed by another. Where we meter what
    /// the agent spends, it has no say in that.
    pub(crate) async fn delegate(&self, claim_id: &str, metered: bool) -> Result<SecretString, Trouble> {
        let wish = json!({"claim_id": claim_id, "metered": metered});
        let given: Delegated = read(self.read("delegate-claim", wish).await?)?;
        Ok(SecretString::from(given.token))
    }

    /// How a job stands; none where there is no such one any more.
    pub(crate) async fn stands(&self, stage: Stage, name: &str) -> Result<Option<Stands>, Trouble> {
        let mut wish = json!({"kind": stage.name(), "limit": PAGE});
        for _ in 0..PAGES_MAX {
            let page: Page = read(self.read("list-routine-jobs", wish.clone()).await?)?;
            if let Some(job) = page.jobs.iter().find(|job| job.name == name) {
                return Ok(Some(job.stands()));
            }
            let Some(cursor) = page.cursor else { return Ok(None) };
            wish["cursor"] = json!(cursor);
        }
        Err(Trouble::Foreign("the server's list of jobs has no end".to_owned()))
    }

    /// Asked once: a renewal whose answer is lost is followed by another.
    pub(crate) async fn renew(&self, claim_id: &str, ttl: Duration, progress: &str) -> Result<Said, Trouble> {
        let wish = json!({"claim_id": claim_id, "ttl_secs": ttl.as_secs(), "progress": progress});
        read(self.read("renew-routine-job", wish).await?)
    }

    /// What was spent in all so far. Asked once, as it may be told again.
    pub(crate) async fn report(&self, claim_id: &str, spent: (i64, Option<i64>)) -> Result<(), Trouble> {
        self.read("report-usage", usage(claim_id, spent)).await.map(drop)
    }

    /// What was spent in the end.
    pub(crate) async fn report_end(&self, claim_id: &str, spent: (i64, Option<i64>)) -> Result<(), Trouble> {
        self.write("report-usage", usage(claim_id, spent)).await.map(drop)
    }

    pub(crate) async fn fail(&self, job: &str, claim_id: &str, why: &str, summary: &str) -> Result<Said, Trouble> {
        let mut wish = json!({"name": job, "claim_id": claim_id, "status": format!("error: {why}")});
        if !summary.is_empty() {
            wish["summary"] = json!(summary);
        }
        read(self.write("complete-routine-job", wish).await?)
    }

    pub(crate) async fn defer(&self, claim_id: &str, wait: Duration, why: &str) -> Result<Said, Trouble> {
        let wish = json!({"claim_id": claim_id, "seconds": wait.as_secs(), "reason": why});
        read(self.write("defer-routine-job", wish).await?)
    }

    pub(crate) async fn submit(&self, claim_id: &str, change: &Change) -> Result<(), Trouble> {
        let Change { key, branch, head, title, body, answer, model, prompt_hash } = change;
        let mut wish = json!({
            "claim_id": claim_id, "branch": branch, "head": head, "title": title, "body": body, "prompt_hash": prompt_hash,
        });
        for (name, text) in [("answer", answer), ("model", model)] {
            if let Some(text) = text {
                wish[name] = json!(text);
            }
        }
        self.write_under(key, "submit-change", wish).await.map(drop)
    }
}

fn usage(claim_id: &str, (tokens, micro_usd): (i64, Option<i64>)) -> Value {
    let mut wish = json!({"claim_id": claim_id, "tokens": tokens});
    if let Some(micro_usd) = micro_usd {
        wish["micro_usd"] = json!(micro_usd);
    }
    wish
}

fn read<T: DeserializeOwned>(answer: Value) -> Result<T, Trouble> {
    serde_json::from_value(answer)
        .map_err(|error| Trouble::Foreign(format!("the server's answer cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_job_stands_is_told_by_its_last_run_unless_somebody_has_it() {
        for (state, last, stands) in [
            ("idle", Some("ok"), Stands::Done),
            ("ready", Some("ok"), Stands::Done),
            ("held", Some("ok"), Stands::Lost),
            ("waiting", Some("deferred"), Stands::PutOff),
            ("waiting", Some("error"), Stands::Failed),
            ("dead", Some("error"), Stands::Failed),
            ("ready", Some("lost"), Stands::Lost),
            ("ready", None, Stands::Lost),
        ] {
            let job = Listed { name: "j".to_owned(), state: state.to_owned(), last_status: last.map(str::to_owned) };
            assert_eq!(job.stands(), stands, "{state} {last:?}");
        }
    }
}
