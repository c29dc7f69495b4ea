//! The shape of a kind's payloads: proposed once three of them agree, and held to once a person accepts it.
//!
//! A shape is the part of JSON Schema that three examples can teach: the names of the top fields, their types, and which
//! are always there. Fields that are not named may come too.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::refusal::Refusal;

/// How many distinct payloads must agree before a shape is proposed.
pub const EXAMPLES_MIN: usize = 3;

/// How many of a kind's payloads are looked at, the latest first.
pub const EXAMPLES_MAX: i64 = 50;

/// The most fields a shape names: a payload with more is a record of something else.
const FIELDS_MAX: usize = 50;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    /// A text.
    String,
    /// A whole number.
    Integer,
    /// Any other number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    Array,
    /// An object.
    Object,
}

/// The shape of a kind's payloads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// What each field holds.
    pub fields: BTreeMap<String, Type>,
    /// The fields that are always there.
    pub required: BTreeSet<String>,
}

impl Type {
    const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    /// What a value is; none for null, which says nothing.
    fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_i64() || number.is_u64() => Self::Integer,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        })
    }

    /// Whether a value of type `other` may stand where this is said.
    fn takes(self, other: Self) -> bool {
        self == other || (self == Self::Number && other == Self::Integer)
    }

    /// The type that takes both; none when no type does.
    fn with(self, other: Self) -> Option<Self> {
        if self.takes(other) {
            Some(self)
        } else if other.takes(self) {
            Some(other)
        } else {
            None
        }
    }
}

/// The shape on which payloads agree; none while there are fewer than three distinct ones, or where two of them hold
/// different things in a field, or share no field at all.
pub fn agreed(payloads: &[Map<String, Value>]) -> Option<Shape> {
    let distinct: BTreeSet<String> = payloads.iter().map(|payload| json!(payload).to_string()).collect();
    if distinct.len() < EXAMPLES_MIN {
        return None;
    }
    let mut fields = BTreeMap::new();
    for (name, value) in payloads.iter().flatten() {
        let Some(new) = Type::of(value) else { continue };
        let now = match fields.get(name) {
            None => new,
            Some(before) => new.with(*before)?,
        };
        fields.insert(name.clone(), now);
    }
    let always =
        |name: &&String| payloads.iter().all(|payload| payload.get(*name).is_some_and(|value| !value.is_null()));
    let required: BTreeSet<String> = fields.keys().filter(always).cloned().collect();
    (!required.is_empty() && fields.len() <= FIELDS_MAX).then_some(Shape { fields, required })
}

impl Shape {
    /// Refuses a payload that does not have this shape.
    pub fn check(&self, kind: &str, payload: &Map<String, Value>) -> Result<(), Refusal> {
        let refuse = |field: &str, why: String| {
            Refusal::invalid(format!("payload.{field}"), why)
                .hint(format!("payloads of the kind {kind} have this shape: {}", self.schema()))
        };
        for name in &self.required {
            if payload.get(name).is_none_or(Value::is_null) {
                return Err(refuse(name, format!("payload.{name} is missing, which every {kind} payload has")));
            }
        }
        for (name, wanted) in &self.fields {
            let Some(held) = payload.get(name).and_then(Type::of) else { continue };
            if !wanted.takes(held) {
                return Err(refuse(name, format!("payload.{name} is {}, not {}", held.name(), wanted.name())));
            }
        }
        Ok(())
    }

    /// The same as JSON Schema.
    pub fn schema(&self) -> Value {
        let properties: Map<String, Value> =
            self.fields.iter().map(|(name, kind)| (name.clone(), json!({"type": kind.name()}))).collect();
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "required": self.required,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payloads(values: &[Value]) -> Vec<Map<String, Value>> {
        values.iter().map(|value| value.as_object().expect("an object").clone()).collect()
    }

    #[test]
    fn a_shape_is_proposed_once_three_distinct_payloads_agree() {
        let three = payloads(&[
            json!({"pull": 1, "repo": "a/b", "hint": "x"}),
            json!({"pull": 2, "repo": "a/b", "ratio": 1}),
            json!({"pull": 3, "repo": "a/c", "ratio": 0.5, "hint": null}),
        ]);
        let shape = agreed(&three).expect("a shape");
        assert_eq!(shape.required, ["pull", "repo"].map(str::to_owned).into());
        assert_eq!(shape.fields["ratio"], Type::Number);
        assert_eq!(agreed(&three[..2]), None);
        let same = payloads(&[json!({"a": 1}), json!({"a": 1}), json!({"a": 1})]);
        assert_eq!(agreed(&same), None, "one example three times is one example");
    }

    #[test]
    fn payloads_that_disagree_or_share_nothing_make_no_shape() {
        assert_eq!(agreed(&payloads(&[json!({"a": 1}), json!({"a": "x"}), json!({"a": 2})])), None);
        assert_eq!(agreed(&payloads(&[json!({"a": 1}), json!({"b": 1}), json!({"c": 1})])), None);
        assert_eq!(agreed(&payloads(&[json!({}), json!({"b": 1}), json!({"b": 2})])), None);
    }

    #[test]
    fn a_payload_is_held_to_the_accepted_shape_and_may_say_more() {
        let shape = agreed(&payloads(&[json!({"a": 1}), json!({"a": 2}), json!({"a": 3, "b": [1]})])).expect("a shape");
        let check = |value: Value| {
            let payload = value.as_object().expect("an object").clone();
            shape.check("digest", &payload).map_err(|refusal| refusal.message)
        };
        assert_eq!(check(json!({"a": 4, "new": true})), Ok(()));
        assert_eq!(check(json!({"b": []})), Err("payload.a is missing, which every digest payload has".into()));
        assert_eq!(check(json!({"a": "4"})), Err("payload.a is string, not integer".into()));
        assert_eq!(check(json!({"a": 4, "b": {}})), Err("payload.b is object, not array".into()));
    }
}
