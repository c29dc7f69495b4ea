//! A process within the process: what runs in it dies at once, in the middle of whatever it did, when it is killed.
//!
//! Its tasks, timers and sockets are its own, so that killing it closes connections as the end of a real process does.
//! Not covered: the loss of a machine's power.

use std::future::Future;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// A runtime of its own.
#[derive(Debug)]
pub struct Process(Option<Runtime>);

impl Process {
    /// Starts one with two threads.
    pub fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        Self(Some(runtime.expect("threads for a process")))
    }

    /// Runs something in it and gives what comes of it; panics when that panics.
    pub async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        self.runtime().spawn(work).await.expect("the work ends well")
    }

    /// Begins something in it and does not wait for it.
    pub fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime().spawn(work);
    }

    /// Ends it, without a word to anything that runs in it.
    pub fn kill(mut self) {
        self.end();
    }

    fn runtime(&self) -> &Runtime {
        self.0.as_ref().expect("it runs until it is killed")
    }

    fn end(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// A port of this machine at which something listens in a process of its own, dies, and comes back.
#[derive(Debug)]
pub(crate) struct Port {
    /// Where.
    pub(crate) addr: SocketAddr,
    process: Option<Process>,
}

impl Port {
    /// A free one, at which nobody listens yet.
    pub(crate) fn free() -> Self {
        Self { addr: SocketAddr::from(([127, 0, 0, 1], 0)), process: None }
    }

    /// Whoever listens dies: the port refuses, and whoever was connected is not any more.
    pub(crate) fn down(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Listens there, in a new process; `begin` begins the work in it.
    pub(crate) async fn up(&mut self, begin: impl FnOnce(&Process, SocketAddr, TcpListener)) {
        let addr = self.addr;
        let process = Process::start();
        let listener = process.run(async move { TcpListener::bind(addr).await.expect("a port") }).await;
        self.addr = listener.local_addr().expect("an address");
        begin(&process, self.addr, listener);
        self.process = Some(process);
    }
}
