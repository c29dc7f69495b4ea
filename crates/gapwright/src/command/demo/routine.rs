//! The routine of the demonstration: it claims its job over MCP, and needs a tool that the project lacks at first.

use std::time::Duration;

use domain::agent::Role;
use runner::Client;
use serde_json::{Value, json};

use super::house::{House, unanswered};
use super::project::{Project, TOOL, list_deploys};
use super::tell::{Step, Teller, Tone};
use crate::failure::Failure;

/// The routine's principal.
const NAME: &str = "nightly";

/// Its job.
const JOB: &str = "deploy-digest";

/// The gap that it reports.
pub(super) const GAP: &str = "mcp-tool/list-recent-deploys";

/// What it completes with when it fails.
const MARKER: &str = "BLOCKING-GAP[kind=mcp-tool]: list-recent-deploys - the digest must say what was deployed last, and nothing lists it";

/// For how long it claims.
const TTL: Duration = Duration::from_mins(5);

/// A routine with its token.
pub(super) struct Routine {
    client: Client,
}

impl Routine {
    /// Registers its job.
    pub(super) async fn new(house: &House) -> Result<Self, Failure> {
        let client = house.client(NAME, Role::Routine).await?;
        let job =
            json!({"name": JOB, "kind": "report", "priority": 5, "interval_secs": 86_400, "created_by": "the demo"});
        client.write("register-routine-job", job).await.map_err(unanswered)?;
        Ok(Self { client })
    }

    /// Works, in a clone of its own, and fails, for the tool is not there.
    pub(super) async fn fails(&self, project: &Project, teller: Teller) -> Result<(), Failure> {
        let claim_id = self.claim().await?;
        teller.tell(&Step::new("claimed", NAME, format!("claims the routine job {JOB}")));
        let clone = project.clone("nightly-1").await?;
        let Err(lacks) = list_deploys(&clone).await? else {
            return Err(Failure::new("the routine lacked nothing, which is not what is shown here"));
        };
        let status = format!("error: {lacks}");
        let told = self.complete(&claim_id, &status, MARKER).await?;
        let step = Step::new("failed", NAME, format!("completes it with {status}")).more(MARKER).tone(Tone::Bad);
        teller.tell(&step);
        if told["gaps_recorded"] == json!(1) {
            Ok(())
        } else {
            Err(Failure::new("the gap was not recorded").why(told.to_string()))
        }
    }

    /// Works once more, in a fresh clone, with the tool that was merged.
    pub(super) async fn succeeds(&self, project: &Project, teller: Teller) -> Result<(), Failure> {
        let claim_id = self.claim().await?;
        teller.tell(&Step::new("claimed", NAME, format!("claims {JOB} again, with a fresh clone of main")));
        let clone = project.clone("nightly-2").await?;
        let listed = list_deploys(&clone).await?.map_err(|lacks| Failure::new("the routine still fails").why(lacks))?;
        self.complete(&claim_id, "ok", &format!("Deployed last:\n{listed}")).await?;
        let step = Step::new("succeeded", NAME, format!("runs {TOOL}, and completes it with ok")).more(&listed);
        teller.tell(&step.tone(Tone::Good));
        Ok(())
    }

    async fn claim(&self) -> Result<String, Failure> {
        let wish = json!({"holder": NAME, "ttl_secs": TTL.as_secs(), "name": JOB});
        let claimed = self.client.write("claim-routine-job", wish).await.map_err(unanswered)?;
        let claim_id = claimed["claim_id"].as_str().map(str::to_owned);
        claim_id.ok_or_else(|| Failure::new("the routine did not get its job").why(claimed.to_string()))
    }

    async fn complete(&self, claim_id: &str, status: &str, summary: &str) -> Result<Value, Failure> {
        let end = json!({"name": JOB, "claim_id": claim_id, "status": status, "summary": summary});
        let told = self.client.write("complete-routine-job", end).await.map_err(unanswered)?;
        if told["ok"] == json!(true) { Ok(told) } else { Err(Failure::new("the claim was lost").why(told.to_string())) }
    }
}
