//! What was done, as a person says it: who, what, and what it was done to. An entry of the audit that has no such words keeps its own.

use domain::pull::Stage;

/// By which tool, to what sort of thing, and the words for it; `{}` stands for the thing.
const WORDS: [(&str, &str, &str); 116] = [
    // What agents do.
    ("acquire-lock", "lock", "took {}"),
    ("extend-lock", "lock", "keeps {}"),
    ("release-lock", "lock", "gave {} back"),
    ("register-routine-job", "job", "registered {}"),
    ("deregister-routine-job", "job", "removed {}"),
    ("trigger-routine-job", "job", "asked for a run of {}"),
    ("trigger-job", "scheduled", "rang {}"),
    ("claim-routine-job", "job", "took {} up"),
    ("claim-routine-job", "gap", "took {} up"),
    ("claim-routine-job", "pull", "took a turn of {}"),
    ("renew-routine-job", "job", "is still at {}"),
    ("defer-routine-job", "job", "put {} off"),
    ("defer-routine-job", "pull", "gave a turn of {} back"),
    ("complete-routine-job", "job", "ended a run of {}"),
    ("complete-routine-job", "gap", "ended a run that says something of {}"),
    ("complete-routine-job", "pull", "ended a turn of {}"),
    ("complete-and-claim", "job", "ended one run, and went on to {}"),
    ("complete-and-claim", "gap", "ended a run that says something of {}"),
    ("complete-and-claim", "pull", "ended a turn of {}"),
    ("delegate-claim", "token", "shared its claim by {}"),
    ("report-gap", "gap", "reported {}"),
    ("report-usage", "spend", "said what {} cost"),
    ("submit-plan", "pull", "planned {}"),
    ("submit-change", "pull", "drafted {}"),
    ("submit-review", "pull", "reviewed {}"),
    ("submit-merge-verdict", "pull", "had the last look at {}"),
    ("ask-operator", "decision", "asked {}"),
    ("check-in", "routine", "checked in as {}"),
    ("notify", "channel", "wrote to {}"),
    // What the server does by itself.
    ("expire-claim", "job", "ended a claim of {} that ran out"),
    ("expire-claim", "pull", "ended a turn of {} that ran out"),
    ("expire-claim", "gap", "ended a claim on {} that ran out"),
    ("expire-decision", "decision", "let {} expire"),
    ("take-up", "pull", "began {}"),
    ("open-pull", "pull", "opened {}"),
    ("watch-pulls", "pull", "saw what became of {}"),
    ("watch-pulls", "gap", "saw what became of a change for {}"),
    ("gate", "pull", "judged {}"),
    ("gate", "gate", "took back the leave of {}"),
    ("gate", "level", "lowered {}"),
    ("outcomes", "outcome", "weighed what became of {}"),
    ("outcomes", "gate", "took back the leave of {}"),
    ("outcomes", "level", "lowered {}"),
    ("outcomes", "pull", "weighed what became of {}"),
    ("count-gaps", "gap", "ranked {} anew"),
    ("register-jobs", "issue", "wrote up {}"),
    ("mirror", "issue", "brought {} up to date"),
    ("mirror", "gap", "took over what people did with {}"),
    ("mirror", "label", "made {}"),
    ("mirror", "repository", "found {} under another name"),
    ("mirror", "channel", "wrote to {}"),
    ("gate", "channel", "wrote to {}"),
    ("daily-digest", "channel", "sent the day's digest to {}"),
    ("dead-mans-switch", "routine", "told that {} did not check in"),
    ("webhook", "issue", "heard of {} from the forge"),
    // What people do by the page.
    ("page trigger-job", "job", "asked for a run of {}"),
    ("page trigger-scheduled", "scheduled", "rang {}"),
    ("page break-lock", "lock", "broke {}"),
    ("page answer-decision", "decision", "answered {}"),
    ("page wontfix-gap", "gap", "left {} be"),
    ("page close-gap", "gap", "closed {}"),
    ("page reopen-gap", "gap", "opened {} again"),
    ("page prioritize-gap", "gap", "said how important {} is"),
    ("page merge-gaps", "gap", "merged {} with another"),
    ("page tell-gaps-apart", "gap", "told {} apart from another"),
    ("page raise-level", "level", "raised {}"),
    ("page lower-level", "level", "lowered {}"),
    ("page switch-off", "switch", "switched {} off"),
    ("page switch-on", "switch", "switched {} on"),
    ("page arm-gate", "gate", "armed {}"),
    ("page disarm-gate", "gate", "disarmed {}"),
    ("page merge-pull", "pull", "merged {}"),
    ("page request-changes", "pull", "requested changes of {}"),
    ("page close-pull", "pull", "closed {}"),
    ("page reopen-pull", "pull", "opened {} again"),
    ("page resume-pull", "pull", "let {} go on"),
    ("page stop-pull", "pull", "stopped {}"),
    ("page release-write", "pull", "said how a write of {} ended"),
    ("page requeue-message", "message", "sent {} again"),
    ("page release-start", "fire", "said whether {} ran"),
    ("page revoke-token", "token", "revoked {}"),
    ("sign-in", "session", "signed in"),
    ("sign-out", "session", "signed out"),
    // The same by the command line.
    ("cli jobs add", "job", "registered {}"),
    ("cli jobs remove", "job", "removed {}"),
    ("cli jobs trigger", "job", "asked for a run of {}"),
    ("cli schedules trigger", "scheduled", "rang {}"),
    ("cli locks break", "lock", "broke {}"),
    ("cli decisions answer", "decision", "answered {}"),
    ("decision link", "decision", "answered {}"),
    ("cli gaps wontfix", "gap", "left {} be"),
    ("cli gaps merged", "gap", "closed {}"),
    ("cli gaps reopen", "gap", "opened {} again"),
    ("cli gaps priority", "gap", "said how important {} is"),
    ("cli level raise", "level", "raised {}"),
    ("cli level lower", "level", "lowered {}"),
    ("cli switch off", "switch", "switched {} off"),
    ("cli switch on", "switch", "switched {} on"),
    ("cli gate arm", "gate", "armed {}"),
    ("cli gate disarm", "gate", "disarmed {}"),
    ("cli gate revert", "pull", "wanted {} taken back"),
    ("cli pulls", "pull", "acted by hand on {}"),
    ("cli pulls release", "pull", "said how a write of {} ended"),
    ("cli gaps merge", "gap", "merged {} with another"),
    ("cli gaps distinct", "gap", "told {} apart from another"),
    ("cli kinds accept", "kind", "accepted the shape of {}"),
    ("cli kinds refuse", "kind", "refused the shape of {}"),
    ("cli kinds forget", "kind", "forgot the shape of {}"),
    ("cli notify retry", "message", "sent {} again"),
    ("cli notify test", "channel", "tried {}"),
    ("cli routines release", "fire", "said whether {} ran"),
    ("cli calibrate run", "trials", "tried reviewers in {}"),
    ("cli pulls resume", "pull", "let {} go on"),
    ("cli pulls stop", "pull", "stopped {}"),
    ("cli token create", "token", "made {}"),
    ("cli token revoke", "token", "revoked {}"),
];

