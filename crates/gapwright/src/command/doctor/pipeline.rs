//! What the doctor says of the pipeline: the broker's repository, the branches, the repository's policy, whether each
//! stage has a caller of its own, and what is switched off. It only reads, on the forge and here; at a level at which
//! nothing leaves the house, it asks the forge nothing.

use std::collections::BTreeSet;

use domain::level::Level;
use domain::pull::Stage;
use domain::visual::{POLICY_BYTES_MAX, POLICY_PATH, Policy};
use forge::Remote;
use forge::broker::{Broker, Source, Trouble};
use forge::git::{self, Bare, Branch};
use plane::page::{Ask, LIMIT_MAX};
use plane::{Call, No, Plane};
use store::agent::Token;

use super::{Check, Verdict};
use crate::command::issues;
use crate::config::{Config, ForgeKind, Place};
use crate::failure::Failure;
use crate::session;

/// How many pages of tokens are read: far more than anybody has.
const PAGES_MAX: usize = 50;

/// Everything about the pipeline.
pub(super) async fn checks(config: &Config, plane: &Plane, call: &Call) -> Vec<Check> {
    let level = match plane.show_level(call).await {
        Ok(standing) => standing.level,
        Err(no) => return vec![Check::failed("pipeline", &no.into())],
    };
    let (broker, there) = broker(config, level).await;
    let makes_pulls = !matches!(config.broker(), Ok(Place::Nowhere(_)));
    let mut checks = vec![broker];
    if let Some(broker) = there.filter(|_| level.reaches_out()) {
        checks.extend(on_the_forge(config, plane, &broker).await);
    }
    if makes_pulls {
        checks.push(stages(plane, call, level).await);
    }
    checks.push(switches(plane, call).await);
    checks
}

/// Whether the broker's repository can be used; one that is not there is not made.
async fn broker(config: &Config, level: Level) -> (Check, Option<Broker>) {
    let name = "broker";
    let folder = match config.broker() {
        Ok(Place::Folder(folder)) => folder,
        Ok(Place::Nowhere(why)) => {
            return (Check::new(name, Verdict::Pass, format!("none, so no pull request is made: {why}")), None);
        }
        Ok(Place::Unsaid(why, next)) => {
            let verdict = match level {
                Level::Observe => Verdict::Pass,
                Level::Propose => Verdict::Unknown,
                Level::Pipeline | Level::Automerge => Verdict::Fail,
            };
            return (Check::new(name, verdict, format!("none, so no pull request is made: {why}")).hint(next), None);
        }
        Err(failure) => return (Check::failed(name, &failure), None),
    };
    let shown = folder.display();
    match Bare::existing(&folder).await {
        Ok(_) => {}
        Err(git::Trouble::Missing(_)) => {
            let verdict = if level.reaches_out() { Verdict::Unknown } else { Verdict::Pass };
            return (
                Check::new(name, verdict, format!("{shown} is not there yet")).hint("gapwright serve makes it"),
                None,
            );
        }
        Err(trouble) => return (Check::failed(name, &session::unopened(&Trouble::Git(trouble))), None),
    }
    // It is there, so nothing is made.
    match session::broker(config, &folder).await {
        Ok(broker) => (Check::new(name, Verdict::Pass, format!("{shown}, by git 2.43 or later")), Some(broker)),
        Err(failure) => (Check::failed(name, &failure), None),
    }
}

/// What is seen of the forge through the broker.
async fn on_the_forge(config: &Config, plane: &Plane, broker: &Broker) -> Vec<Check> {
    let (remote, onto, writable) = match there(config, plane).await {
        Ok(there) => there,
        Err(failure) => return vec![Check::failed("branches", &failure)],
    };
    let prefix = &config.sections.pipeline.branch_prefix;
    vec![branches(broker, &remote, &onto, prefix, writable).await, policy(broker, &remote, &onto).await]
}

