//! Reading a change by our own git: what the rules judge it by, and what a reviewer may cite.

use domain::pull::fit::{DIFF_BYTES_MAX, Facts};
use domain::refusal::{Code, Refusal};
use domain::time::Span;
use domain::visual::{Listing, POLICY_BYTES_MAX, POLICY_PATH, Policy};
use forge::broker::{Broker, Source, Trouble};
use forge::git::{self, Branch, Commit};
use forge::{Fault, Remote};

use crate::No;
use crate::mirror::Home;

/// How long until it is worth to try again what failed in the world.
const AGAIN: Span = Span::secs(30);

/// The tips of branches, brought here; none of one that is not there.
pub(crate) async fn tips<const N: usize>(
    broker: &Broker,
    remote: &Remote,
    names: [&str; N],
) -> Result<[Option<Commit>; N], No> {
    let sources: Result<Vec<_>, _> = names.into_iter().map(|name| branch(name).map(Source::Branch)).collect();
    let mut tips = broker.fetch(remote, &sources?).await.map_err(trouble)?.into_iter();
    Ok(std::array::from_fn(|_| tips.next().flatten()))
}

/// The tip of a branch that must be there.
pub(super) fn there(tip: Option<Commit>, name: &str, home: &Home) -> Result<Commit, Refusal> {
    tip.ok_or_else(|| Refusal::new(Code::NotFound, format!("there is no branch {name} in {}", home.repo)))
}

/// Reads what a commit would change where it is merged into another, and where their ways parted.
pub(super) async fn facts(broker: &Broker, onto: &Commit, head: &Commit) -> Result<(Facts, Commit), No> {
    let base = broker.parted(onto, head).await.map_err(trouble)?;
    let from = base.clone().unwrap_or_else(|| onto.clone());
    let seen = broker.inspect(&from, head).await.map_err(trouble)?;
    let facts = Facts {
        descends: base.is_some() && seen.descends,
        files: seen.files,
        lines: seen.lines,
        largest: seen.largest_blob,
        whole: seen.cut.is_empty(),
        listing: Listing::from_raw(&seen.raw),
        net: seen.net,
        added: seen.added.into_iter().map(|added| (added.path, added.text)).collect(),
        removed: seen.removed.into_iter().map(|removed| (removed.path, removed.text)).collect(),
        hands: seen.messages.iter().map(|message| message.by.clone()).collect(),
        messages: seen.messages.into_iter().map(|message| message.text).collect(),
        binary: seen.binary,
        gone: domain::visual::gone(&seen.raw),
    };
    Ok((facts, from))
}

/// The policy by which a change is judged: the one that stands at the tip of the default branch, never the change's own.
pub(super) async fn policy(broker: &Broker, rules: &Commit) -> Result<Policy, No> {
    Ok(match broker.file(rules, POLICY_PATH, POLICY_BYTES_MAX as u64 + 1).await.map_err(trouble)? {
        None => Policy::default(),
        // One that cannot be read lets nothing through.
        Some(text) => {
            String::from_utf8(text).ok().and_then(|text| Policy::parse(&text).ok()).unwrap_or_else(Policy::closed)
        }
    })
}

/// Refuses a difference that cannot be shown whole.
pub(super) async fn can_be_shown(broker: &Broker, base: &Commit, head: &Commit) -> Result<(), No> {
    if broker.diff(base, head, DIFF_BYTES_MAX).await.map_err(trouble)?.complete {
        return Ok(());
    }
    let message = format!("the difference has more than {DIFF_BYTES_MAX} bytes, and nobody could judge all of it");
    Err(Refusal::new(Code::UnfitChange, message).hint("make it smaller").into())
}

/// The name of a branch, as it came.
pub(crate) fn branch(name: &str) -> Result<Branch, Refusal> {
    Branch::parse(name).map_err(|why| Refusal::invalid("branch", why.to_string()).hint("name a branch such as fix/one"))
}

/// The id of a commit, as it came.
pub(crate) fn commit(id: &str) -> Result<Commit, Refusal> {
    Commit::parse(id)
        .map_err(|why| Refusal::invalid("head", why.to_string()).hint("give the whole id, in small letters"))
}

/// What a trouble of the broker's is to whoever hands something in.
pub(crate) fn trouble(trouble: Trouble) -> No {
    match trouble {
        Trouble::Unfit(why) => Refusal::new(Code::UnfitChange, why).into(),
        Trouble::Git(git::Trouble::Missing(what)) => {
            Refusal::new(Code::NotFound, format!("{what} is not there")).into()
        }
        Trouble::Git(git::Trouble::Name(why)) => Refusal::new(Code::InvalidArgument, why).into(),
        Trouble::Git(
            trouble @ (git::Trouble::Program(_)
            | git::Trouble::Folder(_)
            | git::Trouble::Foreign(_)
            | git::Trouble::Failed(_)
            | git::Trouble::Late(_)
            | git::Trouble::TooMuch(_)),
        ) => {
            tracing::warn!(%trouble, "the broker failed");
            unavailable("git failed, and nothing was handed in")
        }
    }
}

/// What a fault of the forge is to whoever hands something in: nothing was, and it may be tried again.
pub(super) fn later(fault: &Fault) -> No {
    tracing::warn!(%fault, "the forge failed");
    unavailable("the forge does not answer as it should, and nothing was handed in")
}

/// That the forge could not be read, to somebody who only looks.
pub(crate) fn unread(fault: &Fault) -> No {
    tracing::warn!(%fault, "the forge failed");
    unavailable("the forge could not be read")
}

fn unavailable(message: &str) -> No {
    Refusal::new(Code::Unavailable, message).hint("try again in a while").retry_after(AGAIN).into()
}
