//! What somebody does from a page: first it is asked, on a page of its own that says what will happen and takes what is still to
//! be said; then it is done, once however often the form is sent, in that person's name, and they are led back.

mod known;
mod perform;
mod shape;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{FromRequest, Path, RawForm, RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::agent::Right;
use domain::refusal::{Code, Refusal};
use domain::{id, session};
use maud::{Markup, html};
use plane::{Call, Idempotency, No};

use self::shape::{Act, Field, Kind};
use super::place::{ADDRESS_BYTES_MAX, asked};
use super::sign_in::{foreign_form, to_page};
use super::visit::{Site, Visitor, redirect};
use super::{fault, frame, part, place};

/// The field with a form's own key, by which it is done once however often it is sent.
const ONCE: &str = "once";

/// From an act to where everything is.
const BASE: &str = "../";

/// The address of the page of an act, from the root, with what is said of it there; none where these lead to no act.
pub(super) fn address(path: &str, query: &str) -> Option<String> {
    let act = path.strip_prefix("act/").and_then(known::find).filter(|_| query.len() <= ADDRESS_BYTES_MAX)?;
    let asked = asked(query);
    let said = taken(act).map(|field| (field.name, value(&asked, field).to_owned()));
    let back = to_page(asked.get("back").map_or("", String::as_str));
    let said = said.chain([("back", back)]).filter(|(_, value)| !value.is_empty());
    let said: Vec<_> = said.map(|(name, value)| format!("{name}={}", place::encode(&value))).collect();
    let mark = if said.is_empty() { "" } else { "?" };
    Some(format!("{path}{mark}{}", said.join("&")))
}

/// What an address may say of an act: why it is done is for whoever does it to say.
fn taken(act: &Act) -> impl Iterator<Item = &Field> {
    act.fields.iter().filter(|field| field.kind != Kind::Long)
}

/// As what each act stands in the audit.
#[cfg(test)]
pub(super) fn tools() -> impl Iterator<Item = &'static str> {
    known::ACTS.iter().map(|act| act.tool)
}

/// `GET /act/{act}`: what will happen, and what is still to be said.
pub(super) async fn ask(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let Some(act) = known::find(&name) else { return lost(&site, unknown()) };
    let mut said = asked(&query.unwrap_or_default());
    said.retain(|name, _| name == "back" || taken(act).any(|field| field.name == name));
    // A key of its own: sent twice, this form does it once.
    said.insert(ONCE.to_owned(), format!("{:032x}", site.plane.draw()));
    let told = async {
        let choices = perform::choices(&site, &visitor, act, &said).await?;
        Ok(Told { choices, about: perform::about(&site, &visitor, act, &said).await?, refusal: None })
    };
    match told.await {
        Ok(told) => page(StatusCode::OK, &visitor, act, &said, &told),
        Err(no) => {
            let request_id = format!("{:032x}", site.plane.draw());
            refused(&site, &visitor, act, &said, (no, request_id)).await
        }
    }
}

/// `POST /act/{act}`: it is done.
pub(super) async fn done(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Sent(said): Sent,
) -> Response {
    let Some(act) = known::find(&name) else { return lost(&site, unknown()) };
    if said.get("form_key") != Some(&visitor.form_key) {
        return lost(&site, foreign_form());
    }
    let call = site.call(&visitor, act.tool, None);
    let request_id = call.request_id.clone();
    match once(&site, call, act, &said).await {
        Ok(word) => {
            site.leave_word(&visitor, word);
            let back = to_page(said.get("back").map_or("", String::as_str));
            redirect(&format!("{BASE}{back}"))
        }
        Err(no) => refused(&site, &visitor, act, &said, (no, request_id)).await,
    }
}

/// A form as it was sent, its line ends as line feeds. One that is too long is answered by a page.
pub(super) struct Sent(pub(super) BTreeMap<String, String>);

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let base = place::base(request.uri().path().trim_start_matches('/'));
        let read = RawForm::from_request(request, state).await.map_err(|_| {
            let why = Refusal::invalid("form", "what was sent is too long, or no form").hint("say it in fewer words");
            frame::refused(&why, "", &base)
        });
        let told = asked(&String::from_utf8_lossy(&read?.0));
        Ok(Self(told.into_iter().map(|(name, value)| (name, value.replace("\r\n", "\n"))).collect()))
    }
}

/// What was sent to no act that there is, or from no page of this visitor.
fn lost(site: &Site, refusal: Refusal) -> Response {
    fault(refusal.into(), &format!("{:032x}", site.plane.draw()), "/act/x")
}

