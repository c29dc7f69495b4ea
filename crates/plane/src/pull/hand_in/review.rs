//! A review is handed in, twice: first of the difference alone, and then, with the description, the one that counts.

use domain::agent::Right;
use domain::id;
use domain::pull::diff::Shown;
use domain::pull::{Event, Instance, Review, Stage, Verdict};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::pull::word::{self, Pass, Word};
use store::seeded::bug;

use super::{AtWork, Fingerprint, HandedIn, anew, at_head, at_work, end};
use crate::desk::Desk;
use crate::pull::work::{WORDS_MAX, is_first_pass};
use crate::pull::{say, step};
use crate::{Call, No, Plane};

/// What came of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reviewed {
    /// It is kept, and what the change is for is told now: hand it in once more.
    First {
        /// The title.
        title: String,
        /// The description, in the implementer's words.
        body: String,
    },
    /// It counts.
    Final(HandedIn),
}

impl Plane {
    /// Takes in a review of one head.
    pub async fn submit_review(
        &self,
        call: &Call,
        claim_id: &str,
        head: &str,
        review: Review,
        by: Fingerprint,
    ) -> Result<Reviewed, No> {
        let (claim_id, head) = (id::opaque("claim_id", claim_id)?, head.to_owned());
        let right = Right::HandIn(Stage::Reviewer);
        call.by.require(right, call.tool)?;
        if let Some(first) = self.answered(call).await? {
            return Ok(first);
        }
        // What it may cite is read before anything is decided.
        let shown = self.shown(call, &claim_id, &head).await;
        let shown = self.noted(call, &claim_id, shown).await?;
        let claim = claim_id.clone();
        let done = self.write(call, right, move |desk| {
            submit(desk, claim.clone(), head.clone(), review.clone(), shown.clone(), by.clone()).boxed()
        });
        let done = self.noted(call, &claim_id, done.await).await?;
        self.wake.pulls.notify_one();
        Ok(done)
    }
}

/// The gravest that an instance said of a head before it knew what the change is for, under whatever claim: what it was told
/// then it knows.
async fn first_pass(desk: &mut Desk<'_>, pull: &str, head: &str, who: &Instance) -> Result<Option<Review>, No> {
    let said = word::of(desk.tx, pull, WORDS_MAX).await?;
    let own = said.iter().filter(|word| word.head == head && is_first_pass(word, who));
    let read: Result<Vec<Review>, _> = own.map(Word::read).collect();
    Ok(read?.into_iter().max_by_key(|review| review.verdict))
}

async fn submit(
    desk: &mut Desk<'_>,
    claim_id: String,
    head: String,
    review: Review,
    shown: Shown,
    by: Fingerprint,
) -> Result<Reviewed, No> {
    let at = at_work(desk, Stage::Reviewer, &claim_id).await?;
    at_head(&at, &head)?;
    let AtWork { stored, who, .. } = &at;
    let first = first_pass(desk, &stored.pull.id, &head, who).await?;
    review.check(&shown, first.as_ref())?;
    let pass = if first.is_none() && !bug("no-blind-pass") { Pass::First } else { Pass::Final };
    let id = desk.mint();
    let new = word::New {
        pull: &stored.pull,
        stage: Stage::Reviewer,
        pass,
        who,
        model: &by.model,
        prompt: &by.prompt,
        verdict: review.verdict.name(),
        body: json!(review).to_string(),
    };
    word::append(desk.tx, &id, new).await?;
    let object = format!("pull:{}", stored.pull.id);
    let after =
        json!({"review": id, "verdict": review.verdict.name(), "head": head, "findings": review.findings.len()});
    desk.record(object, &(), &after).await?;
    if pass == Pass::First {
        let change = stored.pull.change.clone().ok_or(store::Fault::Conflict)?;
        return Ok(Reviewed::First { title: change.title, body: change.body });
    }
    end(desk, &at, format!("reviewed: {}", review.verdict)).await?;
    let was = anew(desk, &stored.pull.id).await?;
    let event = match review.verdict {
        Verdict::Approve => Event::Approved,
        Verdict::RequestChanges if bug("revise-for-ever") => Event::ChangesRequested,
        Verdict::RequestChanges => was.pull.sent_back(desk.rules.caps.iterations),
        Verdict::Close => Event::Rejected,
    };
    let why = format!("{} reviewed it: {}", who.principal, review.verdict);
    say::review(desk, &was.pull, &review, &who.principal).await?;
    let now = step(desk, &was, was.pull.clone(), event, &why).await?;
    Ok(Reviewed::Final(HandedIn::of(&now)))
}
