//! The queue: routine jobs as somebody looks for them, by state in that state's own order, by kind, by whoever has them, or by
//! how their name begins.

use domain::job::{Job, State};
use domain::refusal::Refusal;
use maud::{Markup, html};
use plane::No;
use store::job::list::Listed;
use store::job::look::{Look, Stands};

use super::super::part::filter::{Field, Takes};
use super::super::part::{self, Part, Tone, Width};
use super::super::place::Page;
use super::{Cx, View};

/// What the address may ask for.
const FILTERS: [&str; 4] = ["state", "kind", "name", "agent"];

/// How many characters of a name are shown in a table.
pub(super) const NAME_CHARS: usize = 120;

pub(super) async fn view(cx: &Cx<'_>) -> Result<View, No> {
    let look = asked(cx)?;
    let page = cx.plane().look_for_jobs(&cx.call, &look, &cx.ask()?).await?;
    let body = html! {
        (filter(cx))
        @if page.items.is_empty() {
            @if cx.place.asks_any(&FILTERS) {
                (part::filtered(cx.place, &Page::Queue.path(), page.cursor.as_deref()))
            } @else {
                (part::empty("No job is registered", "A job is work that agents claim, one at a time.", "gapwright jobs add NAME --kind KIND --every 1h"))
            }
        } @else {
            div .scroll { (table(cx, &page.items)) }
        }
        (part::pager(cx.place, page.items.len(), page.cursor.as_deref()))
    };
    let aside = order(&look);
    Ok(View::of("Queue", vec![Part::card("jobs", Width::Whole, ("Jobs", aside), body)]))
}

fn asked(cx: &Cx<'_>) -> Result<Look, Refusal> {
    let text = |name: &str| cx.place.asks(name).map(str::to_owned);
    let state = cx.place.asks("state").map(|state| {
        Stands::ALL.into_iter().find(|stands| stands.name() == state).ok_or_else(|| {
            Refusal::invalid("state", format!("there is no state {state:?}"))
                .hint(format!("states are {}", Stands::ALL.map(Stands::name).join(", ")))
        })
    });
    Ok(Look { state: state.transpose()?, kind: text("kind"), name: text("name"), holder: text("agent") })
}

/// In which order they stand.
const fn order(look: &Look) -> &'static str {
    match (&look.name, &look.holder, look.state) {
        (Some(_), ..) | (None, None, Some(Stands::Idle)) => "by name",
        (None, Some(_), _) | (None, None, Some(Stands::Held)) => "the claim that ends next first",
        (None, None, Some(Stands::Ready)) => "the next in line first",
        (None, None, Some(Stands::Dead)) => "the last to give up first",
        (None, None, Some(Stands::Failing)) => "the last to fail first",
        (None, None, Some(Stands::Waiting) | None) => "the next to be due first",
    }
}

fn filter(cx: &Cx<'_>) -> Markup {
    let states = std::iter::once(("", "any")).chain(Stands::ALL.map(|stands| (stands.name(), word(stands))));
    let fields = [
        Field { name: "state", label: "State", takes: Takes::One(states.collect()) },
        Field { name: "kind", label: "Kind", takes: Takes::Line(14) },
        Field { name: "name", label: "Name begins with", takes: Takes::Search(22, "") },
        Field { name: "agent", label: "Held by", takes: Takes::Line(14) },
    ];
    part::filter::form(cx.place, &fields)
}

fn table(cx: &Cx<'_>, jobs: &[Listed]) -> Markup {
    html! {
        table {
            caption .sr { "Jobs" }
            thead { tr {
                th scope="col" { "Job" } th scope="col" { "Kind" } th scope="col" { "State" } th scope="col" { "Who" }
                th .num scope="col" { "Attempt" } th scope="col" { "Due" } th scope="col" { "Last run" } th .num scope="col" { "Priority" }
            } }
            tbody { @for listed in jobs { (row(cx, &listed.job)) } }
        }
    }
}

fn row(cx: &Cx<'_>, job: &Job) -> Markup {
    html! {
        tr data-key=(job.name) {
            td .w { a href=(cx.to(&Page::Job(job.name.clone()))) { (part::line(&job.name, NAME_CHARS)) } }
            td { a href=(cx.to_asking(&Page::Queue, &[("kind", &job.kind)])) { (part::line(&job.kind, 60)) } }
            td .nw { (stands(job)) }
            td {
                @if let State::Held(claim) = &job.state { (part::line(&claim.principal, 60)) " " span .soft { "until " (cx.ago(claim.expires_at)) } }
                @else { span .soft { "\u{2013}" } }
            }
            td .num { (attempts(job)) }
            td .nw { (cx.ago_if(job.next_run_at)) }
            td {
                @if let Some(last) = &job.last { (part::line(&last.status, 80)) " " span .soft { (cx.ago(last.at)) } }
                @else { span .soft { "never" } }
            }
            td .num { (job.priority) }
        }
    }
}

/// How often it was picked up without a success, of how often it may be.
pub(super) fn attempts(job: &Job) -> String {
    if job.max_attempts > 0 { format!("{} of {}", job.attempts, job.max_attempts) } else { job.attempts.to_string() }
}

/// What is found by a state, in words.
const fn word(stands: Stands) -> &'static str {
    match stands {
        Stands::Idle => "idle or done",
        Stands::Ready | Stands::Held | Stands::Waiting | Stands::Dead | Stands::Failing => stands.name(),
    }
}

/// How a job stands, by colour and by word.
pub(super) fn stands(job: &Job) -> Markup {
    if job.is_done() {
        return part::tag(Tone::Good, "done");
    }
    let tone = match job.state {
        State::Held(_) => Tone::Run,
        State::Dead => Tone::Bad,
        State::Ready => Tone::Warn,
        State::Idle | State::Waiting => Tone::Plain,
    };
    part::tag(tone, Stands::of(&job.state).name())
}
