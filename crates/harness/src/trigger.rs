//! The API trigger of cloud Routines over real HTTP on this machine, as their maker documents it: with a mood to set and a
//! memory of what arrived.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::process::{Port, Process};

/// How it treats whoever comes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mood {
    /// It starts a session.
    Well,
    /// It starts one, and the answer is lost: the connection breaks.
    Lost,
    /// It answers so, and starts nothing.
    Says(u16),
    /// It answers 429, saying to come back after so many seconds.
    Limited(u32),
    /// It answers 200 with a page for people.
    Page,
}

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    /// Its path.
    pub path: String,
    /// Its body.
    pub body: Value,
    /// The token that it showed.
    pub bearer: String,
    /// Which beta it asked for.
    pub beta: String,
}

/// The fake. Dropped, it is gone.
#[derive(Debug)]
pub struct Trigger {
    port: Port,
    desk: Arc<Desk>,
}

#[derive(Debug)]
struct Desk {
    mood: Mutex<Mood>,
    arrived: Mutex<Vec<Arrived>>,
}

impl Trigger {
    /// Starts one that is well.
    pub async fn start() -> Self {
        let desk = Arc::new(Desk { mood: Mutex::new(Mood::Well), arrived: Mutex::default() });
        let mut trigger = Self { port: Port::free(), desk };
        trigger.up().await;
        trigger
    }

    /// The address of the trigger of one Routine.
    pub fn url(&self) -> String {
        format!("http://{}/v1/claude_code/routines/trig_1/fire", self.port.addr)
    }

    /// Sets its mood.
    pub fn feel(&self, mood: Mood) {
        *self.desk.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// Dies: its port refuses.
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
        self.desk.arrived.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What Routines were told, in order.
    pub fn told(&self) -> Vec<String> {
        let texts =
            self.arrived().into_iter().map(|arrived| arrived.body["text"].as_str().unwrap_or_default().to_owned());
        texts.collect()
    }
}

async fn answer(State(desk): State<Arc<Desk>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let count = {
        let mut arrived = desk.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.push(Arrived {
            path: uri.path().to_owned(),
            body: serde_json::from_slice(&body).unwrap_or_default(),
            bearer: header("authorization").trim_start_matches("Bearer ").to_owned(),
            beta: header("anthropic-beta"),
        });
        arrived.len()
    };
    let session = format!("session_{count}");
    let mood = *desk.mood.lock().unwrap_or_else(PoisonError::into_inner);
    match mood {
        Mood::Well => {
            let url = format!("https://claude.ai/code/{session}");
            let body = json!({
                "type": "routine_fire", "claude_code_session_id": session, "claude_code_session_url": url,
            });
            (StatusCode::OK, body.to_string()).into_response()
        }
        Mood::Lost => {
            let broken =
                futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("the connection breaks")) });
            Body::from_stream(broken).into_response()
        }
        Mood::Says(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT).into_response(),
        Mood::Limited(after) => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", after.to_string())], "{}").into_response()
        }
        Mood::Page => (StatusCode::OK, "<html>log in</html>").into_response(),
    }
}
