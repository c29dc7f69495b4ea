//! MCP over standard input and output: nothing but the protocol on the one, the log on the other.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};

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

fn notify(message: &str) -> String {
    let params = json!({"name": "monolith-agent-notify", "arguments": {"message": message}});
    format!("{}\n", json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": params}))
}

/// The states of the messages that were queued in this home.
async fn states(home: &Home) -> Vec<String> {
    let path = home.path().join("gapwright.db");
    let mut base = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.expect("the database");
    sqlx::query_scalar("SELECT state FROM outbox").fetch_all(&mut base).await.expect("messages")
}

#[tokio::test]
async fn what_the_client_was_told_is_queued_is_sent_before_the_end() {
    let home = Home::new();
    let ended = home.talk(&["mcp"], &[ask(), notify("hello there")].concat(), 3);
    assert_eq!((ended.code, ended.err.contains("hello there")), (0, true), "{ended:?}");
    assert_eq!(states(&home).await, ["sent"]);
    assert_eq!(home.json(&["audit", "verify"])["unsealed"], 0);
}

#[tokio::test]
async fn a_delivery_that_is_under_way_when_the_client_leaves_is_not_cut_off() {
    let receiver = TcpListener::bind("127.0.0.1:0").expect("an address");
    let url = format!("webhook+http://{}/x", receiver.local_addr().expect("an address"));
    let home = Home::new()
        .set("GAPWRIGHT__NOTIFY__CHANNELS__HOOK__URL", &url)
        .set("GAPWRIGHT__NOTIFY__SIGNING_SECRET", "k-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
        .set("GAPWRIGHT__NOTIFY__DEFAULT_CHANNEL", "hook");
    let (leave, left) = std::sync::mpsc::channel();
    let receiving = std::thread::spawn(move || {
        let (mut request, _) = receiver.accept().expect("a delivery");
        let mut bytes = [0; 4 * 1024];
        while !bytes.starts_with(b"POST /x") {
            assert!(request.read(&mut bytes).expect("a request") > 0);
        }
        leave.send(()).expect("somebody waits");
        // The sender stays on the line: nothing more comes, and no end either.
        request.set_read_timeout(Some(Duration::from_millis(500))).expect("a limit");
        while request.read(&mut bytes).is_ok_and(|count| count > 0) {}
        request.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    });
    let ended = home.talk_until(&["mcp"], &[ask(), notify("hello there")].concat(), |_| {
        left.recv_timeout(Duration::from_secs(20)).expect("a delivery");
        String::new()
    });
    assert_eq!(ended.code, 0, "{ended:?}");
    receiving.join().expect("a receiver").expect("an answer");
    assert_eq!(states(&home).await, ["sent"]);
}
