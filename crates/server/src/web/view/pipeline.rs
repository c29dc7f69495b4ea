//! The pipeline: pull requests on their way, as a board and as a list. A gap becomes a change by a plan, a draft, reviews and
//! a last look; what comes of it is a person's to say.

use domain::budget::Amount;
use domain::pull::{Pull, State};
use domain::refusal::Refusal;
use maud::{Markup, html};
use plane::No;
use store::pull::Stored;

use super::super::part::chart;
use super::super::part::filter::{Field, Takes};
use super::super::part::{self, Part, Tone, Width};
use super::super::place::Page;
use super::{Cx, View};

/// A column of the board.
struct Column {
    name: &'static str,
    states: &'static [State],
}

const COLUMNS: [Column; 6] = [
    Column { name: "Planning", states: &[State::Planning] },
    Column { name: "Implementing", states: &[State::Implementing, State::Opening, State::ChangesRequested] },
    Column { name: "In review", states: &[State::NeedsReview, State::Approved] },
    Column { name: "Yours", states: &[State::Proposed, State::NeedsHuman, State::NeedsVisual] },
    Column { name: "Stopped", states: &[State::Capped, State::RequiresHuman] },
    Column { name: "Merged", states: &[State::Merged] },
];

/// How many cards a column shows.
const CARDS_MAX: usize = 6;

/// How many characters of a title are shown.
const TITLE_CHARS: usize = 90;

pub(super) async fn view(cx: &Cx<'_>) -> Result<View, No> {
    let (plane, call) = (cx.plane(), &cx.call);
    let state = state(cx)?;
    let board_of = plane.list_board(call).await?;
    let page = match (state, cx.place.asks("state")) {
        (Some(state), _) => plane.list_pulls(call, Some(state), &cx.ask()?).await?,
        (None, Some(_)) => plane.list_pulls(call, None, &cx.ask()?).await?,
        (None, None) => plane.list_live_pulls(call, &cx.ask()?).await?,
    };
    let unknown = plane.list_unknown(call).await?;
    let body = html! {
        (filter(cx))
        @if page.items.is_empty() && cx.place.asks("state").is_some() {
            (part::filtered(cx.place, &Page::Pipeline.path(), page.cursor.as_deref()))
        } @else {
            (list(cx, &page.items))
        }
        (part::pager(cx.place, page.items.len(), page.cursor.as_deref()))
    };
    let mut parts = vec![
        Part::card("board", Width::Whole, ("Board", "rounds and budget of each change"), board(cx, &board_of)),
        Part::card("pulls", Width::Whole, ("Pull requests", "those that changed last first"), body),
    ];
    if !unknown.is_empty() {
        let told = html! {
            ul .needs {
                @for say in &unknown {
                    li data-key=(say.id) {
                        (part::tag(Tone::Bad, "not known"))
                        span .what { (say.what) " of " a href=(cx.to(&Page::Pull(say.pull.clone()))) { (part::line(&say.pull, 60)) } }
                        span .soft { (cx.ago(domain::time::Time(say.at))) }
                        (cx.act("release-write", &[("write", &say.id)], "Say how it is", ""))
                        span .about.soft { (part::line(&say.error, 200)) }
                    }
                }
            }
        };
        parts.insert(
            0,
            Part::card("unknown", Width::Whole, ("Not known whether it was written", "look on the forge"), told),
        );
    }
    Ok(View::of("Pipeline", parts))
}

fn filter(cx: &Cx<'_>) -> Markup {
    let by_itself = [("", "under way"), ("all", "any")];
    let states = by_itself.into_iter().chain(State::ALL.map(|state| (state.name(), state.name())));
    part::filter::form(cx.place, &[Field { name: "state", label: "State", takes: Takes::One(states.collect()) }])
}

fn state(cx: &Cx<'_>) -> Result<Option<State>, Refusal> {
    match cx.place.asks("state") {
        None | Some("all") => Ok(None),
        Some(text) => State::ALL.into_iter().find(|state| state.name() == text).map(Some).ok_or_else(|| {
            Refusal::invalid("state", format!("there is no state {text:?}"))
                .hint(format!("states are {}", State::ALL.map(State::name).join(", ")))
        }),
    }
}

