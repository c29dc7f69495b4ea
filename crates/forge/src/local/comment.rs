//! Comments on issues and pull requests.

use domain::time::Time;
use store::local::{comment, event, issue};

use crate::local::act::{No, act, read};
use crate::local::issue::held;
use crate::local::{Local, account, bounds, gone};
use crate::{Comment, Fault};

impl Local {
    /// Changes what a comment says.
    pub async fn edit_comment(&self, id: i64, body: &str) -> Result<(), Fault> {
        bounds::said(body)?;
        act!(self, |tx| async {
            let missing = || gone(format!("the comment {id}"));
            let row = comment::find(tx, self.name(), id).await?.ok_or_else(missing)?;
            let issue = held(tx, self.name(), row.number).await?;
            if !comment::edit(tx, self.name(), id, body).await? {
                return Err(No::from(missing()));
            }
            issue::write(tx, self.name(), &issue).await?;
            Ok(event::add(tx, self.name(), Some(row.number), self.who(), "comment edited", &id.to_string()).await?)
        })
    }

    /// The last comments on an issue or a pull request, the latest first, so many at most.
    pub async fn last_comments(&self, number: i64, most: i64) -> Result<Vec<Comment>, Fault> {
        let rows = read!(self, |tx| comment::last(tx, self.name(), number, most))?;
        Ok(rows.into_iter().map(shown).collect())
    }

    pub(super) async fn commented(&self, number: i64, body: &str) -> Result<Comment, Fault> {
        bounds::said(body)?;
        act!(self, |tx| async {
            let issue = held(tx, self.name(), number).await?;
            let id = store::local::next_id(tx, self.name()).await?;
            comment::add(tx, self.name(), id, number, self.who(), body).await?;
            issue::write(tx, self.name(), &issue::Row { comments: issue.comments + 1, ..issue }).await?;
            event::add(tx, self.name(), Some(number), self.who(), "commented", &id.to_string()).await?;
            let (now, author) = (tx.now(), self.me.clone());
            Ok::<_, No>(Comment { id, body: body.to_owned(), author, created_at: now, updated_at: now })
        })
    }

    pub(super) async fn all_comments(&self, number: i64, since: Option<Time>) -> Result<Vec<Comment>, Fault> {
        let found = read!(self, |tx| async {
            let issue = issue::find(tx, self.name(), number).await?;
            let rows = comment::list(tx, self.name(), number, since.unwrap_or(Time(0))).await?;
            Ok(issue.map(|_| rows))
        })?;
        let rows = found.ok_or_else(|| gone(format!("number {number}")))?;
        Ok(rows.into_iter().map(shown).collect())
    }
}

fn shown(row: comment::Row) -> Comment {
    Comment {
        id: row.id,
        author: account(&row.author, &row.author_kind),
        body: row.body,
        created_at: Time(row.created_at),
        updated_at: Time(row.updated_at),
    }
}
