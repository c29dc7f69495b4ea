//! The door: a token in, a cookie out, and back out again.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use domain::refusal::{Code, Refusal};
use domain::session::LIFE;
use domain::time::Span;
use maud::{Markup, html};
use plane::No;

use super::act::{self, Sent};
use super::place::{Place, asked};
use super::visit::{Site, Visitor, redirect};
use super::{fault, frame};

/// The longest token that is looked at, in characters; ours have 70.
const TOKEN_CHARS_MAX: usize = 200;

/// From the door to where everything is.
const BASE: &str = "./";

/// `GET /sign-in`
pub(crate) async fn ask(State(site): State<Arc<Site>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let back = asked(&query.unwrap_or_default()).remove("back").unwrap_or_default();
    match site.visitor(&headers).await {
        Ok(Some(_)) => redirect(&format!("{BASE}{}", inside(&back))),
        Ok(None) => frame::door(StatusCode::OK, "Sign in", BASE, &form(&back, None)),
        Err(no) => fault(no, &format!("{:032x}", site.plane.draw()), "/sign-in"),
    }
}

/// `POST /sign-in`
pub(crate) async fn enter(State(site): State<Arc<Site>>, Sent(mut sent): Sent) -> Response {
    let back = sent.remove("back").unwrap_or_default();
    let token: String = sent.remove("token").unwrap_or_default().trim().chars().take(TOKEN_CHARS_MAX).collect();
    if site.open {
        return redirect(BASE);
    }
    // Known as any caller is: whoever tries many tokens waits in the line of strangers.
    let known = site.auth.principal(Some(format!("Bearer {token}"))).await;
    let request_id = format!("{:032x}", site.plane.draw());
    let signed_in = match known {
        Ok(_) => site.plane.sign_in(&token, request_id).await,
        Err(no) => Err(no),
    };
    match signed_in {
        Ok(signed_in) => {
            let mut response = redirect(&format!("{BASE}{}", inside(&back)));
            if let Some(cookie) = site.set_cookie(&signed_in.secret, LIFE) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(No::Refusal(refusal)) => {
            let status = if refusal.code == Code::Unauthenticated {
                StatusCode::UNAUTHORIZED
            } else {
                crate::status(refusal.code)
            };
            frame::door(status, "Sign in", BASE, &form(&back, Some(&refusal)))
        }
        Err(no) => fault(no, &format!("{:032x}", site.plane.draw()), "/sign-in"),
    }
}

/// `POST /sign-out`
pub(crate) async fn leave(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Sent(sent): Sent,
) -> Response {
    if sent.get("form_key") != Some(&visitor.form_key) {
        return fault(foreign_form().into(), &format!("{:032x}", site.plane.draw()), "/sign-out");
    }
    let request_id = format!("{:032x}", site.plane.draw());
    if let Err(no) = site.plane.sign_out(visitor.by, &visitor.secret, request_id.clone()).await {
        return fault(no, &request_id, "/sign-out");
    }
    let mut response = redirect(&format!("{BASE}sign-in"));
    if let Some(cookie) = site.set_cookie("", Span::ZERO) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Why a form is not taken that does not carry what a page of this visitor has.
pub(super) fn foreign_form() -> Refusal {
    Refusal::new(Code::Forbidden, "this form is not one that was shown to you")
        .hint("open the page again, and send it from there")
}

/// Where somebody wanted to be, if that is a page of ours or the page of an act; the overview otherwise.
pub(super) fn inside(back: &str) -> String {
    let (path, query) = back.split_once('?').unwrap_or((back, ""));
    page_at(path, query).or_else(|| act::address(path, query)).unwrap_or_default()
}

/// The same where only a page is meant: whoever did something is led to no other act by it.
pub(super) fn to_page(back: &str) -> String {
    let (path, query) = back.split_once('?').unwrap_or((back, ""));
    page_at(path, query).unwrap_or_default()
}

fn page_at(path: &str, query: &str) -> Option<String> {
    Place::read(&format!("/{path}"), query).map(|place| place.address()).ok()
}

fn form(back: &str, refusal: Option<&Refusal>) -> Markup {
    html! {
        h1 { "Gapwright" }
        p { "The control room: what runs, what is stuck, what needs you, and what it cost." }
        @if let Some(refusal) = refusal {
            div .note.bad role="alert" { b { (refusal.message.replace("bearer token", "token")) } @if refusal.code == Code::Forbidden { br; (refusal.hint) } }
        }
        form .form method="post" action="sign-in" {
            input type="hidden" name="back" value=(back);
            label {
                "Your token"
                input name="token" type="password" autocomplete="current-password" required autofocus spellcheck="false";
                span .soft { "One of the role operator, or viewer to look and change nothing." }
            }
            div { button .go { "Sign in" } }
        }
        p .soft { "Make one on the machine of the server: " code { "gapwright token create --role operator --name NAME" } }
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::ADDRESS_BYTES_MAX;
    use super::*;

    #[test]
    fn nobody_is_led_out_of_the_house() {
        let long = format!("queue?name={}", "x".repeat(ADDRESS_BYTES_MAX));
        let long_act = format!("act/trigger-job?job={}", "x".repeat(ADDRESS_BYTES_MAX));
        for (back, expect) in [
            ("queue?state=ready", "queue?state=ready"),
            ("", ""),
            ("//evil.example.com", ""),
            ("///evil.example.com", ""),
            ("/\\evil.example.com", ""),
            ("\\\\evil.example.com", ""),
            ("https://evil.example.com", ""),
            ("https:evil.example.com", ""),
            ("%2F%2Fevil.example.com", ""),
            ("javascript:alert(1)", ""),
            ("queue\r\nSet-Cookie: x", ""),
            ("\u{1}/evil.example.com", ""),
            ("\t//evil.example.com", ""),
            ("@evil.example.com", ""),
            ("sign-in", ""),
            ("sign-out", ""),
            ("live?at=queue", ""),
            ("jobs/a%2Fb", "jobs/a%2Fb"),
            ("jobs/%0d%0aSet-Cookie:x", "jobs/%0D%0ASet-Cookie%3Ax"),
            ("queue?name=//evil", "queue?name=%2F%2Fevil"),
            (&long, ""),
            (&long_act, ""),
        ] {
            assert_eq!(inside(back), expect, "{back}");
            assert_eq!(to_page(back), expect, "{back}");
        }
    }

    #[test]
    fn who_wanted_to_do_something_is_led_to_the_page_of_that_act_with_what_it_is_about() {
        for (back, expect) in [
            ("act/trigger-job?job=a%2Fb&back=jobs%2Fa", "act/trigger-job?job=a%2Fb&back=jobs%2Fa"),
            ("act/stop-pull", "act/stop-pull"),
            ("act/stop-pull?pull=1&back=//evil.example.com", "act/stop-pull?pull=1"),
            ("act/stop-pull?pull=1&back=act%2Fswitch-off", "act/stop-pull?pull=1"),
            ("act/stop-pull?form_key=1&once=2&other=3", "act/stop-pull"),
            ("act/stop-pull?pull=%0d%0aSet-Cookie:x", "act/stop-pull?pull=%0D%0ASet-Cookie%3Ax"),
            ("act/none", ""),
            ("act/stop-pull/..", ""),
            ("act//stop-pull", ""),
            ("/act/stop-pull", ""),
            ("act/stop%2Dpull", ""),
        ] {
            assert_eq!(inside(back), expect, "{back}");
            assert_eq!(to_page(back), "", "{back}");
        }
    }
}
