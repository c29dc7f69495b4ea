//! Audits of the page as it is shown now. Each gives plain sentences about what is wrong, and none when all is right.
//!
//! What is hidden is not audited: open a dialog before asking. Not covered: frames, shadow trees (but for names), text
//! over pictures, and what only moves or sounds.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::Browser;

/// Elements that must have a name, as a reader of the screen is told it.
const NAMED_TAGS: [&str; 8] = ["button", "select", "textarea", "summary", "dialog", "table", "nav", "img"];

/// Roles of other elements that must have one.
const NAMED_ROLES: [&str; 5] = ["img", "button", "link", "dialog", "navigation"];

impl Browser {
    /// Text with less contrast to what is behind it than WCAG 2.2 AA asks: 4.5, or 3 from 24 px, or 18.66 px when bold.
    /// Alpha, opacity and gradients are counted in; text of disabled controls and what only screens' readers get is not.
    pub async fn contrast(&self) -> Vec<String> {
        self.audit(include_str!("contrast.js")).await
    }

    /// Controls, pictures, tables and regions without a name, by the names that Chromium itself computes.
    pub async fn names(&self) -> Vec<String> {
        let tree = self.devtools("Accessibility.getFullAXTree", json!({})).await;
        let computed: HashMap<u64, &Value> = tree["nodes"]
            .as_array()
            .expect("the nodes of the accessibility tree")
            .iter()
            .filter(|node| node["ignored"] == false)
            .filter_map(|node| Some((node["backendDOMNodeId"].as_u64()?, &node["name"]["value"])))
            .collect();
        let document = self.devtools("DOM.getDocument", json!({ "depth": -1, "pierce": true })).await;
        let mut nameless = Vec::new();
        nameless_in(&document["root"], &computed, &mut nameless);
        nameless
    }

    /// What is out of order in the document: language, title, headings, landmarks, the way past the navigation, ids and
    /// what leads to them, and tables.
    pub async fn structure(&self) -> Vec<String> {
        self.audit(include_str!("structure.js")).await
    }

    /// Whether the document is wider than the window, and which elements make it so.
    pub async fn overflow(&self) -> Vec<String> {
        self.audit(include_str!("overflow.js")).await
    }

    async fn audit(&self, script: &str) -> Vec<String> {
        serde_json::from_value(self.eval(script).await).expect("a list of sentences")
    }

    /// Panics where anything on the page is hard to read, has no name, is out of order, or sticks out.
    pub async fn is_sound(&self, page: &str) {
        for found in [self.contrast().await, self.names().await, self.structure().await, self.overflow().await] {
            assert!(found.is_empty(), "{page}: {found:#?}");
        }
    }
}

/// Elements from here downwards that need a name, are told to readers of screens, and have none.
fn nameless_in(node: &Value, computed: &HashMap<u64, &Value>, nameless: &mut Vec<String>) {
    let name = node["backendNodeId"].as_u64().and_then(|id| computed.get(&id));
    if let Some(name) = name
        && needs_name(node)
        && name.as_str().unwrap_or_default().trim().is_empty()
    {
        nameless.push(format!("{} has no name", shown(node)));
    }
    for kind in ["children", "shadowRoots"] {
        for child in node[kind].as_array().into_iter().flatten() {
            nameless_in(child, computed, nameless);
        }
    }
}

fn needs_name(node: &Value) -> bool {
    let tag = node["localName"].as_str().unwrap_or_default();
    match tag {
        "a" => attribute(node, "href").is_some(),
        "input" => attribute(node, "type") != Some("hidden"),
        _ => NAMED_TAGS.contains(&tag) || attribute(node, "role").is_some_and(|role| NAMED_ROLES.contains(&role)),
    }
}

/// An element as a tag with its attributes, so that it can be found in the source.
fn shown(node: &Value) -> String {
    let mut words = vec![node["localName"].as_str().unwrap_or_default().to_owned()];
    words.extend(attributes(node).map(|(name, value)| format!("{name}={value:?}")));
    format!("<{}>", words.join(" "))
}

fn attribute<'a>(node: &'a Value, wanted: &str) -> Option<&'a str> {
    attributes(node).find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

/// Names and values, which stand in one list by turns.
fn attributes(node: &Value) -> impl Iterator<Item = (&str, &str)> {
    let flat = node["attributes"].as_array().map(Vec::as_slice).unwrap_or_default();
    flat.chunks_exact(2).filter_map(|pair| Some((pair[0].as_str()?, pair[1].as_str()?)))
}
