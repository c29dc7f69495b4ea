//! GitHub's own description of its interface, to check requests, answers and webhooks by.
//!
//! It is not here: it is a package of theirs, installed beside the clients of other people. A test that needs it and
//! does not find it fails, and says how to get it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ValidationError, Validator};
use serde_json::{Value, json};

use super::request::decoded;

/// Names the folder of their packages.
const VARIABLE: &str = "GAPWRIGHT_TEST_GITHUB";

/// The description below that folder.
const FILE: &str = "openapi/generated/api.github.com.json";

/// Their examples of webhooks below that folder.
const EXAMPLES: &str = "webhooks-examples/api.github.com/index.json";

/// Where the description is wrong of its own answers, and by which of its schemas a list's items are checked there: it
/// asks that whoever has an installation is a person and a company at once.
const MENDED: [(&str, &str, u16, &str); 1] = [("GET", "/app/installations", 200, "installation")];

/// How many faults are told of one body.
const FAULTS_MAX: usize = 5;

/// How much of a fault's words is told, in characters.
const WORDS_MAX: usize = 300;

/// The description, read once in a process.
#[derive(Debug)]
pub struct Description {
    folder: PathBuf,
    document: Value,
    /// What was compiled so far, by what it checks.
    compiled: Mutex<BTreeMap<String, Arc<Validator>>>,
}

/// One operation.
#[derive(Debug)]
struct Operation<'a> {
    template: &'a str,
    described: &'a Value,
}

