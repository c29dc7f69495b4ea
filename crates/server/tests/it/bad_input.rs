//! Bad input gets a clear answer, nothing is half-written, and the server lives.

use domain::agent::Role;
use harness::both;
use serde_json::{Value, json};

use crate::asked::{Asked, ok, refused};

/// Every argument out of its bounds: the tool, its arguments, the code, and the argument at fault.
#[expect(clippy::too_many_lines, reason = "a table is as long as what it lists")]
fn table() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let long = "x".repeat(201);
    let deep = (0..64).fold(json!({}), |inner, _| json!({ "a": inner }));
    let wide = json!({"a": "x".repeat(257 * 1024)});
    let job = |more: Value| {
        let mut job = json!({"name": "j", "kind": "k"});
        job.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        job
    };
    vec![
        ("acquire-lock", json!({"key": "", "holder": "h", "ttl_secs": 1}), "invalid_argument", "key"),
        ("acquire-lock", json!({"key": long, "holder": "h", "ttl_secs": 1}), "invalid_argument", "key"),
        ("acquire-lock", json!({"key": "a\u{202e}b", "holder": "h", "ttl_secs": 1}), "invalid_argument", "key"),
        ("acquire-lock", json!({"key": "routine-job-x", "holder": "h", "ttl_secs": 1}), "invalid_argument", "key"),
        ("acquire-lock", json!({"key": "k", "holder": "", "ttl_secs": 1}), "invalid_argument", "holder"),
        ("acquire-lock", json!({"key": "k", "holder": "h", "ttl_secs": 0}), "invalid_argument", "ttl_secs"),
        ("acquire-lock", json!({"key": "k", "holder": "h", "ttl_secs": -1}), "invalid_argument", "ttl_secs"),
        (
            "acquire-lock",
            json!({"key": "k", "holder": "h", "ttl_secs": 1_000_000_000_000_i64}),
            "invalid_argument",
            "ttl_secs",
        ),
        ("acquire-lock", json!({"key": "k", "holder": "h", "ttl_secs": "NaN"}), "invalid_argument", "ttl_secs"),
        ("acquire-lock", json!({"key": "k", "holder": "h", "ttl_secs": 86_401}), "invalid_argument", "ttl_secs"),
        ("acquire-lock", json!({"key": "k", "holder": "h"}), "invalid_argument", "ttl_secs"),
        (
            "acquire-lock",
            json!({"key": "k", "holder": "h", "ttl_secs": 1, "idempotency_key": ""}),
            "invalid_argument",
            "idempotency_key",
        ),
        ("acquire-lock", json!({"key": "k", "holder": "h", "ttl": 1}), "unknown_argument", "ttl"),
        ("extend-lock", json!({"lock_id": "not-an-id", "ttl_secs": 1}), "invalid_argument", "lock_id"),
        ("release-lock", json!({"lock_id": "'; DROP TABLE lock; --"}), "invalid_argument", "lock_id"),
        ("list-locks", json!({"prefix": long}), "invalid_argument", "prefix"),
        ("list-locks", json!({"limit": 0}), "invalid_argument", "limit"),
        ("list-locks", json!({"limit": 201}), "invalid_argument", "limit"),
        ("list-locks", json!({"cursor": "x"}), "invalid_argument", "cursor"),
        ("notify", json!({"message": ""}), "invalid_argument", "message"),
        ("notify", json!({"message": "x".repeat(65_537)}), "invalid_argument", "message"),
        ("notify", json!({"message": "m", "level": "loud"}), "invalid_argument", "level"),
        ("notify", json!({"message": "m", "channel": "elsewhere"}), "channel_not_allowed", "channel"),
        ("check-stuck-jobs", json!({"threshold_mins": -1}), "invalid_argument", "threshold_mins"),
        ("trigger-job", json!({}), "invalid_argument", "name"),
        ("register-routine-job", job(json!({"interval_secs": 0})), "invalid_argument", "interval_secs"),
        ("register-routine-job", job(json!({"payload": wide})), "invalid_argument", "payload"),
        ("register-routine-job", job(json!({"payload": deep})), "invalid_argument", "payload"),
        ("register-routine-job", job(json!({"payload": "text"})), "invalid_argument", "payload"),
        ("register-routine-job", job(json!({"next_run_at": "tomorrow"})), "invalid_argument", "next_run_at"),
        ("register-routine-job", job(json!({"next_run_at": "2026-11-22T08:00:00"})), "invalid_argument", "next_run_at"),
        ("register-routine-job", job(json!({"priority": 1_001})), "invalid_argument", "priority"),
        ("register-routine-job", json!({"name": "there", "kind": "k"}), "already_exists", "name"),
        ("claim-routine-job", json!({"holder": "h", "ttl_secs": 0}), "invalid_argument", "ttl_secs"),
        ("complete-routine-job", json!({"name": "there", "status": "done"}), "invalid_argument", "status"),
        ("complete-routine-job", json!({"name": "there", "status": "ok"}), "invalid_argument", "claim_id"),
        ("complete-routine-job", json!({"name": "there", "status": "ok", "holder": " "}), "invalid_argument", "holder"),
        (
            "complete-and-claim",
            json!({"complete": {"name": "there", "status": "ok"}, "claim": {"holder": "h", "ttl_secs": 1}}),
            "invalid_argument",
            "claim_id",
        ),
        (
            "complete-routine-job",
            json!({"name": "there", "status": "ok", "claim_id": "x"}),
            "invalid_argument",
            "claim_id",
        ),
        (
            "complete-routine-job",
            json!({"name": "there", "status": "ok", "holder": "h", "summary": "x".repeat(65_537)}),
            "invalid_argument",
            "summary",
        ),
        (
            "complete-routine-job",
            json!({"name": "there", "status": "ok", "holder": "h", "gaps": [{"name": "Not Kebab"}]}),
            "invalid_argument",
            "gaps[0].name",
        ),
        (
            "complete-routine-job",
            json!({"name": "there", "status": "ok", "holder": "h", "gaps": vec![json!({"name": "a-b"}); 51]}),
            "invalid_argument",
            "gaps",
        ),
        ("renew-routine-job", json!({"claim_id": "x", "ttl_secs": 1}), "invalid_argument", "claim_id"),
        ("defer-routine-job", json!({"claim_id": "x", "seconds": 0, "reason": "r"}), "invalid_argument", "seconds"),
        (
            "report-gap",
            json!({"kind": "adr", "name": "d41d8cd98f00b204e9800998ecf8427e", "reason": "r"}),
            "invalid_argument",
            "name",
        ),
        (
            "report-gap",
            json!({"kind": "adr", "name": "a-b", "reason": "r", "severity": "awful"}),
            "invalid_argument",
            "severity",
        ),
        ("check-in", json!({"routine": "r", "phase": "middle"}), "invalid_argument", "phase"),
        ("check-firing-alerts", json!({"source": "x"}), "unknown_argument", "source"),
    ]
}

