//! Shadow reviews are kept: whether a defect was cited is read from what was found, and never said by whoever hands it in.

use domain::agent::Right;
use domain::calibration::corpus;
use domain::calibration::seed::{self, What};
use domain::gate::Fingerprint;
use domain::id;
use domain::pull::verdict::FINDINGS_MAX;
use domain::pull::{Review, Verdict};
use domain::refusal::{Code, Refusal};
use domain::time::Time;
use futures::FutureExt;
use serde_json::json;
use store::trial::Trial;

use crate::desk::Desk;
use crate::{Call, No, Plane};

/// The most shadow reviews that are kept at once: more than any plan has.
const TRIALS_MAX: usize = 200;

/// The most that is kept of what was found, in bytes: what a review may have.
const FINDINGS_BYTES_MAX: usize = 1 << 20;

/// A shadow review, as it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTrial {
    /// Who reviewed.
    pub reviewer: Fingerprint,
    /// What was reviewed.
    pub trial: seed::Trial,
    /// What was said at last.
    pub review: Review,
}

impl Plane {
    /// Keeps shadow reviews of one run; gives the moment that they bear.
    pub async fn keep_trials(&self, call: &Call, run: &str, trials: Vec<NewTrial>) -> Result<Time, No> {
        let run = id::opaque("run", run)?;
        if trials.is_empty() || trials.len() > TRIALS_MAX {
            let message = format!("{} shadow reviews cannot be kept at once", trials.len());
            return Err(Refusal::invalid("trials", message).hint(format!("give 1 to {TRIALS_MAX}")).into());
        }
        trials.iter().try_for_each(check)?;
        self.write(call, Right::Operate, move |desk| keep(desk, run.clone(), trials.clone()).boxed()).await
    }
}

/// Refuses what is no shadow review of a case that there is, by somebody who is known.
fn check(new: &NewTrial) -> Result<(), Refusal> {
    let Fingerprint { principal, model, prompt } = &new.reviewer;
    id::name("reviewer", principal)?;
    crate::pull::Fingerprint::new(Some(model.clone()), Some(prompt.clone()))?;
    if !new.reviewer.is_known() {
        return Err(Refusal::invalid(
            "reviewer",
            format!("{principal} does not say its model and the hash of its prompt"),
        )
        .hint("a review is evidence only of somebody who can be told from others: let it give model and prompt_hash"));
    }
    if corpus::case(new.trial.case).is_none() {
        return Err(Refusal::new(Code::NotFound, format!("there is no case {:?}", new.trial.case)).field("case"));
    }
    if new.review.findings.len() > FINDINGS_MAX || json!(new.review.findings).to_string().len() > FINDINGS_BYTES_MAX {
        return Err(Refusal::invalid("findings", "findings has more than a review may have")
            .hint(format!("give {FINDINGS_MAX} at most")));
    }
    Ok(())
}

async fn keep(desk: &mut Desk<'_>, run: String, trials: Vec<NewTrial>) -> Result<Time, No> {
    let mut kept = Vec::new();
    for new in &trials {
        let row = row(desk, &run, new)?;
        store::trial::append(desk.tx, &row).await?;
        kept.push(json!({
            "trial": row.id, "reviewer": new.reviewer, "case": row.subject, "defect": row.defect, "framing": row.framing,
            "repeat": row.repeat, "verdict": row.verdict, "cited": row.cited == 1,
        }));
    }
    desk.record(format!("trials:{run}"), &(), &json!({"kept": kept})).await?;
    Ok(desk.now)
}

fn row(desk: &mut Desk<'_>, run: &str, new: &NewTrial) -> Result<Trial, No> {
    let NewTrial { reviewer, trial, review } = new;
    let case = corpus::case(trial.case).ok_or(store::Fault::Conflict)?;
    let cites = |finding: &domain::pull::Finding| finding.line.is_some_and(|line| case.is_cited(&finding.path, line));
    let (defect, cited) = match trial.what {
        What::Seeded => (case.defect.name(), review.findings.iter().any(cites)),
        What::Clean => ("", false),
    };
    Ok(Trial {
        id: desk.mint(),
        at: desk.now.0,
        run: run.to_owned(),
        principal: reviewer.principal.clone(),
        model: reviewer.model.clone(),
        prompt: reviewer.prompt.clone(),
        subject: case.id.clone(),
        defect: defect.to_owned(),
        framing: trial.framing.name().to_owned(),
        repeat: i64::from(trial.repeat),
        approved: i64::from(review.verdict == Verdict::Approve),
        cited: i64::from(cited),
        verdict: review.verdict.name().to_owned(),
        findings: json!(review.findings).to_string(),
    })
}
