//! A client of our own server over MCP: one connection, made when it is first needed, and made anew when it is gone.
//!
//! What a tool takes and answers is in `ask`. A write whose answer is lost is repeated under the same key, so that it
//! happens once.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use rmcp::model::{CallToolRequestParams, ErrorCode, GetPromptRequestParams, ProtocolVersion};
use rmcp::service::{RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientLifecycleMode, ClientServiceExt as _, Peer, RoleClient};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use tokio::time::{sleep, timeout};

/// How long one call may take. Handing a change in is the longest: the server fetches and reads it.
const CALL_MAX: Duration = Duration::from_mins(2);
/// How long we try to reach the server's machine.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How many calls are under way at once: a renewal does not wait for a hand-in.
const CALLS_MAX: usize = 8;
/// The pauses before a write is repeated whose answer was lost.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// A client with one token. Clones share the connection.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    token: SecretString,
    http: reqwest::Client,
    link: tokio::sync::Mutex<Option<Link>>,
    chance: Mutex<StdRng>,
}

/// A connection, and how the tools are called there.
#[derive(Clone)]
struct Link {
    service: Arc<RunningService<RoleClient, ()>>,
    tools: Arc<Vec<String>>,
}

/// Why something asked of the server did not come about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It said no.
    #[error("{message}")]
    Refused {
        /// The word for programs, such as `stale_claim`.
        code: String,
        /// What was refused, and why.
        message: String,
        /// What to do next.
        hint: String,
    },
    /// Nobody answered, or not in time, or the server cannot just now: whether it was done is not known.
    #[error("the server does not answer: {0}")]
    Lost(String),
    /// The server does not know the token, or does not let it in.
    #[error("the server does not take the token")]
    Stranger,
    /// It is no server of ours, or of another version.
    #[error("{0}")]
    Foreign(String),
}

impl fmt::Debug for Client {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Client").field("url", &self.inner.url).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the server whose MCP is at `url`: by https, or by http on this machine. Nothing is asked yet. `chance` is for
    /// the keys of writes. Rustls must have its provider by now.
    pub fn new(url: &str, token: SecretString, chance: StdRng) -> Result<Self, Trouble> {
        if is_readable(url) {
            let why = "the token would be readable on its way: plain http is for this machine only";
            return Err(Trouble::Foreign(why.to_owned()));
        }
        Self::insecure(url, token, chance)
    }

    /// The same by http on any machine: for a network where nobody else listens.
    pub fn insecure(url: &str, token: SecretString, chance: StdRng) -> Result<Self, Trouble> {
        let plain = url.starts_with("http://");
        let http = reqwest::Client::builder().connect_timeout(CONNECT_MAX).redirect(reqwest::redirect::Policy::none());
        // Plain http is for this machine and this network, where no proxy is.
        let http =
            if plain { http.no_proxy() } else { http }.user_agent(concat!("gapwright/", env!("CARGO_PKG_VERSION")));
        let http = http.build().map_err(|error| Trouble::Foreign(told(&error)))?;
        let (link, chance) = (tokio::sync::Mutex::default(), Mutex::new(chance));
        Ok(Self { inner: Arc::new(Inner { url: url.to_owned(), token, http, link, chance }) })
    }

    /// Where the server's MCP is.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// Asks a tool that only reads, by its name without the prefix.
    pub async fn read(&self, tool: &str, arguments: Value) -> Result<Value, Trouble> {
        let Value::Object(arguments) = arguments else { return Err(Trouble::Foreign("no arguments".to_owned())) };
        self.call(tool, arguments).await
    }

    /// Asks a tool that writes. It is done once, though the answer be lost.
    pub async fn write(&self, tool: &str, arguments: Value) -> Result<Value, Trouble> {
        self.write_under(&self.key(), tool, arguments).await
    }

    /// The same under a key: what is asked again under it later is still done once.
    pub(crate) async fn write_under(&self, key: &str, tool: &str, mut arguments: Value) -> Result<Value, Trouble> {
        arguments["idempotency_key"] = json!(key);
        let mut asked = self.read(tool, arguments.clone()).await;
        for pause in PAUSES {
            if !matches!(asked, Err(Trouble::Lost(_))) {
                break;
            }
            sleep(pause).await;
            asked = self.read(tool, arguments.clone()).await;
        }
        asked
    }

    /// A prompt's text.
    pub async fn prompt(&self, name: &str) -> Result<String, Trouble> {
        let link = self.link().await?;
        let asked = link.service.get_prompt(GetPromptRequestParams::new(name));
        let got = self.within(asked).await?;
        let texts: Vec<_> =
            got.messages.iter().filter_map(|message| Some(message.content.as_text()?.text.clone())).collect();
        if texts.is_empty() {
            return Err(Trouble::Foreign(format!("the server's prompt {name} says nothing")));
        }
        Ok(texts.join("\n\n"))
    }

    async fn call(&self, tool: &str, arguments: Map<String, Value>) -> Result<Value, Trouble> {
        let link = self.link().await?;
        let name = link.tool(tool).ok_or_else(|| Trouble::Foreign(format!("the server has no tool {tool}")))?;
        let asked = link.service.call_tool(CallToolRequestParams::new(name).with_arguments(arguments));
        let result = self.within(asked).await?;
        let answer = result.structured_content.unwrap_or_default();
        if result.is_error == Some(true) { Err(refused(&answer)) } else { Ok(answer) }
    }

