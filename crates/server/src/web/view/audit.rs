//! The audit: who did what to what, and how that stood before and after. Rows are only ever appended, and sealed.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::time::Time;
use futures::stream::unfold;
use maud::{Markup, html};
use plane::page::{Ask, LIMIT_MAX};
use plane::{Call, No, Plane};
use serde_json::{Value, json};
use store::journal::{Look, Row};

use super::super::fault;
use super::super::part::filter::{Field, Takes};
use super::super::part::{self, Part, Width};
use super::super::place::{Page, asked};
use super::super::visit::{Site, Visitor};
use super::{Cx, View, shut};

/// What the address may ask for.
const FILTERS: [&str; 3] = ["object", "principal", "tool"];

/// How many characters of a value are shown.
const VALUE_CHARS: usize = 90;

/// How many values that changed are shown before the rest is folded away.
const CHANGES_SHOWN: usize = 4;

pub(super) async fn view(cx: &Cx<'_>) -> Result<View, No> {
    if let Some(shut) = shut(cx, "Audit") {
        return Ok(shut);
    }
    let look = look(|name| cx.place.asks(name).map(str::to_owned));
    let page = cx.plane().look_into_journal(&cx.call, &look, &cx.ask()?).await?;
    let body = html! {
        (filter(cx))
        @if page.items.is_empty() {
            @if cx.place.asks_any(&FILTERS) { (part::filtered(cx.place, &Page::Audit.path(), page.cursor.as_deref())) }
            @else { (part::empty("Nothing was done yet", "Every write leaves an entry here.", "gapwright audit tail")) }
        } @else {
            (table(cx, &page.items))
        }
        (part::pager(cx.place, page.items.len(), page.cursor.as_deref()))
    };
    let asked =
        [("object", look.object.as_deref()), ("principal", look.principal.as_deref()), ("tool", look.tool.as_deref())];
    let asked: Vec<_> = asked.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let export = Page::Audit.asking(&asked).replacen("audit", "audit/export", 1);
    let acts = html! { a .b href={ (cx.base) (export) } download { "Export as JSON lines" } };
    Ok(View {
        title: "Audit".to_owned(),
        acts,
        parts: vec![Part::card("audit", Width::Whole, ("Entries", "the latest first"), body)],
    })
}

fn look(asks: impl Fn(&str) -> Option<String>) -> Look {
    Look { object: asks("object"), principal: asks("principal"), tool: asks("tool") }
}

fn filter(cx: &Cx<'_>) -> Markup {
    let fields = [
        Field { name: "object", label: "Of what", takes: Takes::Search(28, "job:NAME") },
        Field { name: "principal", label: "By whom", takes: Takes::Line(16) },
        Field { name: "tool", label: "By which tool", takes: Takes::Line(18) },
    ];
    part::filter::form(cx.place, &fields)
}

/// Entries as a table.
pub(super) fn table(cx: &Cx<'_>, rows: &[Row]) -> Markup {
    if rows.is_empty() {
        return part::empty("Nothing was done to it", "Every write leaves an entry in the audit.", "");
    }
    html! {
        div .scroll {
            table {
                caption .sr { "Entries of the audit" }
                thead { tr { th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "Tool" } th scope="col" { "Of what" } th scope="col" { "What changed" } } }
                tbody {
                    @for row in rows {
                        tr data-key=(row.id) {
                            td .nw { (cx.ago(Time(row.at))) }
                            td { (part::line(&row.principal, 80)) " " span .soft { (row.role) } }
                            td .nw { (row.tool) }
                            td { a href=(cx.to_asking(&Page::Audit, &[("object", &row.object)])) { (part::line(&row.object, 120)) } }
                            td .w { (changed(&row.before, &row.after)) }
                        }
                    }
                }
            }
        }
    }
}

/// A value that an entry changed: its name, how it was, and how it is since.
type Change = (String, Option<String>, Option<String>);

/// What an entry changed, value by value; all of it is what it says where it is no object.
fn changes(before: &str, after: &str) -> Vec<Change> {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    let (was, now) = (read(before), read(after));
    let fields = |value: &Option<Value>| value.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    let is_whole = [&was, &now].into_iter().flatten().any(|value| !value.is_object());
    if is_whole || (was.is_none() && now.is_none()) {
        let told = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        return vec![(String::new(), told(before), told(after))];
    }
    let (was, now) = (fields(&was), fields(&now));
    let names: BTreeSet<_> = was.keys().chain(now.keys()).collect();
    let told =
        |name: &str, value: Option<&Value>| value.filter(|value| !value.is_null()).map(|value| plain(name, value));
    let pairs = names.into_iter().map(|name| (name.clone(), told(name, was.get(name)), told(name, now.get(name))));
    pairs.filter(|(_, was, now)| was != now).collect()
}

