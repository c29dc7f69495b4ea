//! What GitHub tells by itself: first whether it is GitHub, then what it may be about.
//!
//! A delivery is a hint that something changed, and nothing more: deliveries are lost, come twice, and out of order. What
//! is true is asked for.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

use crate::{Account, AccountKind};

/// How many numbers one delivery can be about; a check run names the pull requests of its commit.
const NUMBERS_MAX: usize = 100;

/// The longest word of a hint, in characters: GitHub's own are shorter.
const WORD_CHARS_MAX: usize = 200;

/// Why a delivery is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No secret is set, so that anybody could sign.
    #[error("no webhook secret is set")]
    Secret,
    /// The header is missing: the webhook was set up without a secret, or it is not GitHub.
    #[error("the delivery has no signature in X-Hub-Signature-256")]
    Missing,
    /// The signature is of the old kind, which can be forged.
    #[error("the delivery is signed with SHA-1")]
    Sha1,
    /// The header is not one.
    #[error("the signature is not sha256= and 64 hexadecimal digits")]
    Malformed,
    /// It was signed with another secret, or changed on its way.
    #[error("the signature is not of this body and our secret")]
    Wrong,
}

/// The body of a delivery whose signature was good. Only [`verify`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct Verified<'a> {
    body: &'a [u8],
}

/// What a delivery may be about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hint {
    /// The event, as in `issues`. The signature does not cover it.
    pub event: String,
    /// What happened, as in `labeled`.
    pub action: Option<String>,
    /// The repository's id.
    pub repository_id: Option<String>,
    /// The repository's name, `OWNER/NAME`.
    pub repository: Option<String>,
    /// The issues and pull requests it is about, sorted; at most a hundred.
    pub numbers: Vec<i64>,
    /// Who did it. Never [`AccountKind::Us`]: who we are is not known here.
    pub sender: Option<Account>,
}

/// Whether a body was signed with our secret, which is asked before anything of it is read. Takes as long for a wrong
/// signature as for a good one.
pub fn verify<'a>(
    secret: &SecretString,
    signature_header: Option<&str>,
    body: &'a [u8],
) -> Result<Verified<'a>, Refused> {
    if secret.expose_secret().is_empty() {
        return Err(Refused::Secret);
    }
    let header = signature_header.ok_or(Refused::Missing)?.trim();
    let digits = match header.split_once('=') {
        Some(("sha256", digits)) => digits,
        Some(("sha1", _)) => return Err(Refused::Sha1),
        _ => return Err(Refused::Malformed),
    };
    let mut signature = [0; 32];
    hex::decode_to_slice(digits, &mut signature).map_err(|_| Refused::Malformed)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).map_err(|_| Refused::Secret)?;
    mac.update(body);
    mac.verify_slice(&signature).map_err(|_| Refused::Wrong)?;
    Ok(Verified { body })
}

/// Reads what a delivery may be about. Whatever is not there or not as we know it is left out.
pub fn read(event: &str, body: Verified<'_>) -> Hint {
    let payload: Value = serde_json::from_slice(body.body).unwrap_or_default();
    let repository = &payload["repository"];
    Hint {
        event: word(event),
        action: payload["action"].as_str().map(word),
        repository_id: repository["id"].as_i64().map(|id| id.to_string()),
        repository: repository["full_name"].as_str().map(word),
        numbers: numbers(&payload),
        sender: sender(&payload["sender"]),
    }
}

fn numbers(payload: &Value) -> Vec<i64> {
    let single = [&payload["issue"], &payload["pull_request"]];
    let lists = ["check_run", "check_suite", "workflow_run"].map(|noun| payload[noun]["pull_requests"].as_array());
    let all = single.into_iter().chain(lists.into_iter().flatten().flatten());
    let mut numbers: Vec<_> =
        all.filter_map(|about| about["number"].as_i64()).filter(|number| *number > 0).take(NUMBERS_MAX).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[derive(Deserialize)]
struct Sender {
    id: i64,
    login: String,
    #[serde(rename = "type", default)]
    kind: String,
}

fn sender(payload: &Value) -> Option<Account> {
    let Sender { id, login, kind } = Sender::deserialize(payload).ok()?;
    let kind = if kind == "User" { AccountKind::Person } else { AccountKind::Bot };
    Some(Account { id: id.to_string(), login: word(&login), kind })
}

fn word(text: &str) -> String {
    text.chars().take(WORD_CHARS_MAX).collect()
}
