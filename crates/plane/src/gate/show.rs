//! What is read of the gate: each stratum with how far it is, and why a pull request does not merge by itself.

use domain::gate::{Judgement, Phase, Record, Stratum};
use domain::refusal::{Code, Refusal};
use store::automerge::Revert;
use store::gate::{Judged, Said, Would};
use store::outcome::Found;

use super::{SHADOW_MAX, STRATA_MAX, known, record};
use crate::pull::meant;
use crate::{Call, No, Plane};

/// How many sayings and outcomes are shown.
const SHOWN_MAX: i64 = 50;

/// How a stratum stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The stratum.
    pub stratum: Stratum,
    /// Everything on which its judgement stands.
    pub record: Record,
    /// The judgement, without a pull request.
    pub judgement: Judgement,
    /// How far it is.
    pub phase: Phase,
    /// What operators said of it, the latest first.
    pub said: Vec<Said>,
}

/// Why a pull request does or does not merge by itself.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The pull request.
    pub pull: domain::pull::Pull,
    /// The judgement as it is kept; none where it was never at the gate.
    pub judged: Option<Judged>,
    /// What the same record is judged to be now, by the rules of this version.
    pub again: Option<Judgement>,
    /// Whether both are the same.
    pub same: bool,
    /// What became of it, the latest first.
    pub outcomes: Vec<Found>,
    /// What takes it back; none where nothing is to.
    pub revert: Option<Revert>,
}

impl Plane {
    /// How each stratum stands, those that were armed or have most in their favour first; or one.
    pub async fn show_gate(&self, call: &Call, stratum: Option<&str>) -> Result<Vec<Standing>, No> {
        let mut tx = self.read(call).await?;
        let strata = match stratum {
            Some(id) => vec![known(&mut tx, id).await?],
            None => store::gate::strata(&mut tx, STRATA_MAX).await?,
        };
        let mut standing = Vec::new();
        for stratum in strata {
            let record = record(&mut tx, &self.rules(), (&stratum.repo, Some(&stratum)), None).await?;
            let said = store::gate::sayings(&mut tx, &stratum.id(), SHOWN_MAX).await?;
            standing.push(Standing { judgement: record.judge(), phase: record.phase(), stratum, record, said });
        }
        Ok(standing)
    }

    /// The pull requests of a stratum that the gate would have merged, those that ended last first, with what became of them: 500 at
    /// most.
    pub async fn show_shadow(&self, call: &Call, stratum: &str) -> Result<Vec<Would>, No> {
        let mut tx = self.read(call).await?;
        let id = known(&mut tx, stratum).await?.id();
        Ok(store::gate::shadow(&mut tx, &id, SHADOW_MAX).await?)
    }

    /// Why a pull request does or does not merge by itself: from the record that is kept, and from nothing else.
    pub async fn explain_gate(&self, call: &Call, pull: &str) -> Result<Explained, No> {
        let mut tx = self.read(call).await?;
        let (repo, number) = match pull.split_once('#') {
            Some((repo, number)) if !repo.is_empty() => (Some(repo.to_owned()), number.to_owned()),
            Some(_) | None => (self.rules().repo.clone(), pull.to_owned()),
        };
        let stored = meant(&mut tx, repo.as_deref(), &number).await?;
        let judged = store::gate::latest(&mut tx, &stored.pull.id).await?;
        let outcomes = store::outcome::of(&mut tx, &stored.pull.id, SHOWN_MAX).await?;
        let revert = store::automerge::revert_of(&mut tx, &stored.pull.id).await?;
        let (mut again, mut same) = (None, false);
        if let Some(judged) = &judged {
            let anew = judged.record()?.judge();
            same = anew.is_like(&judged.judgement()?);
            again = Some(anew);
        }
        Ok(Explained { pull: stored.pull, judged, again, same, outcomes, revert })
    }
}

/// Judges a record that somebody kept, such as one that was exported.
pub fn judge_text(text: &str) -> Result<(Record, Judgement), Refusal> {
    let record: Record = serde_json::from_str(text).map_err(|why| {
        Refusal::new(Code::InvalidArgument, format!("this is no record of the gate: {why}"))
            .hint("gapwright gate explain N --json has one under \"record\"")
    })?;
    let judgement = record.judge();
    Ok((record, judgement))
}
