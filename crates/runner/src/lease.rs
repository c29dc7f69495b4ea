//! A claim while it is worked on: renewed at a third of its time, and what is used told, or asked about, now and then. Whoever works hears when
//! it is over: handed in by the agent itself, lost, or we are to stop.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use domain::pull::Stage;
use tokio::sync::watch;
use tokio::time::{Instant, interval_at, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::ask::{Left, Said, Stands};
use crate::client::{Client, Trouble};
use crate::meter::Usage;
use crate::tell;

/// How often is asked whether anything is left for an agent that says by itself what it spends, at least.
const ASK_EVERY: Duration = Duration::from_secs(20);
/// How often what is used is told at most.
const REPORT_EVERY: Duration = Duration::from_secs(20);
/// How long an agent that has handed in may take to end by itself: its last line tells what it used.
const LAST_WORDS: Duration = Duration::from_secs(30);
/// The longest pause before a renewal is tried again that was not answered.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How often is asked how a claim ended, where nobody answers.
const ASKED_MAX: u32 = 5;

/// Why a claim is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The agent handed in.
    HandedIn,
    /// The agent put the job off, such as to wait for an answer of a person's.
    PutOff,
    /// The agent said that it failed.
    Failed,
    /// Its budget is spent, by what the agent itself said or in time.
    Spent,
    /// The server does not let it go on: the turn is over, or people hold it.
    Barred,
    /// It ran out, or somebody else has it.
    Lost,
    /// It ended, and nobody can say how.
    Unknown,
    /// The runner is to stop.
    Stopped,
}

/// A claim that we hold.
#[derive(Debug)]
pub(crate) struct Lease {
    client: Client,
    /// Its id.
    pub(crate) claim: String,
    stage: Stage,
    job: String,
    ttl: Duration,
    /// Whether we meter what is spent on it.
    metered: bool,
    /// Until when it holds, by what was last heard.
    until: Mutex<Instant>,
    over: CancellationToken,
    cause: OnceLock<Cause>,
    usage: watch::Sender<Option<Usage>>,
    /// Whether an agent's process was started.
    ran: AtomicBool,
}

impl Lease {
    /// A claim that was made just now, and whether we meter what is spent on it.
    pub(crate) fn new(
        client: Client,
        claim: String,
        (stage, job): (Stage, &str),
        (ttl, metered): (Duration, bool),
    ) -> Self {
        Self {
            client,
            claim,
            stage,
            job: job.to_owned(),
            ttl,
            metered,
            until: Mutex::new(Instant::now() + ttl),
            over: CancellationToken::new(),
            cause: OnceLock::new(),
            usage: watch::Sender::new(None),
            ran: AtomicBool::new(false),
        }
    }

    /// Told when it is over.
    pub(crate) fn over(&self) -> CancellationToken {
        self.over.clone()
    }

    /// Why it is over, if it is.
    pub(crate) fn cause(&self) -> Option<Cause> {
        self.cause.get().copied()
    }

    /// Takes in what is used so far.
    pub(crate) fn used(&self, usage: Usage) {
        self.usage.send_replace(Some(usage));
    }

    /// An agent was started: from here on it may have used something.
    pub(crate) fn runs(&self) {
        self.ran.store(true, Ordering::Relaxed);
    }

    /// What was used, as far as it is known.
    pub(crate) fn usage(&self) -> Option<Usage> {
        *self.usage.borrow()
    }

    /// Keeps it as long as it is worked on.
    pub(crate) async fn keep(&self, stop: &CancellationToken) -> Infallible {
        let stopping = async {
            stop.cancelled().await;
            self.end(Cause::Stopped);
        };
        tokio::join!(self.renewing(), self.reporting(), self.asking(), stopping);
        std::future::pending().await
    }

    /// Whether it is still ours, asked now. Where nobody answers it is as long as its time lasts.
    pub(crate) async fn holds(&self) -> bool {
        if self.cause().is_none()
            && let Err(cause) = self.renew().await
        {
            self.end(cause);
        }
        self.cause().is_none()
    }

    /// Tells what was used in the end. What cannot be told is booked by what was set aside.
    pub(crate) async fn settle(&self, usage: &Usage, left: Left) {
        let Some(spent) = tell::in_the_end(usage, left) else { return };
        self.spent(spent).await;
    }

    /// Tells that nothing was used, where no agent was started.
    pub(crate) async fn settle_unused(&self) {
        if !self.ran.load(Ordering::Relaxed) {
            self.spent((0, Some(0))).await;
        }
    }

