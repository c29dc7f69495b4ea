//! What scheduled jobs do: a handler per name. Each tells in one line what it did, or why it failed.

mod daily_digest;
mod dead_mans_switch;
mod fire_routines;
mod heartbeat;
mod register_jobs;
mod retention;

use std::time::Duration;

use domain::time::Time;
use reqwest::{RequestBuilder, Response};

use crate::Plane;

/// Every handler of this program, in alphabetical order.
pub const NAMES: [&str; 7] = [
    "agent-mcp-heartbeat",
    "daily-digest",
    "dead-mans-switch",
    "fire-routines",
    "outbox",
    "register-jobs",
    "retention",
];

/// How long a handler waits for one whole answer of the world: far less than a run may take, so that the run can still
/// tell of its absence.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Asks the world. The address may hold a secret, so a failure is told without it.
async fn ask(request: RequestBuilder) -> Result<Response, String> {
    request.timeout(ANSWER_WITHIN).send().await.map_err(|error| {
        if error.is_timeout() {
            return format!("no answer within {} s", ANSWER_WITHIN.as_secs());
        }
        error.without_url().to_string()
    })
}

/// Runs the handler of this name for a due time.
pub(crate) async fn run(plane: &Plane, name: &str, due_at: Time) -> Result<String, String> {
    match name {
        "agent-mcp-heartbeat" => heartbeat::run(plane).await,
        "daily-digest" => daily_digest::run(plane, due_at).await,
        "dead-mans-switch" => dead_mans_switch::run(plane).await,
        "fire-routines" => fire_routines::run(plane).await,
        "outbox" => outbox(plane).await,
        "register-jobs" => register_jobs::run(plane).await,
        "retention" => retention::run(plane).await,
        other => Err(format!("there is no handler {other}")),
    }
}

/// Delivers what a nudge may have missed.
async fn outbox(plane: &Plane) -> Result<String, String> {
    let done = plane.deliver().await.map_err(|error| error.to_string())?;
    let told = format!("{} sent, {} to be tried again, {} given up", done.sent, done.later, done.dead);
    match done.elsewhere {
        0 => Ok(told),
        left => Ok(format!("{told}, {left} left for channels that this server does not have")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_handler_does_not_wait_for_ever_for_somebody_who_never_answers() {
        notify::install_tls();
        let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/s3cret", mute.local_addr().expect("an address"));
        let client = reqwest::Client::new();
        let asked = std::time::Instant::now();
        let (ping, post) = tokio::join!(ask(client.get(&url)), ask(client.post(&url)));
        for answer in [ping, post] {
            assert_eq!(answer.expect_err("nobody answers"), "no answer within 10 s");
        }
        assert!((ANSWER_WITHIN..ANSWER_WITHIN * 2).contains(&asked.elapsed()), "{:?}", asked.elapsed());
    }
}
