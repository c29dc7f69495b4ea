//! What is read of gaps: lists by rank, one with everything around it, what its rank is made of, and the inventory.

use std::collections::{BTreeMap, BTreeSet};

use domain::gap::rank::Term;
use domain::gap::relation;
use domain::gap::{Gap, Key, State};
use domain::time::Span;
use serde::Serialize;
use store::Tx;
use store::gap::blocked::{self, Blocked};
use store::gap::event::Happened;
use store::gap::likeness::Proposal;
use store::gap::sighting::{OfDay, Seen};
use store::gap::{Ranked, Total, Which, edge, event, likeness, place, sighting};
use store::issue::{Comment, Mirrored};

use super::known;
use crate::page::{Ask, Page};
use crate::{Call, No, Plane};

/// How much of each thing around a gap is shown with it.
const AROUND_MAX: i64 = 20;

/// How many duplicates are shown with what stands for them.
const DUPLICATES_MAX: usize = 20;

/// How many jobs, blocked by several gaps, are shown with how those go together.
const JOBS_TOGETHER_MAX: usize = 5;

/// How many kinds the inventory tells of: agents invent kinds.
const KINDS_MAX: usize = 200;

/// How many gaps of one job are told.
const GAPS_OF_JOB_MAX: i64 = 20;

/// Over how many days the inventory counts sightings by day.
pub const INVENTORY_DAYS: i64 = 90;

/// A gap with everything around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The gap.
    pub gap: Gap,
    /// Whether it is too deep to be worked on.
    pub too_deep: bool,
    /// What its rank is made of.
    pub terms: Vec<Term>,
    /// The jobs that it was reported to block, the last reported first, 20 at most.
    pub blocked: Vec<Blocked>,
    /// What must be closed first, 20 at most.
    pub depends_on: Vec<String>,
    /// What was only met while it was worked on, 20 at most.
    pub met: Vec<String>,
    /// What depends on it, 20 at most.
    pub needed_by: Vec<String>,
    /// What it stands for, 20 at most.
    pub duplicates: Vec<String>,
    /// What may be the same, for a person to say.
    pub proposals: Vec<Proposal>,
    /// How it goes with other gaps that block the same job.
    pub together: Vec<Together>,
    /// What became of it, the latest first.
    pub events: Vec<Happened>,
    /// Its issue.
    pub issue: Option<Mirrored>,
    /// What people wrote there, the latest first.
    pub comments: Vec<Comment>,
    /// Its sightings, the latest first.
    pub sightings: Page<Seen>,
}

/// How several gaps that block one job are best closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Together {
    /// The job.
    pub job: String,
    /// Whether in one pull request, or in which order and why.
    pub advice: relation::Together,
    /// The gaps.
    pub gaps: Vec<String>,
}

/// A gap with what its rank is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The gap.
    pub gap: Gap,
    /// Whether it is too deep to be worked on.
    pub too_deep: bool,
    /// What its rank is made of.
    pub terms: Vec<Term>,
}

/// What agents lack, summed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inventory {
    /// By kind, those that block most first, 200 at most.
    pub kinds: Vec<Kind>,
    /// How many kinds more there are.
    pub kinds_left: usize,
    /// How many gaps there are in all, duplicates left out.
    pub gaps: i64,
    /// How often they were reported in all.
    pub sightings: i64,
    /// How often each of these kinds was reported on each of the last 90 days.
    pub days: Vec<OfDay>,
    /// How many markers could not be read, 200 at most.
    pub unreadable: i64,
    /// How many proposals wait for a person, 200 at most.
    pub proposals: i64,
}

/// The gaps of one kind, summed up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Kind {
    /// The kind.
    pub kind: String,
    /// How many gaps, duplicates left out.
    pub gaps: i64,
    /// How many stand how: the outcomes of this kind.
    pub outcomes: BTreeMap<String, i64>,
    /// How often they were reported.
    pub sightings: i64,
    /// How many jobs they block, each gap counted for itself.
    pub jobs: i64,
    /// How often somebody began to work on one.
    pub attempts: i64,
    /// How many of those attempts failed.
    pub failures: i64,
    /// How often one was opened again.
    pub reopened: i64,
    /// How many lines one changes on average, as far as anybody said; none where nobody did.
    pub lines: Option<i64>,
    /// When the first was first reported.
    pub first_at: i64,
    /// When the last was last reported.
    pub last_at: i64,
}

