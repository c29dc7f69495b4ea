//! How the gate is shown: a streak never without its bound, an interval never without how many there were.

use domain::gate::track::{Asks, Played, upper};
use domain::gate::{Item, Judgement, Record};
use domain::outcome::{Answer as Is, TakingBack, Weight};
use domain::pull::State;
use domain::time::Time;
use plane::gate::{Explained, Kept, Standing};
use serde_json::{Value, json};
use store::automerge::Revert;
use store::gate::Would;
use store::outcome::Found;

use super::gaps::section;
use crate::failure::Failure;
use crate::show::{Answer, BOLD, RED, moment, table};

/// How many outcomes and sayings are shown.
const SHOWN: usize = 20;

pub(super) fn standing(all: &[Standing], whole: bool) -> Answer {
    let documents: Vec<_> = all.iter().map(document).collect();
    let document = json!({"strata": documents});
    if all.is_empty() {
        return Answer::new(
            document,
            "no stratum was met yet: a pull request that bots approve and people end is of one",
        );
    }
    if whole && let Some(one) = all.first() {
        return Answer::new(document, in_full(one));
    }
    let columns =
        ["stratum", "repository", "kind", "area", "author", "reviewer", "streak", "bound", "phase", "armed", "missing"];
    let text = table(&columns, all.iter().map(row));
    Answer::new(document, text)
}

fn row(one: &Standing) -> Vec<String> {
    let Standing { stratum, record, judgement, phase, .. } = one;
    let track = record.track();
    vec![
        stratum.id(),
        stratum.repo.clone(),
        stratum.kind.clone(),
        stratum.area.name().to_owned(),
        stratum.author.to_string(),
        stratum.reviewer.to_string(),
        format!("{} of {}", track.streak, record.rules.asks.streak),
        bound(record),
        phase.name().to_owned(),
        armed(record),
        missing(judgement),
    ]
}

/// What is missing first, and how much more is.
fn missing(judgement: &Judgement) -> String {
    let missing = judgement.missing();
    match missing.split_first() {
        None => "nothing".to_owned(),
        Some((first, [])) => first.clone(),
        Some((first, more)) => format!("{first}, and {} more", more.len()),
    }
}

/// What the outcomes show, and what they do not.
fn bound(record: &Record) -> String {
    let (bad, all) = record.track().counted();
    format!("{bad} bad of {all}: up to {:.1} %", upper(bad, all) * 100.0)
}

fn armed(record: &Record) -> String {
    match &record.arm {
        Some(arm) if record.at < arm.until => format!("until {} by {}", arm.until, arm.owner),
        Some(_) | None => "no".to_owned(),
    }
}

fn document(one: &Standing) -> Value {
    let Standing { stratum, record, judgement, phase, said } = one;
    let track = record.track();
    let (bad, all) = track.counted();
    let said: Vec<_> = said
        .iter()
        .map(|said| {
            json!({"what": said.what, "at": Time(said.at).iso(), "until": Time(said.until).iso(), "by": said.by,
                   "owner": said.owner, "reason": said.reason})
        })
        .collect();
    json!({
        "id": stratum.id(),
        "stratum": stratum,
        "streak": track.streak,
        "needed": record.rules.asks.streak,
        "bad": bad,
        "counted": all,
        "upper": upper(bad, all),
        "phase": phase,
        "armed": record.arm.as_ref().is_some_and(|arm| record.at < arm.until),
        "missing": judgement.missing(),
        "shadow": record.shadow,
        "items": judgement.items,
        "said": said,
    })
}

fn in_full(one: &Standing) -> String {
    let Standing { stratum, record, judgement, phase, said } = one;
    let said: Vec<_> = said
        .iter()
        .take(SHOWN)
        .map(|said| {
            vec![
                moment(Some(Time(said.at))),
                said.what.clone(),
                said.by.clone(),
                said.owner.clone(),
                said.reason.clone(),
            ]
        })
        .collect();
    format!(
        "{BOLD}{}{BOLD:#} {} · {} · {} · by {} · reviewed by {}\nphase: {} · armed: {}{}{}",
        stratum.id(),
        stratum.repo,
        stratum.kind,
        stratum.area.name(),
        stratum.author,
        stratum.reviewer,
        phase.name(),
        armed(record),
        section("Asked", &["", "what", "of", "found"], judgement.items.iter().map(asked).collect()),
        section("Said", &["at", "what", "by", "answers for it", "why"], said),
    )
}

