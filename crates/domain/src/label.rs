//! The labels by which people steer: which names they have here, and what a set of them says.
//!
//! Two names that differ in case only are one label. People may rename a label: its name is then the new one.

use crate::gap::Priority;

/// The longest name of a label, in characters: GitHub's bound.
pub const NAME_CHARS_MAX: usize = 50;

/// What a label of ours is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The issue is a gap's.
    Gap,
    /// People let agents act on it.
    OptIn,
    /// Hands off: it wins over everything.
    OptOut,
    /// People will live without it.
    WontFix,
    /// It goes on only when a person says so.
    RequiresHuman,
    /// A person's priority.
    Priority(Priority),
    /// A bot is to review the pull request.
    NeedsReview,
    /// A bot wants it changed.
    ChangesRequested,
    /// The bots are done, and a person is to merge it.
    NeedsHuman,
    /// A person is to look at what it shows.
    NeedsVisual,
    /// A bot closed it.
    ClosedByBot,
    /// It was revised as often as it may be.
    MaxIterations,
    /// How often it was revised, 0 to 3.
    Iteration(u8),
    /// A routine has worked on it.
    Attempted,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 20] = [
        Self::Gap,
        Self::OptIn,
        Self::OptOut,
        Self::WontFix,
        Self::RequiresHuman,
        Self::Priority(Priority::Low),
        Self::Priority(Priority::Normal),
        Self::Priority(Priority::High),
        Self::Priority(Priority::Critical),
        Self::NeedsReview,
        Self::ChangesRequested,
        Self::NeedsHuman,
        Self::NeedsVisual,
        Self::ClosedByBot,
        Self::MaxIterations,
        Self::Iteration(0),
        Self::Iteration(1),
        Self::Iteration(2),
        Self::Iteration(3),
        Self::Attempted,
    ];

    /// What it is remembered as.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::OptIn => "opt_in",
            Self::OptOut => "opt_out",
            Self::WontFix => "wontfix",
            Self::RequiresHuman => "requires_human",
            Self::Priority(Priority::Low) => "priority_low",
            Self::Priority(Priority::Normal) => "priority_normal",
            Self::Priority(Priority::High) => "priority_high",
            Self::Priority(Priority::Critical) => "priority_critical",
            Self::NeedsReview => "needs_review",
            Self::ChangesRequested => "changes_requested",
            Self::NeedsHuman => "needs_human",
            Self::NeedsVisual => "needs_visual",
            Self::ClosedByBot => "closed_by_bot",
            Self::MaxIterations => "max_iterations",
            Self::Iteration(0) => "iteration_0",
            Self::Iteration(1) => "iteration_1",
            Self::Iteration(2) => "iteration_2",
            Self::Iteration(_) => "iteration_3",
            Self::Attempted => "attempted",
        }
    }

    /// The name that it has unless configured or renamed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gap => "capability-gap",
            Self::OptIn => "claude",
            Self::OptOut => "manual",
            Self::WontFix => "wontfix",
            Self::RequiresHuman => "requires-human",
            Self::Priority(Priority::Low) => "priority:low",
            Self::Priority(Priority::Normal) => "priority:normal",
            Self::Priority(Priority::High) => "priority:high",
            Self::Priority(Priority::Critical) => "priority:critical",
            Self::NeedsReview => "needs-bot-review",
            Self::ChangesRequested => "bot-requested-changes",
            Self::NeedsHuman => "bot-approved-needs-human",
            Self::NeedsVisual => "requires-manual-visual-review",
            Self::ClosedByBot => "bot-closed-wontfix",
            Self::MaxIterations => "max-iterations-reached",
            Self::Iteration(0) => "iteration:0",
            Self::Iteration(1) => "iteration:1",
            Self::Iteration(2) => "iteration:2",
            Self::Iteration(_) => "iteration:3",
            Self::Attempted => "claude-routine-attempted",
        }
    }

    /// Its colour where it is made.
    pub const fn color(self) -> &'static str {
        match self {
            Self::Gap => "5319e7",
            Self::OptIn | Self::NeedsHuman => "0e8a16",
            Self::OptOut | Self::MaxIterations => "b60205",
            Self::WontFix => "ffffff",
            Self::RequiresHuman => "d93f0b",
            Self::Priority(Priority::Low) => "c2e0c6",
            Self::Priority(Priority::Normal) => "bfdadc",
            Self::Priority(Priority::High) | Self::ChangesRequested => "fbca04",
            Self::Priority(Priority::Critical) => "e11d21",
            Self::NeedsReview => "1d76db",
            Self::NeedsVisual => "d4c5f9",
            Self::ClosedByBot => "cccccc",
            Self::Iteration(_) => "ededed",
            Self::Attempted => "c5def5",
        }
    }

    /// What it says where it is made.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Gap => "A capability that agents lack",
            Self::OptIn => "Agents may act on this",
            Self::OptOut => "Hands off: no agent acts on this",
            Self::WontFix => "This will not be worked on",
            Self::RequiresHuman => "This goes on only when a person says so",
            Self::Priority(Priority::Low) => "Later than others",
            Self::Priority(Priority::Normal) => "As it ranks",
            Self::Priority(Priority::High) => "Sooner than others",
            Self::Priority(Priority::Critical) => "Before all",
            Self::NeedsReview => "A bot is to review this",
            Self::ChangesRequested => "A bot wants this changed",
            Self::NeedsHuman => "The bots are done: a person is to merge this",
            Self::NeedsVisual => "A person is to look at what this shows",
            Self::ClosedByBot => "A bot closed this",
            Self::MaxIterations => "Revised as often as it may be: a person decides",
            Self::Iteration(_) => "How often this was revised",
            Self::Attempted => "A routine has worked on this",
        }
    }
}

