//! Each single setting: its key, where it came from, and how it may be shown.

use std::fmt;
use std::path::PathBuf;

use figment::value::{Dict, Value};
use figment::{Figment, Metadata};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

/// Where a value came from, the weakest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// A variable.
    Environment(String),
    /// The command line.
    Flag(String),
}

impl Origin {
    /// The origin that figment kept with a value.
    pub(super) fn of(metadata: Option<&Metadata>) -> Self {
        let Some(metadata) = metadata else { return Self::Default };
        match metadata.source.as_ref().and_then(figment::Source::file_path) {
            Some(path) => Self::File(path.to_path_buf()),
            None if metadata.name == "default" => Self::Default,
            None if metadata.name.starts_with("environment") => Self::Environment(metadata.name.to_string()),
            None => Self::Flag(metadata.name.to_string()),
        }
    }

    /// How strong it is: a value from a place of a higher rank wins.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File(_) => 1,
            Self::Environment(_) => 2,
            Self::Flag(_) => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// One setting that has a value.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    /// Its key, word by word.
    pub(crate) path: Vec<String>,
    /// Where its value came from.
    pub(crate) origin: Origin,
    /// Its value.
    value: SecretString,
}

impl Leaf {
    /// Its key as it is written.
    pub(crate) fn key(&self) -> String {
        self.path.join(".")
    }

    /// Its value as it may be shown: JSON, with secrets left out.
    pub(crate) fn shown(&self) -> serde_json::Value {
        let value: serde_json::Value = serde_json::from_str(self.value.expose_secret()).unwrap_or_default();
        match value.as_str() {
            Some("") => value,
            _ if is_secret(&self.path) => json!("(secret)"),
            Some(text) => json!(masked(text)),
            None => value,
        }
    }

    /// Whether its value is a secret, which has no place in a configuration file: such a file is read by more people
    /// than a secret is for, and is kept in a repository.
    pub(super) fn holds_secret(&self) -> bool {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let value: serde_json::Value = serde_json::from_str(self.value.expose_secret()).unwrap_or_default();
        // What is no text is refused for that, without being shown.
        let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { return false };
        match path.as_slice() {
            ["notify", "channels", _, "url"] => !opens_nothing(text),
            ["database", "url"] => masked(text) != text,
            other => only_environment(other),
        }
    }
}

/// Whether a channel's address gives nothing to whoever knows it: the log's, and a Discord channel's, which needs the
/// bot's token besides.
fn opens_nothing(address: &str) -> bool {
    let id = address.trim().strip_prefix("discord://");
    address.trim() == "log://" || id.is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a setting is a secret as a whole.
pub(super) fn is_secret(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(path.as_slice(), ["notify", "channels", _, "url"]) || only_environment(&path)
}

/// Whether a setting is a secret whatever its value.
fn only_environment(path: &[&str]) -> bool {
    matches!(
        path,
        ["notify", "discord_token" | "signing_secret"]
            | ["dead_mans_switch", "ping_url"]
            | ["alerts" | "fire", _, "token"]
            | ["forge", "token" | "app_key" | "webhook_secret"]
    )
}

/// The text without the password of an address in it.
pub(crate) fn masked(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // The last @, because a password may hold one that nobody escaped; and one behind a slash, for the same reason.
    let host = rest[..end].rfind('@').or_else(|| rest.rfind('@'));
    let shown = match host {
        Some(at) => match rest[..at].split_once(':') {
            Some((user, _)) => format!("{scheme}://{user}:(secret)@{}", &rest[at + 1..]),
            None => text.to_owned(),
        },
        None => text.to_owned(),
    };
    let mut parts = shown.split("password=");
    let before = parts.next().unwrap_or_default().to_owned();
    parts.fold(before, |before, after| {
        let rest = after.find('&').map_or("", |at| &after[at..]);
        format!("{before}password=(secret){rest}")
    })
}

/// Every setting that has a value, in the order of the keys.
pub(super) fn leaves(figment: &Figment, dict: &Dict) -> Vec<Leaf> {
    let mut found = Vec::new();
    walk(figment, &mut Vec::new(), dict, &mut found);
    found
}

fn walk(figment: &Figment, path: &mut Vec<String>, dict: &Dict, found: &mut Vec<Leaf>) {
    for (key, value) in dict {
        path.push(key.clone());
        match value {
            Value::Dict(_, inner) if !inner.is_empty() => walk(figment, path, inner, found),
            // A section without anything in it sets nothing.
            Value::Dict(..) => {}
            Value::String(..)
            | Value::Char(..)
            | Value::Bool(..)
            | Value::Num(..)
            | Value::Empty(..)
            | Value::Array(..) => {
                let origin = Origin::of(figment.get_metadata(value.tag()));
                let text = serde_json::to_string(value).unwrap_or_default();
                found.push(Leaf { path: path.clone(), origin, value: text.into() });
            }
        }
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (text, shown) in [
            ("sqlite:gapwright.db", "sqlite:gapwright.db"),
            ("postgres://ann@db/x", "postgres://ann@db/x"),
            ("postgres://ann:pw@db:5432/x?a=b", "postgres://ann:(secret)@db:5432/x?a=b"),
            ("postgres://ann:p@w@db/x", "postgres://ann:(secret)@db/x"),
            ("postgres://ann:p/w@db/x", "postgres://ann:(secret)@db/x"),
            ("postgres://db/x?user=a&password=pw&b=c", "postgres://db/x?user=a&password=(secret)&b=c"),
            ("postgres://db/x?sslpassword=a&password=pw", "postgres://db/x?sslpassword=(secret)&password=(secret)"),
            ("http://proxy:8080", "http://proxy:8080"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }
}
