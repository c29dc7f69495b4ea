//! What an answer that is not a good one means, told by what the caller may do next.
//!
//! "Not found" is how GitHub also says that it does not let us see something. So whether a thing is gone is only said
//! while the repository that it was in is there: else a right that was lost would look like a thousand issues deleted.

use reqwest::StatusCode;
use serde::Deserialize;

use super::Inner;
use super::answer::shape;
use super::call::{About, Call};
use super::route::{self, Class};
use super::wire::{Answer, clean};
use crate::Fault;

/// How GitHub says that a commit is not there, with a status that says otherwise.
const NO_COMMIT: &str = "No commit found";

/// How GitHub says that the repository's settings forbid this way of merging.
const NO_SUCH_MERGE: &str = "are not allowed on this repository";

#[derive(Deserialize)]
struct Renamed {
    full_name: String,
}

impl Inner {
    /// What an answer means that is not a good one.
    pub(super) async fn refusal(&self, call: &Call, answer: &Answer) -> Fault {
        let words = answer.words();
        match answer.status {
            status if status.is_redirection() => self.moved(call, answer).await,
            StatusCode::UNAUTHORIZED => refused(
                format!("GitHub does not take our token: {words}"),
                "give a token that has not ended and was not revoked".to_owned(),
            ),
            StatusCode::FORBIDDEN => self.forbidden(call, answer),
            StatusCode::NOT_FOUND => self.missing(call).await,
            StatusCode::GONE if call.about == About::Repository || words.contains("disabled") => {
                refused(format!("GitHub says: {words}"), "switch the issues on in the repository's settings".to_owned())
            }
            StatusCode::GONE => Fault::Gone { what: call.about.words() },
            StatusCode::UNPROCESSABLE_ENTITY if words.contains(NO_COMMIT) => Fault::Gone { what: call.about.words() },
            StatusCode::METHOD_NOT_ALLOWED if words.contains(NO_SUCH_MERGE) => refused(
                format!("GitHub does not merge {} so: {words}", call.about.words()),
                "allow this way of merging in the repository's settings, or use another".to_owned(),
            ),
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::CONFLICT if call.route.class == Class::Guarded => {
                Fault::Stale { why: format!("GitHub does not merge {}: {words}", call.about.words()) }
            }
            status => refused(
                format!("GitHub refused {} with {}: {words}", call.about.words(), status.as_u16()),
                "mend what it says; it will not be tried again by itself".to_owned(),
            ),
        }
    }

    fn forbidden(&self, call: &Call, answer: &Answer) -> Fault {
        let right = answer.rights().unwrap_or_else(|| call.route.right.to_owned());
        refused(
            format!("GitHub does not allow us this: {}", answer.words()),
            format!("give the token or the App these rights on {}: {right}", self.repository),
        )
    }

    /// The thing is not there, unless it is the repository that we do not see.
    async fn missing(&self, call: &Call) -> Fault {
        if call.about != About::Repository {
            match self.look().await {
                Ok(found) if found.status.is_success() => return Fault::Gone { what: call.about.words() },
                Ok(found) if found.status.is_redirection() => return self.renamed(&found).await,
                Ok(_) => {}
                Err(fault) => return fault,
            }
        }
        refused(
            format!("GitHub shows us no repository {}, or not this of it", self.repository),
            format!("check its name, and give the token or the App these rights on it: {}", call.route.right),
        )
    }

    /// It is elsewhere: the repository, or this one issue of it.
    async fn moved(&self, call: &Call, answer: &Answer) -> Fault {
        if call.route.path == route::REPOSITORY.path {
            return self.renamed(answer).await;
        }
        match self.look().await {
            Ok(found) if found.status.is_redirection() => self.renamed(&found).await,
            Ok(found) if found.status.is_success() => {
                let place = answer.location().map(clean).unwrap_or_default();
                Fault::Gone { what: format!("{} (moved to {place})", call.about.words()) }
            }
            Ok(_) => self.missing(call).await,
            Err(fault) => fault,
        }
    }

    /// How the repository is called now.
    async fn renamed(&self, answer: &Answer) -> Fault {
        let place = answer.location().map(clean).unwrap_or_default();
        let id = self.id.get().copied().map_or_else(|| id_in(&place), |id| Some(id.to_string()));
        let named = async {
            let call = self.call(&route::REPOSITORY_BY_ID, &[&id?], About::Repository).ok()?;
            let answer = self.exchange(&call).await.ok().filter(|answer| answer.status.is_success())?;
            shape::<Renamed>(&call, &answer).ok()
        };
        let named = named.await;
        Fault::Moved { to: named.map_or(place, |Renamed { full_name }| clean(&full_name)) }
    }

    async fn look(&self) -> Result<Answer, Fault> {
        self.exchange(&self.call(&route::REPOSITORY, &[], About::Repository)?).await
    }
}

/// The id in an address such as `/repositories/42/issues/7`.
fn id_in(place: &str) -> Option<String> {
    let (_, rest) = place.split_once("/repositories/")?;
    let id: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!id.is_empty()).then_some(id)
}

fn refused(why: String, next: String) -> Fault {
    Fault::Refused { why, next }
}
