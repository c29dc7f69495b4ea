//! What people are told of a gate that does not open.

use domain::gate::{Judgement, Record};
use domain::notice::Level as Tone;
use domain::pull::Pull;
use domain::time::Time;

use crate::No;
use crate::desk::Desk;
use crate::pull::{name, tell_once};

/// Tells people, once for each head, that nothing but the base has kept it from being merged for long.
pub(super) async fn base_told(desk: &mut Desk<'_>, pull: &Pull, judgement: &Judgement, since: Time) -> Result<(), No> {
    let Some(only) = judgement.waits_for_base(desk.now.since(since)) else { return Ok(()) };
    let text =
        format!("{} is to merge by itself, and the base does not let it: {only}; have CI run on it, too", name(pull));
    let kind = format!("green.{}", pull.head().unwrap_or_default());
    tell_once(desk, &format!("pull:{}", pull.id), &kind, Tone::Warn, text, None).await
}

/// Tells the operator that a gate which they armed is closed by its evidence: once for each time it was armed.
pub(super) async fn closed_told(desk: &mut Desk<'_>, record: &Record, judgement: &Judgement) -> Result<(), No> {
    let (Some(stratum), Some(arm), Some(why)) = (&record.stratum, &record.arm, judgement.lacking()) else {
        return Ok(());
    };
    let id = stratum.id();
    let text = format!("the gate of {id}, which {} answers for, is closed: {why}", arm.owner);
    tell_once(desk, &format!("gate:{id}"), &format!("closed.{}", arm.since.0), Tone::Warn, text, None).await
}
