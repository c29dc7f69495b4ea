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
