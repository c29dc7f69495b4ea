//! The frame around every page of the control room: where one may go, who is signed in, whether it is live, the keys.

use axum::http::StatusCode;
use axum::response::Response;
use domain::id;
use domain::refusal::Refusal;
use maud::{DOCTYPE, Markup, html};
use store::figure::Counts;

use super::part::{self, count};
use super::place::{Page, Place, encode};
use super::view::View;
use super::visit::{Site, Visitor};
use super::{answer, asset};

/// A room of the house: its page, its name, the key that leads there, and its sign.
struct Room {
    page: Page,
    name: &'static str,
    key: &'static str,
    sign: &'static str,
}

/// Every room, in the order in which they are offered.
const ROOMS: [Room; 11] = [
    Room { page: Page::Overview, name: "Overview", key: "o", sign: "M2 8l6-6 6 6M4 7v7h8V7" },
    Room { page: Page::Queue, name: "Queue", key: "q", sign: "M2 4h12M2 8h12M2 12h8" },
    Room { page: Page::Pipeline, name: "Pipeline", key: "p", sign: "M3 2v12M8 2v8M13 2v5" },
    Room { page: Page::Locks, name: "Locks", key: "l", sign: "M5 7V5a3 3 0 016 0v2M3 7h10v7H3z" },
    Room { page: Page::Gaps, name: "Gaps", key: "g", sign: "M2 8h3M11 8h3M5 4v8M11 4v8" },
    Room { page: Page::Evidence, name: "Evidence", key: "e", sign: "M2 13l4-5 3 3 5-8" },
    Room { page: Page::Schedules, name: "Schedules", key: "c", sign: "M8 5v3l2 2M14 8A6 6 0 112 8a6 6 0 0112 0" },
    Room { page: Page::Decisions, name: "Decisions", key: "d", sign: "M3 3h10v7H8l-3 3v-3H3z" },
    Room { page: Page::Audit, name: "Audit", key: "a", sign: "M4 2h8v12H4zM6 6h4M6 9h4" },
    Room { page: Page::Agents, name: "Agents", key: "n", sign: "M8 8a3 3 0 100-6 3 3 0 000 6M3 14a5 5 0 0110 0" },
    Room { page: Page::Settings, name: "Settings", key: "s", sign: "M2 5h7M12 5h2M2 11h2M7 11h7M10 3v4M5 9v4" },
];

/// The room that a page is in.
fn room_of(page: &Page) -> Page {
    match page {
        Page::Job(_) | Page::Run(_) => Page::Queue,
        Page::Pull(_) | Page::Diff(_) => Page::Pipeline,
        Page::Gap(_) | Page::Issue(_) | Page::Inventory | Page::Alike => Page::Gaps,
        Page::Stratum(_) => Page::Evidence,
        Page::Overview
        | Page::Queue
        | Page::Pipeline
        | Page::Locks
        | Page::Gaps
        | Page::Evidence
        | Page::Schedules
        | Page::Decisions
        | Page::Audit
        | Page::Agents
        | Page::Settings => page.clone(),
    }
}

/// How many of something wait in a room.
fn waiting(page: &Page, counts: &Counts) -> Option<i64> {
    Some(match page {
        Page::Queue => counts.ready,
        Page::Pipeline => counts.pulls,
        Page::Locks => counts.locks,
        Page::Gaps => counts.gaps,
        Page::Decisions => counts.decisions,
        Page::Overview
        | Page::Job(_)
        | Page::Run(_)
        | Page::Pull(_)
        | Page::Diff(_)
        | Page::Inventory
        | Page::Alike
        | Page::Gap(_)
        | Page::Issue(_)
        | Page::Evidence
        | Page::Stratum(_)
        | Page::Schedules
        | Page::Audit
        | Page::Agents
        | Page::Settings => return None,
    })
}

/// The part that leads from room to room, with how many of what wait there.
pub(super) fn rail(place: &Place, counts: &Counts) -> Markup {
    let (here, base) = (room_of(&place.page), place.base());
    html! {
        ul #rooms {
            @for room in &ROOMS {
                li {
                    a href={ (base) (room.page.path()) } data-go=(room.key) aria-current=[(room.page == here).then_some("page")] {
                        (part::sign(room.sign)) (room.name)
                        @if let Some(waiting) = waiting(&room.page, counts).filter(|waiting| *waiting > 0) {
                            span .n .hot[room.page == Page::Decisions] { span .sr { ", " } (count(waiting)) }
                        }
                    }
                }
            }
        }
    }
}

/// A whole page.
pub(super) fn whole(site: &Site, visitor: &Visitor, place: &Place, counts: &Counts, view: &View) -> Response {
    let base = place.base();
    let stream = format!("{base}live?at={}", encode(&place.address()));
    let seen: Vec<_> = marks(place, counts, view).into_iter().map(|(id, mark, _)| format!("{id}.{mark}")).collect();
    let word = site.take_word(visitor);
    let body = html! {
        body data-stream=(stream) data-seen=(seen.join("-")) data-now=(visitor.now.0) {
            a .skip href="#main" { "Skip to content" }
            div .shell {
                nav .rail aria-label="Rooms" {
                    a .brand href=(base) { (brand()) "Gapwright" }
                    (rail(place, counts))
                    (foot(site, visitor, &base))
                }
                main #main tabindex="-1" {
                    header .top {
                        (heading(view))
                        span .sp {}
                        (tools())
                    }
                    (off(place, counts))
                    div .note.warn.stale #stale {}
                    noscript { p .soft { "As of " (part::moment(visitor.now)) ". Load the page again to see what changed since." } }
                    @if let Some(word) = &word { div .note.good role="status" { (part::seen(word)) } }
                    div .parts #parts { @for part in &view.parts { (part) } }
                }
            }
            (help())
            dialog #confirm aria-label="Confirm" data-keep {}
        }
    };
    answer(StatusCode::OK, dressed(&view.title, &base, &body))
}

