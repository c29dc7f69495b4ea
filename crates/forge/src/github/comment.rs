//! Comments on an issue or pull request.

use domain::time::{Span, Time};
use serde::{Deserialize, Serialize};

use super::Inner;
use super::answer::{Moment, User, account, shape};
use super::ask::Reach;
use super::call::About;
use super::route;
use crate::{Account, Comment, Fault};

/// Three thousand comments, and an issue takes 2,500. A page has so few that one of the longest is still read whole.
const REACH: Reach = Reach { page: 20, pages_max: 150 };

/// GitHub's moments are whole seconds.
const SECOND: Span = Span::secs(1);

#[derive(Deserialize)]
struct Found {
    id: i64,
    body: Option<String>,
    user: Option<User>,
    created_at: Moment,
    updated_at: Moment,
}

#[derive(Serialize)]
struct New<'a> {
    body: &'a str,
}

impl Found {
    fn comment(self, me: &Account) -> Comment {
        let (created_at, updated_at) = (self.created_at.0, self.updated_at.0);
        let body = self.body.unwrap_or_default();
        Comment { id: self.id, body, author: account(self.user, me), created_at, updated_at }
    }
}

impl Inner {
    pub(super) async fn comments(&self, number: i64, since: Option<Time>) -> Result<Vec<Comment>, Fault> {
        let me = self.me().await?;
        let call = self.call(&route::COMMENTS, &[&number.to_string()], About::Issue(number))?;
        // What was written within the second of `since` may have come after it.
        let since = since.map(|since| Time(since.0.div_euclid(SECOND.0) * SECOND.0));
        // A second more is asked for, so that it does not matter whether GitHub means "at" or "after".
        let asked = since.map(|since| (since - SECOND).max(Time(0)).iso());
        let query: Vec<_> = asked.as_deref().map(|asked| ("since", asked)).into_iter().collect();
        let found = self.pages(call.query(&query), REACH, |page: Vec<Found>| page).await?;
        let comments = found.whole("comments on one issue")?.into_iter().map(|found| found.comment(&me));
        let mut comments: Vec<_> = comments.filter(|comment| Some(comment.updated_at) >= since).collect();
        comments.sort_by_key(|comment| (comment.created_at, comment.id));
        comments.dedup_by_key(|comment| comment.id);
        Ok(comments)
    }

    pub(super) async fn comment(&self, number: i64, body: &str) -> Result<Comment, Fault> {
        let me = self.me().await?;
        let call = self.call(&route::COMMENT, &[&number.to_string()], About::Issue(number))?.body(&New { body })?;
        let answer = self.ask(&call).await?;
        Ok(shape::<Found>(&call, &answer)?.comment(&me))
    }
}
