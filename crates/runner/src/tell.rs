//! What is told of a run: how its end reads, what it is known to have used, and the words that go with a change. Pure.

use domain::pull::{BODY_CHARS_MAX, TITLE_CHARS_MAX};

use crate::agent::Agent;
use crate::ask::Left;
use crate::meter::{Facts, Source, Usage};
use crate::run::{Ended, How, Limits, Why};
use crate::text::{clean, snippet};

/// The longest reason of a job's end, in characters: the server takes a thousand with what stands before it.
const WHY_CHARS_MAX: usize = 900;

/// The longest answer to findings, in characters, as the server takes it.
const ANSWER_CHARS_MAX: usize = 10_000;

/// Why a run counts as failed, whatever it left; none when it ended as it should.
pub(crate) fn failure(ended: &Ended, limits: &Limits) -> Option<String> {
    let used = ended.usage.tokens();
    let why = match ended.how {
        How::Exited(0) => return None,
        How::Exited(code) => format!("the agent crashed with the exit code {code}"),
        How::Signalled(signal) => format!("the agent crashed by the signal {signal}"),
        How::Killed(Why::Tokens) => {
            format!("killed: it used {used} tokens, and {} were set aside", limits.tokens.unwrap_or_default())
        }
        How::Killed(Why::Cost) => format!(
            "killed: it cost {}, and {} was set aside",
            usd(ended.usage.micro_usd.unwrap_or_default()),
            usd(limits.micro_usd.unwrap_or_default())
        ),
        How::Killed(Why::Deadline) => format!("killed: it was not done after {} s", limits.wall.as_secs()),
        How::Killed(Why::Flood) => format!("killed: it printed more than {} bytes", limits.output_bytes),
        How::Killed(Why::Lost) => "killed: its claim was lost".to_owned(),
    };
    let told = |error: &String| format!("{why}: {}", complaint(error));
    Some(line(&ended.error.as_ref().map_or_else(|| why.clone(), told)))
}

/// Why an agent that we know cannot work here at all, whatever the job: it ended by itself without one turn of its model, or
/// did not reach the server.
pub(crate) fn unable(ended: &Ended, agent: &Agent) -> Option<String> {
    match (agent, ended.how) {
        (Agent::Command { .. }, _) | (_, How::Killed(_)) => return None,
        (Agent::Claude { .. } | Agent::Codex { .. }, How::Exited(_) | How::Signalled(_)) => {}
    }
    let Facts { turns, tool_calls, mcp_calls, connected, .. } = ended.facts;
    let why = if turns == 0 && tool_calls == 0 && ended.usage.tokens() == 0 {
        "the agent ended without one turn of its model"
    } else if connected == Some(false) && mcp_calls == 0 {
        "the agent did not reach the server"
    } else {
        return None;
    };
    Some(line(&ended.error.as_ref().map_or_else(|| why.to_owned(), |error| format!("{why}: {error}"))))
}

/// Whether we ended a run ourselves for what it spent.
pub(crate) const fn is_excess(ended: &Ended) -> bool {
    matches!(ended.how, How::Killed(Why::Tokens | Why::Cost))
}

/// Whether a run that could not work surely used nothing: it failed, and its stream, all of which was read, tells of no
/// question to its model.
pub(crate) fn is_free(ended: &Ended) -> bool {
    let Facts { unread, asked, turns, tool_calls, .. } = ended.facts;
    let failed = !matches!(ended.how, How::Exited(0));
    let silent = unread == 0 && turns == 0 && tool_calls == 0;
    failed && silent && !asked && ended.usage.tokens() == 0
}

/// Why a run that ended as it should is a failure all the same: nothing came of it.
pub(crate) fn nothing(ended: &Ended, tool: &str) -> String {
    let silent = if ended.usage.source == Source::Unknown { ", and told no usage" } else { "" };
    line(&format!("the agent ended without handing anything in by {tool}{silent}"))
}

/// What is known to have been used while it runs: at least so much.
pub(crate) fn so_far(usage: &Usage) -> Option<(i64, Option<i64>)> {
    match usage.source {
        Source::Unknown => None,
        Source::Measured | Source::Reported => Some((count(usage.tokens()), usage.micro_usd)),
    }
}

/// What is known to have been used in the end. Nothing where nothing is known. Where only a lower bound is, at least all that
/// was set aside: what was told of it before would count as all of it.
pub(crate) fn in_the_end(usage: &Usage, left: Left) -> Option<(i64, Option<i64>)> {
    let (tokens, micro_usd) = so_far(usage)?;
    if usage.complete {
        Some((tokens, micro_usd))
    } else {
        Some((tokens.max(left.tokens?), micro_usd.max(left.micro_usd)))
    }
}