impl Description {
    /// Reads it; panics with what to do when it is not there.
    pub fn load() -> &'static Self {
        static DESCRIPTION: OnceLock<Description> = OnceLock::new();
        DESCRIPTION.get_or_init(|| {
            let folder = variable().unwrap_or_else(|| {
                panic!("{VARIABLE} is not set: run ./test rust, or export {VARIABLE}=\"$(clients/run --install)\"")
            });
            let folder = PathBuf::from(folder);
            let document = read(&folder.join(FILE));
            Self { folder, document, compiled: Mutex::default() }
        })
    }

    /// Their examples of webhooks: the kind of each, and what it tells.
    pub fn webhook_examples(&self) -> Vec<(String, Value)> {
        let kinds = read(&self.folder.join(EXAMPLES));
        let kinds = kinds.as_array().cloned().unwrap_or_default();
        let pairs = kinds.into_iter().flat_map(|kind| {
            let name = kind["name"].as_str().unwrap_or_default().to_owned();
            let examples = kind["examples"].as_array().cloned().unwrap_or_default();
            examples.into_iter().map(move |example| (name.clone(), example))
        });
        pairs.collect()
    }

    /// Whether a request is one that the real one knows: its path, each word of its query, and its body.
    pub fn check_request(&self, method: &str, path: &str, body: &Value) -> Result<(), String> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let told = |why: String| format!("{method} {path}: {why}");
        let operation = self.operation(method, path).map_err(told)?;
        self.check_query(&operation, query).map_err(told)?;
        let schema = self.resolved(&operation.described["requestBody"])["content"]["application/json"].get("schema");
        match (schema, body) {
            (None, Value::Null) => Ok(()),
            (None, _) => Err(told("it takes no body".to_owned())),
            (Some(_), Value::Null) if operation.described["requestBody"]["required"] != true => Ok(()),
            (Some(schema), _) => {
                self.check_names(schema, body).map_err(told)?;
                let key = format!("{method} {} request", operation.template);
                self.check(&key, schema, body).map_err(told)
            }
        }
    }

    /// Whether an answer is one that the real one gives. A refusal that is not described for the operation must look
    /// as refusals do.
    pub fn check_response(&self, method: &str, path: &str, status: u16, body: &Value) -> Result<(), String> {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let told = |why: String| format!("{method} {path} answered {status}: {why}");
        let operation = match self.operation(method, path) {
            Ok(operation) => operation,
            // What is not there is answered as it should be.
            Err(_) if status == 404 => return self.check_refusal(body).map_err(told),
            Err(why) => return Err(told(why)),
        };
        let described = operation.described["responses"].get(status.to_string());
        let described = described.map(|described| self.resolved(described));
        match described {
            None if status >= 300 => self.check_refusal(body).map_err(told),
            None => Err(told("this status is not described".to_owned())),
            Some(described) => match described["content"]["application/json"].get("schema") {
                None if body.is_null() => Ok(()),
                None if status >= 300 => self.check_refusal(body).map_err(told),
                None => Err(told("it has no body".to_owned())),
                Some(schema) => {
                    let key = format!("{method} {} {status}", operation.template);
                    let mended =
                        MENDED.iter().find(|(m, t, s, _)| (*m, *t, *s) == (method, operation.template, status));
                    let mended = mended.map(|(.., name)| {
                        json!({"type": "array", "items": {"$ref": format!("#/components/schemas/{name}")}})
                    });
                    self.check(&key, mended.as_ref().unwrap_or(schema), body).map_err(told)
                }
            },
        }
    }

    /// Whether a webhook tells what the real one tells.
    pub fn check_webhook(&self, event: &str, payload: &Value) -> Result<(), String> {
        let action = payload["action"].as_str().map(|action| format!("-{action}")).unwrap_or_default();
        let name = format!("{event}{action}").replace('_', "-");
        let hook = &self.document["x-webhooks"][&name]["post"]["requestBody"]["content"]["application/json"];
        let schema = hook.get("schema").ok_or_else(|| format!("there is no webhook {name}"))?;
        self.check(&format!("webhook {name}"), schema, payload).map_err(|why| format!("webhook {name}: {why}"))
    }

    fn check_refusal(&self, body: &Value) -> Result<(), String> {
        if body["message"].as_str().is_none_or(str::is_empty) {
            return Err("a refusal says why".to_owned());
        }
        self.check("a refusal", &json!({"$ref": "#/components/schemas/basic-error"}), body)
    }

    /// The operation of a path; a part that is written out goes before one that may be anything.
    fn operation(&self, method: &str, path: &str) -> Result<Operation<'_>, String> {
        let mut parts: Vec<_> = path.trim_matches('/').split('/').collect();
        // By id is another address of the same, which is not described.
        if let ["repositories", id, ..] = parts[..] {
            parts.splice(..2, ["repos", id, id]);
        }
        let paths = self.document["paths"].as_object().ok_or("the description has no paths")?;
        let fitting = paths.iter().filter(|(template, _)| fits(template, &parts));
        let (template, described) = fitting
            .filter(|(_, described)| described.get(method.to_lowercase()).is_some())
            .min_by_key(|(template, _)| (parts.len() > template.matches('/').count(), template.matches('{').count()))
            .ok_or("there is no such operation")?;
        Ok(Operation { template, described: &described[method.to_lowercase()] })
    }

    /// Whether each word of a query is one that the operation knows, and says what it may.
    fn check_query(&self, operation: &Operation<'_>, query: &str) -> Result<(), String> {
        let parameters = operation.described["parameters"].as_array().cloned().unwrap_or_default();
        let parameters: Vec<_> = parameters.iter().map(|parameter| self.resolved(parameter)).collect();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, word) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, word) = (decoded(name), decoded(word));
            let known = parameters.iter().find(|known| known["in"] == "query" && known["name"] == name.as_str());
            let known = known.ok_or_else(|| format!("it has no parameter {name}"))?;
            let number = word.parse::<i64>().map(Value::from).ok();
            let value = match (known["schema"]["type"].as_str(), number) {
                (Some("integer"), Some(number)) => number,
                (Some("boolean"), _) => json!(word == "true"),
                (Some(_) | None, _) => json!(word),
            };
            let key = format!("{} parameter {name}", operation.template);
            self.check(&key, &known["schema"], &value).map_err(|why| format!("parameter {name}: {why}"))?;
        }
        Ok(())
    }

    /// Whether each field of a body is one that is described: the description itself lets any other pass.
    fn check_names(&self, schema: &Value, body: &Value) -> Result<(), String> {
        let mut known = Vec::new();
        let mut open = vec![schema];
        while let Some(schema) = open.pop() {
            let schema = self.resolved(schema);
            known.extend(schema["properties"].as_object().into_iter().flat_map(|fields| fields.keys()));
            for word in ["oneOf", "anyOf", "allOf"] {
                open.extend(schema[word].as_array().into_iter().flatten());
            }
        }
        let fields = body.as_object().into_iter().flat_map(|fields| fields.keys());
        let unknown: Vec<_> = fields.filter(|field| !known.contains(field)).cloned().collect();
        if known.is_empty() || unknown.is_empty() { Ok(()) } else { Err(format!("it has no {}", unknown.join(", "))) }
    }

    /// Follows a reference.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        pointer.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(value)
    }

    fn check(&self, key: &str, schema: &Value, body: &Value) -> Result<(), String> {
        let known = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        let validator = known.unwrap_or_else(|| self.compile(key, schema));
        let faults: Vec<_> = validator.iter_errors(body).flat_map(|fault| told(&fault)).take(FAULTS_MAX).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
    }

    /// Compiles a schema with everything that it leads to, and nothing else: the whole is 13 MB.
    fn compile(&self, key: &str, schema: &Value) -> Arc<Validator> {
        let mut root = modern(schema);
        let mut needed = serde_json::Map::new();
        let mut open = references(&root);
        while let Some(reference) = open.pop() {
            let name = reference.trim_start_matches("#/components/schemas/").to_owned();
            if !needed.contains_key(&name) {
                let schema = modern(&self.document["components"]["schemas"][&name]);
                open.extend(references(&schema));
                needed.insert(name, schema);
            }
        }
        if root.get("$ref").is_some() {
            root = json!({"allOf": [root]});
        }
        root["components"] = json!({"schemas": needed});
        let options = jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true);
        let validator = options.build(&root).unwrap_or_else(|why| panic!("the schema of {key}: {why}"));
        let validator = Arc::new(validator);
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.insert(key.to_owned(), Arc::clone(&validator));
        validator
    }
}

