//! What people said of a pull request by their reviews, as the local forge keeps it. What GitHub keeps is read there.

use domain::pull::Pull;
use forge::Review;

use super::read::unread;
use crate::{Call, No, Plane};

/// How many reviews of people are shown, the latest.
pub const REVIEWS_MAX: i64 = 10;

impl Plane {
    /// What people said of a pull request by reviews, the latest first, [`REVIEWS_MAX`] at most; nothing where the forge or
    /// the repository is another.
    pub async fn list_reviews_of_people(&self, call: &Call, pull: &Pull) -> Result<Vec<Review>, No> {
        call.by.require(domain::agent::Right::Read, call.tool)?;
        let local = self.settings.local.as_ref().filter(|_| self.is_here(&pull.repo));
        let (Some(local), Some(number)) = (local, pull.there.number) else {
            return Ok(Vec::new());
        };
        local.reviews_of_people(number, REVIEWS_MAX).await.map_err(|fault| unread(&fault))
    }
}
