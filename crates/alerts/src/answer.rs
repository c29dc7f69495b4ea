//! What each kind of monitor answers, and which of it is firing.
//!
//! The shapes are checked where a mistake would pass for calm: what is not the expected list is unreadable, never
//! empty. Go writes an empty map or list as `null`, so a `null` in those places is empty.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::alert::{Alert, Raw};
use crate::source::Kind;

/// Why an answer says nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// Nothing of what was sent is repeated: it may be anything, a page with a session in it for one.
    #[error("the answer is not the JSON that {} sends", .0.name())]
    Json(Kind),
    #[error("the answer says that it failed")]
    Failed,
}

type Words = BTreeMap<String, String>;

/// What Prometheus and `SigNoz` wrap their data in. A missing `data` is a mistake, a `null` may be an empty list.
#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

/// The other half of the envelope, read first: a failure comes without data.
#[derive(Deserialize)]
struct Outcome {
    status: String,
}

#[derive(Deserialize)]
struct PrometheusData {
    #[serde(deserialize_with = "or_empty")]
    alerts: Vec<PrometheusAlert>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PrometheusAlert {
    state: String,
    active_at: Option<String>,
    #[serde(deserialize_with = "or_empty")]
    labels: Words,
    #[serde(default, deserialize_with = "or_empty")]
    annotations: Words,
}

/// An alert of Alertmanager's API v2.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManagedAlert {
    status: Status,
    starts_at: Option<String>,
    #[serde(deserialize_with = "or_empty")]
    labels: Words,
    #[serde(default, deserialize_with = "or_empty")]
    annotations: Words,
}

#[derive(Deserialize)]
struct Status {
    state: String,
}

/// `SigNoz` lists alerts at one path and rules at another, the rules one level deeper in some of its versions.
#[derive(Deserialize)]
#[serde(untagged)]
enum SignozData {
    List(Vec<SignozItem>),
    Rules {
        #[serde(deserialize_with = "or_empty")]
        rules: Vec<SignozItem>,
    },
    Nothing,
}

/// Which of the two it is shows in the field that says whether it fires.
#[derive(Deserialize)]
#[serde(untagged)]
enum SignozItem {
    Alert(ManagedAlert),
    Rule(SignozRule),
}

#[derive(Deserialize)]
struct SignozRule {
    state: String,
    alert: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    labels: Words,
    #[serde(default, deserialize_with = "or_empty")]
    annotations: Words,
}

/// Reads the firing alerts out of an answer.
pub(crate) fn read(kind: Kind, source: &str, body: &[u8]) -> Result<Vec<Alert>, Unreadable> {
    let firing: Vec<Raw> = match kind {
        Kind::Alertmanager => {
            let alerts: Vec<ManagedAlert> = serde_json::from_slice(body).map_err(|_| Unreadable::Json(kind))?;
            alerts.into_iter().filter_map(ManagedAlert::firing).collect()
        }
        Kind::Prometheus => {
            let data: PrometheusData = unwrapped(body, kind)?;
            data.alerts.into_iter().filter_map(PrometheusAlert::firing).collect()
        }
        Kind::Signoz => {
            let items = match unwrapped(body, kind)? {
                SignozData::List(items) | SignozData::Rules { rules: items } => items,
                SignozData::Nothing => Vec::new(),
            };
            items.into_iter().filter_map(SignozItem::firing).collect()
        }
    };
    Ok(firing.iter().map(|raw| Alert::new(source, raw)).collect())
}

fn unwrapped<T: DeserializeOwned>(body: &[u8], kind: Kind) -> Result<T, Unreadable> {
    let outcome: Outcome = serde_json::from_slice(body).map_err(|_| Unreadable::Json(kind))?;
    if outcome.status != "success" {
        return Err(Unreadable::Failed);
    }
    let envelope: Envelope<T> = serde_json::from_slice(body).map_err(|_| Unreadable::Json(kind))?;
    Ok(envelope.data)
}

impl PrometheusAlert {
    fn firing(self) -> Option<Raw> {
        let raw = Raw { name: None, fired_at: self.active_at, labels: self.labels, annotations: self.annotations };
        (self.state == "firing").then_some(raw)
    }
}

