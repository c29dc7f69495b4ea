//! One job: how it stands, how its claims ended, what it is given, and what was done to it.

use domain::decision::{Decision, State as Asked};
use domain::job::{Job, Run, State};
use maud::{Markup, html};
use plane::No;
use plane::page::{Ask, Page as Paged};
use store::job::look::Stands;

use super::super::part::chart;
use super::super::part::{self, Part, Tone, Width};
use super::super::place::Page;
use super::{Cx, View, gaps, outcome_tag, queue, shut_part};

/// How many entries of the audit are shown.
const DONE_SHOWN: i64 = 15;

/// How many characters of a summary are shown in a line.
const SUMMARY_CHARS: usize = 300;

/// How many characters of a question are shown in a line.
const QUESTION_CHARS: usize = 200;

pub(super) async fn view(cx: &Cx<'_>, name: &str) -> Result<View, No> {
    let (plane, call) = (cx.plane(), &cx.call);
    let job = plane.show_job(call, name).await?;
    let runs = plane.list_runs(call, Some(name), &cx.ask()?).await?;
    let asked = plane.list_decisions_of_job(call, name).await?;
    let blocked = blocked_by(cx, name).await?;
    let mut parts = vec![
        Part::card("facts", Width::Half, ("How it stands", ""), part::body(&facts(cx, &job, &asked, &blocked))),
        Part::card("payload", Width::Half, ("Payload", "what its worker is given"), payload(&job)),
        Part::card("runs", Width::Whole, ("Runs", "the latest first"), timeline(cx, &job, &runs)),
    ];
    parts.push(if let Some(shut) = shut_part(cx, "history", "History") {
        shut
    } else {
        let look = store::journal::Look { object: Some(format!("job:{name}")), ..store::journal::Look::default() };
        let done = plane.look_into_journal(call, &look, &Ask::new(Some(DONE_SHOWN), None)?).await?;
        let table = super::audit::table(cx, &done.items);
        Part::card("history", Width::Whole, ("History", "what was done to it"), table)
    });
    let acts = html! {
        @let again = if job.state == State::Dead { "Run it again" } else { "Run it now" };
        (cx.act("trigger-job", &[("job", name)], again, ""))
        (cx.history(&format!("job:{name}")))
    };
    Ok(View { title: format!("Job {name}"), acts, parts })
}

/// What blocks a job, with how far that is; nothing where nothing does.
pub(super) async fn blocked_by(cx: &Cx<'_>, job: &str) -> Result<Markup, No> {
    let gaps = cx.plane().list_gaps_of_job(&cx.call, job).await?;
    Ok(html! {
        @if !gaps.is_empty() {
            dt { "Blocked by" }
            dd {
                @for gap in &gaps {
                    div { a href=(cx.to(&Page::Gap(gap.key.to_string()))) { (part::line(&gap.key.to_string(), 200)) } " " (gaps::state_tag(gap)) }
                }
            }
        }
    })
}