/// The board: a column for each part of the way.
pub(super) fn board(cx: &Cx<'_>, board: &plane::pull::Board) -> Markup {
    if board.pulls.is_empty() {
        return part::empty(
            "No pull request yet",
            "At the level pipeline, agents plan, implement and review what closes a gap.",
            "gapwright level show",
        );
    }
    html! {
        div .board {
            @for column in &COLUMNS {
                @let all = board.counts.iter().filter(|(state, _)| column.states.contains(state)).map(|(_, count)| count).sum::<i64>();
                @let cards: Vec<_> = board.pulls.iter().filter(|stored| column.states.contains(&stored.pull.state)).collect();
                div {
                    h3 { span { (column.name) } @if column.states == [State::Merged] { span { "lately" } } @else { span { (all) } } }
                    @for stored in cards.iter().take(CARDS_MAX) { (card(cx, &stored.pull, board.cap)) }
                    @if cards.is_empty() { p .none { "\u{2013}" } }
                    @if cards.len() > CARDS_MAX { p .none { "more below" } }
                }
            }
        }
    }
}

fn card(cx: &Cx<'_>, pull: &Pull, cap: Amount) -> Markup {
    let (spent, of) = (part::dollars(pull.booked.micro_usd), part::dollars(cap.micro_usd));
    html! {
        a .pr href=(cx.to(&Page::Pull(pull.id.clone()))) data-key=(pull.id) {
            div .t { (part::line(title(pull), TITLE_CHARS)) }
            div .m { span { (name(pull)) } span title="rounds of revision" { "\u{21bb} " (pull.iteration) "/" (cx.plane().settings().rules.caps.iterations) } }
            (chart::budget(pull.booked.micro_usd, cap.micro_usd, &format!("{spent} of {of} spent")))
            div .m { span { (spent) } span { "of " (of) } }
            div .m { span { (pull.state) } (cx.ago(pull.changed_at)) }
        }
    }
}

/// What a pull request is called: the title of its change, or its gap before there is one.
pub(super) fn title(pull: &Pull) -> &str {
    pull.change.as_ref().map_or(pull.gap.name.as_str(), |change| change.title.as_str())
}

/// Its number, or that it has none yet.
pub(super) fn name(pull: &Pull) -> String {
    pull.there.number.map_or_else(|| "not opened yet".to_owned(), |number| format!("#{number}"))
}

/// Pull requests as a table.
pub(super) fn list(cx: &Cx<'_>, pulls: &[Stored]) -> Markup {
    if pulls.is_empty() {
        return part::empty(
            "No pull request",
            "One begins when an agent takes up a gap.",
            "gapwright work --kind planner --agent claude",
        );
    }
    html! {
        div .scroll {
            table {
                caption .sr { "Pull requests" }
                thead { tr {
                    th scope="col" { "Pull request" } th scope="col" { "State" } th scope="col" { "Whose turn" } th .num scope="col" { "Round" }
                    th .num scope="col" { "Cost" } th scope="col" { "Gap" } th scope="col" { "Changed" }
                } }
                tbody {
                    @for stored in pulls {
                        @let pull = &stored.pull;
                        tr data-key=(pull.id) {
                            td .w { a href=(cx.to(&Page::Pull(pull.id.clone()))) { (name(pull)) " " (part::line(title(pull), 120)) } }
                            td .nw { (state_tag(pull)) }
                            td .nw { (pull.turn_of()) }
                            td .num { (pull.iteration) }
                            td .num { (part::dollars(pull.booked.micro_usd)) }
                            td { a href=(cx.to(&Page::Gap(pull.gap.to_string()))) { (part::line(&pull.gap.name, 80)) } }
                            td .nw { (cx.ago(pull.changed_at)) }
                        }
                    }
                }
            }
        }
    }
}

/// How a pull request stands, by colour and by word.
pub(super) fn state_tag(pull: &Pull) -> Markup {
    let tone = match pull.state {
        State::Planning
        | State::Implementing
        | State::Opening
        | State::NeedsReview
        | State::ChangesRequested
        | State::Approved => Tone::Run,
        State::Proposed | State::NeedsHuman | State::NeedsVisual => Tone::Warn,
        State::Capped | State::RequiresHuman => Tone::Bad,
        State::Merged => Tone::Good,
        State::WontFix | State::Closed => Tone::Plain,
    };
    html! { (part::tag(tone, &pull.state.to_string())) @if let Some(hold) = pull.hold { " " (part::tag(Tone::Warn, hold.why())) } }
}
