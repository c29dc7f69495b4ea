//! Evidence: which level is in force and what opens the next one, how far each stratum is, what became of pull requests, and how
//! well reviewers judge.

use domain::calibration::measure::Share;
use domain::gate::meaning;
use domain::level::{Item, Level};
use domain::time::{Span, Time};
use maud::{Markup, html};
use plane::calibrate::Reviewer;
use plane::gate::Standing;
use plane::level::Standing as OfLevel;
use plane::page::Ask;
use plane::{Call, No, Plane};

use super::super::part::chart;
use super::super::part::{self, Part, Tone, Width};
use super::super::place::Page;
use super::{Cx, View, stratum};

/// How many outcomes one page shows.
const OUTCOMES_SHOWN: i64 = 15;

/// How far back reviewers are looked at.
const CALIBRATED_OVER: Span = Span::days(90);

/// What all evidence comes to, at a moment.
pub(crate) struct Evidence {
    at: Time,
    level: OfLevel,
    strata: Vec<Standing>,
    reviewers: Vec<Reviewer>,
}

impl Evidence {
    async fn read(plane: Plane, call: Call, at: Time) -> Result<Self, No> {
        let (level, strata) = plane.show_evidence(&call).await?;
        let reviewers = plane.report_calibration(&call, at - CALIBRATED_OVER).await?;
        Ok(Self { at, level, strata, reviewers })
    }
}

pub(super) async fn view(cx: &Cx<'_>) -> Result<View, No> {
    let (plane, call) = (cx.plane(), &cx.call);
    // What people and the gate allow is seen at once, whoever said it and wherever.
    let mark = plane.allowed_mark(call).await?;
    let kept = cx.site.evidence.get(mark, Box::pin(Evidence::read(plane.clone(), call.clone(), cx.now()))).await?;
    let Evidence { at, level, strata, reviewers } = &*kept;
    let ask = Ask::new(Some(OUTCOMES_SHOWN), cx.place.asks("cursor"))?;
    let outcomes = plane.list_outcomes(call, &ask).await?;
    let strata_body = if strata.is_empty() {
        part::empty(
            "No stratum was met yet",
            "A pull request that bots approve and people end is of one.",
            "gapwright work --kind reviewer --agent claude",
        )
    } else {
        html! { div .scroll { (strata_table(cx, strata)) } }
    };
    let outcomes_body = html! { (outcomes_table(cx, &outcomes.items)) (part::pager(cx.place, outcomes.items.len(), outcomes.cursor.as_deref())) };
    let parts = vec![
        Part::card(
            "level",
            Width::Half,
            ("Level of autonomy", "entered by an operator's act"),
            part::body(&ladder(cx, level)),
        ),
        Part::card(
            "calibration",
            Width::Half,
            (
                "Calibration of reviewers",
                &format!("the last {} days, with 95 % intervals", CALIBRATED_OVER.0 / Span::days(1).0),
            ),
            calibration(reviewers),
        ),
        Part::card(
            "strata",
            Width::Whole,
            ("Strata", "those that were armed or have most in their favour first"),
            strata_body,
        ),
        Part::card("outcomes", Width::Half, ("Outcomes", "the latest first"), outcomes_body),
        Part::card("levels", Width::Half, ("Changes of level", "the latest first"), changes(cx, level)),
    ];
    let acts = html! {
        (cx.as_of(*at))
        @if level.next.is_some() { (cx.act("raise-level", &[("seen", level.level.name())], "Raise the level", "")) }
        @if level.level != Level::Observe { (cx.act("lower-level", &[], "Lower the level", "danger")) }
    };
    Ok(View { title: "Evidence".to_owned(), acts, parts })
}

fn ladder(cx: &Cx<'_>, level: &OfLevel) -> Markup {
    html! {
        ol .steps {
            @for step in Level::ALL {
                @if step == level.level { li aria-current="step" { (step) } }
                @else { li .done[step < level.level] { (step) } }
            }
        }
        p { b { (level.level) } @if let Some(since) = level.since { " since " (cx.ago(since)) } @else { " since the beginning" } }
        @if let Some(next) = level.next {
            p { "What opens " b { (next) } ":" }
            ul .check { @for item in &level.gate { (asked(item)) } }
            @if level.gate.iter().all(Item::is_met) { p { "Its gate is open." } }
        } @else {
            p .soft { "There is no level above. Each stratum has a gate of its own, below." }
        }
    }
}

fn asked(item: &Item) -> Markup {
    let have = item.have.map_or_else(|| "not known".to_owned(), |have| have.to_string());
    let (tone, word) = if item.is_met() { (Tone::Good, "enough") } else { (Tone::Warn, "missing") };
    html! {
        li {
            (part::tag(tone, word))
            span {
                b { (have) " of " (item.need) } " " (item.what)
                (chart::meter(chart::ratio(item.have.unwrap_or(0), item.need), tone, &format!("{have} of {} {}", item.need, item.what)))
            }
        }
    }
}

fn changes(cx: &Cx<'_>, level: &OfLevel) -> Markup {
    if level.history.is_empty() {
        return part::empty("The level was never changed", "Everything begins at observe.", "gapwright level show");
    }
    html! {
        div .bd {
            ol .line {
                @for change in &level.history {
                    li data-key=(change.seq) {
                        (cx.ago(Time(change.at))) " " (change.was) " to " b { (change.now) } " by " (part::line(&change.by, 80))
                        @if change.overridden == 1 { " " (part::tag(Tone::Warn, "without the evidence")) }
                        @if !change.reason.is_empty() { (part::said(&change.reason)) }
                    }
                }
            }
        }
    }
}

