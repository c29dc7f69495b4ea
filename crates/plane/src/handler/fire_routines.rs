//! Starts cloud Routines for jobs that are due, by their API trigger, and tells each the name of its job and nothing else.

use std::time::Duration;

use domain::fire::{ANSWER_BYTES_MAX, Answer, Fire, State, read};
use domain::time::Span;
use reqwest::Response;
use reqwest::header::RETRY_AFTER;
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::time::Instant;

use crate::Plane;
use crate::settings::Trigger;

/// How long a trigger may take to answer: it makes a whole session.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What the trigger of a Routine wants to be told, as its maker documents it.
const HEADERS: [(&str, &str); 2] =
    [("anthropic-version", "2023-06-01"), ("anthropic-beta", "experimental-cc-routine-2026-04-01")];

pub(super) async fn run(plane: &Plane) -> Result<String, String> {
    // The rest of the deadline is for the trigger that is being asked.
    let until = Instant::now() + plane.settings().run_deadline.duration() / 2;
    let settled = plane.settle_fires().await.map_err(|error| error.to_string())?;
    let (mut started, mut failed) = (0, Vec::new());
    for trigger in &plane.settings().fires {
        while Instant::now() < until {
            let begun = plane.begin_fire(trigger).await.map_err(|error| error.to_string())?;
            let Some(fire) = begun else { break };
            let answer = ask(plane, trigger, &fire).await;
            let fire = plane.end_fire(&fire, answer).await.map_err(|error| error.to_string())?;
            match fire.state {
                State::Started | State::Over => started += 1,
                State::Refused | State::Unknown | State::Sending => {
                    failed.push(format!("{}: {}", trigger.routine, fire.error));
                    break;
                }
            }
        }
    }
    let told = format!("{started} started, {settled} were open");
    if failed.is_empty() { Ok(told) } else { Err(format!("{told}; {}", failed.join("; "))) }
}

async fn ask(plane: &Plane, trigger: &Trigger, fire: &Fire) -> Answer {
    let request = plane.settings().http.post(&trigger.url).bearer_auth(trigger.token.expose_secret());
    let request = HEADERS.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request = request.json(&json!({"text": fire.job})).timeout(ANSWER_WITHIN);
    match request.send().await {
        Ok(response) => answer(response).await,
        // What was never connected was never asked.
        Err(error) if error.is_connect() || error.is_builder() => {
            Answer::Refused { why: "not reached".to_owned(), after: None, passing: true }
        }
        Err(error) if error.is_timeout() => {
            Answer::Unknown { why: format!("no answer within {} s", ANSWER_WITHIN.as_secs()) }
        }
        Err(_) => Answer::Unknown { why: "the connection broke".to_owned() },
    }
}

async fn answer(mut response: Response) -> Answer {
    let status = response.status().as_u16();
    let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse::<u32>().ok());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_BYTES_MAX => body.extend_from_slice(&chunk),
            Ok(None) => break,
            // A start that cannot be read is not known; a refusal is one whatever else it says.
            Ok(Some(_)) | Err(_) => {
                body.clear();
                break;
            }
        }
    }
    read(status, after.map(|secs| Span::secs(i64::from(secs))), &body)
}
