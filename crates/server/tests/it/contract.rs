//! What is served: the catalogue as a client lists it, and answers that keep their schemas.

use std::collections::BTreeMap;

use domain::agent::Role;
use domain::catalogue;
use harness::mcp::{Answer, Client};
use harness::{World, both};
use serde_json::{Value, json};

use crate::asked::{Asked, ok};

const PREFIX: &str = "monolith-agent-";

async fn listed(client: &Client) -> Vec<Value> {
    let result = client.ask("tools/list", "", json!({})).await.expect("the list");
    result["tools"].as_array().expect("tools").clone()
}

both!(the_served_catalogue_is_the_registered_one_and_passes_every_gateway, async |world| {
    let asked = Asked::new(world).await;
    let client = asked.client(Role::Viewer, "eve").await;
    let tools = listed(&client).await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let names: Vec<_> = tools.iter().map(|tool| text(&tool["name"])).collect();
    assert_eq!(names, server::mcp::tool_names(PREFIX));
    let hash = catalogue::hash(tools.iter().map(|tool| (text(&tool["name"]), text(&tool["description"]))));
    assert_eq!(hash, server::mcp::catalogue_hash(PREFIX));
    let version: Value =
        reqwest::get(format!("{}/version", asked.url)).await.expect("an answer").json().await.expect("JSON");
    assert_eq!(version["catalogue_hash"], json!(hash));
    for tool in &tools {
        let name = text(&tool["name"]);
        assert_eq!(catalogue::name_faults(&name), Vec::<String>::new(), "{name}");
        assert_eq!(catalogue::text_faults(&text(&tool["description"])), Vec::<String>::new(), "{name}");
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{name} {hint}");
        }
        assert_eq!(tool["inputSchema"]["additionalProperties"], json!(false), "{name}");
        portable(&name, &tool["inputSchema"]);
        portable(&name, &tool["outputSchema"]);
        let writes = tool["annotations"]["readOnlyHint"] == json!(false);
        assert_eq!(tool["inputSchema"]["properties"]["idempotency_key"].is_object(), writes, "{name}");
    }
    asked.end().await.expect("a clean end");
});