both!(bad_arguments_are_refused_by_name_and_leave_nothing, async |world| {
    let asked = Asked::new(world).await;
    let client = asked.client(Role::Routine, "ann").await;
    ok(&client, "register-routine-job", json!({"name": "there", "kind": "k"})).await;
    let before = rows(world).await;
    for (tool, arguments, code, field) in table() {
        let shown: String = arguments.to_string().chars().take(120).collect();
        assert_eq!(refused(&client, tool, arguments).await, (code.to_owned(), field.to_owned()), "{tool} {shown}");
    }
    assert_eq!(rows(world).await, before, "a refused call left something");
    ok(&client, "acquire-lock", json!({"key": "k", "holder": "h", "ttl_secs": 1})).await;
    asked.end().await.expect("a clean end");
});

/// How many rows there are that a write would leave.
async fn rows(world: &harness::World) -> Vec<i64> {
    let mut tx = world.store().read().await.expect("a look");
    let mut counts = Vec::new();
    for sql in [
        "SELECT COUNT(*) FROM lock",
        "SELECT COUNT(*) FROM job",
        "SELECT COUNT(*) FROM run",
        "SELECT COUNT(*) FROM sighting",
        "SELECT COUNT(*) FROM outbox",
        "SELECT COUNT(*) FROM routine",
        "SELECT COUNT(*) FROM idempotency",
        "SELECT COUNT(*) FROM journal",
    ] {
        let rows: Vec<(i64,)> = tx.all(sql, &[]).await.expect("a count");
        counts.push(rows[0].0);
    }
    counts
}

