//! One pull request with everything around it, and what it would change: as documents and for people.

use std::collections::BTreeMap;

use domain::budget::Amount;
use domain::pull::{Pull, Review, Stage, State};
use domain::time::Time;
use domain::untrusted::is_hidden;
use plane::pull::{Difference, Round, Shown};
use plane::{Call, Plane};
use serde_json::{Value, json};
use store::pull::say::Say;
use store::pull::word::Word;

use super::gaps::section;
use super::pulls::{document, name};
use crate::failure::Failure;
use crate::show::{Answer, moment};

/// A pull request with everything around it.
pub(super) async fn answer(plane: &Plane, call: &Call, text: &str) -> Result<Answer, Failure> {
    let shown = plane.show_pull(call, text).await?;
    let unknown = plane.list_unknown(call).await?;
    let unknown: Vec<_> = unknown.into_iter().filter(|say| say.pull == shown.stored.pull.id).collect();
    let turns = plane.show_rounds(call, &shown).await?;
    let last = shown.words.iter().find(|word| word.pass == "final" && word.stage == Stage::Reviewer.name());
    let review: Option<Review> = last.map(Word::read).transpose()?;
    let document = whole(&shown, &turns, review.as_ref(), &unknown);
    Ok(Answer::new(document, words(&shown, &turns, review.as_ref(), &unknown)))
}

fn of_turn(turn: &Round) -> Value {
    let (spend, booked) = (turn.spent.spend, turn.spent.spend.booked());
    json!({
        "stage": turn.spent.stage.name(),
        "principal": turn.principal,
        "claim_id": turn.spent.claim_id,
        "began_at": Time(turn.spent.at).iso(),
        "minutes": turn.minutes(),
        "outcome": turn.run.as_ref().map(|run| run.outcome.name()),
        "status": turn.run.as_ref().map(|run| run.status.clone()),
        "iteration": turn.word.as_ref().map(|word| word.iteration),
        "head": turn.word.as_ref().map(|word| word.head.clone()),
        "verdict": turn.word.as_ref().map(|word| word.verdict.clone()),
        "findings": turn.findings.as_ref().map(Vec::len),
        "model": turn.word.as_ref().map(|word| word.model.clone()),
        "prompt": turn.word.as_ref().map(|word| word.prompt.clone()),
        "tokens": booked.tokens,
        "micro_usd": booked.micro_usd,
        "usage_known": turn.is_known(),
        "excess": spend.is_excess(),
    })
}

fn row(turn: &Round) -> Vec<String> {
    let booked = turn.spent.spend.booked();
    let known = turn.is_known();
    let verdict = turn.word.as_ref().map(|word| word.verdict.clone()).filter(|verdict| !verdict.is_empty());
    let handed_in = turn.word.as_ref().map(|_| "handed in".to_owned());
    let ended = turn.run.as_ref().map_or_else(|| "at work".to_owned(), |run| run.status.clone());
    vec![
        moment(Some(Time(turn.spent.at))),
        turn.spent.stage.to_string(),
        turn.principal.clone(),
        turn.word.as_ref().map(|word| word.iteration.to_string()).unwrap_or_default(),
        verdict.or(handed_in).unwrap_or(ended),
        turn.findings.as_ref().map(|findings| findings.len().to_string()).unwrap_or_default(),
        turn.minutes().map(|minutes| minutes.to_string()).unwrap_or_default(),
        booked.tokens.to_string(),
        format!("{}{}", booked.dollars(), if known { "" } else { " (set aside)" }),
    ]
}

fn whole(shown: &Shown, turns: &[Round], review: Option<&Review>, unknown: &[Say]) -> Value {
    let pull = &shown.stored.pull;
    let mut document = document(pull);
    document["next"] = json!(next(pull));
    document["waits_for"] = json!(shown.waits);
    document["change"] = json!(pull.change);
    document["last_error"] = json!(shown.stored.seen.last_error);
    document["looked_at"] = json!(Some(shown.stored.seen.looked_at).filter(|at| at.0 > 0).map(Time::iso));
    document["rounds"] = turns.iter().map(of_turn).collect::<Vec<_>>().into();
    document["findings"] = json!(review.map(|review| &review.findings));
    document["to_be_made"] = shown.open.iter().map(said).collect::<Vec<_>>().into();
    document["unknown"] = unknown.iter().map(said).collect::<Vec<_>>().into();
    let events = shown.events.iter().map(|event| {
        json!({
            "at": Time(event.at).iso(), "event": event.event, "was": event.was, "now": event.now, "by": event.by,
            "why": event.why,
        })
    });
    document["events"] = events.collect::<Vec<_>>().into();
    document
}

/// Something to be made on the forge; what it says is not told.
pub(super) fn said(say: &Say) -> Value {
    json!({
        "id": say.id, "pull": say.pull, "what": say.what, "head": say.head, "state": say.state, "tries": say.tries,
        "since": Time(say.at).iso(), "error": say.error,
    })
}

