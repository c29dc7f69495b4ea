//! What scheduled jobs do: a handler per name. Each tells in one line what it did, or why it failed.

mod dead_mans_switch;
mod heartbeat;
mod retention;

use crate::Plane;
use crate::page::Ask;
use crate::tend::own;

/// Every handler of this program, in alphabetical order.
pub const NAMES: [&str; 5] = ["agent-mcp-heartbeat", "dead-mans-switch", "outbox", "register-jobs", "retention"];

/// Runs the handler of this name.
pub(crate) async fn run(plane: &Plane, name: &str) -> Result<String, String> {
    match name {
        "agent-mcp-heartbeat" => heartbeat::run(plane).await,
        "dead-mans-switch" => dead_mans_switch::run(plane).await,
        "outbox" => outbox(plane).await,
        "register-jobs" => register_jobs(plane).await,
        "retention" => retention::run(plane).await,
        other => Err(format!("there is no handler {other}")),
    }
}

/// Delivers what a nudge may have missed.
async fn outbox(plane: &Plane) -> Result<String, String> {
    let done = plane.deliver().await.map_err(|error| error.to_string())?;
    let told = format!("{} sent, {} to be tried again, {} given up", done.sent, done.later, done.dead);
    match done.elsewhere {
        0 => Ok(told),
        left => Ok(format!("{told}, {left} left for channels that this server does not have")),
    }
}

/// Takes the inventory of gaps. Nothing leaves the house at this level of autonomy.
async fn register_jobs(plane: &Plane) -> Result<String, String> {
    let mut ask = Ask::new(Some(crate::page::LIMIT_MAX), None).map_err(|refusal| refusal.to_string())?;
    let (mut gaps, mut sightings) = (0, 0);
    loop {
        let page = plane.list_gaps(&own("register-jobs"), &ask).await.map_err(|error| error.to_string())?;
        gaps += page.items.len();
        sightings += page.items.iter().map(|line| line.sightings).sum::<i64>();
        let Some(cursor) = page.cursor else { return Ok(format!("{gaps} gaps in {sightings} sightings")) };
        ask = Ask::new(Some(crate::page::LIMIT_MAX), Some(&cursor)).map_err(|refusal| refusal.to_string())?;
    }
}
