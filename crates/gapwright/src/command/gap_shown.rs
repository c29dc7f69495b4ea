//! One gap with everything around it, and the inventory: as documents and for people.

use domain::gap::relation::Together as Advice;
use domain::mirror::Stand;
use domain::time::Time;
use plane::gap::{Inventory, Shown, Together};
use plane::page::LIMIT_MAX;
use serde_json::{Value, json};
use store::gap::blocked::Blocked;
use store::issue::State;

use super::gaps::section;
use crate::show::{Answer, clean, moment, table};

/// A gap with everything around it.
pub(crate) fn answer(mut document: Value, shown: &Shown) -> Answer {
    document["terms"] =
        shown.terms.iter().map(|term| json!({"points": term.points, "because": term.why})).collect::<Vec<_>>().into();
    document["blocked"] = shown.blocked.iter().map(blocked).collect::<Vec<_>>().into();
    document["depends_on"] = json!(shown.depends_on);
    document["met_while_worked_on"] = json!(shown.met);
    document["needed_by"] = json!(shown.needed_by);
    document["duplicates"] = json!(shown.duplicates);
    document["proposals"] = json!(shown.proposals);
    document["together"] = shown.together.iter().map(together).collect::<Vec<_>>().into();
    document["issue"] = issue(shown);
    document["events"] = shown.events.iter().map(|event| timed(json!(event), &["at"])).collect::<Vec<_>>().into();
    document["comments"] = shown
        .comments
        .iter()
        .map(|comment| timed(json!(comment), &["created_at", "changed_at"]))
        .collect::<Vec<_>>()
        .into();
    document["last_sightings"] =
        shown.sightings.items.iter().map(|seen| timed(json!(seen), &["at"])).collect::<Vec<_>>().into();
    document["cursor"] = json!(shown.sightings.cursor);
    let text = text(shown);
    Answer::new(document, text)
}

/// A row with these moments as people and programs read them everywhere else.
fn timed(mut row: Value, moments: &[&str]) -> Value {
    for moment in moments {
        if let Some(at) = row[*moment].as_i64() {
            row[*moment] = Time(at).iso().into();
        }
    }
    row
}

fn blocked(blocked: &Blocked) -> Value {
    let mut row = timed(json!(blocked), &["first_at", "last_at", "cleared_at"]);
    row["registered"] = (blocked.registered == 1).into();
    row
}

fn together(told: &Together) -> Value {
    match &told.advice {
        Advice::Batch => json!({"job": told.job, "advice": "batch", "gaps": told.gaps}),
        Advice::Sequence { order, why } => {
            json!({"job": told.job, "advice": "sequence", "gaps": order, "because": why})
        }
    }
}

fn issue(shown: &Shown) -> Value {
    match &shown.issue {
        None => Value::Null,
        Some(issue) => json!({
            "repository": issue.repo, "number": issue.number, "url": issue.url, "state": issue.state.name(),
            "labels": issue.labels, "last_error": issue.last_error,
        }),
    }
}

fn text(shown: &Shown) -> String {
    let gap = &shown.gap;
    let terms: Vec<_> = shown.terms.iter().map(|term| format!("{:+} {}", term.points, term.why)).collect();
    let depth =
        if shown.too_deep { format!("{} (too_deep: nobody works on it)", gap.depth) } else { gap.depth.to_string() };
    let issue = shown.issue.as_ref().map(|issue| {
        let number = issue.number.map(|number| format!("#{number} ")).unwrap_or_default();
        let error = if issue.last_error.is_empty() { String::new() } else { format!(": {}", issue.last_error) };
        let stand = match (issue.state, issue.stand) {
            (State::Known, Some(Stand::Open)) => "open",
            (State::Known, Some(Stand::Done)) => "closed as completed",
            (State::Known, Some(Stand::NotPlanned)) => "closed as not planned",
            (state, _) => state.name(),
        };
        let labels: Vec<_> = issue.labels.iter().map(|label| clean(label)).collect();
        format!("{}{number}{stand} [{}] {}{error}", prefix(&issue.repo), labels.join(", "), issue.url)
    });
    let duplicate = gap.duplicate_of.as_ref().map(|key| format!(" of {key}")).unwrap_or_default();
    let fields = [
        ("gap", gap.key.to_string()),
        ("state", format!("{}{duplicate}", gap.state)),
        ("rank", format!("{} = {}", gap.standing().rank(), terms.join("; "))),
        ("severity", gap.severity.to_string()),
        ("priority", gap.priority.map(|priority| priority.to_string()).unwrap_or_default()),
        ("sightings", gap.sightings.to_string()),
        ("attempts", format!("{}, {} failed", gap.attempts, gap.failures)),
        ("depth", depth),
        ("area", gap.area.clone().unwrap_or_default()),
        ("lines", gap.lines.map(|lines| lines.to_string()).unwrap_or_default()),
        ("depends on", shown.depends_on.join(", ")),
        ("met while worked on", shown.met.join(", ")),
        ("needed by", shown.needed_by.join(", ")),
        ("stands for", shown.duplicates.join(", ")),
        ("issue", issue.unwrap_or_default()),
        ("first", gap.first_at.iso()),
        ("last", gap.last_at.iso()),
    ];
    let more = shown.sightings.cursor.as_ref().map(|cursor| format!("\nmore: --cursor {cursor}")).unwrap_or_default();
    format!("{}{}{more}", Answer::thing(Value::Null, &fields).text, around(shown))
}

