//! A question of an agent, answered by whoever has its link.
//!
//! The key stands behind the `#` of the link, so that it is in no request line, log or preview; the page's form sends it.
//! Looking at a link answers nothing: an answer is a form that was sent.

use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use domain::decision::{Decision, State as Stands};
use domain::refusal::{Code, Refusal};
use maud::{Markup, html};
use plane::Plane;
use serde::Deserialize;

use super::asset::{Asset, LINK_SCRIPT, LINK_STYLE};
use super::frame::document;
use crate::door::Door;

/// The largest form that is read, in bytes.
const BYTES_MAX: usize = 4 * 1024;

/// The longest key that is looked at, in characters; ours have 32.
const KEY_CHARS_MAX: usize = 100;

/// How many forms are looked into at once. Anybody may send one.
const AT_ONCE: usize = 4;

/// From the page to where everything is.
const BASE: &str = "../";

/// `/decisions/{id}`
pub(crate) fn routes(plane: Plane) -> MethodRouter {
    let door = Door::new(plane, AT_ONCE);
    get(closed).post(opened).layer(DefaultBodyLimit::max(BYTES_MAX)).with_state(door)
}

/// A page with a title, which nobody is told of where its links lead.
fn page(status: StatusCode, title: &str, script: Option<&Asset>, body: &Markup) -> Response {
    let loads = html! {
        link rel="stylesheet" href=(LINK_STYLE.address(BASE));
        @if let Some(script) = script {
            script src=(script.address(BASE)) defer {}
        }
    };
    let text = document(title, &loads, &html! { body { main { (body) } } });
    let mut response = super::answer(status, text);
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// What a form sends.
#[derive(Deserialize)]
struct Sent {
    key: String,
    #[serde(default)]
    option: Option<i64>,
}

/// The page that a link leads to. It tells nothing, for a link without its key opens nothing.
async fn closed() -> Response {
    let body = html! {
        h1 { "A question of an agent" }
        form #open method="post" {
            label for="key" { "What stands behind the # of the link that was sent to you" }
            input #key name="key" type="password" autocomplete="off" required;
            button { "Show the question" }
        }
    };
    page(StatusCode::OK, "A question", Some(&LINK_SCRIPT), &body)
}

/// The question, or its answer.
async fn opened(State(door): State<Door>, Path(id): Path<String>, sent: Result<Form<Sent>, FormRejection>) -> Response {
    let Ok(Form(sent)) = sent else {
        let bad = Refusal::invalid("form", "this is no form of that page").hint("open the link as it was sent");
        return refused(&bad);
    };
    let Some(_room) = door.enter() else {
        return refused(&Refusal::new(Code::Unavailable, "too many answers come in at once").hint("try again"));
    };
    let key: String = sent.key.trim().chars().take(KEY_CHARS_MAX).collect();
    let answer = match sent.option {
        None => door.plane.find_decision_by_link(&id, &key).await,
        Some(option) => {
            let request_id = format!("{:032x}", door.plane.draw());
            door.plane.answer_by_link(&id, &key, option, request_id).await
        }
    };
    match answer {
        Ok(decision) => page(StatusCode::OK, "A question", None, &shown(&decision, &key)),
        Err(no) => refused(&crate::refusal(no)),
    }
}

fn shown(decision: &Decision, key: &str) -> Markup {
    html! {
        h1 { "A question of an agent" }
        p .soft { (decision.principal) " asks for " code { (decision.job) } ", " time { (decision.asked_at.iso()) } }
        blockquote { p { (decision.question) } }
        @match &decision.state {
            Stands::Open => {
                form method="post" {
                    input type="hidden" name="key" value=(key);
                    @for (at, option) in (1..).zip(&decision.options) {
                        @let at: i64 = at;
                        button name="option" value=(at) {
                            (option)
                            @if at == 1 { span .soft { " (recommended by the agent)" } }
                        }
                    }
                }
                p .soft { "It can be answered until " time { (decision.expires_at.iso()) } ". The first answer stands." }
            }
            Stands::Answered { by, at, .. } => {
                p { strong { "Answered: " } (decision.chosen().unwrap_or_default()) }
                p .soft { "By " (by) ", " time { (at.iso()) } ". Whoever takes the job next is told so." }
            }
            Stands::Expired => {
                p { strong { "Nobody answered in time." } " If it still matters, the agent asks again." }
            }
        }
    }
}

fn refused(refusal: &Refusal) -> Response {
    let body = html! {
        h1 { (refusal.message) }
        p { (refusal.hint) }
    };
    page(crate::status(refusal.code), "Not answered", None, &body)
}
