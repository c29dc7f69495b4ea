//! Taking, extending, releasing, listing and breaking locks.

use domain::agent::Right;
use domain::lock::{Acquire, Lock, Miss, Shorten};
use domain::refusal::{Code, Refusal};
use domain::time::{Span, Time};
use domain::{fence, id};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::seeded::bug;

use crate::desk::Desk;
use crate::page::{Ask, Page};
use crate::{Call, No, Plane};

/// What came of a wish to lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Acquired {
    /// The caller has it.
    Granted(Lock),
    /// Somebody has it.
    Held {
        /// What stands.
        lock: Lock,
        /// When that was found.
        now: Time,
    },
}

impl Plane {
    /// Takes a lock, unless a live one stands: a live lock refuses everyone, its holder too.
    pub async fn acquire_lock(&self, call: &Call, key: &str, holder: &str, ttl: Span) -> Result<Acquired, No> {
        let key = domain::lock::key(key)?;
        let holder = id::name("holder", holder)?;
        let ttl = fence::bounded(ttl)?;
        self.write(call, Right::Lock, move |desk| acquire(desk, key.clone(), holder.clone(), ttl).boxed()).await
    }

    /// Moves a lock's expiry; an expired lock is not revived.
    pub async fn extend_lock(
        &self,
        call: &Call,
        lock_id: &str,
        ttl: Span,
        shorten: Shorten,
    ) -> Result<Result<Lock, Miss>, No> {
        let lock_id = id::opaque("lock_id", lock_id)?;
        let ttl = fence::bounded(ttl)?;
        self.write(call, Right::Lock, move |desk| extend(desk, lock_id.clone(), ttl, shorten).boxed()).await
    }

    /// Gives a lock back.
    pub async fn release_lock(&self, call: &Call, lock_id: &str) -> Result<Result<Lock, Miss>, No> {
        let lock_id = id::opaque("lock_id", lock_id)?;
        self.write(call, Right::Lock, move |desk| release(desk, lock_id.clone()).boxed()).await
    }

    /// Takes a lock away from its holder, an operator's act. The next holder's token is larger, so what the old one
    /// still writes under its token can be told.
    pub async fn break_lock(&self, call: &Call, key: &str) -> Result<Lock, No> {
        let key = id::name("key", key)?;
        self.write(call, Right::Operate, move |desk| break_open(desk, key.clone(), None).boxed()).await
    }

    /// The same of the lock that the caller saw, by its token: another one of that key, taken since, stays.
    pub async fn break_lock_seen(&self, call: &Call, key: &str, fencing_token: i64) -> Result<Lock, No> {
        let key = id::name("key", key)?;
        self.write(call, Right::Operate, move |desk| break_open(desk, key.clone(), Some(fencing_token)).boxed()).await
    }

    /// Live locks by expiry and key. The prefix is taken letter for letter.
    pub async fn list_locks(&self, call: &Call, prefix: Option<&str>, ask: &Ask) -> Result<Page<Lock>, No> {
        let prefix = prefix.unwrap_or_default();
        if prefix.chars().count() > id::NAME_CHARS_MAX || prefix.chars().any(id::is_unprintable) {
            return Err(Refusal::invalid("prefix", "prefix is not the beginning of any key")
                .hint("give the first letters of a key, at most 200")
                .into());
        }
        let (expiry, key) = ask.place((i64::MIN, ""))?;
        let mut tx = self.read(call).await?;
        let locks = store::lock::list(&mut tx, prefix, (expiry, &key), ask.rows()).await?;
        Ok(ask.page_of_texts(locks, |lock| (lock.expires_at.0, lock.key.clone())))
    }
}

pub(crate) async fn acquire(desk: &mut Desk<'_>, key: String, holder: String, ttl: Span) -> Result<Acquired, No> {
    // The counter first: it keeps others who want a key of the same counter waiting, so that a row that was deleted
    // meanwhile cannot come back with a smaller token.
    let fence = store::fence::load(desk.tx, &key).await?;
    let current = store::lock::load(desk.tx, &key).await?;
    let before = current.as_ref().map(audited);
    let last = current.as_ref().map_or(0, |old| old.fencing_token);
    let wish = Acquire { key, holder, ttl, lock_id: desk.mint() };
    let lock = match Lock::acquire(current, wish, &desk.call.by, fence, desk.now) {
        Ok(lock) => lock,
        Err(lock) => return Ok(Acquired::Held { lock, now: desk.now }),
    };
    let lock = if bug("token-restarts") { Lock { fencing_token: last + 1, ..lock } } else { lock };
    if !bug("token-restarts") {
        store::fence::raise(desk.tx, &lock.key, lock.fencing_token).await?;
    }
    store::lock::put(desk.tx, &lock).await?;
    desk.record(format!("lock:{}", lock.key), &before, &audited(&lock)).await?;
    Ok(Acquired::Granted(lock))
}

async fn extend(desk: &mut Desk<'_>, lock_id: String, ttl: Span, shorten: Shorten) -> Result<Result<Lock, Miss>, No> {
    let Some(lock) = store::lock::by_id(desk.tx, &lock_id).await? else { return Ok(Err(Miss::NotFound)) };
    let before = audited(&lock);
    let lock = match lock.extend(ttl, shorten, &desk.call.by, desk.now) {
        Ok(lock) => lock,
        Err(miss) => return Ok(Err(miss)),
    };
    store::lock::extend(desk.tx, &lock).await?;
    desk.record(format!("lock:{}", lock.key), &before, &audited(&lock)).await?;
    Ok(Ok(lock))
}

pub(crate) async fn release(desk: &mut Desk<'_>, lock_id: String) -> Result<Result<Lock, Miss>, No> {
    let Some(lock) = store::lock::by_id(desk.tx, &lock_id).await? else { return Ok(Err(Miss::NotFound)) };
    if let Err(miss) = lock.check(&desk.call.by, desk.now) {
        return Ok(Err(miss));
    }
    store::lock::remove(desk.tx, &lock).await?;
    desk.record(format!("lock:{}", lock.key), &audited(&lock), &()).await?;
    Ok(Ok(lock))
}

async fn break_open(desk: &mut Desk<'_>, key: String, seen: Option<i64>) -> Result<Lock, No> {
    let Some(lock) = store::lock::load(desk.tx, &key).await?.filter(|lock| lock.live(desk.now)) else {
        return Err(Refusal::new(Code::NotFound, format!("nobody holds {key}"))
            .hint("see gapwright locks list")
            .into());
    };
    if seen.is_some_and(|seen| seen != lock.fencing_token) {
        return Err(Refusal::new(Code::WrongState, format!("{key} was taken anew since, by {}", lock.principal))
            .hint("look at it again, and break that one if it is in the way too")
            .into());
    }
    store::lock::remove(desk.tx, &lock).await?;
    desk.record(format!("lock:{key}"), &audited(&lock), &()).await?;
    Ok(lock)
}

/// A lock as the audit keeps it: its handle is a secret of its holder.
fn audited(lock: &Lock) -> serde_json::Value {
    json!({
        "holder": lock.holder,
        "principal": lock.principal,
        "fencing_token": lock.fencing_token,
        "expires_at": lock.expires_at.iso(),
    })
}
