//! The three ways in which the same cycle is done: through the server, through the plane, and straight on the store.

use domain::agent::{Principal, Role};
use domain::id;
use domain::job::{Pointer, Status, Take};
use domain::journal::{Act, Entry};
use domain::time::Span;
use harness::mcp::Answer;
use plane::job::{Claim, Claimed, Completion};
use plane::{Call, Plane};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use store::{Fault, Store, Tx};
use tokio::time::Instant;

use crate::load::{Turn, Worker, micros};
use crate::wire::Wire;

/// Long enough that no claim expires while anything is measured.
const TTL_SECS: i64 = 3_600;

/// What a worker tells at the end of its job.
const SUMMARY: &str = "rebased on main, mended the test that failed, answered two threads; all checks are green";

/// Before and after in the audit, as long as the plane writes them.
pub(crate) const AUDITED: &str = r#"{"attempts":1,"claim":{"expires_at":"2026-01-01T01:00:00.000Z","holder":"worker-0","principal":"agent-0"},"fencing_token":1767225600000,"kind":"bench","last_status":"ok","next_run_at":"2026-01-01T00:00:00.000Z","priority":0,"state":"held"}"#;

/// In how many calls a cycle is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// A claim, then a completion.
    Two,
    /// A completion that claims the next.
    One,
}

/// A job that is held.
struct Held {
    name: String,
    claim_id: String,
}

/// An agent that speaks MCP.
pub(crate) struct Agent {
    wire: Wire,
    way: Way,
    kind: Option<&'static str>,
    held: Option<Held>,
}

impl Agent {
    pub(crate) fn new(wire: Wire, way: Way, kind: Option<&'static str>) -> Self {
        Self { wire, way, kind, held: None }
    }

    async fn call(&mut self, tool: &str, arguments: Value, calls: &mut Vec<u32>) -> Result<Value, Turn> {
        let began = Instant::now();
        let answer = self.wire.call(tool, arguments).await;
        calls.push(micros(began.elapsed()));
        match answer {
            Answer::Ok(answer) => Ok(answer),
            Answer::Refused(refusal) => Err(Turn::Failed(refusal.to_string())),
            Answer::Unknown(why) => Err(Turn::Failed(why)),
        }
    }

    fn wish(&self) -> Value {
        let mut wish = json!({"holder": "worker-0", "ttl_secs": TTL_SECS});
        if let Some(kind) = self.kind {
            wish["kind"] = json!(kind);
        }
        wish
    }

    fn hold(&mut self, claimed: &Value) -> Result<(), Turn> {
        let (name, claim_id) = (claimed["job"]["name"].as_str(), claimed["claim_id"].as_str());
        let (Some(name), Some(claim_id)) = (name, claim_id) else { return Err(Turn::Nothing) };
        self.held = Some(Held { name: name.to_owned(), claim_id: claim_id.to_owned() });
        Ok(())
    }

    /// Claims, unless a job is held.
    pub(crate) async fn claim(&mut self, calls: &mut Vec<u32>) -> Result<(), Turn> {
        if self.held.is_some() {
            return Ok(());
        }
        let answer = self.call("claim-routine-job", self.wish(), calls).await?;
        self.hold(&answer)
    }

    /// Completes what is held; a refused completion keeps it.
    pub(crate) async fn complete(&mut self, calls: &mut Vec<u32>) -> Result<(), Turn> {
        let Some(held) = &self.held else { return Err(Turn::Nothing) };
        let end = json!({"name": held.name, "claim_id": held.claim_id, "status": "ok", "summary": SUMMARY});
        let answer = self.call("complete-routine-job", end, calls).await?;
        self.held = None;
        done(&answer)
    }

    /// Whether a job is held.
    pub(crate) fn holds(&self) -> bool {
        self.held.is_some()
    }

    async fn both(&mut self, calls: &mut Vec<u32>) -> Result<(), Turn> {
        let Some(held) = self.held.take() else {
            self.claim(calls).await?;
            return Err(Turn::Nothing);
        };
        let end = json!({"name": held.name, "claim_id": held.claim_id, "status": "ok", "summary": SUMMARY});
        let both = json!({"complete": end, "claim": self.wish()});
        let answer = self.call("complete-and-claim", both, calls).await?;
        self.hold(&answer["next"])?;
        done(&answer["completed"])
    }
}

fn done(answer: &Value) -> Result<(), Turn> {
    if answer["ok"] == json!(true) { Ok(()) } else { Err(Turn::Failed(answer.to_string())) }
}

impl Worker for Agent {
    async fn cycle(&mut self, calls: &mut Vec<u32>) -> Turn {
        let went = match self.way {
            Way::Two => match self.claim(calls).await {
                Ok(()) => self.complete(calls).await,
                no => no,
            },
            Way::One => self.both(calls).await,
        };
        went.err().unwrap_or(Turn::Done)
    }
}

/// A caller of the plane in its own process: no HTTP, no JSON, no MCP.
pub(crate) struct Inside {
    plane: Plane,
    call: Call,
    way: Way,
    held: Option<Held>,
}

