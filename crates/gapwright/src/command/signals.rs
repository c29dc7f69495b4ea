//! The signals by which a command that goes on is asked to end.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// The first signal asks for an end in order, the second for an end now.
pub(super) fn watch() -> Result<(CancellationToken, CancellationToken), Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::new("cannot listen for signals").why(error.to_string()));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    // What is sent when the terminal is closed.
    let mut hangup = listen(SignalKind::hangup())?;
    let (stop, now) = (CancellationToken::new(), CancellationToken::new());
    let tokens = (stop.clone(), now.clone());
    tokio::spawn(async move {
        for token in [stop, now] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            token.cancel();
        }
    });
    Ok(tokens)
}
