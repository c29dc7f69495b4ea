//! The environment as a layer of settings, and the only file that reads it.
//!
//! Each variable is a layer of its own, so that a value's origin is the variable's name.

use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};

/// What our variables begin with. A single underscore would not do: Kubernetes sets `GAPWRIGHT_PORT` and the like for a
/// service of our name.
const PREFIX: &str = "GAPWRIGHT__";

/// Variables that are no settings: which file holds them, who the client of `mcp` is, and who
/// `work` is.
const READ_BY_NAME: [&str; 3] = ["GAPWRIGHT_CONFIG", "GAPWRIGHT_TOKEN", "GAPWRIGHT_WORK_TOKEN"];

/// One value from one place.
pub(super) struct Single {
    origin: String,
    dict: Dict,
}

impl Single {
    /// A value at a path.
    pub(super) fn new(origin: String, path: &[String], value: Value) -> Self {
        let nested = path.iter().rev().fold(value, |value, key| Dict::from([(key.clone(), value)]).into());
        Self { origin, dict: nested.into_dict().unwrap_or_default() }
    }
}

impl Provider for Single {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.dict.clone()))
    }
}

/// A variable's value; none when it is not set, empty, or not a text.
pub(crate) fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this file reads the environment for everybody")]
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// Every variable that is a text, for whoever lets an agent have some of them.
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// The names of the variables that begin like ours and set nothing, sorted. Those that the program reads by their name
/// are not among them.
pub(super) fn single_underscored() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let close = |name: &String| name.starts_with("GAPWRIGHT_") && !name.starts_with(PREFIX);
    let mut found: Vec<_> = names.filter(close).filter(|name| !READ_BY_NAME.contains(&name.as_str())).collect();
    found.sort();
    found
}

/// Every variable of ours as a layer, in the order of their names. `known` is what is set so far: it tells how a name
/// is spelled and what type a value has.
pub(super) fn layers(known: &Dict) -> Vec<Single> {
    let mut found: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    found.sort();
    let layer = |(name, text): (String, String)| {
        let (path, like) = locate(&name[PREFIX.len()..], known);
        Single::new(format!("environment variable {name}"), &path, typed(&text, like))
    };
    found.into_iter().map(layer).collect()
}

/// The path that a variable's name stands for, and the value that stands there.
fn locate<'k>(name: &str, known: &'k Dict) -> (Vec<String>, Option<&'k Value>) {
    let mut path = Vec::new();
    let mut at = Some(known);
    let mut like = None;
    for word in name.split("__") {
        let plain = word.to_ascii_lowercase();
        let met = at.and_then(|dict| dict.iter().find(|(key, _)| key.to_ascii_lowercase().replace('-', "_") == plain));
        path.push(met.map_or(plain, |(key, _)| key.clone()));
        like = met.map(|(_, value)| value);
        at = like.and_then(Value::as_dict);
    }
    (path, like)
}

/// The text as the type that the setting has; a text that cannot be one stays a text, and is refused with its origin
/// when the settings are read.
fn typed(text: &str, like: Option<&Value>) -> Value {
    let parsed = match like {
        Some(Value::Bool(..)) => text.parse::<bool>().ok().map(Value::from),
        Some(Value::Num(..)) => text.parse::<i64>().ok().map(Value::from),
        Some(Value::Array(..)) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Some(items.map(Value::from).collect::<Vec<_>>().into())
        }
        Some(Value::String(..) | Value::Char(..) | Value::Dict(..) | Value::Empty(..)) | None => None,
    };
    parsed.unwrap_or_else(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_finds_its_key_whatever_its_hyphens_and_case() {
        let schedule = Dict::from([("dead-mans-switch".to_owned(), "every 1m".into())]);
        let server =
            Dict::from([("drain_secs".to_owned(), 8.into()), ("allowed_hosts".to_owned(), Vec::<Value>::new().into())]);
        let known = Dict::from([("schedule".to_owned(), schedule.into()), ("server".to_owned(), server.into())]);
        let path = |name: &str| locate(name, &known).0.join(".");
        assert_eq!(path("SCHEDULE__DEAD_MANS_SWITCH"), "schedule.dead-mans-switch");
        assert_eq!(path("SERVER__DRAIN_SECS"), "server.drain_secs");
        assert_eq!(path("ALERTS__PROD__TOKEN"), "alerts.prod.token");
        let like = |name: &str| locate(name, &known).1;
        assert_eq!(typed("3", like("SERVER__DRAIN_SECS")), 3_i64.into());
        assert_eq!(typed("x", like("SERVER__DRAIN_SECS")), "x".into());
        assert_eq!(typed("a, b,", like("SERVER__ALLOWED_HOSTS")), vec!["a", "b"].into());
        assert_eq!(typed("5", like("ALERTS__PROD__TOKEN")), "5".into());
    }
}
