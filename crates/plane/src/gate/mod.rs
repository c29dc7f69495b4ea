//! The gate to merging by itself: what it stands on is read here, judged in `domain`, and kept, so that anybody may ask again.
//! `merge` makes what it lets by, `back` takes back what went wrong.

mod back;
mod candidate;
mod merge;
mod show;
mod tell;

use std::collections::BTreeMap;

use domain::agent::Right;
use domain::calibration::rule;
use domain::gate::{ARMED_FOR, BUDGET_SPAN, Candidate, Draw, Fingerprint, PAST_MAX, Record, Shadow, Stratum};
use domain::id;
use domain::level::{self, Level};
use domain::outcome::Answer;
use domain::refusal::{Code, Refusal};
use domain::time::{Span, Time};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Tx;
use store::gate::Said;
use store::seeded::bug;

use crate::desk::Desk;
use crate::settings::Rules;
use crate::{Call, No, Plane};

pub(crate) use back::{Back, REVERT, went_wrong};
pub(crate) use show::standings;
pub use show::{Explained, Kept, Standing, judge_text};

/// How many merges by itself are looked at: more than any cap lets by in 90 days.
const AUTOS_MAX: i64 = 10_000;

/// How many pull requests of a shadow are looked at.
const SHADOW_MAX: i64 = 500;

/// How many trials of a reviewer are looked at.
const TRIALS_MAX: i64 = 2_000;

/// How many strata are looked at at once.
pub(crate) const STRATA_MAX: i64 = 200;

/// What an operator said of a stratum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Armed {
    /// Its id.
    pub stratum: String,
    /// Whether it may merge by itself now, as far as people say.
    pub armed: bool,
    /// Until when.
    pub until: Time,
    /// Who answers for it.
    pub owner: String,
}

impl Plane {
    /// Lets a stratum merge by itself, for 90 days at most, once its evidence is enough.
    pub async fn arm_gate(&self, call: &Call, stratum: &str, owner: &str, reason: &str) -> Result<Armed, No> {
        let stratum = id::name("stratum", stratum)?;
        let (owner, reason) = (id::name("owner", owner)?, level::reason(reason)?);
        let armed = self
            .write(call, Right::Operate, move |desk| arm(desk, stratum.clone(), owner.clone(), reason.clone()).boxed());
        let armed = armed.await?;
        self.wake.pulls.notify_one();
        Ok(armed)
    }

    /// Takes that back: of one stratum, or of all. Gives those that were armed.
    pub async fn disarm_gate(&self, call: &Call, stratum: Option<&str>, reason: &str) -> Result<Vec<Armed>, No> {
        let stratum = stratum.map(|stratum| id::name("stratum", stratum)).transpose()?;
        let reason = level::reason(reason)?;
        self.write(call, Right::Operate, move |desk| {
            let (stratum, reason) = (stratum.clone(), reason.clone());
            async move {
                let armed = match stratum {
                    Some(id) => vec![known(desk.tx, &id).await?.id()],
                    None => store::gate::armed(desk.tx).await?,
                };
                disarm(desk, &armed, &reason).await
            }
            .boxed()
        })
        .await
    }
}

async fn arm(desk: &mut Desk<'_>, id: String, owner: String, reason: String) -> Result<Armed, No> {
    let stratum = known(desk.tx, &id).await?;
    let rules = desk.rules.clone();
    let record = record(desk.tx, &rules, (&stratum.repo, Some(&stratum)), None).await?;
    let judgement = record.judge();
    if let Some(item) = judgement.lacking() {
        return Err(Refusal::new(Code::WrongState, format!("its evidence is not enough: {item}"))
            .field("stratum")
            .hint(format!("see all that is missing: gapwright gate show {id}"))
            .into());
    }
    let until = desk.now + ARMED_FOR;
    let said = Said {
        stratum: id.clone(),
        seq: next(desk.tx, &id).await?,
        what: "armed".to_owned(),
        at: desk.now.0,
        until: until.0,
        by: desk.call.by.name.clone(),
        owner: owner.clone(),
        reason,
        evidence: json!(judgement).to_string(),
    };
    say(desk, &said).await?;
    Ok(Armed { stratum: id, armed: true, until, owner })
}