/// Where git finds the repository, its default branch, and whether we may write there, where that is known.
async fn there(config: &Config, plane: &Plane) -> Result<(Remote, String, Option<bool>), Failure> {
    match config.forge_kind()? {
        // Whoever looks, and as whom, makes no repository and marks none.
        ForgeKind::Local => {
            let seen = config.local(plane.store(), session::chance())?.look().await.map_err(issues::failure)?;
            let remote = Remote { url: config.sections.forge.git.clone(), credential: None, pulls: None };
            Ok((remote, seen.default_branch, Some(true)))
        }
        ForgeKind::GitHub | ForgeKind::None => {
            let home = config.home(plane.store(), session::chance())?;
            let home = home.ok_or_else(|| Failure::new("no forge is configured"))?;
            let seen = home.forge.repository().await.map_err(issues::failure)?;
            let remote = home.forge.remote().await.map_err(issues::failure)?;
            Ok((remote, seen.default_branch, seen.writable))
        }
    }
}

/// Whether branches below the prefix can be there. Whether a push is let through is known only by a push.
async fn branches(broker: &Broker, remote: &Remote, onto: &str, prefix: &str, writable: Option<bool>) -> Check {
    let name = "branches";
    let hint = "see that the credential may read and write the contents of the repository: docs/forge.md";
    if writable == Some(false) {
        return Check::new(name, Verdict::Fail, "nothing may be written to the repository").hint(hint);
    }
    match tip(broker, remote, onto).await {
        Ok(true) => {}
        Ok(false) => {
            return Check::new(name, Verdict::Fail, format!("the default branch {onto} is not there"))
                .hint("make a first commit on it");
        }
        Err(trouble) => {
            return Check::failed(name, &Failure::new("git cannot read it").why(trouble.to_string())).hint(hint);
        }
    }
    // A name is a branch, or a folder of branches, and never both.
    for (end, _) in prefix.match_indices('/') {
        let part = &prefix[..end];
        match tip(broker, remote, part).await {
            Ok(false) => {}
            Ok(true) => {
                let found = format!("there is a branch {part}, so that none can begin with {prefix}");
                return Check::new(name, Verdict::Fail, found).hint("rename it, or set pipeline.branch_prefix");
            }
            Err(trouble) => return Check::new(name, Verdict::Unknown, trouble.to_string()),
        }
    }
    let found = format!("nothing is in the way of {prefix}…; changes are merged into {onto}");
    Check::new(name, Verdict::Pass, found)
}

async fn tip(broker: &Broker, remote: &Remote, name: &str) -> Result<bool, Trouble> {
    Ok(broker.tip(remote, &Branch::parse(name)?).await?.is_some())
}

/// Whether the repository's policy can be read. It counts as it stands on the default branch, and nowhere else.
async fn policy(broker: &Broker, remote: &Remote, onto: &str) -> Check {
    let name = "policy";
    match policy_text(broker, remote, onto).await {
        Ok(None) => Check::new(name, Verdict::Pass, format!("{onto} has no {POLICY_PATH}: the documented lists count")),
        Ok(Some(text)) => match String::from_utf8(text).map(|text| Policy::parse(&text)) {
            Ok(Ok(_)) => Check::new(name, Verdict::Pass, format!("{POLICY_PATH} of {onto} makes sense")),
            Ok(Err(refusal)) => Check::new(
                name,
                Verdict::Fail,
                format!("{POLICY_PATH} of {onto}: {}; every change counts as one that shows", refusal.message),
            )
            .hint(refusal.hint),
            Err(_) => Check::new(name, Verdict::Fail, format!("{POLICY_PATH} of {onto} is no text"))
                .hint("write it anew; until then every change counts as one that shows"),
        },
        Err(trouble) => Check::new(name, Verdict::Unknown, trouble.to_string()),
    }
}

async fn policy_text(broker: &Broker, remote: &Remote, onto: &str) -> Result<Option<Vec<u8>>, Trouble> {
    let tips = broker.fetch(remote, &[Source::Branch(Branch::parse(onto)?)]).await?;
    match tips.into_iter().next().flatten() {
        Some(tip) => broker.file(&tip, POLICY_PATH, POLICY_BYTES_MAX as u64 + 1).await,
        None => Ok(None),
    }
}

