//! Every tool there is, by its name and by every name that means it, and whether its words pass every gateway.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::catalogue;
use serde_json::Value;

use super::tool::Tool;
use super::{
    INSTRUCTIONS, check_in, checks, gap, gate, job, lock, notice, printable, prompt, pull, resource, scheduled,
};

/// Every tool, by its name without the prefix.
pub(super) static TOOLS: LazyLock<BTreeMap<&'static str, Tool>> = LazyLock::new(|| {
    let nouns = [
        lock::tools(),
        job::tools(),
        scheduled::tools(),
        checks::tools(),
        gap::tools(),
        pull::tools(),
        gate::tools(),
        check_in::tools(),
        notice::tools(),
    ];
    nouns.into_iter().flatten().map(|tool| (tool.name, tool)).collect()
});

/// The hash of the catalogue as registered under a prefix.
pub fn catalogue_hash(prefix: &str) -> String {
    catalogue::hash(TOOLS.values().map(|tool| (format!("{prefix}{}", tool.name), tool.about.to_owned())))
}

/// The names of the tools under a prefix, sorted.
pub fn tool_names(prefix: &str) -> Vec<String> {
    TOOLS.keys().map(|name| format!("{prefix}{name}")).collect()
}

/// What is wrong with the words of the catalogue; empty when nothing is. A gateway would drop or rewrite them.
pub fn catalogue_faults(prefix: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check =
        |what: &str, found: Vec<String>| faults.extend(found.into_iter().map(|fault| format!("{what}: {fault}")));
    for tool in TOOLS.values() {
        let listed = tool.listed(prefix);
        check(&listed.name, catalogue::name_faults(&listed.name));
        check(&listed.name, catalogue::text_faults(tool.title));
        check(&listed.name, catalogue::text_faults(tool.about));
        for schema in [Some(&listed.input_schema), listed.output_schema.as_ref()].into_iter().flatten() {
            for text in descriptions(&Value::Object((**schema).clone())) {
                check(&listed.name, catalogue::text_faults(&text));
            }
        }
    }
    check("instructions", catalogue::text_faults(INSTRUCTIONS));
    for (name, text) in prompt::words().chain(resource::words()) {
        check(name, catalogue::text_faults(text));
    }
    faults
}

/// Every description in a schema.
fn descriptions(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(object) => {
            let own = object.get("description").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(object.values().flat_map(descriptions)).collect()
        }
        Value::Array(items) => items.iter().flat_map(descriptions).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// What the tools of the seed began with, and what Routines wrote for it still say.
const SEED_PREFIX: &str = "monolith-agent-";

/// The tool that a name means: as listed, with underscores, or behind a gateway's own prefix, which may hold ours too.
pub(super) fn find(prefix: &str, name: &str) -> Option<&'static Tool> {
    let name = name.replace('_', "-");
    let behind = |prefix: &str| {
        let places = name.rmatch_indices(prefix).map(|(at, _)| at);
        let mut places = places.filter(|at| *at == 0 || name[..*at].ends_with('-'));
        places.find_map(|at| TOOLS.get(&name[at + prefix.len()..]))
    };
    let mut prefixes = [prefix, SEED_PREFIX].into_iter().filter(|prefix| !prefix.is_empty());
    prefixes.find_map(behind).or_else(|| TOOLS.get(name.as_str()))
}

/// What to say of a name that means no tool, with the nearest one that does.
pub(super) fn unknown_tool(prefix: &str, name: &str) -> String {
    let name = printable(name);
    let near = tool_names(prefix).into_iter().map(|known| (strsim::jaro_winkler(&known, &name), known));
    match near.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(near, _)| *near > 0.8) {
        Some((_, known)) => format!("there is no tool {name}: did you mean {known}?"),
        None => format!("there is no tool {name}: tools/list shows those that there are"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: &str = SEED_PREFIX;

    #[test]
    fn every_word_that_is_registered_passes_every_gateway() {
        assert_eq!(catalogue_faults(PREFIX), Vec::<String>::new());
        assert!(!catalogue_faults("Bad_Prefix").is_empty());
    }

    #[test]
    fn the_three_spellings_of_a_name_mean_the_same_tool() {
        for name in [
            "monolith-agent-acquire-lock",
            "monolith_agent_acquire_lock",
            "monolith-monolith-agent-acquire-lock",
            "peer-monolith-agent-acquire-lock",
            "monolith-agent-gateway-monolith-agent-acquire-lock",
            "acquire-lock",
        ] {
            assert_eq!(find(PREFIX, name).map(|tool| tool.name), Some("acquire-lock"), "{name}");
        }
        // A prefix may be how a tool's own name begins.
        assert_eq!(find("check-", "check-in").map(|tool| tool.name), Some("check-in"));
        assert_eq!(find("check-", "check-check-in").map(|tool| tool.name), Some("check-in"));
        for name in [
            "",
            "monolith-agent-",
            "acquire",
            "xmonolith-agent-acquire-lock",
            "monolith-agent-acquire-lock-x",
            "acquire-lock\u{202e}",
        ] {
            assert!(find(PREFIX, name).is_none(), "{name}");
        }
    }

    #[test]
    fn without_a_prefix_a_name_means_only_itself_and_what_the_seed_called_it() {
        for name in ["acquire-lock", "monolith-agent-acquire-lock"] {
            assert_eq!(find("", name).map(|tool| tool.name), Some("acquire-lock"), "{name}");
        }
        for name in ["never-acquire-lock", "-acquire-lock", ""] {
            assert!(find("", name).is_none(), "{name}");
        }
    }

    #[test]
    fn the_catalogue_is_these_tools() {
        assert_eq!(
            tool_names(""),
            [
                "acquire-lock",
                "ask-operator",
                "check-dead-letters",
                "check-firing-alerts",
                "check-in",
                "check-orphan-jobs",
                "check-stuck-jobs",
                "check-stuck-routine-jobs",
                "claim-routine-job",
                "complete-and-claim",
                "complete-routine-job",
                "defer-routine-job",
                "delegate-claim",
                "deregister-routine-job",
                "explain-gate",
                "extend-lock",
                "list-gaps",
                "list-locks",
                "list-routine-jobs",
                "my-budget",
                "notify",
                "pipeline-status",
                "register-routine-job",
                "release-lock",
                "renew-routine-job",
                "report-gap",
                "report-usage",
                "show-gap",
                "show-work",
                "submit-change",
                "submit-merge-verdict",
                "submit-plan",
                "submit-review",
                "trigger-job",
                "trigger-routine-job",
            ]
        );
    }
}
