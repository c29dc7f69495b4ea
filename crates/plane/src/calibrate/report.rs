//! What is known of each reviewer: by trials, by what people did with what it judged, and by what became of its findings.

use std::collections::{BTreeMap, BTreeSet};

use domain::calibration::measure::{self, Disposed, Disposition, Ended, Judged, Standing};
use domain::calibration::rule::{self, Tried};
use domain::gate::Fingerprint;
use domain::outcome::{Outcome, Weight};
use domain::pull::verdict::Category;
use domain::pull::{Review, State, Verdict};
use domain::time::Time;
use store::judged::{Said, Settled};
use store::{Fault, Tx};

use super::tried;
use crate::{Call, No, Plane};

/// How many trials, pull requests and reviews are looked at: of more, the last.
const TRIALS_MAX: i64 = 4_000;
const SETTLED_MAX: i64 = 2_000;
const SAID_MAX: i64 = 1_000;

/// How many trials of one reviewer are looked at to tell whether it is calibrated: as many as the gate looks at.
const OWN_TRIALS_MAX: i64 = 2_000;

/// How many reviewers are told of.
const REVIEWERS_MAX: usize = 50;

/// What is known of a reviewer since a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviewer {
    /// Who it is: another model or another prompt is another one.
    pub by: Fingerprint,
    /// How many shadow reviews it answered.
    pub trials: usize,
    /// What they add up to.
    pub report: rule::Report,
    /// Until when it is calibrated now, by all of its trials; or what is missing.
    pub calibrated: Result<Time, Vec<String>>,
    /// What it said at last of pull requests, beside what people did.
    pub standing: Standing,
    /// The same by kind of gap.
    pub by_kind: BTreeMap<String, Standing>,
    /// How many were left out because they merged by themselves and stand: no person judged those.
    pub by_itself: u32,
    /// What became of its findings, by category.
    pub disposed: Vec<Disposed>,
}

/// What was read of one, before it is counted.
#[derive(Debug, Default)]
struct Read {
    tried: Vec<Tried>,
    /// By kind of gap; an end that nobody knows is none.
    judged: Vec<(String, bool, Option<Ended>)>,
    by_itself: u32,
    findings: Vec<(Category, Disposition)>,
}

impl Plane {
    /// What is known of each reviewer, by what was answered, ended or said since a moment: of the last 4,000 trials, 2,000
    /// pull requests and 1,000 reviews, for 50 reviewers.
    pub async fn report_calibration(&self, call: &Call, since: Time) -> Result<Vec<Reviewer>, No> {
        let mut tx = self.read(call).await?;
        let mut found: BTreeMap<Fingerprint, Read> = BTreeMap::new();
        let mut trials = store::trial::since(&mut tx, since, TRIALS_MAX).await?;
        trials.reverse();
        for trial in &trials {
            let by = fingerprint(&trial.principal, &trial.model, &trial.prompt);
            found.entry(by).or_default().tried.push(tried(trial)?);
        }
        for one in store::judged::settled(&mut tx, since, SETTLED_MAX).await? {
            let by = fingerprint(&one.principal, &one.model, &one.prompt);
            settle(found.entry(by).or_default(), &one)?;
        }
        let said = store::judged::said(&mut tx, since, SAID_MAX).await?;
        for (by, finding) in dispositions(&said)? {
            found.entry(by).or_default().findings.push(finding);
        }
        let mut reviewers = Vec::new();
        for (by, read) in found.into_iter().take(REVIEWERS_MAX) {
            let calibrated = calibrated(&mut tx, &by).await?;
            reviewers.push(counted(by, &read, calibrated));
        }
        Ok(reviewers)
    }
}

fn fingerprint(principal: &str, model: &str, prompt: &str) -> Fingerprint {
    Fingerprint { principal: principal.to_owned(), model: model.to_owned(), prompt: prompt.to_owned() }
}

async fn calibrated(tx: &mut Tx, by: &Fingerprint) -> Result<Result<Time, Vec<String>>, No> {
    let now = tx.now();
    let own = store::trial::of_reviewer(tx, (&by.principal, &by.model, &by.prompt), OWN_TRIALS_MAX).await?;
    let own: Result<Vec<_>, _> = own.iter().map(tried).collect();
    Ok(rule::calibrated(&own?, now))
}