/// Takes back what operators said of strata.
pub(crate) async fn disarm(desk: &mut Desk<'_>, strata: &[String], reason: &str) -> Result<Vec<Armed>, No> {
    let mut taken_back = Vec::new();
    for id in strata {
        let Some(was) = store::gate::said(desk.tx, id).await?.filter(|said| said.what == "armed") else { continue };
        let said = Said {
            seq: was.seq + 1,
            what: "disarmed".to_owned(),
            at: desk.now.0,
            until: desk.now.0,
            by: desk.call.by.name.clone(),
            reason: reason.to_owned(),
            evidence: String::new(),
            ..was
        };
        say(desk, &said).await?;
        taken_back.push(Armed { stratum: id.clone(), armed: false, until: desk.now, owner: said.owner });
    }
    Ok(taken_back)
}

async fn say(desk: &mut Desk<'_>, said: &Said) -> Result<(), No> {
    store::gate::say(desk.tx, said).await?;
    let after = json!({"what": said.what, "until": said.until, "owner": said.owner, "reason": said.reason});
    desk.record(format!("gate:{}", said.stratum), &(), &after).await
}

async fn next(tx: &mut Tx, stratum: &str) -> Result<i64, No> {
    Ok(store::gate::said(tx, stratum).await?.map_or(1, |said| said.seq + 1))
}

async fn known(tx: &mut Tx, id: &str) -> Result<Stratum, No> {
    store::gate::stratum(tx, id).await?.ok_or_else(|| {
        Refusal::new(Code::NotFound, format!("there is no stratum {id:?}"))
            .field("stratum")
            .hint("see those that were met: gapwright gate show")
            .into()
    })
}

/// Everything on which a judgement of a stratum stands, or of a pull request of it.
pub(crate) async fn record(
    tx: &mut Tx,
    rules: &Rules,
    (repo, stratum): (&str, Option<&Stratum>),
    candidate: Option<Candidate>,
) -> Result<Record, No> {
    let calibrated = calibrated(tx, stratum.map(|stratum| &stratum.reviewer)).await?;
    record_beside(tx, rules, (repo, stratum), candidate, calibrated).await
}

/// The same, where it is known whether its reviewer is calibrated.
async fn record_beside(
    tx: &mut Tx,
    rules: &Rules,
    (repo, stratum): (&str, Option<&Stratum>),
    candidate: Option<Candidate>,
    calibrated: Answer,
) -> Result<Record, No> {
    let now = tx.now();
    let id = stratum.map(Stratum::id).unwrap_or_default();
    let arm = store::gate::said(tx, &id).await?.and_then(|said| said.arm());
    let (level, _) = store::level::current(tx).await?;
    let day = Time(now.0 - now.0.rem_euclid(Span::days(1).0));
    let autos = autos(tx, (repo, &id)).await?;
    let own = candidate.as_ref().map_or("", |candidate| candidate.id.as_str());
    let merged = if bug("no-cap") { 0 } else { store::automerge::since(tx, repo, day, AUTOS_MAX).await?.len() };
    let today = i64::try_from(merged).unwrap_or(i64::MAX) + store::automerge::count_sending(tx, repo, own).await?;
    let onto = candidate.as_ref().and_then(|candidate| Some((candidate.id.as_str(), &candidate.live.as_ref()?.onto)));
    let in_flight = match onto {
        None => None,
        Some((pull, onto)) => store::automerge::in_flight(tx, repo, onto).await?.filter(|other| other.pull != pull),
    };
    Ok(Record {
        at: now,
        rules: rules.gate.clone(),
        past: store::outcome::past(tx, &id, PAST_MAX).await?,
        calibrated,
        shadow: shadow(tx, &id).await?,
        autos,
        level: level.name().to_owned(),
        off: off(tx, repo).await?,
        today,
        in_flight: in_flight.map(|other| other.pull),
        stratum: stratum.cloned(),
        arm,
        candidate,
    })
}