/// The page of somebody who is not in, or of one act.
pub(super) fn door(status: StatusCode, title: &str, base: &str, body: &Markup) -> Response {
    let body = html! { body { main #main .door { (body) } } };
    answer(status, dressed(title, base, &body))
}

/// A whole document; `loads` is what it is dressed in and led by.
pub(super) fn document(title: &str, loads: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) }
                (loads)
            }
            (body)
        }
    }
}

/// A document of the control room.
fn dressed(title: &str, base: &str, body: &Markup) -> Markup {
    let loads = html! {
        link rel="icon" href=(asset::SIGN.address(base));
        link rel="stylesheet" href=(asset::STYLE.address(base));
        script src=(asset::SCRIPT.address(base)) {}
    };
    document(&format!("{title} \u{b7} Gapwright"), &loads, body)
}

fn brand() -> Markup {
    html! {
        svg viewBox="0 0 24 24" aria-hidden="true" {
            rect .f-accent width="24" height="24" rx="6" {}
            path d="M5 8h4v8H5zM15 8h4v8h-4zM10.5 11h3v2h-3z" fill="#fff" {}
        }
    }
}

fn foot(site: &Site, visitor: &Visitor, base: &str) -> Markup {
    let engine = crate::engine_name(&site.plane);
    html! {
        div .foot {
            @if site.open {
                span { "No sign-in: everyone here is an operator" }
            } @else {
                span { (visitor.by.name) ", " (visitor.by.role) }
                form method="post" action={ (base) "sign-out" } {
                    input type="hidden" name="form_key" value=(visitor.form_key);
                    button { "Sign out" }
                }
            }
            span { (env!("CARGO_PKG_VERSION")) " on " (engine) }
        }
    }
}

/// What only a script can do.
fn tools() -> Markup {
    html! {
        span .live.js #live role="status" { "Connecting" }
        button .js #pause type="button" aria-keyshortcuts="r" { "Pause " kbd aria-hidden="true" { "r" } }
        button .js #theme type="button" aria-keyshortcuts="t" { "Theme: " span #theme-name { "auto" } " " kbd aria-hidden="true" { "t" } }
        button .js #keys type="button" aria-label="Keys" aria-keyshortcuts="?" { kbd aria-hidden="true" { "?" } }
    }
}

fn help() -> Markup {
    html! {
        dialog #help aria-labelledby="help-title" data-keep {
            h2 #help-title { "Keys" }
            dl .facts.keys {
                @for room in &ROOMS { dt { (room.name) } dd { kbd { "g" } " " kbd { (room.key) } } }
                dt { "Search" } dd { kbd { "/" } }
                dt { "Pause, or go on" } dd { kbd { "r" } }
                dt { "Theme" } dd { kbd { "t" } }
                dt { "This help" } dd { kbd { "?" } }
            }
            form method="dialog" { button { "Close" } }
        }
    }
}

/// A page that says why there is none.
pub(crate) fn refused(refusal: &Refusal, request_id: &str, base: &str) -> Response {
    let body = html! {
        h1 { (part::seen(&refusal.message)) }
        @if !refusal.hint.is_empty() { p { (part::seen(&refusal.hint)) } }
        @if !request_id.is_empty() { p .soft { "Request " code { (request_id) } } }
        p { a href=(base) { "To the overview" } }
    };
    door(crate::status(refusal.code), "Not shown", base, &body)
}

/// That nothing goes on, where everything is switched off.
fn off(place: &Place, counts: &Counts) -> Markup {
    html! {
        div #off {
            @if counts.all_off > 0 {
                div .note.bad { "Everything is switched off: no work begins, and nothing is written. " a href={ (place.base()) (Page::Settings.path()) } { "See why" } }
            }
        }
    }
}

/// What the page is called, and what can be done with what it shows.
fn heading(view: &View) -> Markup {
    html! { h1 #title { (part::seen(&view.title)) } div #acts .bar { (view.acts) } }
}

/// How many characters of a digest mark a part.
const MARK_CHARS: usize = 10;

/// Everything of a page that is patched where it changes: its id, a mark that is the same as long as it is, and itself.
pub(super) fn marks(place: &Place, counts: &Counts, view: &View) -> Vec<(&'static str, String, String)> {
    let title = html! { h1 #title { (part::seen(&view.title)) } };
    let acts = html! { div #acts .bar { (view.acts) } };
    let fixed = [("rooms", rail(place, counts)), ("off", off(place, counts)), ("title", title), ("acts", acts)];
    let parts = view.parts.iter().map(|part| (part.id, html! { (part) }));
    let marked = fixed.into_iter().chain(parts).map(|(id, html)| {
        let html = html.into_string();
        let mark = id::digest(timeless(&html).as_bytes()).chars().take(MARK_CHARS).collect();
        (id, mark, html)
    });
    marked.collect()
}

/// A text without how long ago what is told in it was: that changes by itself.
fn timeless(html: &str) -> String {
    let mut parts = html.split("<time ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (time, rest) = part.split_once("</time>").unwrap_or((part, ""));
        text.push_str(time.split('>').next().unwrap_or_default());
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_alone_changes_by_itself_is_left_out_of_a_mark() {
        let told = |ago: &str| timeless(&format!("a<time datetime=\"1\" data-rel>{ago}</time>b<time x>y</time>"));
        assert_eq!(told("now"), told("5 s ago"));
        assert_ne!(told("now"), timeless("a<time datetime=\"2\" data-rel>now</time>b<time x>y</time>"));
        assert_ne!(timeless("a"), timeless("b"));
    }
}
