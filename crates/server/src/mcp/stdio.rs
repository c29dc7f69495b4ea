//! One client over standard input and output, a message a line.
//!
//! The protocol library drops a line that it cannot read, and its sender would wait for ever. Here each line is looked
//! at first, as each body is over HTTP: what cannot be read is answered, the rest goes on to the library.

use std::io;
use std::sync::Arc;

use domain::agent::Principal;
use domain::time::Span;
use plane::Plane;
use rmcp::ServiceExt as _;
use rmcp::service::ServerInitializeError;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
    DuplexStream,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Surface;
use crate::Error;
use crate::body::{self, BYTES_MAX, Unreadable};
use crate::gate::Gate;
use crate::metrics::Metrics;

/// How many bytes wait between the lines and the library, either way.
const BUFFER: usize = 64 * 1024;

/// Serves one client over standard input and output, as this principal.
pub async fn serve_stdio(plane: Plane, by: Principal, stop: CancellationToken) -> Result<(), Error> {
    let metrics = Arc::new(Metrics::new(&plane.settings().tool_prefix));
    let gate = Arc::new(Gate::new(usize::MAX >> 4, Span::ZERO));
    let surface = Surface::new(plane, metrics, gate, Some(by));
    let (good, requests) = tokio::io::duplex(BUFFER);
    let (answers, said) = tokio::io::duplex(BUFFER);
    let (complain, complaints) = mpsc::channel(1);
    let sifting = tokio::spawn(sift(tokio::io::stdin(), good, complain));
    let speaking = tokio::spawn(speak(said, complaints, tokio::io::stdout()));
    let served = serve(surface, requests, answers, stop).await;
    sifting.abort();
    // What was answered is written to its end, unless nobody reads it any more.
    drop(speaking.await);
    served
}

async fn serve(
    surface: Surface,
    requests: DuplexStream,
    answers: DuplexStream,
    stop: CancellationToken,
) -> Result<(), Error> {
    let running = match surface.serve((requests, answers)).await {
        Ok(running) => running,
        // A client that leaves before it says a word has not failed.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(Error::Io(io::Error::other(error.to_string()))),
    };
    let client = running.cancellation_token();
    tokio::select! {
        ended = running.waiting() => ended.map(drop).map_err(|error| Error::Io(io::Error::other(error.to_string()))),
        () = stop.cancelled() => { client.cancel(); Ok(()) }
    }
}

/// Passes on every line that is one JSON object, and complains of the others.
async fn sift(
    input: impl AsyncRead + Unpin,
    mut good: DuplexStream,
    complain: mpsc::Sender<Unreadable>,
) -> io::Result<()> {
    let mut input = BufReader::new(input);
    loop {
        let line = match next_line(&mut input).await? {
            Some(Ok(line)) if line.trim_ascii().is_empty() => continue,
            Some(line) => line.and_then(|line| body::check(&line).map(|()| line)),
            None => return Ok(()),
        };
        match line {
            Ok(line) => good.write_all(&[line.trim_ascii(), b"\n"].concat()).await?,
            Err(unreadable) => complain.send(unreadable).await.map_err(io::Error::other)?,
        }
    }
}

/// The next line; one that is too long is skipped to its end.
async fn next_line(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Result<Vec<u8>, Unreadable>>> {
    let most = BYTES_MAX as u64 + 1;
    let mut line = Vec::new();
    let mut read = input.take(most).read_until(b'\n', &mut line).await?;
    if read == 0 {
        return Ok(None);
    }
    if line.len() <= BYTES_MAX || line.ends_with(b"\n") {
        return Ok(Some(Ok(line)));
    }
    while read > 0 && !line.ends_with(b"\n") {
        line.clear();
        read = input.take(most).read_until(b'\n', &mut line).await?;
    }
    Ok(Some(Err(Unreadable::TooLarge)))
}

/// Writes answers and complaints, one whole line after the other, until there are no more of either.
async fn speak(
    said: DuplexStream,
    mut complaints: mpsc::Receiver<Unreadable>,
    mut output: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let mut said = BufReader::new(said).lines();
    loop {
        let line = tokio::select! {
            line = said.next_line() => line?,
            Some(unreadable) = complaints.recv() => Some(unreadable.answer().to_string()),
        };
        let Some(line) = line else { break };
        put(&mut output, &line).await?;
    }
    while let Some(unreadable) = complaints.recv().await {
        put(&mut output, &unreadable.answer().to_string()).await?;
    }
    Ok(())
}

async fn put(output: &mut (impl AsyncWrite + Unpin), line: &str) -> io::Result<()> {
    output.write_all(format!("{line}\n").as_bytes()).await?;
    output.flush().await
}
