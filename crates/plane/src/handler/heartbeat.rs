//! The passive canary: asks this very service for its locks through its public address over MCP, as a Routine would,
//! and says so in the default channel. One canary can hide another break, so there are three more: the served
//! catalogue, a claim round trip, and the delivery of the message itself.

use domain::agent::Role;
use domain::catalogue;
use domain::check_in::Phase;
use domain::job::CANARY;
use domain::notice::Level;
use domain::time::{Span, Time};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::Plane;
use crate::agent::Grant;
use crate::tend::own;

const NAME: &str = domain::check_in::HEARTBEAT;

/// How long the canary's own token lives; it is revoked at the end of the run.
const TOKEN_LIFE: Span = Span::mins(10);

pub(super) async fn run(plane: &Plane) -> Result<String, String> {
    let told = beat(plane).await;
    let done = match told {
        Ok(told) => plane.check_in(&own(NAME), NAME, Phase::End).await.map(|_| told).map_err(|error| error.to_string()),
        Err(why) => Err(why),
    };
    if let Err(why) = &done {
        let text = format!("agent-mcp heartbeat failed: {why}");
        plane.notify(&own(NAME), &text, Level::Error, None).await.map_err(|error| format!("{why}; and {error}"))?;
    }
    done
}

async fn beat(plane: &Plane) -> Result<String, String> {
    let url = plane.settings().public_url.clone().ok_or("no public address is configured")?;
    let grant = Grant { principal: CANARY.to_owned(), role: Role::Routine, kinds: Vec::new(), life: TOKEN_LIFE };
    let (token, row) = plane.create_token(&own(NAME), grant).await.map_err(|error| error.to_string())?;
    let client = Client { plane, url: format!("{url}/mcp"), token: SecretString::from(token) };
    let told = client.canaries().await;
    plane.revoke_token(&own(NAME), &row.id).await.map_err(|error| error.to_string())?;
    told
}

/// A small MCP client of the stateless protocol: one POST, one answer.
struct Client<'p> {
    plane: &'p Plane,
    url: String,
    token: SecretString,
}

impl Client<'_> {
    async fn canaries(&self) -> Result<String, String> {
        self.check_catalogue().await.map_err(|why| format!("served catalogue: {why}"))?;
        self.check_claim().await.map_err(|why| format!("claim round trip: {why}"))?;
        let locks = self.count_locks().await.map_err(|why| format!("list-locks: {why}"))?;
        self.check_delivery(locks).await.map_err(|why| format!("delivery: {why}"))?;
        Ok(format!("{locks} active locks"))
    }

    /// What is served here, through whatever stands in front of us, must be what this program registered.
    async fn check_catalogue(&self) -> Result<(), String> {
        let served = self.ask("tools/list", "", json!({})).await?;
        let tools = served["tools"].as_array().ok_or("the answer has no tools")?;
        let texts = tools.iter().map(|tool| (text(&tool["name"]), text(&tool["description"])));
        let hash = catalogue::hash(texts);
        if hash == self.plane.settings().catalogue_hash {
            return Ok(());
        }
        Err(format!("{} tools are served with another hash than was registered: run gapwright doctor", tools.len()))
    }

    async fn check_claim(&self) -> Result<(), String> {
        let job = json!({"name": CANARY, "kind": CANARY, "created_by": NAME, "max_attempts": 0, "upsert": true});
        self.call("register-routine-job", job).await?;
        let claim = json!({"holder": NAME, "ttl_secs": 60, "name": CANARY});
        let claimed = self.call("claim-routine-job", claim).await?;
        if claimed["claimed"] != json!(true) {
            return Err(format!("not claimed: {}", text(&claimed["reason"])));
        }
        let end = json!({"name": CANARY, "status": "ok", "claim_id": claimed["claim_id"]});
        let ended = self.call("complete-routine-job", end).await?;
        if ended["ok"] == json!(true) { Ok(()) } else { Err(format!("not completed: {}", text(&ended["reason"]))) }
    }

    /// Counts page by page, as a Routine would have to.
    async fn count_locks(&self) -> Result<usize, String> {
        let mut count = 0;
        let mut arguments = json!({"limit": 200});
        loop {
            let page = self.call("list-locks", arguments).await?;
            count += page["locks"].as_array().ok_or("the answer has no locks")?.len();
            match page["cursor"].as_str() {
                Some(cursor) => arguments = json!({"limit": 200, "cursor": cursor}),
                None => return Ok(count),
            }
        }
    }

    /// Posts the heartbeat and sees it arrive.
    async fn check_delivery(&self, locks: usize) -> Result<(), String> {
        let message = format!("agent-mcp heartbeat: {locks} active locks");
        let queued = self.call("notify", json!({"message": message})).await?;
        let id = text(&queued["id"]);
        self.plane.deliver().await.map_err(|error| error.to_string())?;
        let mut tx = self.plane.store().read().await.map_err(|error| error.to_string())?;
        match store::outbox::find(&mut tx, &id).await.map_err(|error| error.to_string())? {
            Some(row) if row.state == "sent" => Ok(()),
            Some(row) if row.state == "pending" && row.last_error.is_none() => {
                match store::rest::find(&mut tx, &row.channel).await.map_err(|error| error.to_string())? {
                    Some(rest) if Time(rest.until) > tx.now() => {
                        Err(format!("the channel rests until {}: {}", Time(rest.until).iso(), rest.why))
                    }
                    // Another replica may just be sending it; only a failed try is a failure.
                    Some(_) | None => Ok(()),
                }
            }
            Some(row) => {
                Err(format!("{} after {} tries: {}", row.state, row.attempts, row.last_error.unwrap_or_default()))
            }
            None => Err("the message is not in the outbox".to_owned()),
        }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Result<Value, String> {
        let name = format!("{}{tool}", self.plane.settings().tool_prefix);
        let params = json!({"name": name, "arguments": arguments});
        let mut result = self.ask("tools/call", &name, params).await?;
        let answer = result["structuredContent"].take();
        if result["isError"] == json!(true) { Err(text(&answer["message"])) } else { Ok(answer) }
    }

    async fn ask(&self, method: &str, name: &str, mut params: Value) -> Result<Value, String> {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": NAME, "version": env!("CARGO_PKG_VERSION")},
        });
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut request = self
            .plane
            .settings()
            .http
            .post(&self.url)
            .bearer_auth(self.token.expose_secret())
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", method);
        if !name.is_empty() {
            request = request.header("mcp-name", name);
        }
        let answer = super::ask(request.json(&body)).await.map_err(|why| format!("not reached: {why}"))?;
        let status = answer.status();
        let mut reply: Value = answer.json().await.map_err(|_| format!("status {status} without a JSON answer"))?;
        match reply["error"]["message"].as_str() {
            Some(why) => Err(why.to_owned()),
            None => Ok(reply["result"].take()),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