fn counted(by: Fingerprint, read: &Read, calibrated: Result<Time, Vec<String>>) -> Reviewer {
    let kinds: BTreeSet<_> = read.judged.iter().map(|(kind, ..)| kind.clone()).collect();
    Reviewer {
        by,
        trials: read.tried.len(),
        report: rule::report(&read.tried),
        calibrated,
        standing: standing(&read.judged, |_| true),
        by_kind: kinds.into_iter().map(|kind| (kind.clone(), standing(&read.judged, |one| one == kind))).collect(),
        by_itself: read.by_itself,
        disposed: measure::disposed(&read.findings),
    }
}

fn standing(judged: &[(String, bool, Option<Ended>)], of: impl Fn(&str) -> bool) -> Standing {
    let own: Vec<_> = judged.iter().filter(|(kind, ..)| of(kind)).collect();
    let known: Vec<_> = own
        .iter()
        .filter_map(|(_, approved, ended)| ended.map(|ended| Judged { approved: *approved, ended }))
        .collect();
    let unknown = u32::try_from(own.len() - known.len()).unwrap_or(u32::MAX);
    measure::standing(&known, unknown)
}

/// Takes in what became of a pull request that it judged at last.
fn settle(read: &mut Read, one: &Settled) -> Result<(), Fault> {
    let corrupt = |column| Fault::Corrupt { table: "outcome", column, id: one.pull.clone() };
    let outcome = Outcome::parse(&one.outcome).ok_or_else(|| corrupt("outcome"))?;
    let weight = Weight::parse(&one.weight).ok_or_else(|| corrupt("weight"))?;
    let ended = match outcome {
        // It followed from what the reviewer said, so that it cannot be held against it.
        Outcome::Unchanged | Outcome::UnchangedContent if weight == Weight::Auto => {
            read.by_itself = read.by_itself.saturating_add(1);
            return Ok(());
        }
        Outcome::Unchanged | Outcome::UnchangedContent => match weight {
            Weight::Good => Some(Ended::Unchanged),
            // People had sent it back before; or it merged by itself and went wrong, which counts though one that stands does not.
            Weight::Bad => Some(Ended::Edited),
            // Nobody looked, or nobody can tell who: it says nothing of what people think of it.
            Weight::Neither | Weight::Unknown | Weight::Auto => None,
        },
        Outcome::Edited => Some(Ended::Edited),
        Outcome::Closed => Some(Ended::Closed),
        Outcome::Reverted => Some(Ended::Reverted),
        Outcome::Unknown => None,
    };
    read.judged.push((one.gap_kind.clone(), one.verdict == Verdict::Approve.name(), ended));
    Ok(())
}

/// What became of a finding of a reviewer.
type Disposal = (Fingerprint, (Category, Disposition));

/// What became of each finding: addressed, when the next review of another head does not repeat it; dismissed, when that one
/// does, or when the very head was merged; unseen, when nothing followed.
fn dispositions(said: &[Said]) -> Result<Vec<Disposal>, Fault> {
    let mut pulls: BTreeMap<&str, Vec<(&Said, Review)>> = BTreeMap::new();
    for one in said {
        let corrupt = |_| Fault::Corrupt { table: "pull_word", column: "body", id: one.id.clone() };
        let review = serde_json::from_str(&one.body).map_err(corrupt)?;
        pulls.entry(&one.pull).or_default().push((one, review));
    }
    let mut found = Vec::new();
    for reviews in pulls.values_mut() {
        reviews.sort_by_key(|(one, _)| one.seq);
        for (at, (one, review)) in reviews.iter().enumerate() {
            let next = reviews[at + 1..].iter().find(|(later, _)| later.head != one.head).map(|(_, review)| review);
            let merged = one.state == State::Merged.name() && one.tip == one.head;
            for finding in &review.findings {
                let repeats = |next: &Review| {
                    next.findings.iter().any(|other| other.path == finding.path && other.category == finding.category)
                };
                let disposition = match next {
                    Some(next) if repeats(next) => Disposition::Dismissed,
                    Some(_) => Disposition::Addressed,
                    None if merged => Disposition::Dismissed,
                    None => Disposition::Unseen,
                };
                let by = fingerprint(&one.principal, &one.model, &one.prompt);
                found.push((by, (finding.category, disposition)));
            }
        }
    }
    Ok(found)
}
