use proptest::prelude::*;
use serde_json::json;

use super::*;

const STREAMS: [(&str, bool); 7] = [
    (include_str!("../../tests/it/streams/claude-works.jsonl"), true),
    (include_str!("../../tests/it/streams/claude-reads.jsonl"), true),
    (include_str!("../../tests/it/streams/claude-costs.jsonl"), true),
    (include_str!("../../tests/it/streams/claude-turns.jsonl"), true),
    (include_str!("../../tests/it/streams/claude-alone.jsonl"), true),
    (include_str!("../../tests/it/streams/claude-nobody.jsonl"), true),
    (include_str!("../../tests/it/streams/codex-works.jsonl"), false),
];

fn meter(claude: bool) -> Meter {
    let program = std::path::PathBuf::new();
    Meter::of(&if claude { Agent::Claude { program } } else { Agent::Codex { program } })
}

fn read(claude: bool, stream: &str) -> Meter {
    let mut meter = meter(claude);
    for line in stream.lines() {
        meter.read(line.as_bytes());
    }
    meter
}

fn events(claude: bool, events: &[Value]) -> Meter {
    read(claude, &events.iter().map(Value::to_string).collect::<Vec<_>>().join("\n"))
}

fn used(meter: &Meter) -> (u64, u64, u64, Source, bool) {
    let usage = meter.usage();
    (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens, usage.source, usage.complete)
}

fn says(id: &str, parent: Option<&str>, usage: &Value) -> Value {
    json!({"type": "assistant", "parent_tool_use_id": parent, "message": {"id": id, "content": [], "usage": usage}})
}

fn result(usage: &Value, cost: &Value) -> Value {
    json!({"type": "result", "subtype": "success", "is_error": false, "result": "", "usage": usage, "total_cost_usd": cost})
}

#[test]
fn real_streams_of_claude_code_are_read_to_their_end() {
    let told = [
        ((23_577, 88, Some(48_034)), (4, 4, 1, Some(true), 1), None),
        ((42_028, 155, Some(85_606)), (9, 8, 1, Some(true), 3), None),
        ((11_500, 62, Some(23_620)), (2, 3, 0, Some(true), 0), Some("Reached maximum budget ($0.02)")),
        ((11_497, 62, Some(23_614)), (2, 3, 0, Some(true), 1), Some("Reached maximum number of turns (2)")),
        ((20_565, 88, Some(42_010)), (4, 4, 1, Some(false), 1), None),
        ((0, 0, Some(0)), (0, 0, 0, Some(true), 0), Some("Not logged in · Please run /login")),
    ];
    for ((stream, claude), (numbers, facts, error)) in STREAMS.into_iter().zip(told) {
        let meter = read(claude, stream);
        let usage = meter.usage();
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.micro_usd), numbers);
        assert_eq!((usage.source, usage.complete, meter.facts().unread), (Source::Reported, true, 0));
        let found = meter.facts();
        assert_eq!((found.turns, found.tool_calls, found.mcp_calls, found.connected, found.denied), facts);
        assert_eq!(meter.error(), error);
    }
}