/// A deed in words: who did what, the thing it was done to as it is called, and what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deed {
    pub(super) who: String,
    pub(super) did: String,
    /// What it was done to, in words; empty where the sentence needs none.
    pub(super) what: String,
    pub(super) then: &'static str,
}

/// An entry of the audit in words.
pub(super) fn told(tool: &str, object: &str, principal: &str) -> Deed {
    let (sort, name) = object.split_once(':').unwrap_or((object, ""));
    let who = match principal {
        "gapwright" => "the server".to_owned(),
        // Who does nothing else is often named after its stage.
        stage if Stage::ALL.iter().any(|known| known.name() == stage) => format!("the {stage}"),
        name => name.to_owned(),
    };
    let Some((.., words)) = WORDS.iter().find(|(by, of, _)| (*by, *of) == (tool, sort)) else {
        return Deed { who, did: format!("{tool} {sort}"), what: name.to_owned(), then: "" };
    };
    let Some((did, then)) = words.split_once("{}") else {
        return Deed { who, did: (*words).to_owned(), what: String::new(), then: "" };
    };
    Deed { who, did: did.trim_end().to_owned(), what: thing(sort, name), then: then.trim_start() }
}

/// What something is called: by its name, where that says anything to a person.
fn thing(sort: &str, name: &str) -> String {
    let after = |words: &str| format!("{words} {name}");
    match sort {
        "pull" => name.rsplit_once('#').map_or_else(|| "a pull request".to_owned(), |(_, number)| format!("#{number}")),
        "outcome" => "a pull request".to_owned(),
        "decision" => "a question".to_owned(),
        "level" => "the level of autonomy".to_owned(),
        "lock" => after("the lock"),
        "issue" => after("the issue of"),
        "channel" => after("the channel"),
        "gate" => after("the stratum"),
        "label" => after("the label"),
        "kind" => after("the kind"),
        "trials" => after("the run"),
        "token" => "a token".to_owned(),
        "message" => "a message".to_owned(),
        "fire" => "a start".to_owned(),
        "spend" => "a run".to_owned(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(tool: &str, object: &str, principal: &str) -> String {
        let deed = told(tool, object, principal);
        let parts = [deed.who.as_str(), &deed.did, &deed.what, deed.then];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_entry_is_a_sentence_and_one_without_words_keeps_its_own() {
        for (tool, object, principal, expect) in [
            ("page merge-pull", "pull:ann/website#12", "ana", "ana merged #12"),
            ("page merge-pull", "pull:01ABC", "ana", "ana merged a pull request"),
            ("submit-change", "pull:ann/website#3", "planner", "the planner drafted #3"),
            ("submit-plan", "pull:01ABC", "planner-2", "planner-2 planned a pull request"),
            ("page resume-pull", "pull:a/b#4", "ana", "ana let #4 go on"),
            ("report-gap", "gap:mcp-tool/list", "digest", "digest reported mcp-tool/list"),
            ("complete-routine-job", "job:digest", "worker", "worker ended a run of digest"),
            (
                "complete-routine-job",
                "gap:mcp-tool/list",
                "worker",
                "worker ended a run that says something of mcp-tool/list",
            ),
            ("acquire-lock", "lock:pr:7", "fix", "fix took the lock pr:7"),
            ("page raise-level", "level", "ana", "ana raised the level of autonomy"),
            ("cli switch off", "switch:kind:report", "root", "root switched kind:report off"),
            ("ask-operator", "decision:01ABC", "fix", "fix asked a question"),
            ("sign-in", "session:01ABC", "ana", "ana signed in"),
            ("outcomes", "level", "gapwright", "the server lowered the level of autonomy"),
            ("gate", "gate:5f3a", "gapwright", "the server took back the leave of the stratum 5f3a"),
            ("cli pulls", "pull:a/b#2", "root", "root acted by hand on #2"),
            ("expire-claim", "job:digest", "gapwright", "the server ended a claim of digest that ran out"),
            ("new-tool", "thing:x", "ana", "ana new-tool thing x"),
            ("report-gap", "job:x", "ana", "ana report-gap job x"),
            ("new-tool", "", "ana", "ana new-tool"),
            ("<b>", "<i>:<u>", "<s>", "<s> <b> <i> <u>"),
        ] {
            assert_eq!(sentence(tool, object, principal).trim_end(), expect, "{tool} {object}");
        }
    }

    #[test]
    fn every_sentence_has_one_place_for_what_it_is_about_and_no_two_are_of_the_same() {
        for (at, (tool, sort, words)) in WORDS.iter().enumerate() {
            assert!(words.matches("{}").count() == 1 || *sort == "session", "{tool} {sort}");
            assert!(WORDS.iter().skip(at + 1).all(|other| (other.0, other.1) != (*tool, *sort)), "{tool} {sort}");
        }
    }

    #[test]
    fn every_act_of_the_page_has_words() {
        for act in crate::web::act::tools() {
            assert!(WORDS.iter().any(|(tool, ..)| *tool == act), "{act} has none");
        }
    }
}
