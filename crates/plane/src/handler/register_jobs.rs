//! The sweep: takes the inventory of gaps, proposes shapes of payloads, and opens issues for the gaps that have none. At the
//! level observe it takes inventory only: nothing leaves the house.

use domain::level::Level;

use crate::mirror::{Failed, fault_line};
use crate::tend::own;
use crate::{No, Plane};

pub(super) async fn run(plane: &Plane) -> Result<String, String> {
    plane.sweep().await
}

impl Plane {
    /// One sweep; tells in a line what it did, or why it failed.
    pub async fn sweep(&self) -> Result<String, String> {
        let failed = match sweep(self).await {
            Ok(told) => return Ok(told),
            Err(failed) => failed,
        };
        match (failed, &self.settings().home) {
            (Failed::No(no), _) => Err(no.to_string()),
            (Failed::Rests(why), _) => Err(why),
            (Failed::Forge(fault), home) => {
                if let Some(home) = home {
                    self.leave_in_peace(home, &fault).await.map_err(|no| no.to_string())?;
                }
                Err(format!("the forge failed: {}", fault_line(&fault)))
            }
        }
    }
}

async fn sweep(plane: &Plane) -> Result<String, Failed> {
    let inventory = plane.inventory(&own("register-jobs")).await?;
    let shapes = plane.propose_shapes().await?;
    let shapes = if shapes > 0 { format!(", {shapes} shapes of payloads proposed") } else { String::new() };
    let inventory = format!("{} gaps in {} sightings{shapes}", inventory.gaps, inventory.sightings);
    let level = level(plane).await?;
    Ok(match plane.settings().home.clone() {
        _ if !level.reaches_out() => format!("{inventory}; at the level {level} nothing leaves the house"),
        None => format!("{inventory}; no forge is configured, so no issue is opened"),
        Some(home) => {
            if let Some(why) = plane.rests(&home).await? {
                return Err(Failed::Rests(why));
            }
            if plane.is_off(&home).await? {
                return Ok(format!("{inventory}; {} is switched off, so no issue is opened", home.repo));
            }
            let unread = plane.look_for_other_bots(&home).await?;
            let swept = plane.open_issues(&home).await?;
            let waiting = if swept.waiting > 0 { ", more gaps wait for the bounds on issues" } else { "" };
            let unread = if unread { "; whether another bot uses our label could not be read" } else { "" };
            let refused = swept.refused.map(|why| format!(", one was refused: {why}")).unwrap_or_default();
            format!("{inventory}; {} issues opened{waiting}{refused}{unread}", swept.opened)
        }
    })
}

async fn level(plane: &Plane) -> Result<Level, No> {
    let mut tx = plane.store().read().await?;
    Ok(store::level::current(&mut tx).await?.0)
}