/// A value as people read it.
fn plain(name: &str, value: &Value) -> String {
    match value.as_i64() {
        Some(at) if name.ends_with("_at") && at > 0 => return part::clock(Time(at)),
        Some(micro) if name.ends_with("micro_usd") => return part::dollars(micro),
        Some(_) | None => {}
    }
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn changed(before: &str, after: &str) -> Markup {
    let all = changes(before, after);
    let (first, rest) = all.split_at(all.len().min(CHANGES_SHOWN));
    html! {
        @if all.is_empty() { span .soft { "nothing that is kept" } }
        ul .changed { @for change in first { (change_of(change)) } }
        @if !rest.is_empty() {
            details { summary { (rest.len()) " more" } ul .changed { @for change in rest { (change_of(change)) } } }
        }
    }
}

fn change_of((name, was, now): &Change) -> Markup {
    let value = |text: &Option<String>| html! { @if let Some(text) = text { (part::line(text, VALUE_CHARS)) } @else { span .soft { "none" } } };
    html! {
        li {
            @if !name.is_empty() { span .soft { (part::line(name, 60)) ": " } }
            @if was.is_some() { (value(was)) " \u{2192} " }
            (value(now))
        }
    }
}

/// What an export goes on with: whom it is for, what it looks for, and where it is.
struct Export {
    plane: Plane,
    call: Call,
    look: Look,
    cursor: Option<String>,
    done: bool,
}

/// `GET /audit/export`: every entry of a look, the latest first, as a line of JSON each.
pub(crate) async fn export(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = asked(&query.unwrap_or_default());
    let call = site.call(&visitor, "page audit export", None);
    if let Err(refusal) = call.by.require(domain::agent::Right::Operate, "the audit") {
        return fault(refusal.into(), &call.request_id, "/audit/export");
    }
    let look = look(|name| asked.get(name).cloned().filter(|value| !value.is_empty()));
    let export = Export { plane: site.plane.clone(), call, look, cursor: None, done: false };
    let lines = unfold(export, |mut export| async move {
        if export.done {
            return None;
        }
        let page = export.next().await;
        Some((page, export))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"audit.jsonl\"")),
        (header::CACHE_CONTROL, super::super::NOT_KEPT),
    ];
    (headers, Body::from_stream(lines)).into_response()
}

impl Export {
    /// The next page as text; an error ends the answer short, so that nobody takes a part for all of it.
    async fn next(&mut self) -> Result<String, String> {
        let ask = Ask::new(Some(LIMIT_MAX), self.cursor.as_deref()).map_err(|refusal| refusal.message)?;
        let page = self.plane.look_into_journal(&self.call, &self.look, &ask).await.map_err(|no| {
            self.done = true;
            no.to_string()
        })?;
        self.done = page.cursor.is_none();
        self.cursor = page.cursor;
        Ok(page.items.iter().map(line).collect())
    }
}

fn line(row: &Row) -> String {
    let entry = json!({
        "id": row.id, "at": Time(row.at).iso(), "principal": row.principal, "role": row.role, "tool": row.tool,
        "object": row.object, "before": row.before, "after": row.after, "request_id": row.request_id, "hash": row.hash,
        "block": row.block,
    });
    format!("{entry}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str, was: Option<&str>, now: Option<&str>) -> Change {
        (name.to_owned(), was.map(str::to_owned), now.map(str::to_owned))
    }

    #[test]
    fn an_entry_tells_what_changed_and_nothing_else() {
        for (before, after, expect) in [
            (r#"{"a":1,"b":"x","c":null}"#, r#"{"a":2,"b":"x","c":null}"#, vec![change("a", Some("1"), Some("2"))]),
            ("", r#"{"a":{"b":1}}"#, vec![change("a", None, Some("{\"b\":1}"))]),
            (r#"{"a":1}"#, "", vec![change("a", Some("1"), None)]),
            (r#"{"a":1}"#, r#"{"a":1}"#, vec![]),
            ("", "\"label\"", vec![change("", None, Some("\"label\""))]),
            ("no json <b>", "", vec![change("", Some("no json <b>"), None)]),
        ] {
            assert_eq!(changes(before, after), expect, "{before} {after}");
        }
    }
}