/// Whether each stage that works at this level has a token, each of another principal.
async fn stages(plane: &Plane, call: &Call, level: Level) -> Check {
    let name = "stages";
    let needed: &[Stage] = match level {
        Level::Observe => return Check::new(name, Verdict::Pass, "at the level observe none works"),
        Level::Propose => &[Stage::Implementer],
        Level::Pipeline | Level::Automerge => &Stage::ALL,
    };
    let tokens = match tokens(plane, call).await {
        Ok(tokens) => tokens,
        Err(no) => return Check::failed(name, &no.into()),
    };
    let named = |stages: &[Stage]| stages.iter().map(|stage| stage.name()).collect::<Vec<_>>().join(", ");
    let may: Vec<_> = needed.iter().map(|stage| principals(&tokens, *stage)).collect();
    let missing: Vec<_> = needed.iter().zip(&may).filter(|(_, may)| may.is_empty()).map(|(stage, _)| *stage).collect();
    if let Some(first) = missing.first() {
        return Check::new(name, Verdict::Fail, format!("no token in force has the role {}", named(&missing)))
            .hint(format!("gapwright token create --role {first} --name NAME, each with a name of its own"));
    }
    if !all_differ(&may, &mut Vec::new()) {
        let found = format!("{} cannot each be somebody else", named(needed));
        return Check::new(name, Verdict::Fail, found).hint(
            "one principal stands in one stage of a pull request: give each role a token with a name of its own",
        );
    }
    Check::new(name, Verdict::Pass, format!("each has a token: {}", named(needed)))
}

async fn tokens(plane: &Plane, call: &Call) -> Result<Vec<Token>, No> {
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..PAGES_MAX {
        let page = plane.list_tokens_in_force(call, &Ask::new(Some(LIMIT_MAX), cursor.as_deref())?).await?;
        found.extend(page.items);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(found)
}

/// Whose tokens let them work in a stage.
fn principals(tokens: &[Token], stage: Stage) -> BTreeSet<&str> {
    let may_claim = |token: &&Token| token.kinds.is_empty() || token.kinds.split(',').any(|kind| kind == stage.name());
    let of_stage = tokens.iter().filter(|token| token.claim_id.is_none() && token.role == stage.role().name());
    let of_stage = of_stage.filter(may_claim);
    of_stage.map(|token| token.principal.as_str()).collect()
}

/// Whether each can be another one.
fn all_differ<'t>(may: &[BTreeSet<&'t str>], taken: &mut Vec<&'t str>) -> bool {
    let Some((first, rest)) = may.split_first() else { return true };
    first.iter().any(|who| {
        if taken.contains(who) {
            return false;
        }
        taken.push(who);
        let fits = all_differ(rest, taken);
        taken.pop();
        fits
    })
}

/// What is switched off.
async fn switches(plane: &Plane, call: &Call) -> Check {
    let name = "switches";
    match plane.list_switches(call).await {
        Err(no) => Check::failed(name, &no.into()),
        Ok((off, _)) if off.is_empty() => Check::new(name, Verdict::Pass, "nothing is switched off"),
        Ok((off, _)) => {
            let told: Vec<_> = off.iter().map(|off| format!("{} by {}: {}", off.scope, off.by, off.reason)).collect();
            Check::new(name, Verdict::Fail, format!("off: {}", told.join("; ")))
                .hint("gapwright switch list tells what still runs; gapwright switch on SCOPE")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_need_each_somebody_else() {
        let sets = |sets: &[&[&'static str]]| sets.iter().map(|set| set.iter().copied().collect()).collect::<Vec<_>>();
        for (may, differ) in [
            (sets(&[&["a"], &["b"]]), true),
            (sets(&[&["a"], &["a"]]), false),
            (sets(&[&["a", "b"], &["a"]]), true),
            (sets(&[&["a", "b"], &["a", "b"], &["b", "a"]]), false),
            (sets(&[&["a"], &["a", "b"], &["b", "c"], &["c", "d"]]), true),
        ] {
            assert_eq!(all_differ(&may, &mut Vec::new()), differ, "{may:?}");
        }
    }
}
