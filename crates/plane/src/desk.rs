//! Where one command works: its transaction, its moment, its caller, and what it leaves behind.

use std::sync::{Arc, Mutex};

use domain::effect::Notify;
use domain::id;
use domain::journal::{Act, Entry};
use domain::refusal::{Code, Refusal};
use domain::time::Time;
use futures::future::BoxFuture;
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Tx, idempotency, journal, outbox};

use crate::act::{Call, No};
use crate::settings::Rules;

/// Chance, for ids; seeded in tests.
#[derive(Debug, Clone)]
pub(crate) struct Chance(Arc<Mutex<StdRng>>);

impl Chance {
    pub(crate) fn new(rng: StdRng) -> Self {
        Self(Arc::new(Mutex::new(rng)))
    }

    /// 128 random bits.
    pub(crate) fn draw(&self) -> u128 {
        let mut rng = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        rng.random()
    }
}

/// A command at work.
pub(crate) struct Desk<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) now: Time,
    pub(crate) call: Call,
    pub(crate) chance: Chance,
    pub(crate) rules: Arc<Rules>,
}

impl Desk<'_> {
    /// A fresh id.
    pub(crate) fn mint(&self) -> String {
        id::mint(self.now, self.chance.draw())
    }

    /// Leaves the audit row that every write leaves.
    pub(crate) async fn record(
        &mut self,
        object: String,
        before: &impl Serialize,
        after: &impl Serialize,
    ) -> Result<(), No> {
        let act = Act { tool: self.call.tool, object, before: shown(before), after: shown(after) };
        let entry = Entry::new(self.mint(), act, &self.call.by, &self.call.request_id, self.now);
        Ok(journal::append(self.tx, &entry).await?)
    }

    /// Leaves a message to be delivered, in the transaction of the state that implies it.
    pub(crate) async fn tell(&mut self, effect: &Notify) -> Result<String, No> {
        let id = self.mint();
        outbox::add(self.tx, &id, effect).await?;
        Ok(id)
    }

    /// Runs the command under its idempotency key, if it has one: the first answer is kept with what it wrote.
    pub(crate) async fn once<T, F>(&mut self, decide: &F) -> Result<T, No>
    where
        T: Serialize + DeserializeOwned + Send,
        F: for<'a, 'u> Fn(&'a mut Desk<'u>) -> BoxFuture<'a, Result<T, No>> + Send + Sync,
    {
        let Some(key) = self.call.idempotency.clone() else { return decide(self).await };
        let principal = self.call.by.name.clone();
        if let Some(first) = idempotency::reserve(self.tx, &principal, &key.key, &key.request).await? {
            return replay(&first, &key.request);
        }
        let answer = decide(self).await?;
        // As JSON whatever it is: an answer that is nothing must read back as nothing.
        let kept = serde_json::to_string(&answer).map_err(|error| store::Fault::Other(error.to_string()))?;
        idempotency::answer(self.tx, &principal, &key.key, &kept).await?;
        Ok(answer)
    }

    /// What was answered first under the idempotency key, for a command that asks the world before it decides: what it would
    /// find there now is not what it found then. Nothing is answered yet where it gives none, and its transaction is to be
    /// taken back.
    pub(crate) async fn first<T: DeserializeOwned>(&mut self) -> Result<Option<T>, No> {
        let Some(key) = self.call.idempotency.clone() else { return Ok(None) };
        let principal = self.call.by.name.clone();
        let first = idempotency::reserve(self.tx, &principal, &key.key, &key.request).await?;
        first.map(|first| replay(&first, &key.request)).transpose()
    }
}

/// The first answer to a key, unless the key was used for something else.
fn replay<T: DeserializeOwned>(first: &idempotency::First, request: &str) -> Result<T, No> {
    if first.request != request {
        return Err(Refusal::new(Code::IdempotencyMismatch, "idempotency_key was used before with other arguments")
            .field("idempotency_key")
            .hint("use a fresh key for a new request, and the same key only to repeat the same one")
            .into());
    }
    serde_json::from_str(&first.answer)
        .map_err(|_| store::Fault::Corrupt { table: "idempotency", column: "answer", id: first.request.clone() }.into())
}

/// A value as the audit keeps it; nothing is an empty text.
fn shown(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Null) | Err(_) => String::new(),
        Ok(value) => value.to_string(),
    }
}
