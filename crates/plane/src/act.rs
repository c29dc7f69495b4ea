//! The one loop: begin, load, decide, guard, remember, commit, or decide anew.
//!
//! On SQLite, commands that arrive together share one transaction and so one sync, each within a savepoint of its
//! own; on Postgres each has its own. Either way a command gets its own answer, and only after it is on disk.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use domain::agent::Principal;
use domain::refusal::Refusal;
use futures::FutureExt;
use futures::future::BoxFuture;
use store::seeded::{bug, command_came, next_command};
use store::{Engine, Fault, Store, Tx};
use tokio::sync::{mpsc, oneshot};

/// How often a command is decided anew when somebody else wrote first.
const TRIES_MAX: usize = 5;

/// How long a command may take, its waiting included.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// How many commands share one SQLite transaction: beyond this, the sync is no longer what costs.
const GROUP_MAX: usize = 64;

/// How many commands may wait for SQLite's writer before callers wait in line themselves.
const QUEUE_MAX: usize = 1_024;

/// Who calls, with what, and how it can be repeated safely.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who.
    pub by: Principal,
    /// By which tool or command, for the audit.
    pub tool: &'static str,
    /// The request's id, for the logs.
    pub request_id: String,
    /// How a repetition is known.
    pub idempotency: Option<Idempotency>,
}

/// A key under which the first answer is kept.
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// The caller's key.
    pub key: String,
    /// A digest of tool and arguments: the same key for something else is a mistake.
    pub request: String,
}

/// No answer: either a refusal, or the world failed.
#[derive(Debug, thiserror::Error)]
pub enum No {
    /// The request was understood and refused.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Runs commands against a store.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    store: Store,
    /// The line to SQLite's writer; Postgres has none.
    writer: Option<mpsc::Sender<Queued>>,
}

type Command = Box<dyn for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<(), ()>> + Send>;

struct Queued {
    run: Command,
    done: oneshot::Sender<Result<(), Fault>>,
}

impl Act {
    /// Starts the writer, on engines that have one.
    pub(crate) fn new(store: Store) -> Self {
        let writer = match store.engine() {
            Engine::Sqlite => {
                let (sender, receiver) = mpsc::channel(QUEUE_MAX);
                tokio::spawn(write_in_groups(store.clone(), receiver));
                Some(sender)
            }
            Engine::Postgres => None,
        };
        Self { store, writer }
    }

    /// Runs one command until it is on disk, refused, or hopeless. `decide` may run several times; only its last run
    /// leaves anything.
    pub(crate) async fn act<T, F>(&self, decide: F) -> Result<T, No>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, No>> + Send + Sync + 'static,
    {
        let decide = Arc::new(decide);
        let tries = async {
            let mut left = TRIES_MAX;
            loop {
                left -= 1;
                match self.once(Arc::clone(&decide)).await {
                    Err(No::Fault(fault)) if fault.is_passing() && left > 0 => {
                        tracing::debug!(%fault, left, "deciding anew");
                    }
                    answer => return answer,
                }
            }
        };
        match tokio::time::timeout(WAIT_MAX, tries).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::Unknown(WAIT_MAX.as_secs()).into()),
        }
    }

    async fn once<T, F>(&self, decide: Arc<F>) -> Result<T, No>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, No>> + Send + Sync + 'static,
    {
        if bug("answer-before-commit") {
            command_came();
        }
        if let Some(writer) = &self.writer {
            return in_group(writer, decide).await;
        }
        let mut tx = self.store.begin().await?;
        let answer = decide(&mut tx).await?;
        if bug("answer-before-commit") {
            tokio::spawn(next_command().then(|()| tx.commit()));
        } else {
            tx.commit().await?;
        }
        Ok(answer)
    }
}

/// Hands a command to the writer and waits until its group is on disk.
async fn in_group<T, F>(writer: &mpsc::Sender<Queued>, decide: Arc<F>) -> Result<T, No>
where
    T: Send + 'static,
    F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, No>> + Send + Sync + 'static,
{
    let (answer, mut answered) = oneshot::channel();
    let (done, is_done) = oneshot::channel();
    let run: Command = Box::new(move |tx| {
        async move {
            let decided = decide(tx).await;
            let keep = decided.as_ref().map(drop).map_err(drop);
            // A caller that hung up does not want the answer; its command stands all the same.
            drop(answer.send(decided));
            keep
        }
        .boxed()
    });
    let gone = || Fault::Gone("the writer has stopped".to_owned());
    writer.send(Queued { run, done }).await.map_err(|_| gone())?;
    let done = is_done.await.map_err(|_| gone())?;
    match (answered.try_recv(), done) {
        // Its own no is the reason, whatever became of the group by it.
        (Ok(Err(no)), _) => Err(no),
        (Ok(Ok(answer)), Ok(())) => Ok(answer),
        (_, Err(fault)) => Err(fault.into()),
        (Err(_), Ok(())) => Err(gone().into()),
    }
}

/// SQLite's writer: takes whatever waits, in order, and syncs once for all of it.
async fn write_in_groups(store: Store, mut line: mpsc::Receiver<Queued>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while line.recv_many(&mut group, GROUP_MAX).await > 0 {
        // Whoever hung up while waiting is not served.
        let wanted = group.drain(..).filter(|queued| !queued.done.is_closed()).collect::<Vec<_>>();
        if !wanted.is_empty() {
            write_group(&store, wanted).await;
        }
    }
}

async fn write_group(store: &Store, mut group: Vec<Queued>) {
    let begun = store.begin().await;
    // To begin may take as long as a caller waits: who was told meanwhile that there is no answer is not served.
    group.retain(|queued| !queued.done.is_closed());
    let (commands, mut waiting): (Vec<_>, Vec<_>) = group.into_iter().map(|queued| (queued.run, queued.done)).unzip();
    let written = match run_group(begun, commands).await {
        Ok(tx) => {
            if bug("answer-before-commit") {
                let next = next_command();
                answer(&mut waiting, &Ok(()));
                next.await;
            }
            tx.commit().await
        }
        Err(fault) => Err(fault),
    };
    answer(&mut waiting, &written);
}

async fn run_group(begun: Result<Tx, Fault>, commands: Vec<Command>) -> Result<Tx, Fault> {
    let mut tx = begun?;
    for run in commands {
        tx.mark().await?;
        // A command that panics takes back its own writes, not its neighbours', and not the writer.
        match AssertUnwindSafe(run(&mut tx)).catch_unwind().await {
            Ok(Ok(())) => tx.keep().await?,
            // Where that fails, the engine has rolled back all of it, as SQLite does when its disk is full: the
            // neighbours decide anew.
            Ok(Err(())) | Err(_) => tx.take_back().await.map_err(|_| Fault::Conflict)?,
        }
    }
    Ok(tx)
}

fn answer(waiting: &mut Vec<oneshot::Sender<Result<(), Fault>>>, written: &Result<(), Fault>) {
    for done in waiting.drain(..) {
        drop(done.send(written.clone()));
    }
}
