//! How the plane is asked: MCP over HTTP and stdio, and the small pages an operator's tools read.
//!
//! Nothing is decided here. A request is read, its caller known, the plane asked, and the answer rendered.

mod auth;
mod body;
mod door;
mod gate;
mod health;
mod hook;
pub mod mcp;
mod metrics;
mod recent;
mod stream;
mod web;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use domain::refusal::{Code, Refusal};
use domain::time::Span;
use plane::{No, Plane};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};
use store::{Engine, Fault};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;

pub use web::{Check, Installation, Setting, Silent, Verdict};

/// How the server is to be reached.
#[derive(Debug, Clone)]
pub struct Options {
    /// Serve without any authentication, everyone as an operator. Only on loopback.
    pub insecure_no_auth: bool,
    /// Host names, besides loopback's, that requests may name.
    pub allowed_hosts: Vec<String>,
    /// Calls that one principal may have under way at once; more wait.
    pub calls_per_principal: usize,
    /// Streams of events that one principal may hold open; more are refused.
    pub streams_per_principal: usize,
    /// Streams of events that all together may hold open.
    pub streams: usize,
    /// How long requests under way may take to end when the server stops.
    pub drain: Duration,
    /// What only the program knows of itself, for the page of settings.
    pub installation: Arc<dyn Installation>,
}

/// A server that has its address and does not answer yet.
#[derive(Debug)]
pub struct Bound {
    listener: tokio::net::TcpListener,
}

/// Why a server cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Everyone on the network could use it.
    #[error("refusing to listen on {0} without authentication")]
    Exposed(SocketAddr),
    /// A gateway would drop or rewrite some of what is served.
    #[error("the catalogue breaks the rules for served text: {0}")]
    Catalogue(String),
    /// The connection broke.
    #[error("the server failed: {0}")]
    Io(#[from] std::io::Error),
}

impl Bound {
    /// Takes an address; port 0 takes any free one. An address beyond loopback is refused without authentication.
    pub async fn bind(address: SocketAddr, insecure_no_auth: bool) -> Result<Self, Error> {
        if insecure_no_auth && !address.ip().is_loopback() {
            return Err(Error::Exposed(address));
        }
        let listener =
            tokio::net::TcpListener::bind(address).await.map_err(|source| Error::Bind { address, source })?;
        Ok(Self { listener })
    }

    /// The address it has.
    pub fn address(&self) -> Result<SocketAddr, Error> {
        Ok(self.listener.local_addr()?)
    }

    /// Answers until `stop` is cancelled and what was under way has ended, or its time is up.
    pub async fn serve(self, plane: Plane, options: Options, stop: CancellationToken) -> Result<(), Error> {
        let faults = mcp::catalogue_faults(&plane.settings().tool_prefix);
        if let Some(fault) = faults.first() {
            return Err(Error::Catalogue(fault.clone()));
        }
        let health = Arc::new(health::Health::new(plane.clone()));
        let looking = CancellationToken::new();
        let look = tokio::spawn(Arc::clone(&health).watch(looking.clone()));
        // Streams are ended when the server stops; answers under way may still be given.
        let streams = CancellationToken::new();
        let app = routes(&plane, &options, &health, &streams);
        let draining = {
            let (stop, health) = (stop.clone(), Arc::clone(&health));
            async move {
                stop.cancelled().await;
                health.stop();
                streams.cancel();
            }
        };
        let served = axum::serve(self.listener, app).with_graceful_shutdown(draining).into_future();
        let late = async {
            stop.cancelled().await;
            tokio::time::sleep(options.drain).await;
        };
        let ended = tokio::select! {
            ended = served => ended,
            () = late => {
                tracing::warn!("requests under way were cut off, for the time to drain is up");
                Ok(())
            }
        };
        looking.cancel();
        drop(look.await);
        Ok(ended?)
    }
}

/// How long a call waits for its principal's other calls.
const PATIENCE: Span = Span::secs(5);