fn words(shown: &Shown, turns: &[Round], review: Option<&Review>, unknown: &[Say]) -> String {
    let pull = &shown.stored.pull;
    let change = pull.change.as_ref();
    let of_change = |told: fn(&domain::pull::Change) -> String| change.map(told).unwrap_or_default();
    let fields = [
        ("pull request", format!("{} of {}", name(pull), pull.repo)),
        ("id", pull.id.clone()),
        ("title", of_change(|change| change.title.clone())),
        ("gap", format!("{}, pull request {} of it", pull.gap, pull.nth)),
        ("state", format!("{} since {}", pull.state, pull.changed_at)),
        ("because", pull.why.clone()),
        ("held", pull.hold.map(|hold| hold.why().to_owned()).unwrap_or_default()),
        ("turn", pull.turn_of().to_owned()),
        ("next", next(pull).unwrap_or_default()),
        ("waits for", shown.waits.clone().unwrap_or_default()),
        ("round", format!("{}, opened again {}", pull.iteration, times(pull.epoch))),
        ("branch", of_change(|change| format!("{} onto {}", change.branch, change.onto))),
        ("head", of_change(|change| change.head.clone())),
        ("size", of_change(|change| format!("{} files, {} lines", change.files, change.lines))),
        ("shows", of_change(|change| change.visual.clone().unwrap_or_default())),
        ("protected", of_change(|change| change.protected.clone().unwrap_or_default())),
        ("cost", cost(pull, turns)),
        ("labels", pull.there.labels.join(", ")),
        ("url", pull.there.url.clone()),
        ("forge", shown.stored.seen.last_error.clone()),
    ];
    let findings = review.into_iter().flat_map(|review| &review.findings).map(|finding| {
        let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        let text: String = finding.text.lines().next().unwrap_or_default().chars().take(200).collect();
        vec![
            finding.severity.name().to_owned(),
            format!("{}{line}", finding.path),
            finding.category.name().to_owned(),
            text,
        ]
    });
    let events = shown.events.iter().map(|event| {
        vec![moment(Some(Time(event.at))), event.event.clone(), event.now.clone(), event.by.clone(), event.why.clone()]
    });
    let columns = ["began", "stage", "by", "round", "verdict", "findings", "minutes", "tokens", "cost"];
    let made = ["id", "what", "state", "tries", "error"];
    format!(
        "{}{}{}{}{}{}",
        Answer::thing(Value::Null, &fields).text,
        section("Rounds", &columns, turns.iter().map(row).collect()),
        section("Findings of the last review", &["severity", "where", "about", "text"], findings.collect()),
        section("Still to be made on the forge", &made, shown.open.iter().map(to_make).collect()),
        section(
            "Not known whether it was made: look there, then gapwright pulls release ID --made or --not-made",
            &made,
            unknown.iter().map(to_make).collect()
        ),
        section("History", &["at", "event", "state", "by", "why"], events.collect()),
    )
}

fn times(count: i64) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// What it cost in all, and by stage.
fn cost(pull: &Pull, turns: &[Round]) -> String {
    let mut stages: BTreeMap<Stage, Amount> = BTreeMap::new();
    for turn in turns {
        let sum = stages.entry(turn.spent.stage).or_default();
        *sum = sum.plus(turn.spent.spend.booked());
    }
    let each: Vec<_> = stages.iter().map(|(stage, sum)| format!("{stage} {}", sum.dollars())).collect();
    let minutes: i64 = turns.iter().filter_map(Round::minutes).sum();
    let by = if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) };
    format!("{}, {} tokens, {minutes} minutes{by}", pull.booked.dollars(), pull.booked.tokens)
}

fn to_make(say: &Say) -> Vec<String> {
    vec![say.id.clone(), say.what.clone(), say.state.clone(), say.tries.to_string(), say.error.clone()]
}

/// What a person does next; none where it is not a person's turn.
fn next(pull: &Pull) -> Option<String> {
    let it = pull.there.number.map_or_else(|| pull.id.clone(), |number| number.to_string());
    if pull.hold.is_some() {
        return Some("people take the hold back on the forge".to_owned());
    }
    Some(match pull.state {
        State::Proposed => "review it, then merge it or close it".to_owned(),
        State::NeedsHuman => "merge it or close it".to_owned(),
        State::NeedsVisual => "look at what it shows, then merge it or close it".to_owned(),
        State::Capped | State::RequiresHuman => {
            format!("let it go on: gapwright pulls resume {it} --reason TEXT; or merge it, or close it")
        }
        State::Planning
        | State::Implementing
        | State::Opening
        | State::NeedsReview
        | State::ChangesRequested
        | State::Approved
        | State::WontFix
        | State::Closed
        | State::Merged => return None,
    })
}

/// What a pull request would change, as a patch.
pub(super) fn difference(shown: &Difference) -> Answer {
    let document = json!({
        "id": shown.id, "number": shown.number, "base": shown.base, "head": shown.head, "diff": shown.text,
        "complete": shown.complete,
    });
    let (text, hidden) = written_out(shown.text.trim_end());
    let hidden = if hidden {
        "\ncharacters that cannot be seen, or change how others show, are written out as \\u{...}: look at them closely"
    } else {
        ""
    };
    let more = if shown.complete {
        String::new()
    } else {
        format!("\nthere is more than is shown: look at {} by git", shown.head)
    };
    Answer::new(document, format!("{text}{hidden}{more}"))
}

/// A difference with what cannot be seen written out, and whether there was any: what is not shown would be merged unseen.
fn written_out(text: &str) -> (String, bool) {
    let (mut shown, mut hidden) = (String::with_capacity(text.len()), false);
    for c in text.chars() {
        if is_hidden(c) {
            shown.extend(c.escape_unicode());
            hidden = true;
        } else {
            shown.push(c);
        }
    }
    (shown, hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_written_out_and_said_to_be_there() {
        for (text, shown, hidden) in [
            ("+a\tb\n-c", "+a\tb\n-c", false),
            ("+if a {\u{202e} }\u{2066}\r", "+if a {\\u{202e} }\\u{2066}\\u{d}", true),
            ("+a\u{200b}b \u{1b}[8m", "+a\\u{200b}b \\u{1b}[8m", true),
        ] {
            assert_eq!(written_out(text), (shown.to_owned(), hidden), "{text:?}");
        }
    }
}
