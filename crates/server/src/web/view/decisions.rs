//! Decisions: what agents ask people, with the answers to choose from; and what was answered.

use domain::decision::{Decision, State};
use maud::{Markup, html};
use plane::No;
use plane::decision::OF_JOB_MAX;

use super::super::part::filter::{Field, Takes};
use super::super::part::{self, Part, Tone, Width};
use super::super::place::Page;
use super::{Cx, View};

pub(super) async fn view(cx: &Cx<'_>) -> Result<View, No> {
    let all = cx.place.asks("state") == Some("all");
    let (items, cursor) = if let Some(job) = cx.place.asks("job") {
        let of_job = cx.plane().list_decisions_of_job(&cx.call, job).await?;
        (of_job.into_iter().filter(|one| all || one.state == State::Open).collect(), None)
    } else {
        let page = cx.plane().list_decisions(&cx.call, all, &cx.ask()?).await?;
        (page.items, page.cursor)
    };
    let body = html! {
        (filter(cx))
        @if items.is_empty() { (nothing(cx)) } @else { ul .needs { @for decision in &items { (item(cx, decision)) } } }
        (part::pager(cx.place, items.len(), cursor.as_deref()))
    };
    let aside = match (cx.place.asks("job"), all) {
        (Some(_), _) => format!("of one job, its last {OF_JOB_MAX} at most"),
        (None, true) => "the latest first".to_owned(),
        (None, false) => "the next to expire first".to_owned(),
    };
    Ok(View::of("Decisions", vec![Part::card("decisions", Width::Whole, ("Questions of agents", &aside), body)]))
}

fn filter(cx: &Cx<'_>) -> Markup {
    let fields = [
        Field { name: "state", label: "State", takes: Takes::One(vec![("", "open"), ("all", "any")]) },
        Field { name: "job", label: "Of the job", takes: Takes::Search(22, "") },
    ];
    part::filter::form(cx.place, &fields)
}

fn nothing(cx: &Cx<'_>) -> Markup {
    const WHY: &str = "An agent asks when only a person can decide; its job waits meanwhile.";
    let ask = "the tool ask-operator, over MCP";
    match (cx.place.asks("job"), cx.place.asks("state")) {
        (Some(_), _) => part::filtered(cx.place, &Page::Decisions.path(), None),
        (None, Some(_)) => part::empty("Nobody has asked anything", WHY, ask),
        (None, None) => part::empty("No question is open", WHY, ask),
    }
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
