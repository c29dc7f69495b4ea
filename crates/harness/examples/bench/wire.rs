//! One agent's connection: MCP's stateless protocol over HTTP/1.1, kept open, with as little work of its own as can be.
//!
//! The load shares the cores with the server, so a client library's comfort would be paid by the figures.

use harness::mcp::Answer;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection with one token.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    head: String,
    read: Vec<u8>,
}

impl Wire {
    /// Connects to a server's `url` (without `/mcp`).
    pub(crate) async fn connect(url: &str, token: &str) -> Self {
        let address = url.trim_start_matches("http://");
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\naccept: application/json, \
             text/event-stream\r\ncontent-type: application/json\r\nmcp-protocol-version: 2026-07-28\r\n\
             mcp-method: tools/call\r\n"
        );
        Self { stream, head, read: Vec::with_capacity(16 * 1_024) }
    }

    /// Calls a tool by its name without the prefix.
    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Answer {
        let name = format!("monolith-agent-{tool}");
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({"name": name, "arguments": arguments, "_meta": meta});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
        let request = format!("{}mcp-name: {name}\r\ncontent-length: {}\r\n\r\n{body}", self.head, body.len());
        if let Err(error) = self.stream.write_all(request.as_bytes()).await {
            return Answer::Unknown(error.to_string());
        }
        match self.answer().await {
            Ok(mut reply) => sorted(&mut reply),
            Err(why) => Answer::Unknown(why),
        }
    }

    /// The body of the next response, which has a length.
    async fn answer(&mut self) -> Result<Value, String> {
        self.read.clear();
        let mut whole = None;
        while whole.is_none_or(|(_, end)| self.read.len() < end) {
            if self.stream.read_buf(&mut self.read).await.map_err(|error| error.to_string())? == 0 {
                return Err("the server hung up".to_owned());
            }
            if whole.is_none() {
                whole = bounds(&self.read)?;
            }
        }
        let (start, end) = whole.ok_or("no response")?;
        serde_json::from_slice(&self.read[start..end]).map_err(|error| error.to_string())
    }
}

/// Where the body begins and ends, once the whole head is there.
fn bounds(read: &[u8]) -> Result<Option<(usize, usize)>, String> {
    let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let length = length.ok_or_else(|| format!("a response without a length: {head}"))?;
    Ok(Some((end + 4, end + 4 + length)))
}

/// Answered, refused, or nobody knows.
fn sorted(reply: &mut Value) -> Answer {
    let result = &mut reply["result"];
    if result.is_null() {
        return Answer::Unknown(reply.to_string());
    }
    let failed = result["isError"] == json!(true);
    let answer = result["structuredContent"].take();
    match (failed, answer["code"].as_str()) {
        (true, Some("unavailable")) => Answer::Unknown(answer["message"].to_string()),
        (true, _) => Answer::Refused(answer),
        (false, _) => Answer::Ok(answer),
    }
}
