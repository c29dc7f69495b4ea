//! A plan is handed in: it is kept, written into the issue of the gap, and the implementer's turn comes.

use domain::agent::Right;
use domain::id;
use domain::pull::{Event, Plan, Stage};
use futures::FutureExt;
use serde_json::json;
use store::pull::word::{self, Pass};

use super::{AtWork, Fingerprint, HandedIn, anew, at_work, end};
use crate::desk::Desk;
use crate::pull::{say, step};
use crate::{Call, No, Plane};

impl Plane {
    /// Takes in a plan.
    pub async fn submit_plan(&self, call: &Call, claim_id: &str, plan: Plan, by: Fingerprint) -> Result<HandedIn, No> {
        let claim_id = id::opaque("claim_id", claim_id)?;
        let right = Right::HandIn(Stage::Planner);
        call.by.require(right, call.tool)?;
        self.noted(call, &claim_id, plan.check().map_err(No::from)).await?;
        let claim = claim_id.clone();
        let done = self.write(call, right, move |desk| submit(desk, claim.clone(), plan.clone(), by.clone()).boxed());
        let done = self.noted(call, &claim_id, done.await).await?;
        self.wake.pulls.notify_one();
        Ok(done)
    }
}

async fn submit(desk: &mut Desk<'_>, claim_id: String, plan: Plan, by: Fingerprint) -> Result<HandedIn, No> {
    let at = at_work(desk, Stage::Planner, &claim_id).await?;
    let AtWork { stored, who, .. } = &at;
    let id = desk.mint();
    let new = word::New {
        pull: &stored.pull,
        stage: Stage::Planner,
        pass: Pass::Final,
        who,
        model: &by.model,
        prompt: &by.prompt,
        verdict: &plan.chosen,
        body: json!(plan).to_string(),
    };
    word::append(desk.tx, &id, new).await?;
    end(desk, &at, format!("planned: {}", plan.chosen)).await?;
    let was = anew(desk, &stored.pull.id).await?;
    let why = format!("{} planned it: {}", who.principal, plan.chosen);
    let now = step(desk, &was, was.pull.clone(), Event::Planned, &why).await?;
    say::plan(desk, &now.pull, &plan.shown()).await?;
    Ok(HandedIn::of(&now))
}
