//! Schemas in the part of JSON Schema that every client and gateway reads, made from the types that are parsed and
//! rendered.

use std::sync::Arc;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// A JSON object, as rmcp keeps schemas and arguments.
pub(crate) type Object = Map<String, Value>;

/// The schema of a tool's arguments: nothing but what is named is taken.
pub(crate) fn of_arguments<T: JsonSchema>() -> Object {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = plain(settings.into_generator().into_root_schema_for::<T>().to_value());
    close(&mut schema);
    object(schema)
}

/// The schema of what a tool gives: its answer, or a refusal in its place. Some clients hold errors against it too, and
/// would hide a refusal that it does not describe.
pub(crate) fn of_answer<T: JsonSchema>() -> Arc<Object> {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| settings.inline_subschemas = true);
    let mut schema = object(plain(settings.into_generator().into_root_schema_for::<T>().to_value()));
    let answered = schema.remove("required").unwrap_or_else(|| json!([]));
    schema.insert("anyOf".to_owned(), json!([{"required": answered}, {"required": ["code", "message"]}]));
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, kind, about) in REFUSAL {
            properties.entry(name).or_insert_with(|| json!({"type": kind, "description": about}));
        }
    }
    Arc::new(schema)
}

/// The fields of a refusal.
const REFUSAL: [(&str, &str, &str); 5] = [
    ("code", "string", "Of a refusal: a word to branch on."),
    ("message", "string", "Of a refusal: what was refused and why."),
    ("hint", "string", "Of a refusal: what to do next."),
    ("field", "string", "Of a refusal: the argument at fault."),
    ("retry_after_ms", "integer", "When asking again may help, in milliseconds."),
];

fn object(schema: Value) -> Object {
    match schema {
        Value::Object(object) => object,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Object::new(),
    }
}

/// Takes out what clients warn of: formats of integers, lists of types, nulls, and titles made of type names.
fn plain(mut schema: Value) -> Value {
    if let Some(object) = schema.as_object_mut() {
        for key in ["$schema", "format", "title"] {
            // A property may itself be called title; its schema is an object, the keyword's value is a text.
            if object.get(key).is_some_and(Value::is_string) {
                object.remove(key);
            }
        }
        if object.get("default").is_some_and(Value::is_null) {
            object.remove("default");
        }
        if let Some(kinds) = object.get("type").and_then(Value::as_array) {
            let kind = kinds.iter().find(|kind| kind.as_str() != Some("null")).cloned();
            object.extend(kind.map(|kind| ("type".to_owned(), kind)));
        }
    }
    match schema {
        Value::Object(object) => object.into_iter().map(|(key, value)| (key, plain(value))).collect(),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}

/// Closes every object that names its properties.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("type").and_then(Value::as_str) == Some("object") {
                object.entry("properties").or_insert_with(|| Value::Object(Map::new()));
                object.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