/// What was merged by itself: in the repository in the span of the error budget, and in the stratum in that of its chart.
async fn autos(tx: &mut Tx, (repo, stratum): (&str, &str)) -> Result<Vec<domain::gate::Auto>, No> {
    let now = tx.now();
    let mut autos = store::automerge::since(tx, repo, now - BUDGET_SPAN, AUTOS_MAX).await?;
    let own = store::automerge::of_stratum(tx, stratum, now - ARMED_FOR, AUTOS_MAX).await?;
    autos.extend(own.into_iter().filter(|auto| now.since(auto.at) > BUDGET_SPAN));
    autos.sort_by(|a, b| (a.at, &a.pull).cmp(&(b.at, &b.pull)));
    Ok(autos)
}

/// What is switched off that merges: everything, the repository, or the merger.
async fn off(tx: &mut Tx, repo: &str) -> Result<Option<String>, No> {
    let merger = domain::pull::Stage::Merger.name();
    Ok(store::switch::covering(tx, merger, Some(repo)).await?.map(|(scope, _)| scope.to_string()))
}

/// Whether a reviewer is calibrated.
async fn calibrated(tx: &mut Tx, reviewer: Option<&Fingerprint>) -> Result<Answer, No> {
    let Some(by) = reviewer else { return Ok(Answer::Unknown("the reviewer is not known".to_owned())) };
    let key = (by.principal.as_str(), by.model.as_str(), by.prompt.as_str());
    let trials = store::trial::of_reviewer(tx, key, TRIALS_MAX).await?;
    if trials.is_empty() {
        return Ok(Answer::Unknown(format!("{by} was never tried")));
    }
    let tried: Result<Vec<_>, _> = trials.iter().map(crate::calibrate::tried).collect();
    Ok(match rule::calibrated(&tried?, tx.now()) {
        Ok(_) => Answer::Pass,
        Err(lacks) => Answer::Fail(lacks.join(", ")),
    })
}

/// What the gate would have merged of a stratum, and what people did.
async fn shadow(tx: &mut Tx, stratum: &str) -> Result<Shadow, No> {
    let would = store::gate::shadow(tx, stratum, SHADOW_MAX).await?;
    let weights = would.into_iter().map(|would| would.weight()).collect::<Result<Vec<_>, _>>()?;
    Ok(Shadow::of(weights))
}

/// What is drawn for a pull request, the same each time.
pub(crate) async fn draw(desk: &mut Desk<'_>, pull: &str) -> Result<Draw, No> {
    if store::gate::secret(desk.tx).await?.is_none() {
        let fresh = format!("{:032x}{:032x}", desk.chance.draw(), desk.chance.draw());
        store::gate::keep_secret(desk.tx, &fresh).await?;
    }
    let secret = store::gate::secret(desk.tx).await?.ok_or(store::Fault::Conflict)?;
    Ok(Draw::of(&secret, pull))
}

/// The strata that were armed or have most in their favour, each with its record. What a reviewer of several is worth is read once.
pub(crate) async fn records(tx: &mut Tx, rules: &Rules) -> Result<Vec<(Stratum, Record)>, No> {
    let (mut records, mut known) = (Vec::new(), BTreeMap::new());
    for stratum in store::gate::strata(tx, STRATA_MAX).await? {
        let answer = match known.get(&stratum.reviewer).cloned() {
            Some(answer) => answer,
            None => calibrated(tx, Some(&stratum.reviewer)).await?,
        };
        known.insert(stratum.reviewer.clone(), answer.clone());
        let record = record_beside(tx, rules, (&stratum.repo, Some(&stratum)), None, answer).await?;
        records.push((stratum, record));
    }
    Ok(records)
}

/// The evidence for the level above the pipeline: the longest streak of any stratum, and how many have shown enough.
pub(crate) fn evidence<'a>(records: impl IntoIterator<Item = &'a Record>, rules: &Rules) -> level::Evidence {
    let none = level::Evidence { streak: 0, needed: rules.gate.asks.streak, shown: 0 };
    records.into_iter().fold(none, |evidence, record| level::Evidence {
        streak: evidence.streak.max(record.track().streak),
        shown: evidence.shown + i64::from(record.judge().lacking().is_none()),
        ..evidence
    })
}

/// Whether anything is judged at a level: below the pipeline no bot approves anything.
const fn judges(level: Level) -> bool {
    match level {
        Level::Observe | Level::Propose => false,
        Level::Pipeline | Level::Automerge => true,
    }
}
