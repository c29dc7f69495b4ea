//! Every act of the page: what it is called, what will happen, and what must be said for it.

/// How a field is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It comes with the way to the act, and is shown; where it does not, it is a line.
    Given,
    /// A line.
    Line,
    /// A text.
    Long,
    /// One of a few.
    Choice,
}

/// Something that is said with an act.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    pub(super) kind: Kind,
    pub(super) may_be_empty: bool,
    pub(super) chars_max: usize,
}

/// An act.
#[derive(Debug)]
pub(super) struct Act {
    /// As it stands in its address.
    pub(super) name: &'static str,
    /// As it stands in the audit.
    pub(super) tool: &'static str,
    pub(super) title: &'static str,
    /// What will happen.
    pub(super) about: &'static str,
    /// What its button says.
    pub(super) verb: &'static str,
    /// Whether it ends or stops something.
    pub(super) is_grave: bool,
    pub(super) fields: &'static [Field],
}

/// The longest name that is said with an act, in characters.
const NAME_CHARS_MAX: usize = 1_000;

const fn given(name: &'static str, label: &'static str) -> Field {
    Field { name, label, hint: "", kind: Kind::Given, may_be_empty: false, chars_max: NAME_CHARS_MAX }
}

const fn choice(name: &'static str, label: &'static str, hint: &'static str) -> Field {
    Field { name, label, hint, kind: Kind::Choice, may_be_empty: true, chars_max: NAME_CHARS_MAX }
}

/// Why, for whoever reads it later. Its bounds are those of every written reason.
const REASON: Field = Field {
    name: "reason",
    label: "Why",
    hint: "For whoever reads it later, in 10 characters or more.",
    kind: Kind::Long,
    may_be_empty: false,
    chars_max: 1_000,
};

/// The same where evidence may be reason enough.
const REASON_IF_NEEDED: Field = Field {
    hint: "Needed only where the evidence is not enough: it stands in for that, and is kept with it.",
    may_be_empty: true,
    ..REASON
};

const MESSAGE: Field = Field {
    name: "message",
    label: "What is to change",
    hint: "It is written as your review, and reaches the implementer.",
    kind: Kind::Long,
    may_be_empty: false,
    chars_max: 10_000,
};

/// The commit that the visitor looked at: another one is not what they act on.
const HEAD: Field = Field { may_be_empty: true, ..given("head", "At the commit") };

