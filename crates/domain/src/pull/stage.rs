//! The four stages of the pipeline, and who may stand in which: never one instance in two of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::agent::Role;
use crate::refusal::{Code, Refusal};

/// A stage, and the agent whose turn it is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Says how the gap is closed, by two or three ways of which the simplest is chosen.
    Planner,
    /// Drafts the change, and revises it.
    Implementer,
    /// Judges the change: what is to be better?
    Reviewer,
    /// Judges the whole: does it cohere?
    Merger,
}

impl Stage {
    /// Every stage, in the order of the pipeline.
    pub const ALL: [Self; 4] = [Self::Planner, Self::Implementer, Self::Reviewer, Self::Merger];

    /// The stage as it is written, which is the kind of its jobs too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planner => "planner",
            Self::Implementer => "implementer",
            Self::Reviewer => "reviewer",
            Self::Merger => "merger",
        }
    }

    /// Reads a stage by its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == text)
    }

    /// The role that works in it.
    pub const fn role(self) -> Role {
        match self {
            Self::Planner => Role::Planner,
            Self::Implementer => Role::Implementer,
            Self::Reviewer => Role::Reviewer,
            Self::Merger => Role::Merger,
        }
    }

    /// The tool by which its work is handed in.
    pub const fn tool(self) -> &'static str {
        match self {
            Self::Planner => "submit-plan",
            Self::Implementer => "submit-change",
            Self::Reviewer => "submit-review",
            Self::Merger => "submit-merge-verdict",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Refuses a name such as turns of pull requests have: those the server gives out itself.
pub fn reserve(name: &str) -> Result<(), Refusal> {
    match name.split_once(':').and_then(|(stage, _)| Stage::parse(stage)) {
        Some(stage) => Err(Refusal::invalid("name", format!("a name that begins with {stage}: is that of a turn"))
            .hint("choose another name: the server registers the turns of pull requests itself")),
        None => Ok(()),
    }
}

/// An instance of an agent, as far as the server can tell it from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// In whose name it works.
    pub principal: String,
    /// The claim under which it works.
    pub run: String,
    /// The token that an operator made and from which its own comes; empty where there was none.
    pub lineage: String,
}

/// Why an instance may not stand in a stage: which other stage it stood in, and by what it is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Same {
    /// The other stage.
    pub stage: Stage,
    /// Its principal, run or lineage.
    pub by: &'static str,
}

/// Looks whether an instance that would stand in `stage` stood in another one of the same pull request. Of an instance
/// without a lineage nobody can tell that it is another, so that it counts as the same as any.
pub fn same_instance(stage: Stage, who: &Instance, stood: &[(Stage, Instance)]) -> Option<Same> {
    stood.iter().filter(|(other, _)| *other != stage).find_map(|(other, instance)| {
        let by = if instance.principal == who.principal {
            "principal"
        } else if instance.run == who.run {
            "run"
        } else if who.lineage.is_empty() || instance.lineage.is_empty() || instance.lineage == who.lineage {
            "lineage"
        } else {
            return None;
        };
        Some(Same { stage: *other, by })
    })
}

impl Same {
    /// The refusal of whoever would stand in `stage` all the same.
    pub fn refusal(self, stage: Stage) -> Refusal {
        let Self { stage: other, by } = self;
        Refusal::new(Code::SameInstance, format!("the {stage} is by its {by} the same instance as the {other}"))
            .hint(format!("let another principal, with a token of its own, be the {stage}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(principal: &str, run: &str, lineage: &str) -> Instance {
        Instance { principal: principal.to_owned(), run: run.to_owned(), lineage: lineage.to_owned() }
    }

    #[test]
    fn the_names_of_turns_are_not_for_others() {
        for (name, free) in [
            ("planner:mcp-tool/x:1.1", false),
            ("reviewer:01ABC:1.2", false),
            ("merger:", false),
            ("planner", true),
            ("nightly:planner", true),
            ("planners:x", true),
        ] {
            assert_eq!(reserve(name).is_ok(), free, "{name}");
        }
    }

    #[test]
    fn one_instance_in_two_stages_is_found_by_its_principal_its_run_or_its_lineage() {
        let stood = [(Stage::Implementer, instance("a", "run-1", "token-1"))];
        for (who, by) in [
            (instance("a", "run-2", "token-2"), Some("principal")),
            (instance("b", "run-1", "token-2"), Some("run")),
            (instance("b", "run-2", "token-1"), Some("lineage")),
            (instance("b", "run-2", ""), Some("lineage")),
            (instance("b", "run-2", "token-2"), None),
        ] {
            for stage in [Stage::Planner, Stage::Reviewer, Stage::Merger] {
                let same = same_instance(stage, &who, &stood);
                assert_eq!(same.map(|same| (same.stage, same.by)), by.map(|by| (Stage::Implementer, by)), "{who:?}");
            }
            // Whoever drafted it may revise it.
            assert_eq!(same_instance(Stage::Implementer, &who, &stood), None);
        }
    }
}
