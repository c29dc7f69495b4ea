//! A wire between a server and its database, to be cut and mended: what a network does.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How the wire is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Everything passes.
    Whole,
    /// Connections are reset, and new ones at once.
    Cut,
    /// Nothing passes and nobody is told: connections stay open and silent.
    Silent,
}

/// A wire to an address on this machine.
#[derive(Debug, Clone)]
pub struct Wire {
    /// Where it begins.
    pub addr: SocketAddr,
    /// The state of the connections since each time that the wire forgot, the latest last.
    states: Arc<Mutex<Vec<watch::Sender<State>>>>,
}

impl Wire {
    /// A whole wire to `to`.
    pub async fn to(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let wire = Self { addr, states: Arc::new(Mutex::new(vec![watch::Sender::new(State::Whole)])) };
        let carrier = wire.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let state = carrier.latest(watch::Sender::subscribe);
                tokio::spawn(carry(near, to, state));
            }
        });
        wire
    }

    fn latest<T>(&self, with: impl FnOnce(&watch::Sender<State>) -> T) -> T {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        with(states.last().expect("one at least"))
    }

    /// Resets every connection, and every new one.
    pub fn cut(&self) {
        self.latest(|state| state.send_replace(State::Cut));
    }

    /// Lets nothing through and tells nobody.
    pub fn silence(&self) {
        self.latest(|state| state.send_replace(State::Silent));
    }

    /// Keeps every connection open and silent for ever, and carries new ones: what a gateway does that forgot them.
    pub fn forget(&self) {
        self.silence();
        self.states.lock().unwrap_or_else(PoisonError::into_inner).push(watch::Sender::new(State::Whole));
    }

    /// Lets everything through again; connections that were cut stay so.
    pub fn mend(&self) {
        self.latest(|state| state.send_replace(State::Whole));
    }
}

/// Carries both ways for as long as the wire is whole. Bytes that wait in a silent wire are carried once it is mended.
async fn carry(mut near: TcpStream, to: SocketAddr, mut state: watch::Receiver<State>) {
    if state.wait_for(|state| *state != State::Silent).await.is_ok_and(|state| *state == State::Cut) {
        return;
    }
    let Ok(mut far) = TcpStream::connect(to).await else { return };
    loop {
        let (mut near_half, mut far_half) = (&mut near, &mut far);
        let carried = tokio::io::copy_bidirectional(&mut near_half, &mut far_half);
        tokio::select! {
            _ = carried => return,
            _ = state.wait_for(|state| *state != State::Whole) => {}
        }
        match state.wait_for(|state| *state != State::Silent).await.map(|state| *state) {
            Ok(State::Whole) => {}
            Ok(State::Cut | State::Silent) | Err(_) => return,
        }
    }
}
