//! What each channel is really told, over real HTTP on this machine, and what becomes of each of its answers.

mod address;
mod discord;
mod fake;
mod log;
mod ntfy;
mod secrets;
mod slack;
mod webhook;
mod wire;

use domain::notice::Level;
use domain::time::{Span, Time};
use notify::{Channel, Message, Outcome, Settings};
use secrecy::SecretString;

/// The link of every message here.
const LINK: &str = "https://gapwright.test/notices/42";

/// Settings in which every kind of channel can be read.
fn settings() -> Settings {
    Settings {
        discord_token: Some("bot-token-s3cret".into()),
        signing_secret: Some("signing-key-s3cret-of-thirty-two-bytes".into()),
        ..Settings::default()
    }
}

fn channel(url: impl Into<String>, settings: &Settings) -> Channel {
    Channel::parse("ops", &SecretString::from(url.into()), settings).expect("a channel")
}

fn message(level: Level, text: impl Into<String>) -> Message {
    Message {
        id: "01KAPPG0000000000000000042".into(),
        level,
        text: text.into(),
        link: Some(LINK.into()),
        created_at: Time(1_795_334_400_123),
    }
}

/// The wait and the sentence of an attempt that is to be repeated.
#[track_caller]
fn later(outcome: Outcome) -> (Option<Span>, String) {
    match outcome {
        Outcome::Later { after, why } => (after, why),
        Outcome::Sent | Outcome::Barred { .. } | Outcome::Refused { .. } => panic!("expected later, got {outcome:?}"),
    }
}

/// The wait and the sentence of an attempt that was barred.
#[track_caller]
fn barred(outcome: Outcome) -> (Span, String) {
    match outcome {
        Outcome::Barred { after, why } => (after, why),
        Outcome::Sent | Outcome::Later { .. } | Outcome::Refused { .. } => panic!("expected a bar, got {outcome:?}"),
    }
}

/// The sentence of an attempt that is not to be repeated.
#[track_caller]
fn refused(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused { why } => why,
        Outcome::Sent | Outcome::Later { .. } | Outcome::Barred { .. } => panic!("expected a refusal, got {outcome:?}"),
    }
}
