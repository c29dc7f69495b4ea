//! What is read of the gate: each stratum with how far it is, and why a pull request does not merge by itself.

use domain::gate::{Judgement, Phase, Record, Stratum, Word};
use domain::refusal::{Code, Refusal};
use store::Tx;
use store::automerge::Revert;
use store::gate::{Judged, Said, Would};
use store::outcome::Found;

use super::{SHADOW_MAX, known, record, records};
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
    /// What the same record is judged to be now, in everything that was asked then.
    pub again: Option<Judgement>,
    /// Whether both are the same in everything that was asked then.
    pub same: bool,
    /// What is asked since, which that record cannot answer.
    pub since: Vec<&'static str>,
    /// What became of it, the latest first.
    pub outcomes: Vec<Found>,
    /// What takes it back; none where nothing is to.
    pub revert: Option<Revert>,
}

impl Plane {
    /// How each stratum stands, those that were armed or have most in their favour first; or one.
    pub async fn show_gate(&self, call: &Call, stratum: Option<&str>) -> Result<Vec<Standing>, No> {
        let mut tx = self.read(call).await?;
        let found = match stratum {
            Some(id) => {
                let stratum = known(&mut tx, id).await?;
                let record = record(&mut tx, &self.rules(), (&stratum.repo, Some(&stratum)), None).await?;
                vec![(stratum, record)]
            }
            None => records(&mut tx, &self.rules()).await?,
        };
        standings(&mut tx, found).await
    }

    /// A mark of all that is allowed: which strata are armed, the level, what is switched off. As long as it is the same, none of
    /// these changed.
    pub async fn allowed_mark(&self, call: &Call) -> Result<String, No> {
        Ok(store::gate::mark(&mut self.read(call).await?).await?)
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
        let (mut again, mut same, mut since) = (None, false, Vec::new());
        if let Some(judged) = &judged {
            let (record, kept) = (judged.record()?, judged.judgement()?);
            let anew = record.judge_as(&kept);
            (same, since) = (anew.is_like(&kept), kept.lacks());
            again = Some(anew);
        }
        Ok(Explained { pull: stored.pull, judged, again, same, since, outcomes, revert })
    }
}

/// Each stratum with how it is judged, and what operators said of it.
pub(crate) async fn standings(tx: &mut Tx, records: Vec<(Stratum, Record)>) -> Result<Vec<Standing>, No> {
    let mut standings = Vec::new();
    for (stratum, record) in records {
        let said = store::gate::sayings(tx, &stratum.id(), SHOWN_MAX).await?;
        standings.push(Standing { judgement: record.judge(), phase: record.phase(), stratum, record, said });
    }
    Ok(standings)
}

/// A record that somebody kept, such as one that was exported, judged anew.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The record.
    pub record: Record,
    /// How it is judged: in everything that was asked then, if what was said then is kept with it.
    pub judgement: Judgement,
    /// Whether that is what was said then; none where that is not kept.
    pub same: Option<bool>,
    /// The word that was said then.
    pub word: Option<Word>,
    /// What is asked since.
    pub since: Vec<&'static str>,
}

/// Judges a record that somebody kept: by itself, or as explain gives it, with the judgement beside it.
pub fn judge_text(text: &str) -> Result<Kept, Refusal> {
    let unread = |why: serde_json::Error| {
        Refusal::new(Code::InvalidArgument, format!("this is no record of the gate: {why}"))
            .hint("gapwright gate explain N --json has one under \"record\"")
    };
    let whole: serde_json::Value = serde_json::from_str(text).map_err(unread)?;
    let inner = whole.get("record").filter(|inner| inner.is_object());
    let record: Record = serde_json::from_value(inner.unwrap_or(&whole).clone()).map_err(unread)?;
    let Some(said) = inner.and_then(|_| serde_json::from_value::<Judgement>(whole.clone()).ok()) else {
        let judgement = record.judge();
        return Ok(Kept { record, judgement, same: None, word: None, since: Vec::new() });
    };
    let judgement = record.judge_as(&said);
    let (same, since) = (Some(judgement.is_like(&said)), said.lacks());
    Ok(Kept { record, judgement, same, word: Some(said.word), since })
}