/// Every act.
pub(super) const ACTS: [Act; 25] = [
    Act {
        name: "trigger-job",
        tool: "page trigger-job",
        title: "Run a job",
        about: "It is due at once, and its failed attempts are forgotten. Where it is held, it runs once more after that.",
        verb: "Run it",
        is_grave: false,
        fields: &[given("job", "Job")],
    },
    Act {
        name: "trigger-scheduled",
        tool: "page trigger-scheduled",
        title: "Run a scheduled job",
        about: "It rings at once. Nothing else of it changes.",
        verb: "Run it",
        is_grave: false,
        fields: &[given("name", "Scheduled job")],
    },
    Act {
        name: "break-lock",
        tool: "page break-lock",
        title: "Break a lock",
        about: "Whoever holds it is not asked: what they go on to do is refused by its fencing token, where that is looked at.",
        verb: "Break it",
        is_grave: true,
        fields: &[given("key", "Lock")],
    },
    Act {
        name: "answer-decision",
        tool: "page answer-decision",
        title: "Answer a question",
        about: "The first answer stands. Whoever takes the job next is told it.",
        verb: "Answer",
        is_grave: false,
        fields: &[
            given("decision", "Question"),
            choice("option", "Your answer", "The first is the agent's own choice."),
        ],
    },
    Act {
        name: "wontfix-gap",
        tool: "page wontfix-gap",
        title: "Leave a gap as it is",
        about: "Agents do not work on it. It stays in the inventory, and can be opened again.",
        verb: "Leave it as it is",
        is_grave: true,
        fields: &[given("gap", "Gap"), REASON],
    },
    Act {
        name: "close-gap",
        tool: "page close-gap",
        title: "Say that what was missing is there",
        about: "The gap counts as merged. The next success of a job that it blocked proves it.",
        verb: "It is there",
        is_grave: false,
        fields: &[given("gap", "Gap"), REASON],
    },
    Act {
        name: "reopen-gap",
        tool: "page reopen-gap",
        title: "Open a gap again",
        about: "Agents may work on it again.",
        verb: "Open it",
        is_grave: false,
        fields: &[given("gap", "Gap"), REASON],
    },
    Act {
        name: "prioritize-gap",
        tool: "page prioritize-gap",
        title: "Say how important a gap is",
        about: "A person's word counts more than the reports. Left to the reports, they count again.",
        verb: "Say so",
        is_grave: false,
        fields: &[given("gap", "Gap"), choice("priority", "Priority", "")],
    },
    Act {
        name: "merge-gaps",
        tool: "page merge-gaps",
        title: "Say that two gaps are the same",
        about: "The second stands for both: it takes over the reports, the jobs and what depends on it.",
        verb: "They are the same",
        is_grave: false,
        fields: &[given("duplicate", "The one"), given("into", "Stands for both")],
    },
    Act {
        name: "tell-gaps-apart",
        tool: "page tell-gaps-apart",
        title: "Say that two gaps are not the same",
        about: "They are not proposed again.",
        verb: "They are not the same",
        is_grave: false,
        fields: &[given("one", "The one"), given("other", "The other")],
    },
    Act {
        name: "raise-level",
        tool: "page raise-level",
        title: "Raise the level of autonomy",
        about: "The next level does more by itself. It opens by evidence, or by a written reason.",
        verb: "Raise it",
        is_grave: false,
        fields: &[given("seen", "From the level"), REASON_IF_NEEDED],
    },
    Act {
        name: "lower-level",
        tool: "page lower-level",
        title: "Lower the level of autonomy",
        about: "It takes effect at once. What runs already ends as it would.",
        verb: "Lower it",
        is_grave: true,
        fields: &[
            choice("to", "To the level", ""),
            Field { hint: "For whoever reads it later; it may be left out.", ..REASON_IF_NEEDED },
        ],
    },
    Act {
        name: "switch-off",
        tool: "page switch-off",
        title: "Switch something off",
        about: "What is switched off begins no work and writes nothing. What runs already is told, and goes on to its end.",
        verb: "Switch it off",
        is_grave: true,
        fields: &[
            Field { hint: "all, kind:KIND or repo:OWNER/NAME", kind: Kind::Line, ..given("scope", "What") },
            REASON,
        ],
    },
    Act {
        name: "switch-on",
        tool: "page switch-on",
        title: "Switch something on again",
        about: "Work of it begins again.",
        verb: "Switch it on",
        is_grave: false,
        fields: &[given("scope", "What")],
    },
    Act {
        name: "arm-gate",
        tool: "page arm-gate",
        title: "Let a stratum merge by itself",
        about: "For 90 days at most, once its evidence is enough, in the pace of its phase. Somebody answers for it.",
        verb: "Arm it",
        is_grave: true,
        fields: &[
            given("stratum", "Stratum"),
            Field {
                hint: "Who is asked when it goes wrong.",
                kind: Kind::Line,
                ..given("owner", "Who answers for it")
            },
            REASON,
        ],
    },
    Act {
        name: "disarm-gate",
        tool: "page disarm-gate",
        title: "Stop a stratum from merging by itself",
        about: "It takes effect at once.",
        verb: "Disarm it",
        is_grave: true,
        fields: &[given("stratum", "Stratum"), REASON],
    },
    Act {
        name: "merge-pull",
        tool: "page merge-pull",
        title: "Merge a pull request",
        about: "It goes into its branch as it is at this commit, and only if that is its head.",
        verb: "Merge it",
        is_grave: false,
        fields: &[given("number", "Number"), HEAD, choice("method", "How", "")],
    },
    Act {
        name: "request-changes",
        tool: "page request-changes",
        title: "Request changes of a pull request",
        about: "It goes back to its implementer for another round.",
        verb: "Request changes",
        is_grave: false,
        fields: &[given("number", "Number"), HEAD, MESSAGE],
    },
    Act {
        name: "close-pull",
        tool: "page close-pull",
        title: "Close a pull request",
        about: "Nothing becomes of it. That counts as evidence, as a merge would.",
        verb: "Close it",
        is_grave: true,
        fields: &[given("number", "Number")],
    },
    Act {
        name: "reopen-pull",
        tool: "page reopen-pull",
        title: "Open a pull request again",
        about: "It goes on where it was.",
        verb: "Open it",
        is_grave: false,
        fields: &[given("number", "Number")],
    },
    Act {
        name: "resume-pull",
        tool: "page resume-pull",
        title: "Let a pull request go on",
        about: "It gets its rounds anew, and what was spent too much is forgiven.",
        verb: "Let it go on",
        is_grave: false,
        fields: &[given("pull", "Pull request"), REASON],
    },
    Act {
        name: "stop-pull",
        tool: "page stop-pull",
        title: "Stop a pull request",
        about: "No agent goes on with it until a person says so.",
        verb: "Stop it",
        is_grave: true,
        fields: &[given("pull", "Pull request"), REASON],
    },
    Act {
        name: "release-write",
        tool: "page release-write",
        title: "Say whether something was written",
        about: "Look on the forge first. What was not made is made again.",
        verb: "Say so",
        is_grave: false,
        fields: &[given("write", "Write"), choice("made", "Is it there?", "")],
    },
    Act {
        name: "requeue-message",
        tool: "page requeue-message",
        title: "Send a message again",
        about: "It is tried anew, as if it were just written.",
        verb: "Send it",
        is_grave: false,
        fields: &[given("message", "Message")],
    },
    Act {
        name: "revoke-token",
        tool: "page revoke-token",
        title: "Revoke a token",
        about: "Whoever shows it is turned away, for ever; a server that has just seen it may take it for two seconds more.",
        verb: "Revoke it",
        is_grave: true,
        fields: &[given("token", "Token")],
    },
];

/// The act of a name.
pub(super) fn find(name: &str) -> Option<&'static Act> {
    static ALL: [Act; 25] = ACTS;
    ALL.iter().find(|act| act.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_a_name_of_its_own_and_says_what_will_happen() {
        for (at, act) in ACTS.iter().enumerate() {
            assert!(ACTS.iter().skip(at + 1).all(|other| other.name != act.name), "{}", act.name);
            assert_eq!(act.tool.strip_prefix("page "), Some(act.name));
            assert!(act.about.ends_with('.') && !act.verb.is_empty(), "{}", act.name);
        }
    }
}
