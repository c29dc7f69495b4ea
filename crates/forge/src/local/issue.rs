//! Issues: opened, read, changed and deleted; and what was done to them.

use std::collections::HashMap;

use domain::time::Time;
use store::Tx;
use store::local::{event, issue, label};

use crate::local::act::{No, TRIES_MAX, act, read};
use crate::local::pull::Turn;
use crate::local::{Local, account, bounds, gone, refused};
use crate::{Account, Closed, Edit, Fault, Issue, IssueState, NewIssue};

/// The most issues or events that are shown at once: more than a person reads, less than a page of memory.
pub const PAGE_MAX: i64 = 500;

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id; a later event has a larger one.
    pub id: i64,
    /// The issue or pull request; none when it is about the repository.
    pub number: Option<i64>,
    /// When.
    pub at: Time,
    /// Who.
    pub actor: Account,
    /// What they did, in a word such as `labeled`.
    pub what: String,
    /// To what, such as the name of the label.
    pub detail: String,
}

impl Local {
    /// Up to [`PAGE_MAX`] issues whoever opened them, open or closed, beyond this number, by number.
    pub async fn issues(&self, after: i64) -> Result<Vec<Issue>, Fault> {
        let found = read!(self, |tx| async {
            let rows = issue::list(tx, self.name(), after, PAGE_MAX).await?;
            self.dressed(tx, rows).await
        })?;
        Ok(found)
    }

    /// Removes an issue for good. Its number is never given again.
    pub async fn delete_issue(&self, number: i64) -> Result<(), Fault> {
        act!(self, |tx| async {
            let row = held(tx, self.name(), number).await?;
            if row.kind == "pull" {
                return Err(No::from(refused("a pull request cannot be deleted", "close it")));
            }
            issue::remove(tx, self.name(), &row).await?;
            Ok(event::add(tx, self.name(), Some(number), self.who(), "deleted", &row.title).await?)
        })
    }

    /// Up to [`PAGE_MAX`] events after the one with this id, of one number or of everything, oldest first.
    pub async fn events(&self, number: Option<i64>, after: i64) -> Result<Vec<Event>, Fault> {
        let rows = read!(self, |tx| async {
            match number {
                Some(number) => event::of_number(tx, self.name(), number, after, PAGE_MAX).await,
                None => event::list(tx, self.name(), after, PAGE_MAX).await,
            }
        })?;
        Ok(rows.into_iter().map(happened).collect())
    }

    pub(super) async fn one_issue(&self, number: i64) -> Result<Issue, Fault> {
        let found = read!(self, |tx| async {
            let row = issue::find(tx, self.name(), number).await?;
            self.dressed(tx, row.into_iter().collect()).await
        })?;
        found.into_iter().next().ok_or_else(|| gone(format!("number {number}")))
    }

    pub(super) async fn my_issues(&self) -> Result<Vec<Issue>, Fault> {
        read!(self, |tx| async {
            let rows = issue::by_author(tx, self.name(), self.who()).await?;
            self.dressed(tx, rows).await
        })
    }

    pub(super) async fn opened_issue(&self, new: &NewIssue) -> Result<Issue, Fault> {
        bounds::title(&new.title)?;
        bounds::body(&new.body)?;
        bounds::labels(new.labels.len())?;
        new.labels.iter().try_for_each(|name| bounds::label(name))?;
        self.known().await?;
        act!(self, |tx| async {
            let number = store::local::next_number(tx, self.name()).await?;
            let row = issue::New { kind: "issue", title: &new.title, body: &new.body, author: self.who() };
            issue::add(tx, self.name(), number, row).await?;
            event::add(tx, self.name(), Some(number), self.who(), "opened", "").await?;
            for name in &new.labels {
                self.wear(tx, number, name).await?;
            }
            let row = issue::find(tx, self.name(), number).await?;
            let shown = self.dressed(tx, row.into_iter().collect()).await?;
            shown.into_iter().next().ok_or(No::Store(store::Fault::Conflict))
        })
    }

    pub(super) async fn edited_issue(&self, number: i64, edit: &Edit) -> Result<(), Fault> {
        edit.title.as_deref().map_or(Ok(()), bounds::title)?;
        edit.body.as_deref().map_or(Ok(()), bounds::body)?;
        for _ in 0..TRIES_MAX {
            let turn = self.turn(number, edit.state).await?;
            if self.edited_so(number, edit, turn.as_ref()).await? {
                return Ok(());
            }
        }
        Err(Fault::Later { why: format!("{number} was closed and opened each time"), after: None })
    }