both!(a_payload_and_a_summary_at_their_bounds_are_taken_whole, async |world| {
    let asked = Asked::new(world).await;
    let client = asked.client(Role::Routine, "ann").await;
    let payload = json!({"a": "x".repeat(256 * 1024 - 8)});
    ok(&client, "register-routine-job", json!({"name": "j", "kind": "k", "payload": payload})).await;
    let claimed = ok(&client, "claim-routine-job", json!({"name": "j", "holder": "h", "ttl_secs": 60})).await;
    assert_eq!(claimed["job"]["untrusted"]["payload"], payload);
    let markers: Vec<_> = (0..2_200).map(|n| format!("BLOCKING-GAP: gap-{n}x - c\n")).collect();
    let summary = markers.concat();
    let end = json!({"name": "j", "status": "ok", "claim_id": claimed["claim_id"], "summary": summary});
    let ended = ok(&client, "complete-routine-job", end).await;
    assert_eq!((&ended["ok"], &ended["gaps_recorded"]), (&json!(true), &json!(99)));
    assert_eq!(ended["markers_unreadable"], 1, "which says how many were left unread");
    asked.end().await.expect("a clean end");
});

both!(what_is_no_json_or_too_much_of_it_gets_an_answer_that_says_so, async |world| {
    let asked = Asked::new(world).await;
    let token = asked.token(Role::Routine, "ann").await;
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(1024 * 1024));
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"arguments":{{"payload":{}1{}}}}}}}"#,
        "[".repeat(105),
        "]".repeat(105)
    );
    for (body, status, code) in [
        ("{\"ttl_secs\": NaN}", 400, -32_700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\ud800"}}"#, 400, -32_700),
        (r#"{"jsonrpc":"2.0"}"#, 400, -32_600),
        (&deep, 400, -32_600),
        ("garbage", 400, -32_700),
        ("", 400, -32_700),
        ("[]", 400, -32_600),
        ("[{\"jsonrpc\": \"2.0\"}]", 400, -32_600),
        ("1", 400, -32_600),
        (&large, 413, -32_600),
    ] {
        let post = reqwest::Client::new().post(format!("{}/mcp", asked.url)).bearer_auth(&token).body(body.to_owned());
        let answer = post.header("content-type", "application/json").send().await.expect("an answer");
        let shown: String = body.chars().take(40).collect();
        assert_eq!(answer.status().as_u16(), status, "{shown}");
        let error: Value = answer.json().await.expect("JSON");
        assert_eq!(error["error"]["code"], json!(code), "{shown}: {error}");
        assert!(error["error"]["data"]["hint"].is_string(), "{shown}: {error}");
    }
    let client = asked.client(Role::Routine, "bob").await;
    for (method, params, code) in [
        ("tools/call", json!({"name": "list-locks", "arguments": "x"}), "-32602"),
        ("tools/call", json!({"name": "list-locks", "arguments": []}), "-32602"),
        ("tools/call", json!({}), "-32602"),
        ("resources/read", json!({"uri": 5}), "-32602"),
        ("tools/never", json!({}), "-32601"),
    ] {
        let error = client.ask(method, "list-locks", params.clone()).await.expect_err(method);
        assert!(error.contains(code) && error.contains(method), "{params}: {error}");
    }
    ok(&client, "list-locks", json!({})).await;
    asked.end().await.expect("a clean end");
});
