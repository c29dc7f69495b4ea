//! Gaps: what agents lack, by how much work each blocks; the inventory of them by kind; and pairs that may be the same.

use std::collections::BTreeMap;

use domain::gap::{Gap, State};
use domain::refusal::Refusal;
use domain::time::{Span, Time};
use maud::{Markup, html};
use plane::No;
use plane::gap::{INVENTORY_DAYS, Inventory, Kind};
use store::gap::likeness::Proposal;
use store::gap::{Ranked, Which};

use super::super::part::chart;
use super::super::part::filter::{Field, Takes};
use super::super::part::{self, Part, Tone, Width};
use super::super::place::Page;
use super::issue::way;
use super::{Cx, View};

/// What the address may ask for.
const FILTERS: [&str; 2] = ["state", "kind"];

pub(super) async fn view(cx: &Cx<'_>) -> Result<View, No> {
    let (which, kind) = (which(cx)?, cx.place.asks("kind"));
    let page = cx.plane().list_gaps(&cx.call, which, kind, &cx.ask()?).await?;
    let body = html! {
        (filter(cx))
        @if page.items.is_empty() {
            @if cx.place.asks_any(&FILTERS) { (part::filtered(cx.place, &Page::Gaps.path(), page.cursor.as_deref())) }
            @else { (part::empty("No gap was reported", "What agents lack is captured here, ranked by how much work it blocks.", "BLOCKING-GAP[kind=mcp-tool]: NAME - REASON in a run's summary, or the tool report-gap")) }
        } @else {
            div .scroll { (table(cx, &page.items)) }
        }
        (part::pager(cx.place, page.items.len(), page.cursor.as_deref()))
    };
    let acts = ways(cx);
    Ok(View {
        title: "Gaps".to_owned(),
        acts,
        parts: vec![Part::card("gaps", Width::Whole, ("Gaps", "the highest rank first"), body)],
    })
}

/// The other rooms of gaps.
fn ways(cx: &Cx<'_>) -> Markup {
    html! {
        a .b href=(cx.to(&Page::Gaps)) { "By rank" }
        a .b href=(cx.to(&Page::Inventory)) { "Inventory" }
        a .b href=(cx.to(&Page::Alike)) { "Alike" }
    }
}

fn which(cx: &Cx<'_>) -> Result<Which, Refusal> {
    match cx.place.asks("state") {
        None => Ok(Which::Live),
        Some("all") => Ok(Which::All),
        Some(state) => State::parse(state).map(Which::In),
    }
}

fn filter(cx: &Cx<'_>) -> Markup {
    let by_itself = [("", "still to be closed"), ("all", "any")];
    let states = by_itself.into_iter().chain(State::ALL.map(|state| (state.name(), state.name())));
    let fields = [
        Field { name: "state", label: "State", takes: Takes::One(states.collect()) },
        Field { name: "kind", label: "Kind", takes: Takes::Search(18, "") },
    ];
    part::filter::form(cx.place, &fields)
}

fn table(cx: &Cx<'_>, gaps: &[Ranked]) -> Markup {
    let most = gaps.iter().map(|ranked| ranked.gap.jobs).max().unwrap_or(0).max(1);
    html! {
        table {
            caption .sr { "Gaps" }
            thead { tr {
                th scope="col" { "Gap" } th scope="col" { "State" } th scope="col" { "Blocks" } th .num scope="col" { "Rank" }
                th scope="col" { "Because" } th .num scope="col" { "Reported" } th scope="col" { "Last" } th scope="col" { "Issue" }
            } }
            tbody { @for ranked in gaps { (row(cx, ranked, most)) } }
        }
    }
}

fn row(cx: &Cx<'_>, ranked: &Ranked, most: i64) -> Markup {
    let gap = &ranked.gap;
    let standing = gap.standing();
    let tone = if gap.jobs * 3 >= most * 2 { Tone::Bad } else { Tone::Run };
    html! {
        tr data-key=(gap.key) {
            td .w { a href=(cx.to(&Page::Gap(gap.key.to_string()))) { (part::line(&gap.key.name, 120)) } " " span .soft { (part::line(&gap.key.kind, 60)) } }
            td .nw { (state_tag(gap)) @if cx.plane().is_too_deep(gap) { " " (part::tag(Tone::Warn, "too deep")) } }
            td { (part::counted(gap.jobs, "job")) (chart::meter(chart::ratio(gap.jobs, most), tone, &format!("it blocks {}", part::counted(gap.jobs, "job")))) }
            td .num { (part::grouped(standing.rank())) }
            td .soft { @for (at, term) in standing.terms().iter().enumerate() { @if at > 0 { "; " } (signed(term.points)) " " (term.why) } }
            td .num { (gap.sightings) }
            td .nw { (cx.ago(gap.last_at)) }
            td .nw { @if let Some((number, url)) = &ranked.issue { (way(cx, *number, url, &format!("#{number}"))) } @else { span .soft { "\u{2013}" } } }
        }
    }
}

/// A link out of the house, where it is one that a browser may follow; the word alone otherwise.
pub(super) fn outside(url: &str, word: &str) -> Markup {
    let safe = url.starts_with("https://") || url.starts_with("http://");
    html! { @if safe { a href=(url) rel="noreferrer noopener" { (word) } } @else { (word) } }
}

/// Points with their sign.
pub(super) fn signed(points: i64) -> String {
    if points < 0 { part::grouped(points) } else { format!("+{}", part::grouped(points)) }
}