/// Only what every client reads: no references, no lists of types, no formats.
fn portable(name: &str, schema: &Value) {
    match schema {
        Value::Object(object) => {
            for key in ["$ref", "$defs", "format", "$schema"] {
                assert!(object.get(key).is_none_or(Value::is_object), "{name}: {key} in {schema}");
            }
            assert!(!object.get("type").is_some_and(Value::is_array), "{name}: a list of types in {schema}");
            object.values().for_each(|value| portable(name, value));
        }
        Value::Array(items) => items.iter().for_each(|value| portable(name, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Calls that touch every tool, in an order in which each succeeds.
async fn answers(client: &Client) -> Vec<(&'static str, Value)> {
    let mut answers = Vec::new();
    let mut ask = async |tool: &'static str, arguments: Value| {
        let answer = ok(client, tool, arguments).await;
        answers.push((tool, answer.clone()));
        answer
    };
    let lock = ask("acquire-lock", json!({"key": "k", "holder": "h", "ttl_secs": "60"})).await;
    ask("acquire-lock", json!({"key": "k", "holder": "h", "ttl_secs": 60})).await;
    ask("extend-lock", json!({"lock_id": lock["lock_id"], "ttl_secs": 90})).await;
    ask("list-locks", json!({})).await;
    ask("release-lock", json!({"lock_id": lock["lock_id"]})).await;
    ask("release-lock", json!({"lock_id": lock["lock_id"]})).await;
    let job = json!({"name": "j", "kind": "k", "interval_secs": 60, "payload": {"n": 1}, "next_run_at": "2026-01-01T00:00:00Z"});
    ask("register-routine-job", job).await;
    ask("list-routine-jobs", json!({"due_only": true})).await;
    let claim = ask("claim-routine-job", json!({"holder": "h", "ttl_secs": 60})).await;
    ask("claim-routine-job", json!({"holder": "h", "ttl_secs": 60})).await;
    ask("claim-routine-job", json!({"holder": "h", "ttl_secs": 60, "name": "j"})).await;
    ask("renew-routine-job", json!({"claim_id": claim["claim_id"], "ttl_secs": 60, "progress": "half"})).await;
    ask("check-stuck-routine-jobs", json!({"threshold_mins": 0})).await;
    ask("deregister-routine-job", json!({"name": "j"})).await;
    let gaps = json!([{"name": "list-deploys", "kind": "mcp-tool", "severity": "critical"}]);
    ask(
        "complete-routine-job",
        json!({"name": "j", "status": "error: no tool", "claim_id": claim["claim_id"], "gaps": gaps}),
    )
    .await;
    ask("complete-routine-job", json!({"name": "j", "status": "ok", "holder": "h"})).await;
    ask("trigger-routine-job", json!({"name": "j"})).await;
    let claim = ask("claim-routine-job", json!({"holder": "h", "ttl_secs": 60})).await;
    let both = json!({
        "complete": {"name": "j", "status": "ok", "claim_id": claim["claim_id"], "summary": "BLOCKING-GAP: a-b - c"},
        "claim": {"holder": "h", "ttl_secs": 60, "name": "j"},
    });
    let next = ask("complete-and-claim", both).await;
    ask("defer-routine-job", json!({"claim_id": next["next"]["claim_id"], "seconds": 60, "reason": "quota"})).await;
    ask("deregister-routine-job", json!({"name": "j"})).await;
    ask("trigger-job", json!({"name": "nothing"})).await;
    ask("report-gap", json!({"kind": "adr", "name": "a-b", "reason": "why", "job": "j", "depends_on": "list-deploys"}))
        .await;
    ask("list-gaps", json!({})).await;
    ask("explain-gate", json!({})).await;
    ask("show-gap", json!({"name": "adr/a-b"})).await;
    ask("check-in", json!({"routine": "r", "phase": "start"})).await;
    ask("notify", json!({"message": "hello"})).await;
    for tool in ["check-stuck-jobs", "check-orphan-jobs", "check-dead-letters", "check-firing-alerts"] {
        ask(tool, json!({})).await;
    }
    answers
}

both!(every_answer_keeps_the_schema_of_its_tool, async |world| {
    let asked = Asked::new(world).await;
    let client = asked.client(Role::Routine, "ann").await;
    let schemas: BTreeMap<_, _> = listed(&client)
        .await
        .into_iter()
        .map(|tool| (tool["name"].as_str().unwrap_or_default().to_owned(), tool["outputSchema"].clone()))
        .collect();
    let mut answers = answers(&client).await;
    answers.extend(crate::pipeline::answers(world).await);
    let asked_of: std::collections::BTreeSet<_> = answers.iter().map(|(tool, _)| format!("{PREFIX}{tool}")).collect();
    assert_eq!(asked_of, schemas.keys().cloned().collect(), "a tool was not asked");
    for (tool, answer) in answers {
        let schema = jsonschema::validator_for(&schemas[&format!("{PREFIX}{tool}")]).expect("a schema");
        let faults: Vec<_> = schema.iter_errors(&answer).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{tool}: {answer}");
    }
    asked.end().await.expect("a clean end");
});

both!(every_write_leaves_one_audit_row_with_its_caller_and_one_for_each_gap_it_moves_and_a_read_none, async |world| {
    let asked = Asked::new(world).await;
    let client = asked.client(Role::Routine, "ann").await;
    let writes = answers(&client).await;
    let mut tx = world.store().read().await.expect("a look");
    let rows: Vec<(String, String)> = tx
        .all(
            "SELECT tool, object FROM journal WHERE principal = 'ann' AND role = 'routine' AND length(request_id) = 32",
            &[],
        )
        .await
        .expect("the journal");
    let (gaps, others): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, object)| object.starts_with("gap:"));
    let mut rows: BTreeMap<String, i64> = BTreeMap::new();
    for (tool, _) in others {
        *rows.entry(tool).or_default() += 1;
    }
    let moved: std::collections::BTreeSet<_> = gaps.into_iter().collect();
    let moves = [
        ("complete-and-claim", "gap:unspecified/a-b"),
        ("complete-routine-job", "gap:mcp-tool/list-deploys"),
        ("report-gap", "gap:adr/a-b"),
    ];
    assert!(moves.iter().all(|(tool, gap)| moved.contains(&((*tool).to_owned(), (*gap).to_owned()))), "{moved:?}");
    let changed = |answer: &Value| {
        ["acquired", "claimed", "ok"].iter().any(|key| answer[*key] == json!(true))
            || answer["completed"]["ok"] == json!(true)
    };
    let mut expected: BTreeMap<String, i64> = BTreeMap::new();
    for (tool, _) in writes.iter().filter(|(tool, answer)| *tool != "report-gap" && changed(answer)) {
        // Its two acts are two rows: the end of one claim and the beginning of the next.
        *expected.entry((*tool).to_owned()).or_default() += if *tool == "complete-and-claim" { 2 } else { 1 };
    }
    assert_eq!(rows, expected);
    drop(tx);
    asked.end().await.expect("a clean end");
});

both!(the_three_spellings_of_a_tool_and_the_bare_one_work, async |world| {
    let asked = Asked::new(world).await;
    let client = asked.client(Role::Routine, "ann").await;
    for name in
        ["monolith-agent-list-locks", "monolith_agent_list_locks", "monolith-monolith-agent-list-locks", "list-locks"]
    {
        let result = client.ask("tools/call", name, json!({"name": name, "arguments": {}})).await.expect(name);
        assert_eq!(result["structuredContent"]["locks"], json!([]), "{name}");
    }
    let unknown = client.ask("tools/call", "list-clocks", json!({"name": "list-clocks", "arguments": {}})).await;
    assert!(unknown.expect_err("unknown").contains("-32602"));
    asked.end().await.expect("a clean end");
});

both!(prompts_and_resources_are_served, async |world| {
    let asked = Asked::new(world).await;
    let client = asked.client(Role::Routine, "ann").await;
    let prompts = client.ask("prompts/list", "", json!({})).await.expect("prompts");
    let names: Vec<_> =
        prompts["prompts"].as_array().expect("a list").iter().filter_map(|prompt| prompt["name"].as_str()).collect();
    assert_eq!(
        names,
        [
            "agent-mcp-heartbeat",
            "check-jobs",
            "find-stale-prs",
            "implementer",
            "merger",
            "planner",
            "register-jobs",
            "reviewer",
            "stuck-jobs"
        ]
    );
    for name in names {
        let prompt = client.ask("prompts/get", name, json!({"name": name})).await.expect(name);
        let text = prompt["messages"][0]["content"]["text"].as_str().unwrap_or_default().to_owned();
        assert!(text.contains("monolith-agent-check-in") && !text.contains("---"), "{name}: {text}");
    }
    ok(&client, "register-routine-job", json!({"name": "j", "kind": "k"})).await;
    ok(&client, "report-gap", json!({"kind": "adr", "name": "a-b", "reason": "<b>why</b>", "job": "j"})).await;
    let read = async |uri: &str| {
        let result = client.ask("resources/read", uri, json!({"uri": uri})).await?;
        Ok::<_, String>(result["contents"][0]["text"].as_str().unwrap_or_default().to_owned())
    };
    let gaps: Value = serde_json::from_str(&read("gapwright://gaps").await.expect("gaps")).expect("JSON");
    assert_eq!((&gaps["gaps"][0]["name"], &gaps["gaps"][0]["blocked_jobs"]), (&json!("a-b"), &json!(1)));
    let gap: Value = serde_json::from_str(&read("gapwright://gap/a-b").await.expect("a gap")).expect("JSON");
    assert_eq!(
        gap["last_sightings"][0]["untrusted"],
        json!({"source": "sighting", "author": "ann", "text": "<b>why</b>"})
    );
    assert!(read("gapwright://guarantees").await.expect("guarantees").contains("A fencing token only grows"));
    for uri in ["gapwright://gap/nobody", "gapwright://nothing", "file:///etc/passwd"] {
        let error = read(uri).await.expect_err(uri);
        assert!(error.contains("-32602") && error.contains(&format!(r#""uri":"{uri}""#)), "{error}");
    }
    asked.end().await.expect("a clean end");
});

#[tokio::test]
async fn another_prefix_renames_every_tool_and_every_prompt() {
    let world = World::seeded(harness::On::Memory, 0, |settings| settings.tool_prefix = "acme-".to_owned()).await;
    let asked = Asked::new(&world).await;
    let client = asked.client(Role::Routine, "ann").await;
    let names: Vec<_> = listed(&client).await.into_iter().map(|tool| tool["name"].clone()).collect();
    assert!(names.iter().all(|name| name.as_str().is_some_and(|name| name.starts_with("acme-"))), "{names:?}");
    let prompt = client.ask("prompts/get", "stuck-jobs", json!({"name": "stuck-jobs"})).await.expect("a prompt");
    let text = prompt["messages"][0]["content"]["text"].as_str().unwrap_or_default();
    assert!(text.contains("acme-check-in") && !text.contains("monolith"), "{text}");
    assert!(
        matches!(client.call("list-locks", json!({})).await, Answer::Ok(_)),
        "the seed's spelling works all the same"
    );
    asked.end().await.expect("a clean end");
}
