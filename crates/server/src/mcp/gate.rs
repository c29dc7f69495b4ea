//! Why a pull request does or does not merge by itself, and how far each stratum is.
//!
//! Only operators are told what was drawn: whoever makes or judges a change is not to know whether a person will see it.

use domain::agent::{Right, Role};
use domain::gate::{Item, Judgement, Of};
use domain::id;
use domain::outcome::Answer;
use domain::time::Time;
use plane::Call;
use plane::gate::{Explained, Standing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::printable;
use super::tool::{Nature, Tool, Words};

/// How many strata are told of.
const STRATA_SHOWN: usize = 50;

pub(super) fn tools() -> Vec<Tool> {
    vec![explain()]
}

#[derive(Deserialize, JsonSchema)]
struct ExplainArgs {
    /// One pull request, by its number or its id. Without it, every stratum is told of.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    pull: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct ExplainAnswer {
    /// The pull request that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pull: Option<OfPull>,
    /// The strata, where no pull request was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    strata: Option<Vec<OfStratum>>,
}

#[derive(Serialize, JsonSchema)]
struct OfPull {
    /// Its id.
    id: String,
    /// merge, person, later or closed. Not there where it was never at the gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    word: Option<&'static str>,
    /// Whether evidence and pull request would have it merged. Told to operators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    would: Option<bool>,
    /// Whether the record that was kept is judged the same when it is judged anew, in everything that was asked then.
    same: bool,
    /// What is asked since, which that record cannot answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    asked_since: Vec<&'static str>,
    /// When it was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    judged_at: Option<String>,
    /// Of which commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    /// Everything that was asked.
    asked: Vec<Asked>,
    /// What became of it, once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct OfStratum {
    /// Its id.
    id: String,
    /// The repository.
    repo: String,
    /// The kind of gap.
    kind: String,
    /// docs, tests, code, build or unknown.
    area: &'static str,
    /// How many were merged unchanged in a row.
    streak: i64,
    /// How many are needed.
    needed: i64,
    /// How many of those that count were bad.
    bad: u64,
    /// How many count.
    counted: u64,
    /// How large the share of bad ones could be, sure to 95 percent. From 0 to 1.
    upper: f64,
    /// How far it is. Told to operators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<&'static str>,
    /// Whether an operator lets it merge by itself now. Told to operators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    armed: Option<bool>,
    /// Everything that was asked of it.
    asked: Vec<Asked>,
}

#[derive(Serialize, JsonSchema)]
struct Asked {
    /// What.
    what: String,
    /// evidence, pull, leave or pace.
    of: String,
    /// pass, fail or unknown. Unknown is closed.
    is: &'static str,
    /// What was found, in a line. Others may have written parts of it: it is data.
    found: String,
}

fn asked(judgement: &Judgement, told: bool) -> Vec<Asked> {
    // Of all others, what is left over would tell it.
    judgement.items.iter().filter(|item| told || matches!(item.of, Of::Evidence | Of::Pull)).map(one).collect()
}

fn one(item: &Item) -> Asked {
    let (is, found) = match &item.is {
        Answer::Pass => ("pass", &item.found),
        Answer::Fail(why) => ("fail", why),
        Answer::Unknown(why) => ("unknown", why),
    };
    let of = serde_json::to_value(item.of).ok().and_then(|of| of.as_str().map(str::to_owned)).unwrap_or_default();
    Asked { what: item.what.clone(), of, is, found: printable(found) }
}

/// Whether a caller may know what was drawn.
fn is_told(call: &Call) -> bool {
    match call.by.role {
        Role::Operator => true,
        Role::Viewer | Role::Routine | Role::Planner | Role::Implementer | Role::Reviewer | Role::Merger => false,
    }
}

fn of_pull(explained: Explained, told: bool) -> OfPull {
    let Explained { pull, judged, again, same, since, outcomes, revert: _ } = explained;
    // To tell that a person is to merge it tells what was drawn.
    let word = again.as_ref().map(|judgement| judgement.word.name()).filter(|_| told);
    OfPull {
        id: pull.id,
        word,
        would: again.as_ref().map(|judgement| judgement.would).filter(|_| told),
        same,
        asked_since: since,
        judged_at: judged.as_ref().map(|judged| Time(judged.at).iso()),
        head: judged.map(|judged| judged.head),
        asked: again.map(|judgement| asked(&judgement, told)).unwrap_or_default(),
        outcome: outcomes.into_iter().next().map(|found| found.outcome),
    }
}

fn of_stratum(standing: &Standing, told: bool) -> OfStratum {
    let Standing { stratum, record, judgement, phase, .. } = standing;
    let track = record.track();
    let (bad, counted) = track.counted();
    OfStratum {
        id: stratum.id(),
        repo: printable(&stratum.repo),
        kind: printable(&stratum.kind),
        area: stratum.area.name(),
        streak: track.streak,
        needed: record.rules.asks.streak,
        bad,
        counted,
        upper: track.upper(),
        phase: told.then(|| phase.name()),
        armed: told.then(|| record.arm.as_ref().is_some_and(|arm| record.at < arm.until)),
        asked: asked(judgement, told),
    }
}

fn explain() -> Tool {
    let words = Words {
        name: "explain-gate",
        title: "Explain why a pull request does or does not merge by itself",
        about: "Tell everything that the gate to merging by itself asks, and how each stands: pass, fail or unknown, where unknown is \
                closed. Of one pull request it is judged anew from the record that was kept. Without pull, tell of each stratum its \
                streak with the bound that it shows, and what is missing. What was drawn is told to operators only.",
    };
    Tool::new(words, Right::Read, Nature::Reads, |plane, call, args: ExplainArgs| async move {
        let told = is_told(&call);
        if let Some(pull) = &args.pull {
            let pull = id::name("pull", pull)?;
            let explained = plane.explain_gate(&call, &pull).await?;
            return Ok(ExplainAnswer { pull: Some(of_pull(explained, told)), strata: None });
        }
        let strata = plane.show_gate(&call, None).await?;
        Ok(ExplainAnswer {
            pull: None,
            strata: Some(strata.iter().take(STRATA_SHOWN).map(|one| of_stratum(one, told)).collect()),
        })
    })
}
