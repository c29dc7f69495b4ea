//! One stratum: everything that the gate asks of it, what its streak and its bound are worth, and what operators said.

use domain::gate::track::upper;
use domain::time::Time;
use maud::{Markup, html};
use plane::No;
use plane::gate::Standing;
use store::gate::Would;

use super::super::part::chart;
use super::super::part::{self, Part, Tone, Width};
use super::super::place::Page;
use super::gate::checklist;
use super::{Cx, View};

/// How many of those that the gate would have merged are shown.
const WOULD_SHOWN: usize = 50;

pub(super) async fn view(cx: &Cx<'_>, id: &str) -> Result<View, No> {
    let (plane, call) = (cx.plane(), &cx.call);
    let standing = plane.show_gate(call, Some(id)).await?;
    let would = plane.show_shadow(call, id).await?;
    let Some(one) = standing.into_iter().next() else {
        return Ok(View::of(format!("Stratum {id}"), Vec::new()));
    };
    let armed = is_armed(&one);
    let acts = html! {
        @if armed { (cx.act("disarm-gate", &[("stratum", id)], "Disarm", "danger")) }
        @else { (cx.act("arm-gate", &[("stratum", id)], "Arm", "")) }
    };
    let parts = vec![
        Part::card("facts", Width::Half, ("What it is", ""), part::body(&facts(cx, &one))),
        Part::card("streak", Width::Half, ("Streak", "with its honest bound"), part::body(&streak(&one))),
        Part::card(
            "asked",
            Width::Half,
            ("Asked", "what the gate asks of it"),
            part::body(&checklist(&one.judgement.items)),
        ),
        Part::card("shadow", Width::Half, ("Shadow", "what it would have merged, the last first"), shadow(cx, &would)?),
        Part::card("said", Width::Whole, ("Said", "by operators, the latest first"), said(cx, &one)),
    ];
    Ok(View { title: format!("Stratum {id}"), acts, parts })
}

/// Whether people let it merge by itself now.
pub(super) fn is_armed(one: &Standing) -> bool {
    one.record.arm.as_ref().is_some_and(|arm| arm.holds_at(one.record.at))
}

/// The streak, of how many, and up to what the true rate of bad ones could be.
pub(super) fn streak(one: &Standing) -> Markup {
    let track = one.record.track();
    let (bad, all) = track.counted();
    let needed = one.record.rules.asks.streak;
    html! {
        p { b { (track.streak) " of " (needed) } " merged unchanged in a row" }
        (chart::meter(chart::ratio(track.streak, needed), Tone::Run, &format!("{} of {needed} in a row", track.streak)))
        p .soft { (bad) " bad of " (all) ": the true rate could be up to " (chart::percent(upper(bad, all))) ", at 95 %; " (chart::percent(one.record.rules.asks.bad_max)) " is the most." }
    }
}

fn facts(cx: &Cx<'_>, one: &Standing) -> Markup {
    let stratum = &one.stratum;
    html! {
        dl .facts {
            dt { "Repository" } dd { (part::line(&stratum.repo, 200)) }
            dt { "Kind" } dd { (part::line(&stratum.kind, 120)) }
            dt { "Area" } dd { (stratum.area.name()) }
            dt { "Author" } dd { (part::line(&stratum.author.to_string(), 200)) }
            dt { "Reviewer" } dd { (part::line(&stratum.reviewer.to_string(), 200)) }
            dt { "Phase" } dd { (one.phase.name()) ": " (one.phase.means()) }
            dt { "Armed" } dd {
                @if let Some(arm) = one.record.arm.as_ref().filter(|arm| arm.holds_at(one.record.at)) { (part::tag(Tone::Good, "armed")) " until " (cx.ago(arm.until)) ", " (part::line(&arm.owner, 120)) " answers for it" }
                @else { (part::tag(Tone::Plain, "not armed")) }
            }
            dt { "Shadow" } dd { (one.record.shadow.agreed) " of " (one.record.rules.shadow) " agreed since it was last wrong, " (one.record.shadow.wrong) " were wrong, " (one.record.shadow.open) " are open" }
        }
    }
}

fn shadow(cx: &Cx<'_>, would: &[Would]) -> Result<Markup, No> {
    if would.is_empty() {
        return Ok(part::empty(
            "Nothing yet",
            "What the gate would have merged is held against what people did.",
            "gapwright gate shadow",
        ));
    }
    let mut rows = Vec::new();
    for one in would.iter().take(WOULD_SHOWN) {
        rows.push((one, one.weight()?.map_or("open", |weight| weight.name())));
    }
    Ok(html! {
        div .scroll {
            table {
                caption .sr { "What it would have merged" }
                thead { tr { th scope="col" { "Pull request" } th scope="col" { "Ended" } th scope="col" { "To the gate" } } }
                tbody {
                    @for (one, weight) in rows {
                        tr {
                            td { a href=(cx.to(&Page::Pull(one.pull.clone()))) { @if let Some(number) = one.number { "#" (number) } @else { (part::line(&one.pull, 60)) } } }
                            td .nw { (cx.ago_if(one.ended_at.map(Time))) }
                            td { (part::tag(if weight == "bad" { Tone::Bad } else if weight == "good" { Tone::Good } else { Tone::Plain }, weight)) }
                        }
                    }
                }
            }
        }
    })
}

fn said(cx: &Cx<'_>, one: &Standing) -> Markup {
    if one.said.is_empty() {
        return part::empty(
            "Nobody has said anything",
            "An operator arms a stratum once its evidence is enough.",
            "gapwright gate arm STRATUM --owner NAME --reason TEXT",
        );
    }
    html! {
        div .bd {
            ol .line {
                @for said in &one.said {
                    li data-key=(said.seq) { (cx.ago(Time(said.at))) " " b { (said.what) } " by " (part::line(&said.by, 80)) @if !said.owner.is_empty() { ", " (part::line(&said.owner, 80)) " answers for it" } (part::said(&said.reason)) }
                }
            }
        }
    }
}