/// What a fault says; of a choice, what each of its branches says.
fn told(fault: &ValidationError<'_>) -> Vec<String> {
    if let ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } = fault.kind() {
        return context.iter().flatten().flat_map(told).collect();
    }
    let words: String = fault.to_string().chars().take(WORDS_MAX).collect();
    vec![format!("{}: {words}", fault.instance_path())]
}

/// Whether a path is of a template. Only the last part of one may hold slashes, as a branch or a file does.
fn fits(template: &str, parts: &[&str]) -> bool {
    let wanted: Vec<_> = template.trim_matches('/').split('/').collect();
    let free = ["{path}", "{ref}", "{branch}"].contains(wanted.last().unwrap_or(&""));
    let long = if free { parts.len() >= wanted.len() } else { parts.len() == wanted.len() };
    long && wanted.iter().zip(parts).all(|(wanted, part)| wanted.starts_with('{') || wanted == part)
}

/// A schema of the description in the words of JSON Schema: null is a type there, and examples are left out.
fn modern(schema: &Value) -> Value {
    let fields = match schema {
        Value::Object(fields) => fields,
        Value::Array(values) => return values.iter().map(modern).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return schema.clone(),
    };
    let mut made = serde_json::Map::new();
    for (key, value) in fields {
        let value = match (key.as_str(), value) {
            ("nullable" | "example" | "examples" | "description" | "title" | "default", _) => continue,
            ("properties", Value::Object(properties)) => {
                properties.iter().map(|(name, schema)| (name.clone(), modern(schema))).collect()
            }
            ("enum" | "required", _) => value.clone(),
            (_, _) => modern(value),
        };
        made.insert(key.clone(), value);
    }
    if fields.get("nullable") != Some(&Value::Bool(true)) {
        return Value::Object(made);
    }
    json!({"anyOf": [Value::Object(made), {"type": "null"}]})
}

/// Every reference in a schema.
fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(values) => values.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

fn read(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|why| panic!("{VARIABLE}: {} cannot be read: {why}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|why| panic!("{VARIABLE}: {} is not JSON: {why}", path.display()))
}

#[expect(clippy::disallowed_methods, reason = "a test run is configured by its environment alone")]
fn variable() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|value| !value.is_empty())
}
