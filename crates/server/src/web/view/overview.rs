//! The overview: first what needs a person, each with its one act, then how things stand, and what was done last.

use std::collections::BTreeMap;

use domain::need::Need;
use domain::time::Time;
use maud::{Markup, html};
use plane::No;
use plane::overview::{Needed, Needs, Overview};
use plane::pull::Board;
use store::figure::Figure;
use store::journal::Row;

use super::super::part::chart::{self, Bar};
use super::super::part::{self, Part, Tone, Width, count};
use super::super::place::Page;
use super::{Cx, View, deed, pipeline, shut_part};

/// How many things that were done are shown.
const DONE_SHOWN: usize = 14;

/// How many characters of what something is about are shown.
const ABOUT_CHARS: usize = 140;

/// How many characters of an entry's own words stand in a title.
const TITLE_CHARS: usize = 200;

pub(super) async fn view(cx: &Cx<'_>) -> Result<View, No> {
    let (plane, call) = (cx.plane(), &cx.call);
    let overview = plane.show_overview(call).await?;
    let needs = plane.list_needs(call).await?;
    let board = plane.list_board(call).await?;
    let activity = if let Some(shut) = shut_part(cx, "feed", "Activity") {
        shut
    } else {
        let done = plane.list_done(call, DONE_SHOWN).await?;
        Part::card("feed", Width::Half, ("Activity", "what was done last"), feed(cx, &done, &board))
    };
    Ok(View::of(
        "Overview",
        vec![
            Part::card("needs", Width::Whole, ("Needs you", "the most pressing first"), needed(cx, &needs)),
            Part::plain("tiles", Width::Whole, tiles(cx, &overview)),
            Part::card(
                "board",
                Width::Whole,
                ("Pipeline", "rounds and budget of each change"),
                pipeline::board(cx, &board),
            ),
            Part::card("throughput", Width::Half, ("Runs", "by half hours, the last day"), throughput(&overview)),
            activity,
        ],
    ))
}

fn needed(cx: &Cx<'_>, needs: &Needs) -> Markup {
    if needs.items.is_empty() {
        return part::empty(
            "Nothing needs you",
            "What agents cannot settle by themselves comes here, each with its one act.",
            "",
        );
    }
    html! {
        ul .needs {
            @for item in &needs.items {
                li data-key={ (item.need.what()) ":" (item.name) } {
                    (part::tag(tone(item.need), item.need.what()))
                    span .what { a href=(leads_to(cx, item)) { (part::line(title(item), ABOUT_CHARS)) } }
                    span .soft { (cx.ago(item.since)) }
                    (act(cx, item))
                    @if item.need != Need::Decide && !item.about.is_empty() && title(item) != item.about {
                        span .about.soft { (part::line(&item.about, ABOUT_CHARS)) }
                    }
                }
            }
        }
        @if !needs.more.is_empty() {
            div .ft {
                "There is more of: "
                @for need in &needs.more { a href=(more(cx, *need)) { (need.what()) } " " }
            }
        }
    }
}

/// What an item is called first: a question and a pull request by what they are about, all else by its name.
fn title(item: &Needed) -> &str {
    match item.need {
        Need::TakeBack | Need::Decide | Need::Merge | Need::LookAt | Need::Review | Need::Unstop => &item.about,
        Need::UnknownWrite | Need::UnknownStart | Need::DeadMessage | Need::MayBeSame if !item.about.is_empty() => {
            &item.about
        }
        Need::UnknownWrite
        | Need::UnknownStart
        | Need::Spent
        | Need::AllOff
        | Need::Unclaimed
        | Need::DeadMessage
        | Need::MayBeSame
        | Need::DeadJob
        | Need::FailingJob
        | Need::SilentRoutine
        | Need::StrandedGap
        | Need::SwitchedOff => &item.name,
    }
}

const fn tone(need: Need) -> Tone {
    match need {
        Need::Decide | Need::Merge | Need::LookAt | Need::Review => Tone::Run,
        Need::AllOff
        | Need::Unclaimed
        | Need::Unstop
        | Need::Spent
        | Need::FailingJob
        | Need::StrandedGap
        | Need::SwitchedOff => Tone::Warn,
        Need::MayBeSame => Tone::Plain,
        Need::TakeBack
        | Need::UnknownWrite
        | Need::UnknownStart
        | Need::DeadJob
        | Need::SilentRoutine
        | Need::DeadMessage => Tone::Bad,
    }
}

