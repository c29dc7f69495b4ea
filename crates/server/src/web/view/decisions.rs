//! Decisions: what agents ask people, with the answers to choose from; and what was answered.

use domain::decision::{Decision, State};
use maud::{Markup, html};
use plane::No;

use super::super::part::filter::{Field, Takes};
use super::super::part::{self, Part, Tone, Width};
use super::super::place::Page;
use super::{Cx, View};

pub(super) async fn view(cx: &Cx<'_>) -> Result<View, No> {
    let all = cx.place.asks("state") == Some("all");
    let page = cx.plane().list_decisions(&cx.call, all, &cx.ask()?).await?;
    let body = html! {
        (part::filter::filter(cx.place, &[Field { name: "state", label: "State", takes: Takes::One(vec![("", "open"), ("all", "any")]) }]))
        @if page.items.is_empty() {
            @if all { (part::empty("Nobody has asked anything", "An agent asks when only a person can decide; its job waits meanwhile.", "the tool ask-operator, over MCP")) }
            @else { (part::empty("No question is open", "An agent asks when only a person can decide; its job waits meanwhile.", "the tool ask-operator, over MCP")) }
        } @else {
            ul .needs { @for decision in &page.items { (item(cx, decision)) } }
        }
        (part::pager(cx.place, page.items.len(), page.cursor.as_deref()))
    };
    let aside = if all { "the latest first" } else { "the next to expire first" };
    Ok(View::of("Decisions", vec![Part::card("decisions", Width::Whole, ("Questions of agents", aside), body)]))
}

fn item(cx: &Cx<'_>, decision: &Decision) -> Markup {
    html! {
        li data-key=(decision.id) {
            (stands(decision))
            div {
                (part::said(&decision.question))
                div .soft {
                    (part::line(&decision.principal, 80)) " asks for " a href=(cx.to(&Page::Job(decision.job.clone()))) { (part::line(&decision.job, 120)) } " " (cx.ago(decision.asked_at))
                    @if decision.state == State::Open { ", to be answered until " (cx.ago(decision.expires_at)) }
                }
                ol { @for (at, option) in decision.options.iter().enumerate() { li { (part::line(option, 300)) @if at == 0 { span .soft { " (the agent's own choice)" } } } } }
                @if let State::Answered { by, at, .. } = &decision.state { p { "Answered " b { (part::line(decision.chosen().unwrap_or_default(), 300)) } " by " (part::line(by, 80)) " " (cx.ago(*at)) } }
            }
            span {}
            @if decision.state == State::Open { (cx.act("answer-decision", &[("decision", &decision.id)], "Answer", "go")) } @else { span {} }
        }
    }
}

fn stands(decision: &Decision) -> Markup {
    match decision.state {
        State::Open => part::tag(Tone::Run, "open"),
        State::Answered { .. } => part::tag(Tone::Good, "answered"),
        State::Expired => part::tag(Tone::Warn, "expired"),
    }
}
