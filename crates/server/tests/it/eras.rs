//! Both eras of the protocol on one endpoint: the stateless one, and the one that begins with a handshake.

use domain::agent::Role;
use harness::both;
use serde_json::{Value, json};

use crate::asked::Asked;

/// A request of the earlier era, which carries nothing but itself.
async fn legacy(asked: &Asked, token: &str, method: &str, params: Value) -> Value {
    let request = reqwest::Client::new()
        .post(format!("{}/mcp", asked.url))
        .bearer_auth(token)
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .json(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}));
    let answer = request.send().await.expect("an answer");
    assert!(answer.headers().get("mcp-session-id").is_none(), "no session is kept");
    answer.json().await.expect("JSON")
}

both!(a_client_of_the_earlier_era_is_served_without_a_session, async |world| {
    let asked = Asked::new(world).await;
    let token = asked.token(Role::Routine, "old").await;
    let hello =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}});
    let greeted = legacy(&asked, &token, "initialize", hello).await;
    let capabilities = &greeted["result"]["capabilities"];
    for what in ["tools", "prompts", "resources"] {
        assert_eq!(capabilities[what]["listChanged"], json!(true), "{what}: a bare object makes a gateway skip it");
    }
    assert!(greeted["result"]["instructions"].as_str().is_some_and(|text| text.contains("Check in first and last")));
    let tools = legacy(&asked, &token, "tools/list", json!({})).await;
    assert_eq!(tools["result"]["tools"].as_array().map(Vec::len), Some(server::mcp::tool_names("").len()));
    let call = json!({"name": "monolith-agent-acquire-lock", "arguments": {"key": "k", "holder": "h", "ttl_secs": 60}});
    let called = legacy(&asked, &token, "tools/call", call).await;
    assert_eq!(called["result"]["structuredContent"]["acquired"], json!(true), "{called}");
    let text: Value =
        serde_json::from_str(called["result"]["content"][0]["text"].as_str().unwrap_or_default()).expect("JSON");
    assert_eq!(text, called["result"]["structuredContent"], "the same answer as text");
    asked.end().await.expect("a clean end");
});

both!(a_client_of_the_later_era_discovers_and_is_told_for_how_long_lists_hold, async |world| {
    let asked = Asked::new(world).await;
    let client = asked.client(Role::Routine, "new").await;
    let discovered = client.ask("server/discover", "", json!({})).await.expect("discovered");
    let versions = discovered["supportedVersions"].as_array().or_else(|| discovered["protocolVersions"].as_array());
    assert!(versions.is_some_and(|versions| versions.contains(&json!("2026-07-28"))), "{discovered}");
    for list in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
        let result = client.ask(list, "", json!({})).await.expect(list);
        assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(300_000), &json!("public")), "{list}");
    }
    asked.end().await.expect("a clean end");
});