/// Does it in the visitor's name, under the form's own key.
async fn once(site: &Site, call: Call, act: &Act, said: &BTreeMap<String, String>) -> Result<String, No> {
    call.by.require(Right::Operate, act.title)?;
    check(act, said)?;
    let key = said.get(ONCE).filter(|key| key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let key = key.ok_or_else(foreign_form)?;
    let told = act.fields.iter().map(|field| format!("{}={}", field.name, value(said, field)));
    let request = format!("{}?{}", act.name, told.collect::<Vec<_>>().join("&"));
    let idempotency = Idempotency { key: format!("page-{key}"), request: id::digest(request.as_bytes()) };
    let call = Call { idempotency: Some(idempotency), ..call };
    perform::perform(site, &call, act, said).await
}

/// Whether all is said that must be, within its bounds.
fn check(act: &Act, said: &BTreeMap<String, String>) -> Result<(), Refusal> {
    for field in act.fields {
        let text = value(said, field);
        let chars = text.chars().count();
        if text.trim().is_empty() && !field.may_be_empty {
            return Err(Refusal::invalid(field.name, format!("{} is not said", field.label))
                .hint("say it, and send the form again"));
        }
        if chars > field.chars_max {
            return Err(Refusal::invalid(field.name, format!("{} has {chars} characters", field.label))
                .hint(format!("say it in {} at most", field.chars_max)));
        }
    }
    Ok(())
}

fn value<'a>(said: &'a BTreeMap<String, String>, field: &Field) -> &'a str {
    said.get(field.name).map_or("", String::as_str)
}

fn unknown() -> Refusal {
    Refusal::new(Code::NotFound, "there is no such act").hint("begin at the overview")
}

/// The same page once more, with why it was not done; what was said stays said.
async fn refused(
    site: &Site,
    visitor: &Visitor,
    act: &Act,
    said: &BTreeMap<String, String>,
    (no, request_id): (No, String),
) -> Response {
    match &no {
        No::Fault(fault) => tracing::error!(request_id, act = act.name, %fault, "an act failed"),
        No::Refusal(refusal) => tracing::info!(request_id, act = act.name, why = refusal.message, "an act was refused"),
    }
    let refusal = crate::refusal(no);
    let told = html! {
        b { (part::seen(&refusal.message)) }
        @if !refusal.hint.is_empty() { br; (part::seen(&refusal.hint)) }
        br; span .soft { "Request " code { (request_id) } }
    };
    // Where they cannot be had, what was chosen cannot be chosen anew; why it was not done is told all the same.
    let choices = perform::choices(site, visitor, act, said).await.unwrap_or_default();
    let about = perform::about(site, visitor, act, said).await.unwrap_or_default();
    page(crate::status(refusal.code), visitor, act, said, &Told { choices, about, refusal: Some(told) })
}

/// What somebody may choose from, by field.
type Choices = BTreeMap<&'static str, Vec<(String, String)>>;

/// What the page of an act tells.
struct Told {
    choices: Choices,
    /// What it is about, in words.
    about: Vec<(&'static str, String)>,
    /// Why it was not done.
    refusal: Option<Markup>,
}

fn page(status: StatusCode, visitor: &Visitor, act: &Act, said: &BTreeMap<String, String>, told: &Told) -> Response {
    let back = to_page(said.get("back").map_or("", String::as_str));
    let why_not = session::kept_from(&visitor.by, Right::Operate);
    let body = html! {
        div #act {
            h1 { (act.title) }
            p { (act.about) }
            @if !told.about.is_empty() {
                dl .facts { @for (what, is) in &told.about { dt { (what) } dd { (part::seen(is)) } } }
            }
            @if let Some(refusal) = &told.refusal { div .note.bad role="alert" { (refusal) } }
            @if let Some(why) = &why_not {
                div .note.warn role="alert" { (why) }
            } @else {
                form .form method="post" action={ "../act/" (act.name) } {
                    input type="hidden" name="form_key" value=(visitor.form_key);
                    input type="hidden" name=(ONCE) value=(said.get(ONCE).map_or("", String::as_str));
                    input type="hidden" name="back" value=(back);
                    @for field in act.fields { (field_of(field, value(said, field), told.choices.get(field.name))) }
                    div .bar {
                        button .go .danger[act.is_grave] { (act.verb) }
                        a .b href={ (BASE) (back) } data-close data-cancel[act.is_grave] { "Cancel" }
                    }
                }
            }
        }
    };
    frame::door(status, act.title, BASE, &body)
}

fn field_of(field: &Field, value: &str, choices: Option<&Vec<(String, String)>>) -> Markup {
    match field.kind {
        Kind::Given if !value.is_empty() => html! {
            input type="hidden" name=(field.name) value=(value);
            p { span .soft { (field.label) ": " } b { (part::seen(value)) } }
        },
        Kind::Choice => {
            let choices = choices.cloned().unwrap_or_default();
            html! {
                label {
                    (field.label)
                    select name=(field.name) required[!field.may_be_empty] {
                        @if !field.may_be_empty { option value="" { "choose" } }
                        @for (name, word) in &choices { option value=(name) selected[name == value] { (part::seen(word)) } }
                    }
                    @if !field.hint.is_empty() { span .soft { (field.hint) } }
                }
            }
        }
        Kind::Long => html! {
            label {
                (field.label)
                textarea name=(field.name) maxlength=(field.chars_max) required[!field.may_be_empty] { (value) }
                @if !field.hint.is_empty() { span .soft { (field.hint) } }
            }
        },
        Kind::Given | Kind::Line => html! {
            label {
                (field.label)
                input name=(field.name) value=(value) maxlength=(field.chars_max) required[!field.may_be_empty] autocomplete="off";
                @if !field.hint.is_empty() { span .soft { (field.hint) } }
            }
        },
    }
}
