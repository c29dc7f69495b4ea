//! Labels: made, renamed, put on and taken off.

use domain::time::Time;
use store::Tx;
use store::local::{event, issue, label};

use crate::local::act::{No, act, read};
use crate::local::issue::held;
use crate::local::{Local, account, bounds, gone, refused};
use crate::{Fault, Label, LabelChange, LabelEvent, LabelEvents};

/// The color of a label that was never made on purpose: GitHub's.
const COLOR: &str = "ededed";

/// How many changes of the labels of one number are told: what is read of GitHub at most.
const EVENTS_MAX: i64 = 1_000;

impl Local {
    /// Gives a label another name; whoever wears it wears it still.
    pub async fn rename_label(&self, name: &str, new: &str) -> Result<(), Fault> {
        bounds::label(new)?;
        act!(self, |tx| self.renamed(tx, name, new))
    }

    pub(super) async fn made_label(&self, wish: &Label) -> Result<Label, Fault> {
        bounds::label(&wish.name)?;
        bounds::color(&wish.color)?;
        bounds::within("the description", &wish.description, bounds::DESCRIPTION_CHARS_MAX)?;
        self.known().await?;
        let row = act!(self, |tx| self.label_of(tx, &wish.name, &wish.color, &wish.description))?;
        Ok(shown(row))
    }

    pub(super) async fn put_label(&self, number: i64, name: &str) -> Result<(), Fault> {
        bounds::label(name)?;
        act!(self, |tx| async {
            let issue = held(tx, self.name(), number).await?;
            if self.wear(tx, number, name).await? {
                issue::write(tx, self.name(), &issue).await?;
            }
            Ok::<_, No>(())
        })
    }

    pub(super) async fn take_label(&self, number: i64, name: &str) -> Result<(), Fault> {
        act!(self, |tx| async {
            let issue = held(tx, self.name(), number).await?;
            let Some(row) = label::by_name(tx, self.name(), name).await? else { return Ok::<_, No>(()) };
            if label::take_off(tx, self.name(), number, &row.id).await? {
                issue::write(tx, self.name(), &issue).await?;
                event::add(tx, self.name(), Some(number), self.who(), "unlabeled", &row.name).await?;
            }
            Ok(())
        })
    }

    pub(super) async fn labelled(&self, number: i64) -> Result<LabelEvents, Fault> {
        let found = read!(self, |tx| async {
            let issue = issue::find(tx, self.name(), number).await?;
            let rows = event::labelling(tx, self.name(), number, EVENTS_MAX + 1).await?;
            Ok(issue.map(|_| rows))
        })?;
        let rows = found.ok_or_else(|| gone(format!("number {number}")))?;
        let most = usize::try_from(EVENTS_MAX).unwrap_or(usize::MAX);
        let complete = rows.len() <= most;
        let events = rows.into_iter().take(most).rev().map(changed).collect();
        Ok(LabelEvents { events, complete })
    }

    /// Puts a label on a number, and makes it first where it is missing; false when it was on it.
    pub(super) async fn wear(&self, tx: &mut Tx, number: i64, name: &str) -> Result<bool, No> {
        let row = self.label_of(tx, name, COLOR, "").await?;
        if !label::put_on(tx, self.name(), number, &row.id).await? {
            return Ok(false);
        }
        let count = label::count_on(tx, self.name(), number).await?;
        bounds::labels(usize::try_from(count).unwrap_or(usize::MAX))?;
        event::add(tx, self.name(), Some(number), self.who(), "labeled", &row.name).await?;
        Ok(true)
    }

    /// The label of this name, made where it is missing.
    async fn label_of(&self, tx: &mut Tx, name: &str, color: &str, description: &str) -> Result<label::Row, No> {
        if let Some(row) = label::by_name(tx, self.name(), name).await? {
            return Ok(row);
        }
        let row = label::Row {
            id: self.mint(tx.now()),
            name: name.to_owned(),
            color: color.to_ascii_lowercase(),
            description: description.to_owned(),
        };
        if !label::add(tx, self.name(), &row).await? {
            return Err(store::Fault::Conflict.into());
        }
        event::add(tx, self.name(), None, self.who(), "label made", name).await?;
        Ok(row)
    }

    async fn renamed(&self, tx: &mut Tx, name: &str, new: &str) -> Result<(), No> {
        let missing = || gone(format!("the label {name}"));
        let row = label::by_name(tx, self.name(), name).await?.ok_or_else(missing)?;
        let other = label::by_name(tx, self.name(), new).await?.filter(|other| other.id != row.id);
        if other.is_some() {
            return Err(refused(format!("another label is called {new}"), "choose another name").into());
        }
        if !label::rename(tx, self.name(), &row.id, new).await? {
            return Err(missing().into());
        }
        let told = format!("{} to {new}", row.name);
        Ok(event::add(tx, self.name(), None, self.who(), "label renamed", &told).await?)
    }
}

fn changed(row: event::Row) -> LabelEvent {
    LabelEvent {
        id: row.id,
        label: row.detail,
        what: if row.what == "labeled" { LabelChange::Added } else { LabelChange::Removed },
        actor: account(&row.actor, &row.actor_kind),
        at: Time(row.at),
    }
}

/// A label as it is shown.
pub(super) fn shown(row: label::Row) -> Label {
    Label { id: row.id, name: row.name, color: row.color, description: row.description }
}
