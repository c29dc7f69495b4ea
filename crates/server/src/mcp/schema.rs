//! Schemas in the part of JSON Schema that every client and gateway reads, made from the types that are parsed and
//! rendered.

use std::sync::Arc;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// A JSON object, as rmcp keeps schemas and arguments.
pub(crate) type Object = Map<String, Value>;

/// The schema of a tool's arguments: nothing but what is named is taken.
pub(crate) fn of_arguments<T: JsonSchema>() -> Object {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = plain(settings.into_generator().into_root_schema_for::<T>().to_value());
    close(&mut schema);
    object(schema)
}

/// The schema of a tool's answer.
pub(crate) fn of_answer<T: JsonSchema>() -> Arc<Object> {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| settings.inline_subschemas = true);
    Arc::new(object(plain(settings.into_generator().into_root_schema_for::<T>().to_value())))
}

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
