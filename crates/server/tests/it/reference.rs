//! The reference of the tools in the documents is made from the tools themselves.

use std::fmt::Write as _;
use std::path::Path;

use domain::agent::Role;
use harness::World;
use serde_json::{Value, json};

use crate::asked::Asked;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/tools.md");

/// One tool as Markdown.
fn page(tool: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut page = format!("\n## {}\n\n{}\n", text(&tool["name"]), text(&tool["description"]));
    for (title, schema) in [("argument", &tool["inputSchema"]), ("answer", &tool["outputSchema"])] {
        let Some(properties) = schema["properties"].as_object().filter(|properties| !properties.is_empty()) else {
            continue;
        };
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        write!(page, "\n| {title} | | |\n|---|---|---|\n").expect("a text");
        for (name, property) in properties {
            let need = if required.contains(&json!(name)) { "" } else { "optional" };
            let bounds = ["minimum", "maximum", "minLength", "maxLength", "maxItems", "enum", "default"]
                .into_iter()
                .filter_map(|key| Some(format!("{key} {}", property.get(key)?)));
            let bounds = bounds.collect::<Vec<_>>().join(", ");
            let kind = format!("{} {}", text(&property["type"]), need).trim().to_owned();
            writeln!(
                page,
                "| `{name}` | {kind} | {} {} |",
                text(&property["description"]),
                if bounds.is_empty() { String::new() } else { format!("({bounds})") }
            )
            .expect("a text");
        }
    }
    page
}

#[expect(clippy::disallowed_methods, reason = "whoever changes a tool asks for the document to be written anew")]
fn write_anew() -> bool {
    std::env::var_os("GAPWRIGHT_WRITE_REFERENCE").is_some()
}

#[tokio::test]
async fn the_reference_tells_what_is_served() {
    let world = World::new(harness::On::Memory).await;
    let asked = Asked::new(&world).await;
    let client = asked.client(Role::Viewer, "eve").await;
    let tools = client.ask("tools/list", "", json!({})).await.expect("the list");
    let head = "# The tools\n\nMade from the catalogue by a test: GAPWRIGHT_WRITE_REFERENCE=1 cargo test -p server reference. A refused call is an\nerror with `code`, `message`, `hint`, and where they apply `field` and `retry_after_ms`.\n";
    let made = tools["tools"].as_array().expect("tools").iter().fold(head.to_owned(), |made, tool| made + &page(tool));
    if write_anew() {
        std::fs::create_dir_all(Path::new(FILE).parent().expect("a folder")).expect("a folder");
        std::fs::write(FILE, &made).expect("written");
    }
    let written = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        written == made,
        "docs/reference/tools.md is old: GAPWRIGHT_WRITE_REFERENCE=1 cargo test -p server reference"
    );
    asked.end().await.expect("a clean end");
}
