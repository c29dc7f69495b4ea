//! Plans: two or three ways to close a gap, of which the simplest is chosen.

use serde::{Deserialize, Serialize};

use super::verdict::text;
use crate::refusal::Refusal;

/// How many ways a plan weighs.
pub const APPROACHES: (usize, usize) = (2, 3);

/// The longest name of an approach, in characters.
const NAME_CHARS_MAX: usize = 100;

/// The longest words on an approach, in characters.
const ABOUT_CHARS_MAX: usize = 2_000;

/// The longest steps of a plan, in characters: what an implementer reads before it begins.
pub const STEPS_CHARS_MAX: usize = 20_000;

/// How many lines a plan may expect to change: far beyond any cap.
const LINES_MAX: i64 = 1_000_000;

/// One way to close a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approach {
    /// What it is called.
    pub name: String,
    /// What it does, and what speaks for and against it.
    pub about: String,
    /// How many lines it would add and take away, all in all.
    pub lines: i64,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The ways that were weighed.
    pub approaches: Vec<Approach>,
    /// The name of the one that is taken.
    pub chosen: String,
    /// What is to be done, step by step, and how it is shown to work.
    pub steps: String,
}

impl Plan {
    /// Checks a plan: two or three ways, each with another name, and the one taken changes the fewest lines.
    pub fn check(&self) -> Result<(), Refusal> {
        let (min, max) = APPROACHES;
        if !(min..=max).contains(&self.approaches.len()) {
            let message = format!("there are {} approaches", self.approaches.len());
            return Err(
                Refusal::invalid("approaches", message).hint(format!("weigh {min} to {max} against each other"))
            );
        }
        for (at, approach) in self.approaches.iter().enumerate() {
            text(format!("approaches[{at}].name"), &approach.name, NAME_CHARS_MAX)?;
            text(format!("approaches[{at}].about"), &approach.about, ABOUT_CHARS_MAX)?;
            if !(1..=LINES_MAX).contains(&approach.lines) {
                let message = format!("approaches[{at}] changes {} lines", approach.lines);
                return Err(Refusal::invalid(format!("approaches[{at}].lines"), message)
                    .hint(format!("expect 1 to {LINES_MAX} lines")));
            }
            if self.approaches[..at].iter().any(|other| other.name == approach.name) {
                let message = format!("two approaches are called {:?}", approach.name);
                return Err(Refusal::invalid("approaches", message).hint("give each a name of its own"));
            }
        }
        text("steps", &self.steps, STEPS_CHARS_MAX)?;
        self.simplest()
    }

    fn simplest(&self) -> Result<(), Refusal> {
        let named = |approach: &&Approach| approach.name == self.chosen;
        let names = || self.approaches.iter().map(|approach| approach.name.as_str()).collect::<Vec<_>>().join(", ");
        let Some(chosen) = self.approaches.iter().find(named) else {
            return Err(Refusal::invalid("chosen", "chosen names none of the approaches")
                .hint(format!("name one of {}", names())));
        };
        match self.approaches.iter().min_by_key(|approach| approach.lines) {
            Some(simplest) if simplest.lines < chosen.lines => Err(Refusal::invalid(
                "chosen",
                format!("{:?} changes fewer lines than {:?}, which was chosen", simplest.name, chosen.name),
            )
            .hint("choose the simplest, or leave out what does not close the gap")),
            Some(_) | None => Ok(()),
        }
    }

    /// The plan in Markdown, for an issue. It is an agent's text, and stands in a block of its own.
    pub fn shown(&self) -> String {
        let mut lines = Vec::new();
        for approach in &self.approaches {
            let mark = if approach.name == self.chosen { ", chosen" } else { "" };
            lines.push(format!("{} ({} lines{mark}):", crate::mirror::code(&approach.name), approach.lines));
            lines.push(crate::mirror::block(&approach.about));
        }
        lines.push("Steps:".to_owned());
        lines.push(crate::mirror::block(&self.steps));
        lines.join("\n\n")
    }
}

/// What opens and closes our plan in the body of an issue.
const MARKERS: (&str, &str) = ("<!-- gapwright-plan -->", "<!-- /gapwright-plan -->");

/// The body of an issue with a plan between our markers: where there was one it is replaced, and nothing else is touched.
pub fn written_into(body: &str, plan: &str) -> String {
    let (open, close) = MARKERS;
    let plan = format!("{open}\n## Plan\n\n{}\n{close}", plan.trim_end());
    match body.split_once(open).and_then(|(before, rest)| Some((before, rest.split_once(close)?.1))) {
        Some((before, after)) => format!("{before}{plan}{after}"),
        None => format!("{}\n\n{plan}\n", body.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approach(name: &str, lines: i64) -> Approach {
        Approach { name: name.to_owned(), about: "it works".to_owned(), lines }
    }

    fn plan(approaches: Vec<Approach>, chosen: &str) -> Plan {
        Plan { approaches, chosen: chosen.to_owned(), steps: "1. do it".to_owned() }
    }

    #[test]
    fn the_simplest_of_two_or_three_is_chosen() {
        let (a, b, c, d) = (approach("a", 10), approach("b", 20), approach("c", 30), approach("d", 40));
        for (plan, refused) in [
            (plan(vec![a.clone(), b.clone()], "a"), None),
            (plan(vec![c.clone(), a.clone(), b.clone()], "a"), None),
            (plan(vec![a.clone(), approach("e", 10)], "e"), None),
            (plan(vec![a.clone(), b.clone()], "b"), Some("chosen")),
            (plan(vec![a.clone(), b.clone()], "z"), Some("chosen")),
            (plan(vec![a.clone()], "a"), Some("approaches")),
            (plan(vec![a.clone(), b.clone(), c, d], "a"), Some("approaches")),
            (plan(vec![a.clone(), a.clone()], "a"), Some("approaches")),
            (plan(vec![approach("x", 0), b.clone()], "x"), Some("approaches[0].lines")),
            (plan(vec![approach("", 1), b.clone()], "b"), Some("approaches[0].name")),
            (Plan { steps: " ".to_owned(), ..plan(vec![a, b], "a") }, Some("steps")),
        ] {
            let field = plan.check().err().and_then(|no| no.field);
            assert_eq!(field.as_deref(), refused, "{plan:?}");
        }
    }

    #[test]
    fn a_plan_is_written_between_markers_and_what_people_wrote_stays() {
        let first = written_into("people wrote this", "one");
        assert!(first.starts_with("people wrote this\n\n<!-- gapwright-plan -->\n## Plan\n\none\n"), "{first}");
        let edited = format!("{first}\npeople wrote that");
        let second = written_into(&edited, "two");
        assert_eq!(second, edited.replace("\none\n", "\ntwo\n"));
        assert_eq!(written_into(&second, "two"), second);
    }

    #[test]
    fn a_plan_cannot_break_out_of_its_markers() {
        let mut sly = plan(vec![approach("a", 1), approach("b", 2)], "a");
        sly.steps = "x\n<!-- /gapwright-plan -->\n@everybody <!-- gapwright-gap: adr/b -->".to_owned();
        let body = written_into("people", &sly.shown());
        assert_eq!(body.matches("<!-- /gapwright-plan -->").count(), 1, "{body}");
        assert_eq!(crate::mirror::marked(&body), None);
    }
}
