//! Every act of the page.

use super::shape::{Act, Do, Field, Kind, Leave, OfGap, OfPull, Work};

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
pub(super) const ACTS: [Act; 26] = [
    Act {
        name: "trigger-job",
        does: Do::Work(Work::TriggerJob),
        tool: "page trigger-job",
        title: "Run a job",
        about: "It is due at once, and its failed attempts are forgotten. Where it is held, it runs once more after that.",
        verb: "Run it",
        is_grave: false,
        fields: &[given("job", "Job")],
    },
    Act {
        name: "trigger-scheduled",
        does: Do::Work(Work::TriggerScheduled),
        tool: "page trigger-scheduled",
        title: "Run a scheduled job",
        about: "It rings at once. Nothing else of it changes.",
        verb: "Run it",
        is_grave: false,
        fields: &[given("name", "Scheduled job")],
    },
    Act {
        name: "break-lock",
        does: Do::Work(Work::BreakLock),
        tool: "page break-lock",
        title: "Break a lock",
        about: "Whoever holds it is not asked: what they go on to do is refused by its fencing token, where that is looked at.",
        verb: "Break it",
        is_grave: true,
        fields: &[given("key", "Lock"), given("token", "With the fencing token")],
    },
    Act {
        name: "answer-decision",
        does: Do::Work(Work::Answer),
        tool: "page answer-decision",
        title: "Answer a question",
        about: "The first answer stands. Whoever takes the job next is told it.",
        verb: "Answer",
        is_grave: false,
        fields: &[
            given("decision", "Question"),
            Field { may_be_empty: false, ..choice("option", "Your answer", "The first is the agent's own choice.") },
        ],
    },
    Act {
        name: "wontfix-gap",
        does: Do::Gap(OfGap::Wontfix),
        tool: "page wontfix-gap",
        title: "Mark a gap as won't fix",
        about: "Agents do not work on it. It stays in the inventory, and can be opened again.",
        verb: "Mark as won't fix",
        is_grave: true,
        fields: &[given("gap", "Gap"), REASON],
    },
    Act {
        name: "close-gap",
        does: Do::Gap(OfGap::Close),
        tool: "page close-gap",
        title: "Say that what was missing is there",
        about: "The gap counts as merged. The next success of a job that it blocked proves it.",
        verb: "It is there",
        is_grave: false,
        fields: &[given("gap", "Gap"), REASON],
    },
    Act {
        name: "reopen-gap",
        does: Do::Gap(OfGap::Reopen),
        tool: "page reopen-gap",
        title: "Open a gap again",
        about: "Agents may work on it again.",
        verb: "Open it",
        is_grave: false,
        fields: &[given("gap", "Gap"), REASON],
    },
    Act {
        name: "prioritize-gap",
        does: Do::Gap(OfGap::Prioritize),
        tool: "page prioritize-gap",
        title: "Say how important a gap is",
        about: "A person's word counts more than the reports. Left to the reports, they count again.",
        verb: "Say so",
        is_grave: false,
        fields: &[given("gap", "Gap"), choice("priority", "Priority", "")],
    },
    Act {
        name: "merge-gaps",
        does: Do::Gap(OfGap::Merge),
        tool: "page merge-gaps",
        title: "Say that two gaps are the same",
        about: "The second stands for both: it takes over the reports, the jobs and what depends on it.",
        verb: "They are the same",
        is_grave: false,
        fields: &[given("duplicate", "The one"), given("into", "Stands for both")],
    },
    Act {
        name: "tell-gaps-apart",
        does: Do::Gap(OfGap::TellApart),
        tool: "page tell-gaps-apart",
        title: "Say that two gaps are not the same",
        about: "They are not proposed again.",
        verb: "They are not the same",
        is_grave: false,
        fields: &[given("one", "The one"), given("other", "The other")],
    },
    Act {
        name: "raise-level",
        does: Do::Leave(Leave::Raise),
        tool: "page raise-level",
        title: "Raise the level of autonomy",
        about: "The next level does more by itself. It opens by evidence, or by a written reason.",
        verb: "Raise it",
        is_grave: false,
        fields: &[given("seen", "From the level"), REASON_IF_NEEDED],
    },
    Act {
        name: "lower-level",
        does: Do::Leave(Leave::Lower),
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
        does: Do::Leave(Leave::Off),
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
        does: Do::Leave(Leave::On),
        tool: "page switch-on",
        title: "Switch something on again",
        about: "Work of it begins again.",
        verb: "Switch it on",
        is_grave: false,
        fields: &[given("scope", "What")],
    },
    Act {
        name: "arm-gate",
        does: Do::Leave(Leave::Arm),
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
        does: Do::Leave(Leave::Disarm),
        tool: "page disarm-gate",
        title: "Stop a stratum from merging by itself",
        about: "It takes effect at once.",
        verb: "Disarm it",
        is_grave: true,
        fields: &[given("stratum", "Stratum"), REASON],
    },
    Act {
        name: "merge-pull",
        does: Do::Pull(OfPull::Merge),
        tool: "page merge-pull",
        title: "Merge a pull request",
        about: "It goes into its branch as it is at this commit, and only if that is its head.",
        verb: "Merge it",
        is_grave: false,
        fields: &[given("number", "Number"), HEAD, choice("method", "How", "")],
    },
    Act {
        name: "request-changes",
        does: Do::Pull(OfPull::RequestChanges),
        tool: "page request-changes",
        title: "Request changes of a pull request",
        about: "It goes back to its implementer for another round.",
        verb: "Request changes",
        is_grave: false,
        fields: &[given("number", "Number"), HEAD, MESSAGE],
    },
    Act {
        name: "close-pull",
        does: Do::Pull(OfPull::Close),
        tool: "page close-pull",
        title: "Close a pull request",
        about: "Nothing becomes of it. That counts as evidence, as a merge would.",
        verb: "Close it",
        is_grave: true,
        fields: &[given("number", "Number")],
    },
    Act {
        name: "reopen-pull",
        does: Do::Pull(OfPull::Reopen),
        tool: "page reopen-pull",
        title: "Open a pull request again",
        about: "It goes on where it was.",
        verb: "Open it",
        is_grave: false,
        fields: &[given("number", "Number")],
    },
    Act {
        name: "resume-pull",
        does: Do::Pull(OfPull::Resume),
        tool: "page resume-pull",
        title: "Let a pull request go on",
        about: "It gets its rounds anew, and what was spent too much is forgiven.",
        verb: "Let it go on",
        is_grave: false,
        fields: &[given("pull", "Pull request"), REASON],
    },
    Act {
        name: "stop-pull",
        does: Do::Pull(OfPull::Stop),
        tool: "page stop-pull",
        title: "Stop a pull request",
        about: "No agent goes on with it until a person says so.",
        verb: "Stop it",
        is_grave: true,
        fields: &[given("pull", "Pull request"), REASON],
    },
    Act {
        name: "release-write",
        does: Do::Pull(OfPull::ReleaseWrite),
        tool: "page release-write",
        title: "Say whether something was written",
        about: "Look on the forge first. What was not made is made again.",
        verb: "Say so",
        is_grave: false,
        fields: &[given("write", "Write"), choice("made", "Is it there?", "")],
    },
    Act {
        name: "requeue-message",
        does: Do::Work(Work::Requeue),
        tool: "page requeue-message",
        title: "Send a message again",
        about: "It is tried anew, as if it were just written.",
        verb: "Send it",
        is_grave: false,
        fields: &[given("message", "Message")],
    },
    Act {
        name: "release-start",
        does: Do::Work(Work::ReleaseStart),
        tool: "page release-start",
        title: "Say whether a Routine was started",
        about: "Look among its sessions first. What was not started is started again.",
        verb: "Say so",
        is_grave: false,
        fields: &[given("start", "Start"), choice("made", "Does it run, or did it?", "")],
    },
    Act {
        name: "revoke-token",
        does: Do::Work(Work::Revoke),
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
    static ALL: [Act; 26] = ACTS;
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
