//! Eight clients that do what Routines do, and write down what they were answered.

use std::sync::Arc;

use domain::time::Time;
use harness::mcp::{Answer, Client};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::history::{Event, History};

pub(super) const COUNT: usize = 8;

/// Few enough that the clients get in each other's way.
const KEYS: u32 = 3;
const JOBS: u32 = 6;

/// The jobs that all of them work on.
pub(super) async fn prepare(client: &Client, history: &Arc<History>) {
    for job in 0..JOBS {
        let name = format!("job-{job}");
        let new = json!({"name": name, "kind": "kill", "interval_secs": 1, "next_run_at": "2026-01-01T00:00:00Z"});
        assert!(matches!(client.call("register-routine-job", new).await, Answer::Ok(_)), "{name}");
        history.note(Event::Registered { name });
    }
}

/// Works until the history is stopped.
pub(super) fn start(number: usize, client: Client, history: &Arc<History>) -> JoinHandle<()> {
    let worker =
        Worker { number, client, history: Arc::clone(history), rng: StdRng::seed_from_u64(number as u64), asked: 0 };
    tokio::spawn(worker.work())
}

struct Worker {
    number: usize,
    client: Client,
    history: Arc<History>,
    rng: StdRng,
    asked: u64,
}

impl Worker {
    async fn work(mut self) {
        while !self.history.stopped() {
            match self.rng.random_range(0..10) {
                0..3 => self.lock().await,
                3..8 => self.job().await,
                8 => self.tell().await,
                _ => self.report().await,
            }
        }
    }

    /// Asks until the answer is known: under an idempotency key, a repeated call is the same call.
    async fn ask(&mut self, tool: &str, mut arguments: Value) -> Option<Value> {
        self.asked += 1;
        arguments["idempotency_key"] = json!(format!("{}-{}", self.number, self.asked));
        loop {
            match self.client.call(tool, arguments.clone()).await {
                Answer::Ok(answer) => {
                    self.history.heard();
                    return Some(answer);
                }
                Answer::Refused(why) => panic!("{tool} {arguments} was refused: {why}"),
                // The server is down or was killed amid the call; it comes back.
                Answer::Unknown(_) if self.history.stopped() => return None,
                Answer::Unknown(_) => tokio::task::yield_now().await,
            }
        }
    }

    async fn lock(&mut self) {
        let key = format!("key-{}", self.rng.random_range(0..KEYS));
        let began = self.history.tick();
        let wish = json!({"key": key, "holder": format!("h{}", self.number), "ttl_secs": self.rng.random_range(1..3)});
        let Some(answer) = self.ask("acquire-lock", wish).await else { return };
        if answer["acquired"] != json!(true) {
            return;
        }
        let token = answer["fencing_token"].as_i64().expect("a token");
        self.history.note(Event::Granted { key, token, began, ended: self.history.tick() });
        if self.rng.random_bool(0.7) {
            self.ask("release-lock", json!({"lock_id": answer["lock_id"]})).await;
        }
    }

    async fn job(&mut self) {
        let began = self.history.tick();
        let mut wish = json!({"holder": format!("h{}", self.number), "ttl_secs": 1, "kind": "kill"});
        if self.rng.random_bool(0.3) {
            wish["name"] = json!(format!("job-{}", self.rng.random_range(0..JOBS)));
        }
        let Some(answer) = self.ask("claim-routine-job", wish).await else { return };
        if answer["claimed"] != json!(true) {
            return;
        }
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let (name, claim_id) = (text(&answer["job"]["name"]), text(&answer["claim_id"]));
        let token = answer["fencing_token"].as_i64().expect("a token");
        let time = |field: &'static str| Time::parse(&text(&answer["job"][field]), field).expect("a time");
        self.history.note(Event::Claimed {
            job: name.clone(),
            claim_id: claim_id.clone(),
            token,
            since: time("claimed_at"),
            until: time("expires_at"),
            began,
            ended: self.history.tick(),
        });
        // Some linger, as a worker does that was paused, until another has taken the job: theirs is a stale completion.
        if self.rng.random_bool(0.15) {
            self.history.claimed_again(&name, token).await;
        }
        let began = self.history.tick();
        let end = json!({"name": name, "status": "ok", "claim_id": claim_id, "summary": format!("BLOCKING-GAP: gap-of-{name} - {claim_id}")});
        let Some(answer) = self.ask("complete-routine-job", end).await else { return };
        if answer["ok"] == json!(true) {
            self.history.note(Event::Completed { job: name, claim_id, began });
        }
        if self.rng.random_bool(0.2) {
            let name = format!("job-{}", self.rng.random_range(0..JOBS));
            self.ask("trigger-routine-job", json!({"name": name})).await;
        }
    }

    async fn tell(&mut self) {
        let message = format!("from {} at {}", self.number, self.asked);
        let Some(answer) = self.ask("notify", json!({"message": message})).await else { return };
        self.history.note(Event::Told { id: answer["id"].as_str().expect("an id").to_owned() });
    }

    async fn report(&mut self) {
        let gap = json!({"name": "kill-gap", "kind": "adr", "reason": "because"});
        let Some(answer) = self.ask("report-gap", gap).await else { return };
        self.history.note(Event::Reported { id: answer["sighting_id"].as_str().expect("an id").to_owned() });
    }
}