fn asked(item: &Item) -> Vec<String> {
    let (mark, found) = match &item.is {
        Is::Pass => ("pass", item.found.clone()),
        Is::Fail(why) => ("fail", why.clone()),
        Is::Unknown(why) => ("unknown", why.clone()),
    };
    let of = json!(item.of).as_str().unwrap_or_default().to_owned();
    vec![mark.to_owned(), item.what.clone(), of, found]
}

/// A record that somebody kept, judged anew, and whether that is what was kept with it, if anything was.
pub(super) fn kept(kept: &Kept) -> Answer {
    let Kept { record, judgement, same, word, since } = kept;
    let candidate = record.candidate.as_ref();
    let of = match candidate.and_then(|candidate| Some((candidate.number?, candidate.ours.as_ref()?))) {
        Some((number, head)) => format!(", of #{number} at {head}"),
        None => String::new(),
    };
    let check = match (same, word) {
        (Some(false), Some(word)) => {
            format!("; {RED}judged anew from the record alone: another, for {} was kept{RED:#}", word.name())
        }
        (Some(true), _) => "; judged anew from the record alone: the same".to_owned(),
        (Some(false) | None, _) => String::new(),
    };
    let text = format!(
        "{}\nat {}{of}{check}{}{}",
        said(judgement),
        record.at,
        asked_since(since),
        section("Asked", &["", "what", "of", "found"], judgement.items.iter().map(asked).collect())
    );
    let document = json!({
        "number": candidate.and_then(|candidate| candidate.number), "same": same, "at": record.at.iso(), "asked_since": since,
        "word": judgement.word, "would": judgement.would, "items": judgement.items,
    });
    Answer::new(document, text)
}

/// What a record of an older version cannot answer.
fn asked_since(since: &[&str]) -> String {
    if since.is_empty() { String::new() } else { format!("; asked since, and not in it: {}", since.join(", ")) }
}

fn said(judgement: &Judgement) -> String {
    let shut = judgement.shut();
    let why = match shut.split_first() {
        None => String::new(),
        Some((first, [])) => format!("\n{first}"),
        Some((first, more)) => format!("\n{first}, and {} more", more.len()),
    };
    format!("{BOLD}{}{BOLD:#}{why}", judgement.word.name())
}

pub(super) fn explained(explained: &Explained) -> Result<Answer, Failure> {
    let Explained { pull, judged, again, same, since, outcomes, revert } = explained;
    let ended: Vec<_> = outcomes
        .iter()
        .map(|found| {
            vec![
                moment(Some(Time(found.at))),
                found.outcome.clone(),
                found.weight.clone(),
                found.by.clone(),
                found.why.clone(),
            ]
        })
        .collect();
    let ends = section("What became of it", &["at", "outcome", "to the gate", "by", "why"], ended);
    let revertal = revert.as_ref().map(|revert| taken_back(revert, outcomes.first())).unwrap_or_default();
    let record = judged.as_ref().map(store::gate::Judged::record).transpose().map_err(plane::No::from)?;
    let said_then = judged.as_ref().map(store::gate::Judged::judgement).transpose().map_err(plane::No::from)?;
    let document = json!({
        "pull": pull.id,
        "number": pull.there.number,
        "state": pull.state.name(),
        "word": said_then.as_ref().map(|judgement| judgement.word),
        "would": said_then.as_ref().map(|judgement| judgement.would),
        "items": said_then.as_ref().map(|judgement| &judgement.items),
        "same": same,
        "asked_since": since,
        "again": again.as_ref().filter(|_| !same),
        "judged_at": judged.as_ref().map(|judged| Time(judged.at).iso()),
        "record": record,
        "outcomes": outcomes.iter().map(super::outcomes::document).collect::<Vec<_>>(),
        "revert": revert.as_ref().map(back),
    });
    let text = if let (Some(judged), Some(again)) = (judged, again) {
        let check = if *same {
            "judged anew from the record alone: the same".to_owned()
        } else {
            format!("{RED}judged anew from the record alone: another{RED:#}")
        };
        format!(
            "{}\nat {}, of {}; {check}{}{revertal}{}{ends}",
            said(again),
            Time(judged.at),
            judged.head,
            asked_since(since),
            section("Asked", &["", "what", "of", "found"], again.items.iter().map(asked).collect()),
        )
    } else {
        let why = if pull.state == State::NeedsVisual {
            format!("{}: what may show, or is protected, never merges by itself", pull.why)
        } else {
            format!("it is {}, and only what bots approved comes there", pull.state)
        };
        format!("it was never at the gate: {why}{revertal}{ends}")
    };
    Ok(Answer::new(document, text))
}