    /// Tells what was used in all.
    pub(crate) async fn spent(&self, spent: (i64, Option<i64>)) {
        if let Err(error) = self.client.report_end(&self.claim, spent).await {
            tracing::debug!(%error, "what was used is not told");
        }
    }

    /// Says that it is over, if nobody has.
    pub(crate) fn end(&self, cause: Cause) {
        // The first word counts.
        let _ = self.cause.set(cause);
        self.over.cancel();
    }

    async fn renewing(&self) {
        let every = self.ttl / 3;
        let mut clock = interval_at(Instant::now() + every, every);
        loop {
            clock.tick().await;
            match self.renew().await {
                Ok(()) => {}
                Err(cause @ (Cause::HandedIn | Cause::PutOff | Cause::Failed | Cause::Unknown)) => {
                    let _ = self.cause.set(cause);
                    sleep(LAST_WORDS).await;
                    return self.end(cause);
                }
                Err(cause @ (Cause::Spent | Cause::Barred | Cause::Lost | Cause::Stopped)) => return self.end(cause),
            }
        }
    }

    /// Renews it, and tries again until somebody answers or its time is over.
    async fn renew(&self) -> Result<(), Cause> {
        let pause = PAUSE_MAX.min(self.ttl / 10);
        loop {
            let (asked, until) = (Instant::now(), self.until());
            match timeout_at(until, self.client.renew(&self.claim, self.ttl, &self.progress())).await {
                Ok(Ok(Said { ok: true, .. })) => {
                    *self.until.lock().unwrap_or_else(PoisonError::into_inner) = asked + self.ttl;
                    return Ok(());
                }
                Ok(Ok(said)) => return Err(self.why(&said, Instant::now() < until).await),
                Ok(Err(Trouble::Stranger)) | Err(_) => return Err(Cause::Lost),
                Ok(Err(Trouble::Refused { code, .. })) if code == "over_budget" => return Err(Cause::Spent),
                Ok(Err(Trouble::Refused { code, .. })) if matches!(code.as_str(), "stale_head" | "wrong_state") => {
                    return Err(Cause::Barred);
                }
                Ok(Err(Trouble::Refused { .. } | Trouble::Lost(_) | Trouble::Foreign(_))) => {
                    if timeout_at(until, sleep(pause)).await.is_err() {
                        return Err(Cause::Lost);
                    }
                }
            }
        }
    }

    /// Ends it when its agent, which nobody meters, has told the server that its budget is spent.
    async fn asking(&self) {
        if self.metered {
            return;
        }
        let every = ASK_EVERY.min(self.ttl / 30);
        let mut clock = interval_at(Instant::now() + every, every);
        loop {
            clock.tick().await;
            if let Err(Trouble::Refused { code, .. }) = self.client.size(&self.claim).await
                && code == "over_budget"
            {
                return self.end(Cause::Spent);
            }
        }
    }

    async fn reporting(&self) {
        let mut heard = self.usage.subscribe();
        while heard.changed().await.is_ok() {
            let told = heard.borrow_and_update().as_ref().and_then(tell::so_far);
            if let Some(spent) = told
                && let Err(error) = self.client.report(&self.claim, spent).await
            {
                tracing::debug!(%error, "what is used is not told");
            }
            sleep(REPORT_EVERY).await;
        }
    }

    /// What it means that the claim is no longer the current one. What ends it before its time is a hand-in, unless this
    /// machine slept through the rest of it: then the job tells.
    async fn why(&self, said: &Said, in_time: bool) -> Cause {
        if said.reason.as_deref() != Some("stale_claim") || !in_time {
            return Cause::Lost;
        }
        for _ in 0..ASKED_MAX {
            return match self.client.stands(self.stage, &self.job).await {
                Ok(Some(Stands::Done)) => Cause::HandedIn,
                Ok(Some(Stands::PutOff)) => Cause::PutOff,
                Ok(Some(Stands::Failed)) => Cause::Failed,
                Ok(Some(Stands::Lost)) => Cause::Lost,
                Err(Trouble::Lost(_)) => {
                    sleep(PAUSE_MAX.min(self.ttl / 10)).await;
                    continue;
                }
                Ok(None) | Err(Trouble::Refused { .. } | Trouble::Stranger | Trouble::Foreign(_)) => Cause::Unknown,
            };
        }
        Cause::Unknown
    }

    fn until(&self) -> Instant {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn progress(&self) -> String {
        match self.usage().as_ref().and_then(tell::so_far) {
            Some((tokens, _)) => format!("at work, {tokens} tokens so far"),
            None => "at work".to_owned(),
        }
    }
}
