//! One gap: what its rank is made of, what it blocks, who reported it in which words, and what became of it.

use domain::gap::Gap;
use domain::gap::relation::Together as Advice;
use domain::time::Time;
use maud::{Markup, html};
use plane::No;
use plane::gap::Shown;

use super::super::part::{self, Part, Tone, Width};
use super::super::place::Page;
use super::gaps::{pairs, signed, state_tag};
use super::issue::way;
use super::{Cx, View};

/// How many pull requests of it are shown.
const PULLS_SHOWN: i64 = 10;

pub(super) async fn view(cx: &Cx<'_>, key: &str) -> Result<View, No> {
    let shown = cx.plane().show_gap(&cx.call, key, &cx.ask()?).await?;
    let pulls = cx.plane().list_pulls_of_gap(&cx.call, &shown.gap.key, PULLS_SHOWN).await?;
    let name = shown.gap.key.to_string();
    let mut parts = vec![
        Part::card("facts", Width::Half, ("How it stands", ""), part::body(&facts(cx, &shown))),
        Part::card("rank", Width::Half, ("Rank", "what it is made of"), rank(&shown)),
        Part::card("blocked", Width::Half, ("What it blocks", ""), blocked(cx, &shown)),
        Part::card("around", Width::Half, ("Around it", ""), around(cx, &shown)),
        Part::card("pulls", Width::Whole, ("Pull requests", ""), super::pipeline::list(cx, &pulls)),
        Part::card(
            "sightings",
            Width::Whole,
            ("Reports", "the latest first, in their reporters' words"),
            sightings(cx, &shown),
        ),
        Part::card("history", Width::Half, ("History", ""), history(cx, &shown)),
        Part::card("issue", Width::Half, ("Issue", "what people wrote there"), issue(cx, &shown)),
    ];
    if !shown.proposals.is_empty() {
        let table = html! { div .scroll { (pairs(cx, &shown.proposals)) } };
        parts.insert(2, Part::card("alike", Width::Whole, ("May be the same", "for you to say"), table));
    }
    Ok(View { title: format!("Gap {}", shown.gap.key.name), acts: acts(cx, &shown.gap, &name), parts })
}

fn acts(cx: &Cx<'_>, gap: &Gap, name: &str) -> Markup {
    html! {
        @if gap.state.is_work() {
            (cx.act("wontfix-gap", &[("gap", name)], "Won't fix", ""))
            (cx.act("close-gap", &[("gap", name)], "It is there now", ""))
        } @else {
            (cx.act("reopen-gap", &[("gap", name)], "Open it again", ""))
        }
        (cx.act("prioritize-gap", &[("gap", name)], "Priority", ""))
        (cx.history(&format!("gap:{name}")))
    }
}

fn facts(cx: &Cx<'_>, shown: &Shown) -> Markup {
    let gap = &shown.gap;
    html! {
        dl .facts {
            dt { "State" } dd { (state_tag(gap)) " since " (cx.ago(gap.changed_at)) @if shown.too_deep { " " (part::tag(Tone::Warn, "too deep to be worked on")) } }
            @if let Some(other) = &gap.duplicate_of { dt { "Stands for it" } dd { (link(cx, &other.to_string())) } }
            dt { "Kind" } dd { a href=(cx.to_asking(&Page::Gaps, &[("kind", &gap.key.kind)])) { (part::line(&gap.key.kind, 120)) } }
            dt { "Severity" } dd { (gap.severity.name()) }
            dt { "Priority" } dd { @if let Some(priority) = gap.priority { (priority.name()) ", as a person said" } @else { "left to the reports" } }
            dt { "Reported" } dd { (part::counted(gap.sightings, "time")) ", first " (cx.ago(gap.first_at)) ", last " (cx.ago(gap.last_at)) }
            dt { "Attempts" } dd { (gap.attempts) ", of which " (gap.failures) " failed" }
            @if gap.reopened > 0 { dt { "Opened again" } dd { (part::counted(gap.reopened, "time")) } }
            @if let Some(area) = &gap.area { dt { "Area" } dd .mono { (part::line(area, 160)) } }
            @if let Some(lines) = gap.lines { dt { "Lines" } dd { "some " (lines) } }
            @if let Some(claim) = &gap.claim_id { dt { "At work" } dd .mono { (claim) } }
        }
    }
}

fn rank(shown: &Shown) -> Markup {
    html! {
        table {
            caption { "Rank " (part::grouped(shown.gap.standing().rank())) ": the higher, the sooner" }
            thead { tr { th .num scope="col" { "Points" } th scope="col" { "Why" } } }
            tbody { @for term in &shown.terms { tr { td .num { (signed(term.points)) } td { (term.why) } } } }
        }
    }
}

