//! Notices silence: of Routines that are expected to check in, of our own heartbeat, and, by an outside monitor that
//! expects our ping, of ourselves.

use secrecy::ExposeSecret as _;

use crate::Plane;
use crate::tend::own;

pub(super) async fn run(plane: &Plane) -> Result<String, String> {
    let late = plane.watch_routines(&own("dead-mans-switch")).await.map_err(|error| error.to_string())?;
    let told = if late.is_empty() { "nobody is silent".to_owned() } else { format!("silent: {}", late.join(", ")) };
    match &plane.settings().ping_url {
        None => Ok(told),
        Some(url) => {
            let answer = super::ask(plane.settings().http.get(url.expose_secret())).await;
            let status = answer.map_err(|why| format!("{told}; the ping failed: {why}"))?.status();
            if status.is_success() {
                Ok(format!("{told}; pinged"))
            } else {
                Err(format!("{told}; the ping got {status}"))
            }
        }
    }
}