/// The room in which more of a sort is found.
const fn room(need: Need) -> Page {
    match need {
        Need::Decide => Page::Decisions,
        Need::TakeBack
        | Need::Merge
        | Need::LookAt
        | Need::Review
        | Need::Unstop
        | Need::UnknownWrite
        | Need::Spent => Page::Pipeline,
        Need::DeadJob | Need::FailingJob | Need::Unclaimed => Page::Queue,
        Need::SilentRoutine | Need::UnknownStart => Page::Schedules,
        Need::StrandedGap => Page::Gaps,
        Need::MayBeSame => Page::Alike,
        Need::DeadMessage | Need::AllOff | Need::SwitchedOff => Page::Settings,
    }
}

/// Where all of a sort are.
fn more(cx: &Cx<'_>, need: Need) -> String {
    let state = match need {
        Need::DeadJob => "dead",
        Need::FailingJob => "failing",
        Need::Unclaimed => "ready",
        Need::AllOff
        | Need::TakeBack
        | Need::Decide
        | Need::Merge
        | Need::LookAt
        | Need::Review
        | Need::Unstop
        | Need::UnknownWrite
        | Need::UnknownStart
        | Need::Spent
        | Need::SilentRoutine
        | Need::DeadMessage
        | Need::StrandedGap
        | Need::MayBeSame
        | Need::SwitchedOff => return cx.to(&room(need)),
    };
    cx.to_asking(&Page::Queue, &[("state", state)])
}

fn leads_to(cx: &Cx<'_>, item: &Needed) -> String {
    match item.need {
        Need::TakeBack | Need::Merge | Need::LookAt | Need::Review | Need::Unstop => {
            cx.to(&Page::Pull(item.name.clone()))
        }
        Need::Unclaimed => more(cx, item.need),
        Need::DeadJob | Need::FailingJob => cx.to(&Page::Job(item.name.clone())),
        Need::StrandedGap => cx.to(&Page::Gap(item.name.clone())),
        Need::Decide
        | Need::UnknownWrite
        | Need::UnknownStart
        | Need::Spent
        | Need::AllOff
        | Need::SilentRoutine
        | Need::DeadMessage
        | Need::MayBeSame
        | Need::SwitchedOff => cx.to(&room(item.need)),
    }
}

/// The one act of an item.
fn act(cx: &Cx<'_>, item: &Needed) -> Markup {
    let name = item.name.as_str();
    match item.need {
        Need::Decide => cx.act("answer-decision", &[("decision", name)], "Answer", "go"),
        Need::TakeBack => html! { a .b.go href=(leads_to(cx, item)) { "See what takes it back" } },
        Need::Merge | Need::LookAt | Need::Review => html! { a .b.go href=(leads_to(cx, item)) { "Look at it" } },
        Need::Unstop => cx.act("resume-pull", &[("pull", name)], "Let it go on", ""),
        Need::UnknownWrite => cx.act("release-write", &[("write", name)], "Say how it is", ""),
        Need::UnknownStart => cx.act("release-start", &[("start", name)], "Say how it is", ""),
        Need::Spent => html! { a .b href=(leads_to(cx, item)) { "See on what" } },
        Need::FailingJob => html! { a .b href=(leads_to(cx, item)) { "See why" } },
        Need::DeadJob => cx.act("trigger-job", &[("job", name)], "Run it again", ""),
        Need::SilentRoutine => html! { a .b href=(leads_to(cx, item)) { "See when it came" } },
        Need::DeadMessage => cx.act("requeue-message", &[("message", name)], "Send it again", ""),
        Need::StrandedGap => cx.act("reopen-gap", &[("gap", name)], "Open it again", ""),
        Need::MayBeSame => html! { a .b href=(leads_to(cx, item)) { "Say whether" } },
        Need::Unclaimed => html! { a .b href=(leads_to(cx, item)) { "See which" } },
        Need::AllOff | Need::SwitchedOff => cx.act("switch-on", &[("scope", name)], "Switch it on", ""),
    }
}

const fn jobs(count: i64) -> &'static str {
    if count == 1 { "job" } else { "jobs" }
}

fn tiles(cx: &Cx<'_>, overview: &Overview) -> Markup {
    let (counts, (booked, cap)) = (&overview.counts, overview.booked);
    let oldest = match overview.oldest {
        Some(since) => part::lasting(cx.now().since(since)),
        None if counts.ready == 0 => "none".to_owned(),
        None => "not known".to_owned(),
    };
    let curve = |of: fn(&Figure) -> i64| overview.curve.iter().map(|(_, at)| at.as_ref().map(of)).collect::<Vec<_>>();
    let spent = part::dollars(booked.micro_usd);
    html! {
        div .tiles {
            (tile(&cx.to_asking(&Page::Queue, &[("state", "held")]), "Running now", &count(counts.held), jobs(counts.held), &curve(|at| at.held)))
            (tile(&cx.to_asking(&Page::Queue, &[("state", "ready")]), "Ready", &count(counts.ready), jobs(counts.ready), &curve(|at| at.ready)))
            (tile(&cx.to_asking(&Page::Queue, &[("state", "ready")]), "Oldest wait", &oldest, "", &curve(|at| at.oldest_ms)))
            (tile(&cx.to(&Page::Locks), "Locks held", &count(counts.locks), "", &curve(|at| at.locks)))
            (tile(&cx.to_asking(&Page::Pipeline, &[("state", "merged")]), "Merged, 7 days", &count(overview.merged), "", &curve(|at| at.merged)))
            (tile(&cx.to(&Page::Pipeline), "Spent today", &spent, &format!("of {}", part::dollars(cap.micro_usd)), &curve(|at| at.micro_usd)))
        }
    }
}

