//! What is done: each verb loads, decides, guards and remembers, in one transaction.
//!
//! The rules live in `domain`, the rows in `store`; here is the order of work. A file per noun, a function per verb.
//! Effects on the world are written with the state that implies them and delivered by [`deliver`].

mod act;
pub mod agent;
pub mod budget;
pub mod calibrate;
pub mod check_in;
pub mod checks;
pub mod chore;
pub mod decision;
pub mod deliver;
mod desk;
mod digest;
pub mod fire;
pub mod gap;
pub mod gate;
pub mod handler;
pub mod job;
pub mod journal;
pub mod kind;
pub mod level;
pub mod lock;
pub mod mirror;
pub mod notice;
pub mod outcome;
pub mod overview;
pub mod page;
pub mod pull;
pub mod scheduled;
pub mod session;
pub mod settings;
pub mod switch;
pub mod tend;
pub mod webhook;

use std::sync::Arc;

use domain::agent::Right;
use futures::FutureExt;
use futures::future::BoxFuture;
use rand::rngs::StdRng;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Store, Tx};
use tokio::sync::Notify;

pub use act::{Call, Idempotency, No};
pub use settings::Settings;

use act::Act;
use desk::{Chance, Desk};

/// A coordination plane over one store. Cheap to clone; every clone is the same plane.
#[derive(Debug, Clone)]
pub struct Plane {
    store: Store,
    act: Act,
    chance: Chance,
    settings: Arc<Settings>,
    rules: Arc<settings::Rules>,
    wake: Arc<Wake>,
    reports: Arc<chore::Reports>,
    replica: Arc<str>,
}

/// Bells rung after a commit, so that whoever acts on it need not wait for its own time. Hints only.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    /// There is something to deliver.
    pub(crate) outbox: Notify,
    /// There is something to seal.
    pub(crate) journal: Notify,
    /// A scheduled job's time was moved.
    pub(crate) schedule: Notify,
    /// An issue is to be looked at.
    pub(crate) mirror: Notify,
    /// A pull request is to be looked at.
    pub(crate) pulls: Notify,
    /// A pull request ended, or is to be taken back.
    pub(crate) outcomes: Notify,
}

impl Plane {
    /// A plane over an open, migrated store. `rng` is where ids come from.
    pub fn new(store: Store, settings: Settings, mut rng: StdRng) -> Self {
        use rand::RngExt as _;
        let replica = format!("{:016x}", rng.random::<u64>());
        let repo = settings.home.as_ref().map(|home| home.repo.clone()).or_else(|| settings.rules.repo.clone());
        Self {
            act: Act::new(store.clone()),
            store,
            chance: Chance::new(rng),
            rules: Arc::new(settings::Rules {
                repo,
                channel: settings.default_channel.clone(),
                public_url: settings.public_url.clone(),
                keeps_secrets: settings.channel(None).is_some_and(|channel| channel.kind() != "log"),
                ..settings.rules.clone()
            }),
            settings: Arc::new(settings),
            wake: Arc::default(),
            reports: Arc::default(),
            replica: replica.into(),
        }
    }

    /// The store, to look at.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The settings it runs with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The name of this process among the replicas.
    pub fn replica(&self) -> &str {
        &self.replica
    }

    /// When each chore last finished.
    pub fn reports(&self) -> &chore::Reports {
        &self.reports
    }

    /// 128 random bits, for request ids and tokens.
    pub fn draw(&self) -> u128 {
        self.chance.draw()
    }

    /// Runs one write: entitlement first, then the command, once per idempotency key, until it is on disk.
    async fn write<T, F>(&self, call: &Call, right: Right, decide: F) -> Result<T, No>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: for<'a, 't> Fn(&'a mut Desk<'t>) -> BoxFuture<'a, Result<T, No>> + Send + Sync + 'static,
    {
        call.by.require(right, call.tool)?;
        let (call, chance, rules) = (call.clone(), self.chance.clone(), self.rules());
        let decide = Arc::new(decide);
        let answer = self
            .act
            .act(move |tx: &mut Tx| {
                let (call, chance, decide) = (call.clone(), chance.clone(), Arc::clone(&decide));
                let rules = Arc::clone(&rules);
                async move {
                    let now = tx.now();
                    Desk { tx, now, call, chance, rules }.once(&*decide).await
                }
                .boxed()
            })
            .await?;
        self.wake.journal.notify_one();
        Ok(answer)
    }

    /// Runs a command of this process's own, or a look that must hold rows still, until it is on disk.
    pub(crate) async fn at_desk<T, F>(&self, call: Call, decide: F) -> Result<T, No>
    where
        T: Send + 'static,
        F: for<'a, 't> Fn(&'a mut Desk<'t>) -> BoxFuture<'a, Result<T, No>> + Send + Sync + 'static,
    {
        let (chance, rules, decide) = (self.chance.clone(), self.rules(), Arc::new(decide));
        let done = self.act.act(move |tx| {
            let (call, chance, decide) = (call.clone(), chance.clone(), Arc::clone(&decide));
            let rules = Arc::clone(&rules);
            async move {
                let now = tx.now();
                decide(&mut Desk { tx, now, call, chance, rules }).await
            }
            .boxed()
        });
        let done = done.await?;
        self.wake.journal.notify_one();
        Ok(done)
    }

    /// What holds for gaps, levels and labels.
    fn rules(&self) -> Arc<settings::Rules> {
        Arc::clone(&self.rules)
    }

    /// Begins a read: entitlement first.
    async fn read(&self, call: &Call) -> Result<Tx, No> {
        call.by.require(Right::Read, call.tool)?;
        Ok(self.store.read().await?)
    }
}
