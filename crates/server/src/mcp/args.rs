//! Reading a tool's arguments against its schema, before anything is touched.
//!
//! The schema's limits are enforced here, since the protocol library does not; a number written as a text is taken
//! for the number; an argument nobody knows is refused with the nearest one that is known.

use domain::refusal::{Code, Refusal};
use serde_json::{Value, json};

use super::schema::Object;

/// The arguments as the tool's type reads them, or what is wrong with them.
pub(crate) fn read(schema: &Object, arguments: Object) -> Result<Object, Refusal> {
    fields("", schema, arguments)
}

fn fields(path: &str, schema: &Object, arguments: Object) -> Result<Object, Refusal> {
    let none = Object::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let open = schema.get("additionalProperties").is_none_or(|more| *more != Value::Bool(false));
    let mut read = Object::new();
    for (name, value) in arguments {
        let field = format!("{path}{name}");
        match properties.get(&name).and_then(Value::as_object) {
            // A null stands for an argument left out.
            Some(_) if value.is_null() => {}
            Some(property) => {
                let value = one(&field, property, value)?;
                read.insert(name, value);
            }
            None if open => {
                read.insert(name, value);
            }
            None => return Err(unknown(field, &name, properties)),
        }
    }
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for name in required {
        if !read.contains_key(name) {
            return Err(Refusal::invalid(format!("{path}{name}"), format!("{path}{name} is missing")).hint("give it"));
        }
    }
    Ok(read)
}

fn unknown(field: String, name: &str, properties: &Object) -> Refusal {
    let nearest =
        properties.keys().map(|known| (strsim::jaro_winkler(known, name), known)).filter(|(near, _)| *near > 0.75);
    let hint = match nearest.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, known)) => format!("did you mean {known}?"),
        None if properties.is_empty() => "this tool takes no arguments".to_owned(),
        None => format!("it takes {}", properties.keys().cloned().collect::<Vec<_>>().join(", ")),
    };
    Refusal::new(Code::UnknownArgument, format!("there is no argument {field}")).field(field).hint(hint)
}

fn one(field: &str, schema: &Object, value: Value) -> Result<Value, Refusal> {
    match schema.get("type").and_then(Value::as_str).unwrap_or_default() {
        "integer" => integer(field, schema, &value),
        "boolean" => flag(field, &value),
        "string" => text(field, schema, value),
        "array" => items(field, schema, value),
        "object" => {
            let Value::Object(object) = value else { return Err(kind(field, "a JSON object", &value)) };
            fields(&format!("{field}."), schema, object).map(Value::Object)
        }
        _ => Ok(value),
    }
}

fn integer(field: &str, schema: &Object, value: &Value) -> Result<Value, Refusal> {
    let number = match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse::<i64>().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let bound = |key: &str| schema.get(key).and_then(Value::as_i64);
    let (low, high) = (bound("minimum").unwrap_or(i64::MIN), bound("maximum").unwrap_or(i64::MAX));
    match number {
        Some(number) if (low..=high).contains(&number) => Ok(json!(number)),
        _ => Err(Refusal::invalid(field.to_owned(), format!("{field} is not a whole number from {low} to {high}"))
            .hint(format!("give a whole number from {low} to {high}"))),
    }
}

/// A number such as 60.0, which some clients write for 60.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

fn flag(field: &str, value: &Value) -> Result<Value, Refusal> {
    match (value.as_bool(), value.as_str()) {
        (Some(flag), _) => Ok(json!(flag)),
        (None, Some("true")) => Ok(json!(true)),
        (None, Some("false")) => Ok(json!(false)),
        (None, _) => Err(kind(field, "true or false", value)),
    }
}

fn text(field: &str, schema: &Object, value: Value) -> Result<Value, Refusal> {
    let Value::String(text) = &value else { return Err(kind(field, "a text", &value)) };
    // JSON can say U+0000, a store of texts cannot keep it.
    if text.contains('\0') {
        return Err(
            Refusal::invalid(field.to_owned(), format!("{field} has a U+0000")).hint("leave that character out")
        );
    }
    let chars = text.chars().count() as u64;
    let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
    let (low, high) = (bound("minLength").unwrap_or(0), bound("maxLength").unwrap_or(u64::MAX));
    if chars < low || chars > high {
        let message = format!("{field} has {chars} characters");
        return Err(Refusal::invalid(field.to_owned(), message).hint(format!("give {low} to {high} characters")));
    }
    match schema.get("enum").and_then(Value::as_array) {
        Some(words) if !words.contains(&value) => {
            let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
            Err(Refusal::invalid(field.to_owned(), format!("{field} is none of {}", words.join(", ")))
                .hint(format!("give one of {}", words.join(", "))))
        }
        Some(_) | None => Ok(value),
    }
}