#[test]
fn what_went_by_adds_up_to_what_is_reported() {
    for (stream, _) in STREAMS.into_iter().filter(|(_, claude)| *claude) {
        let (body, end) = stream.trim_end().rsplit_once('\n').expect("several lines");
        assert!(end.contains(r#""type":"result""#));
        let (measured, reported) = (read(true, body).usage(), read(true, stream).usage());
        // What the last message of a run that is cut off wrote is told in the totals alone.
        assert_eq!(measured.input_tokens, reported.input_tokens);
        assert!(measured.output_tokens <= reported.output_tokens && !measured.complete);
    }
}

#[test]
fn a_message_in_several_lines_counts_once_and_a_subagents_counts_too() {
    let usage = json!({"input_tokens": 10, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 20, "output_tokens": 1});
    let part = |kind: &str, rest: &Value| json!({"type": "stream_event", "parent_tool_use_id": null, "event": {"type": kind, "message": {"id": "a", "usage": rest}, "usage": rest}});
    let stream = [
        part("message_start", &usage),
        says("a", None, &usage),
        says("b", Some("t"), &usage),
        says("a", None, &usage),
        part("message_delta", &json!({"output_tokens": 9})),
        part("message_delta", &json!({"output_tokens": 8})),
    ];
    let meter = events(true, &stream);
    assert_eq!(used(&meter), (70, 40, 10, Source::Measured, false));
    assert_eq!(meter.facts().turns, 1);
}

#[test]
fn a_result_below_what_went_by_does_not_lower_it() {
    let stream = [
        says("a", None, &json!({"input_tokens": 100, "output_tokens": 50})),
        result(&json!({"input_tokens": 1, "output_tokens": 60}), &json!(0.5)),
    ];
    let meter = events(true, &stream);
    assert_eq!(used(&meter), (100, 0, 60, Source::Reported, true));
    assert_eq!(meter.usage().micro_usd, Some(500_000));
}

#[test]
fn totals_by_model_have_what_the_conversation_lacks() {
    let mut end = result(&json!({"input_tokens": 10, "output_tokens": 2}), &json!(0.000_001_4));
    end["modelUsage"] = json!({
        "a": {"inputTokens": 10, "outputTokens": 2, "cacheReadInputTokens": 100},
        "b": {"inputTokens": 1, "outputTokens": 1, "cacheCreationInputTokens": 1000},
    });
    let meter = events(true, &[end.clone()]);
    assert_eq!(used(&meter), (1_111, 100, 3, Source::Reported, true));
    assert_eq!(meter.usage().micro_usd, Some(1));
    end["modelUsage"]["b"]["outputTokens"] = json!("many");
    assert_eq!(used(&events(true, &[end])), (10, 0, 2, Source::Reported, false));
}

#[test]
fn numbers_that_cannot_be_are_not_taken() {
    let absurd = [json!(-1), json!(1.5), json!("7"), json!(COUNT_MAX + 1), json!(u64::MAX), json!([7]), json!(true)];
    for number in absurd {
        let usage = json!({"input_tokens": 3, "output_tokens": number});
        assert_eq!(used(&events(true, &[says("a", None, &usage)])), (0, 0, 0, Source::Measured, false));
        let seen = says("a", None, &json!({"input_tokens": 3, "output_tokens": 1}));
        let meter = events(true, &[seen, result(&usage, &json!(1))]);
        assert_eq!(used(&meter), (3, 0, 1, Source::Reported, false), "{number}");
        let meter = events(false, &[json!({"type": "turn.completed", "usage": usage})]);
        assert_eq!(used(&meter), (0, 0, 0, Source::Unknown, false), "{number}");
    }
    for cost in [json!(-0.01), json!("1"), json!(1e300), json!(MICRO_USD_MAX)] {
        let meter = events(true, &[result(&json!({"input_tokens": 3, "output_tokens": 1}), &cost)]);
        assert_eq!((meter.usage().micro_usd, meter.usage().complete), (None, false));
    }
    let silent = events(true, &[result(&json!({"input_tokens": 3, "output_tokens": 1}), &Value::Null)]);
    assert_eq!((silent.usage().micro_usd, silent.usage().complete), (None, true));
}

#[test]
fn a_result_without_its_numbers_is_incomplete() {
    let meter = events(true, &[json!({"type": "result"})]);
    assert_eq!(used(&meter), (0, 0, 0, Source::Reported, false));
    assert_eq!(meter.error(), Some("it failed and does not say why"));
}

#[test]
fn codex_tells_of_the_whole_thread_each_time() {
    let turn = |input: u64| json!({"type": "turn.completed", "usage": {"input_tokens": input, "cached_input_tokens": 40, "output_tokens": 5}});
    let begin = json!({"type": "turn.started"});
    let meter = events(false, &[begin.clone(), turn(50), begin.clone(), turn(90)]);
    assert_eq!(used(&meter), (90, 40, 5, Source::Reported, true));
    let meter = events(false, &[begin.clone(), turn(50), begin]);
    assert_eq!(used(&meter), (50, 40, 5, Source::Reported, false));
}

#[test]
fn codex_tells_of_its_tools_and_of_why_it_failed() {
    let item = |item: Value| json!({"type": "item.completed", "item": item});
    let stream = [
        json!({"type": "thread.started"}),
        json!({"type": "error", "message": "Reconnecting... 2/5"}),
        item(json!({"type": "command_execution", "command": "cargo test", "status": "completed"})),
        item(json!({"type": "mcp_tool_call", "server": "gapwright", "tool": "report-gap", "status": "completed"})),
        item(json!({"type": "file_change", "status": "declined"})),
        item(json!({"type": "agent_message", "text": "Done."})),
    ];
    let mut meter = events(false, &stream);
    let facts =
        Facts { turns: 1, tool_calls: 3, mcp_calls: 1, connected: Some(true), denied: 1, unread: 0, asked: false };
    assert_eq!((meter.facts(), meter.last_words().as_str()), (facts, "Done."));
    assert_eq!(meter.error(), Some("Reconnecting... 2/5"));
    meter.read(br#"{"type":"turn.completed","usage":{"input_tokens":1,"output_tokens":1}}"#);
    assert_eq!(meter.error(), None);
    meter.read(br#"{"type":"turn.failed","error":{"message":"quota\u001b exceeded"}}"#);
    assert_eq!((meter.error(), meter.usage().complete), (Some("quota  exceeded"), false));
}

#[test]
fn tools_and_words_are_lines_for_people() {
    let content = json!([{"type": "text", "text": "I look.\n\u{1b}[2J"}, {"type": "tool_use", "name": "Bash", "input": {"command": "rm\nx"}}, {"type": "tool_use", "name": "mcp__gapwright__check-in", "input": 7}]);
    let event = json!({"type": "assistant", "message": {"id": "a", "content": content, "usage": {}}});
    let lines = meter(true).read(event.to_string().as_bytes());
    let used = |text: &str| Line::Used(text.to_owned());
    assert_eq!(lines, [Line::Said("I look. [2J".to_owned()), used("Bash rm x"), used("check-in")]);
}

/// Replaces one value, somewhere, by another.
fn replace(value: &mut Value, at: &mut usize, by: &Value) {
    if *at == 0 {
        *value = by.clone();
    }
    *at = at.wrapping_sub(1);
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, at, by)),
        Value::Object(values) => values.values_mut().for_each(|value| replace(value, at, by)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(Value::Null),
        ".{0,20}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_read(claude: bool, lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..8)) {
        let mut meter = meter(claude);
        for line in lines {
            meter.read(&line);
        }
        prop_assert!(!meter.usage().complete);
    }

    #[test]
    fn a_stream_with_an_odd_value_never_counts_less_than_it_did(stream in 0..STREAMS.len(), line in 0_usize..90, at in 0_usize..60, by in odd()) {
        let (text, claude) = STREAMS[stream];
        let mut meter = meter(claude);
        let mut before = 0;
        for (number, text) in text.lines().enumerate() {
            let mut event: Value = serde_json::from_str(text).expect("an event");
            if number == line {
                replace(&mut event, &mut at.clone(), &by);
            }
            meter.read(event.to_string().as_bytes());
            prop_assert!(meter.usage().tokens() >= before);
            before = meter.usage().tokens();
        }
        prop_assert!(before < 20 * COUNT_MAX);
    }
}
