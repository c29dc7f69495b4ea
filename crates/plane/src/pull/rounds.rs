//! The rounds that agents had in a pull request: what each run cost, how it ended, and what was handed in.

use domain::job::Run;
use domain::pull::{Finding, Review, Stage};
use store::pull::word::Word;

use super::show::{Shown, Spent};
use crate::{Call, No, Plane};

/// One round: a turn of an agent.
#[derive(Debug, Clone)]
pub struct Round {
    /// What its run spent, and in which stage.
    pub spent: Spent,
    /// How its claim ended; none while it is at work.
    pub run: Option<Run>,
    /// Who had it.
    pub principal: String,
    /// What was handed in, as it counts: what a reviewer says before it knows what the change is for does not.
    pub word: Option<Word>,
    /// What a review found; none where it was no review.
    pub findings: Option<Vec<Finding>>,
}

impl Round {
    /// How long it took, in minutes that were begun; none while it is at work.
    pub fn minutes(&self) -> Option<i64> {
        self.run.as_ref().map(|run| (run.ended_at.since(run.claimed_at).0 + 59_999) / 60_000)
    }

    /// Whether all that it spent is known; what is not counts as all that was set aside.
    pub fn is_known(&self) -> bool {
        self.spent.spend.tokens.is_some() && self.spent.spend.micro_usd.is_some()
    }
}

impl Plane {
    /// The rounds of a pull request that is shown, in order.
    pub async fn show_rounds(&self, call: &Call, shown: &Shown) -> Result<Vec<Round>, No> {
        let mut tx = self.read(call).await?;
        let mut rounds = Vec::with_capacity(shown.spent.len());
        for spent in &shown.spent {
            let claim = &spent.claim_id;
            let who = shown.hands.iter().find(|(_, who)| who.run == *claim);
            let word = shown.words.iter().find(|word| word.pass == "final" && word.claim_id == *claim).cloned();
            let review = word.as_ref().filter(|word| word.stage == Stage::Reviewer.name());
            rounds.push(Round {
                run: store::run::find(&mut tx, claim).await?,
                principal: who.map(|(_, who)| who.principal.clone()).unwrap_or_default(),
                findings: review.map(Word::read::<Review>).transpose()?.map(|review| review.findings),
                spent: spent.clone(),
                word,
            });
        }
        Ok(rounds)
    }
}