fn routes(plane: &Plane, options: &Options, health: &Arc<health::Health>, streams: &CancellationToken) -> Router {
    let metrics = Arc::new(metrics::Metrics::new(&plane.settings().tool_prefix));
    let told = Arc::new(metrics::Told::new(plane.clone(), Arc::clone(&metrics), Arc::clone(health)));
    let gate = Arc::new(gate::Gate::new(options.calls_per_principal, PATIENCE));
    let surface = mcp::Surface::new(plane.clone(), Arc::clone(&metrics), gate, None);
    let open = Arc::new(stream::Streams::new(options.streams_per_principal, options.streams, Arc::clone(&metrics)));
    let hosts = hosts(plane, options);
    let origins = hosts.iter().flat_map(|host| [format!("http://{host}:*"), format!("https://{host}:*")]);
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(body::BYTES_MAX)
        .with_allowed_hosts(hosts.clone())
        .with_allowed_origins(origins)
        .enforce_origin_validation()
        .with_cancellation_token(streams.clone());
    let service =
        StreamableHttpService::new(move || Ok(surface.clone()), Arc::new(LocalSessionManager::default()), config);
    let auth = Arc::new(auth::Auth::new(plane.clone(), metrics, options.insecure_no_auth));
    let version = version(plane);
    let by = (options.insecure_no_auth, hosts);
    let site = web::Site::new(plane.clone(), Arc::clone(&options.installation), Arc::clone(&auth), by);
    Router::new()
        .nest_service(
            "/mcp",
            ServiceBuilder::new()
                .layer(from_fn_with_state(auth, auth::bearer))
                .layer(from_fn_with_state(Arc::clone(&open), stream::bounded))
                .layer(from_fn(body::readable))
                .service(service),
        )
        .route("/livez", get(health::live).with_state(Arc::clone(health)))
        .route("/readyz", get(health::ready).with_state(Arc::clone(health)))
        .route("/metrics", get(metrics::metrics).with_state(told))
        .route("/hooks/github", post(hook::github).with_state(door::Door::new(plane.clone(), hook::AT_ONCE)))
        .route("/decisions/{id}", web::decision::routes(plane.clone()))
        .merge(web::routes(&Arc::new(site), open, streams.clone()))
        .route("/version", get(move || async move { axum::Json(version) }))
        .fallback(web::nowhere)
}

/// The host names that a request may name: loopback's, the public one, and those configured. A page of another name
/// that points here (DNS rebinding) is turned away.
fn hosts(plane: &Plane, options: &Options) -> Vec<String> {
    let public = plane.settings().public_url.as_deref().and_then(|url| url.parse::<http::Uri>().ok());
    let public = public.and_then(|uri| uri.host().map(str::to_owned));
    let loopback = ["localhost", "127.0.0.1", "[::1]", "::1"].map(str::to_owned);
    let all = loopback.into_iter().chain(public).chain(options.allowed_hosts.iter().cloned());
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// `/version`
fn version(plane: &Plane) -> Value {
    let prefix = &plane.settings().tool_prefix;
    let engine = engine_name(plane);
    json!({
        "name": "gapwright",
        "version": env!("CARGO_PKG_VERSION"),
        "catalogue_hash": mcp::catalogue_hash(prefix),
        "tools": mcp::tool_names(prefix).len(),
        "protocols": ["2026-07-28", "2025-11-25"],
        "engine": engine,
        "replica": plane.replica(),
    })
}

/// What a plane stands on.
fn engine_name(plane: &Plane) -> &'static str {
    match plane.store().engine() {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgres",
    }
}

/// A no as it travels: a fault of the store is told without its inner words, which may name hosts and files.
fn refusal(no: No) -> Refusal {
    let fault = match no {
        No::Refusal(refusal) => return refusal,
        No::Fault(fault) => fault,
    };
    tracing::error!(%fault, "the store failed a call");
    let (message, hint) = match fault {
        Fault::Conflict | Fault::Busy(_) => ("the store is busy", "repeat the call with the same idempotency_key"),
        Fault::Unknown(_) => (
            "the store did not answer in time, so whether this happened is not known",
            "repeat the call with the same idempotency_key: it will not happen twice",
        ),
        Fault::Gone(_) => ("the store cannot be reached", "repeat the call later, with the same idempotency_key"),
        Fault::Damaged(_) => ("the store is damaged", "tell the operator to restore it from a backup"),
        Fault::Full(_) => ("the store is full", "tell the operator to make room, then repeat the call"),
        Fault::ReadOnly(_) => ("the store cannot be written", "tell the operator, then repeat the call"),
        Fault::NewerSchema(_) | Fault::Schema(_) | Fault::OldLibrary(_) | Fault::Address => {
            ("the store does not fit this program", "tell the operator to run gapwright doctor")
        }
        Fault::Corrupt { .. } => {
            ("the store has a row that makes no sense", "tell the operator to run gapwright doctor")
        }
        Fault::Taken(_) | Fault::Other(_) => {
            ("the store failed", "tell the operator to look into the log, then repeat the call")
        }
    };
    Refusal::new(Code::Unavailable, message).hint(hint).retry_after(Span::secs(1))
}

/// The status of HTTP by which a refusal is told where nothing but HTTP is spoken.
const fn status(code: Code) -> StatusCode {
    match code {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::WrongState => StatusCode::CONFLICT,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::InvalidArgument
        | Code::UnknownArgument
        | Code::AlreadyExists
        | Code::Held
        | Code::StaleClaim
        | Code::WrongJob
        | Code::StaleHead
        | Code::SameInstance
        | Code::NoCitedLine
        | Code::OverBudget
        | Code::UnfitChange
        | Code::SwitchedOff
        | Code::IdempotencyMismatch
        | Code::ChannelNotAllowed
        | Code::TooManyCalls => StatusCode::BAD_REQUEST,
    }
}