fn count(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX).min(domain::budget::AMOUNT_MAX)
}

/// The title and the description of a change: those of its last commit, or others where it has none.
pub(crate) fn words(message: &str, gap: &str, said: &str) -> (String, String) {
    let (first, rest) = message.trim().split_once('\n').unwrap_or((message.trim(), ""));
    let title: String = snippet(first).chars().take(TITLE_CHARS_MAX).collect();
    let title = if title.is_empty() { title_of(gap) } else { title };
    let body = [rest, said].map(|text| clean(text, BODY_CHARS_MAX)).into_iter().find(|text| !text.is_empty());
    (title, body.unwrap_or_else(|| "The agent left no description.".to_owned()))
}

/// The title of a change whose maker gave none.
pub(crate) fn title_of(gap: &str) -> String {
    let gap = snippet(gap);
    if gap.is_empty() { "Close a capability gap".to_owned() } else { format!("Close the gap {gap}") }
}

/// What is answered to findings.
pub(crate) fn answer(body: &str) -> String {
    clean(body, ANSWER_CHARS_MAX)
}

/// How much of what an agent complains of is told, in characters: its end, where the error is.
const COMPLAINT_CHARS_MAX: usize = 400;

/// The end of what an agent complained of.
fn complaint(text: &str) -> String {
    let skipped = text.chars().count().saturating_sub(COMPLAINT_CHARS_MAX);
    let end: String = text.chars().skip(skipped).collect();
    if skipped == 0 { end } else { format!("…{end}") }
}

/// A reason as it is written down, for ever: one line, not too long, and withheld where it has what looks like a credential.
pub(crate) fn line(text: &str) -> String {
    if let Some(found) = domain::secret::find(text).first() {
        return format!("it failed, and its words are withheld: they have what looks like {}", found.what);
    }
    clean(&text.split_whitespace().collect::<Vec<_>>().join(" "), WHY_CHARS_MAX)
}

