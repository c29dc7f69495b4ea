//! The labels of the repository, and of one issue or pull request, and who put them there.

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use super::Inner;
use super::answer::{Moment, Named, User, account, shape};
use super::ask::Reach;
use super::call::About;
use super::route;
use crate::{Account, Fault, Label, LabelChange, LabelEvent, LabelEvents};

/// Two thousand labels.
const REACH: Reach = Reach { page: 100, pages_max: 20 };

/// The latest thousand events of one issue or pull request, of which those of labels are some.
const EVENT_REACH: Reach = Reach { page: 100, pages_max: 10 };

/// What GitHub says when the issue is there and the label is not on it.
const NOT_ON_IT: &str = "Label does not exist";

#[derive(Deserialize)]
struct Found {
    id: i64,
    name: String,
    #[serde(default)]
    color: String,
    #[serde(default)]
    description: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    id: i64,
    event: String,
    actor: Option<User>,
    created_at: Moment,
    #[serde(default)]
    label: Option<Named>,
}

#[derive(Serialize)]
struct New<'a> {
    name: &'a str,
    color: &'a str,
    description: &'a str,
}

#[derive(Serialize)]
struct Names<'a> {
    labels: [&'a str; 1],
}

impl From<Found> for Label {
    fn from(Found { id, name, color, description }: Found) -> Self {
        Self { id: id.to_string(), name, color, description: description.unwrap_or_default() }
    }
}

impl Event {
    /// What it says of a label; the fault is that it does not say of which.
    fn change(self, me: &Account) -> Option<Result<LabelEvent, ()>> {
        let what = match self.event.as_str() {
            "labeled" => LabelChange::Added,
            "unlabeled" => LabelChange::Removed,
            _ => return None,
        };
        let Some(label) = self.label.and_then(Named::name) else { return Some(Err(())) };
        let (id, actor, at) = (self.id, account(self.actor, me), self.created_at.0);
        Some(Ok(LabelEvent { id, label, what, actor, at }))
    }
}

impl Inner {
    pub(super) async fn labels(&self) -> Result<Vec<Label>, Fault> {
        let call = self.call(&route::LABELS, &[], About::Repository)?;
        let found = self.pages(call, REACH, |page: Vec<Found>| page).await?.whole("labels")?;
        Ok(found.into_iter().map(Label::from).collect())
    }

    pub(super) async fn make_label(&self, label: &Label) -> Result<Label, Fault> {
        let new = New { name: &label.name, color: &label.color, description: &label.description };
        let call = self.call(&route::MAKE_LABEL, &[], About::Repository)?.body(&new)?;
        let answer = self.exchange(&call).await?;
        if answer.status.is_success() {
            return shape::<Found>(&call, &answer).map(Label::from);
        }
        let refusal = self.refusal(&call, &answer).await;
        if answer.status != StatusCode::UNPROCESSABLE_ENTITY {
            return Err(refusal);
        }
        // It exists, then, or it is refused for something else.
        let there = self.call(&route::LABEL, &[&label.name], About::Label(label.name.clone()))?;
        match self.get::<Found>(&there).await {
            Ok(found) => Ok(found.into()),
            Err(Fault::Gone { .. }) => Err(refusal),
            Err(fault) => Err(fault),
        }
    }

    pub(super) async fn add_label(&self, number: i64, label: &str) -> Result<(), Fault> {
        let call = self.call(&route::ADD_LABEL, &[&number.to_string()], About::Issue(number))?;
        self.ask(&call.body(&Names { labels: [label] })?).await.map(drop)
    }

    pub(super) async fn label_events(&self, number: i64) -> Result<LabelEvents, Fault> {
        let me = self.me().await?;
        let call = self.call(&route::EVENTS, &[&number.to_string()], About::Issue(number))?;
        let found = self.latest(call, EVENT_REACH, |page: Vec<Event>| page).await?;
        let (mut events, mut complete) = (Vec::new(), found.complete);
        for change in found.items.into_iter().filter_map(|event| event.change(&me)) {
            match change {
                Ok(event) => events.push(event),
                Err(()) => complete = false,
            }
        }
        events.sort_by_key(|event| event.id);
        events.dedup_by_key(|event| event.id);
        Ok(LabelEvents { events, complete })
    }

    pub(super) async fn remove_label(&self, number: i64, label: &str) -> Result<(), Fault> {
        let call = self.call(&route::REMOVE_LABEL, &[&number.to_string(), label], About::Issue(number))?;
        let answer = self.exchange(&call).await?;
        if answer.status.is_success() || (answer.status == StatusCode::NOT_FOUND && answer.words() == NOT_ON_IT) {
            return Ok(());
        }
        let refusal = self.refusal(&call, &answer).await;
        if answer.status != StatusCode::NOT_FOUND {
            return Err(refusal);
        }
        // In other words than we know, it is the issue or the label that is not there: the issue tells.
        self.exists(number).await
    }
}
