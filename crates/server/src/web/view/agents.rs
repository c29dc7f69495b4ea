//! Agents and their tokens: who may come in, in what role, until when; and who is at work.

use domain::time::Time;
use maud::{Markup, html};
use plane::No;
use store::agent::Token;
use store::job::turn::Held;
use store::replica::Replica;

use super::super::part::filter::{Field, Takes};
use super::super::part::{self, Part, Tone, Width};
use super::super::place::Page;
use super::{Cx, View};

/// How many of those at work are shown: the queue has all.
const AT_WORK_SHOWN: usize = 25;

pub(super) async fn view(cx: &Cx<'_>) -> Result<View, No> {
    let (plane, call) = (cx.plane(), &cx.call);
    let (_, held) = plane.list_switches(call).await?;
    let replicas = plane.list_replicas(call).await?;
    let tokens = match super::shut(cx, "Tokens") {
        Some(shut) => shut.parts.into_iter().next(),
        None => Some(Part::card("tokens", Width::Whole, ("Tokens", "in the order of their making"), tokens(cx).await?)),
    };
    let mut parts = vec![
        Part::card("work", Width::Half, ("At work", "the claim that ends next first"), at_work(cx, &held)),
        Part::card("replicas", Width::Half, ("Servers", "that are live"), servers(cx, &replicas)),
    ];
    parts.extend(tokens);
    Ok(View::of("Agents", parts))
}

fn at_work(cx: &Cx<'_>, held: &[Held]) -> Markup {
    if held.is_empty() {
        return part::empty(
            "Nobody is at work",
            "An agent claims a job, works on it, and completes it.",
            "gapwright work --kind planner --agent claude",
        );
    }
    html! {
        div .scroll {
            table {
                caption .sr { "Agents at work" }
                thead { tr { th scope="col" { "Agent" } th scope="col" { "Job" } th scope="col" { "Since" } th scope="col" { "Until" } } }
                tbody {
                    @for one in held.iter().take(AT_WORK_SHOWN) {
                        tr data-key=(one.name) {
                            td { (part::line(&one.principal, 80)) }
                            td { a href=(cx.to(&Page::Job(one.name.clone()))) { (part::line(&one.name, 120)) } " " span .soft { (part::line(&one.kind, 60)) } }
                            td .nw { (cx.ago(Time(one.claimed_at))) }
                            td .nw { (cx.ago(Time(one.expires_at))) }
                        }
                    }
                }
            }
        }
        @if held.len() > AT_WORK_SHOWN { div .ft { a href=(cx.to_asking(&Page::Queue, &[("state", "held")])) { "All that are at work" } } }
    }
}

fn servers(cx: &Cx<'_>, replicas: &[Replica]) -> Markup {
    if replicas.is_empty() {
        return part::empty("No server says that it lives", "Each says so every few seconds.", "gapwright serve");
    }
    html! {
        table {
            caption .sr { "Servers" }
            thead { tr { th scope="col" { "Server" } th scope="col" { "Since" } th scope="col" { "Seen" } } }
            tbody {
                @for one in replicas {
                    tr data-key=(one.id) {
                        td .mono { (one.id) @if one.id == cx.plane().replica() { " " span .soft { "this one" } } }
                        td .nw { (cx.ago(Time(one.started_at))) }
                        td .nw { (cx.ago(Time(one.seen_at))) }
                    }
                }
            }
        }
    }
}

async fn tokens(cx: &Cx<'_>) -> Result<Markup, No> {
    let all = cx.place.asks("tokens") == Some("all");
    let ask = cx.ask()?;
    let page = if all {
        cx.plane().list_tokens(&cx.call, &ask).await?
    } else {
        cx.plane().list_tokens_in_force(&cx.call, &ask).await?
    };
    Ok(html! {
        (part::filter::form(cx.place, &[Field { name: "tokens", label: "Tokens", takes: Takes::One(vec![("", "in force"), ("all", "any")]) }]))
        @if page.items.is_empty() { (part::empty("No token", "Agents and people come in by a token.", "gapwright token create --role routine --name NAME")) }
        @else { div .scroll { (table(cx, &page.items)) } }
        (part::pager(cx.place, page.items.len(), page.cursor.as_deref()))
        div .ft { "A new one: " code { "gapwright token create --role routine --name NAME" } }
    })
}

fn table(cx: &Cx<'_>, tokens: &[Token]) -> Markup {
    let now = cx.now().0;
    html! {
        table {
            caption .sr { "Tokens" }
            thead { tr {
                th scope="col" { "For" } th scope="col" { "Role" } th scope="col" { "Stands" } th scope="col" { "Kinds" } th scope="col" { "Made" } th scope="col" { "Until" } th scope="col" { "Id" } th scope="col" { span .sr { "Acts" } }
            } }
            tbody {
                @for token in tokens {
                    @let ended = token.revoked_at.is_some() || token.expires_at <= now;
                    tr data-key=(token.id) {
                        td { (part::line(&token.principal, 100)) @if token.claim_id.is_some() { " " span .soft { "for one claim" } } }
                        td { (token.role) }
                        td .nw { @if token.revoked_at.is_some() { (part::tag(Tone::Bad, "revoked")) } @else if ended { (part::tag(Tone::Plain, "expired")) } @else { (part::tag(Tone::Good, "in force")) } }
                        td { @if token.kinds.is_empty() { span .soft { "all" } } @else { (part::line(&token.kinds, 120)) } }
                        td .nw { (cx.ago(Time(token.created_at))) " by " (part::line(&token.created_by, 60)) }
                        td .nw { (cx.ago(Time(token.expires_at))) }
                        td .mono { (token.id) }
                        td .nw { @if !ended { (cx.act("revoke-token", &[("token", &token.id)], "Revoke", "danger")) } }
                    }
                }
            }
        }
    }
}
