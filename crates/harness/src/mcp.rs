//! A small MCP client of the stateless protocol, for tests that ask the real server.

use std::time::Duration;

use serde_json::{Value, json};

/// How a call went.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The tool answered.
    Ok(Value),
    /// The tool refused: its error object.
    Refused(Value),
    /// Nobody knows: the connection broke, or the server said that it failed.
    Unknown(String),
}

/// A client with one token.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    /// A client of the server at `url` (without `/mcp`).
    pub fn new(url: &str, token: &str) -> Self {
        notify::install_tls();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).no_proxy().build();
        Self { http: http.expect("a client"), url: url.to_owned(), token: token.to_owned() }
    }

    /// The same client for a server that came back elsewhere.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// The same client as somebody else.
    pub fn showing(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// Calls a tool by its name without the prefix.
    pub async fn call(&self, tool: &str, arguments: Value) -> Answer {
        let name = format!("monolith-agent-{tool}");
        let asked = self.ask("tools/call", &name, json!({"name": name, "arguments": arguments})).await;
        let mut result = match asked {
            Ok(result) => result,
            Err(why) => return Answer::Unknown(why),
        };
        let answer = result["structuredContent"].take();
        match (result["isError"] == json!(true), answer["code"].as_str()) {
            (true, Some("unavailable")) => Answer::Unknown(answer["message"].to_string()),
            (true, _) => Answer::Refused(answer),
            (false, _) => Answer::Ok(answer),
        }
    }

    /// Sends one request of the protocol and gives its result.
    pub async fn ask(&self, method: &str, name: &str, params: Value) -> Result<Value, String> {
        let answer = self.send(method, name, params).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let mut reply: Value = answer.json().await.map_err(|error| format!("{status}: {error}"))?;
        if reply["error"].is_null() && status.is_success() {
            Ok(reply["result"].take())
        } else {
            Err(format!("{status}: {reply}"))
        }
    }

    /// Asks for the stream of events. It is open until the answer is dropped.
    pub async fn listen(&self) -> reqwest::Response {
        let wish = json!({"notifications": {"toolsListChanged": true}});
        self.send("subscriptions/listen", "", wish).await.expect("an answer")
    }

    async fn send(&self, method: &str, name: &str, mut params: Value) -> reqwest::Result<reqwest::Response> {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut request = self
            .http
            .post(format!("{}/mcp", self.url))
            .bearer_auth(&self.token)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", method);
        if !name.is_empty() {
            request = request.header("mcp-name", name);
        }
        request.json(&body).send().await
    }
}
