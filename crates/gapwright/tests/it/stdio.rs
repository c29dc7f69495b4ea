//! MCP over standard input and output: nothing but the protocol on the one, the log on the other.

use serde_json::{Value, json};

use crate::program::Home;

fn ask() -> String {
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}});
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let add = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
        "name": "monolith-agent-register-routine-job", "arguments": {"name": "a", "kind": "x"}}});
    [hello, ready, add].map(|line| format!("{line}\n")).concat()
}

#[test]
fn a_client_is_served_as_a_local_routine_or_as_whom_its_token_says() {
    let home = Home::new();
    let ended = home.talk(&["mcp"], &ask(), 2);
    assert_eq!(ended.code, 0, "{ended:?}");
    for line in ended.out.lines() {
        let answer: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{ended:?}"));
        assert!(answer["result"].is_object(), "{answer}");
    }
    let made = home.json(&["token", "create", "--role", "viewer", "--name", "ann"]);
    let home = home.set("GAPWRIGHT_TOKEN", made["token"].as_str().expect("a token"));
    let ended = home.talk(&["mcp"], &ask(), 2);
    assert!(ended.out.contains("forbidden"), "{ended:?}");
    let entries = home.json(&["audit", "tail"])["entries"].clone();
    let by = |tool: &str| entries.as_array().expect("entries").iter().filter(|entry| entry["tool"] == tool).count();
    assert_eq!(by("register-routine-job"), 1, "{entries}");
    assert_eq!(entries[1]["principal"], "local");
}

#[test]
fn a_handle_is_a_secret_of_its_holder() {
    let home = Home::new();
    let call = |id: i64, tool: &str, arguments: Value| {
        let params = json!({"name": format!("monolith-agent-{tool}"), "arguments": arguments});
        format!("{}\n", json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}))
    };
    let lock = call(3, "acquire-lock", json!({"key": "k", "holder": "h", "ttl_secs": 60}));
    let claim = call(4, "claim-routine-job", json!({"holder": "h", "ttl_secs": 60, "name": "a"}));
    // One after the other: the job is there before it is claimed.
    home.talk(&["mcp"], &ask(), 2);
    let hello = ask().split_inclusive('\n').take(2).collect::<String>();
    let answers = home.talk(&["mcp"], &[hello, lock, claim].concat(), 3).out;
    let handle = |name: &str| {
        let mut answers = answers.lines().map(|line| serde_json::from_str::<Value>(line).expect("an answer"));
        answers.find_map(|answer| answer["result"]["structuredContent"][name].as_str().map(str::to_owned)).expect(name)
    };
    let handles = [handle("lock_id"), handle("claim_id")];
    for args in [&["locks", "list"][..], &["locks", "show", "k"], &["jobs", "list"], &["jobs", "show", "a"]] {
        for shown in [home.ok(args), home.json(args).to_string()] {
            assert!(shown.contains('h') && !handles.iter().any(|handle| shown.contains(handle)), "{shown}");
        }
    }
    assert!(home.ok(&["locks", "break", "k"]).starts_with("took k away from h (local)"));
    home.fails(5, &["jobs", "remove", "a"]);
}

#[test]
fn a_token_that_is_not_known_is_refused() {
    let home = Home::with_database().set("GAPWRIGHT_TOKEN", "gapw_x");
    let said = home.fails(4, &["mcp"]);
    assert!(said.contains("bearer token"), "{said}");
}

#[test]
fn a_line_that_cannot_be_read_is_answered_and_the_next_one_served() {
    let home = Home::new();
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(2 * 1024 * 1024));
    let lines = ["{\"ttl_secs\": NaN}", "garbage", "", "[]", &large].map(|line| format!("{line}\n")).concat();
    let ended = home.talk(&["mcp"], &[lines, ask()].concat(), 6);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let answers: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer["error"].is_null());
    assert_eq!(good.iter().map(|answer| &answer["id"]).collect::<Vec<_>>(), [&json!(1), &json!(2)]);
    let codes: Vec<_> = bad.iter().map(|answer| answer["error"]["code"].as_i64().expect("a code")).collect();
    assert_eq!(codes, [-32_700, -32_700, -32_600, -32_600]);
    for answer in bad {
        assert!(answer["id"].is_null() && answer["error"]["data"]["hint"].is_string(), "{answer}");
    }
    // The last word is answered too, though nothing comes after it, not even the end of its line.
    let ended = home.talk(&["mcp"], &[ask(), "garbage".to_owned()].concat(), 2);
    assert!(ended.out.contains("-32700"), "{}", ended.out);
}

#[test]
fn the_log_tells_who_called_what_and_how_it_went_and_never_what_was_said() {
    let home = Home::new().set("GAPWRIGHT__LOG__LEVEL", "trace").set("GAPWRIGHT__LOG__FORMAT", "json");
    let secret = "nobody-else-is-to-read-this";
    let add = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {
        "name": "monolith-agent-register-routine-job",
        "arguments": {"name": "b", "kind": "x", "payload": {"a": secret}}}});
    let ended = home.talk(&["mcp"], &format!("{}{add}\n", ask()), 3);
    assert!(!ended.err.contains(secret), "{}", ended.err);
    let lines: Vec<Value> = ended.err.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let called = lines.iter().find(|line| line["message"] == "called").expect("a line for the call");
    assert!(called["ms"].is_u64(), "{called}");
    let span = &called["span"];
    for (field, value) in
        [("tool", "register-routine-job"), ("principal", "local"), ("role", "routine"), ("token", ""), ("code", "ok")]
    {
        assert_eq!(span[field], value, "{called}");
    }
    assert_eq!(span["request_id"].as_str().map(str::len), Some(32), "{called}");
}
