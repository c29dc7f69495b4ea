//! `mcp`: one client over standard input and output. Nothing but MCP is written to standard output.

use std::time::Duration;

use domain::agent::{Principal, Role};
use plane::Plane;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, variable};
use crate::failure::{Exit, Failure};
use crate::session::{self, Missing, Session};

/// The environment of this command.
pub(crate) const AFTER_HELP: &str = "\
Who the client is: the caller of the token in GAPWRIGHT_TOKEN, and without one a local
caller with the role routine. The log goes to standard error.";

/// The variable with the caller's token.
const TOKEN: &str = "GAPWRIGHT_TOKEN";

/// How often messages are delivered and the journal sealed, so that neither waits for a server that may not run.
const TEND_EVERY: Duration = Duration::from_secs(1);

/// How long what the client left may take at the end.
const END_MAX: Duration = Duration::from_secs(5);

/// Serves until the client hangs up or a signal comes.
pub(crate) async fn run(config: &Config) -> Result<Exit, Failure> {
    session::hide();
    let prefix = &config.sections.mcp.tool_prefix;
    let faults = server::mcp::catalogue_faults(prefix);
    if !faults.is_empty() {
        return Err(server::Error::Catalogue(faults.join("; ")).into());
    }
    let Session { plane, .. } = Session::open_with_secrets(config, "mcp", Missing::Make).await?;
    let by = match variable(TOKEN) {
        Some(token) => plane.authenticate(token.trim()).await?,
        None => Principal::local("local", Role::Routine),
    };
    let stop = CancellationToken::new();
    let listen = |kind| signal(kind).map_err(|error| Failure::new("cannot listen for signals").why(error.to_string()));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let tending = tokio::spawn(tend(plane.clone(), stop.clone()));
    let ended = tokio::select! {
        served = server::mcp::serve_stdio(plane.clone(), by, stop.clone()) => served.map(|()| Exit::Ok),
        _ = interrupt.recv() => Ok(Exit::Interrupted),
        _ = terminate.recv() => Ok(Exit::Ok),
    };
    stop.cancel();
    end(&plane, tending).await;
    Ok(ended?)
}

/// Delivers and seals, again and again, and once more when it is to stop, for the client's last call. A pass is never
/// cut off: what it took would wait a minute for somebody else. What fails is tried again a second later.
async fn tend(plane: Plane, stop: CancellationToken) {
    let mut clock = tokio::time::interval(TEND_EVERY);
    while stop.run_until_cancelled(clock.tick()).await.is_some() {
        pass(&plane).await;
    }
    pass(&plane).await;
}

async fn pass(plane: &Plane) {
    if let Err(error) = plane.deliver().await {
        tracing::warn!(%error, "messages wait to be delivered");
    }
    if let Err(error) = plane.seal_journal().await {
        tracing::warn!(%error, "entries of the journal wait to be sealed");
    }
}

/// Waits for what is still tended, within its bound.
async fn end(plane: &Plane, tending: JoinHandle<()>) {
    let ending = async {
        if let Err(error) = tending.await {
            tracing::warn!(%error, "what was left is done by the next server");
        }
        plane.store().close().await;
    };
    if tokio::time::timeout(END_MAX, ending).await.is_err() {
        tracing::warn!("what was left is done by the next server");
    }
}