fn prefix(repo: &str) -> String {
    format!("{repo} ")
}

fn around(shown: &Shown) -> String {
    let blocked = shown.blocked.iter().map(|blocked| {
        let now = match (blocked.registered, blocked.cleared_at) {
            (0, _) => "no such job".to_owned(),
            (_, None) => "blocked".to_owned(),
            (_, Some(at)) => format!("succeeded {}", Time(at).iso()),
        };
        vec![blocked.job.clone(), now, blocked.severity.clone(), blocked.sightings.to_string()]
    });
    let together = shown.together.iter().map(|told| match &told.advice {
        Advice::Batch => vec![told.job.clone(), "batch".to_owned(), told.gaps.join(", "), String::new()],
        Advice::Sequence { order, why } => {
            vec![told.job.clone(), "sequence".to_owned(), order.join(", "), (*why).to_owned()]
        }
    });
    let proposals =
        shown.proposals.iter().map(|likeness| vec![likeness.gap.clone(), likeness.other.clone(), likeness.why.clone()]);
    let events = shown.events.iter().map(|event| {
        vec![moment(Some(Time(event.at))), event.event.clone(), event.now.clone(), event.by.clone(), event.why.clone()]
    });
    let comments = shown.comments.iter().map(|comment| {
        let line: String = comment.body.lines().next().unwrap_or_default().chars().take(120).collect();
        vec![moment(Some(Time(comment.created_at))), comment.author.clone(), line]
    });
    let sightings = shown.sightings.items.iter().map(|seen| {
        vec![
            moment(Some(Time(seen.at))),
            seen.severity.clone(),
            seen.job.clone().unwrap_or_default(),
            seen.principal.clone(),
            seen.reason.clone(),
        ]
    });
    [
        section("Blocked jobs", &["job", "now", "severity", "sightings"], blocked.collect()),
        section("With other gaps of one job", &["job", "advice", "gaps", "because"], together.collect()),
        section("May be the same", &["gap", "other", "because"], proposals.collect()),
        section("History", &["at", "event", "state", "by", "why"], events.collect()),
        section("Comments on its issue", &["at", "author", "text"], comments.collect()),
        section("Sightings", &["at", "severity", "job", "principal", "reason"], sightings.collect()),
    ]
    .concat()
}

/// The inventory.
pub(crate) fn inventory(inventory: &Inventory) -> Answer {
    let rows = inventory.kinds.iter().map(|kind| {
        let outcomes: Vec<_> = kind.outcomes.iter().map(|(state, count)| format!("{count} {state}")).collect();
        vec![
            kind.kind.clone(),
            kind.gaps.to_string(),
            kind.sightings.to_string(),
            kind.jobs.to_string(),
            format!("{}/{}", kind.failures, kind.attempts),
            kind.lines.map(|lines| lines.to_string()).unwrap_or_default(),
            outcomes.join(", "),
            Time(kind.last_at).iso(),
        ]
    });
    let columns = ["kind", "gaps", "sightings", "blocked jobs", "failed attempts", "lines each", "outcomes", "last"];
    let mut text = if inventory.kinds.is_empty() { "no gaps".to_owned() } else { table(&columns, rows) };
    if inventory.kinds_left > 0 {
        text = format!("{text}\nand {} kinds more, which block less", inventory.kinds_left);
    }
    let most = |count: i64| if count < LIMIT_MAX { count.to_string() } else { format!("{count} or more") };
    if inventory.unreadable > 0 {
        text = format!("{text}\n{} markers could not be read: gapwright gaps unreadable", most(inventory.unreadable));
    }
    if inventory.proposals > 0 {
        text = format!(
            "{text}\n{} proposals of duplicates wait for a person: gapwright gaps proposals",
            most(inventory.proposals)
        );
    }
    let days: Vec<_> = inventory
        .days
        .iter()
        .map(
            |day| json!({"day": &Time(day.day * 86_400_000).iso()[..10], "kind": day.kind, "sightings": day.sightings}),
        )
        .collect();
    let document = json!({
        "kinds": inventory.kinds, "kinds_left": inventory.kinds_left, "gaps": inventory.gaps,
        "sightings": inventory.sightings, "days": days, "unreadable_markers": inventory.unreadable,
        "proposals": inventory.proposals,
    });
    Answer::new(document, text)
}
