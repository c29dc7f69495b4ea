//! Settings and the doctor: every value with where it came from, secrets hidden; what is switched off; what could not be
//! delivered; and what is wrong, with the next step.

use domain::time::Time;
use maud::{Markup, html};
use plane::No;
use plane::checks::DeadLetter;
use store::switch::Off;

use super::super::installation::{Check, Setting, Verdict};
use super::super::part::{self, Part, Tone, Width};
use super::super::place::Page;
use super::{Cx, View, shut};

pub(super) async fn view(cx: &Cx<'_>) -> Result<View, No> {
    if let Some(shut) = shut(cx, "Settings") {
        return Ok(shut);
    }
    let (plane, call) = (cx.plane(), &cx.call);
    let (off, _) = plane.list_switches(call).await?;
    let letters = plane.dead_letters(call, &cx.ask()?).await?;
    let letters_body = html! { (dead_letters(cx, &letters.items)) (part::pager(cx.place, letters.items.len(), letters.cursor.as_deref())) };
    let settings = cx.site.installation.settings();
    let parts = vec![
        Part::card(
            "switches",
            Width::Half,
            ("Kill switches", "what is switched off begins no work and writes nothing"),
            switches(cx, &off),
        ),
        Part::card("doctor", Width::Half, ("Doctor", "what is wrong, and the next step"), doctor(cx)),
        Part::card("letters", Width::Whole, ("Dead letters", "what gave up, the latest first"), letters_body),
        Part::card(
            "settings",
            Width::Whole,
            ("Settings", "as they hold now, each with where it came from"),
            table(&settings),
        ),
    ];
    let acts = html! { (cx.act("switch-off", &[("scope", "all")], "Switch everything off", "danger")) };
    Ok(View { title: "Settings and doctor".to_owned(), acts, parts })
}

fn switches(cx: &Cx<'_>, off: &[Off]) -> Markup {
    html! {
        @if off.is_empty() { (part::empty("Nothing is switched off", "All, one kind of job, or one repository can be.", "gapwright switch off all --reason TEXT")) }
        @else {
            ul .needs {
                @for one in off {
                    li data-key=(one.scope) {
                        (part::tag(Tone::Warn, "off"))
                        span .what { (part::line(&one.scope, 120)) }
                        span .soft { (cx.ago(Time(one.at))) " by " (part::line(&one.by, 60)) }
                        (cx.act("switch-on", &[("scope", &one.scope)], "Switch it on", ""))
                        span .about { (part::line(&one.reason, 200)) }
                    }
                }
            }
        }
        div .ft { (cx.act("switch-off", &[], "Switch something off", "")) }
    }
}

fn doctor(cx: &Cx<'_>) -> Markup {
    // While it looks, what it found before is not told.
    let kept = cx.site.doctor.try_lock().ok().and_then(|kept| kept.clone());
    html! {
        div .bd {
            @match &kept {
                None => { p { "It looks at the database, the catalogue, the forge, the pipeline, the gate and the audit. That may take some seconds." } }
                Some((at, checks)) => {
                    p { "It looked " (cx.ago(*at)) "." }
                    @if checks.is_empty() { p .soft { "The program says nothing of itself here: " code { "gapwright doctor" } } }
                    ul .check { @for check in checks { (check_of(check)) } }
                }
            }
            form method="post" action={ (cx.base) "doctor" } {
                input type="hidden" name="form_key" value=(cx.visitor.form_key);
                button { "Let it look" }
            }
        }
    }
}

fn check_of(check: &Check) -> Markup {
    let (tone, word) = match check.verdict {
        Verdict::Pass => (Tone::Good, "pass"),
        Verdict::Fail => (Tone::Bad, "fail"),
        Verdict::Unknown => (Tone::Warn, "unknown"),
    };
    html! {
        li {
            (part::tag(tone, word))
            span { b { (check.name) } " " span .soft { (part::line(&check.found, 400)) } @if check.verdict != Verdict::Pass && !check.hint.is_empty() { br; (part::line(&check.hint, 400)) } }
        }
    }
}

fn dead_letters(cx: &Cx<'_>, letters: &[DeadLetter]) -> Markup {
    if letters.is_empty() {
        return part::empty(
            "Nothing gave up",
            "Messages, jobs, scheduled runs and webhooks that could not be ended come here.",
            "gapwright dead-letters",
        );
    }
    html! {
        div .scroll {
            table {
                caption .sr { "Dead letters" }
                thead { tr { th scope="col" { "Of" } th scope="col" { "Name" } th scope="col" { "Why" } th .num scope="col" { "Tried" } th scope="col" { "When" } th scope="col" { span .sr { "Acts" } } } }
                tbody { @for letter in letters { (letter_row(cx, letter)) } }
            }
        }
    }
}

fn letter_row(cx: &Cx<'_>, letter: &DeadLetter) -> Markup {
    let id = letter.id.as_str();
    html! {
        tr data-key={ (letter.source) ":" (id) } {
            td .nw { (letter.source.replace('_', " ")) }
            td .w { @if letter.source == "routine_job" { a href=(cx.to(&Page::Job(id.to_owned()))) { (part::line(id, 120)) } } @else { span .mono { (part::line(id, 60)) } } }
            td .w { (part::line(&letter.error, 200)) }
            td .num { (letter.attempts) }
            td .nw { (cx.ago(Time(letter.at))) }
            td .nw {
                @match letter.source {
                    "routine_job" => (cx.act("trigger-job", &[("job", id)], "Run it again", "")),
                    "outbox" => (cx.act("requeue-message", &[("message", id)], "Send it again", "")),
                    "routine_start" => (cx.act("release-start", &[("start", id)], "Say how it is", "")),
                    "outcome" => (cx.act("release-write", &[("write", id)], "Say how it is", "")),
                    _ => "",
                }
            }
        }
    }
}

fn table(settings: &[Setting]) -> Markup {
    if settings.is_empty() {
        return part::empty(
            "The program does not say",
            "Its settings are shown where it runs.",
            "gapwright config show --origin",
        );
    }
    html! {
        div .scroll {
            table {
                caption .sr { "Settings" }
                thead { tr { th scope="col" { "Setting" } th scope="col" { "Value" } th scope="col" { "From" } } }
                tbody {
                    @for setting in settings {
                        tr { td .mono { (setting.key) } td .mono { (part::line(&setting.value, 300)) } td { @if setting.is_default { span .soft { (setting.origin) } } @else { (part::tag(Tone::Run, &setting.origin)) } } }
                    }
                }
            }
        }
    }
}
