//! What each page shows: a file per page, which asks the plane and lays out the answer.

mod agents;
pub(super) mod audit;
mod decisions;
mod deed;
mod diff;
mod evidence;
mod gap;
mod gaps;
mod gate;
mod issue;
mod job;
mod locks;
mod overview;
mod pipeline;
mod pull;
mod queue;
mod run;
mod schedules;
mod settings;
mod stratum;

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use domain::agent::Right;
use domain::refusal::Refusal;
use domain::session;
use domain::time::{Span, Time};
use maud::{Markup, html};
use plane::page::{Ask, LIMIT_DEFAULT};
use plane::{Call, No, Plane};
use store::figure::Counts;

use super::part::{self, Part, Tone};
use super::place::{Page, Place};
use super::visit::{Site, Visitor, redirect};
use super::{fault, frame};
pub(crate) use evidence::Evidence;

/// How old what is shown is before that is told.
const TOLD_AFTER: Span = Span::secs(2);

/// What a page shows.
pub(super) struct View {
    pub(super) title: String,
    /// What can be done with what it shows.
    pub(super) acts: Markup,
    pub(super) parts: Vec<Part>,
}

impl View {
    /// A page with nothing to be done on it as a whole.
    fn of(title: impl Into<String>, parts: Vec<Part>) -> Self {
        Self { title: title.into(), acts: html! {}, parts }
    }
}

/// Whom a page is shown to, when, and where.
pub(super) struct Cx<'a> {
    pub(super) site: &'a Site,
    pub(super) visitor: &'a Visitor,
    pub(super) place: &'a Place,
    pub(super) call: Call,
    pub(super) base: String,
}

impl Cx<'_> {
    pub(super) fn plane(&self) -> &Plane {
        &self.site.plane
    }

    pub(super) fn now(&self) -> Time {
        self.visitor.now
    }

    /// The address of a page, from here.
    pub(super) fn to(&self, page: &Page) -> String {
        format!("{}{}", self.base, page.path())
    }

    /// The same with something asked for.
    pub(super) fn to_asking(&self, page: &Page, asked: &[(&str, &str)]) -> String {
        format!("{}{}", self.base, page.asking(asked))
    }

    /// How long ago, or in how long; the moment itself stands in the title.
    pub(super) fn ago(&self, at: Time) -> Markup {
        html! { time datetime=(at.iso()) title=(part::clock(at)) data-rel { (part::relative(at, self.now())) } }
    }

    /// The same, or a dash where there is none.
    pub(super) fn ago_if(&self, at: Option<Time>) -> Markup {
        html! { @if let Some(at) = at { (self.ago(at)) } @else { span .soft { "\u{2013}" } } }
    }

    /// When what is shown was read, where that is worth to be told.
    fn as_of(&self, at: Time) -> Markup {
        html! { @if self.now().since(at) >= TOLD_AFTER { span .soft { "as of " (self.ago(at)) } } }
    }

    /// Which page of its list the address asks for.
    pub(super) fn ask(&self) -> Result<Ask, Refusal> {
        Ask::new(Some(LIMIT_DEFAULT), self.place.asks("cursor"))
    }

    /// The way to an act, with what it is about; shown and shut, with the reason, where the visitor may not.
    pub(super) fn act(&self, act: &str, about: &[(&str, &str)], word: &str, look: &str) -> Markup {
        if let Some(why) = session::kept_from(&self.visitor.by, Right::Operate) {
            return html! { span .b aria-disabled="true" title=(why) { (word) span .sr { " (" (why) ")" } } };
        }
        let back = self.place.address();
        let about = about.iter().copied().chain([("back", back.as_str())]);
        let query: Vec<_> = about
            .map(|(name, value)| format!("{}={}", super::place::encode(name), super::place::encode(value)))
            .collect();
        html! { a class={ "b " (look) } href={ (self.base) "act/" (act) "?" (query.join("&")) } data-act aria-haspopup="dialog" { (word) } }
    }

    /// The way to what became of something.
    pub(super) fn history(&self, object: &str) -> Markup {
        html! { a href=(self.to_asking(&Page::Audit, &[("object", object)])) { "In the audit" } }
    }
}

