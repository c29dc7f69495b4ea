//! Runs that end by themselves, well or not.

use runner::{Facts, How, Limits, NotStarted, Source, Usage};
use tokio_util::sync::CancellationToken;

use super::{PATIENCE, Place, claude, codex, print, shell};

const UNKNOWN: Usage = Usage {
    input_tokens: 0,
    cached_input_tokens: 0,
    output_tokens: 0,
    micro_usd: None,
    source: Source::Unknown,
    complete: false,
};

#[tokio::test]
async fn claude_code_says_what_it_used_and_ends() {
    let ended = Place::new().run(&claude(), &print("claude-works.jsonl")).await;
    assert_eq!(ended.how, How::Exited(0));
    let usage = Usage {
        input_tokens: 23_577,
        output_tokens: 88,
        micro_usd: Some(48_034),
        source: Source::Reported,
        complete: true,
        ..UNKNOWN
    };
    assert_eq!(ended.usage, usage);
    let facts =
        Facts { turns: 4, tool_calls: 4, mcp_calls: 1, connected: Some(true), denied: 1, unread: 0, asked: true };
    assert_eq!(ended.facts, facts);
    assert_eq!((ended.last_words.as_str(), ended.error), ("Done.\nBLOCKING-GAP: x-y - z", None));
}

#[tokio::test]
async fn codex_says_what_it_used_and_ends() {
    let ended = Place::new().run(&codex(), &print("codex-works.jsonl")).await;
    assert_eq!(ended.how, How::Exited(0));
    let usage = Usage { input_tokens: 31_040, output_tokens: 60, source: Source::Reported, complete: true, ..UNKNOWN };
    assert_eq!(ended.usage, usage);
    assert_eq!((ended.last_words.as_str(), ended.error), ("Done.", None));
}

#[tokio::test]
async fn a_command_says_nothing_of_what_it_used() {
    let ended = Place::new().run(&shell(), "echo one; echo two").await;
    assert_eq!((ended.how, ended.usage, ended.facts), (How::Exited(0), UNKNOWN, Facts::default()));
    assert_eq!((ended.last_words.as_str(), ended.error), ("one\ntwo", None));
}

#[tokio::test]
async fn a_crash_is_told_with_the_last_complaint() {
    let ended = Place::new().run(&claude(), "echo 'out of luck' >&2; exit 3").await;
    assert_eq!((ended.how, ended.usage), (How::Exited(3), UNKNOWN));
    assert_eq!(ended.error.as_deref(), Some("out of luck"));
    let ended = Place::new().run(&shell(), "kill -KILL $$").await;
    assert_eq!(ended.how, How::Signalled(9));
}

#[tokio::test]
async fn an_agents_own_words_for_a_failure_come_before_its_complaints() {
    let play = format!("echo noise >&2; {}; exit 1", print("claude-nobody.jsonl"));
    let ended = Place::new().run(&claude(), &play).await;
    assert_eq!((ended.how, ended.facts.turns), (How::Exited(1), 0));
    assert_eq!(ended.error.as_deref(), Some("Not logged in · Please run /login"));
}

#[tokio::test]
async fn lines_that_are_no_events_are_counted_and_passed_over() {
    let play =
        format!(r#"printf 'nonsense\n\n[1]\n{{"type":\n\377\376\n'; {}; printf '{{"cut'"#, print("claude-works.jsonl"));
    let ended = Place::new().run(&claude(), &play).await;
    assert_eq!((ended.how, ended.facts.unread), (How::Exited(0), 5));
    assert_eq!((ended.usage.tokens(), ended.usage.complete), (23_665, true));
}

#[tokio::test]
async fn a_line_that_is_too_long_is_passed_over_and_the_next_is_read() {
    for length in [runner::LINE_BYTES_MAX + 1, 10 * runner::LINE_BYTES_MAX] {
        let play = format!("head -c {length} /dev/zero | tr '\\0' x; echo; {}", print("claude-works.jsonl"));
        let ended = Place::new().run(&claude(), &play).await;
        assert_eq!((ended.how, ended.facts.unread, ended.usage.complete), (How::Exited(0), 1, true), "{length}");
    }
}

#[tokio::test]
async fn a_stream_without_its_end_is_a_lower_bound() {
    let play = format!("{} | head -n -1; kill -KILL $$", print("claude-works.jsonl"));
    let ended = Place::new().run(&claude(), &play).await;
    assert_eq!(ended.how, How::Signalled(9));
    assert_eq!((ended.usage.tokens(), ended.usage.source, ended.usage.complete), (23_665, Source::Measured, false));
    assert_eq!(ended.usage.micro_usd, None);
}

#[tokio::test]
async fn a_prompt_arrives_whole_or_is_left_alone() {
    let place = Place { prompt: "word ".repeat(200_000), ..Place::new() };
    assert_eq!(place.run(&shell(), "wc -c").await.last_words, "1000000");
    assert_eq!(place.run(&shell(), "exit 0").await.how, How::Exited(0));
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let place = Place::new();
    let start = async |agent: &str, brief| {
        let agent = runner::Agent::parse(agent).expect("an agent");
        runner::run(&agent, &brief, Limits::wall(PATIENCE), CancellationToken::new(), |_| {}).await
    };
    let ran = start("no-such-program-anywhere", place.brief("")).await;
    assert!(matches!(ran, Err(NotStarted::Program { program, .. }) if program == "no-such-program-anywhere"));
    let nowhere = runner::Brief { homes: place.path("nowhere"), ..place.brief("") };
    assert!(matches!(start("true", nowhere).await, Err(NotStarted::Home(_))));
    assert_eq!(std::fs::read_dir(place.path("homes")).expect("a folder").count(), 0, "a home was left behind");
}
