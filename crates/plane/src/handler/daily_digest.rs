//! Tells the operator once a day what came about, what waits for people, what is in trouble, and what it cost.

use domain::time::Time;

use crate::Plane;

pub(super) async fn run(plane: &Plane, due_at: Time) -> Result<String, String> {
    let digest = plane.gather_digest().await.map_err(|error| error.to_string())?;
    plane.tell_digest(&digest, due_at).await.map_err(|error| error.to_string())?;
    Ok(format!("told what came about since {}", digest.since.iso()))
}