fn blocked(cx: &Cx<'_>, shown: &Shown) -> Markup {
    if shown.blocked.is_empty() {
        return part::empty("No job is known to be blocked", "A report names the job that cannot go on.", "");
    }
    html! {
        div .scroll {
            table {
                caption .sr { "Jobs that it blocks" }
                thead { tr { th scope="col" { "Job" } th scope="col" { "Severity" } th .num scope="col" { "Reported" } th scope="col" { "Last" } th scope="col" { "Cleared" } } }
                tbody {
                    @for one in &shown.blocked {
                        tr {
                            td { @if one.registered == 1 { a href=(cx.to(&Page::Job(one.job.clone()))) { (part::line(&one.job, 120)) } } @else { (part::line(&one.job, 120)) " " span .soft { "not registered" } } }
                            td { (one.severity) }
                            td .num { (one.sightings) }
                            td .nw { (cx.ago(Time(one.last_at))) }
                            td .nw { @if let Some(at) = one.cleared_at { (part::tag(Tone::Good, "works")) " " (cx.ago(Time(at))) } @else { span .soft { "not yet" } } }
                        }
                    }
                }
            }
        }
    }
}

fn around(cx: &Cx<'_>, shown: &Shown) -> Markup {
    let groups = [
        ("Must be closed first", &shown.depends_on),
        ("Met while it was worked on", &shown.met),
        ("Waits for it", &shown.needed_by),
        ("It stands for", &shown.duplicates),
    ];
    if groups.iter().all(|(_, keys)| keys.is_empty()) && shown.together.is_empty() {
        return part::empty("It stands alone", "What it depends on, and what depends on it, is shown here.", "");
    }
    html! {
        div .bd {
            dl .facts {
                @for (what, keys) in groups {
                    @if !keys.is_empty() { dt { (what) } dd { @for key in keys { (link(cx, key)) br; } } }
                }
                @for together in &shown.together {
                    dt { "With " (part::line(&together.job, 80)) }
                    dd { (advice(&together.advice)) ": " @for key in &together.gaps { (link(cx, key)) " " } }
                }
            }
        }
    }
}

/// How gaps that block one job are best closed.
fn advice(advice: &Advice) -> String {
    match advice {
        Advice::Batch => "in one pull request".to_owned(),
        Advice::Sequence { why, .. } => format!("one after the other, as {why}"),
    }
}

fn link(cx: &Cx<'_>, key: &str) -> Markup {
    html! { a href=(cx.to(&Page::Gap(key.to_owned()))) { (part::line(key, 160)) } }
}

fn sightings(cx: &Cx<'_>, shown: &Shown) -> Markup {
    html! {
        div .bd {
            ol .line {
                @for seen in &shown.sightings.items {
                    li data-key=(seen.id) {
                        (cx.ago(Time(seen.at))) " " b { (part::line(&seen.principal, 80)) } " " (part::tag(Tone::Plain, &seen.severity))
                        @if let Some(job) = &seen.job { " on " a href=(cx.to(&Page::Job(job.clone()))) { (part::line(job, 120)) } }
                        (part::said(&seen.reason))
                    }
                }
            }
        }
        (part::pager(cx.place, shown.sightings.items.len(), shown.sightings.cursor.as_deref()))
    }
}

fn history(cx: &Cx<'_>, shown: &Shown) -> Markup {
    html! {
        div .bd {
            ol .line {
                @for event in &shown.events {
                    li data-key=(event.id) {
                        (cx.ago(Time(event.at))) " " b { (event.event.replace('_', " ")) } ", " (event.was.replace('_', " ")) " to " (event.now.replace('_', " ")) " by " (part::line(&event.by, 80))
                        @if !event.why.is_empty() { div .soft { (part::line(&event.why, 300)) } }
                    }
                }
                li { (cx.ago(shown.gap.first_at)) " first reported" }
            }
        }
    }
}

fn issue(cx: &Cx<'_>, shown: &Shown) -> Markup {
    let Some(issue) = &shown.issue else {
        return part::empty(
            "No issue yet",
            "At the level propose and above, gaps are mirrored to issues.",
            "gapwright level show",
        );
    };
    html! {
        div .bd {
            p {
                @if let Some(number) = issue.number { (way(cx, number, &issue.url, &format!("#{number}"))) ": " }
                (part::line(&issue.title, 200))
                @for label in &issue.labels { " " (part::tag(Tone::Plain, label)) }
            }
            @if !issue.last_error.is_empty() { p { (part::tag(Tone::Bad, "trouble")) " " (part::line(&issue.last_error, 300)) } }
            @for comment in &shown.comments {
                div { b { (part::line(&comment.author, 80)) } " " span .soft { (cx.ago(Time(comment.created_at))) } (part::said(&comment.body)) }
            }
        }
    }
}
