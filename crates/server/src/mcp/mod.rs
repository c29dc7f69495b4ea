//! The MCP surface.

use domain::agent::Principal;
use plane::Plane;
use tokio_util::sync::CancellationToken;

use crate::Error;

/// The hash of the catalogue as registered under a prefix.
pub fn catalogue_hash(prefix: &str) -> String {
    prefix.to_owned()
}

/// What is wrong with the words of the catalogue; empty when nothing is.
pub fn catalogue_faults(prefix: &str) -> Vec<String> {
    let _ = prefix;
    Vec::new()
}

/// The names of the tools under a prefix, sorted.
pub fn tool_names(prefix: &str) -> Vec<String> {
    let _ = prefix;
    Vec::new()
}

/// Serves one client over standard input and output, as this principal.
pub async fn serve_stdio(plane: Plane, by: Principal, stop: CancellationToken) -> Result<(), Error> {
    let _ = (plane, by);
    stop.cancelled().await;
    Ok(())
}
