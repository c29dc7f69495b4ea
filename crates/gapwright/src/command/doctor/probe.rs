//! What a server serves, asked as any client would: over MCP, through whatever stands in front of it.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

/// How long one question may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// How many pages of tools are read: more than any catalogue has.
const PAGES_MAX: usize = 100;

/// Tools by name, with their descriptions.
pub(super) type Catalogue = BTreeMap<String, String>;

/// Why nothing can be said about a server.
#[derive(Debug)]
pub(super) enum Silence {
    /// Nobody answers there.
    Nobody(String),
    /// Somebody answers, and does not know our token.
    Stranger,
    /// Somebody answers something else.
    Odd(String),
}

/// The tools that the server at `url` lists.
pub(super) async fn catalogue(
    http: &reqwest::Client,
    url: &str,
    token: Option<&SecretString>,
) -> Result<Catalogue, Silence> {
    let mut found = Catalogue::new();
    let mut params = json!({});
    for _ in 0..PAGES_MAX {
        let mut page = ask(http, url, token, params).await?;
        let Value::Array(tools) = page["tools"].take() else {
            return Err(Silence::Odd("its answer lists no tools".to_owned()));
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        found.extend(tools.iter().map(|tool| (text(&tool["name"]), text(&tool["description"]))));
        match page["nextCursor"].as_str() {
            Some(cursor) => params = json!({"cursor": cursor}),
            None => return Ok(found),
        }
    }
    Err(Silence::Odd(format!("its list of tools has more than {PAGES_MAX} pages")))
}

async fn ask(
    http: &reqwest::Client,
    url: &str,
    token: Option<&SecretString>,
    mut params: Value,
) -> Result<Value, Silence> {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "gapwright-doctor", "version": env!("CARGO_PKG_VERSION")},
    });
    let mut request = http
        .post(format!("{url}/mcp"))
        .timeout(ANSWER_MAX)
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/list");
    if let Some(token) = token {
        request = request.bearer_auth(token.expose_secret());
    }
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params});
    let answer = request.json(&body).send().await.map_err(|error| Silence::Nobody(cause(&error)))?;
    let status = answer.status();
    if status == reqwest::StatusCode::UNAUTHORIZED || status == reqwest::StatusCode::FORBIDDEN {
        return Err(Silence::Stranger);
    }
    let reply: Result<Value, _> = answer.json().await;
    let mut reply = reply.map_err(|_| Silence::Odd(format!("status {status} without a JSON answer")))?;
    match reply["error"]["message"].as_str() {
        Some(why) => Err(Silence::Odd(why.to_owned())),
        None => Ok(reply["result"].take()),
    }
}

/// A gapwright server, as it tells of itself to anybody.
#[derive(Debug)]
pub(super) struct Local {
    /// Its name among the replicas of its database.
    pub(super) replica: String,
    /// Whether its chores get done: its page `/livez`.
    pub(super) live: Value,
}

/// The server at `url`; none when nobody of ours answers there.
pub(super) async fn local(http: &reqwest::Client, url: &str) -> Option<Local> {
    let live = page(http, &format!("{url}/livez")).await?;
    let version = page(http, &format!("{url}/version")).await?;
    Some(Local { replica: version["replica"].as_str()?.to_owned(), live })
}

/// Asks a small page of the server's; none when nobody answers.
async fn page(http: &reqwest::Client, url: &str) -> Option<Value> {
    http.get(url).timeout(ANSWER_MAX).send().await.ok()?.json().await.ok()
}

/// The innermost cause, such as `Connection refused (os error 111)`.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