    /// Waits for an answer, within bounds. A connection that is gone is forgotten.
    async fn within<T>(&self, asked: impl Future<Output = Result<T, ServiceError>>) -> Result<T, Trouble> {
        let trouble = match timeout(CALL_MAX, asked).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => trouble(&error),
            Err(_) => Trouble::Lost(format!("not in {} s", CALL_MAX.as_secs())),
        };
        if matches!(trouble, Trouble::Lost(_)) {
            self.inner.link.lock().await.take();
        }
        Err(trouble)
    }

    async fn link(&self) -> Result<Link, Trouble> {
        let mut held = self.inner.link.lock().await;
        if let Some(link) = held.as_ref().filter(|link| !link.service.is_closed()) {
            return Ok(link.clone());
        }
        let late = |_| Trouble::Lost("not in time".to_owned());
        let link = timeout(CALL_MAX, Box::pin(self.connect())).await.map_err(late)??;
        *held = Some(link.clone());
        Ok(link)
    }

    async fn connect(&self) -> Result<Link, Trouble> {
        let Inner { url, token, http, .. } = &*self.inner;
        let config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
            .auth_header(token.expose_secret())
            .max_concurrent_requests(CALLS_MAX);
        let transport = StreamableHttpClientTransport::with_client(http.clone(), config);
        let lifecycle = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
        let service = ().serve_with_lifecycle(transport, lifecycle).await.map_err(|error| {
            if error.auth_challenge().is_some() { Trouble::Stranger } else { Trouble::Lost(told(&error)) }
        })?;
        let peer: &Peer<RoleClient> = &service;
        let listed = peer.list_all_tools().await.map_err(|error| trouble(&error))?;
        let tools = listed.into_iter().map(|tool| tool.name.into_owned()).collect();
        Ok(Link { service: Arc::new(service), tools: Arc::new(tools) })
    }

    /// A key for one thing that is to be done.
    pub(crate) fn key(&self) -> String {
        let mut chance = self.inner.chance.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{:032x}", chance.random::<u128>())
    }
}

/// Whether what is sent to an address can be read by others: by http, and not to this machine.
pub fn is_readable(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return true };
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    url.scheme() != "https" && !here
}

impl Link {
    /// The whole name of a tool: the shortest that ends so.
    fn tool(&self, name: &str) -> Option<String> {
        let ends =
            |whole: &&String| whole.strip_suffix(name).is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('-'));
        self.tools.iter().filter(ends).min_by_key(|whole| whole.len()).cloned()
    }
}

/// What the error of a tool is to us.
fn refused(answer: &Value) -> Trouble {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let code = text("code");
    match code.as_str() {
        "unauthenticated" => Trouble::Stranger,
        // It certainly did not happen, and is asked again as what may have.
        "unavailable" | "too_many_calls" => Trouble::Lost(text("message")),
        _ => Trouble::Refused { code, message: text("message"), hint: text("hint") },
    }
}

fn trouble(error: &ServiceError) -> Trouble {
    if error.auth_challenge().is_some() {
        return Trouble::Stranger;
    }
    if let ServiceError::McpError(data) = error
        && data.code != ErrorCode::INTERNAL_ERROR
    {
        return Trouble::Refused {
            code: "protocol".to_owned(),
            message: data.message.to_string(),
            hint: String::new(),
        };
    }
    Trouble::Lost(told(error))
}

/// An error with what is behind it, in one line.
fn told(error: &(dyn Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut at = error.source();
    while let Some(source) = at {
        let more = source.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        at = source.source();
    }
    crate::text::clean(&words.replace('\n', " "), crate::text::ERROR_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_by_http_to_this_machine_alone() {
        for (url, readable) in [
            ("https://it.example/mcp", false),
            ("http://127.0.0.1:8787/mcp", false),
            ("http://[::1]:8787/mcp", false),
            ("http://localhost/mcp", false),
            ("HTTP://it.example/mcp", true),
            ("http://it.example/mcp", true),
            ("http://10.0.0.7/mcp", true),
            ("http://127.0.0.1.example.com/mcp", true),
            ("http://localhost.example.com/mcp", true),
            ("http://localhost@it.example/mcp", true),
            ("it.example", true),
        ] {
            assert_eq!(is_readable(url), readable, "{url}");
            let chance = rand::SeedableRng::seed_from_u64(7);
            // A client of an address by https needs a provider, which a program has.
            if readable {
                let client = Client::new(url, SecretString::from("t"), chance);
                assert!(matches!(client, Err(Trouble::Foreign(why)) if why.contains("plain http")), "{url}");
            }
        }
    }

    #[test]
    fn what_may_work_later_is_told_from_what_is_refused() {
        let no = |code: &str| refused(&json!({"code": code, "message": "m", "hint": "h"}));
        assert_eq!(no("unavailable"), Trouble::Lost("m".to_owned()));
        assert_eq!(no("too_many_calls"), Trouble::Lost("m".to_owned()));
        assert_eq!(no("unauthenticated"), Trouble::Stranger);
        let (code, message, hint) = ("stale_claim".to_owned(), "m".to_owned(), "h".to_owned());
        assert_eq!(no("stale_claim"), Trouble::Refused { code, message, hint });
    }
}
