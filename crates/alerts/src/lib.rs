//! What other monitors say is firing: Alertmanager, Prometheus and `SigNoz`, asked when somebody wants to
//! know.
//!
//! Not a monitor, and not the hook that alerts are pushed to: nothing is kept here, nothing is evaluated, and nothing
//! is asked twice. A source that gives no readable answer is named as unreachable, so that silence is never taken for
//! calm.

mod alert;
mod answer;
mod ask;
mod source;

use std::time::Duration;

use futures::future::join_all;
use reqwest::redirect::Policy;
use serde::Serialize;

pub use crate::alert::{Alert, LABEL_VALUE_MAX, LABELS_MAX, NAME_MAX, SUMMARY_MAX};
pub use crate::ask::{BODY_BYTES_MAX, DEADLINE};
pub use crate::source::{BadSource, Kind, SOURCE_NAME_MAX, Source};

/// What is firing, and who could not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Firing {
    /// The alerts of every source that answered, the latest first.
    pub alerts: Vec<Alert>,
    /// The sources whose alerts are unknown, in the order they were given.
    pub unreachable: Vec<Unreachable>,
}

/// A source that gave no readable answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreachable {
    /// Its name.
    pub source: String,
    /// Why, in a fragment without secrets.
    pub why: String,
}

/// The client to ask with: it follows no redirect, so that a token goes nowhere else. The binary installs the
/// process's TLS provider first.
///
/// It fails where TLS cannot be set up, as on a machine without any certificate authorities.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(Policy::none())
        .user_agent(concat!("gapwright/", env!("CARGO_PKG_VERSION")))
        .pool_idle_timeout(Duration::from_secs(30))
        .build()
}

/// Asks every source at once, each with [`DEADLINE`] to answer, so this takes about as long as the slowest.
///
/// The order is total: the latest first (those without a moment last), then by source, name and labels.
pub async fn firing(client: &reqwest::Client, sources: &[Source]) -> Firing {
    let answers = join_all(sources.iter().map(|source| ask::ask(client, source))).await;
    let mut firing = Firing::default();
    for (source, answer) in sources.iter().zip(answers) {
        match answer {
            Ok(alerts) => firing.alerts.extend(alerts),
            Err(silence) => {
                let (source, why) = (source.name().to_owned(), silence.to_string());
                firing.unreachable.push(Unreachable { source, why });
            }
        }
    }
    firing.alerts.sort_by(Alert::order);
    firing
}
