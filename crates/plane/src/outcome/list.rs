//! What is read of outcomes: each, and how many of each kind there are.

use std::collections::{BTreeMap, BTreeSet};

use domain::outcome::Outcome;
use domain::pull::Review;
use domain::time::Time;
use store::Tx;
use store::outcome::Listed;

use crate::page::{Ask, Page};
use crate::{Call, No, Plane};

/// How many first drafts are looked through.
const DRAFTS_MAX: i64 = 2_000;

/// Outcomes counted: by the kind of the gap, and in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// By kind of gap.
    pub by_kind: BTreeMap<String, BTreeMap<Outcome, i64>>,
    /// In all.
    pub all: BTreeMap<Outcome, i64>,
}

impl Plane {
    /// Outcomes, the latest first.
    pub async fn list_outcomes(&self, call: &Call, ask: &Ask) -> Result<Page<Listed>, No> {
        let (before, id) = ask.place((i64::MAX, ""))?;
        let mut tx = self.read(call).await?;
        let listed = store::outcome::list(&mut tx, (before, &id), ask.rows()).await?;
        Ok(ask.page(listed, |listed| (listed.found.ended_at, listed.found.id.clone())))
    }

    /// What an implementer alone misses: what reviewers found in first drafts since a moment, by category, of the last 2,000.
    pub async fn count_findings(&self, call: &Call, since: Time) -> Result<BTreeMap<String, Missed>, No> {
        let mut tx = self.read(call).await?;
        let mut missed: BTreeMap<String, Missed> = BTreeMap::new();
        for word in store::pull::word::of_first_drafts(&mut tx, since, DRAFTS_MAX).await? {
            let review: Review = word.read()?;
            let categories: Vec<_> = review.findings.iter().map(|finding| finding.category.name()).collect();
            for category in &categories {
                missed.entry((*category).to_owned()).or_default().found += 1;
            }
            for category in categories.into_iter().collect::<BTreeSet<_>>() {
                missed.entry(category.to_owned()).or_default().pulls += 1;
            }
        }
        Ok(missed)
    }

    /// How many of each outcome there are of pull requests that ended since a moment.
    pub async fn count_outcomes(&self, call: &Call, since: Time) -> Result<Counts, No> {
        let mut tx = self.read(call).await?;
        counts(&mut tx, since).await
    }
}

/// How often reviewers found something of a kind in first drafts, and in how many of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Missed {
    /// Findings.
    pub found: i64,
    /// Pull requests.
    pub pulls: i64,
}

/// Counts outcomes.
pub(crate) async fn counts(tx: &mut Tx, since: Time) -> Result<Counts, No> {
    let mut counts = Counts::default();
    for (kind, outcome, count) in store::outcome::by_kind(tx, since).await? {
        counts.by_kind.entry(kind).or_default().insert(outcome, count);
        *counts.all.entry(outcome).or_default() += count;
    }
    Ok(counts)
}