/// The labels by which a pull request shows how it stands: ours alone to change, but for the two that people take off.
pub const OF_PULLS: [Role; 11] = [
    Role::NeedsReview,
    Role::ChangesRequested,
    Role::NeedsHuman,
    Role::NeedsVisual,
    Role::ClosedByBot,
    Role::MaxIterations,
    Role::RequiresHuman,
    Role::Iteration(0),
    Role::Iteration(1),
    Role::Iteration(2),
    Role::Iteration(3),
];

/// The names of our labels in one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(Vec<(Role, String)>);

impl Default for Names {
    fn default() -> Self {
        Self(Role::ALL.map(|role| (role, role.name().to_owned())).to_vec())
    }
}

impl Names {
    /// The name of a label.
    pub fn of(&self, role: Role) -> &str {
        self.0.iter().find(|(known, _)| *known == role).map_or(role.name(), |(_, name)| name)
    }

    /// The same with another name for one of them.
    #[must_use]
    pub fn with(mut self, role: Role, name: &str) -> Self {
        for (known, current) in &mut self.0 {
            if *known == role {
                name.clone_into(current);
            }
        }
        self
    }

    /// Whether a label is among those of an issue.
    pub fn has(&self, labels: &[String], role: Role) -> bool {
        let name = self.of(role);
        labels.iter().any(|label| same(label, name))
    }

    /// The priority that labels say: the highest, where there are several.
    pub fn priority(&self, labels: &[String]) -> Option<Priority> {
        Priority::ALL.into_iter().rev().find(|priority| self.has(labels, Role::Priority(*priority)))
    }
}

/// Whether two names are one label.
pub fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// Whether agents may act on what carries these labels: opted in, and not opted out, which wins.
pub fn lets_agents_act(names: &Names, labels: &[String]) -> bool {
    names.has(labels, Role::OptIn) && !names.has(labels, Role::OptOut)
}

/// The workflow files in which another bot is started by a label of this name. A file that names the bot and no label of
/// its own counts: the bot's default is `claude`. Read as text, so that nothing is missed for a file's form.
pub fn also_starts<'a>(label: &str, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let starts = |text: &str| {
        let set = |line: &&str| line.trim_start().trim_start_matches("- ").starts_with("label_trigger:");
        let bots = text.contains("anthropics/claude-code-action");
        let named: Vec<_> = text.lines().filter(set).filter_map(|line| line.split_once(':')).collect();
        bots && match named.as_slice() {
            [] => same(label, Role::OptIn.name()),
            all => all.iter().any(|(_, value)| {
                let value = value.split(" #").next().unwrap_or_default();
                let value = value.trim().trim_matches(['"', '\'']);
                same(value, label) || value.contains("${{")
            }),
        }
    };
    files.into_iter().filter(|(_, text)| starts(text)).map(|(path, _)| path.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn opting_out_wins_over_everything_and_case_does_not_matter() {
        let names = Names::default();
        for (set, may) in [
            (vec!["claude"], true),
            (vec!["Claude", "bug"], true),
            (vec![], false),
            (vec!["claude", "manual"], false),
            (vec!["MANUAL", "claude"], false),
            (vec!["claude-code"], false),
        ] {
            assert_eq!(lets_agents_act(&names, &labels(&set)), may, "{set:?}");
        }
        let renamed = names.with(Role::OptIn, "agents").with(Role::OptOut, "humans-only");
        assert!(lets_agents_act(&renamed, &labels(&["agents", "manual"])));
        assert!(!lets_agents_act(&renamed, &labels(&["agents", "humans-only"])));
    }

    #[test]
    fn of_several_priorities_the_highest_counts() {
        let names = Names::default();
        assert_eq!(names.priority(&labels(&["priority:low", "Priority:High"])), Some(Priority::High));
        assert_eq!(names.priority(&labels(&["bug"])), None);
    }

    #[test]
    fn another_bot_on_the_same_label_is_found() {
        let action = "steps:\n  - uses: anthropics/claude-code-action@v1\n";
        for (label, text, found) in [
            ("claude", action.to_owned(), true),
            ("Claude", action.to_owned(), true),
            ("agents", action.to_owned(), false),
            ("agents", format!("{action}    with:\n      label_trigger: \"agents\" # ours\n"), true),
            ("claude", format!("{action}    with:\n      label_trigger: robots\n"), false),
            ("claude", format!("{action}    with:\n      label_trigger: ${{{{ vars.LABEL }}}}\n"), true),
            ("claude", "steps:\n  - uses: actions/checkout@v4\n".to_owned(), false),
        ] {
            let files = [("a.yml", text.as_str())];
            assert_eq!(!also_starts(label, files).is_empty(), found, "{label}: {text}");
        }
    }
}