/// What takes a merge back, with its moments as people read them.
pub(super) fn back(revert: &Revert) -> Value {
    json!({
        "pull": revert.pull, "at": Time(revert.at).iso(), "why": revert.why, "branch": revert.branch, "state": revert.state,
        "tried_at": (revert.tried_at > 0).then(|| Time(revert.tried_at).iso()), "tries": revert.tries,
        "number": revert.number, "url": revert.url, "error": revert.error,
    })
}

/// What takes a merge back, or is to.
fn taken_back(revert: &Revert, last: Option<&Found>) -> String {
    let (why, error) = (&revert.why, &revert.error);
    match revert.taking_back(last) {
        TakingBack::Done => String::new(),
        TakingBack::ToMerge => {
            let number = revert.number.unwrap_or_default();
            format!("\n#{number} takes it back, because {why}: read it (gapwright pulls diff {number}) and merge it")
        }
        TakingBack::Unwanted => {
            "\na person closed what would have taken it back; gapwright gate revert wants it once more".to_owned()
        }
        TakingBack::ByHand => {
            format!("\nit is to be taken back by hand, or by gapwright gate revert once more: {error}")
        }
        TakingBack::InTheMaking => {
            format!("\na running server opens a pull request that takes it back, because {why}")
        }
    }
}

/// What the gate would have merged; of one stratum which, too.
pub(super) fn shadow(all: &[Standing], would: Option<&[Would]>) -> Result<Answer, Failure> {
    let documents: Vec<_> = all
        .iter()
        .map(|one| json!({"stratum": one.stratum.id(), "shadow": one.record.shadow, "needed": one.record.rules.shadow}))
        .collect();
    let weighed = would.unwrap_or_default().iter().map(|one| Ok((one, one.weight()?.map(Weight::name))));
    let weighed = weighed.collect::<Result<Vec<_>, store::Fault>>().map_err(plane::No::from)?;
    let each = weighed.iter().map(|(one, weight)| {
        json!({"pull": one.pull, "number": one.number, "weight": weight, "ended_at": one.ended_at.map(|at| Time(at).iso())})
    });
    let mut document = json!({"strata": documents});
    if would.is_some() {
        document["pulls"] = each.collect();
    }
    if all.is_empty() {
        return Ok(Answer::new(document, "no stratum was met yet"));
    }
    let rows = all.iter().map(|one| {
        let shadow = one.record.shadow;
        vec![
            one.stratum.id(),
            format!("{} of {}", shadow.agreed, one.record.rules.shadow),
            shadow.wrong.to_string(),
            shadow.open.to_string(),
        ]
    });
    let columns = ["stratum", "agreed since it was last wrong", "wrong", "open"];
    let each = weighed.iter().map(|(one, weight)| {
        let number = one.number.map_or_else(|| one.pull.clone(), |number| format!("#{number}"));
        vec![number, moment(one.ended_at.map(Time)), weight.unwrap_or("open").to_owned()]
    });
    let each = section("Each that it would have merged", &["pull", "ended", "to the gate"], each.collect());
    Ok(Answer::new(document, format!("{}{each}", table(&columns, rows))))
}

pub(super) fn simulated(asks: &Asks, within: usize, rows: &[(f64, f64, Played)]) -> Answer {
    #[expect(clippy::cast_precision_loss, reason = "loops are counted in thousands")]
    let share = |count: u64, loops: u64| count as f64 / loops.max(1) as f64;
    let documents: Vec<_> = rows
        .iter()
        .map(|(percent, exact, played)| {
            json!({
                "bad_percent": percent,
                "streak_exact": exact,
                "streak_played": share(played.by_streak, played.loops),
                "opened_played": share(played.opened, played.loops),
            })
        })
        .collect();
    let document = json!({
        "streak": asks.streak, "window": asks.window, "bad_max": asks.bad_max, "within": within,
        "can_open": asks.is_within(within), "loops": rows.first().map(|(.., played)| played.loops), "rates": documents,
    });
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let lines = rows.iter().map(|(bad, exact, played)| {
        vec![
            format!("{bad} %"),
            percent(*exact),
            percent(share(played.by_streak, played.loops)),
            percent(share(played.opened, played.loops)),
        ]
    });
    let columns = ["bad", "has the streak, exactly", "as played", "opens the gate, as played"];
    let never = if asks.is_within(within) {
        ""
    } else {
        "\nno loop ever opens the gate with these figures, not even one of which nothing is bad"
    };
    let text = format!(
        "a row of {}, and a bound of {} over the last {}, within {within} outcomes{never}\n{}",
        asks.streak,
        percent(asks.bad_max),
        asks.window,
        table(&columns, lines)
    );
    Answer::new(document, text)
}
