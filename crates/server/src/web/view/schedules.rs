//! Schedules: what this server rings by itself, in words and with its history; and the Routines that are expected to check in.

use domain::check_in::Routine;
use domain::schedule::Cadence;
use maud::{Markup, html};
use plane::No;
use plane::page::{Ask, LIMIT_MAX};
use store::scheduled::{Run, Seen};

use super::super::part::{self, Part, Tone, Width};
use super::{Cx, View};

/// How many runs of each are shown.
const RUNS_SHOWN: i64 = 20;

pub(super) async fn view(cx: &Cx<'_>) -> Result<View, No> {
    let (plane, call) = (cx.plane(), &cx.call);
    let jobs = plane.list_scheduled(call, &cx.ask()?).await?;
    let mut rows = Vec::new();
    for seen in &jobs.items {
        rows.push((seen, plane.list_rung(call, &seen.job.name, RUNS_SHOWN).await?));
    }
    let (routines, _) = plane.list_routines(call).await?;
    let fires = plane.list_fires(call, &Ask::new(Some(RUNS_SHOWN), None)?).await?;
    let orphans = plane.orphan_scheduled(call, &Ask::new(Some(LIMIT_MAX), None)?).await?;
    let orphan = |name: &str| orphans.items.iter().any(|seen| seen.job.name == name);
    let jobs_body = html! {
        @if rows.is_empty() { (part::empty("Nothing rings", "Scheduled jobs are configured under schedule.", "gapwright config show --origin")) }
        @else {
            div .scroll {
                table {
                    caption .sr { "Scheduled jobs" }
                    thead { tr { th scope="col" { "Job" } th scope="col" { "When" } th scope="col" { "Next" } th scope="col" { "Last" } th scope="col" { "History" } th scope="col" { span .sr { "Acts" } } } }
                    tbody { @for (seen, runs) in &rows { (job_row(cx, seen, runs, orphan(&seen.job.name))) } }
                }
            }
        }
        (part::pager(cx.place, jobs.items.len(), jobs.cursor.as_deref()))
    };
    Ok(View::of(
        "Schedules",
        vec![
            Part::card(
                "routines",
                Width::Whole,
                ("Check-ins", "Routines that are expected, and others that came"),
                check_ins(cx, &routines),
            ),
            Part::card("scheduled", Width::Whole, ("Scheduled jobs", "what this server rings by itself"), jobs_body),
            Part::card("fires", Width::Whole, ("Starts of Routines", "the latest first"), starts(cx, &fires.items)),
        ],
    ))
}

fn job_row(cx: &Cx<'_>, seen: &Seen, runs: &[Run], orphan: bool) -> Markup {
    let job = &seen.job;
    let words = Cadence::parse(&job.cadence).map_or_else(|_| job.cadence.clone(), |cadence| cadence.words());
    html! {
        tr data-key=(job.name) {
            td { b { (job.name) } @if orphan { " " (part::tag(Tone::Bad, "no server rings it")) } @if let Some(hold) = &job.hold { " " (part::tag(Tone::Run, "runs")) " since " (cx.ago(hold.since)) } }
            td { @if job.is_off() { (part::tag(Tone::Plain, "off")) } @else { (words) } }
            td .nw { (cx.ago_if(job.next_run_at)) }
            td .w { @if let Some(status) = &seen.last_status { (part::tag(status_tone(status), status_word(status))) " " (part::line(status, 120)) } " " (cx.ago_if(seen.last_run_at)) }
            td { (history(runs)) }
            td .nw { @if !job.is_off() { (cx.act("trigger-scheduled", &[("name", &job.name)], "Run it now", "")) } }
        }
    }
}

/// The last runs as a row of words, the latest first.
fn history(runs: &[Run]) -> Markup {
    let failed = runs.iter().filter(|run| status_tone(&run.status) == Tone::Bad).count();
    html! {
        @if runs.is_empty() { span .soft { "never ran" } }
        @else { span .soft { (runs.len() - failed) " ok, " (failed) " failed, of the last " (runs.len()) } }
    }
}

fn status_word(status: &str) -> &str {
    status.split(':').next().unwrap_or_default()
}

fn status_tone(status: &str) -> Tone {
    match status_word(status) {
        "ok" => Tone::Good,
        _ => Tone::Bad,
    }
}

fn check_ins(cx: &Cx<'_>, routines: &[Routine]) -> Markup {
    if routines.is_empty() {
        return part::empty(
            "No Routine is expected",
            "One that does not check in in time is noticed.",
            "[watch.NAME] in the configuration: gapwright config default",
        );
    }
    let now = cx.now();
    html! {
        div .scroll {
            table {
                caption .sr { "Routines" }
                thead { tr { th scope="col" { "Routine" } th scope="col" { "Stands" } th scope="col" { "Expected" } th scope="col" { "Began" } th scope="col" { "Ended" } } }
                tbody {
                    @for routine in routines {
                        tr data-key=(routine.name) {
                            td .w { (part::line(&routine.name, 120)) }
                            td .nw {
                                @if routine.every.is_none() { (part::tag(Tone::Plain, "not expected")) }
                                @else if routine.late(now) { (part::tag(Tone::Bad, "late")) }
                                @else { (part::tag(Tone::Good, "in time")) }
                            }
                            td { @if let Some(every) = routine.every { "every " (every) ", " (routine.grace) " of grace" } @else { span .soft { "\u{2013}" } } }
                            td .nw { (cx.ago_if(routine.started_at)) }
                            td .nw { (cx.ago_if(routine.ended_at)) }
                        }
                    }
                }
            }
        }
    }
}

fn starts(cx: &Cx<'_>, fires: &[domain::fire::Fire]) -> Markup {
    use domain::fire::State;
    if fires.is_empty() {
        return part::empty(
            "No Routine was started from here",
            "A cloud Routine is started when a job of its kind is due.",
            "[fire.NAME] in the configuration: gapwright config default",
        );
    }
    html! {
        div .scroll {
            table {
                caption .sr { "Starts of Routines" }
                thead { tr { th scope="col" { "Routine" } th scope="col" { "Job" } th scope="col" { "Stands" } th scope="col" { "Asked for" } th scope="col" { "Session" } } }
                tbody {
                    @for fire in fires {
                        @let tone = match fire.state { State::Sending | State::Started => Tone::Run, State::Refused => Tone::Warn, State::Unknown => Tone::Bad, State::Over => Tone::Good };
                        tr data-key=(fire.id) {
                            td { (part::line(&fire.routine, 80)) }
                            td { a href=(cx.to(&super::super::place::Page::Job(fire.job.clone()))) { (part::line(&fire.job, 120)) } }
                            td .nw { (part::tag(tone, fire.state.name())) }
                            td .nw { (cx.ago(fire.tried_at)) ", " (part::counted(fire.tries, "time")) }
                            td { @if fire.url.is_empty() { span .soft { "\u{2013}" } } @else { (super::gaps::outside(&fire.url, "Session")) } }
                        }
                    }
                }
            }
        }
    }
}
