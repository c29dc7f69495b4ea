//! A Discord over real HTTP on this machine, with a mood to set and a memory of what arrived.
//!
//! It knows the one route that a bot's message takes and answers everything else with 404, as the real one would. It
//! answers anything at all, though, while it is [`Mood::Silent`], and so can stand for any service that hangs.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

use crate::process::{Port, Process};

/// How long a test waits for something to arrive before it is a failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// How it treats whoever comes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mood {
    /// It takes every message.
    Well,
    /// It answers 429 so many times, saying to come back after so many seconds, and then is well.
    Limited {
        /// How many more times.
        times: usize,
        /// What it asks for.
        after_secs: f64,
    },
    /// It answers 500.
    Broken,
    /// It takes every message, and says so only when it is let: see [`Discord::release`].
    Slow,
    /// It answers 403: the bot may not write there.
    Forbidding,
    /// It answers 403 to a message that holds these words, and takes every other.
    Censoring(&'static str),
    /// It answers 400: it will never take this message.
    Refusing,
    /// It never answers.
    Silent,
}

impl Mood {
    /// How it treats one text.
    fn towards(self, text: &str) -> Self {
        if let Self::Censoring(words) = self
            && !text.contains(words)
        {
            return Self::Well;
        }
        self
    }
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Its path.
    pub path: String,
    /// Its body.
    pub body: Value,
    /// Whether it was taken.
    pub taken: bool,
}

/// The fake. Dropped, it is gone.
#[derive(Debug)]
pub struct Discord {
    port: Port,
    desk: Arc<Desk>,
}

#[derive(Debug)]
struct Desk {
    mood: Mutex<Mood>,
    arrived: watch::Sender<Vec<Arrived>>,
    /// A permit for each slow answer.
    answers: Semaphore,
}

impl Discord {
    /// Starts one that is well.
    pub async fn start() -> Self {
        let mood = Mutex::new(Mood::Well);
        let desk = Arc::new(Desk { mood, arrived: watch::Sender::default(), answers: Semaphore::new(0) });
        let mut discord = Self { port: Port::free(), desk };
        discord.up().await;
        discord
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.port.addr
    }

    /// A channel named `name` of a bot that writes here.
    pub fn channel(&self, name: &str) -> notify::Channel {
        let settings = notify::Settings {
            discord_token: Some("bot-token".into()),
            discord_api: Some(self.port.addr.to_string()),
            ..notify::Settings::default()
        };
        let id: u64 = name.bytes().map(u64::from).sum::<u64>() + 1;
        notify::Channel::parse(name, &SecretString::from(format!("discord://{id}")), &settings).expect("a channel")
    }

    /// Sets its mood.
    pub fn feel(&self, mood: Mood) {
        *self.desk.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// Lets one slow answer go.
    pub fn release(&self) {
        self.desk.answers.add_permits(1);
    }

    /// Dies: its port refuses, and whoever was connected is not any more.
    pub fn down(&mut self) {
        self.port.down();
    }

    /// Comes back on the same port.
    pub async fn up(&mut self) {
        let app = Router::new().fallback(answer).with_state(Arc::clone(&self.desk));
        let begin = |process: &Process, _, listener| {
            process.begin(async move { axum::serve(listener, app).await.expect("the fake serves until it is killed") });
        };
        self.port.up(begin).await;
    }

    /// Everything that arrived so far.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.desk.arrived.borrow().clone()
    }

    /// The texts that it took, in the order of their arrival.
    pub fn taken(&self) -> Vec<String> {
        let taken = self.arrived().into_iter().filter(|arrived| arrived.taken);
        taken.map(|arrived| arrived.body["content"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Waits until so many requests have arrived.
    pub async fn await_count(&self, count: usize) {
        let mut arrived = self.desk.arrived.subscribe();
        let enough = arrived.wait_for(|arrived| arrived.len() >= count);
        let came = tokio::time::timeout(PATIENCE, enough).await.is_ok();
        assert!(came, "{} of {count} requests arrived within {} s", self.arrived().len(), PATIENCE.as_secs());
    }
}

async fn answer(State(desk): State<Arc<Desk>>, uri: Uri, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mood = desk.next_mood().towards(body["content"].as_str().unwrap_or_default());
    let path = uri.path().to_owned();
    let known = path.starts_with("/api/v10/channels/") && path.ends_with("/messages");
    let taken = known && matches!(mood, Mood::Well | Mood::Slow);
    desk.arrived.send_modify(|arrived| arrived.push(Arrived { path, body, taken }));
    match mood {
        Mood::Silent => std::future::pending().await,
        Mood::Limited { after_secs, .. } => {
            let body = json!({"message": "You are being rate limited.", "retry_after": after_secs, "global": false});
            (StatusCode::TOO_MANY_REQUESTS, body.to_string()).into_response()
        }
        Mood::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Forbidding | Mood::Censoring(_) => StatusCode::FORBIDDEN.into_response(),
        Mood::Refusing => StatusCode::BAD_REQUEST.into_response(),
        Mood::Slow => {
            desk.answers.acquire().await.expect("nobody closes it").forget();
            (StatusCode::OK, json!({"id": "1"}).to_string()).into_response()
        }
        Mood::Well if known => (StatusCode::OK, json!({"id": "1"}).to_string()).into_response(),
        Mood::Well => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Desk {
    /// The mood for the next request; a limit wears off by being hit.
    fn next_mood(&self) -> Mood {
        let mut mood = self.mood.lock().unwrap_or_else(PoisonError::into_inner);
        if let Mood::Limited { times, after_secs } = *mood {
            let left = times.saturating_sub(1);
            let next = if left == 0 { Mood::Well } else { Mood::Limited { times: left, after_secs } };
            return std::mem::replace(&mut *mood, next);
        }
        *mood
    }
}
