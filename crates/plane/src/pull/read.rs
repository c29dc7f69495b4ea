//! Reading a change by our own git: what the rules judge it by, and what a reviewer may cite.

use domain::pull::Change;
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

/// Reads what a branch would change.
pub(super) async fn facts(
    home: &Home,
    broker: &Broker,
    remote: &Remote,
    name: &str,
    onto: &str,
) -> Result<(Facts, Policy, Change), No> {
    let sources = [Source::Branch(branch(onto)?), Source::Branch(branch(name)?)];
    let tips = broker.fetch(remote, &sources).await.map_err(trouble)?;
    let gone = |what: &str| Refusal::new(Code::NotFound, format!("there is no branch {what} in {}", home.repo));
    let onto_tip = tips.first().cloned().flatten().ok_or_else(|| gone(onto))?;
    let head = tips.get(1).cloned().flatten().ok_or_else(|| gone(name).field("branch").hint("push it first"))?;
    facts_of(broker, (name, &head), (onto, &onto_tip)).await
}

/// Reads what a commit would change that the broker has, pushed or not, and that is or would be the tip of a branch.
pub(super) async fn facts_of(
    broker: &Broker,
    (name, head): (&str, &Commit),
    (onto, onto_tip): (&str, &Commit),
) -> Result<(Facts, Policy, Change), No> {
    let base = broker.parted(onto_tip, head).await.map_err(trouble)?;
    let from = base.clone().unwrap_or_else(|| onto_tip.clone());
    let seen = broker.inspect(&from, head).await.map_err(trouble)?;
    let policy = match broker.file(onto_tip, POLICY_PATH, POLICY_BYTES_MAX as u64 + 1).await.map_err(trouble)? {
        None => Policy::default(),
        // One that cannot be read lets nothing through.
        Some(text) => {
            String::from_utf8(text).ok().and_then(|text| Policy::parse(&text).ok()).unwrap_or_else(Policy::closed)
        }
    };
    let change = Change {
        branch: name.to_owned(),
        head: head.as_str().to_owned(),
        onto: onto.to_owned(),
        base: from.as_str().to_owned(),
        title: String::new(),
        body: String::new(),
        files: seen.files,
        lines: seen.lines,
        visual: None,
        protected: None,
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
    Ok((facts, policy, change))
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
pub(super) fn later(fault: Fault) -> No {
    tracing::warn!(%fault, "the forge failed");
    unavailable("the forge does not answer as it should, and nothing was handed in")
}

fn unavailable(message: &str) -> No {
    Refusal::new(Code::Unavailable, message).hint("try again in a while").retry_after(AGAIN).into()
}