impl ManagedAlert {
    /// A state that we do not know is shown: an alert too many is the smaller mistake.
    fn firing(self) -> Option<Raw> {
        let calm = matches!(self.status.state.as_str(), "suppressed" | "resolved" | "inactive");
        let raw = Raw { name: None, fired_at: self.starts_at, labels: self.labels, annotations: self.annotations };
        (!calm).then_some(raw)
    }
}

impl SignozItem {
    fn firing(self) -> Option<Raw> {
        match self {
            Self::Alert(alert) => alert.firing(),
            Self::Rule(rule) => {
                let raw = Raw { name: rule.alert, fired_at: None, labels: rule.labels, annotations: rule.annotations };
                (rule.state == "firing").then_some(raw)
            }
        }
    }
}

/// Reads `null` as nothing in it.
fn or_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, body: &str, names: Result<&[&str], Unreadable>) {
        let alerts = read(kind, "prod", body.as_bytes());
        let read = alerts.map(|alerts| alerts.into_iter().map(|alert| alert.name).collect::<Vec<_>>());
        assert_eq!(read, names.map(|names| names.iter().map(|name| (*name).to_owned()).collect()), "{body}");
    }

    #[test]
    fn an_empty_list_is_calm_in_each_shape() {
        check(Kind::Alertmanager, "[]", Ok(&[]));
        for data in [r#"{"alerts":[]}"#, r#"{"alerts":null}"#] {
            check(Kind::Prometheus, &format!(r#"{{"status":"success","data":{data}}}"#), Ok(&[]));
        }
        for data in ["[]", "null", r#"{"rules":[]}"#, r#"{"rules":null}"#] {
            check(Kind::Signoz, &format!(r#"{{"status":"success","data":{data}}}"#), Ok(&[]));
        }
    }

    #[test]
    fn an_answer_of_another_shape_is_never_calm() {
        let elsewhere = [
            "",
            "null",
            "{}",
            "<html>sign in</html>",
            "[1]",
            "[{}]",
            r#"{"status":"success"}"#,
            r#"{"data":[]}"#,
            r#"{"status":"success","data":{}}"#,
            r#"{"status":"success","data":"none"}"#,
            r#"{"status":"success","data":[{}]}"#,
            r#"{"status":1,"data":{"alerts":[]}}"#,
        ];
        for kind in Kind::ALL {
            for body in elsewhere {
                check(kind, body, Err(Unreadable::Json(kind)));
            }
        }
        for kind in [Kind::Prometheus, Kind::Signoz] {
            check(kind, r#"{"status":"error","error":"s3cret"}"#, Err(Unreadable::Failed));
            check(kind, r#"{"status":"error","data":{"alerts":[]}}"#, Err(Unreadable::Failed));
            check(kind, "[]", Err(Unreadable::Json(kind)));
        }
        check(Kind::Prometheus, r#"{"status":"success","data":null}"#, Err(Unreadable::Json(Kind::Prometheus)));
    }

    #[test]
    fn only_what_fires_is_listed() {
        let managed = |state: &str| {
            format!(r#"{{"labels":{{"alertname":"{state}"}},"annotations":null,"status":{{"state":"{state}"}}}}"#)
        };
        let managed = ["active", "suppressed", "unprocessed", "resolved"].map(managed).join(",");
        check(Kind::Alertmanager, &format!("[{managed}]"), Ok(&["active", "unprocessed"]));
        let listed = format!(r#"{{"status":"success","data":[{managed}]}}"#);
        check(Kind::Signoz, &listed, Ok(&["active", "unprocessed"]));
        let states = ["firing", "pending", "inactive"];
        let ruled = states.map(|state| format!(r#"{{"alert":"{state}","labels":null,"state":"{state}"}}"#)).join(",");
        check(Kind::Signoz, &format!(r#"{{"status":"success","data":{{"rules":[{ruled}]}}}}"#), Ok(&["firing"]));
        check(Kind::Signoz, &format!(r#"{{"status":"success","data":[{ruled}]}}"#), Ok(&["firing"]));
        let watched =
            states.map(|state| format!(r#"{{"labels":{{"alertname":"{state}"}},"state":"{state}"}}"#)).join(",");
        check(Kind::Prometheus, &format!(r#"{{"status":"success","data":{{"alerts":[{watched}]}}}}"#), Ok(&["firing"]));
    }
}
