//! What is read of GitHub's answers: only what we need, and never strictly in words that GitHub may add to.

use domain::time::Time;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};

use super::call::Call;
use super::line::{Doubt, fault};
use super::route::Class;
use super::wire::Answer;
use crate::{Account, AccountKind, Fault};

/// A moment as GitHub writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(pub(super) Time);

/// Somebody, as every answer shows them.
#[derive(Debug, Deserialize)]
pub(super) struct User {
    id: i64,
    login: String,
    #[serde(rename = "type", default)]
    kind: String,
}

/// A name alone, of whatever has one; older answers give the name as a bare text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Named {
    Object {
        #[serde(default)]
        name: Option<String>,
    },
    Text(String),
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Time::parse(&text, "a moment").map(Self).map_err(|refusal| D::Error::custom(refusal.message))
    }
}

/// Reads an answer as `T`. One that is JSON and yet no `T` will not be one the next time either.
pub(super) fn shape<T: DeserializeOwned>(call: &Call, answer: &Answer) -> Result<T, Fault> {
    let why = || format!("the answer of GitHub to {} {} is not as we know it", call.route.method, call.route.path);
    serde_json::from_slice(&answer.body).map_err(|_| match call.route.class {
        Class::Read => Fault::Refused {
            why: why(),
            next: "check that the address of the API is GitHub's, and report it if it is".to_owned(),
        },
        Class::Repeat | Class::Guarded | Class::Create => fault(call.route.class, Doubt::Sent, why(), None),
    })
}

/// Who it is. Whoever deleted their account is GitHub's ghost.
pub(super) fn account(user: Option<User>, me: &Account) -> Account {
    let Some(User { id, login, kind }) = user else {
        return Account { id: "ghost".to_owned(), login: "ghost".to_owned(), kind: AccountKind::Person };
    };
    let id = id.to_string();
    // Our id is our login where GitHub did not tell it.
    let us = id == me.id || (me.id == me.login && login.eq_ignore_ascii_case(&me.login));
    let kind = match kind.as_str() {
        _ if us => AccountKind::Us,
        "User" | "Organization" | "Mannequin" | "" => AccountKind::Person,
        _ => AccountKind::Bot,
    };
    Account { id, login, kind }
}

impl Named {
    pub(super) fn name(self) -> Option<String> {
        match self {
            Self::Object { name } => name,
            Self::Text(name) => Some(name),
        }
    }
}

/// The names of labels, sorted, each once.
pub(super) fn names(labels: Vec<Named>) -> Vec<String> {
    let mut names: Vec<_> = labels.into_iter().filter_map(Named::name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(json: &str) -> Option<User> {
        serde_json::from_str(json).expect("a user or none")
    }

    #[test]
    fn we_are_known_by_our_id_and_by_our_name_only_where_there_is_no_id() {
        let me = |id: &str| Account { id: id.to_owned(), login: "gap[bot]".to_owned(), kind: AccountKind::Us };
        for (json, me, kind) in [
            (r#"{"id": 7, "login": "renamed", "type": "Bot"}"#, me("7"), AccountKind::Us),
            (r#"{"id": 8, "login": "gap[bot]", "type": "Bot"}"#, me("7"), AccountKind::Bot),
            (r#"{"id": 8, "login": "Gap[bot]", "type": "Bot"}"#, me("gap[bot]"), AccountKind::Us),
            (r#"{"id": 9, "login": "mona", "type": "User"}"#, me("7"), AccountKind::Person),
            (r#"{"id": 9, "login": "mona"}"#, me("7"), AccountKind::Person),
            (r#"{"id": 9, "login": "x", "type": "Automaton"}"#, me("7"), AccountKind::Bot),
            ("null", me("7"), AccountKind::Person),
        ] {
            assert_eq!(account(user(json), &me).kind, kind, "{json}");
        }
        assert_eq!(account(None, &me("7")).login, "ghost");
    }

    #[test]
    fn labels_are_names_sorted_however_they_are_given() {
        let labels = r#"[{"id": 1, "name": "b"}, "a", {"name": null}, {}, {"name": "b"}]"#;
        assert_eq!(names(serde_json::from_str(labels).expect("labels")), ["a", "b"]);
    }
}
