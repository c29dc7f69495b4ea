//! The labels of the repository, and of one issue or pull request.

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use super::Inner;
use super::answer::shape;
use super::ask::Reach;
use super::call::About;
use super::route;
use crate::{Fault, Label};

/// Two thousand labels.
const REACH: Reach = Reach { page: 100, pages_max: 20 };

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
