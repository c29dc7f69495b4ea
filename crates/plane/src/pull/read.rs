//! Reading a change by our own git: what the rules judge it by, and what a reviewer may cite.

use domain::pull::fit::Facts;
use domain::refusal::{Code, Refusal};
use domain::time::Span;
use domain::visual::{Listing, POLICY_BYTES_MAX, POLICY_PATH, Policy};
use forge::broker::{Broker, Source, Trouble};
use forge::git::{self, Branch, Commit};
use forge::{Fault, Remote};

use crate::No;
use crate::mirror::Home;

/// How much of a difference is read for what may be cited and shown, in bytes: some 20,000 lines.
pub(super) const DIFF_BYTES_MAX: usize = 1 << 20;

/// How long until it is worth to try again what failed in the world.
const AGAIN: Span = Span::secs(30);

/// The tips of the branch to merge into and of another one, brought here.
pub(super) async fn tips(
    home: &Home,
    broker: &Broker,
    remote: &Remote,
    onto: &str,
    name: &str,
) -> Result<(Commit, Option<Commit>), No> {
    let sources = [Source::Branch(branch(onto)?), Source::Branch(branch(name)?)];
    let tips = broker.fetch(remote, &sources).await.map_err(trouble)?;
    let onto_tip = tips.first().cloned().flatten();
    let onto_tip =
        onto_tip.ok_or_else(|| Refusal::new(Code::NotFound, format!("there is no branch {onto} in {}", home.repo)))?;
    Ok((onto_tip, tips.get(1).cloned().flatten()))
}

/// Reads what a commit would change where it is merged into another, and by which policy that is judged: the one that
/// stands there, never the change's own.
pub(super) async fn facts(broker: &Broker, onto: &Commit, head: &Commit) -> Result<(Facts, Policy, Commit), No> {
    let base = broker.parted(onto, head).await.map_err(trouble)?;
    let from = base.clone().unwrap_or_else(|| onto.clone());
    let seen = broker.inspect(&from, head).await.map_err(trouble)?;
    let policy = match broker.file(onto, POLICY_PATH, POLICY_BYTES_MAX as u64 + 1).await.map_err(trouble)? {
        None => Policy::default(),
        // One that cannot be read lets nothing through.
        Some(text) => {
            String::from_utf8(text).ok().and_then(|text| Policy::parse(&text).ok()).unwrap_or_else(Policy::closed)
        }
    };
    let facts = Facts {
        descends: base.is_some() && seen.descends,
        files: seen.files,
        lines: seen.lines,
        largest: seen.largest_blob,
        whole: seen.cut.is_empty(),
        listing: Listing::from_raw(&seen.raw),
        added: seen.added.into_iter().map(|added| (added.path, added.text)).collect(),
        messages: seen.messages.into_iter().map(|message| message.text).collect(),
    };
    Ok((facts, policy, from))
}

/// The name of a branch, as it came.
pub(super) fn branch(name: &str) -> Result<Branch, Refusal> {
    Branch::parse(name).map_err(|why| Refusal::invalid("branch", why.to_string()).hint("name a branch such as fix/one"))
}

/// The id of a commit, as it came.
pub(super) fn commit(id: &str) -> Result<Commit, Refusal> {
    Commit::parse(id)
        .map_err(|why| Refusal::invalid("head", why.to_string()).hint("give the whole id, in small letters"))
}

/// What a trouble of the broker's is to whoever hands something in.
pub(super) fn trouble(trouble: Trouble) -> No {
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

fn unavailable(message: &str) -> No {
    Refusal::new(Code::Unavailable, message).hint("try again in a while").retry_after(AGAIN).into()
}
