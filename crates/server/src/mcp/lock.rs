//! The lock tools.

use domain::agent::Right;
use domain::fence;
use domain::lock::{Lock, Miss, Shorten};
use plane::lock::Acquired;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page::Page;
use super::tool::{Nature, Tool, Words};

pub(crate) fn tools() -> Vec<Tool> {
    vec![acquire(), extend(), release(), list()]
}

#[derive(Deserialize, JsonSchema)]
struct AcquireArgs {
    /// What to lock. Conventions: pr-fix-N, pr-triage-N, gh-issue-N, stuck-job-NAME. The prefix routine-job- is reserved.
    #[schemars(length(min = 1, max = 200))]
    key: String,
    /// What you call yourself, shown to others. Your identity comes from your token.
    #[schemars(length(min = 1, max = 200))]
    holder: String,
    /// For how long, in seconds.
    #[schemars(range(min = 1, max = 86_400))]
    ttl_secs: i64,
}

#[derive(Serialize, JsonSchema)]
struct AcquireAnswer {
    /// True when you hold the lock now.
    acquired: bool,
    /// The secret handle for extend-lock and release-lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    lock_id: Option<String>,
    /// Larger than every token given for this key before. Pass it along with every write that the lock guards.
    #[serde(skip_serializing_if = "Option::is_none")]
    fencing_token: Option<i64>,
    /// When the lock ends, yours or that of whoever holds it, in ISO-8601 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// How long you hold it, in milliseconds from the moment of the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<i64>,
    /// Who holds it, perhaps you, when it was not acquired.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_by: Option<String>,
    /// When asking again may help, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<i64>,
    /// Why not: held.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

fn acquire() -> Tool {
    let words = Words {
        name: "acquire-lock",
        title: "Acquire a lock",
        about: "Take a lock with a time to live, so that no other agent works on the same thing. A free or expired lock is \
                granted with a lock_id and a fencing token that only grows. A live lock is refused to everyone, its holder \
                too, and the answer says who holds it and until when. Not acquired is an answer, not an error.",
    };
    Tool::new(words, Right::Lock, Nature::Writes, |plane, call, args: AcquireArgs| async move {
        let ttl = fence::ttl(args.ttl_secs)?;
        Ok(match plane.acquire_lock(&call, &args.key, &args.holder, ttl).await? {
            Acquired::Granted(lock) => AcquireAnswer {
                acquired: true,
                ttl_ms: Some(lock.expires_at.since(lock.acquired_at).0),
                lock_id: Some(lock.lock_id),
                fencing_token: Some(lock.fencing_token),
                expires_at: Some(lock.expires_at.iso()),
                held_by: None,
                retry_after_ms: None,
                reason: None,
            },
            Acquired::Held { lock, now } => AcquireAnswer {
                acquired: false,
                lock_id: None,
                fencing_token: None,
                expires_at: Some(lock.expires_at.iso()),
                ttl_ms: None,
                held_by: Some(lock.holder),
                retry_after_ms: Some(lock.expires_at.since(now).0),
                reason: Some("held"),
            },
        })
    })
}

#[derive(Deserialize, JsonSchema)]
struct ExtendArgs {
    /// The handle from acquire-lock.
    #[schemars(length(min = 1, max = 200))]
    lock_id: String,
    /// How long from now, in seconds.
    #[schemars(range(min = 1, max = 86_400))]
    ttl_secs: i64,
    /// Let the lock end earlier than it does now.
    #[serde(default)]
    allow_shorten: bool,
}

#[derive(Serialize, JsonSchema)]
struct ExtendAnswer {
    /// True when the lock is still yours.
    ok: bool,
    /// When it ends now, in ISO-8601 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_expires_at: Option<String>,
    /// Why not: not_found, expired or not_yours.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

fn extend() -> Tool {
    let words = Words {
        name: "extend-lock",
        title: "Extend a lock",
        about: "Move the end of a lock that you hold to ttl_secs from now. It never ends earlier than it did unless you pass \
                allow_shorten. An expired lock is not revived: acquire it again, and expect a larger fencing token.",
    };
    Tool::new(words, Right::Lock, Nature::Writes, |plane, call, args: ExtendArgs| async move {
        let ttl = fence::ttl(args.ttl_secs)?;
        let shorten = if args.allow_shorten { Shorten::Allowed } else { Shorten::Never };
        Ok(match plane.extend_lock(&call, &args.lock_id, ttl, shorten).await? {
            Ok(lock) => ExtendAnswer { ok: true, new_expires_at: Some(lock.expires_at.iso()), reason: None },
            Err(miss) => ExtendAnswer { ok: false, new_expires_at: None, reason: Some(miss.name()) },
        })
    })
}

#[derive(Deserialize, JsonSchema)]
struct ReleaseArgs {
    /// The handle from acquire-lock.
    #[schemars(length(min = 1, max = 200))]
    lock_id: String,
}

#[derive(Serialize, JsonSchema)]
struct ReleaseAnswer {
    /// True when the lock was yours and is free now.
    ok: bool,
    /// Why not: not_found, expired or not_yours.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

fn release() -> Tool {
    let words = Words {
        name: "release-lock",
        title: "Release a lock",
        about: "Give a lock back before it expires. A second release answers ok false.",
    };
    Tool::new(words, Right::Lock, Nature::Removes, |plane, call, args: ReleaseArgs| async move {
        let miss: Option<Miss> = plane.release_lock(&call, &args.lock_id).await?.err();
        Ok(ReleaseAnswer { ok: miss.is_none(), reason: miss.map(Miss::name) })
    })
}

#[derive(Deserialize, JsonSchema)]
struct ListArgs {
    /// Only keys that begin so, letter for letter.
    #[serde(default)]
    #[schemars(length(max = 200))]
    prefix: Option<String>,
    #[serde(flatten)]
    page: Page,
}

#[derive(Serialize, JsonSchema)]
struct ListAnswer {
    /// The live locks, the first to expire first.
    locks: Vec<Item>,
    /// Where the next page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Item {
    /// What is locked.
    key: String,
    /// What the holder calls itself.
    holder: String,
    /// Who holds it.
    principal: String,
    /// The token given with it.
    fencing_token: i64,
    /// Since when.
    acquired_at: String,
    /// Until when.
    expires_at: String,
}

fn list() -> Tool {
    let words = Words {
        name: "list-locks",
        title: "List locks",
        about: "List live locks by expiry. The prefix is taken letter for letter. Lock ids are not shown: they belong to \
                their holders.",
    };
    Tool::new(words, Right::Read, Nature::Reads, |plane, call, args: ListArgs| async move {
        let ask = args.page.ask()?;
        let page = plane.list_locks(&call, args.prefix.as_deref(), &ask).await?;
        Ok(ListAnswer { locks: page.items.into_iter().map(item).collect(), cursor: page.cursor })
    })
}

fn item(lock: Lock) -> Item {
    Item {
        key: lock.key,
        holder: lock.holder,
        principal: lock.principal,
        fencing_token: lock.fencing_token,
        acquired_at: lock.acquired_at.iso(),
        expires_at: lock.expires_at.iso(),
    }
}
