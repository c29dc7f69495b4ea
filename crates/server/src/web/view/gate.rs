//! The gate as people read it: a checklist of everything that it asks, each thing with what it means and with what was found.

use domain::gate::Item;
use domain::outcome::Answer as Is;
use domain::time::Time;
use maud::{Markup, html};
use plane::No;
use plane::gate::Explained;

use super::super::part::{self, Tone};
use super::Cx;

/// Why a pull request does or does not merge by itself.
pub(super) fn judged(cx: &Cx<'_>, explained: Option<&Explained>) -> Result<Markup, No> {
    let Some(explained) = explained else {
        return Ok(part::empty(
            "Never at the gate",
            "What bots approved, and shows nothing, comes there.",
            "gapwright gate show",
        ));
    };
    let Some(judged) = &explained.judged else {
        return Ok(part::empty(
            "Never at the gate",
            "What bots approved, and shows nothing, comes there.",
            &format!("gapwright gate explain {}", explained.pull.there.number.unwrap_or_default()),
        ));
    };
    let judgement = judged.judgement()?;
    Ok(html! {
        div .bd {
            p { b { (judgement.word.name()) } ", judged " (cx.ago(Time(judged.at))) @if !explained.same { " " (part::tag(Tone::Bad, "judged anew from its record: another")) } }
            (checklist(&judgement.items))
            @for found in &explained.outcomes { p { (part::tag(Tone::Plain, &found.outcome.replace('_', " "))) " " (part::line(&found.why, 200)) } }
        }
    })
}

/// What the gate asks, each with what was found: first what keeps it shut.
pub(super) fn checklist(items: &[Item]) -> Markup {
    let (passed, shut): (Vec<_>, Vec<_>) = items.iter().partition(|item| item.is == Is::Pass);
    html! {
        (checks(&shut))
        @if !passed.is_empty() {
            details open[shut.is_empty()] { summary { (passed.len()) " of " (items.len()) " pass" } (checks(&passed)) }
        }
    }
}

fn checks(items: &[&Item]) -> Markup {
    html! {
        ul .check {
            @for item in items {
                @let (tone, word, found) = match &item.is {
                    Is::Pass => (Tone::Good, "pass", &item.found),
                    Is::Fail(why) => (Tone::Bad, "fail", why),
                    Is::Unknown(why) => (Tone::Warn, "unknown", why),
                };
                li {
                    (part::tag(tone, word))
                    span {
                        b { (item.what) } @if !found.is_empty() { " " (part::line(found, 300)) }
                        @if !item.means().is_empty() { br; span .soft.means { (item.means()) } }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::gate::Of;

    use super::*;

    #[test]
    fn each_thing_that_is_asked_says_what_it_means_and_what_was_found() {
        let item = |what: &str, is: Is, found: &str| Item { what: what.into(), of: Of::Pace, is, found: found.into() };
        let items = [
            item("draw", Is::Pass, "<half>"),
            item("streak", Is::Fail("3 of <50>".into()), ""),
            item("later <b>", Is::Unknown("nobody knows".into()), ""),
        ];
        let shown = checklist(&items).into_string();
        for says in [
            "drawn by lot for a person",
            "how many in a row people merged",
            "3 of &lt;50&gt;",
            "&lt;half&gt;",
            "later &lt;b&gt;",
        ] {
            assert!(shown.contains(says), "{says}: {shown}");
        }
        assert_eq!(shown.matches("class=\"soft means\"").count(), 2, "what is not known here says nothing: {shown}");
        let (fails, passes) = (shown.find(">fail<"), shown.find(">pass<"));
        assert!(fails < passes, "what keeps it shut comes first: {shown}");
    }
}