/// A page with how many of what wait in each room.
pub(super) struct Shown {
    pub(super) counts: Counts,
    pub(super) view: View,
}

/// Any page of the control room.
pub(super) async fn show(State(site): State<Arc<Site>>, Extension(visitor): Extension<Visitor>, uri: Uri) -> Response {
    let call = site.call(&visitor, "page", None);
    let request_id = call.request_id.clone();
    let read = Place::read(uri.path(), uri.query().unwrap_or_default());
    let clean = read.as_ref().ok().and_then(|place| Some(format!("{}{}", place.base(), place.tidied()?)));
    if let Some(clean) = clean {
        return redirect(&clean);
    }
    let shown = match read {
        Ok(place) => look(&site, &visitor, &place, call).await.map(|shown| (place, shown)),
        Err(refusal) => Err(refusal.into()),
    };
    match shown {
        Ok((place, Shown { counts, view })) => frame::whole(&site, &visitor, &place, &counts, &view),
        Err(no) => fault(no, &request_id, uri.path()),
    }
}

/// What a place shows.
pub(super) async fn look(site: &Site, visitor: &Visitor, place: &Place, call: Call) -> Result<Shown, No> {
    let counts = site.plane.counts(&call).await?;
    let cx = Cx { site, visitor, place, call, base: place.base() };
    let view = match &place.page {
        Page::Overview => overview::view(&cx).await?,
        Page::Queue => queue::view(&cx).await?,
        Page::Job(name) => job::view(&cx, name).await?,
        Page::Run(claim) => run::view(&cx, claim).await?,
        Page::Pipeline => pipeline::view(&cx).await?,
        Page::Pull(id) => pull::view(&cx, id).await?,
        Page::Diff(id) => diff::view(&cx, id).await?,
        Page::Locks => locks::view(&cx).await?,
        Page::Gaps => gaps::view(&cx).await?,
        Page::Inventory => gaps::inventory(&cx).await?,
        Page::Alike => gaps::alike(&cx).await?,
        Page::Gap(key) => gap::view(&cx, key).await?,
        Page::Issue(number) => issue::view(&cx, number).await?,
        Page::Evidence => evidence::view(&cx).await?,
        Page::Stratum(id) => stratum::view(&cx, id).await?,
        Page::Schedules => schedules::view(&cx).await?,
        Page::Decisions => decisions::view(&cx).await?,
        Page::Audit => audit::view(&cx).await?,
        Page::Agents => agents::view(&cx).await?,
        Page::Settings => settings::view(&cx).await?,
    };
    Ok(Shown { counts, view })
}

/// What a visitor may not see, with the reason, in the place of what it would be.
fn shut(cx: &Cx<'_>, title: &str) -> Option<View> {
    Some(View::of(title, vec![shut_part(cx, "shut", title)?]))
}

/// The same for one part of a page.
fn shut_part(cx: &Cx<'_>, id: &'static str, title: &str) -> Option<Part> {
    let why = session::kept_from(&cx.visitor.by, Right::Operate)?;
    let next = "gapwright token create --role operator --name NAME";
    Some(Part::card(id, part::Width::Whole, (title, ""), part::empty("Not for you to see", &why, next)))
}

/// How a run ended, by colour and by word.
fn outcome_tag(outcome: domain::job::Outcome) -> Markup {
    use domain::job::Outcome;
    let tone = match outcome {
        Outcome::Ok => Tone::Good,
        Outcome::Deferred => Tone::Plain,
        Outcome::Error | Outcome::Lost => Tone::Bad,
    };
    part::tag(tone, outcome.name())
}
