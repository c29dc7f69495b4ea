//! `serve`: from settings to a server that answers, and in order back to nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use domain::agent::{Principal, Role, read_token};
use domain::time::Span;
use plane::agent::Grant;
use plane::{Call, Idempotency, Plane};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use server::{Bound, Options};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::installation::Itself;
use super::signals;
use crate::config::{Config, Flags, masked};
use crate::failure::{Exit, Failure};
use crate::session::{self, Missing};
use crate::show::{self, Format};

/// How long a stop may take from the first signal on: container engines kill after ten seconds.
pub(super) const STOP_MAX: Duration = Duration::from_secs(10);

/// Whom the first token stands for.
const FIRST_PRINCIPAL: &str = "claude-routine-agent";

/// How long the first token is good.
const FIRST_LIFE: Span = Span::days(90);

/// Serve MCP over HTTP.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The address and port to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Serve without authentication, everyone as an operator; only on this machine
    #[arg(long)]
    insecure_no_auth: bool,
}

impl Serve {
    /// What its flags say about the settings.
    pub(crate) fn add_to(self, flags: Flags) -> Flags {
        Flags { listen: self.listen, insecure_no_auth: self.insecure_no_auth, ..flags }
    }
}

/// Serves until it is told to stop.
pub(crate) async fn run(config: &Config, format: Format) -> Result<Exit, Failure> {
    session::hide();
    let (stop, now) = signals::watch()?;
    let open = config.sections.server.insecure_no_auth;
    let settings = config.settings_with_secrets(String::new())?;
    let faults = server::mcp::catalogue_faults(&settings.tool_prefix);
    if !faults.is_empty() {
        return Err(server::Error::Catalogue(faults.join("; ")).into());
    }
    let store = session::open(config, Missing::Make).await?;
    store.migrate().await?;
    let bound = Bound::bind(config.listen()?, open).await?;
    let address = bound.address()?;
    let url = match config.public_url()? {
        Some(_) => session::public_url(config)?,
        None => session::local_url(address),
    };
    let home = session::home(config, &store).await?;
    let local = session::local(config, &store)?;
    let settings = plane::Settings { public_url: Some(url.clone()), home, local, ..settings };
    let plane = Plane::new(store, settings, session::chance());
    plane.sync_schedule().await?;
    plane.tell_presence().await?;
    let token = if open { None } else { first_token(&plane).await? };
    let tasks = TaskTracker::new();
    plane.try_forge_again().await?;
    plane.start_chores(&stop, &tasks);
    greet(config, format, address, &url, token.as_deref());
    let serving = async {
        let serve = async {
            let served = bound.serve(plane.clone(), options(config), stop.clone()).await;
            stop.cancel();
            served
        };
        let stopping = async {
            stop.cancelled().await;
            Instant::now()
        };
        let (served, began) = tokio::join!(serve, stopping);
        end(&plane, &tasks, STOP_MAX.saturating_sub(began.elapsed())).await;
        served.map_err(Failure::from)
    };
    tokio::select! {
        ended = serving => ended.map(|()| Exit::Ok),
        () = now.cancelled() => Ok(Exit::Interrupted),
    }
}

pub(super) fn options(config: &Config) -> Options {
    let server = &config.sections.server;
    let count = |number: i64| usize::try_from(number).unwrap_or(1);
    Options {
        insecure_no_auth: server.insecure_no_auth,
        allowed_hosts: server.allowed_hosts.clone(),
        calls_per_principal: count(server.calls_per_principal),
        streams_per_principal: count(server.streams_per_principal),
        streams: count(server.streams),
        drain: Duration::from_secs(server.drain_secs.unsigned_abs()),
        installation: Arc::new(Itself::new(config)),
    }
}

/// Makes the token of a server that never had one. Of several servers that start at once over one database, one makes
/// it: the others meet its idempotency key.
async fn first_token(plane: &Plane) -> Result<Option<String>, Failure> {
    if plane.has_tokens().await? {
        return Ok(None);
    }
    let first = || Some(Idempotency { key: "first-token".to_owned(), request: "first-token".to_owned() });
    let by = Principal::local("gapwright", Role::Operator);
    let call = Call { by, tool: "serve", request_id: format!("{:032x}", plane.draw()), idempotency: first() };
    let grant =
        Grant { principal: FIRST_PRINCIPAL.to_owned(), role: Role::Routine, kinds: Vec::new(), life: FIRST_LIFE };
    let (text, token) = plane.create_token(&call, grant).await?;
    // Whoever comes second is told of the first one's token, whose secret it does not know.
    let (id, _) = read_token(&text)?;
    Ok(Some(text).filter(|_| id == token.id))
}

/// Says where the server is and how to connect to it; the last line says that it is ready.
fn greet(config: &Config, format: Format, address: SocketAddr, url: &str, token: Option<&str>) {
    let open = config.sections.server.insecure_no_auth;
    if open {
        show::warning("serving without authentication: everyone on this machine is an operator");
    }
    let connect = connect(url, token, open);
    if format == Format::Json {
        let document: Value = json!({
            "url": url, "page_url": url, "mcp_url": format!("{url}/mcp"), "address": address.to_string(), "token": token,
            "connect": connect,
        });
        show::raw(&format!("{document}\n"));
        return;
    }
    let database = config.database_url().map(|url| masked(url.expose_secret())).unwrap_or_default();
    let mut lines = vec![
        format!("gapwright {} over {database}", env!("CARGO_PKG_VERSION")),
        format!("control room: {url}"),
        format!("mcp url: {url}/mcp"),
    ];
    if !open {
        lines.insert(
            2,
            "  sign in with a token of yours: gapwright token create --role operator --name NAME".to_owned(),
        );
    }
    match (token, open) {
        (Some(token), _) => {
            lines.push(format!("token: {token}"));
            lines.push(format!(
                "  for {FIRST_PRINCIPAL}, role {}, good for {FIRST_LIFE}; it is shown this once",
                Role::Routine
            ));
            lines.push(connect);
        }
        (None, true) => lines.push(connect),
        (None, false) => {
            lines.push("another token: gapwright token create --role routine --name NAME".to_owned());
        }
    }
    lines.push(format!("ready at {url}"));
    show::line(&lines.join("\n"));
}

/// The line that connects Claude Code to this server.
fn connect(url: &str, token: Option<&str>, open: bool) -> String {
    let add = format!("claude mcp add --transport http gapwright {url}/mcp");
    if open { add } else { format!("{add} --header \"Authorization: Bearer {}\"", token.unwrap_or("TOKEN")) }
}

/// Ends what was started, in order, within what the drain left of the time to stop.
pub(super) async fn end(plane: &Plane, tasks: &TaskTracker, left: Duration) {
    tasks.close();
    let ending = async {
        tasks.wait().await;
        if let Err(error) = plane.seal_journal().await {
            tracing::warn!(%error, "the last entries of the journal wait to be sealed");
        }
        if let Err(error) = plane.tell_absence().await {
            tracing::warn!(%error, "this server stays on the list of replicas until it is missed");
        }
        plane.store().close().await;
    };
    if tokio::time::timeout(left, ending).await.is_err() {
        tracing::warn!("stopped before everything had ended; what was under way is taken up again");
    }
    tracing::info!("stopped");
}