    /// False, and nothing is done, when a pull request has been closed or opened since it was looked how it is to turn.
    async fn edited_so(&self, number: i64, edit: &Edit, turn: Option<&Turn>) -> Result<bool, Fault> {
        act!(self, |tx| async {
            let was = held(tx, self.name(), number).await?;
            let row = changed(&was, edit);
            if row == was {
                return Ok::<_, No>(true);
            }
            if row.state != was.state && was.kind == "pull" {
                let Some(turn) = turn else { return Ok(false) };
                self.turned(tx, number, turn).await?;
            }
            issue::write(tx, self.name(), &row).await?;
            if (&row.title, &row.body) != (&was.title, &was.body) {
                event::add(tx, self.name(), Some(number), self.who(), "edited", "").await?;
            }
            if (&row.state, &row.reason) != (&was.state, &was.reason) {
                let what = if row.state == "open" { "reopened" } else { "closed" };
                let reason = row.reason.as_deref().unwrap_or_default();
                event::add(tx, self.name(), Some(number), self.who(), what, reason).await?;
            }
            Ok(true)
        })
    }

    /// Issues as they are shown, with their labels.
    pub(super) async fn dressed(&self, tx: &mut Tx, rows: Vec<issue::Row>) -> Result<Vec<Issue>, store::Fault> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
        let mut labels: HashMap<i64, Vec<String>> = HashMap::new();
        for (number, name) in label::worn(tx, self.name(), first.number, last.number).await? {
            labels.entry(number).or_default().push(name);
        }
        let shown = rows.into_iter().map(|row| {
            let worn = labels.remove(&row.number).unwrap_or_default();
            self.shown(row, worn)
        });
        Ok(shown.collect())
    }

    fn shown(&self, row: issue::Row, labels: Vec<String>) -> Issue {
        Issue {
            number: row.number,
            url: format!("local:{}/issues/{}", self.name(), row.number),
            state: state(&row.state, row.reason.as_deref()),
            labels,
            author: account(&row.author, &row.author_kind),
            title: row.title,
            body: row.body,
            created_at: Time(row.created_at),
            updated_at: Time(row.updated_at),
            comments: row.comments,
        }
    }
}

/// The issue or pull request of this number, held still until the transaction ends.
pub(super) async fn held(tx: &mut Tx, repository: &str, number: i64) -> Result<issue::Row, No> {
    let row = issue::load(tx, repository, number).await?;
    row.ok_or_else(|| gone(format!("number {number}")).into())
}

/// How it stands after an edit.
fn changed(was: &issue::Row, edit: &Edit) -> issue::Row {
    let mut row = was.clone();
    if let Some(title) = &edit.title {
        row.title.clone_from(title);
    }
    if let Some(body) = &edit.body {
        row.body.clone_from(body);
    }
    match edit.state {
        // What is merged stays so: opening it again is refused elsewhere.
        _ if was.state == "merged" => {}
        None => {}
        Some(IssueState::Open) => (row.state, row.reason) = ("open".to_owned(), None),
        Some(IssueState::Closed(reason)) => {
            let reason = reason_name(reason).filter(|_| was.kind == "issue");
            (row.state, row.reason) = ("closed".to_owned(), reason.map(str::to_owned));
        }
    }
    row
}

fn state(state: &str, reason: Option<&str>) -> IssueState {
    match (state, reason) {
        ("open", _) => IssueState::Open,
        (_, Some("completed")) => IssueState::Closed(Closed::Completed),
        (_, Some("not_planned")) => IssueState::Closed(Closed::NotPlanned),
        (_, Some("duplicate")) => IssueState::Closed(Closed::Duplicate),
        _ => IssueState::Closed(Closed::Unsaid),
    }
}

fn reason_name(reason: Closed) -> Option<&'static str> {
    match reason {
        Closed::Completed => Some("completed"),
        Closed::NotPlanned => Some("not_planned"),
        Closed::Duplicate => Some("duplicate"),
        Closed::Unsaid => None,
    }
}

fn happened(row: event::Row) -> Event {
    Event {
        id: row.id,
        number: row.number,
        at: Time(row.at),
        actor: account(&row.actor, &row.actor_kind),
        what: row.what,
        detail: row.detail,
    }
}