/// How a gap stands, by colour and by word.
pub(super) fn state_tag(gap: &Gap) -> Markup {
    let tone = match gap.state {
        State::Open => Tone::Warn,
        State::Planned | State::InProgress | State::InReview => Tone::Run,
        State::Merged | State::Proven => Tone::Good,
        State::RequiresHuman => Tone::Bad,
        State::WontFix | State::Duplicate => Tone::Plain,
    };
    part::tag(tone, &gap.state.to_string())
}

pub(super) async fn inventory(cx: &Cx<'_>) -> Result<View, No> {
    let (plane, call, now) = (cx.plane().clone(), cx.call.clone(), cx.now());
    let kept =
        cx.site.inventory.get(String::new(), Box::pin(async move { Ok((now, plane.inventory(&call).await?)) })).await?;
    let (at, inventory) = &*kept;
    let body = if inventory.kinds.is_empty() {
        part::empty(
            "No gap was reported",
            "The inventory sums up by kind what agents lack.",
            "the tool report-gap, over MCP",
        )
    } else {
        kinds(cx, inventory, *at)
    };
    let parts = vec![Part::card("inventory", Width::Whole, ("Inventory", "by kind, what blocks most first"), body)];
    let acts = html! { (cx.as_of(*at)) (ways(cx)) };
    Ok(View { title: "Inventory of gaps".to_owned(), acts, parts })
}

fn kinds(cx: &Cx<'_>, inventory: &Inventory, at: Time) -> Markup {
    let today = at.0.div_euclid(Span::days(1).0);
    let seen: BTreeMap<_, _> = inventory.days.iter().map(|of| ((of.kind.as_str(), of.day), of.sightings)).collect();
    let days = |kind: &str| -> Vec<Option<i64>> {
        let days = today - INVENTORY_DAYS + 1..=today;
        days.map(|day| Some(seen.get(&(kind, day)).copied().unwrap_or(0))).collect()
    };
    html! {
        div .scroll {
            table {
                caption { (part::counted(inventory.gaps, "gap")) ", reported " (part::counted(inventory.sightings, "time")) "; " (inventory.unreadable) " markers could not be read, " (inventory.proposals) " pairs may be the same" }
                thead { tr {
                    th scope="col" { "Kind" } th .num scope="col" { "Gaps" } th .num scope="col" { "Jobs blocked" } th .num scope="col" { "Reported" }
                    th scope="col" { "Last " (INVENTORY_DAYS) " days" } th scope="col" { "How they stand" } th .num scope="col" { "Attempts" } th .num scope="col" { "Failed" } th .num scope="col" { "Lines each" }
                } }
                tbody { @for kind in &inventory.kinds { (kind_row(cx, kind, &days(&kind.kind))) } }
            }
        }
        @if inventory.kinds_left > 0 { div .ft { (inventory.kinds_left) " kinds more" } }
    }
}

fn kind_row(cx: &Cx<'_>, kind: &Kind, days: &[Option<i64>]) -> Markup {
    html! {
        tr data-key=(kind.kind) {
            td { a href=(cx.to_asking(&Page::Gaps, &[("kind", &kind.kind), ("state", "all")])) { (part::line(&kind.kind, 80)) } }
            td .num { (kind.gaps) }
            td .num { (kind.jobs) }
            td .num { (kind.sightings) }
            td { (chart::spark(days, &format!("reports of {} a day", kind.kind))) }
            td .soft { @for (at, (state, count)) in kind.outcomes.iter().enumerate() { @if at > 0 { ", " } (count) " " (state.replace('_', " ")) } }
            td .num { (kind.attempts) }
            td .num { (kind.failures) }
            td .num { @if let Some(lines) = kind.lines { (lines) } @else { "\u{2013}" } }
        }
    }
}

pub(super) async fn alike(cx: &Cx<'_>) -> Result<View, No> {
    let page = cx.plane().list_likeness(&cx.call, &cx.ask()?).await?;
    let body = html! {
        @if page.items.is_empty() {
            (part::empty("No pair waits for you", "Gaps with names that are alike are proposed here; a person says whether they are the same.", "two reports of gaps with names that are alike"))
        } @else {
            div .scroll { (pairs(cx, &page.items)) }
        }
        (part::pager(cx.place, page.items.len(), page.cursor.as_deref()))
    };
    let parts = vec![Part::card("alike", Width::Whole, ("May be the same", "the most alike first"), body)];
    Ok(View { title: "Gaps that may be the same".to_owned(), acts: ways(cx), parts })
}

pub(super) fn pairs(cx: &Cx<'_>, pairs: &[Proposal]) -> Markup {
    html! {
        table {
            caption .sr { "Pairs of gaps that may be the same" }
            thead { tr { th scope="col" { "One" } th scope="col" { "Other" } th .num scope="col" { "Alike" } th scope="col" { "Because" } th scope="col" { span .sr { "Acts" } } } }
            tbody {
                @for pair in pairs {
                    tr data-key={ (pair.gap) " " (pair.other) } {
                        td .w { a href=(cx.to(&Page::Gap(pair.gap.clone()))) { (part::line(&pair.gap, 160)) } }
                        td .w { a href=(cx.to(&Page::Gap(pair.other.clone()))) { (part::line(&pair.other, 160)) } }
                        td .num { (pair.score) " %" }
                        td .soft { (part::line(&pair.why, 160)) }
                        td { div .bar {
                            (cx.act("merge-gaps", &[("duplicate", &pair.other), ("into", &pair.gap)], "The same", ""))
                            (cx.act("tell-gaps-apart", &[("one", &pair.gap), ("other", &pair.other)], "Not the same", ""))
                        } }
                    }
                }
            }
        }
    }
}
