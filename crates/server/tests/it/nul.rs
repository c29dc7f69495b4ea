//! JSON can say U+0000 and a database of texts cannot keep it: wherever a tool takes a text, it is refused by the name
//! of its argument. The cases are made from the served schemas, so a new argument is a new case.

use domain::agent::Role;
use domain::id;
use harness::both;
use harness::mcp::Client;
use serde_json::{Value, json};

use crate::asked::{Asked, ok, refused};

const NUL: &str = "a\u{0}b";

/// A value that the schema takes, made of what is required.
fn sample(name: &str, schema: &Value) -> Value {
    if let Some(words) = schema["enum"].as_array() {
        return words[0].clone();
    }
    match schema["type"].as_str() {
        Some("integer") => json!(schema["minimum"].as_i64().unwrap_or(1).max(1)),
        Some("boolean") => json!(false),
        Some("array") => json!([sample(name, &schema["items"])]),
        Some("object") => {
            let needed = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            needed.map(|name| (name.to_owned(), sample(name, &schema["properties"][name]))).collect()
        }
        _ if name.ends_with("_id") => json!(id::mint(harness::plane::START, 1)),
        _ if name == "status" => json!("ok"),
        _ => json!("a-b"),
    }
}

/// Every way to put a NUL into a text below this schema: the value, and the path of the text.
fn spoilt(path: &str, name: &str, schema: &Value) -> Vec<(Value, String)> {
    match schema["type"].as_str() {
        Some("string") => vec![(json!(NUL), path.to_owned())],
        Some("array") => {
            let items = spoilt(&format!("{path}[0]"), name, &schema["items"]);
            items.into_iter().map(|(item, path)| (json!([item]), path)).collect()
        }
        Some("object") => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            let cases = properties.flat_map(|(inner, property)| {
                let below = if path.is_empty() { inner.clone() } else { format!("{path}.{inner}") };
                spoilt(&below, inner, property).into_iter().map(|(value, path)| {
                    let mut whole = sample(name, schema);
                    whole[inner.as_str()] = value;
                    (whole, path)
                })
            });
            cases.collect()
        }
        _ => Vec::new(),
    }
}

async fn listed(client: &Client) -> Vec<(String, Value)> {
    let listed = client.ask("tools/list", "", json!({})).await.expect("the list");
    let tools = listed["tools"].as_array().expect("tools").iter().map(|tool| {
        let name = tool["name"].as_str().expect("a name").trim_start_matches("monolith-agent-");
        (name.to_owned(), tool["inputSchema"].clone())
    });
    tools.collect()
}

both!(a_nul_in_any_text_of_any_tool_is_refused_by_name, async |world| {
    let asked = Asked::new(world).await;
    let client = asked.client(Role::Operator, "olga").await;
    let mut cases = 0;
    for (tool, schema) in listed(&client).await {
        for (arguments, field) in spoilt("", "", &schema) {
            let answer = refused(&client, &tool, arguments.clone()).await;
            assert_eq!(answer, ("invalid_argument".to_owned(), field), "{tool} {arguments}");
            cases += 1;
        }
    }
    assert!(cases > 60, "only {cases} texts were found in the schemas");
    asked.end().await.expect("a clean end");
});

both!(a_forged_cursor_with_a_nul_or_another_shape_is_refused_by_every_list, async |world| {
    let asked = Asked::new(world).await;
    let client = asked.client(Role::Operator, "olga").await;
    let lists = listed(&client).await.into_iter().filter(|(_, schema)| schema["properties"]["cursor"].is_object());
    for (tool, schema) in lists {
        for place in ["[0,\"a\\u0000\"]", "[0]", "[0.5,\"a\"]", "{\"0\":0,\"1\":\"a\"}", "[0,\"a\",0]"] {
            let mut arguments = sample("", &schema);
            arguments["cursor"] = json!(hex::encode(place));
            let answer = refused(&client, &tool, arguments).await;
            assert_eq!(answer, ("invalid_argument".to_owned(), "cursor".to_owned()), "{tool} {place}");
        }
    }
    asked.end().await.expect("a clean end");
});

both!(a_nul_within_a_payload_is_kept_and_in_the_name_of_a_resource_it_names_nothing, async |world| {
    let asked = Asked::new(world).await;
    let client = asked.client(Role::Operator, "olga").await;
    let payload = json!({"a\u{0}": NUL});
    ok(&client, "register-routine-job", json!({"name": "j", "kind": "k", "payload": payload})).await;
    let claimed = ok(&client, "claim-routine-job", json!({"name": "j", "holder": "h", "ttl_secs": 60})).await;
    assert_eq!(claimed["job"]["untrusted"]["payload"], payload);
    let uri = format!("gapwright://gap/{NUL}");
    let answer = client.ask("resources/read", "", json!({"uri": uri})).await.expect_err("nothing");
    assert!(!answer.contains("-32603"), "{answer}");
    asked.end().await.expect("a clean end");
});