/// Money for people.
pub fn usd(micro_usd: i64) -> String {
    let micro_usd = micro_usd.max(0);
    format!("${}.{:02}", micro_usd / 1_000_000, micro_usd % 1_000_000 / 10_000)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const KNOWN: Usage = Usage {
        input_tokens: 30,
        cached_input_tokens: 0,
        output_tokens: 10,
        micro_usd: Some(1_250_000),
        source: Source::Reported,
        complete: true,
    };
    const UNKNOWN: Usage = Usage {
        input_tokens: 0,
        cached_input_tokens: 0,
        output_tokens: 0,
        micro_usd: None,
        source: Source::Unknown,
        complete: false,
    };
    const LEFT: Left = Left { tokens: Some(100), micro_usd: Some(4_000_000) };

    fn ended(how: How, error: Option<&str>) -> Ended {
        let error = error.map(str::to_owned);
        Ended { how, usage: KNOWN, facts: Facts::default(), last_words: String::new(), error }
    }

    #[test]
    fn a_run_is_free_only_where_it_failed_and_surely_asked_nothing() {
        let none = Facts::default();
        for (how, facts, usage, free) in [
            (How::Exited(1), none, UNKNOWN, true),
            (How::Signalled(6), none, UNKNOWN, true),
            (How::Exited(0), none, UNKNOWN, false),
            (How::Exited(1), Facts { unread: 1, ..none }, UNKNOWN, false),
            (How::Exited(1), Facts { asked: true, ..none }, UNKNOWN, false),
            (How::Exited(1), Facts { turns: 1, ..none }, UNKNOWN, false),
            (How::Exited(1), Facts { tool_calls: 1, ..none }, UNKNOWN, false),
            (How::Exited(1), none, KNOWN, false),
        ] {
            assert_eq!(is_free(&Ended { usage, facts, ..ended(how, None) }), free, "{how:?} {facts:?}");
        }
    }

    #[test]
    fn every_end_reads_as_what_it_was() {
        let limits = Limits { tokens: Some(20), micro_usd: Some(1_000_000), ..Limits::wall(Duration::from_mins(1)) };
        for (how, error, told) in [
            (How::Exited(0), None, None),
            (How::Exited(3), None, Some("the agent crashed with the exit code 3")),
            (How::Exited(3), Some("out\nof luck"), Some("the agent crashed with the exit code 3: out of luck")),
            (How::Signalled(9), None, Some("the agent crashed by the signal 9")),
            (How::Killed(Why::Tokens), None, Some("killed: it used 40 tokens, and 20 were set aside")),
            (How::Killed(Why::Cost), None, Some("killed: it cost $1.25, and $1.00 was set aside")),
            (How::Killed(Why::Deadline), None, Some("killed: it was not done after 60 s")),
            (How::Killed(Why::Flood), None, Some("killed: it printed more than 268435456 bytes")),
            (How::Killed(Why::Lost), None, Some("killed: its claim was lost")),
        ] {
            assert_eq!(failure(&ended(how, error), &limits).as_deref(), told, "{how:?}");
        }
        let long = "x".repeat(5_000);
        let told = failure(&ended(How::Exited(1), Some(&long)), &limits).unwrap_or_default();
        assert!(told.chars().count() <= WHY_CHARS_MAX && told.ends_with('x'), "its end, where the error is: {told}");
        let token = format!("it was ghp_{}", "q7Rk2VnX9sLw4TzB8mYc3HdF6pGj1NuA5eQo");
        let told = failure(&ended(How::Exited(1), Some(&token)), &limits).unwrap_or_default();
        assert!(told.contains("withheld") && !told.contains("q7Rk"), "{told}");
    }

    #[test]
    fn an_agent_that_cannot_work_is_told_from_one_that_failed() {
        let claude = Agent::Claude { program: "claude".into() };
        let none = || Ended { usage: UNKNOWN, ..ended(How::Exited(1), Some("no login")) };
        let facts = |turns, connected| Facts { turns, connected, ..Facts::default() };
        for (ended, cannot) in [
            (none(), Some("the agent ended without one turn of its model: no login")),
            (
                Ended { how: How::Exited(0), error: None, ..none() },
                Some("the agent ended without one turn of its model"),
            ),
            (Ended { facts: facts(1, Some(true)), ..none() }, None),
            (Ended { facts: facts(3, Some(false)), ..none() }, Some("the agent did not reach the server: no login")),
            (Ended { facts: facts(3, None), ..none() }, None),
            (Ended { how: How::Killed(Why::Deadline), ..none() }, None),
        ] {
            assert_eq!(unable(&ended, &claude).as_deref(), cannot, "{ended:?}");
        }
        assert_eq!(unable(&none(), &Agent::Command { argv: vec!["sh".to_owned()] }), None);
    }

    #[test]
    fn an_agent_that_did_nothing_and_told_no_usage_is_told_so() {
        let quiet = Ended { usage: UNKNOWN, ..ended(How::Exited(0), None) };
        let told = "the agent ended without handing anything in by submit-plan";
        assert_eq!(nothing(&ended(How::Exited(0), None), "submit-plan"), told);
        assert_eq!(nothing(&quiet, "submit-plan"), format!("{told}, and told no usage"));
    }

    #[test]
    fn what_is_not_known_is_never_told_as_less_than_was_set_aside() {
        let part = Usage { source: Source::Measured, complete: false, micro_usd: None, ..KNOWN };
        let much = Usage { input_tokens: 400, ..part };
        for (usage, told) in [
            (UNKNOWN, None),
            (KNOWN, Some((40, Some(1_250_000)))),
            (part, Some((100, Some(4_000_000)))),
            (much, Some((410, Some(4_000_000)))),
        ] {
            assert_eq!(in_the_end(&usage, LEFT), told, "{usage:?}");
        }
        assert_eq!(so_far(&part), Some((40, None)));
        assert_eq!(in_the_end(&part, Left::default()), None, "what was set aside is not known");
    }

    #[test]
    fn the_words_of_a_change_are_those_of_its_last_commit() {
        let words = |message: &str, said: &str| words(message, "mcp-tool/list-deploys", said);
        let pair = |title: &str, body: &str| (title.to_owned(), body.to_owned());
        assert_eq!(words("Add it\n\nIt was missing.\n", "said"), pair("Add it", "It was missing."));
        assert_eq!(words("Add it", "Done so."), pair("Add it", "Done so."));
        assert_eq!(words(" \n", ""), pair("Close the gap mcp-tool/list-deploys", "The agent left no description."));
        let (title, body) = words(&format!("{}\n{}", "t".repeat(500), "b".repeat(50_000)), "");
        assert!(title.chars().count() <= TITLE_CHARS_MAX && body.chars().count() == BODY_CHARS_MAX);
        assert_eq!(title_of(""), "Close a capability gap");
    }
}