fn facts(cx: &Cx<'_>, job: &Job, asked: &[Decision], blocked: &Markup) -> Markup {
    html! {
        dl .facts {
            dt { "State" } dd { (queue::stands(job)) @if job.is_failing() { " " (part::tag(Tone::Bad, Stands::Failing.name())) } }
            (blocked)
            @for decision in asked.iter().filter(|decision| decision.state == Asked::Open) {
                dt { "Waits for an answer" }
                dd {
                    a href=(cx.to_asking(&Page::Decisions, &[("job", &job.name)])) { (part::line(&decision.question, QUESTION_CHARS)) }
                    " until " (cx.ago(decision.expires_at)) " " (cx.act("answer-decision", &[("decision", &decision.id)], "Answer", "go"))
                }
            }
            @if let State::Held(claim) = &job.state {
                dt { "Held by" } dd { (part::line(&claim.principal, 120)) ", as " (part::line(&claim.holder, 120)) }
                dt { "Since" } dd { (cx.ago(claim.claimed_at)) }
                dt { "Lease" } dd { "ends " (cx.ago(claim.expires_at)) (lease(cx, claim)) }
                @if let Some(progress) = &claim.progress { dt { "Progress" } dd { (part::said(progress)) } }
            }
            dt { "Kind" } dd { a href=(cx.to_asking(&Page::Queue, &[("kind", &job.kind)])) { (part::line(&job.kind, 120)) } }
            dt { "Repeats" } dd { @if let Some(every) = job.interval { "every " (every) } @else { "no" } }
            dt { "Due" } dd { (cx.ago_if(job.next_run_at)) }
            @if let Some(asked) = job.triggered_at { dt { "Asked for again" } dd { (cx.ago(asked)) } }
            dt { "Attempts" } dd { (queue::attempts(job)) " since the last success" }
            dt { "Priority" } dd { (job.priority) }
            dt { "Fencing token" } dd .mono { (job.fencing_token) }
            @if let Some(gap) = &job.gap { dt { "Works on" } dd { a href=(cx.to(&Page::Gap(gap.clone()))) { (part::line(gap, 200)) } } }
            @if let Some(pull) = &job.pull { dt { "A turn of" } dd { a href=(cx.to(&Page::Pull(pull.clone()))) { "its pull request" } } }
            @if job.resting { dt { "Rests" } dd { "until its gap is closed" } }
            dt { "Registered" } dd { (cx.ago(job.created_at)) " by " (part::line(&job.created_by, 120)) }
        }
    }
}

/// How much of a lease is used up.
fn lease(cx: &Cx<'_>, claim: &domain::job::Claim) -> Markup {
    let (used, whole) = (cx.now().since(claim.claimed_at).0, claim.expires_at.since(claim.claimed_at).0);
    let part = chart::ratio(used, whole);
    let tone = if part < 0.85 { Tone::Run } else { Tone::Warn };
    chart::meter(part, tone, &format!("{} of the lease is used up", chart::percent(part.min(1.0))))
}

fn payload(job: &Job) -> Markup {
    let Some(text) = &job.payload else {
        return part::empty("No payload", "Its worker is given its name and kind alone.", "");
    };
    // As it was given, with its keys in order and its numbers exact.
    let shown = serde_json::from_str::<serde_json::Value>(text).and_then(|value| serde_json::to_string_pretty(&value));
    html! {
        details open {
            summary { (text.len()) " bytes of JSON, from whoever registered the job" }
            pre { (part::seen(shown.as_deref().unwrap_or(text))) }
        }
    }
}

fn timeline(cx: &Cx<'_>, job: &Job, runs: &Paged<Run>) -> Markup {
    if runs.items.is_empty() && !matches!(job.state, State::Held(_)) {
        return part::empty(
            "It never ran",
            "A worker of its kind claims it when it is due.",
            "the tool claim-routine-job, over MCP",
        );
    }
    html! {
        div .bd {
            ol .line {
                @if let (State::Held(claim), None) = (&job.state, cx.place.asks("cursor")) {
                    li .run data-key=(claim.id) {
                        (part::tag(Tone::Run, "at work")) " " b { (part::line(&claim.principal, 80)) } " since " (cx.ago(claim.claimed_at))
                    }
                }
                @for run in &runs.items {
                    li .(outcome_class(run)) data-key=(run.claim_id) {
                        (outcome_tag(run.outcome)) " "
                        a href=(cx.to(&Page::Run(run.claim_id.clone()))) { (cx.ago(run.ended_at)) }
                        " " span .soft { "attempt " (run.attempt) ", " (part::line(&run.principal, 80)) ", took " (part::lasting(run.ended_at.since(run.claimed_at))) }
                        @if run.status != run.outcome.name() { div { (part::line(&run.status, SUMMARY_CHARS)) } }
                        @if let Some(summary) = &run.summary { div .soft { (part::line(summary, SUMMARY_CHARS)) } }
                    }
                }
            }
        }
        (part::pager(cx.place, runs.items.len(), runs.cursor.as_deref()))
    }
}

const fn outcome_class(run: &Run) -> &'static str {
    match run.outcome {
        domain::job::Outcome::Ok => "good",
        domain::job::Outcome::Deferred => "",
        domain::job::Outcome::Error | domain::job::Outcome::Lost => "bad",
    }
}