fn tile(to: &str, label: &str, value: &str, unit: &str, curve: &[Option<i64>]) -> Markup {
    let drawn = format!("{label} over the last day, by half hours");
    html! {
        div .card.tile {
            a href=(to) {
                div .l { (label) }
                div .v { (value) @if !unit.is_empty() { " " small { (unit) } } }
            }
            (chart::spark(curve, &drawn))
        }
    }
}

fn throughput(overview: &Overview) -> Markup {
    if overview.curve.iter().all(|(_, figure)| figure.is_none_or(|figure| figure.ended == 0)) {
        let command = "gapwright jobs add NAME --kind KIND --every 1h";
        return part::empty("No run ended in the last day", "A worker claims a job and completes it.", command);
    }
    let bar = |(at, figure): &(Time, Option<Figure>)| Bar {
        when: hour(*at),
        counts: figure.map(|figure| (figure.ended - figure.failed, figure.failed)),
    };
    let bars: Vec<_> = overview.curve.iter().map(bar).collect();
    part::body(&chart::bars(&bars, "Runs that ended, by half hours in UTC", ("ok", "failed")))
}

/// The hour and minute of a moment, in UTC.
fn hour(at: Time) -> String {
    part::clock(at).chars().skip(11).take(5).collect()
}

/// Where something is that was done to.
fn room_of(cx: &Cx<'_>, object: &str) -> String {
    let (sort, name) = object.split_once(':').unwrap_or((object, ""));
    match sort {
        "job" => cx.to(&Page::Job(name.to_owned())),
        "gap" | "issue" => cx.to(&Page::Gap(name.to_owned())),
        "pull" if !name.contains('#') => cx.to(&Page::Pull(name.to_owned())),
        "outcome" => cx.to(&Page::Pull(name.to_owned())),
        "decision" => cx.to_asking(&Page::Decisions, &[("state", "all")]),
        "level" => cx.to(&Page::Evidence),
        _ => cx.to_asking(&Page::Audit, &[("object", object)]),
    }
}

/// Something that was done, as a sentence; the words of the audit stand in the title, and the time leads to its entry.
fn done_so(cx: &Cx<'_>, row: &Row, numbers: &BTreeMap<&str, i64>) -> Markup {
    let known = row.object.strip_prefix("pull:").and_then(|id| numbers.get(id));
    let called = known.map_or_else(|| row.object.clone(), |number| format!("pull:#{number}"));
    let deed = deed::told(&row.tool, &called, &row.principal);
    let entry = cx.to_asking(&Page::Audit, &[("object", &row.object), ("tool", &row.tool)]);
    let title: String = format!("{} {}", row.tool, row.object).chars().take(TITLE_CHARS).collect();
    html! {
        a href=(entry) { (cx.ago(Time(row.at))) }
        span title=(title) {
            b { (part::line(&deed.who, 60)) } " " (part::line(&deed.did, 80))
            @if !deed.what.is_empty() { " " a href=(room_of(cx, &row.object)) { (part::line(&deed.what, 70)) } }
            @if !deed.then.is_empty() { " " (deed.then) }
            @if let Some(how) = fell_short(row) { " " (part::tag(Tone::Warn, how)) }
        }
    }
}

/// How far an act by hand came that was asked for and not done.
fn fell_short(row: &Row) -> Option<&'static str> {
    let after: serde_json::Value = serde_json::from_str(&row.after).ok()?;
    after.get("by_hand")?;
    match after.get("is")?.as_str()? {
        "asked" => Some("asked for"),
        "not done" => Some("not done"),
        _ => None,
    }
}

fn feed(cx: &Cx<'_>, done: &[Row], board: &Board) -> Markup {
    if done.is_empty() {
        return part::empty("Nothing was done yet", "Every write leaves an entry in the audit.", "gapwright demo");
    }
    let numbers = board.pulls.iter().map(|stored| &stored.pull);
    let numbers = numbers.filter_map(|pull| Some((pull.id.as_str(), pull.there.number?))).collect();
    html! {
        ul .feed { @for row in done { li data-key=(row.id) { (done_so(cx, row, &numbers)) } } }
    }
}