impl Inside {
    pub(crate) fn new(plane: Plane, number: usize, way: Way) -> Self {
        let call = harness::call(Role::Routine, &format!("agent-{number}"), "complete-and-claim");
        Self { plane, call, way, held: None }
    }

    async fn turn(&mut self) -> Result<Turn, plane::No> {
        let holder = "worker-0".to_owned();
        let wish = Claim { holder, ttl: Span::secs(TTL_SECS), kind: None, name: None };
        let Some(held) = self.held.take() else {
            self.held = held_of(self.plane.claim_job(&self.call, wish).await?);
            return if self.way == Way::Two && self.held.is_some() {
                Box::pin(self.turn()).await
            } else {
                Ok(Turn::Nothing)
            };
        };
        let at = Pointer::Claim(held.claim_id);
        let end = Completion { name: held.name, at, status: ok(), summary: Some(SUMMARY.to_owned()), gaps: Vec::new() };
        if self.way == Way::Two {
            let ended = self.plane.complete_job(&self.call, end).await?;
            return Ok(ended.map_or_else(|stale| Turn::Failed(stale.name().to_owned()), |_| Turn::Done));
        }
        match self.plane.complete_and_claim(&self.call, end, wish).await? {
            Ok((_, claimed)) => self.held = held_of(claimed),
            Err(stale) => return Ok(Turn::Failed(stale.name().to_owned())),
        }
        Ok(Turn::Done)
    }
}

fn held_of(claimed: Claimed) -> Option<Held> {
    let Claimed::Job(job) = claimed else { return None };
    let domain::job::State::Held(claim) = job.state else { return None };
    Some(Held { name: job.name, claim_id: claim.id })
}

fn ok() -> Status {
    Status::parse("ok").expect("a status")
}

impl Worker for Inside {
    async fn cycle(&mut self, _: &mut Vec<u32>) -> Turn {
        self.turn().await.unwrap_or_else(|no| Turn::Failed(no.to_string()))
    }
}

/// The plane's statements, one transaction for each call, with nothing around them: what the engine itself gives.
pub(crate) struct Bare {
    store: Store,
    by: Principal,
    rng: StdRng,
    way: Way,
    held: Option<Held>,
}

impl Bare {
    pub(crate) fn new(store: Store, number: usize, way: Way) -> Self {
        let by = Principal::local(&format!("agent-{number}"), Role::Routine);
        Self { store, by, rng: StdRng::seed_from_u64(number as u64), way, held: None }
    }

    async fn turn(&mut self) -> Result<Turn, Fault> {
        let mut tx = self.store.begin().await?;
        let Some(held) = self.held.take() else {
            self.held = self.claim(&mut tx).await?;
            tx.commit().await?;
            return if self.way == Way::Two && self.held.is_some() {
                Box::pin(self.turn()).await
            } else {
                Ok(Turn::Nothing)
            };
        };
        let turn = self.complete(&mut tx, held).await?;
        if self.way == Way::One {
            self.held = self.claim(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(turn)
    }

    async fn claim(&mut self, tx: &mut Tx) -> Result<Option<Held>, Fault> {
        let now = tx.now();
        let Some(was) = store::job::next(tx, None).await? else { return Ok(None) };
        let claim_id = id::mint(now, self.rng.random());
        let take = Take { holder: "worker-0".to_owned(), ttl: Span::secs(TTL_SECS), claim_id: claim_id.clone() };
        let Ok(step) = was.clone().claim(take, &self.by, now) else { return Ok(None) };
        store::job::write(tx, &was, &step.job).await?;
        self.record(tx, &was.name).await?;
        Ok(Some(Held { name: was.name, claim_id }))
    }

    async fn complete(&mut self, tx: &mut Tx, held: Held) -> Result<Turn, Fault> {
        let now = tx.now();
        let Some(was) = store::job::load(tx, &held.name).await? else { return Ok(Turn::Nothing) };
        let summary = Some(SUMMARY.to_owned());
        match was.clone().complete(&self.by, &Pointer::Claim(held.claim_id), ok(), summary, now) {
            Ok(step) => {
                store::job::write(tx, &was, &step.job).await?;
                if let Some(run) = &step.run {
                    store::run::append(tx, run).await?;
                }
                self.record(tx, &held.name).await?;
                Ok(Turn::Done)
            }
            Err(stale) => Ok(Turn::Failed(stale.name().to_owned())),
        }
    }

    async fn record(&mut self, tx: &mut Tx, name: &str) -> Result<(), Fault> {
        let (before, after) = (AUDITED.to_owned(), AUDITED.to_owned());
        let act = Act { tool: "claim-routine-job", object: format!("job:{name}"), before, after };
        let entry_id = id::mint(tx.now(), self.rng.random());
        let request = format!("{:032x}", self.rng.random::<u128>());
        store::journal::append(tx, &Entry::new(entry_id, act, &self.by, &request, tx.now())).await
    }
}

impl Worker for Bare {
    async fn cycle(&mut self, _: &mut Vec<u32>) -> Turn {
        self.turn().await.unwrap_or_else(|fault| Turn::Failed(fault.to_string()))
    }
}