impl Plane {
    /// Gaps by rank.
    pub async fn list_gaps(
        &self,
        call: &Call,
        which: Which,
        kind: Option<&str>,
        ask: &Ask,
    ) -> Result<Page<Ranked>, No> {
        let first = (i64::MIN, i64::MIN, String::new());
        let after: store::gap::Place = ask.place_in_order(first)?;
        let mut tx = self.read(call).await?;
        let gaps = store::gap::by_rank(&mut tx, which, kind, &after, ask.rows()).await?;
        Ok(ask.page(gaps, |ranked| place(&ranked.gap)))
    }

    /// Gaps by rank, each with what its rank is made of.
    pub async fn explain_gaps(&self, call: &Call, ask: &Ask) -> Result<Page<Explained>, No> {
        let page = self.list_gaps(call, Which::Live, None, ask).await?;
        let explained =
            |Ranked { gap, .. }| Explained { too_deep: self.is_too_deep(&gap), terms: gap.standing().terms(), gap };
        Ok(Page { items: page.items.into_iter().map(explained).collect(), cursor: page.cursor })
    }

    /// Whether a gap is too deep to be worked on.
    pub fn is_too_deep(&self, gap: &Gap) -> bool {
        gap.is_too_deep(self.settings.rules.depth_max)
    }

    /// One gap with everything around it; `ask` is about its sightings.
    pub async fn show_gap(&self, call: &Call, gap: &str, ask: &Ask) -> Result<Shown, No> {
        let (before, id) = ask.place((i64::MAX, ""))?;
        let mut tx = self.read(call).await?;
        let key = known(&mut tx, "name", gap).await?;
        let gap = store::gap::find(&mut tx, &key).await?.ok_or(store::Fault::Conflict)?;
        let seen = sighting::of_gap(&mut tx, &key, (before, &id), ask.rows()).await?;
        let blocked = blocked::list(&mut tx, &key, AROUND_MAX).await?;
        let met = edge::met(&mut tx, &key, AROUND_MAX).await?;
        let keys = |keys: Vec<Key>| keys.iter().take(DUPLICATES_MAX).map(Key::to_string).collect();
        Ok(Shown {
            too_deep: self.is_too_deep(&gap),
            terms: gap.standing().terms(),
            together: together(&mut tx, &key, self.settings.rules.lines_max).await?,
            blocked,
            depends_on: keys(edge::asked(&mut tx, &key, AROUND_MAX).await?),
            met: keys(met),
            needed_by: edge::above(&mut tx, &key, AROUND_MAX).await?.into_iter().map(|(gap, _)| gap).collect(),
            duplicates: keys(store::gap::duplicates(&mut tx, &key).await?),
            proposals: likeness::of_gap(&mut tx, &key, AROUND_MAX).await?,
            events: event::of_gap(&mut tx, &key, AROUND_MAX).await?,
            issue: store::issue::find(&mut tx, &key).await?,
            comments: store::issue::comments(&mut tx, &key, AROUND_MAX).await?,
            sightings: ask.page_of_texts(seen, |seen| (seen.at, seen.id.clone())),
            gap,
        })
    }

    /// The markers that could not be read, the latest first.
    pub async fn list_unreadable(&self, call: &Call, ask: &Ask) -> Result<Page<Seen>, No> {
        let (before, id) = ask.place((i64::MAX, ""))?;
        let mut tx = self.read(call).await?;
        let seen = sighting::unreadable(&mut tx, (before, &id), ask.rows()).await?;
        Ok(ask.page_of_texts(seen, |seen| (seen.at, seen.id.clone())))
    }

    /// The gaps that block a job, or blocked it and are to be proven by it: 20 at most, each with how it stands.
    pub async fn list_gaps_of_job(&self, call: &Call, job: &str) -> Result<Vec<Gap>, No> {
        let mut tx = self.read(call).await?;
        let mut gaps = Vec::new();
        for key in blocked::blocking(&mut tx, job, "", GAPS_OF_JOB_MAX).await? {
            gaps.extend(store::gap::find(&mut tx, &key).await?);
        }
        Ok(gaps)
    }