fn items(field: &str, schema: &Object, value: Value) -> Result<Value, Refusal> {
    let Value::Array(items) = value else { return Err(kind(field, "a list", &value)) };
    let most = schema.get("maxItems").and_then(Value::as_u64).unwrap_or(u64::MAX);
    if items.len() as u64 > most {
        return Err(Refusal::invalid(field.to_owned(), format!("{field} has {} items", items.len()))
            .hint(format!("give at most {most}")));
    }
    let Some(item) = schema.get("items").and_then(Value::as_object) else { return Ok(Value::Array(items)) };
    let read = items.into_iter().enumerate().map(|(at, value)| one(&format!("{field}[{at}]"), item, value));
    read.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn kind(field: &str, wanted: &str, got: &Value) -> Refusal {
    let got = match got {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Refusal::invalid(field.to_owned(), format!("{field} is {got}, not {wanted}")).hint(format!("give {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Object {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["key"],
            "properties": {
                "key": {"type": "string", "minLength": 1, "maxLength": 3},
                "ttl_secs": {"type": "integer", "minimum": 1, "maximum": 86400},
                "level": {"type": "string", "enum": ["info", "warn"]},
                "flag": {"type": "boolean"},
                "payload": {"type": "object", "additionalProperties": true},
                "gaps": {"type": "array", "maxItems": 2, "items": {
                    "type": "object", "additionalProperties": false, "required": ["name"],
                    "properties": {"name": {"type": "string"}}}},
            }
        });
        schema.as_object().cloned().unwrap_or_default()
    }

    fn reading(arguments: &Value) -> Result<Value, (Code, Option<String>)> {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        read(&schema(), arguments).map(Value::Object).map_err(|r| (r.code, r.field.map(Into::into)))
    }

    #[test]
    fn what_fits_the_schema_is_read_and_numbers_may_be_texts() {
        let given = json!({"key": "\u{e9}\u{e9}\u{e9}", "ttl_secs": " 60 ", "level": "warn", "flag": "true", "payload": {"a": [1]}, "gaps": [{"name": "x"}]});
        let want = json!({"key": "\u{e9}\u{e9}\u{e9}", "ttl_secs": 60, "level": "warn", "flag": true, "payload": {"a": [1]}, "gaps": [{"name": "x"}]});
        assert_eq!(reading(&given), Ok(want));
        assert_eq!(
            reading(&json!({"key": "a", "ttl_secs": 60.0, "level": null})),
            Ok(json!({"key": "a", "ttl_secs": 60}))
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_by_the_name_of_its_argument() {
        for (given, field) in [
            (json!({}), "key"),
            (json!({"key": null}), "key"),
            (json!({"key": ""}), "key"),
            (json!({"key": "abcd"}), "key"),
            (json!({"key": 5}), "key"),
            (json!({"key": "a", "ttl_secs": 0}), "ttl_secs"),
            (json!({"key": "a", "ttl_secs": -1}), "ttl_secs"),
            (json!({"key": "a", "ttl_secs": 1.5}), "ttl_secs"),
            (json!({"key": "a", "ttl_secs": 1e300}), "ttl_secs"),
            (json!({"key": "a", "ttl_secs": 1_000_000_000_000_i64}), "ttl_secs"),
            (json!({"key": "a", "ttl_secs": u64::MAX}), "ttl_secs"),
            (json!({"key": "a", "ttl_secs": "NaN"}), "ttl_secs"),
            (json!({"key": "a", "ttl_secs": ""}), "ttl_secs"),
            (json!({"key": "a", "ttl_secs": true}), "ttl_secs"),
            (json!({"key": "a\u{0}"}), "key"),
            (json!({"key": "a", "level": "loud"}), "level"),
            (json!({"key": "a", "flag": 1}), "flag"),
            (json!({"key": "a", "payload": "x"}), "payload"),
            (json!({"key": "a", "gaps": {}}), "gaps"),
            (json!({"key": "a", "gaps": [{"name": "x"}, {"name": "y"}, {"name": "z"}]}), "gaps"),
            (json!({"key": "a", "gaps": [{}]}), "gaps[0].name"),
        ] {
            assert_eq!(reading(&given), Err((Code::InvalidArgument, Some(field.to_owned()))), "{given}");
        }
    }

    #[test]
    fn an_argument_nobody_knows_is_refused_with_the_nearest_one() {
        let refusal =
            |given: Value| read(&schema(), given.as_object().cloned().unwrap_or_default()).expect_err("unknown");
        let near = refusal(json!({"key": "a", "ttl_sec": 1}));
        assert_eq!((near.code, near.hint.as_str()), (Code::UnknownArgument, "did you mean ttl_secs?"));
        let nested = refusal(json!({"key": "a", "gaps": [{"name": "x", "nmae": "y"}]}));
        assert_eq!(nested.field.as_deref(), Some("gaps[0].nmae"));
    }
}
