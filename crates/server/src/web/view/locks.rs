//! Locks: who has which, until when. A person may break one that stands in the way.

use domain::lock::Lock;
use maud::{Markup, html};
use plane::No;

use super::super::part::chart;
use super::super::part::filter::{Field, Takes};
use super::super::part::{self, Part, Tone, Width};
use super::super::place::Page;
use super::{Cx, View};

pub(super) async fn view(cx: &Cx<'_>) -> Result<View, No> {
    let prefix = cx.place.asks("prefix");
    let page = cx.plane().list_locks(&cx.call, prefix, &cx.ask()?).await?;
    let body = html! {
        (part::filter::form(cx.place, &[Field { name: "prefix", label: "Key begins with", takes: Takes::Search(28, "") }]))
        @if page.items.is_empty() {
            @if prefix.is_some() { (part::filtered(cx.place, &Page::Locks.path(), page.cursor.as_deref())) }
            @else { (part::empty("No lock is held", "Agents take a lock before they touch what others may touch too.", "the tool acquire-lock, over MCP")) }
        } @else {
            div .scroll { (table(cx, &page.items)) }
        }
        (part::pager(cx.place, page.items.len(), page.cursor.as_deref()))
    };
    Ok(View::of("Locks", vec![Part::card("locks", Width::Whole, ("Locks", "the next to end first"), body)]))
}

fn table(cx: &Cx<'_>, locks: &[Lock]) -> Markup {
    html! {
        table {
            caption .sr { "Locks" }
            thead { tr {
                th scope="col" { "Key" } th scope="col" { "Holder" } th scope="col" { "Since" } th scope="col" { "Until" }
                th scope="col" { "Used up" } th .num scope="col" { "Fencing token" } th scope="col" { span .sr { "Acts" } }
            } }
            tbody { @for lock in locks { (row(cx, lock)) } }
        }
    }
}

fn row(cx: &Cx<'_>, lock: &Lock) -> Markup {
    let part = chart::ratio(cx.now().since(lock.acquired_at).0, lock.expires_at.since(lock.acquired_at).0);
    let tone = if part < 0.85 { Tone::Run } else { Tone::Warn };
    html! {
        tr data-key=(lock.key) {
            td .w.mono { (part::line(&lock.key, 160)) }
            td { (part::line(&lock.principal, 80)) @if lock.holder != lock.principal { ", as " (part::line(&lock.holder, 80)) } }
            td .nw { (cx.ago(lock.acquired_at)) }
            td .nw { (cx.ago(lock.expires_at)) }
            td { (chart::meter(part, tone, &format!("{} of its time is used up", chart::percent(part.min(1.0))))) }
            td .num.mono { (lock.fencing_token) }
            td .nw { (cx.act("break-lock", &[("key", &lock.key), ("token", &lock.fencing_token.to_string())], "Break", "danger")) }
        }
    }
}