    /// What may be the same, the most alike first.
    pub async fn list_likeness(&self, call: &Call, ask: &Ask) -> Result<Page<Proposal>, No> {
        let after: likeness::Place = ask.place_in_order((i64::MIN, String::new(), String::new()))?;
        let mut tx = self.read(call).await?;
        let proposals = likeness::list(&mut tx, &after, ask.rows()).await?;
        Ok(ask.page(proposals, Proposal::place))
    }

    /// What agents lack, summed up.
    pub async fn inventory(&self, call: &Call) -> Result<Inventory, No> {
        let mut tx = self.read(call).await?;
        let since = tx.now() - Span::days(INVENTORY_DAYS);
        let most = crate::page::LIMIT_MAX;
        let first = (i64::MIN, String::new(), String::new());
        let unreadable = sighting::unreadable(&mut tx, (i64::MAX, ""), most).await?.len();
        let proposals = likeness::list(&mut tx, &first, most).await?.len();
        let mut kinds = kinds(store::gap::totals(&mut tx).await?);
        let (gaps, sightings) = kinds.iter().fold((0, 0), |(a, b), kind| (a + kind.gaps, b + kind.sightings));
        let kinds_left = kinds.len().saturating_sub(KINDS_MAX);
        kinds.truncate(KINDS_MAX);
        let told: BTreeSet<&str> = kinds.iter().map(|kind| kind.kind.as_str()).collect();
        let mut days = sighting::by_day(&mut tx, since).await?;
        days.retain(|day| told.contains(day.kind.as_str()));
        Ok(Inventory {
            kinds_left,
            gaps,
            sightings,
            days,
            kinds,
            unreadable: i64::try_from(unreadable).unwrap_or(most),
            proposals: i64::try_from(proposals).unwrap_or(most),
        })
    }
}

/// For each of the jobs that a gap blocks and others do too: how all of those go together.
async fn together(tx: &mut Tx, key: &Key, lines_max: i64) -> Result<Vec<Together>, No> {
    let (jobs, edges) = blocked::beside(tx, key, AROUND_MAX, AROUND_MAX).await?;
    let key = key.to_string();
    // A gap that nobody works on goes with none.
    let several = jobs.into_iter().filter(|(_, parts)| parts.len() > 1 && parts.iter().any(|part| part.key == key));
    let told = several.take(JOBS_TOGETHER_MAX).map(|(job, parts)| Together {
        job,
        advice: relation::together(&parts, &edges, lines_max),
        gaps: parts.into_iter().map(|part| part.key).collect(),
    });
    Ok(told.collect())
}

/// Sums up by kind; a duplicate counts with the gap that stands for it.
fn kinds(totals: Vec<Total>) -> Vec<Kind> {
    let mut kinds: BTreeMap<String, (Kind, i64, i64)> = BTreeMap::new();
    for total in totals {
        let first = (Kind { kind: total.kind.clone(), first_at: i64::MAX, ..Kind::default() }, 0, 0);
        let (kind, lines, sized) = kinds.entry(total.kind.clone()).or_insert(first);
        *kind.outcomes.entry(total.state.clone()).or_default() += total.gaps;
        if total.state == State::Duplicate.name() {
            continue;
        }
        kind.gaps += total.gaps;
        kind.sightings += total.sightings;
        kind.jobs += total.jobs;
        kind.attempts += total.attempts;
        kind.failures += total.failures;
        kind.reopened += total.reopened;
        kind.first_at = kind.first_at.min(total.first_at);
        kind.last_at = kind.last_at.max(total.last_at);
        *lines += total.lines;
        *sized += total.sized;
        kind.lines = (*sized > 0).then(|| *lines / *sized);
    }
    let mut kinds: Vec<_> = kinds.into_values().map(|(kind, ..)| kind).filter(|kind| kind.gaps > 0).collect();
    kinds.sort_by_key(|kind| (-kind.jobs, -kind.sightings, kind.first_at));
    kinds
}