fn strata_table(cx: &Cx<'_>, strata: &[Standing]) -> Markup {
    html! {
        table {
            caption { "Streak: " (meaning("streak")) ". Phase: how many of them the gate merges by itself. Armed: " (meaning("armed")) "." }
            thead { tr {
                th scope="col" { "Stratum" } th scope="col" { "Of" } th scope="col" { "Streak" } th scope="col" { "Phase" } th scope="col" { "Armed" } th scope="col" { "Missing" } th scope="col" { span .sr { "Acts" } }
            } }
            tbody {
                @for one in strata {
                    @let id = one.stratum.id();
                    @let missing = one.judgement.missing();
                    tr data-key=(id) {
                        td .mono { a href=(cx.to(&Page::Stratum(id.clone()))) { (id) } }
                        td { (part::line(&one.stratum.repo, 80)) ", " (part::line(&one.stratum.kind, 60)) ", " (one.stratum.area.name()) br; span .soft { (part::line(&one.stratum.author.to_string(), 80)) ", reviewed by " (part::line(&one.stratum.reviewer.to_string(), 80)) } }
                        td { (stratum::streak(one)) }
                        td .nw { (one.phase.name()) }
                        td .nw { @if stratum::is_armed(one) { (part::tag(Tone::Good, "armed")) } @else { (part::tag(Tone::Plain, "no")) } }
                        td .soft { @if let Some(first) = missing.first() { span title=(meaning(first.split(':').next().unwrap_or_default())) { (part::line(first, 200)) } @if missing.len() > 1 { ", and " (missing.len() - 1) " more" } } @else { "nothing" } }
                        td { @if stratum::is_armed(one) { (cx.act("disarm-gate", &[("stratum", &id)], "Disarm", "danger")) } @else { (cx.act("arm-gate", &[("stratum", &id)], "Arm", "")) } }
                    }
                }
            }
        }
    }
}

fn outcomes_table(cx: &Cx<'_>, outcomes: &[store::outcome::Listed]) -> Markup {
    if outcomes.is_empty() {
        return part::empty(
            "No pull request has ended yet",
            "What became of each is written down and weighed.",
            "gapwright pulls merge NUMBER",
        );
    }
    html! {
        div .scroll {
            table {
                caption .sr { "Outcomes" }
                thead { tr { th scope="col" { "Pull request" } th scope="col" { "Outcome" } th scope="col" { "To the gate" } th scope="col" { "Because" } th scope="col" { "Ended" } } }
                tbody {
                    @for listed in outcomes {
                        @let found = &listed.found;
                        tr data-key=(found.id) {
                            td .nw { a href=(cx.to(&Page::Pull(found.pull.clone()))) { @if let Some(number) = listed.number { "#" (number) } @else { "its page" } } }
                            td .nw { (found.outcome.replace('_', " ")) }
                            td .nw { (part::tag(weight(&found.weight), &found.weight)) }
                            td .soft { (part::line(&found.why, 160)) }
                            td .nw { (cx.ago(Time(found.ended_at))) }
                        }
                    }
                }
            }
        }
    }
}

fn weight(word: &str) -> Tone {
    match word {
        "good" => Tone::Good,
        "bad" => Tone::Bad,
        "unknown" => Tone::Warn,
        _ => Tone::Plain,
    }
}

fn calibration(reviewers: &[Reviewer]) -> Markup {
    if reviewers.is_empty() {
        return part::empty(
            "No reviewer is known yet",
            "Reviewers are tried with seeded defects, and held against what people did.",
            "gapwright calibrate run --agent claude --reviewer NAME",
        );
    }
    html! { @for one in reviewers { div .bd { (reviewer(one)) } } }
}

fn reviewer(one: &Reviewer) -> Markup {
    let by = one.by.to_string();
    let shares = [
        ("seeded defects caught", one.report.recall),
        ("clean ones turned away", one.report.false_alarms),
        ("misled by words", one.report.flips),
        ("same verdict once more", one.report.retests),
        ("approved, and people did not", one.standing.leniency),
        ("turned away, and people did not", one.standing.strictness),
        ("as people judged", one.standing.agreement),
    ];
    let drawn: Vec<_> = shares.into_iter().filter_map(|(name, share)| share_of(name, share)).collect();
    html! {
        h3 { (part::line(&by, 120)) }
        p {
            @match &one.calibrated {
                Ok(until) => { (part::tag(Tone::Good, "calibrated")) " until " (part::moment(*until)) },
                Err(missing) => { (part::tag(Tone::Warn, "not calibrated")) " " span .soft { (missing.join("; ")) } },
            }
        }
        @if drawn.is_empty() { p .soft { "Nothing is known of it in these 90 days." } }
        @else { (chart::shares(&drawn, &format!("How {by} judges, with 95 % intervals"))) }
    }
}

fn share_of(name: &str, share: Share) -> Option<chart::Share> {
    let (rate, between) = (share.rate()?, share.wilson()?);
    Some(chart::Share { name: name.to_owned(), share: rate, between, of: i64::from(share.n) })
}
