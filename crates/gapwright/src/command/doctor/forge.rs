//! What the doctor says of the level of autonomy and of the forge. At a level at which nothing leaves the house, it asks
//! the forge nothing either.

use domain::time::{Span, Time};
use forge::Fault;
use plane::mirror::Home;
use plane::{Call, Plane};
use store::repository::Repository;

use super::{Check, Verdict};
use crate::command::issues;
use crate::config::{Config, ForgeKind};
use crate::failure::Failure;
use crate::session;

const NAME: &str = "forge";

/// The scheduled job that opens issues.
const SWEEP: &str = "register-jobs";

/// How many issues in trouble are looked for: one is told, and whether there are more.
const TROUBLED_MAX: i64 = 2;

/// How many polls may be missed before the mirror counts as stuck.
const POLLS_MISSED_MAX: i64 = 3;

/// The level in force.
pub(super) async fn level(plane: &Plane, call: &Call) -> Check {
    match plane.show_level(call).await {
        Ok(standing) => {
            let since = standing.since.map(|at| format!(" since {at}")).unwrap_or_default();
            let missing = standing.gate.iter().filter(|item| !item.is_met()).count();
            let gate = match (standing.next, missing) {
                (None, _) => String::new(),
                (Some(next), 0) => format!("; the gate to {next} is open"),
                (Some(next), _) => format!("; the gate to {next} is closed"),
            };
            Check::new("level", Verdict::Pass, format!("{}{since}{gate}", standing.level))
        }
        Err(no) => Check::failed("level", &no.into()),
    }
}

/// Whether the forge can be worked with.
pub(super) async fn check(config: &Config, plane: &Plane) -> Check {
    match look(config, plane).await {
        Ok(check) => check,
        Err(failure) => Check::failed(NAME, &failure),
    }
}

async fn look(config: &Config, plane: &Plane) -> Result<Check, Failure> {
    let kind = config.forge_kind()?;
    let Some(home) = config.home(plane.store(), session::chance())? else {
        return Ok(Check::new(NAME, Verdict::Pass, "none is configured, so no issue is opened"));
    };
    let name = match kind {
        ForgeKind::Local => format!("{}, in this database", home.repo),
        ForgeKind::GitHub | ForgeKind::None => format!("{} on {}", home.repo, config.sections.forge.api),
    };
    let mut tx = plane.store().read().await?;
    let (level, _) = store::level::current(&mut tx).await?;
    let now = tx.now();
    let known = store::repository::find(&mut tx, &home.repo).await?;
    let troubled = store::issue::troubled(&mut tx, &home.repo, TROUBLED_MAX).await?;
    let sweep = store::scheduled::find(&mut tx, SWEEP).await?.and_then(|sweep| sweep.last_status);
    drop(tx);
    if !level.reaches_out() {
        return Ok(Check::new(NAME, Verdict::Pass, format!("{name}; at the level {level} nothing is asked of it")));
    }
    if let Some(wrong) = known.as_ref().and_then(|known| wrong(known, &home, now)) {
        return Ok(wrong);
    }
    if let Some((gap, why)) = troubled.first() {
        let more = if troubled.len() > 1 { " and of others" } else { "" };
        return Ok(Check::new(NAME, Verdict::Fail, format!("{name}: the issue of {gap}{more}: {why}"))
            .hint("it is tried again by itself; gapwright gaps show NAME tells of each"));
    }
    let failed = sweep.as_deref().and_then(|status| status.strip_prefix("error: the forge failed: "));
    // One that only met a forge that was left in peace says nothing of now.
    if let Some(why) = failed.filter(|why| !why.contains("; it is left in peace until ")) {
        return Ok(Check::new(NAME, Verdict::Fail, format!("{name}: the last sweep failed: {why}"))
            .hint("mend it, then: gapwright schedules trigger register-jobs"));
    }
    let seen = match kind {
        // Whoever looks, and as whom, makes no repository.
        ForgeKind::Local => config.local(plane.store(), session::chance())?.look().await,
        ForgeKind::GitHub | ForgeKind::None => home.forge.repository().await,
    };
    let seen = match seen {
        Err(Fault::Gone { what }) => {
            return Ok(Check::new(NAME, Verdict::Unknown, format!("{name}: {what} is not there yet"))
                .hint("gapwright serve makes it"));
        }
        seen => seen.map_err(issues::failure)?,
    };
    Ok(match (seen.writable, known) {
        (Some(false), _) => Check::new(NAME, Verdict::Fail, format!("{name}: {} may not write there", seen.me.login))
            .hint("give the token or the App the right to write issues and to read metadata"),
        (_, None) => {
            Check::new(NAME, Verdict::Unknown, format!("{name}: nothing was read yet")).hint("gapwright serve reads it")
        }
        (_, Some(_)) => Check::new(NAME, Verdict::Pass, format!("{name}, as {}", seen.me.login)),
    })
}

/// What is wrong with a repository as it was last seen.
fn wrong(known: &Repository, home: &Home, now: Time) -> Option<Check> {
    let fail = |found: String, hint: &str| Some(Check::new(NAME, Verdict::Fail, found).hint(hint));
    if !known.moved_to.is_empty() {
        return fail(
            format!("{} is elsewhere: {}", known.name, known.last_error),
            "set forge.repository to where it is now",
        );
    }
    if !known.last_error.is_empty() {
        return fail(
            format!("{}: {}", known.name, known.last_error),
            "it is tried again by itself; see the log of serve",
        );
    }
    let late = Span(home.poll.0 * POLLS_MISSED_MAX);
    if known.polled_at > 0 && now.since(Time(known.polled_at)) > late {
        let found = format!("{} was last read in full at {}", known.name, Time(known.polled_at));
        return fail(found, "is gapwright serve running? see its log");
    }
    if known.also != "[]" {
        let found = format!("another bot acts on the label by which people opt in: {}", known.also);
        return fail(found, "give it another label_trigger, or set forge.labels.opt_in");
    }
    None
}
