//! The merger's verdict is handed in: a recommendation to a person, never a merge.

use domain::agent::Right;
use domain::id;
use domain::pull::{Event, MergeVerdict, Pull, Stage, verdict};
use futures::FutureExt;
use serde_json::json;
use store::pull::word::{self, Pass};
use store::seeded::bug;

use super::{AtWork, Fingerprint, HandedIn, anew, at_head, at_work, end};
use crate::desk::Desk;
use crate::pull::{say, step};
use crate::{Call, No, Plane};

/// A verdict on the whole of one head.
#[derive(Debug, Clone)]
struct Given {
    head: String,
    verdict: MergeVerdict,
    summary: String,
    by: Fingerprint,
}

impl Plane {
    /// Takes in a merger's verdict on one head.
    pub async fn submit_merge_verdict(
        &self,
        call: &Call,
        claim_id: &str,
        head: &str,
        (word, summary): (MergeVerdict, &str),
        by: Fingerprint,
    ) -> Result<HandedIn, No> {
        let claim_id = id::opaque("claim_id", claim_id)?;
        self.noted(call, &claim_id, verdict::summary(summary).map_err(No::from)).await?;
        let given = Given { head: head.to_owned(), verdict: word, summary: summary.to_owned(), by };
        let right = Right::HandIn(Stage::Merger);
        let claim = claim_id.clone();
        let done = self.write(call, right, move |desk| submit(desk, claim.clone(), given.clone()).boxed()).await;
        let done = self.noted(call, &claim_id, done).await?;
        self.wake.pulls.notify_one();
        self.wake.outbox.notify_one();
        Ok(done)
    }
}

async fn submit(desk: &mut Desk<'_>, claim_id: String, given: Given) -> Result<HandedIn, No> {
    let at = at_work(desk, Stage::Merger, &claim_id).await?;
    at_head(&at, &given.head)?;
    let AtWork { stored, who, .. } = &at;
    let id = desk.mint();
    let new = word::New {
        pull: &stored.pull,
        stage: Stage::Merger,
        pass: Pass::Final,
        who,
        model: &given.by.model,
        prompt: &given.by.prompt,
        verdict: given.verdict.name(),
        body: json!({"verdict": given.verdict, "summary": given.summary}).to_string(),
    };
    word::append(desk.tx, &id, new).await?;
    end(desk, &at, format!("judged: {}", given.verdict)).await?;
    let was = anew(desk, &stored.pull.id).await?;
    let (event, why) = judged(&was.pull, given.verdict, &who.principal);
    say::verdict(desk, &was.pull, event, &given.summary, &who.principal).await?;
    let now = step(desk, &was, was.pull.clone(), event, &why).await?;
    Ok(HandedIn::of(&now))
}

/// What follows from a merger's verdict. Where a person must look, no verdict says otherwise.
fn judged(pull: &Pull, verdict: MergeVerdict, by: &str) -> (Event, String) {
    let change = pull.change.as_ref();
    let visual = change.and_then(|change| change.visual.clone()).filter(|_| !bug("visual-by-word"));
    let must_look = visual.or_else(|| change.and_then(|change| change.protected.clone()));
    match (verdict, must_look) {
        (MergeVerdict::Close, _) => (Event::Rejected, format!("{by} would close it")),
        (MergeVerdict::ApproveForHuman, None) => (Event::Passed, format!("{by} approved it")),
        (MergeVerdict::ApproveForHuman | MergeVerdict::RequiresManualVisual, Some(why)) => (Event::NeedsLooking, why),
        (MergeVerdict::RequiresManualVisual, None) => {
            (Event::NeedsLooking, format!("{by} would have a person look at it"))
        }
    }
}
